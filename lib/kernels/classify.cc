// isnan, isinf, isfinite, logical_not: bytes 0 and 1. Integers are never NaN nor infinite.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/classify.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <cmath>
#include <initializer_list>
#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

using Byte = std::uint8_t;

struct IsNan {
  template <class T>
  static HWY_INLINE Byte call(T a) noexcept {
    return a != a;
  }
  static HWY_INLINE Byte call(std::uint16_t half_magnitude) noexcept { return half_magnitude > 0x7c00U; }
  template <class T>
  static HWY_INLINE Byte call(Pair<T> a) noexcept {
    return call(a.re) | call(a.im);
  }
};
struct IsInf {
  template <class T>
  static HWY_INLINE Byte call(T a) noexcept {
    return std::fabs(a) == std::numeric_limits<T>::infinity();
  }
  static HWY_INLINE Byte call(std::uint16_t half_magnitude) noexcept { return half_magnitude == 0x7c00U; }
  template <class T>
  static HWY_INLINE Byte call(Pair<T> a) noexcept {
    return call(a.re) | call(a.im);
  }
};
struct IsFinite {
  template <class T>
  static HWY_INLINE Byte call(T a) noexcept {
    return std::fabs(a) < std::numeric_limits<T>::infinity();
  }
  static HWY_INLINE Byte call(std::uint16_t half_magnitude) noexcept { return half_magnitude < 0x7c00U; }
  template <class T>
  static HWY_INLINE Byte call(Pair<T> a) noexcept {
    return call(a.re) & call(a.im);
  }
};
struct IsZero {
  template <class T>
  static HWY_INLINE Byte call(T a) noexcept {
    return a == 0;
  }
  template <class T>
  static HWY_INLINE Byte call(Pair<T> a) noexcept {
    return (a.re == 0) & (a.im == 0);
  }
};

template <class Op>
void fill_classes(KernelTable& table, UnaryOp op) noexcept {
  slot(table, op, TypeId::float16) = unary_loop<Op, HalfMagnitude, Byte>;
  slot(table, op, TypeId::float32) = unary_loop<Op, float, Byte>;
  slot(table, op, TypeId::float64) = unary_loop<Op, double, Byte>;
  slot(table, op, TypeId::complex64) = unary_loop<Op, Pair<float>, Byte>;
  slot(table, op, TypeId::complex128) = unary_loop<Op, Pair<double>, Byte>;
}

void fill_classify_table(KernelTable* table) {
  fill_classes<IsNan>(*table, UnaryOp::isnan);
  fill_classes<IsInf>(*table, UnaryOp::isinf);
  fill_classes<IsFinite>(*table, UnaryOp::isfinite);
  fill_classes<IsZero>(*table, UnaryOp::logical_not);
  for (std::size_t type = 0; type < static_cast<std::size_t>(TypeId::float16); ++type) {  // bool and the integers
    slot(*table, UnaryOp::isnan, static_cast<TypeId>(type)) = fill_loop<1, 0>;
    slot(*table, UnaryOp::isinf, static_cast<TypeId>(type)) = fill_loop<1, 0>;
    slot(*table, UnaryOp::isfinite, static_cast<TypeId>(type)) = fill_loop<1, 1>;
  }
  const auto set = [&](std::initializer_list<TypeId> types, UnaryKernel kernel) {
    for (const TypeId type : types) slot(*table, UnaryOp::logical_not, type) = kernel;
  };
  set({TypeId::bool_, TypeId::int8, TypeId::uint8}, unary_loop<IsZero, std::uint8_t, Byte>);
  set({TypeId::int16, TypeId::uint16}, unary_loop<IsZero, std::uint16_t, Byte>);
  set({TypeId::int32, TypeId::uint32}, unary_loop<IsZero, std::uint32_t, Byte>);
  set({TypeId::int64, TypeId::uint64}, unary_loop<IsZero, std::uint64_t, Byte>);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_classify_table);
void fill_classify(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_classify_table)(&table); }
}  // namespace ndshare::internal
#endif
