// Keys dealt out to a few buckets of rising ranges, by vectors: sample sort's first half where threads are few.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/split.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/kept_first.h"

#include <bit>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// A vector's lanes from bytes, one each.
template <class D>
HWY_INLINE hn::Vec<D> places(D d, const std::uint8_t* bytes) noexcept {
  const auto few = hn::LoadU(hn::Rebind<std::uint8_t, D>(), bytes);
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return hn::PromoteTo(d, few);
  } else {
    return hn::PromoteTo(d, hn::PromoteTo(hn::Rebind<std::uint32_t, D>(), few));
  }
}

// Stores the lanes that are kept, and whatever else behind them; gives how many. As in keep.cc: not Highway's Compress where it
// would be a table that g++ copies.
template <class D, class V, class M>
HWY_INLINE std::size_t pack(D d, V v, M kept, hn::TFromD<D>* out) noexcept {
  if constexpr (HWY_HAVE_SCALABLE != 0 || (HWY_TARGET == HWY_AVX3 && sizeof(hn::TFromD<D>) == 4)) {
    hn::StoreU(hn::Compress(v, kept), d, out);
    return hn::CountTrue(d, kept);
  } else {
    static_assert(hn::MaxLanes(d) <= 8);
    std::uint8_t bits[8] = {};
    hn::StoreMaskBits(d, kept, bits);
    hn::StoreU(hn::TableLookupLanes(v, hn::IndicesFromVec(d, places(d, kKeptFirst[bits[0]].data()))), d, out);
    return static_cast<std::size_t>(std::popcount(bits[0]));
  }
}

template <class T>
void split_keys(const void* vkeys, std::size_t n, const void* vbounds, void* const* vrooms, std::size_t* counts) noexcept {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const T* keys = static_cast<const T*>(vkeys);
  const T* bounds = static_cast<const T*>(vbounds);
  T* rooms[kSplitBuckets];
  for (std::size_t b = 0; b < kSplitBuckets; ++b) rooms[b] = static_cast<T*>(vrooms[b]);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, keys + i);
    auto below = hn::Lt(v, hn::Set(d, bounds[0]));
    rooms[0] += pack(d, v, below, rooms[0]);
    for (std::size_t b = 1; b + 1 < kSplitBuckets; ++b) {
      const auto next = hn::Lt(v, hn::Set(d, bounds[b]));
      rooms[b] += pack(d, v, hn::AndNot(below, next), rooms[b]);
      below = next;
    }
    rooms[kSplitBuckets - 1] += pack(d, v, hn::Not(below), rooms[kSplitBuckets - 1]);
  }
  for (; i < n; ++i) {
    std::size_t b = 0;
    while (b + 1 < kSplitBuckets && keys[i] >= bounds[b]) ++b;
    *rooms[b]++ = keys[i];
  }
  for (std::size_t b = 0; b < kSplitBuckets; ++b) counts[b] = static_cast<std::size_t>(rooms[b] - static_cast<T*>(vrooms[b]));
}

void fill_split_table(KernelTable* table) { table->split = {split_keys<std::uint32_t>, split_keys<std::uint64_t>}; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_split_table);
void fill_split(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_split_table)(&table); }
}  // namespace ndshare::internal
#endif
