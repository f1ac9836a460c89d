// Binary operations element by element, as naive_unary.h.
#pragma once

#include "tests/unit/kernels/naive_compare.h"
#include "tests/unit/kernels/naive_unary.h"

namespace ndshare::test {

inline std::optional<bool> naive_same(BinaryOp op, bool a, bool b) {
  switch (op) {
    case BinaryOp::add:
    case BinaryOp::maximum:
    case BinaryOp::fmax:
    case BinaryOp::bitwise_or:
      return a || b;
    case BinaryOp::multiply:
    case BinaryOp::minimum:
    case BinaryOp::fmin:
    case BinaryOp::bitwise_and:
      return a && b;
    case BinaryOp::bitwise_xor:
      return a != b;
    default:
      return std::nullopt;
  }
}

inline Wide floor_quotient(Wide a, Wide b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }
inline Wide euclid(Wide a, Wide b) { return b == 0 ? (a < 0 ? -a : a) : euclid(b, a % b); }

template <class T>
T naive_shift(BinaryOp op, T a, T b) {
  const bool inside = b >= 0 && b < static_cast<T>(8 * sizeof(T));
  const Wide x = a, power = inside ? Wide{1} << static_cast<int>(b) : Wide{0};
  if (op == BinaryOp::bitwise_left_shift) return inside ? wrap<T>(product(x, power)) : T{0};
  return inside ? wrap<T>(floor_quotient(x, power)) : a < 0 ? static_cast<T>(-1) : T{0};
}

template <class T>
std::optional<T> naive_bits(BinaryOp op, T a, T b) {
  switch (op) {
    case BinaryOp::bitwise_and:
      return static_cast<T>(a & b);
    case BinaryOp::bitwise_or:
      return static_cast<T>(a | b);
    case BinaryOp::bitwise_xor:
      return static_cast<T>((a | b) - (a & b));
    case BinaryOp::bitwise_left_shift:
    case BinaryOp::bitwise_right_shift:
      return naive_shift(op, a, b);
    default:
      return std::nullopt;
  }
}

template <class T>
requires(std::is_integral_v<T>) std::optional<T> naive_same(BinaryOp op, T a, T b) {
  const Wide x = a, y = b, size = x < 0 ? -x : x, other = y < 0 ? -y : y;
  switch (op) {
    case BinaryOp::add:
      return wrap<T>(x + y);
    case BinaryOp::subtract:
      return wrap<T>(x - y);
    case BinaryOp::multiply:
      return wrap<T>(product(x, y));
    case BinaryOp::floor_divide:
      return y == 0 ? T{0} : wrap<T>(floor_quotient(x, y));
    case BinaryOp::remainder:
      return y == 0 ? T{0} : wrap<T>(x - y * floor_quotient(x, y));
    case BinaryOp::fmod:
      return y == 0 ? T{0} : wrap<T>(x % y);
    case BinaryOp::gcd:
      return wrap<T>(euclid(x, y));
    case BinaryOp::lcm:
      return x == 0 || y == 0 ? T{0} : wrap<T>(product(size / euclid(x, y), other));
    case BinaryOp::maximum:
    case BinaryOp::fmax:
      return x < y ? b : a;
    case BinaryOp::minimum:
    case BinaryOp::fmin:
      return y < x ? b : a;
    default:
      return naive_bits(op, a, b);
  }
}

// Python's: the remainder has the divisor's sign, the quotient is the floor.
template <class T>
T naive_remainder(T a, T b) {
  const T rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(T{0}, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}
template <class T>
T naive_floor_divide(T a, T b) {
  if (b == 0) return a / b;
  if (std::isinf(b) && std::isfinite(a)) return a != 0 && (a < 0) != (b < 0) ? T{-1} : std::copysign(T{0}, a / b);
  const long double rest = std::fmod(a, b);
  const bool down = rest != 0 && (rest < 0) != (b < 0);
  const long double quotient =
      std::nearbyint((static_cast<long double>(a) - rest) / static_cast<long double>(b)) - (down ? 1 : 0);
  return quotient == 0 ? std::copysign(T{0}, a / b) : static_cast<T>(quotient);
}

template <class T>
requires(std::is_floating_point_v<T>) std::optional<T> naive_same(BinaryOp op, T a, T b) {
  switch (op) {
    case BinaryOp::add:
      return a + b;
    case BinaryOp::subtract:
      return a - b;
    case BinaryOp::multiply:
      return a * b;
    case BinaryOp::divide:
      return a / b;
    case BinaryOp::floor_divide:
      return naive_floor_divide(a, b);
    case BinaryOp::remainder:
      return b == 0 || std::isinf(a) ? T(NAN) : naive_remainder(a, b);
    case BinaryOp::fmod:
      return std::fmod(a, b);
    case BinaryOp::maximum:
      return std::isnan(a) || std::isnan(b) ? T(NAN) : a < b ? b : a;
    case BinaryOp::minimum:
      return std::isnan(a) || std::isnan(b) ? T(NAN) : b < a ? b : a;
    case BinaryOp::fmax:
      return std::isnan(a) ? b : std::isnan(b) || a >= b ? a : b;
    case BinaryOp::fmin:
      return std::isnan(a) ? b : std::isnan(b) || a <= b ? a : b;
    default:
      return std::nullopt;
  }
}

inline std::optional<Half> naive_same(BinaryOp op, Half a, Half b) {
  const std::optional<float> result = naive_same(op, static_cast<float>(a), static_cast<float>(b));
  if (!result) return std::nullopt;
  return Half(*result);
}

template <class T>
std::complex<T> naive_quotient(std::complex<T> a, std::complex<T> b) {  // Smith: divide by the larger part
  const T ar = a.real(), ai = a.imag(), br = b.real(), bi = b.imag();
  if (std::abs(br) >= std::abs(bi)) {
    if (br == 0 && bi == 0) return {ar / std::abs(br), ai / std::abs(br)};
    const T ratio = bi / br, scale = 1 / (br + bi * ratio);
    return {(ar + ai * ratio) * scale, (ai - ar * ratio) * scale};
  }
  const T ratio = br / bi, scale = 1 / (bi + br * ratio);
  return {(ar * ratio + ai) * scale, (ai * ratio - ar) * scale};
}

template <class T>
std::optional<std::complex<T>> naive_same(BinaryOp op, std::complex<T> a, std::complex<T> b) {
  using C = std::complex<T>;
  const T ar = a.real(), ai = a.imag(), br = b.real(), bi = b.imag();
  switch (op) {
    case BinaryOp::add:
      return C(ar + br, ai + bi);
    case BinaryOp::subtract:
      return C(ar - br, ai - bi);
    case BinaryOp::multiply:
      return C(ar * br - ai * bi, ar * bi + ai * br);
    case BinaryOp::divide:
      return naive_quotient(a, b);
    case BinaryOp::maximum:
      return any_nan(a) || complex_less(b, a, true) ? a : b;
    case BinaryOp::minimum:
      return any_nan(a) || complex_less(a, b, true) ? a : b;
    case BinaryOp::fmax:
      return any_nan(b) || complex_less(b, a, true) ? a : b;
    case BinaryOp::fmin:
      return any_nan(b) || complex_less(a, b, true) ? a : b;
    default:
      return std::nullopt;
  }
}

}  // namespace ndshare::test
