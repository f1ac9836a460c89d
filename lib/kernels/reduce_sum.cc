// Sums of blocks: pairwise (Higham, Accuracy and Stability of Numerical Algorithms, 4.2) over fixed virtual lanes.
//
// A block is seen as rows of 64 bytes (16 float32, 8 float64): as many virtual lanes, however wide the machine's
// registers are. Rows are added as a binary tree that depends on their number alone, then the lanes as a binary tree.
// Every target does the same additions, so the bits are the same; the depth is log2(n), so is the error bound. Missing
// lanes of the last row are −0.0, which changes no value.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/reduce_sum.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"

#include <bit>
#include <cstring>
#include <type_traits>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
inline constexpr std::size_t kRowLanes = 64 / sizeof(T);
inline constexpr std::size_t kLeafRows = 16;

template <class T>
constexpr T sum_identity() noexcept {
  return std::is_floating_point_v<T> ? static_cast<T>(-0.0) : T{0};
}

// 16 whole rows, as a tree of depth 4.
template <class T>
HWY_INLINE void sum_leaf(const T* x, T* out) noexcept {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr std::size_t kRow = kRowLanes<T>;
  for (std::size_t row = 0; row < kLeafRows; ++row) hwy::Prefetch(x + kReadAhead / sizeof(T) + row * kRow);
  for (std::size_t lane = 0; lane < kRow; lane += hn::Lanes(d)) {
    const T* p = x + lane;
    V pairs[4];
    for (std::size_t k = 0; k < 4; ++k, p += 4 * kRow) {
      pairs[k] = hn::Add(hn::Add(hn::LoadU(d, p), hn::LoadU(d, p + kRow)),
                         hn::Add(hn::LoadU(d, p + 2 * kRow), hn::LoadU(d, p + 3 * kRow)));
    }
    hn::Store(hn::Add(hn::Add(pairs[0], pairs[1]), hn::Add(pairs[2], pairs[3])), d, out + lane);
  }
}

// Rows of x[0 … n): a left subtree of a power of two rows, and the rest.
template <class T>
void sum_rows(const T* x, std::size_t n, T* out) noexcept {
  constexpr std::size_t kRow = kRowLanes<T>;
  if (n == kLeafRows * kRow) return sum_leaf(x, out);
  if (n <= kRow) {
    for (std::size_t i = 0; i < kRow; ++i) out[i] = sum_identity<T>();
    if (n != 0) std::memcpy(out, x, n * sizeof(T));
    return;
  }
  const std::size_t left = std::bit_floor((n - 1) / kRow) * kRow;
  sum_rows(x, left, out);
  HWY_ALIGN T rest[kRow];
  sum_rows(x + left, n - left, rest);
  const hn::ScalableTag<T> d;
  for (std::size_t i = 0; i < kRow; i += hn::Lanes(d)) {
    hn::Store(hn::Add(hn::Load(d, out + i), hn::Load(d, rest + i)), d, out + i);
  }
}

// kParts is 2 for complex numbers: their parts are lanes that never meet.
template <class T, std::size_t kParts>
void sum_block(const void* x, std::size_t n, void* out) noexcept {
  HWY_ALIGN T lanes[kRowLanes<T>];
  sum_rows(static_cast<const T*>(x), n * kParts, lanes);
  for (std::size_t half = kRowLanes<T> / 2; half >= kParts; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) lanes[i] = static_cast<T>(lanes[i] + lanes[i + half]);
  }
  std::memcpy(out, lanes, kParts * sizeof(T));
}

void fill_sum_table(KernelTable* table) {
  const auto set = [table](TypeId id, ReduceKernel kernel) { table->sum[static_cast<std::size_t>(id)] = kernel; };
  set(TypeId::int64, sum_block<std::uint64_t, 1>);
  set(TypeId::uint64, sum_block<std::uint64_t, 1>);
  set(TypeId::float32, sum_block<float, 1>);
  set(TypeId::float64, sum_block<double, 1>);
  set(TypeId::complex64, sum_block<float, 2>);
  set(TypeId::complex128, sum_block<double, 2>);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_sum_table);
void fill_reduce_sum(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_sum_table)(&table); }
}  // namespace ndshare::internal
#endif
