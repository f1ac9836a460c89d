// float16 loops: float32 loops over blocks that are widened before and rounded after. Compiled once for each SIMD
// target.

#if defined(NDSHARE_HALF_LOOPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_HALF_LOOPS_INL
#undef NDSHARE_HALF_LOOPS_INL
#else
#define NDSHARE_HALF_LOOPS_INL
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <hwy/highway.h>

#include "lib/kernels/half_lanes-inl.h"
#include "lib/kernels/registry.h"
#include "lib/kernels/simd_operands-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {

inline constexpr std::size_t kHalfChunk = 256;

// A float32 loop over float16. Results are rounded to float16, or bytes as they are.
template <class Result>
HWY_INLINE std::uint32_t finish_halves(const Result* result, void* out, std::size_t i, std::size_t count) noexcept {
  if constexpr (std::is_same_v<Result, float>) {
    return narrow_halves(result, static_cast<Half*>(out) + i, count);
  } else {
    std::memcpy(static_cast<Result*>(out) + i, result, count * sizeof(Result));
    return 0;
  }
}

template <UnaryKernel kLoop, class Result, bool kSeen = false>
std::uint32_t half_unary(const void* va, void* vo, std::size_t n) noexcept {
  HWY_ALIGN float a[kHalfChunk];
  HWY_ALIGN Result result[kHalfChunk];
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < n; i += kHalfChunk) {
    const std::size_t count = n - i < kHalfChunk ? n - i : kHalfChunk;
    widen_halves(static_cast<const Half*>(va) + i, a, count);
    kLoop(a, result, count);
    seen |= finish_halves(result, vo, i, count);
  }
  return kSeen ? seen : 0;
}

template <BinaryKernel kLoop, class Result, Form kForm, bool kSeen = false>
std::uint32_t half_binary(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  HWY_ALIGN float a[kHalfChunk], b[kHalfChunk];
  HWY_ALIGN Result result[kHalfChunk];
  std::uint32_t seen = 0;
  if (n == 0) return 0;
  widen_halves(static_cast<const Half*>(va), a, 1);
  widen_halves(static_cast<const Half*>(vb), b, 1);
  for (std::size_t i = 0; i < n; i += kHalfChunk) {
    const std::size_t count = n - i < kHalfChunk ? n - i : kHalfChunk;
    if constexpr (kForm != Form::sv) widen_halves(static_cast<const Half*>(va) + i, a, count);
    if constexpr (kForm != Form::vs) widen_halves(static_cast<const Half*>(vb) + i, b, count);
    kLoop(a, b, result, count);
    seen |= finish_halves(result, vo, i, count);
  }
  return kSeen ? seen : 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#endif  // toggle
