// Comparisons: bytes 0 and 1. Complex numbers compare by their real, then their imaginary parts,
// and as NumPy has it: a NaN in either imaginary part makes an order of the real parts false too.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/compare.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

using Byte = std::uint8_t;

struct Equal {
  template <class T>
  static HWY_INLINE Byte call(T a, T b) noexcept {
    return a == b;
  }
  template <class T>
  static HWY_INLINE Byte call(Pair<T> a, Pair<T> b) noexcept {
    return (a.re == b.re) & (a.im == b.im);
  }
};
struct NotEqual {
  template <class T>
  static HWY_INLINE Byte call(T a, T b) noexcept {
    return a != b;
  }
  template <class T>
  static HWY_INLINE Byte call(Pair<T> a, Pair<T> b) noexcept {
    return (a.re != b.re) | (a.im != b.im);
  }
};
struct Less {
  template <class T>
  static HWY_INLINE Byte call(T a, T b) noexcept {
    return a < b;
  }
  template <class T>
  static HWY_INLINE Byte call(Pair<T> a, Pair<T> b) noexcept {
    return ((a.re < b.re) & (a.im == a.im) & (b.im == b.im)) | ((a.re == b.re) & (a.im < b.im));
  }
};
struct LessEqual {
  template <class T>
  static HWY_INLINE Byte call(T a, T b) noexcept {
    return a <= b;
  }
  template <class T>
  static HWY_INLINE Byte call(Pair<T> a, Pair<T> b) noexcept {
    return ((a.re < b.re) & (a.im == a.im) & (b.im == b.im)) | ((a.re == b.re) & (a.im <= b.im));
  }
};

// less and greater, or less_equal and greater_equal: the right of one is the left of the other.
struct Order {
  BinaryKernels forward, backward;
};
template <class Op, class In>
Order order_kernels() noexcept {
  constexpr BinaryKernel kVv = binary_loop<Op, In, Byte, Form::vv>, kVs = binary_loop<Op, In, Byte, Form::vs>,
                         kSv = binary_loop<Op, In, Byte, Form::sv>;
  return {{.vv = kVv, .vs = kVs, .sv = kSv},
          {.vv = swapped_loop<kVv>, .vs = swapped_loop<kSv>, .sv = swapped_loop<kVs>}};
}
template <class Op>
Order order_halves() noexcept {
  constexpr BinaryKernel kVv = half_binary<binary_loop<Op, float, Byte, Form::vv>, Byte, Form::vv>,
                         kVs = half_binary<binary_loop<Op, float, Byte, Form::vs>, Byte, Form::vs>,
                         kSv = half_binary<binary_loop<Op, float, Byte, Form::sv>, Byte, Form::sv>;
  return {{.vv = kVv, .vs = kVs, .sv = kSv},
          {.vv = swapped_loop<kVv>, .vs = swapped_loop<kSv>, .sv = swapped_loop<kVs>}};
}

template <class Op>
void fill_order(KernelTable& table, BinaryOp forward, BinaryOp backward) noexcept {
  const auto set = [&](TypeId type, const Order& order) {
    slot(table, forward, type) = order.forward;
    slot(table, backward, type) = order.backward;
  };
  set(TypeId::bool_, order_kernels<Op, Truth>());
  set(TypeId::int8, order_kernels<Op, std::int8_t>());
  set(TypeId::int16, order_kernels<Op, std::int16_t>());
  set(TypeId::int32, order_kernels<Op, std::int32_t>());
  set(TypeId::int64, order_kernels<Op, std::int64_t>());
  set(TypeId::uint8, order_kernels<Op, std::uint8_t>());
  set(TypeId::uint16, order_kernels<Op, std::uint16_t>());
  set(TypeId::uint32, order_kernels<Op, std::uint32_t>());
  set(TypeId::uint64, order_kernels<Op, std::uint64_t>());
  set(TypeId::float16, order_halves<Op>());
  set(TypeId::float32, order_kernels<Op, float>());
  set(TypeId::float64, order_kernels<Op, double>());
  set(TypeId::complex64, order_kernels<Op, Pair<float>>());
  set(TypeId::complex128, order_kernels<Op, Pair<double>>());
}

template <class Op>
void fill_equality(KernelTable& table, BinaryOp op) noexcept {
  fill_integers_by_size<Op, true>(table, op);
  const auto set = [&](TypeId type, const BinaryKernels& kernels) { slot(table, op, type) = kernels; };
  set(TypeId::bool_, symmetric_kernels<Op, Truth, Byte>());
  set(TypeId::float16, {.vv = half_binary<binary_loop<Op, float, Byte, Form::vv>, Byte, Form::vv>,
                        .vs = half_binary<binary_loop<Op, float, Byte, Form::vs>, Byte, Form::vs>});
  set(TypeId::float32, symmetric_kernels<Op, float, Byte>());
  set(TypeId::float64, symmetric_kernels<Op, double, Byte>());
  set(TypeId::complex64, symmetric_kernels<Op, Pair<float>, Byte>());
  set(TypeId::complex128, symmetric_kernels<Op, Pair<double>, Byte>());
}

void fill_compare_table(KernelTable* table) {
  fill_equality<Equal>(*table, BinaryOp::equal);
  fill_equality<NotEqual>(*table, BinaryOp::not_equal);
  fill_order<Less>(*table, BinaryOp::less, BinaryOp::greater);
  fill_order<LessEqual>(*table, BinaryOp::less_equal, BinaryOp::greater_equal);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_compare_table);
void fill_compare(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_compare_table)(&table); }
}  // namespace ndshare::internal
#endif
