// Exponentials, logarithms and the cube root: for AVX-512 own ones (elementary-inl.h, logarithm-inl.h), else SLEEF's of 1 ULP with
// their edges mended.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/exponential.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "lib/kernels/elementary-inl.h"
#include "lib/kernels/logarithm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

NDSHARE_SLEEF_UNARY(SleefExp, exp, u10, u10)
NDSHARE_SLEEF_UNARY(SleefExp2, exp2, u10, u10)
NDSHARE_SLEEF_UNARY(SleefExpm1, expm1, u10, u10)
NDSHARE_SLEEF_UNARY(SleefLog, log, u10, u10)
NDSHARE_SLEEF_UNARY(SleefLog1p, log1p, u10, u10)
NDSHARE_SLEEF_UNARY(SleefLog2, log2, u10, u10)
NDSHARE_SLEEF_UNARY(SleefLog10, log10, u10, u10)
NDSHARE_SLEEF_UNARY(SleefCbrt, cbrt, u10, u10)

#if HWY_TARGET == HWY_AVX3

struct Exp {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const Reduced<V> a = reduce_exp(clamp(x, -800, 800));
    return scale(hn::Add(set<V>(1), hn::Add(a.high, exp_tail(a))), a.n);
  }
};
struct Exp2 {  // 2^f = 1 + f ln 2 + f² q(f), |f| ≤ 1/2
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    static constexpr double kD[] = {0.24022650695910075,    0.0555041086648216,     0.009618129107618585,   0.0013333558146416842,
                                    0.00015403530424967557, 1.5252733829992543e-05, 1.3215451490948513e-06, 1.0178062350694542e-07,
                                    7.071010315943498e-09,  4.454979594231056e-10};
    static constexpr double kF[] = {0.24022650760979053,   0.055504108840179374,   0.009618082363670236,
                                    0.0013333502157117424, 0.00015453265182499115, 1.5297414854470708e-05};
    constexpr double kLn2 = kIsDouble<V> ? 0.6931471805599453 : 0x1.62e43p-1;
    constexpr double kLn2Low = kIsDouble<V> ? 2.3190468138462996e-17 : -0x1.05c610p-29;
    const V bounded = clamp(x, -1200, 1200), n = hn::Round(bounded), f = hn::Sub(bounded, n);
    V q;
    if constexpr (kIsDouble<V>) q = polynomial(f, kD);
    else q = polynomial(f, kF);
    const V low = hn::MulAdd(hn::Mul(f, f), q, hn::Mul(f, set<V>(kLn2Low)));
    return scale(hn::Add(set<V>(1), hn::MulAdd(f, set<V>(kLn2), low)), n);
  }
};
struct Expm1 {  // half of it, so that the largest does not overflow before its time
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const Sum<V> sum = exp_plus<-1, -1>(clamp(x, -50, kIsDouble<V> ? 709.9 : 88.9));
    const V half = hn::Add(sum.high, sum.low);
    return hn::IfThenElse(hn::Lt(hn::Abs(x), set<V>(0x1p-54)), x, hn::Add(half, half));
  }
};

// What a logarithm is at its pole, below it, and at infinity. NaN is neither above the pole nor at it.
template <class V>
HWY_INLINE V mend_log(V x, V y, V pole) noexcept {
  const V infinity = set<V>(kInfinity<V>);
  const V above = hn::IfThenElse(hn::Eq(x, infinity), x, y);
  const V at = hn::IfThenElse(hn::Eq(x, pole), hn::Neg(infinity), set<V>(std::numeric_limits<double>::quiet_NaN()));
  return hn::IfThenElse(hn::Gt(x, pole), above, at);
}
template <class Base>
struct LogTo {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const V zero = set<V>(0), y = log_of<Base, false>(x, zero, zero, zero);
    return HWY_UNLIKELY(some_not_positive(x)) ? mend_log(x, y, zero) : y;
  }
};
using Log = LogTo<BaseE>;
using Log2 = LogTo<Base2>;
using Log10 = LogTo<Base10>;

struct Log1p {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const V pole = set<V>(-1);
    V y = log1p_of(x, set<V>(0));
    if (HWY_UNLIKELY(some_not_positive(hn::Sub(x, pole)))) y = mend_log(x, y, pole);
    return hn::IfThenElse(hn::Eq(x, set<V>(0)), x, y);  // of −0: −0
  }
};

// a^(-1/3) to 9 bits, a step of third order to 31, and a^(1/3) = a y² with a step of Newton's. x = a 2^3k, a from 0.75 to 6.
struct Cbrt {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    static constexpr double kRough[] = {1.6925241751579216, -1.1758890379639368, 0.6101908102365716, -0.1268802402209564};
    const V size = hn::Abs(x);
    const Split<V> s = split(size);
    const V k = hn::Floor(hn::Mul(hn::Add(s.e, set<V>(0.5)), set<V>(1.0 / 3)));
    const V j = hn::NegMulAdd(k, set<V>(3), s.e);  // 0, 1 or 2
    const V a = scale(s.m, j);
    const V of_1_or_2 = hn::IfThenElse(hn::Gt(j, set<V>(1.5)), set<V>(0.6299605249474366), set<V>(0.7937005259840998));
    const V y0 = hn::Mul(polynomial(s.m, kRough), hn::IfThenElse(hn::Gt(j, set<V>(0.5)), of_1_or_2, set<V>(1)));
    const V h = hn::NegMulAdd(hn::Mul(a, hn::Mul(y0, y0)), y0, set<V>(1));
    const V y = hn::MulAdd(hn::Mul(y0, h), hn::MulAdd(h, set<V>(2.0 / 9), set<V>(1.0 / 3)), y0);
    const V square = hn::Mul(y, y), c = hn::Mul(a, square);
    const V c2 = hn::Mul(c, c), c2_low = hn::MulSub(c, c, c2);
    const V above = hn::MulAdd(c2_low, c, hn::MulSub(c2, c, a));  // c³ − a
    const V root = scale(hn::NegMulAdd(above, hn::Mul(square, set<V>(1.0 / 3)), c), k);
    const auto plain = hn::And(hn::Gt(size, set<V>(0)), hn::Lt(size, set<V>(kInfinity<V>)));
    return hn::IfThenElse(plain, hn::CopySign(root, x), x);
  }
};

#else

// SLEEF's is infinite a little too early.
struct Exp {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    using T = hn::TFromD<hn::DFromV<V>>;
    const hn::DFromV<V> d;
    const V y = SleefExp::call(x), largest = hn::Set(d, sizeof(T) == 4 ? T(88.7) : T(709.7));
    const auto wrong = hn::And(hn::Gt(x, largest), hn::Lt(x, hn::Set(d, T(710))));
    return mended(wrong, y, [](const auto& lanes, std::size_t i) { return std::exp(static_cast<long double>(lanes[0][i])); }, x);
  }
};
using Exp2 = SleefExp2;
using Expm1 = SleefExpm1;
using Log = SleefLog;
using Log2 = SleefLog2;
using Log10 = SleefLog10;
using Cbrt = SleefCbrt;

// SLEEF's is infinite from 1e38 and 1e307 on; far below that 1 + x is x. It takes −0 to +0, too.
struct Log1p {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    using D = hn::DFromV<V>;
    const D d;
    const auto large = hn::Gt(x, hn::Set(d, hn::TFromD<D>(1e30F)));
    const V small = SleefLog1p::call(x);
    const V kept = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, small);
    if (hn::AllFalse(d, large)) return kept;
    return hn::IfThenElse(large, SleefLog::call(x), kept);
  }
};

#endif

}  // namespace

void fill_exponential_table(KernelTable* table) {
  set_vector_unary<Exp, true>(*table, UnaryOp::exp);
  set_vector_unary<Exp2, true>(*table, UnaryOp::exp2);
  set_vector_unary<Expm1, true>(*table, UnaryOp::expm1);
  set_vector_unary<Log, true>(*table, UnaryOp::log);
  set_vector_unary<Log1p, true>(*table, UnaryOp::log1p);
  set_vector_unary<Log2, true>(*table, UnaryOp::log2);
  set_vector_unary<Log10, true>(*table, UnaryOp::log10);
  set_vector_unary<Cbrt, false>(*table, UnaryOp::cbrt);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_exponential_table);
void fill_exponential(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_exponential_table)(&table); }
}  // namespace ndshare::internal
#endif
