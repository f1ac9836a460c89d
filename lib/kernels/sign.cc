// Signs, sizes and parts of numbers, squares and reciprocals. Signed integers wrap: they are computed as unsigned ones.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/sign.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <cmath>
#include <complex>
#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

// Powers of two that keep the squares of a number's parts away from overflow and from the subnormals.
template <class T>
struct Scales;
template <>
struct Scales<float> {
  static constexpr float kLarge = 0x1p60F, kDown = 0x1p-70F, kSmall = 0x1p-40F, kUp = 0x1p100F;
};
template <>
struct Scales<double> {
  static constexpr double kLarge = 0x1p500, kDown = 0x1p-600, kSmall = 0x1p-400, kUp = 0x1p700;
};

struct Abs {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fabs(a);
    } else {
      using U = std::make_unsigned_t<T>;
      return a < 0 ? static_cast<T>(U{0} - static_cast<U>(a)) : a;
    }
  }
  // The error of √(x² + y²) is below 1 ULP (Ziv, Sharp ULP rounding error bound for the hypotenuse function, 1999), and
  // scaling by powers of two is exact.
  template <class T>
  static HWY_INLINE T call(Pair<T> a) noexcept {
    using S = Scales<T>;
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    const T re = std::fabs(a.re), im = std::fabs(a.im), size = re > im ? re : im;
    const T scale = size > S::kLarge ? S::kDown : size < S::kSmall ? S::kUp : T{1};
    const T back = size > S::kLarge ? 1 / S::kDown : size < S::kSmall ? 1 / S::kUp : T{1};
    const T x = re * scale, y = im * scale, length = std::sqrt(x * x + y * y) * back;
    return (re == kInfinity) | (im == kInfinity) ? kInfinity : length;
  }
};
struct AbsHalf {
  static HWY_INLINE std::uint16_t call(std::uint16_t magnitude) noexcept { return magnitude; }
};
std::uint32_t abs_halves(const void* a, void* out, std::size_t n) noexcept {
  unary_loop<AbsHalf, HalfMagnitude, std::uint16_t>(a, out, n);
  return halves_finite(static_cast<const Half*>(out), n) ? 0U : std::uint32_t{kSeenNonFinite};
}
struct Negative {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      return -a;
    } else {
      return static_cast<T>(T{0} - a);
    }
  }
  template <class T>
  static HWY_INLINE Pair<T> call(Pair<T> a) noexcept {
    return {-a.re, -a.im};
  }
};
struct NegativeHalf {
  static HWY_INLINE std::uint16_t call(std::uint16_t bits) noexcept { return bits ^ 0x8000U; }
};
struct Sign {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      const T sign = a > 0 ? T{1} : a < 0 ? T{-1} : T{0};
      return a != a ? a : sign;
    } else {
      return static_cast<T>(static_cast<T>(a > 0) - static_cast<T>(a < 0));
    }
  }
  // x / |x|. An infinite part alone is a direction; two of them are none: NaN, as ∞/∞ is. float32 is computed in
  // float64; there x is scaled, so that its length neither overflows nor loses digits.
  static HWY_INLINE Pair<float> call(Pair<float> a) noexcept {
    const Pair<double> direction = call(Pair<double>{a.re, a.im});
    return {static_cast<float>(direction.re), static_cast<float>(direction.im)};
  }
  static HWY_INLINE Pair<double> call(Pair<double> a) noexcept {
    const double size_re = std::fabs(a.re), size_im = std::fabs(a.im), size = size_re > size_im ? size_re : size_im;
    if (a.re != a.re || a.im != a.im) return {a.re + a.im, a.re + a.im};
    if (size == 0) return {0, 0};
    if (size == std::numeric_limits<double>::infinity()) {
      const bool both = size_re == size_im;
      const double nan = std::numeric_limits<double>::quiet_NaN();
      return both              ? Pair<double>{nan, nan}
             : size_re == size ? Pair<double>{std::copysign(1.0, a.re), std::copysign(0.0, a.im)}
                               : Pair<double>{std::copysign(0.0, a.re), std::copysign(1.0, a.im)};
    }
    using S = Scales<double>;
    // Scaled down, a small part would lose its digits beside a large one: only the length is, and then the quotient.
    const double up = size < S::kSmall ? S::kUp : 1.0, down = size > S::kLarge ? S::kDown : 1.0;
    const double re = a.re * up, im = a.im * up, x = re * down, y = im * down, length = std::sqrt(x * x + y * y);
    return {re / length * down, im / length * down};
  }
};
struct SignBit {
  static HWY_INLINE std::uint8_t call(std::uint16_t half) noexcept { return static_cast<std::uint8_t>(half >> 15); }
  static HWY_INLINE std::uint8_t call(std::uint32_t bits) noexcept { return static_cast<std::uint8_t>(bits >> 31); }
  static HWY_INLINE std::uint8_t call(std::uint64_t bits) noexcept { return static_cast<std::uint8_t>(bits >> 63); }
};
struct Square {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      return a * a;
    } else {
      return static_cast<T>(std::uint64_t{1} * a * a);  // unsigned: products of uint16 would overflow an int
    }
  }
  template <class T>
  static HWY_INLINE Pair<T> call(Pair<T> a) noexcept {
    return {a.re * a.re - a.im * a.im, a.re * a.im + a.im * a.re};
  }
};
// Complex: Smith's method, as ComplexDivide in arithmetic.cc.
struct Reciprocal {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    return T{1} / a;
  }
  template <class T>
  static HWY_INLINE Pair<T> call(Pair<T> a) noexcept {
    const bool real_larger = std::fabs(a.im) <= std::fabs(a.re);
    const T large = real_larger ? a.re : a.im, small = real_larger ? a.im : a.re;
    const T ratio = small / large;
    const T scale = large + small * ratio;
    return {(real_larger ? T{1} : ratio) / scale, (real_larger ? -ratio : T{-1}) / scale};
  }
};
struct Conj {
  template <class T>
  static HWY_INLINE Pair<T> call(Pair<T> a) noexcept {
    return {a.re, -a.im};
  }
};
struct RealPart {
  template <class T>
  static HWY_INLINE T call(Pair<T> a) noexcept {
    return a.re;
  }
};
struct ImaginaryPart {
  template <class T>
  static HWY_INLINE T call(Pair<T> a) noexcept {
    return a.im;
  }
};
struct TruthAsIs {
  static HWY_INLINE std::uint8_t call(std::uint8_t a) noexcept { return a; }
};

template <class Signed>
void fill_integer_signs(KernelTable& table) noexcept {
  using Unsigned = std::make_unsigned_t<Signed>;
  constexpr TypeId kSigned = type_id_of<Signed>(), kUnsigned = type_id_of<Unsigned>();
  constexpr UnaryKernel kCopy = copy_loop<sizeof(Signed)>;
  slot(table, UnaryOp::abs, kSigned) = unary_loop<Abs, Signed, Signed>;
  slot(table, UnaryOp::abs, kUnsigned) = kCopy;
  slot(table, UnaryOp::sign, kSigned) = unary_loop<Sign, Signed, Signed>;
  slot(table, UnaryOp::sign, kUnsigned) = unary_loop<Sign, Unsigned, Unsigned>;
  for (const TypeId type : {kSigned, kUnsigned}) {
    slot(table, UnaryOp::negative, type) = unary_loop<Negative, Unsigned, Unsigned>;
    slot(table, UnaryOp::square, type) = unary_loop<Square, Unsigned, Unsigned>;
    slot(table, UnaryOp::positive, type) = slot(table, UnaryOp::conj, type) = slot(table, UnaryOp::real, type) = kCopy;
    slot(table, UnaryOp::imag, type) = fill_loop<sizeof(Signed), 0>;
  }
}

template <class T>
void fill_float_signs(KernelTable& table) noexcept {
  constexpr TypeId kType = type_id_of<T>();
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  slot(table, UnaryOp::abs, kType) = unary_loop<Abs, T, T, true>;
  slot(table, UnaryOp::negative, kType) = unary_loop<Negative, T, T>;
  slot(table, UnaryOp::sign, kType) = unary_loop<Sign, T, T>;
  slot(table, UnaryOp::signbit, kType) = unary_loop<SignBit, Bits, std::uint8_t>;
  slot(table, UnaryOp::square, kType) = unary_loop<Square, T, T, true>;
  slot(table, UnaryOp::reciprocal, kType) = unary_loop<Reciprocal, T, T, true>;
  slot(table, UnaryOp::positive, kType) = slot(table, UnaryOp::conj, kType) = slot(table, UnaryOp::real, kType) =
      copy_loop<sizeof(T)>;
  slot(table, UnaryOp::imag, kType) = fill_loop<sizeof(T), 0>;
}

void fill_half_signs(KernelTable& table) noexcept {
  constexpr TypeId kType = TypeId::float16;
  slot(table, UnaryOp::abs, kType) = abs_halves;
  slot(table, UnaryOp::negative, kType) = unary_loop<NegativeHalf, std::uint16_t, std::uint16_t>;
  slot(table, UnaryOp::sign, kType) = half_unary<unary_loop<Sign, float, float>, float>;
  slot(table, UnaryOp::signbit, kType) = unary_loop<SignBit, std::uint16_t, std::uint8_t>;
  slot(table, UnaryOp::square, kType) = half_unary<unary_loop<Square, float, float>, float, true>;
  slot(table, UnaryOp::reciprocal, kType) = half_unary<unary_loop<Reciprocal, float, float>, float, true>;
  slot(table, UnaryOp::positive, kType) = slot(table, UnaryOp::conj, kType) = slot(table, UnaryOp::real, kType) =
      copy_loop<2>;
  slot(table, UnaryOp::imag, kType) = fill_loop<2, 0>;
}

template <class T>
void fill_complex_signs(KernelTable& table) noexcept {
  constexpr TypeId kType = type_id_of<std::complex<T>>();
  using C = Pair<T>;
  slot(table, UnaryOp::abs, kType) = unary_loop<Abs, C, T, true>;
  slot(table, UnaryOp::positive, kType) = copy_loop<sizeof(C)>;
  slot(table, UnaryOp::negative, kType) = unary_loop<Negative, C, C>;
  slot(table, UnaryOp::sign, kType) = unary_loop<Sign, C, C>;
  slot(table, UnaryOp::square, kType) = unary_loop<Square, C, C, true>;
  slot(table, UnaryOp::reciprocal, kType) = unary_loop<Reciprocal, C, C, true>;
  slot(table, UnaryOp::conj, kType) = unary_loop<Conj, C, C>;
  slot(table, UnaryOp::real, kType) = unary_loop<RealPart, C, T>;
  slot(table, UnaryOp::imag, kType) = unary_loop<ImaginaryPart, C, T>;
}

void fill_sign_table(KernelTable* table) {
  slot(*table, UnaryOp::abs, TypeId::bool_) = slot(*table, UnaryOp::real, TypeId::bool_) =
      unary_loop<TruthAsIs, Truth, std::uint8_t>;
  slot(*table, UnaryOp::imag, TypeId::bool_) = fill_loop<1, 0>;
  fill_integer_signs<std::int8_t>(*table);
  fill_integer_signs<std::int16_t>(*table);
  fill_integer_signs<std::int32_t>(*table);
  fill_integer_signs<std::int64_t>(*table);
  fill_half_signs(*table);
  fill_float_signs<float>(*table);
  fill_float_signs<double>(*table);
  fill_complex_signs<float>(*table);
  fill_complex_signs<double>(*table);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_sign_table);
void fill_sign(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_sign_table)(&table); }
}  // namespace ndshare::internal
#endif
