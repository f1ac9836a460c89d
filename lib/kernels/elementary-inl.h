// Parts of elementary functions for AVX-512, float32 and float64, in one piece with the loop around them: a call into SLEEF keeps
// no constant in a register, and the instruction set has what others lack (exponent and mantissa of a number, scaling by a power
// of 2, tables in registers). Other targets take SLEEF's functions. Here: the instructions, and e^x; logarithm-inl.h has log.
//
// Sums of two numbers carry what rounding loses. Callers mend arguments that are out of range. Coefficients: Taylor series cut in
// Chebyshev's basis. Reductions: Cody and Waite.

#if defined(NDSHARE_ELEMENTARY_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_ELEMENTARY_INL
#undef NDSHARE_ELEMENTARY_INL
#else
#define NDSHARE_ELEMENTARY_INL
#endif

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <hwy/highway.h>

#include "lib/kernels/sleef_loops-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {

template <class V>
inline constexpr bool kIsDouble = std::is_same_v<V, VD>;
template <class V>
using LaneOf = hn::TFromD<hn::DFromV<V>>;
template <class V>
HWY_INLINE V set(double value) noexcept { return hn::Set(hn::DFromV<V>(), static_cast<LaneOf<V>>(value)); }
template <class V>
inline constexpr double kInfinity = std::numeric_limits<LaneOf<V>>::infinity();

// The instructions.
HWY_INLINE VF rough_reciprocal(VF x) noexcept { return VF{_mm512_rcp14_ps(x.raw)}; }  // 14 bits
HWY_INLINE VD rough_reciprocal(VD x) noexcept { return VD{_mm512_rcp14_pd(x.raw)}; }
HWY_INLINE VF scale(VF p, VF n) noexcept { return VF{_mm512_scalef_ps(p.raw, n.raw)}; }  // p 2^⌊n⌋
HWY_INLINE VD scale(VD p, VD n) noexcept { return VD{_mm512_scalef_pd(p.raw, n.raw)}; }
// x = m 2^e with m in [0.75, 1.5), of subnormals too.
template <class V>
struct Split {
  V m, e;
};
HWY_INLINE Split<VF> split(VF x) noexcept {
  const __m512 m = _mm512_getmant_ps(x.raw, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src), e = _mm512_getexp_ps(x.raw);
  return {VF{m}, VF{_mm512_mask_add_ps(e, _mm512_cmp_ps_mask(m, _mm512_set1_ps(1), _CMP_LT_OQ), e, _mm512_set1_ps(1))}};
}
HWY_INLINE Split<VD> split(VD x) noexcept {
  const __m512d m = _mm512_getmant_pd(x.raw, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src), e = _mm512_getexp_pd(x.raw);
  return {VD{m}, VD{_mm512_mask_add_pd(e, _mm512_cmp_pd_mask(m, _mm512_set1_pd(1), _CMP_LT_OQ), e, _mm512_set1_pd(1))}};
}
// Whether a lane is not a positive finite number.
HWY_INLINE bool some_not_positive(VF x) noexcept { return _mm512_fpclass_ps_mask(x.raw, 0xdf) != 0; }
HWY_INLINE bool some_not_positive(VD x) noexcept { return _mm512_fpclass_pd_mask(x.raw, 0xdf) != 0; }

// c[0] + c[1] x + …, by Horner.
template <class V, std::size_t kCount>
HWY_INLINE V polynomial(V x, const double (&c)[kCount]) noexcept {
  V sum = set<V>(c[kCount - 1]);
  for (std::size_t k = kCount - 1; k-- > 0;) sum = hn::MulAdd(sum, x, set<V>(c[k]));
  return sum;
}
// 1 / d to 28 bits at most, and n / d to 0.6 ULP, for d of ordinary size: the divider takes 16 cycles, this 3 to 4.
template <class V>
HWY_INLINE V reciprocal(V d) noexcept {
  const V r = rough_reciprocal(d);
  return hn::MulAdd(r, hn::NegMulAdd(d, r, set<V>(1)), r);
}
template <class V>
HWY_INLINE V quotient(V n, V d) noexcept {
  V r;
  if constexpr (kIsDouble<V>) r = reciprocal(d);
  else r = rough_reciprocal(d);
  const V q = hn::Mul(n, r);
  return hn::MulAdd(r, hn::NegMulAdd(q, d, n), q);
}
// NaN stays: the instructions give the second operand then.
template <class V>
HWY_INLINE V clamp(V x, double low, double high) noexcept { return hn::Max(set<V>(low), hn::Min(set<V>(high), x)); }

// ---- e^x = 2^n e^r, |r| ≤ ln 2 / 2, and e^r = 1 + r + r² q(r)

template <class V>
struct Reduced {
  V n, high, r;  // high − n kLow is r, rounded; high is exact
  static constexpr double kHigh = kIsDouble<V> ? 0.6931471803691238 : 0.693145751953125;
  static constexpr double kLow = kIsDouble<V> ? 1.9082149292705877e-10 : 1.4286068203094173e-06;
};
template <class V>
HWY_INLINE Reduced<V> reduce_exp(V x) noexcept {
  const V magic = set<V>(kIsDouble<V> ? 0x1.8p52 : 0x1.8p23);  // rounds to whole numbers
  const V n = hn::Sub(hn::MulAdd(x, set<V>(1.4426950408889634), magic), magic);
  const V high = hn::NegMulAdd(n, set<V>(Reduced<V>::kHigh), x);
  return {n, high, hn::NegMulAdd(n, set<V>(Reduced<V>::kLow), high)};
}
// r² q(r) − n kLow: what is to be added to 1 + high.
template <class V>
HWY_INLINE V exp_tail(const Reduced<V>& a) noexcept {
  static constexpr double kD[] = {0.5000000000000001,     0.1666666666666667,     0.04166666666662382,    0.008333333333326082,
                                  0.0013888888917368964,  0.00019841269875003973, 2.4801521055364205e-05, 2.7557255168123062e-06,
                                  2.76202026313159e-07,   2.5105313423078524e-08};
  static constexpr double kF[] = {0.5000000013543257,   0.16666666719322767,   0.041666464167313115,
                                  0.008333298340603958, 0.0013933733216281662, 0.00019899392456492918};
  V q;
  if constexpr (kIsDouble<V>) q = polynomial(a.r, kD);
  else q = polynomial(a.r, kF);
  return hn::NegMulAdd(a.n, set<V>(Reduced<V>::kLow), hn::Mul(hn::Mul(a.r, a.r), q));
}

template <class V>
struct Sum {
  V high, low;
};
// 2^kShift (e^x + kAdd), as a sum of two; 2^(n + kShift) is neither subnormal nor infinite.
template <int kAdd, int kShift, class V>
HWY_INLINE Sum<V> exp_plus(V x) noexcept {
  const Reduced<V> a = reduce_exp(x);
  const V power = scale(set<V>(1), hn::Add(a.n, set<V>(kShift)));
  const V start = hn::Add(power, set<V>(kAdd * (kShift == 0 ? 1.0 : kShift == -1 ? 0.5 : 0.25)));
  const V high = hn::MulAdd(power, a.high, start);
  const V lost = hn::MulAdd(power, a.high, hn::Sub(start, high));
  return {high, hn::MulAdd(power, exp_tail(a), lost)};
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();
#endif  // AVX3

#endif  // toggle
