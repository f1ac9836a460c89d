// Hyperbolic functions and their inverses for AVX-512, float32 and float64: by e^x and log(1 + x) as sums of two numbers.

#if defined(NDSHARE_HYPERBOLIC_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_HYPERBOLIC_INL
#undef NDSHARE_HYPERBOLIC_INL
#else
#define NDSHARE_HYPERBOLIC_INL
#endif

#include <cmath>

#include <hwy/highway.h>

#include "lib/kernels/elementary-inl.h"
#include "lib/kernels/logarithm-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {

// Beyond this they are infinite.
template <class V>
inline constexpr double kLargestOfCosh = kIsDouble<V> ? 710.6 : 89.5;

// Half of it is Q + 1 / 16 Q with Q = e^|x| / 4.
struct Cosh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const Sum<V> quarter = exp_plus<0, -2>(clamp(hn::Abs(x), 0, kLargestOfCosh<V>));
    const V rest = quotient(set<V>(1.0 / 16), hn::Min(set<V>(0x1p60), hn::Add(quarter.high, quarter.low)));
    const V half = hn::Add(quarter.high, hn::Add(quarter.low, rest));
    return hn::IfThenElse(hn::Eq(x, x), hn::Add(half, half), x);
  }
};
// Half of it is Q − 1 / 16 Q, and near 0 its series: x + x³ p(x²).
struct Sinh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    static constexpr double kD[] = {0.16666666666666666,   0.00833333333333338,   0.00019841269840800824,
                                    2.7557319974185093e-06, 2.5051688486066424e-08, 1.6154923900305212e-10};
    static constexpr double kF[] = {0.16666667751722564, 0.008332943057843817, 0.00020049049538288768};
    const V size = clamp(hn::Abs(x), 0, kLargestOfCosh<V>), z = hn::Mul(size, size);
    const Sum<V> quarter = exp_plus<0, -2>(size);
    const V rest = quotient(set<V>(1.0 / 16), hn::Min(set<V>(0x1p60), hn::Add(quarter.high, quarter.low)));
    const V half = hn::Add(quarter.high, hn::Sub(quarter.low, rest));
    V p;
    if constexpr (kIsDouble<V>) p = polynomial(z, kD);
    else p = polynomial(z, kF);
    const V series = hn::MulAdd(hn::Mul(size, z), p, size);
    const V result = hn::IfThenElse(hn::Lt(size, set<V>(0.7)), series, hn::Add(half, half));
    return hn::IfThenElse(hn::Eq(x, x), odd(x, result), x);
  }
};
// E / (E + 2) with E = e^2|x| − 1; the remainder of the division is divided again.
struct Tanh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const V size = hn::Abs(x), two = set<V>(2);
    const Sum<V> e = exp_plus<-1, 0>(clamp(hn::Add(size, size), 0, 60));
    const V n = hn::Add(e.high, e.low), n_low = hn::Add(hn::Sub(e.high, n), e.low);
    const V d = hn::Add(n, two), d_low = hn::Add(hn::Sub(n, hn::Sub(d, two)), n_low);
    const V r = reciprocal(d), q = hn::Mul(n, r);
    const V remainder = hn::Add(hn::NegMulAdd(q, d, n), hn::NegMulAdd(q, d_low, n_low));
    return hn::IfThenElse(hn::Eq(x, x), odd(x, hn::MulAdd(remainder, r, q)), x);
  }
};

// From here on log(2x), or with a larger error than ½ in the last place nowhere: what is below 1 ULP of it is left out.
template <class V>
HWY_INLINE V log_of_twice_or(V size, V y, V y_low) noexcept {
  const auto large = hn::Gt(size, set<V>(0x1p28));
  const V one = set<V>(1), sum = hn::Add(one, y), back = hn::Sub(sum, one);
  const V lost = hn::Add(hn::Add(hn::Sub(one, hn::Sub(sum, back)), hn::Sub(y, back)), y_low);
  return log_of<BaseE, true>(hn::IfThenElse(large, hn::Add(size, size), sum), y, y_low, hn::IfThenZeroElse(large, lost));
}
// Twice the size would overflow, or is no number: those few one by one.
template <class V>
HWY_INLINE auto beyond_twice(V size) noexcept {
  return hn::Not(hn::Lt(size, set<V>(kIsDouble<V> ? 0x1p1022 : 0x1p126)));
}
// log(1 + |x| + x² / (1 + √(1 + x²)))
struct Asinh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const V all = hn::Abs(x), size = hn::Min(set<V>(0x1p30), all), square = hn::Mul(size, size), one = set<V>(1);
    const V t = quotient(square, hn::Add(one, hn::Sqrt(hn::Add(one, square))));
    const V y = hn::Add(size, t), y_low = hn::Add(hn::Sub(size, y), t);
    const V result = odd(x, log_of_twice_or(all, y, y_low));
    return mended(beyond_twice(all), result, [](const auto& lanes, std::size_t i) { return std::asinh(static_cast<long double>(lanes[0][i])); }, x);
  }
};
// log(1 + t + √(2t + t²)) with t = x − 1; the root's rounding is made good.
struct Acosh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const V t = hn::Min(set<V>(0x1p30), hn::Sub(x, set<V>(1))), twice = hn::Add(t, t);
    const V square = hn::MulAdd(t, t, twice), square_low = hn::MulAdd(t, t, hn::Sub(twice, square));
    const V root = hn::Sqrt(square);
    const V root_low = hn::Mul(hn::Add(hn::NegMulAdd(root, root, square), square_low), hn::Mul(rough_reciprocal(root), set<V>(0.5)));
    const V y = hn::Add(root, t), y_low = hn::Add(hn::Add(hn::Sub(root, y), t), root_low);
    const V result = log_of_twice_or(x, y, y_low);
    const auto rare = hn::Or(beyond_twice(x), hn::Not(hn::Gt(x, set<V>(1))));
    return mended(rare, result, [](const auto& lanes, std::size_t i) { return std::acosh(static_cast<long double>(lanes[0][i])); }, x);
  }
};
// ½ log(1 + 2|x| / (1 − |x|))
struct Atanh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const V size = hn::Abs(x), one = set<V>(1), n = hn::Add(size, size);
    const V d = hn::Sub(one, size), d_low = hn::Sub(hn::Sub(one, d), size);
    const V r = reciprocal(d), q = hn::Mul(n, r);
    const V q_low = hn::Mul(hn::NegMulAdd(q, d_low, hn::NegMulAdd(q, d, n)), r);
    const V sum = hn::Add(q, q_low), half = hn::Mul(log1p_of(sum, hn::Add(hn::Sub(q, sum), q_low)), set<V>(0.5));
    const auto rare = hn::Not(hn::Lt(size, one));
    return mended(rare, odd(x, half), [](const auto& lanes, std::size_t i) { return std::atanh(static_cast<long double>(lanes[0][i])); }, x);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();
#endif  // AVX3

#endif  // toggle
