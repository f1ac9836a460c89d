// float16 ↔ float32 over blocks, for the loops that compute float16 in float32. Compiled once for each SIMD target.

#if defined(NDSHARE_HALF_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_HALF_LANES_INL
#undef NDSHARE_HALF_LANES_INL
#else
#define NDSHARE_HALF_LANES_INL
#endif

#include <ndshare/half.h>

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "lib/kernels/registry.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// float16 ↔ float32. Only the wider targets have instructions for it; Half does the same bits in integers. Highway's
// own emulation is not used: it does not promise NaN and infinities.
HWY_INLINE void widen_halves(const Half* from, float* to, std::size_t n) noexcept {
  std::size_t i = 0;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> half;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(from + i))), d, to + i);
  }
#endif
  for (; i < n; ++i) to[i] = static_cast<float>(from[i]);
}

HWY_INLINE bool halves_finite(const Half* x, std::size_t n) noexcept {
  std::uint16_t largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto magnitude = static_cast<std::uint16_t>(x[i].bits & 0x7fffU);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest < 0x7c00U;
}

// Says whether some half is not finite: float32 results that are may still be too large for float16.
HWY_INLINE std::uint32_t narrow_halves(const float* from, Half* to, std::size_t n) noexcept {
  std::size_t i = 0;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> half;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    hn::StoreU(hn::DemoteTo(half, hn::LoadU(d, from + i)), half, reinterpret_cast<hwy::float16_t*>(to + i));
  }
#endif
  for (; i < n; ++i) to[i] = Half(from[i]);
  return halves_finite(to, n) ? 0U : std::uint32_t{kSeenNonFinite};
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#endif  // toggle
