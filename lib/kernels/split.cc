// Keys dealt out to a few buckets of rising ranges, by vectors: sample sort's first half where threads are few.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/split.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/pack-inl.h"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

template <class D, class V, class M>
HWY_INLINE std::size_t pack(D d, V v, M kept, hn::TFromD<D>* out) noexcept {
  if constexpr (packs_itself<D>()) {
    return pack_itself(d, v, kept, out);
  } else {
    static_assert(hn::MaxLanes(d) <= 8);
    std::uint8_t bits[8] = {};
    hn::StoreMaskBits(d, kept, bits);
    return pack_by_table(d, v, bits[0], out);
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
