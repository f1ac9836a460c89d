// maximum, minimum, fmax, fmin. Equal operands (−0 and +0 too) give x1, on every target. Complex numbers are ordered as
// `less` orders them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/extremes.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

// Whether a goes before or with b: the order of complex numbers is false where an imaginary part is NaN.
template <class T>
HWY_INLINE bool at_most(T a, T b) noexcept {
  return a <= b;
}
template <class T>
HWY_INLINE bool at_most(Pair<T> a, Pair<T> b) noexcept {
  return ((a.re < b.re) & (a.im == a.im) & (b.im == b.im)) | ((a.re == b.re) & (a.im <= b.im));
}
template <class T>
HWY_INLINE bool is_nan(T a) noexcept {
  return a != a;
}
template <class T>
HWY_INLINE bool is_nan(Pair<T> a) noexcept {
  return (a.re != a.re) | (a.im != a.im);
}
template <class T>
HWY_INLINE T choose(bool first, T a, T b) noexcept {
  return first ? a : b;
}
template <class T>
HWY_INLINE Pair<T> choose(bool first, Pair<T> a, Pair<T> b) noexcept {
  return {first ? a.re : b.re, first ? a.im : b.im};
}

struct Maximum {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    return choose(at_most(b, a) | is_nan(a), a, b);
  }
};
struct Minimum {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    return choose(at_most(a, b) | is_nan(a), a, b);
  }
};
struct MaximumNumber {  // fmax
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    return choose(at_most(b, a) | is_nan(b), a, b);
  }
};
struct MinimumNumber {  // fmin
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    return choose(at_most(a, b) | is_nan(b), a, b);
  }
};

// Integers have no NaN and equal ones no difference: fmax is maximum, and the left scalar may stand right.
template <class Op>
void fill_integer_extremes(KernelTable& table, BinaryOp op, BinaryOp number_op) noexcept {
  const auto set = [&]<class In, class Out>(TypeId type, In, Out) {
    constexpr BinaryKernel kVs = binary_loop<Op, In, Out, Form::vs>;
    slot(table, op, type) =
        slot(table, number_op, type) = {.vv = binary_loop<Op, In, Out, Form::vv>, .vs = kVs, .sv = swapped_loop<kVs>};
  };
  set(TypeId::bool_, Truth{}, std::uint8_t{});
  set(TypeId::int8, std::int8_t{}, std::int8_t{});
  set(TypeId::int16, std::int16_t{}, std::int16_t{});
  set(TypeId::int32, std::int32_t{}, std::int32_t{});
  set(TypeId::int64, std::int64_t{}, std::int64_t{});
  set(TypeId::uint8, std::uint8_t{}, std::uint8_t{});
  set(TypeId::uint16, std::uint16_t{}, std::uint16_t{});
  set(TypeId::uint32, std::uint32_t{}, std::uint32_t{});
  set(TypeId::uint64, std::uint64_t{}, std::uint64_t{});
}

template <class Op>
void fill_float_extremes(KernelTable& table, BinaryOp op) noexcept {
  slot(table, op, TypeId::float16) = {.vv = half_binary<binary_loop<Op, float, float, Form::vv>, float, Form::vv>,
                                      .vs = half_binary<binary_loop<Op, float, float, Form::vs>, float, Form::vs>,
                                      .sv = half_binary<binary_loop<Op, float, float, Form::sv>, float, Form::sv>};
  slot(table, op, TypeId::float32) = ordered_kernels<Op, float, float>();
  slot(table, op, TypeId::float64) = ordered_kernels<Op, double, double>();
  slot(table, op, TypeId::complex64) = ordered_kernels<Op, Pair<float>, Pair<float>>();
  slot(table, op, TypeId::complex128) = ordered_kernels<Op, Pair<double>, Pair<double>>();
}

void fill_extremes_table(KernelTable* table) {
  fill_integer_extremes<Maximum>(*table, BinaryOp::maximum, BinaryOp::fmax);
  fill_integer_extremes<Minimum>(*table, BinaryOp::minimum, BinaryOp::fmin);
  fill_float_extremes<Maximum>(*table, BinaryOp::maximum);
  fill_float_extremes<Minimum>(*table, BinaryOp::minimum);
  fill_float_extremes<MaximumNumber>(*table, BinaryOp::fmax);
  fill_float_extremes<MinimumNumber>(*table, BinaryOp::fmin);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_extremes_table);
void fill_extremes(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_extremes_table)(&table); }
}  // namespace ndshare::internal
#endif
