// floor, ceil, trunc, rint and square roots. Integers are their own rounding.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/rounding.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <cmath>
#include <complex>
#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

struct Floor {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    return std::floor(a);
  }
};
struct Ceil {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    return std::ceil(a);
  }
};
struct Trunc {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    return std::trunc(a);
  }
};
struct Rint {  // the rounding mode is to nearest, halves to even: nobody here changes it
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    return std::rint(a);
  }
  template <class T>
  static HWY_INLINE Pair<T> call(Pair<T> a) noexcept {
    return {std::rint(a.re), std::rint(a.im)};
  }
};
struct Sqrt {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    return std::sqrt(a);
  }
  static HWY_INLINE Pair<double> call(Pair<double> a) noexcept {
    const std::complex<double> root = std::sqrt(std::complex<double>(a.re, a.im));
    return {root.real(), root.imag()};
  }
  // In float64, where squares of float32 neither overflow nor vanish. Special values as C's Annex G has them.
  static HWY_INLINE Pair<float> call(Pair<float> a) noexcept {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double x = a.re, y = a.im, size = std::fabs(x);
    const double large = std::sqrt((std::sqrt(x * x + y * y) + size) * 0.5);
    const double small = large == 0 ? 0 : std::fabs(y) * 0.5 / large;
    double re = x >= 0 ? large : small, im = x >= 0 ? small : large;
    const bool endless = size == kInfinity;  // the other part is finite or NaN
    re = endless ? (x > 0 ? kInfinity : std::fabs(y) * 0) : re;
    im = endless ? (x > 0 ? std::fabs(y) * 0 : kInfinity) : im;
    const bool steep = std::fabs(y) == kInfinity;
    re = steep ? kInfinity : x != x ? x : re;
    im = steep ? kInfinity : x != x ? x : im;
    return {static_cast<float>(re), static_cast<float>(std::copysign(im, y))};
  }
};
struct TruthItself {
  static HWY_INLINE std::uint8_t call(std::uint8_t a) noexcept { return a; }
};

template <class Op>
void fill_rounder(KernelTable& table, UnaryOp op) noexcept {
  const auto set = [&](TypeId type, UnaryKernel kernel) { slot(table, op, type) = kernel; };
  set(TypeId::bool_, unary_loop<TruthItself, Truth, std::uint8_t>);
  set(TypeId::int8, copy_loop<1>), set(TypeId::uint8, copy_loop<1>);
  set(TypeId::int16, copy_loop<2>), set(TypeId::uint16, copy_loop<2>);
  set(TypeId::int32, copy_loop<4>), set(TypeId::uint32, copy_loop<4>);
  set(TypeId::int64, copy_loop<8>), set(TypeId::uint64, copy_loop<8>);
  set(TypeId::float16, half_unary<unary_loop<Op, float, float>, float>);
  set(TypeId::float32, unary_loop<Op, float, float>);
  set(TypeId::float64, unary_loop<Op, double, double>);
}

void fill_rounding_table(KernelTable* table) {
  fill_rounder<Floor>(*table, UnaryOp::floor);
  fill_rounder<Ceil>(*table, UnaryOp::ceil);
  fill_rounder<Trunc>(*table, UnaryOp::trunc);
  fill_rounder<Rint>(*table, UnaryOp::rint);
  slot(*table, UnaryOp::rint, TypeId::complex64) = unary_loop<Rint, Pair<float>, Pair<float>>;
  slot(*table, UnaryOp::rint, TypeId::complex128) = unary_loop<Rint, Pair<double>, Pair<double>>;
  const auto set_root = [&](TypeId type, UnaryKernel kernel) { slot(*table, UnaryOp::sqrt, type) = kernel; };
  set_root(TypeId::float16, half_unary<unary_loop<Sqrt, float, float>, float, true>);
  set_root(TypeId::float32, unary_loop<Sqrt, float, float, true>);
  set_root(TypeId::float64, unary_loop<Sqrt, double, double, true>);
  set_root(TypeId::complex64, unary_loop<Sqrt, Pair<float>, Pair<float>, true>);
  set_root(TypeId::complex128, unary_loop<Sqrt, Pair<double>, Pair<double>, true>);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_rounding_table);
void fill_rounding(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_rounding_table)(&table); }
}  // namespace ndshare::internal
#endif
