// x^y for AVX-512 and positive x: 2^(y log2 x), with log2 x as a sum of two numbers; float32 in float64.

#if defined(NDSHARE_POW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_POW_INL
#undef NDSHARE_POW_INL
#else
#define NDSHARE_POW_INL
#endif

#include <hwy/highway.h>

#include "lib/kernels/elementary-inl.h"
#include "lib/kernels/logarithm-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {

// log2 x to 62 bits. log_of in logarithm-inl.h says how; here f² is kept whole, too.
HWY_INLINE Sum<VD> log2_sum(VD x) noexcept {
  static constexpr double kP[] = {0.33333333333333337, -0.25000000000000006, 0.1999999999997872,   -0.16666666666623176, 0.14285714359579904,
                                  -0.1250000010567211, 0.11111021393164522,  -0.09999895229000802, 0.09135363174898978, -0.08378752701369588};
  using Table = LogTable<Base2, double>;
  const Split<VD> a = split(x);
  const VD magic = set<VD>(0x1.8p48), index = hn::Add(rough_reciprocal(a.m), magic), r = hn::Sub(index, magic);
  const VD f = hn::MulSub(a.m, r, set<VD>(1)), half = set<VD>(0.5);
  const VD square = hn::Mul(f, f), square_low = hn::MulSub(f, f, square);
  const VD natural = hn::NegMulAdd(square, half, f);
  VD natural_low = hn::NegMulAdd(square, half, hn::Sub(f, natural));
  natural_low = hn::Add(natural_low, hn::NegMulAdd(square_low, half, hn::Mul(hn::Mul(square, f), polynomial(f, kP))));
  const VD part = hn::Mul(natural, set<VD>(Table::kPart));
  VD low = hn::MulAdd(natural, set<VD>(Table::kPartLow), hn::MulSub(natural, set<VD>(Table::kPart), part));
  low = hn::MulAdd(natural_low, set<VD>(Table::kPart), low);
  const VD whole = hn::Add(a.e, look_up(index, kLogTable<Base2, double>.high));
  const VD high = hn::Add(whole, part);
  low = hn::Add(hn::Add(low, look_up(index, kLogTable<Base2, double>.low)), hn::Add(hn::Sub(whole, high), part));
  const VD sum = hn::Add(high, low);
  return {sum, hn::Add(hn::Sub(high, sum), low)};
}

// 2^(p + p_low)
HWY_INLINE VD exp2_sum(VD p, VD p_low) noexcept {
  const VD bounded = clamp(p, -1200, 1200), n = hn::Round(bounded), rest = hn::Sub(bounded, n);
  const VD f = hn::Add(rest, p_low), f_low = hn::Add(hn::Sub(rest, f), p_low);
  static constexpr double kQ[] = {0.24022650695910075,    0.0555041086648216,     0.009618129107618585,   0.0013333558146416842,
                                  0.00015403530424967557, 1.5252733829992543e-05, 1.3215451490948513e-06, 1.0178062350694542e-07,
                                  7.071010315943498e-09,  4.454979594231056e-10};
  const VD ln2 = set<VD>(0.6931471805599453);
  const VD low = hn::MulAdd(hn::Mul(f, f), polynomial(f, kQ), hn::MulAdd(f_low, ln2, hn::Mul(f, set<VD>(2.3190468138462996e-17))));
  return scale(hn::Add(set<VD>(1), hn::MulAdd(f, ln2, low)), n);
}
HWY_INLINE VD positive_pow(VD x, VD y) noexcept {
  const Sum<VD> log = log2_sum(x);
  const VD p = hn::Mul(y, log.high), p_low = hn::MulAdd(y, log.low, hn::MulSub(y, log.high, p));
  const auto bounded = hn::Lt(hn::Abs(p), set<VD>(1200));
  return exp2_sum(p, hn::IfThenElseZero(bounded, p_low));
}

// log2 x to 36 bits, which is more than float32 needs of it: one number, one table.
HWY_INLINE VD log2_narrow(VD x) noexcept {
  static constexpr double kP[] = {-0.500000000045008,   0.33333333347341526,  -0.24999964105637745,
                                  0.19999950351107806, -0.16709060561913394, 0.1432968986970598};
  const Split<VD> a = split(x);
  const VD magic = set<VD>(0x1.8p48), index = hn::Add(rough_reciprocal(a.m), magic);
  const VD f = hn::MulSub(a.m, hn::Sub(index, magic), set<VD>(1)), part = hn::Mul(f, set<VD>(LogTable<Base2, double>::kPart));
  const VD whole = hn::Add(a.e, look_up(index, kLogTable<Base2, double>.high));
  return hn::Add(whole, hn::MulAdd(hn::Mul(f, part), polynomial(f, kP), part));
}

// In float64 one number is enough.
HWY_INLINE VD positive_pow_narrow(VD x, VD y) noexcept {
  const VD p = clamp(hn::Mul(y, log2_narrow(x)), -1000, 1000), n = hn::Round(p), f = hn::Sub(p, n);
  static constexpr double kQ[] = {0.24022650760979053,   0.055504108840179374,   0.009618082363670236,
                                  0.0013333502157117424, 0.00015453265182499115, 1.5297414854470708e-05};
  const VD tail = hn::Mul(hn::Mul(f, f), polynomial(f, kQ));
  return scale(hn::Add(set<VD>(1), hn::MulAdd(f, set<VD>(0.6931471805599453), tail)), n);
}
HWY_INLINE VF positive_pow(VF x, VF y) noexcept {
  const hn::ScalableTag<float> d;
  const hn::Half<decltype(d)> half;
  const hn::ScalableTag<double> wide;
  const VD low = positive_pow_narrow(hn::PromoteTo(wide, hn::LowerHalf(half, x)), hn::PromoteTo(wide, hn::LowerHalf(half, y)));
  const VD high = positive_pow_narrow(hn::PromoteTo(wide, hn::UpperHalf(half, x)), hn::PromoteTo(wide, hn::UpperHalf(half, y)));
  return hn::Combine(d, hn::DemoteTo(half, high), hn::DemoteTo(half, low));
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();
#endif  // AVX3

#endif  // toggle
