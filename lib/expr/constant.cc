#include "lib/expr/constant.h"

#include <ndshare/error.h>

#include "lib/array/wide.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <string>

namespace ndshare::internal {
namespace {

using Complex = std::complex<double>;

[[noreturn]] void wrong(const std::string& what) { throw Error(Error::Usage, what); }
[[noreturn]] void too_large() {
  throw Error(Error::Overflow, "a whole number beyond 64 bits: write one of the numbers as a float, 2.0");
}

bool is_exact(const Scalar& number) noexcept { return number.kind() == 'b' || number.kind() == 'i'; }

Int128 to_integer(const Scalar& number) {
  return number.value().index() == 2 ? static_cast<Int128>(number.as<std::uint64_t>())
                                     : static_cast<Int128>(number.as<std::int64_t>());
}
Scalar from_integer(Int128 value) {
  if (value >= INT64_MIN && value <= INT64_MAX) return Scalar(static_cast<std::int64_t>(value));
  if (value >= 0 && value <= static_cast<Int128>(UINT64_MAX)) return Scalar(static_cast<std::uint64_t>(value));
  too_large();
}
Scalar from_real(double value, double a, double b) {
  if (std::isinf(value) && std::isfinite(a) && std::isfinite(b))
    throw Error(Error::Overflow, "a number beyond float64: write inf where that is meant");
  return Scalar(value);
}

template <class T>
Scalar compare(std::string_view op, const T& a, const T& b) {
  if (op == "==") return Scalar(a == b);
  if (op == "!=") return Scalar(a != b);
  if (op == "<") return Scalar(a < b);
  if (op == "<=") return Scalar(a <= b);
  return Scalar(op == ">" ? a > b : a >= b);
}
bool is_comparison(std::string_view op) noexcept {
  return op == "==" || op == "!=" || (op[0] == '<' && op != "<<") || (op[0] == '>' && op != ">>");
}

Int128 floor_quotient(Int128 a, Int128 b) { return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0); }

Int128 power(Int128 base, Int128 exponent) {
  Int128 result = 1;
  while (true) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) too_large();
    exponent >>= 1;
    if (exponent == 0) return result;
    if (__builtin_mul_overflow(base, base, &base)) too_large();
  }
}

Int128 shifted(std::string_view op, Int128 a, Int128 by) {
  if (by < 0) wrong("a shift by a negative number");
  if (op == ">>") return a >> static_cast<int>(std::min<Int128>(by, 127));
  if (a == 0) return 0;
  if (by > 64) too_large();
  return a * (static_cast<Int128>(1) << static_cast<int>(by));  // below 2^64 · 2^64: from_integer() sees the rest
}

Scalar of_reals(std::string_view op, double a, double b);

Scalar of_integers(std::string_view op, const Scalar& left, const Scalar& right) {
  const Int128 a = to_integer(left), b = to_integer(right);
  if (is_comparison(op)) return compare(op, a, b);
  const bool booleans = left.kind() == 'b' && right.kind() == 'b';
  const auto bits = [&](Int128 value) { return booleans ? Scalar(value != 0) : from_integer(value); };
  if (op == "&") return bits(a & b);
  if (op == "|") return bits(a | b);
  if (op == "^") return bits(a ^ b);
  if (op == "+") return from_integer(a + b);
  if (op == "-") return from_integer(a - b);
  if (op == "<<" || op == ">>") {
    if (op == "<<" && b > 62 && (a > 1 || a < -1)) too_large();
    return from_integer(shifted(op, a, b));
  }
  if (op == "*") {
    Int128 product = 0;
    if (__builtin_mul_overflow(a, b, &product)) too_large();
    return from_integer(product);
  }
  if (op == "**")
    return b < 0 ? of_reals(op, static_cast<double>(a), static_cast<double>(b)) : from_integer(power(a, b));
  if (b == 0) wrong("a division by 0");
  return from_integer(op == "//" ? floor_quotient(a, b) : a - b * floor_quotient(a, b));
}

Scalar of_complex(std::string_view op, Complex a, Complex b) {
  if (op == "+") return Scalar(a + b);
  if (op == "-") return Scalar(a - b);
  if (op == "*") return Scalar(a * b);
  if (op == "==" || op == "!=") return Scalar((a == b) == (op == "=="));
  if (op == "/" && b == 0.0) wrong("a division by 0");
  if (op == "/") return Scalar(a / b);
  if (op == "**") return Scalar(b == 0.0 ? Complex(1) : a == 0.0 ? Complex(0) : std::pow(a, b));
  wrong("complex numbers have no '" + std::string(op) + "'");
}

Scalar of_reals(std::string_view op, double a, double b) {
  if (is_comparison(op)) return compare(op, a, b);
  if (op == "+") return from_real(a + b, a, b);
  if (op == "-") return from_real(a - b, a, b);
  if (op == "*") return from_real(a * b, a, b);
  if (op == "**") {
    if (a == 0 && b < 0) wrong("a division by 0");
    if (a < 0 && std::isfinite(b) && b != std::floor(b)) return of_complex(op, a, b);
    return from_real(std::pow(a, b), a, b);
  }
  if (op != "/" && op != "//" && op != "%") wrong("'" + std::string(op) + "' takes whole numbers");
  if (b == 0) wrong("a division by 0");
  if (op == "/") return from_real(a / b, a, b);
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  if (op == "%") return Scalar(rest == 0 ? std::copysign(0.0, b) : rest);
  const double quotient = (a - rest) / b, whole = std::floor(quotient);
  return Scalar(quotient - whole > 0.5 ? whole + 1 : whole);
}

}  // namespace

Scalar combine_constants(std::string_view op, const Scalar& a, const Scalar& b) {
  if (a.kind() == 'c' || b.kind() == 'c') return of_complex(op, a.as<Complex>(), b.as<Complex>());
  if (is_exact(a) && is_exact(b) && op != "/") return of_integers(op, a, b);
  return of_reals(op, a.as<double>(), b.as<double>());
}

Scalar apply_to_constant(std::string_view op, const Scalar& a) {
  if (op == "~") {
    if (a.kind() == 'b') return Scalar(!a.as<bool>());
    if (a.kind() != 'i') wrong("'~' takes whole numbers");
    return from_integer(~to_integer(a));
  }
  if (is_exact(a)) return from_integer(op == "-" ? -to_integer(a) : to_integer(a));
  if (op == "+") return a;
  return a.kind() == 'c' ? Scalar(-a.as<Complex>()) : Scalar(-a.as<double>());
}

}  // namespace ndshare::internal
