// logical_and, logical_or, logical_xor: bytes 0 and 1. Whatever is not 0 is true, NaN too.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/logical.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

using Byte = std::uint8_t;

template <class T>
HWY_INLINE Byte truth(T a) noexcept {
  return a != 0;
}
template <class T>
HWY_INLINE Byte truth(Pair<T> a) noexcept {
  return (a.re != 0) | (a.im != 0);
}
struct LogicalAnd {
  template <class T>
  static HWY_INLINE Byte call(T a, T b) noexcept {
    return truth(a) & truth(b);
  }
};
struct LogicalOr {
  template <class T>
  static HWY_INLINE Byte call(T a, T b) noexcept {
    return truth(a) | truth(b);
  }
};
struct LogicalXor {
  template <class T>
  static HWY_INLINE Byte call(T a, T b) noexcept {
    return truth(a) ^ truth(b);
  }
};

template <class Op>
void fill_logical(KernelTable& table, BinaryOp op) noexcept {
  fill_integers_by_size<Op, true>(table, op);
  const auto set = [&](TypeId type, const BinaryKernels& kernels) { slot(table, op, type) = kernels; };
  set(TypeId::bool_, slot(table, op, TypeId::uint8));
  set(TypeId::float16, symmetric_kernels<Op, HalfMagnitude, Byte>());
  set(TypeId::float32, symmetric_kernels<Op, float, Byte>());
  set(TypeId::float64, symmetric_kernels<Op, double, Byte>());
  set(TypeId::complex64, symmetric_kernels<Op, Pair<float>, Byte>());
  set(TypeId::complex128, symmetric_kernels<Op, Pair<double>, Byte>());
}

void fill_logical_table(KernelTable* table) {
  fill_logical<LogicalAnd>(*table, BinaryOp::logical_and);
  fill_logical<LogicalOr>(*table, BinaryOp::logical_or);
  fill_logical<LogicalXor>(*table, BinaryOp::logical_xor);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_logical_table);
void fill_logical(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_logical_table)(&table); }
}  // namespace ndshare::internal
#endif
