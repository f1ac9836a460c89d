// What has no vector form: complex functions (the C library's follow Annex G of the C standard, which the array API's tables
// repeat), integer powers, nextafter and ldexp. Plain loops, one form for all targets.
#include "lib/kernels/families.h"

#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <numbers>
#include <type_traits>

namespace ndshare::internal {
namespace {

template <class T>
bool is_finite(const std::complex<T>& z) noexcept { return std::isfinite(z.real()) && std::isfinite(z.imag()); }
inline bool is_finite(float x) noexcept { return std::isfinite(x); }
inline bool is_finite(double x) noexcept { return std::isfinite(x); }
inline bool is_finite(Half x) noexcept { return std::isfinite(static_cast<float>(x)); }

template <class T>
T read(const void* data, std::size_t i) noexcept {
  T value;
  std::memcpy(static_cast<void*>(&value), static_cast<const unsigned char*>(data) + i * sizeof(T), sizeof(T));
  return value;
}
template <class T>
void write(void* data, std::size_t i, const T& value) noexcept {
  std::memcpy(static_cast<unsigned char*>(data) + i * sizeof(T), static_cast<const void*>(&value), sizeof(T));
}

// ---- complex functions of one operand

struct Exp { template <class C> static C call(C z) { return std::exp(z); } };
struct Exp2 {
  template <class C>
  static C call(C z) { return std::exp(z * static_cast<typename C::value_type>(std::numbers::ln2)); }
};
// e^x cos y − 1 without cancellation; the special cases are those of the C standard's cexp, with −1.
struct Expm1 {
  template <class C>
  static C call(C z) {
    using T = typename C::value_type;
    const T x = z.real(), y = z.imag();
    if (y == 0) return C(std::expm1(x), y);
    if (!std::isfinite(x) || !std::isfinite(y)) return std::exp(z) - C(1, 0);
    const T half = std::sin(y / 2);
    return C(std::expm1(x) * std::cos(y) - 2 * half * half, std::exp(x) * std::sin(y));
  }
};
struct Log { template <class C> static C call(C z) { return std::log(z); } };
struct Log1p {
  template <class C>
  static C call(C z) {
    using T = typename C::value_type;
    const T x = z.real(), y = z.imag();
    // |1 + z|² = 1 + (2x + x² + y²): near 0 the sum in brackets keeps its digits.
    const bool small = std::abs(x) < T(0.5) && std::abs(y) < T(0.5);
    const T length = small ? std::log1p(x * (2 + x) + y * y) / 2 : std::log(std::hypot(1 + x, y));
    return C(length, std::atan2(y, 1 + x));
  }
};
struct Log2 {
  template <class C>
  static C call(C z) { return std::log(z) * static_cast<typename C::value_type>(std::numbers::log2e); }
};
struct Log10 {
  template <class C>
  static C call(C z) { return std::log(z) * static_cast<typename C::value_type>(std::numbers::log10e); }
};
struct Sin { template <class C> static C call(C z) { return std::sin(z); } };
struct Cos { template <class C> static C call(C z) { return std::cos(z); } };
struct Tan { template <class C> static C call(C z) { return std::tan(z); } };
struct Asin { template <class C> static C call(C z) { return std::asin(z); } };
struct Acos { template <class C> static C call(C z) { return std::acos(z); } };
struct Atan { template <class C> static C call(C z) { return std::atan(z); } };
struct Sinh { template <class C> static C call(C z) { return std::sinh(z); } };
struct Cosh { template <class C> static C call(C z) { return std::cosh(z); } };
struct Tanh { template <class C> static C call(C z) { return std::tanh(z); } };
struct Asinh { template <class C> static C call(C z) { return std::asinh(z); } };
struct Acosh { template <class C> static C call(C z) { return std::acosh(z); } };
struct Atanh { template <class C> static C call(C z) { return std::atanh(z); } };

template <class Op, class T>
std::uint32_t unary_loop(const void* a, void* out, std::size_t n) noexcept {
  bool finite = true;
  for (std::size_t i = 0; i < n; ++i) {
    const T result = Op::call(read<T>(a, i));
    finite = finite && is_finite(result);
    write(out, i, result);
  }
  return finite ? 0U : std::uint32_t{kSeenNonFinite};
}
template <class Op>
void set_complex(KernelTable& table, UnaryOp op) noexcept {
  slot(table, op, TypeId::complex64) = unary_loop<Op, std::complex<float>>;
  slot(table, op, TypeId::complex128) = unary_loop<Op, std::complex<double>>;
}

// ---- two operands

enum class Form { vv, vs, sv };

template <class Op, class T, class U, Form kForm>
std::uint32_t binary_loop(const void* a, const void* b, void* out, std::size_t n) noexcept {
  std::uint32_t seen = 0;
  if (n == 0) return 0;
  const T x = read<T>(a, 0);
  const U y = read<U>(b, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const T result = Op::call(kForm == Form::sv ? x : read<T>(a, i), kForm == Form::vs ? y : read<U>(b, i), seen);
    write(out, i, result);
  }
  return seen;
}
template <class Op, class T, class U = T>
constexpr BinaryKernels loops() noexcept {
  return {.vv = binary_loop<Op, T, U, Form::vv>, .vs = binary_loop<Op, T, U, Form::vs>, .sv = binary_loop<Op, T, U, Form::sv>};
}

// By squaring; wraps. A negative power is 0, and said: the caller makes it an error.
struct IntegerPow {
  template <class T>
  static T call(T base, T exponent, std::uint32_t& seen) noexcept {
    if constexpr (std::is_signed_v<T>) {
      if (exponent < 0) {
        seen |= kSeenNegative;
        return 0;
      }
    }
    std::uint64_t result = 1, square = static_cast<std::uint64_t>(base);
    for (auto rest = static_cast<std::uint64_t>(exponent); rest != 0; rest >>= 1) {
      if ((rest & 1) != 0) result *= square;
      square *= square;
    }
    return static_cast<T>(result);
  }
};
// NumPy's rules: z^0 is 1, small whole powers by multiplication, 0 to a positive power 0.
struct ComplexPow {
  template <class C>
  static C call(C z, C power, std::uint32_t& seen) noexcept {
    const C result = value(z, power);
    if (!is_finite(result)) seen |= kSeenNonFinite;
    return result;
  }
  template <class C>
  static C value(C z, C power) noexcept {
    using T = typename C::value_type;
    if (power == C(0)) return C(1);
    if (z == C(0)) {
      constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
      return power.real() > 0 && power.imag() == 0 ? C(0) : C(kNan, kNan);
    }
    const T whole = std::trunc(power.real());
    if (power.imag() != 0 || whole != power.real() || std::abs(whole) > 100) return std::pow(z, power);
    C result(1), square = z;
    for (auto rest = static_cast<unsigned>(std::abs(whole)); rest != 0; rest >>= 1) {
      if ((rest & 1) != 0) result *= square;
      square *= square;
    }
    return whole < 0 ? C(1) / result : result;
  }
};
struct Nextafter {
  template <class T>
  static T call(T x, T y, std::uint32_t& seen) noexcept {
    const T result = step(x, y);
    if (!is_finite(result)) seen |= kSeenNonFinite;
    return result;
  }
  static float step(float x, float y) noexcept { return std::nextafter(x, y); }
  static double step(double x, double y) noexcept { return std::nextafter(x, y); }
  static Half step(Half x, Half y) noexcept {
    const float from = static_cast<float>(x), to = static_cast<float>(y);
    if (std::isnan(from) || std::isnan(to)) return Half(from + to);
    if (from == to) return y;
    const auto bits = std::bit_cast<std::uint16_t>(x);
    if (from == 0) return std::bit_cast<Half>(static_cast<std::uint16_t>(to > 0 ? 1 : 0x8001));
    const bool grows = (from < to) == (from > 0);
    return std::bit_cast<Half>(static_cast<std::uint16_t>(grows ? bits + 1 : bits - 1));
  }
};
struct Ldexp {
  template <class T>
  static T call(T x, std::int32_t power, std::uint32_t& seen) noexcept {
    T result;
    if constexpr (std::is_same_v<T, Half>) {
      result = Half::rounded(std::ldexp(static_cast<double>(static_cast<float>(x)), power));
    } else {
      result = std::ldexp(x, power);
    }
    if (!is_finite(result)) seen |= kSeenNonFinite;
    return result;
  }
};

template <class T>
void set_integer_pow(KernelTable& table) noexcept { slot(table, BinaryOp::pow, type_id_of<T>()) = loops<IntegerPow, T>(); }
template <class T>
void set_floats(KernelTable& table) noexcept {
  slot(table, BinaryOp::nextafter, type_id_of<T>()) = loops<Nextafter, T>();
  BinaryKernels& ldexp = slot(table, BinaryOp::ldexp, type_id_of<T>());
  if (ldexp.vv == nullptr) ldexp = loops<Ldexp, T, std::int32_t>();  // power.cc has it for AVX-512
}

}  // namespace

void fill_scalar_math(KernelTable& table) {
  set_complex<Exp>(table, UnaryOp::exp), set_complex<Exp2>(table, UnaryOp::exp2), set_complex<Expm1>(table, UnaryOp::expm1);
  set_complex<Log>(table, UnaryOp::log), set_complex<Log1p>(table, UnaryOp::log1p), set_complex<Log2>(table, UnaryOp::log2);
  set_complex<Log10>(table, UnaryOp::log10);
  set_complex<Sin>(table, UnaryOp::sin), set_complex<Cos>(table, UnaryOp::cos), set_complex<Tan>(table, UnaryOp::tan);
  set_complex<Asin>(table, UnaryOp::asin), set_complex<Acos>(table, UnaryOp::acos), set_complex<Atan>(table, UnaryOp::atan);
  set_complex<Sinh>(table, UnaryOp::sinh), set_complex<Cosh>(table, UnaryOp::cosh), set_complex<Tanh>(table, UnaryOp::tanh);
  set_complex<Asinh>(table, UnaryOp::asinh), set_complex<Acosh>(table, UnaryOp::acosh), set_complex<Atanh>(table, UnaryOp::atanh);
  set_integer_pow<std::int8_t>(table), set_integer_pow<std::int16_t>(table);
  set_integer_pow<std::int32_t>(table), set_integer_pow<std::int64_t>(table);
  set_integer_pow<std::uint8_t>(table), set_integer_pow<std::uint16_t>(table);
  set_integer_pow<std::uint32_t>(table), set_integer_pow<std::uint64_t>(table);
  slot(table, BinaryOp::pow, TypeId::complex64) = loops<ComplexPow, std::complex<float>>();
  slot(table, BinaryOp::pow, TypeId::complex128) = loops<ComplexPow, std::complex<double>>();
  set_floats<Half>(table), set_floats<float>(table), set_floats<double>(table);
}

}  // namespace ndshare::internal
