// add, subtract and multiply of integers that count what overflows, and keep to the nearest end if they are to.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/checked.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

// A result that wraps, whether it did, and where it would have ended without.
template <class T>
struct CheckedResult {
  T wrapped, over, nearest;  // over: 0 or 1, of the elements' size, so that it stays in their lanes
};
template <class T>
HWY_INLINE T flag(bool over) noexcept {
  return over ? T{1} : T{0};
}
template <class T>
inline constexpr T kMost = std::numeric_limits<T>::max();
template <class T>
inline constexpr T kLeast = std::numeric_limits<T>::min();
template <class T>
using Wrapping = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;  // no promotion to int

struct CheckedAdd {
  template <class T>
  static HWY_INLINE CheckedResult<T> call(T a, T b) noexcept {
    const auto r = static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
    if constexpr (std::is_signed_v<T>) {
      return {r, flag<T>(static_cast<T>((a ^ r) & (b ^ r)) < 0), a < 0 ? kLeast<T> : kMost<T>};
    } else {
      return {r, flag<T>(r < a), kMost<T>};
    }
  }
};
struct CheckedSubtract {
  template <class T>
  static HWY_INLINE CheckedResult<T> call(T a, T b) noexcept {
    const auto r = static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
    if constexpr (std::is_signed_v<T>) {
      return {r, flag<T>(static_cast<T>((a ^ b) & (a ^ r)) < 0), a < 0 ? kLeast<T> : kMost<T>};
    } else {
      return {r, flag<T>(a < b), T{0}};
    }
  }
};
struct CheckedMultiply {
  template <class T>
  static HWY_INLINE CheckedResult<T> call(T a, T b) noexcept {
    T r;
    bool over;
    if constexpr (sizeof(T) == 8) {
      over = __builtin_mul_overflow(a, b, &r);
    } else {  // the product of twice the width
      using Wide = std::conditional_t<sizeof(T) == 4, std::int64_t, std::int32_t>;
      using Product = std::conditional_t<std::is_signed_v<T>, Wide, std::make_unsigned_t<Wide>>;
      const auto wide = static_cast<Product>(static_cast<Product>(a) * static_cast<Product>(b));
      r = static_cast<T>(wide);
      over = wide != static_cast<Product>(r);
    }
    return {r, flag<T>(over), std::is_signed_v<T> && (a ^ b) < 0 ? kLeast<T> : kMost<T>};
  }
};

// Elements of a chunk: as many as the count of a chunk, an integer of the elements' own size, can hold.
template <class T>
inline constexpr std::size_t kCheckedChunk = sizeof(T) == 1 ? 192 : 2048 / sizeof(T);

template <class Op, class T, bool kSaturate>
HWY_INLINE std::size_t checked_chunk(const T* a, const T* b, T* out, std::size_t n) noexcept {
  using Count = std::make_unsigned_t<T>;
  Count count = 0;
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) {
    const CheckedResult<T> result = Op::call(a[i], b[i]);
    count = static_cast<Count>(count + static_cast<Count>(result.over));
    if constexpr (kSaturate) {  // chosen by a mask: the compiler gives up on a selection beside a count
      const auto mask = static_cast<T>(T{0} - result.over);
      out[i] = static_cast<T>(result.wrapped ^ ((result.wrapped ^ result.nearest) & mask));
    } else {
      out[i] = result.wrapped;
    }
  }
  return count;
}

// A scalar is repeated in a chunk of its own: one loop serves every form.
template <class Op, class T>
std::size_t checked_kernel(const void* va, bool a_scalar, const void* vb, bool b_scalar, void* vo, std::size_t n,
                           bool saturate) noexcept {
  constexpr std::size_t kChunk = kCheckedChunk<T>;
  if (n == 0) return 0;
  const auto* a = static_cast<const T*>(va);
  const auto* b = static_cast<const T*>(vb);
  auto* out = static_cast<T*>(vo);
  HWY_ALIGN T a_chunk[kChunk], b_chunk[kChunk];
  const std::size_t filled = n < kChunk ? n : kChunk;
  for (std::size_t i = 0; a_scalar && i < filled; ++i) a_chunk[i] = a[0];
  for (std::size_t i = 0; b_scalar && i < filled; ++i) b_chunk[i] = b[0];
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; i += kChunk) {
    const T *x = a_scalar ? a_chunk : a + i, *y = b_scalar ? b_chunk : b + i;
    const std::size_t some = n - i < kChunk ? n - i : kChunk;
    count +=
        saturate ? checked_chunk<Op, T, true>(x, y, out + i, some) : checked_chunk<Op, T, false>(x, y, out + i, some);
  }
  return count;
}

template <class Op>
void fill_checked_op(TypeTable<CheckedKernel>& row) noexcept {
  const auto set = [&]<class T>(T) { row[static_cast<std::size_t>(type_id_of<T>())] = checked_kernel<Op, T>; };
  set(std::int8_t{}), set(std::int16_t{}), set(std::int32_t{}), set(std::int64_t{});
  set(std::uint8_t{}), set(std::uint16_t{}), set(std::uint32_t{}), set(std::uint64_t{});
}

void fill_checked_table(KernelTable* table) {
  fill_checked_op<CheckedAdd>(table->checked[static_cast<std::size_t>(CheckedOp::add)]);
  fill_checked_op<CheckedSubtract>(table->checked[static_cast<std::size_t>(CheckedOp::subtract)]);
  fill_checked_op<CheckedMultiply>(table->checked[static_cast<std::size_t>(CheckedOp::multiply)]);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_checked_table);
void fill_checked(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_checked_table)(&table); }
}  // namespace ndshare::internal
#endif
