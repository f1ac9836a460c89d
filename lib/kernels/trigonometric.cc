// Trigonometric and hyperbolic functions. AVX-512: sin, cos, the hyperbolic ones and their inverses, and float32's tan are our own
// (elementary-inl.h says why). All others are SLEEF's of 1 ULP, with their edges mended.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/trigonometric.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include <hwy/highway.h>

#include <cmath>

#include "lib/kernels/hyperbolic-inl.h"
#include "lib/kernels/sleef_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

NDSHARE_SLEEF_UNARY(SleefSin, sin, u10, u10)
NDSHARE_SLEEF_UNARY(SleefCos, cos, u10, u10)
NDSHARE_SLEEF_UNARY(SleefTan, tan, u10, u10)
NDSHARE_SLEEF_UNARY(Asin, asin, u10, u10)
NDSHARE_SLEEF_UNARY(Acos, acos, u10, u10)
NDSHARE_SLEEF_UNARY(Atan, atan, u10, u10)

#if HWY_TARGET == HWY_AVX3

// Op::narrow in float64 of a float32 vector: there is room enough for plain formulas.
template <class Op>
HWY_INLINE VF through_float64(VF x) noexcept {
  const hn::ScalableTag<float> d;
  const hn::Half<decltype(d)> part;
  const hn::ScalableTag<double> wide;
  const VD low = Op::narrow(hn::PromoteTo(wide, hn::LowerHalf(part, x))), high = Op::narrow(hn::PromoteTo(wide, hn::UpperHalf(part, x)));
  return hn::Combine(d, hn::DemoteTo(part, high), hn::DemoteTo(part, low));
}

// Up to here x − n π is exact but for the digits of π that are left out. Beyond, and for NaN: SLEEF, by Payne and Hanek.
template <class V>
HWY_INLINE auto is_far(V x) noexcept { return hn::Not(hn::Lt(hn::Abs(x), set<V>(0x1p30))); }

constexpr double kPi = 3.141592653589793, kPiLow = 1.2246467991473532e-16, kPiLowest = -2.9947698097183397e-33;

// ± sin(x − n π), |x − n π| ≤ π/2: n is whole for sin, half of an odd number for cos.
template <bool kCosine>
struct Wave {
  struct Turned {
    VD n, sign;
  };
  static HWY_INLINE Turned turn(VD x) noexcept {
    const VD magic = set<VD>(0x1.8p52);  // the last digit of magic + n is that of n
    const VD sum = kCosine ? hn::Add(hn::MulAdd(x, set<VD>(1 / kPi), set<VD>(0.5)), magic) : hn::MulAdd(x, set<VD>(1 / kPi), magic);
    const VD n = kCosine ? hn::Sub(hn::Sub(sum, magic), set<VD>(0.5)) : hn::Sub(sum, magic);
    const hn::ScalableTag<std::uint64_t> bits;
    return {n, hn::BitCast(hn::ScalableTag<double>(), hn::ShiftLeft<63>(hn::BitCast(bits, sum)))};
  }
  static HWY_INLINE VD narrow(VD x) noexcept {
    static constexpr double kP[] = {-0.16666666663875593, 0.008333332767573599, -0.0001984108623172852, 2.753643631101472e-06,
                                    -2.4079519426776803e-08};
    const Turned a = turn(x);
    const VD r = hn::NegMulAdd(a.n, set<VD>(kPiLow), hn::NegMulAdd(a.n, set<VD>(kPi), x)), z = hn::Mul(r, r);
    return hn::Xor(hn::MulAdd(hn::Mul(r, z), polynomial(z, kP), r), a.sign);
  }
  static HWY_INLINE VD value(VD x) noexcept {
    static constexpr double kP[] = {-0.16666666666666666,   0.008333333333333316,   -0.00019841269841254898, 2.7557319219142296e-06,
                                    -2.5052107614294905e-08, 1.6058977135458344e-10, -7.643964595519815e-13,  2.731373150004205e-15};
    const Turned a = turn(x);
    const VD first = hn::NegMulAdd(a.n, set<VD>(kPi), x);  // exact; with n kPiLow, which is product + product_low
    const VD product = hn::Mul(a.n, set<VD>(kPiLow)), product_low = hn::MulSub(a.n, set<VD>(kPiLow), product);
    const VD r = hn::Sub(first, product), lost = hn::Sub(hn::Sub(hn::Sub(first, r), product), product_low);
    const VD r_low = hn::NegMulAdd(a.n, set<VD>(kPiLowest), lost);
    const VD z = hn::Mul(r, r), slope = hn::NegMulAdd(z, set<VD>(0.5), set<VD>(1));  // of the sine, roughly
    const VD rest = hn::MulAdd(hn::Mul(r, z), polynomial(z, kP), hn::Mul(r_low, slope));
    return hn::Xor(hn::Add(r, rest), a.sign);
  }
  static HWY_INLINE VF of(VF x) noexcept { return through_float64<Wave>(x); }
  static HWY_INLINE VD of(VD x) noexcept { return value(x); }
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const hn::DFromV<V> d;
    V y = of(x);
    const auto far = is_far(x);
    if constexpr (kCosine) {
      return HWY_LIKELY(hn::AllFalse(d, far)) ? y : hn::IfThenElse(far, SleefCos::call(x), y);
    } else {
      if (HWY_UNLIKELY(!hn::AllFalse(d, far))) y = hn::IfThenElse(far, SleefSin::call(x), y);
      return hn::IfThenElse(hn::Eq(x, set<V>(0)), x, y);  // of −0: −0
    }
  }
};
using Sin = Wave<false>;
using Cos = Wave<true>;

// sin / cos of x − n π/2, or −cos / sin for odd n.
struct Tan {
  static HWY_INLINE VD narrow(VD x) noexcept {
    static constexpr double kSin[] = {-0.16666666663875593, 0.008333332767573599, -0.0001984108623172852, 2.753643631101472e-06,
                                      -2.4079519426776803e-08};
    static constexpr double kCos[] = {0.04166666666422822, -0.0013888887635831008, 2.4800580859420797e-05, -2.7298435264400287e-07};
    const VD magic = set<VD>(0x1.8p52), sum = hn::MulAdd(x, set<VD>(2 / kPi), magic), n = hn::Sub(sum, magic);
    const VD r = hn::NegMulAdd(n, set<VD>(kPiLow / 2), hn::NegMulAdd(n, set<VD>(kPi / 2), x)), z = hn::Mul(r, r);
    const VD sine = hn::MulAdd(hn::Mul(r, z), polynomial(z, kSin), r);
    const VD cosine = hn::MulAdd(hn::Mul(z, z), polynomial(z, kCos), hn::NegMulAdd(z, set<VD>(0.5), set<VD>(1)));
    const hn::ScalableTag<std::int64_t> bits;
    const auto odd_bit = hn::ShiftLeft<63>(hn::BitCast(bits, sum));
    const auto is_odd = hn::MaskFromVec(hn::BitCast(hn::ScalableTag<double>(), hn::BroadcastSignBit(odd_bit)));
    const VD above = hn::IfThenElse(is_odd, hn::Neg(cosine), sine), below = hn::IfThenElse(is_odd, sine, cosine);
    return hn::Mul(above, reciprocal(below));
  }
  static HWY_INLINE VF call(VF x) noexcept {
    const hn::ScalableTag<float> d;
    const auto far = is_far(x);
    VF y = through_float64<Tan>(x);
    if (HWY_UNLIKELY(!hn::AllFalse(d, far))) y = hn::IfThenElse(far, SleefTan::call(x), y);
    return hn::IfThenElse(hn::Eq(x, set<VF>(0)), x, y);
  }
  static HWY_INLINE VD call(VD x) noexcept { return SleefTan::call(x); }
};

#else

using Sin = SleefSin;
using Cos = SleefCos;
using Tan = SleefTan;
NDSHARE_SLEEF_UNARY(SleefSinh, sinh, u10, u10)
NDSHARE_SLEEF_UNARY(SleefCosh, cosh, u10, u10)
NDSHARE_SLEEF_UNARY(SleefTanh, tanh, u10, u10)
NDSHARE_SLEEF_UNARY(SleefAsinh, asinh, u10, u10)
NDSHARE_SLEEF_UNARY(SleefAcosh, acosh, u10, u10)
NDSHARE_SLEEF_UNARY(SleefAtanh, atanh, u10, u10)

// Where SLEEF's overflow: sinh and cosh a little too early, asinh and acosh from the root of the largest number on.
template <class V>
HWY_INLINE auto is_beyond(V x, float float32, double float64) noexcept {
  const hn::DFromV<V> d;
  using T = hn::TFromD<decltype(d)>;
  const V size = hn::Abs(x);
  return hn::And(hn::Gt(size, hn::Set(d, sizeof(T) == 4 ? static_cast<T>(float32) : static_cast<T>(float64))),
                 hn::Lt(size, hn::Set(d, std::numeric_limits<T>::infinity())));
}
struct Tanh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept { return odd(x, SleefTanh::call(x)); }
};
struct Atanh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept { return odd(x, SleefAtanh::call(x)); }
};
struct Sinh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const auto wrong = is_beyond(x, 88, 709);
    return mended(wrong, odd(x, SleefSinh::call(x)), [](const auto& lanes, std::size_t i) { return std::sinh(static_cast<long double>(lanes[0][i])); }, x);
  }
};
struct Cosh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const auto wrong = is_beyond(x, 88, 709);
    return mended(wrong, SleefCosh::call(x), [](const auto& lanes, std::size_t i) { return std::cosh(static_cast<long double>(lanes[0][i])); }, x);
  }
};
struct Asinh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const V y = odd(x, SleefAsinh::call(x));
    const auto wrong = is_beyond(x, 1e17F, 1e150);
    return mended(wrong, y, [](const auto& lanes, std::size_t i) { return std::asinh(static_cast<long double>(lanes[0][i])); }, x);
  }
};
struct Acosh {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    const auto wrong = is_beyond(x, 1e17F, 1e150);
    return mended(wrong, SleefAcosh::call(x), [](const auto& lanes, std::size_t i) { return std::acosh(static_cast<long double>(lanes[0][i])); }, x);
  }
};

#endif

}  // namespace

void fill_trigonometric_table(KernelTable* table) {
  set_vector_unary<Sin, true>(*table, UnaryOp::sin);
  set_vector_unary<Cos, true>(*table, UnaryOp::cos);
  set_vector_unary<Tan, true>(*table, UnaryOp::tan);
  set_vector_unary<Asin, true>(*table, UnaryOp::asin);
  set_vector_unary<Acos, true>(*table, UnaryOp::acos);
  set_vector_unary<Atan, false>(*table, UnaryOp::atan);
  set_vector_unary<Sinh, true>(*table, UnaryOp::sinh);
  set_vector_unary<Cosh, true>(*table, UnaryOp::cosh);
  set_vector_unary<Tanh, false>(*table, UnaryOp::tanh);
  set_vector_unary<Asinh, false>(*table, UnaryOp::asinh);
  set_vector_unary<Acosh, true>(*table, UnaryOp::acosh);
  set_vector_unary<Atanh, true>(*table, UnaryOp::atanh);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_trigonometric_table);
void fill_trigonometric(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_trigonometric_table)(&table); }
}  // namespace ndshare::internal
#endif
