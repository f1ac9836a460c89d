// What a mask keeps: items, or their positions, moved to the front.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/keep.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/pack-inl.h"

#include <cstring>
#include <iterator>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

using Wide = hn::ScalableTag<std::uint64_t>;
using Narrow = hn::ScalableTag<std::uint32_t>;

constexpr std::size_t kTableStep = 8;  // items: a byte of bits

// A bit for each of 8 bytes that is not 0.
HWY_INLINE std::uint32_t bits_of(const std::uint8_t* mask) noexcept {
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7f, kOnes = 0x0101010101010101, kGather = 0x0102040810204080;
  std::uint64_t eight;
  std::memcpy(&eight, mask, sizeof(eight));
  const std::uint64_t ones = ((((eight & kLow) + kLow) | eight) >> 7) & kOnes;
  return static_cast<std::uint32_t>((ones * kGather) >> 56);
}

// Stores what is kept of items [i, i + a step); gives how many. Whole vectors are stored, so what follows is written too.
template <class D, class Items>
HWY_INLINE std::size_t keep_step(D d, const std::uint8_t* mask, std::size_t i, hn::TFromD<D>* out, const Items& items) noexcept {
  if constexpr (packs_itself<D>()) {
    return pack_itself(d, items.vector(i), hn::Ne(widened(d, mask + i), hn::Zero(d)), out);
  } else {
    constexpr std::size_t kLanes = hn::MaxLanes(d);
    static_assert(kTableStep % kLanes == 0);
    const std::uint32_t bits = bits_of(mask + i);
    std::size_t kept = 0;
    for (std::size_t at = 0; at < kTableStep; at += kLanes) {
      kept += pack_by_table(d, items.vector(i + at), bits >> at & ((1U << kLanes) - 1), out + kept);
    }
    return kept;
  }
}

// What is stored past the kept items never reaches past n: no more were kept than read.
template <class D, class Items>
HWY_INLINE std::size_t keep_vectors(D d, const std::uint8_t* mask, std::size_t n, hn::TFromD<D>* out, const Items& items) noexcept {
  const std::size_t step = packs_itself<D>() ? hn::Lanes(d) : kTableStep;
  std::size_t kept = 0, i = 0;
  for (; i + step <= n; i += step) kept += keep_step(d, mask, i, out + kept, items);
  for (; i < n; ++i) {
    if (mask[i] != 0) out[kept++] = items.one(i);
  }
  return kept;
}

template <class D>
struct Loaded {
  D d;
  const hn::TFromD<D>* x;
  HWY_INLINE auto vector(std::size_t i) const noexcept { return hn::LoadU(d, x + i); }
  HWY_INLINE hn::TFromD<D> one(std::size_t i) const noexcept {
    hn::TFromD<D> item;
    std::memcpy(&item, x + i, sizeof(item));  // anywhere
    return item;
  }
};

// first + i. Not Iota, which g++ writes lane by lane to the stack and then waits for.
struct Counted {
  Wide d;
  std::uint64_t first;
  alignas(64) static constexpr std::uint64_t kPlaces[] = {0, 1, 2, 3, 4, 5, 6, 7};
  static_assert(hn::MaxLanes(Wide()) <= std::size(kPlaces));
  HWY_INLINE auto vector(std::size_t i) const noexcept { return hn::Add(hn::Set(d, first + i), hn::Load(d, kPlaces)); }
  HWY_INLINE std::uint64_t one(std::size_t i) const noexcept { return first + i; }
};

template <class D>
std::size_t keep_lanes(const std::uint8_t* mask, const void* x, std::size_t n, void* out) noexcept {
  using T = hn::TFromD<D>;
  return keep_vectors(D(), mask, n, static_cast<T*>(out), Loaded<D>{D(), static_cast<const T*>(x)});
}

// Items without a vector form: written in any case, kept where the mask is true, so that there is no branch to guess.
template <std::size_t kBytes>
std::size_t keep_items(const std::uint8_t* mask, const void* x, std::size_t n, void* out) noexcept {
  const auto* from = static_cast<const std::byte*>(x);
  auto* to = static_cast<std::byte*>(out);
  std::size_t kept = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, mask + i, sizeof(eight));
    if (eight == 0) continue;
    for (std::size_t j = i; j < i + 8; ++j) {
      std::memcpy(to + kept * kBytes, from + j * kBytes, kBytes);
      kept += mask[j] != 0 ? 1 : 0;
    }
  }
  for (; i < n; ++i) {
    if (mask[i] != 0) std::memcpy(to + kept++ * kBytes, from + i * kBytes, kBytes);
  }
  return kept;
}

constexpr std::size_t kWordBits = 64, kGroup = 8;

// The positions of the bits, lowest first, in groups: a branch for each group only, and what is stored behind the last one is
// overwritten by what follows.   REQUIRES: room for the next multiple of kGroup.
HWY_INLINE std::size_t store_positions(std::uint64_t bits, std::uint64_t first, std::uint64_t* out) noexcept {
  const std::size_t count = hwy::PopCount(bits);
  for (std::size_t done = 0; done < count; done += kGroup) {
    for (std::size_t k = done; k < done + kGroup; ++k, bits &= bits - 1) {
      out[k] = first + hwy::Num0BitsBelowLS1Bit_Nonzero64(bits | std::uint64_t{1} << 63);
    }
  }
  return count;
}

// Where vectors do not pack themselves, bit by bit: most masks keep few.
std::size_t true_positions(const std::uint8_t* mask, std::size_t n, std::int64_t first, std::int64_t* out) noexcept {
  auto* to = reinterpret_cast<std::uint64_t*>(out);
  auto from = static_cast<std::uint64_t>(first);
  std::size_t kept = 0, i = 0;
  if constexpr (!packs_itself<Wide>()) {
    for (; i + kWordBits <= n; i += kWordBits, from += kWordBits) {
      std::uint64_t bits = 0;
      for (std::size_t byte = 0; byte < 8; ++byte) bits |= std::uint64_t{bits_of(mask + i + 8 * byte)} << (8 * byte);
      kept += store_positions(bits, from, to + kept);
    }
  }
  return kept + keep_vectors(Wide(), mask + i, n - i, to + kept, Counted{Wide(), from});
}

void fill_keep_table(KernelTable* table) {
  table->keep = {keep_items<1>, keep_items<2>, keep_lanes<Narrow>, keep_lanes<Wide>, keep_items<16>};
  table->true_positions = true_positions;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_keep_table);
void fill_keep(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_keep_table)(&table); }
}  // namespace ndshare::internal
#endif
