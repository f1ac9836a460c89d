// Powers, and functions of two floats: SLEEF's of 1 ULP, and exact ones.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/power.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include <hwy/highway.h>

#include "lib/kernels/sleef_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

NDSHARE_SLEEF_BINARY(AnyPow, pow, u10)
NDSHARE_SLEEF_BINARY(Hypot, hypot, u05)
NDSHARE_SLEEF_BINARY(Atan2, atan2, u10)
NDSHARE_SLEEF_UNARY(ExpOf, exp, u10, u10)
NDSHARE_SLEEF_UNARY(Exp2Of, exp2, u10, u10)
NDSHARE_SLEEF_UNARY(Log1pOf, log1p, u10, u10)

// SLEEF's overflows a few ULP too early: the largest number to the power 1 is to be itself.
struct Pow {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
    using D = hn::DFromV<V>;
    return hn::IfThenElse(hn::Eq(y, hn::Set(D(), hn::TFromD<D>(1))), x, AnyPow::call(x, y));
  }
};
// The larger, and what the smaller adds: log1p(e^−|x − y|). Equal operands (infinities too) have no difference.
template <class V>
HWY_INLINE V log_of_sum(V x, V y, V small, V log_2) noexcept {
  const V larger = hn::IfThenElse(hn::Gt(x, y), x, y);
  return hn::IfThenElse(hn::Eq(x, y), hn::Add(x, log_2), hn::Add(larger, small));
}
struct Logaddexp {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
    using D = hn::DFromV<V>;
    const D d;
    const V small = Log1pOf::call(ExpOf::call(hn::Neg(hn::Abs(hn::Sub(x, y)))));
    return log_of_sum(x, y, small, hn::Set(d, hn::TFromD<D>(0.693147180559945309417232121458)));
  }
};
struct Logaddexp2 {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
    using D = hn::DFromV<V>;
    const D d;
    const V small = Log1pOf::call(Exp2Of::call(hn::Neg(hn::Abs(hn::Sub(x, y)))));
    const V log2_e = hn::Set(d, hn::TFromD<D>(1.44269504088896340735992468100));
    return log_of_sum(x, y, hn::Mul(small, log2_e), hn::Set(d, hn::TFromD<D>(1)));
  }
};
struct Copysign {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept { return hn::CopySign(x, y); }
};
struct Heaviside {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
    using D = hn::DFromV<V>;
    const D d;
    const V zero = hn::Zero(d), one = hn::Set(d, hn::TFromD<D>(1));
    const V step = hn::IfThenElse(hn::Lt(x, zero), zero, hn::IfThenElse(hn::Eq(x, zero), y, one));
    return hn::IfThenElse(hn::Eq(x, x), step, x);
  }
};

}  // namespace

void fill_power_table(KernelTable* table) {
  set_vector_binary<Pow, true>(*table, BinaryOp::pow);
  set_vector_binary<Hypot, true>(*table, BinaryOp::hypot);
  set_vector_binary<Atan2, false>(*table, BinaryOp::atan2);
  set_vector_binary<Logaddexp, true>(*table, BinaryOp::logaddexp);
  set_vector_binary<Logaddexp2, true>(*table, BinaryOp::logaddexp2);
  set_vector_binary<Copysign, false>(*table, BinaryOp::copysign);
  set_vector_binary<Heaviside, false>(*table, BinaryOp::heaviside);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_power_table);
void fill_power(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_power_table)(&table); }
}  // namespace ndshare::internal
#endif
