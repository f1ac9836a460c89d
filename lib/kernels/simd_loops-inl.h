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
namespace hn = hwy::HWY_NAMESPACE;

// Whether a result was not finite. r − r is +0 for a finite r and NaN for any other: its bits are gathered by Or, so
// the loop has no branch. Integers have nothing to say.
template <class D>
class SeenLanes {
  using T = hn::TFromD<D>;
  static constexpr bool kFloat = std::is_floating_point_v<T>;

 public:
  HWY_INLINE SeenLanes() noexcept : bits_(hn::Zero(D())) {}
  template <class V>
  HWY_INLINE void look(V result) noexcept {
    if constexpr (kFloat) bits_ = hn::Or(bits_, hn::Sub(result, result));
  }
  // The first `count` lanes alone: what stands behind them is no result.
  template <class V>
  HWY_INLINE void look_part(V result, std::size_t count) noexcept {
    if constexpr (kFloat) look(hn::IfThenElseZero(hn::FirstN(D(), count), result));
  }
  [[nodiscard]] HWY_INLINE std::uint32_t seen() const noexcept {
    if constexpr (kFloat) {
      const hn::RebindToSigned<D> di;
      const auto bits = hn::BitCast(di, bits_);
      return hn::AllTrue(di, hn::Eq(bits, hn::Zero(di))) ? 0U : std::uint32_t{kSeenNonFinite};
    } else {
      return 0;
    }
  }

 private:
  hn::Vec<D> bits_;
};

template <class Op, class T, class A, class B, class S>
HWY_INLINE void lanes_part(const A& a, const B& b, T* out, std::size_t i, std::size_t count, S& seen) noexcept {
  const hn::ScalableTag<T> d;
  HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)];
  const auto result = Op::call(d, a.load_part(i, count), b.load_part(i, count));
  seen.look_part(result, count);
  hn::Store(result, d, part);
  std::memcpy(out + i, part, count * sizeof(T));
}

// The whole vectors from i on, with stores that go past the caches; returns where it stopped.
template <class Op, class T, class A, class B, class S>
HWY_INLINE std::size_t lanes_stream(const A& a, const B& b, T* out, std::size_t n, S& seen) noexcept {
  const hn::ScalableTag<T> d;
  const std::size_t width = hn::Lanes(d), bytes = width * sizeof(T);
  // Up to the first address that a stream store takes.
  const std::size_t head = (bytes - reinterpret_cast<std::uintptr_t>(out) % bytes) % bytes / sizeof(T);
  std::size_t i = head < n ? head : n;
  if (i != 0) lanes_part<Op, T>(a, b, out, 0, i, seen);
  for (; i + width <= n; i += width) {
    const auto result = Op::call(d, a.load(i), b.load(i));
    seen.look(result);
    hn::Stream(result, d, out + i);
  }
  return i;
}

// All of a line: two vectors at a time, or past the caches, and the part that is left.
template <class Op, class T, class A, class B>
HWY_INLINE std::uint32_t lanes_all(const A& a, const B& b, T* out, std::size_t n, bool stream) noexcept {
  const hn::ScalableTag<T> d;
  const std::size_t width = hn::Lanes(d);
  SeenLanes<decltype(d)> seen;
  std::size_t i = 0;
  if (stream) {
    i = lanes_stream<Op, T>(a, b, out, n, seen);
  } else {
    for (; i + 2 * width <= n; i += 2 * width) {
      a.prefetch(i, 2 * width);
      b.prefetch(i, 2 * width);
      const auto first = Op::call(d, a.load(i), b.load(i));
      const auto second = Op::call(d, a.load(i + width), b.load(i + width));
      hn::StoreU(first, d, out + i);
      hn::StoreU(second, d, out + i + width);
      seen.look(first);
      seen.look(second);
    }
    if (i + width <= n) {
      const auto result = Op::call(d, a.load(i), b.load(i));
      hn::StoreU(result, d, out + i);
      seen.look(result);
      i += width;
    }
  }
  if (i < n) lanes_part<Op, T>(a, b, out, i, n - i, seen);
  return seen.seen();
}

// out[i] = a[i] op b[i] over plain lanes.
template <class Op, class T, Form kForm, bool kStream>
std::uint32_t lanes_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  const Operand<T, kForm == Form::sv> a(va);
  const Operand<T, kForm == Form::vs> b(vb);
  return lanes_all<Op, T>(a, b, static_cast<T*>(vo), n, kStream);
}

// The same over complex numbers whose parts are T; n counts numbers.
template <class Op, class T, Form kForm>
std::uint32_t complex_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  const hn::ScalableTag<T> d;
  const std::size_t width = hn::Lanes(d);
  const ComplexOperand<T, kForm == Form::sv> a(va);
  const ComplexOperand<T, kForm == Form::vs> b(vb);
  T* out = static_cast<T*>(vo);
  SeenLanes<decltype(d)> seen;
  hn::Vec<decltype(d)> ar, ai, br, bi, re, im;
  std::size_t i = 0;
  for (; i + width <= n; i += width) {
    a.load(i, ar, ai);
    b.load(i, br, bi);
    Op::call(d, ar, ai, br, bi, re, im);
    hn::StoreInterleaved2(re, im, d, out + 2 * i);
    seen.look(re);
    seen.look(im);
  }
  if (i == n) return seen.seen();
  HWY_ALIGN T part[2 * HWY_MAX_BYTES / sizeof(T)];
  a.load_part(i, n - i, ar, ai);
  b.load_part(i, n - i, br, bi);
  Op::call(d, ar, ai, br, bi, re, im);
  hn::StoreInterleaved2(re, im, d, part);
  std::memcpy(out + 2 * i, part, 2 * (n - i) * sizeof(T));
  seen.look_part(re, n - i);
  seen.look_part(im, n - i);
  return seen.seen();
}

// A complex op that works on parts alone (add, subtract) is the op over 2n lanes.
template <class Op, class T, bool kStream>
std::uint32_t pairs_loop(const void* a, const void* b, void* out, std::size_t n) noexcept {
  return lanes_loop<Op, T, Form::vv, kStream>(a, b, out, 2 * n);
}

// The same over float16: computed in float32 and rounded once. For + − × ÷ that is the correctly rounded float16
// result, as float32 has more than twice the digits.
template <class Op, Form kForm>
std::uint32_t half_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  constexpr std::size_t kChunk = 256;
  std::uint32_t seen = 0;
  HWY_ALIGN float a[kChunk], b[kChunk], out[kChunk];
  widen_halves(static_cast<const Half*>(va), a, kForm == Form::sv && n != 0 ? 1 : 0);
  widen_halves(static_cast<const Half*>(vb), b, kForm == Form::vs && n != 0 ? 1 : 0);
  for (std::size_t i = 0; i < n; i += kChunk) {
    const std::size_t count = n - i < kChunk ? n - i : kChunk;
    if constexpr (kForm != Form::sv) widen_halves(static_cast<const Half*>(va) + i, a, count);
    if constexpr (kForm != Form::vs) widen_halves(static_cast<const Half*>(vb) + i, b, count);
    lanes_loop<Op, float, kForm, false>(a, b, out, count);
    seen |= narrow_halves(out, static_cast<Half*>(vo) + i, count);
  }
  return seen;
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#endif  // toggle
