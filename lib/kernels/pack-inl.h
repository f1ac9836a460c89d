// Lanes that are kept, moved to the front: by the instruction set where it does that, else by a table of 8 items. Not Highway 1.0.3's
// Compress there (and, with AVX-512, for 64-bit lanes): g++ copies its tables to the stack for every vector, 20 to 30 ns each.

#if defined(NDSHARE_PACK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_PACK_INL
#undef NDSHARE_PACK_INL
#else
#define NDSHARE_PACK_INL
#endif

#include <bit>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "lib/kernels/kept_first.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
constexpr bool packs_itself() noexcept {
  return HWY_HAVE_SCALABLE != 0 || (HWY_TARGET == HWY_AVX3 && sizeof(hn::TFromD<D>) == 4);
}

// A vector's lanes, of 4 or 8 bytes, from bytes, one each.
template <class D>
HWY_INLINE hn::Vec<D> widened(D d, const std::uint8_t* bytes) noexcept {
  const auto few = hn::LoadU(hn::Rebind<std::uint8_t, D>(), bytes);
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return hn::PromoteTo(d, few);
  } else {
    return hn::PromoteTo(d, hn::PromoteTo(hn::Rebind<std::uint32_t, D>(), few));
  }
}

// Both store a whole vector, the lanes that are kept in front, and give how many these are.
template <class D, class V, class M>
HWY_INLINE std::size_t pack_itself(D d, V v, M kept, hn::TFromD<D>* out) noexcept {
  hn::StoreU(hn::Compress(v, kept), d, out);
  return hn::CountTrue(d, kept);
}
// `bits`: one for each of up to 8 lanes.
template <class D, class V>
HWY_INLINE std::size_t pack_by_table(D d, V v, std::uint32_t bits, hn::TFromD<D>* out) noexcept {
  const hn::RebindToUnsigned<D> du;
  hn::StoreU(hn::TableLookupLanes(v, hn::IndicesFromVec(d, widened(du, kKeptFirst[bits].data()))), d, out);
  return static_cast<std::size_t>(std::popcount(bits));
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#endif  // toggle
