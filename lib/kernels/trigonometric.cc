// Trigonometric and hyperbolic functions: SLEEF's of 1 ULP, with their edges mended.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/trigonometric.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include <hwy/highway.h>

#include "lib/kernels/sleef_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

NDSHARE_SLEEF_UNARY(Sin, sin, u10)
NDSHARE_SLEEF_UNARY(Cos, cos, u10)
NDSHARE_SLEEF_UNARY(Tan, tan, u10)
NDSHARE_SLEEF_UNARY(Asin, asin, u10)
NDSHARE_SLEEF_UNARY(Acos, acos, u10)
NDSHARE_SLEEF_UNARY(Atan, atan, u10)
NDSHARE_SLEEF_UNARY(Sinh, sinh, u10)
NDSHARE_SLEEF_UNARY(Cosh, cosh, u10)
NDSHARE_SLEEF_UNARY(Tanh, tanh, u10)
NDSHARE_SLEEF_UNARY(SmallAsinh, asinh, u10)
NDSHARE_SLEEF_UNARY(SmallAcosh, acosh, u10)
NDSHARE_SLEEF_UNARY(Atanh, atanh, u10)
NDSHARE_SLEEF_UNARY(NaturalLog, log, u10)

// SLEEF's are infinite from the square root of the largest number on; from far below that they are log(2|x|).
template <class V>
HWY_INLINE V log_of_twice(V x) noexcept {
  using D = hn::DFromV<V>;
  return hn::Add(NaturalLog::call(hn::Abs(x)), hn::Set(D(), hn::TFromD<D>(0.693147180559945309417232121458)));
}
template <class V>
HWY_INLINE auto is_large(V x) noexcept {
  using D = hn::DFromV<V>;
  return hn::Gt(hn::Abs(x), hn::Set(D(), hn::TFromD<D>(1e17F)));
}
struct Asinh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const hn::DFromV<V> d;
    const auto large = is_large(x);
    const V small = hn::CopySign(SmallAsinh::call(x), x);
    if (hn::AllFalse(d, large)) return small;
    return hn::IfThenElse(large, hn::CopySign(log_of_twice(x), x), small);
  }
};
struct Acosh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const hn::DFromV<V> d;
    const auto large = hn::And(is_large(x), hn::Gt(x, hn::Zero(d)));
    const V small = SmallAcosh::call(x);
    if (hn::AllFalse(d, large)) return small;
    return hn::IfThenElse(large, log_of_twice(x), small);
  }
};

}  // namespace

void fill_trigonometric_table(KernelTable* table) {
  set_vector_unary<Sin, true>(*table, UnaryOp::sin);
  set_vector_unary<Cos, true>(*table, UnaryOp::cos);
  set_vector_unary<Tan, true>(*table, UnaryOp::tan);
  set_vector_unary<Asin, true>(*table, UnaryOp::asin);
  set_vector_unary<Acos, true>(*table, UnaryOp::acos);
  set_vector_unary<Atan, false>(*table, UnaryOp::atan);
  set_vector_unary<Sinh, true>(*table, UnaryOp::sinh);
  set_vector_unary<Cosh, true>(*table, UnaryOp::cosh);
  set_vector_unary<Tanh, false>(*table, UnaryOp::tanh);
  set_vector_unary<Asinh, false>(*table, UnaryOp::asinh);
  set_vector_unary<Acosh, true>(*table, UnaryOp::acosh);
  set_vector_unary<Atanh, true>(*table, UnaryOp::atanh);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_trigonometric_table);
void fill_trigonometric(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_trigonometric_table)(&table); }
}  // namespace ndshare::internal
#endif
