// Powers, and functions of two floats: SLEEF's of 1 ULP, and exact ones.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/power.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include <hwy/highway.h>

#include <cmath>

#include "lib/kernels/pow-inl.h"
#include "lib/kernels/sleef_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

NDSHARE_SLEEF_BINARY(AnyPow, pow, u10)
NDSHARE_SLEEF_BINARY(SleefHypot, hypot, u05)
NDSHARE_SLEEF_BINARY(SleefAtan2, atan2, u10)
NDSHARE_SLEEF_UNARY(ExpOf, exp, u10, u10)
NDSHARE_SLEEF_UNARY(Exp2Of, exp2, u10, u10)
NDSHARE_SLEEF_UNARY(Log1pOf, log1p, u10, u10)

// SLEEF's overflows a little too early: near the largest number the square of the half power decides.
template <class V>
HWY_INLINE V sleef_pow(V x, V y) noexcept {
  using D = hn::DFromV<V>;
  using T = hn::TFromD<D>;
  const D d;
  const V infinity = hn::Inf(d), size = hn::Abs(x), power = AnyPow::call(x, y);
  const auto finite = hn::And(hn::And(hn::Lt(size, infinity), hn::Lt(hn::Abs(y), infinity)), hn::Gt(size, hn::Zero(d)));
  const auto overflows = hn::And(hn::Eq(hn::Abs(power), infinity), finite);
  if (HWY_LIKELY(hn::AllFalse(d, overflows))) return power;
  const V root = AnyPow::call(size, hn::Mul(y, hn::Set(d, T(0.5)))), square = hn::CopySign(hn::Mul(root, root), power);
  const V mended = hn::IfThenElse(hn::Eq(y, hn::Set(d, T(1))), x, square);
  return hn::IfThenElse(overflows, mended, power);
}
struct Pow {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
#if HWY_TARGET == HWY_AVX3
    const hn::DFromV<V> d;
    const V infinity = set<V>(kInfinity<V>);
    const auto plain = hn::And(hn::And(hn::Gt(x, hn::Zero(d)), hn::Lt(x, infinity)), hn::Lt(hn::Abs(y), infinity));
    const V result = positive_pow(x, y);
    return HWY_LIKELY(hn::AllTrue(d, plain)) ? result : hn::IfThenElse(plain, result, sleef_pow(x, y));
#else
    return sleef_pow(x, y);
#endif
  }
};

// Smaller than this, SLEEF's lose digits where there is no fused multiply-add.
template <class V>
HWY_INLINE auto is_small(V size) noexcept {
  const hn::DFromV<V> d;
  using T = hn::TFromD<decltype(d)>;
  return hn::And(hn::Lt(size, hn::Set(d, static_cast<T>(sizeof(T) == 4 ? 0x1p-100 : 0x1p-960))), hn::Gt(size, hn::Zero(d)));
}
struct Hypot {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
    const V r = SleefHypot::call(x, y);
    return mended(is_small(r), r, [](const auto& lanes, std::size_t i) {
      return std::hypot(static_cast<long double>(lanes[0][i]), static_cast<long double>(lanes[1][i]));
    }, x, y);
  }
};
struct Atan2 {
  template <class V>
  static HWY_INLINE V call(V y, V x) noexcept {
    const V r = SleefAtan2::call(y, x);
    return mended(is_small(hn::Abs(r)), r, [](const auto& lanes, std::size_t i) {
      return std::atan2(static_cast<long double>(lanes[0][i]), static_cast<long double>(lanes[1][i]));
    }, y, x);
  }
};

// The larger, and what the smaller adds: log1p(e^−|x − y|). Equal operands (infinities too) have no difference.
template <class V>
HWY_INLINE V log_of_sum(V x, V y, V small, V log_2) noexcept {
  const V larger = hn::IfThenElse(hn::Gt(x, y), x, y);
  return hn::IfThenElse(hn::Eq(x, y), hn::Add(x, log_2), hn::Add(larger, small));
}
struct Logaddexp {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
    using D = hn::DFromV<V>;
    const D d;
    const V small = Log1pOf::call(ExpOf::call(hn::Neg(hn::Abs(hn::Sub(x, y)))));
    return log_of_sum(x, y, small, hn::Set(d, hn::TFromD<D>(0.693147180559945309417232121458)));
  }
};
struct Logaddexp2 {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
    using D = hn::DFromV<V>;
    const D d;
    const V small = Log1pOf::call(Exp2Of::call(hn::Neg(hn::Abs(hn::Sub(x, y)))));
    const V log2_e = hn::Set(d, hn::TFromD<D>(1.44269504088896340735992468100));
    return log_of_sum(x, y, hn::Mul(small, log2_e), hn::Set(d, hn::TFromD<D>(1)));
  }
};
struct Copysign {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept { return hn::CopySign(x, y); }
};
struct Heaviside {
  template <class V>
  static HWY_INLINE V call(V x, V y) noexcept {
    using D = hn::DFromV<V>;
    const D d;
    const V zero = hn::Zero(d), one = hn::Set(d, hn::TFromD<D>(1));
    const V step = hn::IfThenElse(hn::Lt(x, zero), zero, hn::IfThenElse(hn::Eq(x, zero), y, one));
    return hn::IfThenElse(hn::Eq(x, x), step, x);
  }
};

#if HWY_TARGET == HWY_AVX3
HWY_INLINE VF powers(const std::int32_t* from, VF) noexcept { return VF{_mm512_cvtepi32_ps(_mm512_loadu_si512(from))}; }
HWY_INLINE VD powers(const std::int32_t* from, VD) noexcept {
  return VD{_mm512_cvtepi32_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
}
// x 2^p. Forms: `vs` one power for all, `sv` one number.
template <class T, Form kForm>
std::uint32_t ldexp_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr std::size_t kLanes = HWY_MAX_BYTES / sizeof(T);
  const Operand<T, kForm == Form::sv> a(va);
  T* out = static_cast<T*>(vo);
  HWY_ALIGN std::int32_t part[kLanes] = {};
  HWY_ALIGN T rest[kLanes] = {};
  if (n == 0) return 0;
  if constexpr (kForm == Form::vs) {
    for (std::int32_t& power : part) std::memcpy(&power, vb, sizeof power);
  }
  const auto power_at = [&](std::size_t i) { return kForm == Form::vs ? part : static_cast<const std::int32_t*>(vb) + i; };
  auto seen = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const V r = scale(a.load(i), powers(power_at(i), V()));
    seen = hn::Or(seen, hn::Sub(r, r));
    hn::StoreU(r, d, out + i);
  }
  std::uint32_t bits = hn::AllTrue(d, hn::Eq(seen, hn::Zero(d))) ? 0U : std::uint32_t{kSeenNonFinite};
  if (i < n) {
    if constexpr (kForm != Form::vs) std::memcpy(part, power_at(i), (n - i) * sizeof part[0]);
    hn::Store(scale(a.load_part(i, n - i), powers(part, V())), d, rest);
    std::memcpy(out + i, rest, (n - i) * sizeof(T));
    for (std::size_t k = 0; k < n - i; ++k) bits |= not_finite(rest[k]) != 0 ? std::uint32_t{kSeenNonFinite} : 0U;
  }
  return bits;
}
template <class T>
constexpr BinaryKernels ldexp_kernels() noexcept {
  return {.vv = ldexp_loop<T, Form::vv>, .vs = ldexp_loop<T, Form::vs>, .sv = ldexp_loop<T, Form::sv>};
}
#endif

}  // namespace

void fill_power_table(KernelTable* table) {
#if HWY_TARGET == HWY_AVX3
  slot(*table, BinaryOp::ldexp, TypeId::float32) = ldexp_kernels<float>();
  slot(*table, BinaryOp::ldexp, TypeId::float64) = ldexp_kernels<double>();
#endif
  set_vector_binary<Pow, true>(*table, BinaryOp::pow);
  set_vector_binary<Hypot, true>(*table, BinaryOp::hypot);
  set_vector_binary<Atan2, false>(*table, BinaryOp::atan2);
  set_vector_binary<Logaddexp, true>(*table, BinaryOp::logaddexp);
  set_vector_binary<Logaddexp2, true>(*table, BinaryOp::logaddexp2);
  set_vector_binary<Copysign, false>(*table, BinaryOp::copysign);
  set_vector_binary<Heaviside, false>(*table, BinaryOp::heaviside);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_power_table);
void fill_power(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_power_table)(&table); }
}  // namespace ndshare::internal
#endif
