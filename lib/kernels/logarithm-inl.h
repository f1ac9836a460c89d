// Logarithms for AVX-512, of any base, float32 and float64 (elementary-inl.h has what they share with the rest).
//
// log x = e log 2 − log r + log(1 + f): x = m 2^e; r is 1 / m to a few bits, and its logarithm stands in a table; f = m r − 1 exactly.

#if defined(NDSHARE_LOGARITHM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_LOGARITHM_INL
#undef NDSHARE_LOGARITHM_INL
#else
#define NDSHARE_LOGARITHM_INL
#endif

#include <hwy/highway.h>

#include "lib/kernels/elementary-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {

// Everything to one base. kHigh and the table's high parts have so few bits that e kHigh + high is exact.
struct BaseE {
  static constexpr long double kLog = 1.0L, kLog2 = 0.693147180559945309417232121458176568L;
};
struct Base2 {
  static constexpr long double kLog = 1.442695040888963407359924681001892137L, kLog2 = 1.0L;
};
struct Base10 {
  static constexpr long double kLog = 0.434294481903251827651128918916605082L, kLog2 = 0.301029995663981195213738894724493027L;
};
constexpr long double cut(long double x, long double unit) noexcept {
  return static_cast<long double>(static_cast<std::int64_t>(x / unit)) * unit;
}
template <class Base, class T>
struct LogTable {
  static constexpr bool kDouble = sizeof(T) == 8;
  static constexpr int kCount = kDouble ? 16 : 32;  // r in steps of 1 / kCount; its index is r kCount modulo kCount
  static constexpr long double kUnit = kDouble ? 0x1p-40L : 0x1p-16L;
  static constexpr T kHigh = static_cast<T>(cut(Base::kLog2, kDouble ? 0x1p-32L : 0x1p-16L));
  static constexpr T kLow = static_cast<T>(Base::kLog2 - static_cast<long double>(kHigh));
  static constexpr T kPart = static_cast<T>(Base::kLog), kPartLow = static_cast<T>(Base::kLog - static_cast<long double>(kPart));
  alignas(64) T high[kCount]{}, low[kCount]{};
  constexpr LogTable() {
    for (int i = kCount * 5 / 8; i <= kCount * 11 / 8; ++i) {
      const long double exact = -__builtin_logl(static_cast<long double>(i) / kCount) * Base::kLog, first = cut(exact, kUnit);
      high[i % kCount] = static_cast<T>(first);
      low[i % kCount] = static_cast<T>(exact - first);
    }
  }
};
template <class Base, class T>
inline constexpr LogTable<Base, T> kLogTable{};
HWY_INLINE VF look_up(VF index, const float* table) noexcept {
  return VF{_mm512_permutex2var_ps(_mm512_load_ps(table), _mm512_castps_si512(index.raw), _mm512_load_ps(table + 16))};
}
HWY_INLINE VD look_up(VD index, const double* table) noexcept {
  return VD{_mm512_permutex2var_pd(_mm512_load_pd(table), _mm512_castpd_si512(index.raw), _mm512_load_pd(table + 8))};
}
template <class V>
HWY_INLINE V log_tail(V f) noexcept {  // log(1 + f) = f + f² tail, |f| < 0.048 and 0.024
  static constexpr double kD[] = {-0.5,                 0.33333333333333337,  -0.24999999999991704, 0.1999999999997872,   -0.16666666714659312,
                                  0.14285714359579904, -0.12499925049207591, 0.11111021393164522,  -0.10043330683004702, 0.09135363174898978};
  static constexpr double kF[] = {-0.5, 0.3333333274054425, -0.25007202593045547, 0.20008232028949405};
  if constexpr (kIsDouble<V>) return polynomial(f, kD);
  else return polynomial(f, kF);
}

// log u of positive finite u. With kPlusOne u is 1 + x + x_low, rounded: near 0 f is x, and elsewhere what u lost is added, over u.
template <class Base, bool kPlusOne, class V>
HWY_INLINE V log_of(V u, V x, V x_low, V lost) noexcept {
  using T = LaneOf<V>;
  using Table = LogTable<Base, T>;
  const Split<V> a = split(u);
  const V magic = set<V>(kIsDouble<V> ? 0x1.8p48 : 0x1.8p18);  // its last digit is a step of r
  const V index = hn::Add(rough_reciprocal(a.m), magic), r = hn::Sub(index, magic);
  const V high = hn::MulAdd(a.e, set<V>(Table::kHigh), look_up(index, kLogTable<Base, T>.high));
  V low = look_up(index, kLogTable<Base, T>.low);
  if constexpr (Table::kLow != 0) low = hn::MulAdd(a.e, set<V>(Table::kLow), low);
  V f = hn::MulSub(a.m, r, set<V>(1));
  if constexpr (kPlusOne) {
    const auto near = hn::Eq(high, set<V>(0));
    f = hn::IfThenElse(near, x, f);
    low = hn::Add(low, hn::IfThenElse(near, x_low, hn::Mul(lost, rough_reciprocal(u))));
  }
  V part = f;
  if constexpr (Table::kPart != 1) {
    part = hn::Mul(f, set<V>(Table::kPart));
    low = hn::Add(low, hn::MulAdd(f, set<V>(Table::kPartLow), hn::MulSub(f, set<V>(Table::kPart), part)));
  }
  low = hn::MulAdd(hn::Mul(f, part), log_tail(f), low);
  const V sum = hn::Add(high, part);
  return hn::Add(sum, hn::Add(low, hn::Add(hn::Sub(high, sum), part)));
}

// log(1 + x + x_low) of finite x > −1.
template <class V>
HWY_INLINE V log1p_of(V x, V x_low) noexcept {
  const V one = set<V>(1), u = hn::Add(one, x), back = hn::Sub(u, one);
  const V lost = hn::Add(hn::Add(hn::Sub(one, hn::Sub(u, back)), hn::Sub(x, back)), x_low);
  return log_of<BaseE, true>(u, x, x_low, lost);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();
#endif  // AVX3

#endif  // toggle
