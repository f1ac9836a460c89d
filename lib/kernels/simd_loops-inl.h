// The loops around element-wise operations, compiled once for each SIMD target (include it after hwy/highway.h, under
// foreach_target). A family file brings operations and picks loops; it writes no loop of its own.
//
//   struct Op { template <class D, class V> static V call(D d, V a, V b); };            lanes
//   struct Op { template <class D, class V> static void call(D d, V ar, V ai, V br, V bi, V& re, V& im); };   complex
//
// The tail that does not fill a vector is computed in a padded copy, so each element sees the same instructions
// wherever it stands, and nothing beyond the n elements is read or written.

#if defined(NDSHARE_SIMD_LOOPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_SIMD_LOOPS_INL
#undef NDSHARE_SIMD_LOOPS_INL
#else
#define NDSHARE_SIMD_LOOPS_INL
#endif

#include <ndshare/half.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

#include "lib/kernels/simd_operands-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class Op, class T, class A, class B>
HWY_INLINE void lanes_part(const A& a, const B& b, T* out, std::size_t i, std::size_t count) noexcept {
  const hn::ScalableTag<T> d;
  HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(Op::call(d, a.load_part(i, count), b.load_part(i, count)), d, part);
  std::memcpy(out + i, part, count * sizeof(T));
}

// out[i] = a[i] op b[i] over plain lanes.
template <class Op, class T, Form kForm, bool kStream>
void lanes_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  const hn::ScalableTag<T> d;
  const std::size_t width = hn::Lanes(d);
  const Operand<T, kForm == Form::sv> a(va);
  const Operand<T, kForm == Form::vs> b(vb);
  T* out = static_cast<T*>(vo);
  std::size_t i = 0;
  if constexpr (kStream) {  // up to the first address that a stream store takes
    const std::size_t bytes = width * sizeof(T);
    const std::size_t head = (bytes - reinterpret_cast<std::uintptr_t>(vo) % bytes) % bytes / sizeof(T);
    i = head < n ? head : n;
    if (i != 0) lanes_part<Op, T>(a, b, out, 0, i);
    for (; i + width <= n; i += width) hn::Stream(Op::call(d, a.load(i), b.load(i)), d, out + i);
  } else {
    for (; i + 2 * width <= n; i += 2 * width) {
      const auto first = Op::call(d, a.load(i), b.load(i));
      const auto second = Op::call(d, a.load(i + width), b.load(i + width));
      hn::StoreU(first, d, out + i);
      hn::StoreU(second, d, out + i + width);
    }
    if (i + width <= n) {
      hn::StoreU(Op::call(d, a.load(i), b.load(i)), d, out + i);
      i += width;
    }
  }
  if (i < n) lanes_part<Op, T>(a, b, out, i, n - i);
}

// The same over complex numbers whose parts are T; n counts numbers.
template <class Op, class T, Form kForm>
void complex_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  const hn::ScalableTag<T> d;
  const std::size_t width = hn::Lanes(d);
  const ComplexOperand<T, kForm == Form::sv> a(va);
  const ComplexOperand<T, kForm == Form::vs> b(vb);
  T* out = static_cast<T*>(vo);
  hn::Vec<decltype(d)> ar, ai, br, bi, re, im;
  std::size_t i = 0;
  for (; i + width <= n; i += width) {
    a.load(i, ar, ai);
    b.load(i, br, bi);
    Op::call(d, ar, ai, br, bi, re, im);
    hn::StoreInterleaved2(re, im, d, out + 2 * i);
  }
  if (i == n) return;
  HWY_ALIGN T part[2 * HWY_MAX_BYTES / sizeof(T)];
  a.load_part(i, n - i, ar, ai);
  b.load_part(i, n - i, br, bi);
  Op::call(d, ar, ai, br, bi, re, im);
  hn::StoreInterleaved2(re, im, d, part);
  std::memcpy(out + 2 * i, part, 2 * (n - i) * sizeof(T));
}

// A complex op that works on parts alone (add, subtract) is the op over 2n lanes.
template <class Op, class T, bool kStream>
void pairs_loop(const void* a, const void* b, void* out, std::size_t n) noexcept {
  lanes_loop<Op, T, Form::vv, kStream>(a, b, out, 2 * n);
}

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

HWY_INLINE void narrow_halves(const float* from, Half* to, std::size_t n) noexcept {
  std::size_t i = 0;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> half;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    hn::StoreU(hn::DemoteTo(half, hn::LoadU(d, from + i)), half, reinterpret_cast<hwy::float16_t*>(to + i));
  }
#endif
  for (; i < n; ++i) to[i] = Half(from[i]);
}

// The same over float16: computed in float32 and rounded once. For + − × ÷ that is the correctly rounded float16
// result, as float32 has more than twice the digits.
template <class Op, Form kForm>
void half_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  constexpr std::size_t kChunk = 256;
  HWY_ALIGN float a[kChunk], b[kChunk], out[kChunk];
  widen_halves(static_cast<const Half*>(va), a, kForm == Form::sv && n != 0 ? 1 : 0);
  widen_halves(static_cast<const Half*>(vb), b, kForm == Form::vs && n != 0 ? 1 : 0);
  for (std::size_t i = 0; i < n; i += kChunk) {
    const std::size_t count = n - i < kChunk ? n - i : kChunk;
    if constexpr (kForm != Form::sv) widen_halves(static_cast<const Half*>(va) + i, a, count);
    if constexpr (kForm != Form::vs) widen_halves(static_cast<const Half*>(vb) + i, b, count);
    lanes_loop<Op, float, kForm, false>(a, b, out, count);
    narrow_halves(out, static_cast<Half*>(vo) + i, count);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#endif  // toggle
