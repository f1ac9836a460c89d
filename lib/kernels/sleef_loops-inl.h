// Loops over SLEEF's vector functions, for the instruction set being compiled. sleef.h declares only what the compiler's own
// flags allow, so each function is declared here, by the name that it has for this target.

#if defined(NDSHARE_SLEEF_LOOPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_SLEEF_LOOPS_INL
#undef NDSHARE_SLEEF_LOOPS_INL
#else
#define NDSHARE_SLEEF_LOOPS_INL
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"
#include "lib/kernels/simd_operands-inl.h"

// NDSHARE_SLEEF_F(exp, u10): its float32 function; _D: float64. Vectors are as wide as Highway's.
#undef NDSHARE_SLEEF_F
#undef NDSHARE_SLEEF_D
#if HWY_TARGET == HWY_AVX3
#define NDSHARE_SLEEF_F(name, ulp) Sleef_##name##f16_##ulp##avx512f
#define NDSHARE_SLEEF_D(name, ulp) Sleef_##name##d8_##ulp##avx512f
#elif HWY_TARGET == HWY_AVX2
#define NDSHARE_SLEEF_F(name, ulp) Sleef_##name##f8_##ulp##avx2
#define NDSHARE_SLEEF_D(name, ulp) Sleef_##name##d4_##ulp##avx2
#elif HWY_TARGET == HWY_SSE4
#define NDSHARE_SLEEF_F(name, ulp) Sleef_##name##f4_##ulp##sse4
#define NDSHARE_SLEEF_D(name, ulp) Sleef_##name##d2_##ulp##sse4
#elif HWY_TARGET == HWY_NEON
#define NDSHARE_SLEEF_F(name, ulp) Sleef_##name##f4_##ulp##advsimd
#define NDSHARE_SLEEF_D(name, ulp) Sleef_##name##d2_##ulp##advsimd
#else
#define NDSHARE_SLEEF_F(name, ulp) Sleef_##name##f1_##ulp##purec
#define NDSHARE_SLEEF_D(name, ulp) Sleef_##name##d1_##ulp##purec
#endif

// struct Name with call(x) for both: a function of one operand, and of two. `f`, `d`: the largest error of the float32 and the
// float64 function, as SLEEF names it: u05 0.5 ULP, u10 1.0, u35 3.5.
#undef NDSHARE_SLEEF_UNARY
#define NDSHARE_SLEEF_UNARY(Name, name, f, d)                                                \
  extern "C" RawF NDSHARE_SLEEF_F(name, f)(RawF);                                            \
  extern "C" RawD NDSHARE_SLEEF_D(name, d)(RawD);                                            \
  struct Name {                                                                              \
    static HWY_INLINE VF call(VF x) noexcept { return VF{NDSHARE_SLEEF_F(name, f)(x.raw)}; } \
    static HWY_INLINE VD call(VD x) noexcept { return VD{NDSHARE_SLEEF_D(name, d)(x.raw)}; } \
  };
#undef NDSHARE_SLEEF_BINARY
#define NDSHARE_SLEEF_BINARY(Name, name, ulp)                                                              \
  extern "C" RawF NDSHARE_SLEEF_F(name, ulp)(RawF, RawF);                                                  \
  extern "C" RawD NDSHARE_SLEEF_D(name, ulp)(RawD, RawD);                                                  \
  struct Name {                                                                                            \
    static HWY_INLINE VF call(VF x, VF y) noexcept { return VF{NDSHARE_SLEEF_F(name, ulp)(x.raw, y.raw)}; } \
    static HWY_INLINE VD call(VD x, VD y) noexcept { return VD{NDSHARE_SLEEF_D(name, ulp)(x.raw, y.raw)}; } \
  };

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using VF = hn::Vec<hn::ScalableTag<float>>;
using VD = hn::Vec<hn::ScalableTag<double>>;
using RawF = decltype(VF::raw);
using RawD = decltype(VD::raw);

// The few lanes of y where `wrong` are computed one by one, in long double.
template <class V, class M, class F, class... Vs>
HWY_INLINE V mended(M wrong, V y, F exact, Vs... x) noexcept {
  const hn::DFromV<V> d;
  if (HWY_LIKELY(hn::AllFalse(d, wrong))) return y;
  using T = hn::TFromD<decltype(d)>;
  HWY_ALIGN T lanes[sizeof...(x) + 1][HWY_MAX_BYTES / sizeof(T)];
  std::size_t operand = 0;
  (hn::Store(x, d, lanes[operand++]), ...);
  T* result = lanes[operand];
  hn::Store(hn::IfThenElse(wrong, hn::Set(d, T{1}), hn::Zero(d)), d, result);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
    if (result[i] != 0) result[i] = static_cast<T>(exact(lanes, i));
  }
  return hn::IfThenElse(wrong, hn::Load(d, result), y);
}

// Odd functions with f(x) = x + O(x³): below this size x itself; it keeps the sign of zero and subnormal numbers, too.
template <class V>
HWY_INLINE V odd(V x, V of_size) noexcept {
  using T = hn::TFromD<hn::DFromV<V>>;
  const auto tiny = hn::Lt(hn::Abs(x), hn::Set(hn::DFromV<V>(), static_cast<T>(sizeof(T) == 8 ? 0x1p-28 : 0x1p-13)));
  return hn::IfThenElse(tiny, x, hn::CopySign(of_size, x));
}
// out[i] = Op(a[i]). NaN and infinities leave bits in r − r.
template <class Op, class T, bool kSeen>
std::uint32_t vector_unary(const void* va, void* vo, std::size_t n) noexcept {
  const hn::ScalableTag<T> d;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const std::size_t width = hn::Lanes(d);
  const Operand<T, false> a(va);
  T* out = static_cast<T*>(vo);
  auto seen = hn::Zero(bits);
  std::size_t i = 0;
  for (; i + width <= n; i += width) {
    const auto r = Op::call(a.load(i));
    if constexpr (kSeen) seen = hn::Or(seen, hn::BitCast(bits, hn::Sub(r, r)));
    hn::StoreU(r, d, out + i);
  }
  if (i < n) {
    HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)] = {};
    hn::Store(Op::call(a.load_part(i, n - i)), d, part);
    std::memcpy(out + i, part, (n - i) * sizeof(T));
    // Lanes beyond the end are of zeros, which some functions have a pole at: only the real ones count.
    if constexpr (kSeen) {
      for (std::size_t k = 0; k < n - i; ++k) {
        if (not_finite(part[k]) != 0) return kSeenNonFinite;
      }
    }
  }
  return kSeen && !hn::AllTrue(bits, hn::Eq(seen, hn::Zero(bits))) ? std::uint32_t{kSeenNonFinite} : 0U;
}

template <class Op, class T, Form kForm, bool kSeen>
std::uint32_t vector_binary(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  const hn::ScalableTag<T> d;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const std::size_t width = hn::Lanes(d);
  const Operand<T, kForm == Form::sv> a(va);
  const Operand<T, kForm == Form::vs> b(vb);
  T* out = static_cast<T*>(vo);
  auto seen = hn::Zero(bits);
  std::size_t i = 0;
  for (; i + width <= n; i += width) {
    const auto r = Op::call(a.load(i), b.load(i));
    if constexpr (kSeen) seen = hn::Or(seen, hn::BitCast(bits, hn::Sub(r, r)));
    hn::StoreU(r, d, out + i);
  }
  if (i < n) {
    HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)] = {};
    hn::Store(Op::call(a.load_part(i, n - i), b.load_part(i, n - i)), d, part);
    std::memcpy(out + i, part, (n - i) * sizeof(T));
    if constexpr (kSeen) {
      for (std::size_t k = 0; k < n - i; ++k) {
        if (not_finite(part[k]) != 0) return kSeenNonFinite;
      }
    }
  }
  return kSeen && !hn::AllTrue(bits, hn::Eq(seen, hn::Zero(bits))) ? std::uint32_t{kSeenNonFinite} : 0U;
}

template <class Op, bool kSeen>
void set_vector_unary(KernelTable& table, UnaryOp op) noexcept {
  slot(table, op, TypeId::float16) = half_unary<vector_unary<Op, float, false>, float, kSeen>;
  slot(table, op, TypeId::float32) = vector_unary<Op, float, kSeen>;
  slot(table, op, TypeId::float64) = vector_unary<Op, double, kSeen>;
}

template <class Op, class T, bool kSeen>
constexpr BinaryKernels vector_kernels() noexcept {
  return {.vv = vector_binary<Op, T, Form::vv, kSeen>,
          .vs = vector_binary<Op, T, Form::vs, kSeen>,
          .sv = vector_binary<Op, T, Form::sv, kSeen>};
}
template <class Op, bool kSeen>
void set_vector_binary(KernelTable& table, BinaryOp op) noexcept {
  slot(table, op, TypeId::float16) = {.vv = half_binary<vector_binary<Op, float, Form::vv, false>, float, Form::vv, kSeen>,
                                      .vs = half_binary<vector_binary<Op, float, Form::vs, false>, float, Form::vs, kSeen>,
                                      .sv = half_binary<vector_binary<Op, float, Form::sv, false>, float, Form::sv, kSeen>};
  slot(table, op, TypeId::float32) = vector_kernels<Op, float, kSeen>();
  slot(table, op, TypeId::float64) = vector_kernels<Op, double, kSeen>();
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#endif  // toggle
