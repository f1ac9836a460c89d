// Trigonometric and hyperbolic functions: SLEEF's, with their edges mended. Sine and cosine are those of 3.5 ULP: those of 1 ULP
// take up to twice their time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/trigonometric.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include <hwy/highway.h>

#include "lib/kernels/sleef_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

NDSHARE_SLEEF_UNARY(Sin, sin, u35, u35)
NDSHARE_SLEEF_UNARY(Cos, cos, u35, u35)
NDSHARE_SLEEF_UNARY(Tan, tan, u10, u10)
NDSHARE_SLEEF_UNARY(Asin, asin, u10, u10)
NDSHARE_SLEEF_UNARY(Acos, acos, u10, u10)
NDSHARE_SLEEF_UNARY(Atan, atan, u10, u10)
NDSHARE_SLEEF_UNARY(SmallSinh, sinh, u10, u10)
NDSHARE_SLEEF_UNARY(SmallCosh, cosh, u10, u10)
NDSHARE_SLEEF_UNARY(Tanh, tanh, u10, u10)
NDSHARE_SLEEF_UNARY(SmallAsinh, asinh, u10, u10)
NDSHARE_SLEEF_UNARY(SmallAcosh, acosh, u10, u10)
NDSHARE_SLEEF_UNARY(Atanh, atanh, u10, u10)
NDSHARE_SLEEF_UNARY(NaturalLog, log, u10, u10)
NDSHARE_SLEEF_UNARY(NaturalExp, exp, u10, u10)

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
// SLEEF's are infinite a little too early, where e^|x| is but half of it is not.
template <class V>
HWY_INLINE V half_of_exp(V size) noexcept {
  using D = hn::DFromV<V>;
  const V half = hn::Set(D(), hn::TFromD<D>(0.5));
  const V root = NaturalExp::call(hn::Mul(size, half));
  return hn::Mul(hn::Mul(half, root), root);
}
template <class V>
HWY_INLINE auto is_near_overflow(V size) noexcept {
  using D = hn::DFromV<V>;
  return hn::Gt(size, hn::Set(D(), hn::TFromD<D>(sizeof(hn::TFromD<D>) == 4 ? 88 : 709)));
}
struct Sinh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const hn::DFromV<V> d;
    const V size = hn::Abs(x), small = SmallSinh::call(x);
    const auto large = is_near_overflow(size);
    return hn::AllFalse(d, large) ? small : hn::IfThenElse(large, hn::CopySign(half_of_exp(size), x), small);
  }
};
struct Cosh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const hn::DFromV<V> d;
    const V size = hn::Abs(x), small = SmallCosh::call(x);
    const auto large = is_near_overflow(size);
    return hn::AllFalse(d, large) ? small : hn::IfThenElse(large, half_of_exp(size), small);
  }
};
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
