// Comparisons and logical operations element by element, as naive_unary.h.
#pragma once

#include "lib/kernels/registry.h"
#include "tests/unit/kernels/samples.h"

#include <cmath>
#include <optional>

namespace ndshare::test {

using internal::BinaryOp;

template <class T>
bool any_nan(std::complex<T> x) {
  return std::isnan(x.real()) || std::isnan(x.imag());
}
// Lexicographic; real parts that differ are not ordered where an imaginary part is NaN.
template <class T>
bool complex_less(std::complex<T> a, std::complex<T> b, bool or_equal) {
  if (any_nan(a) || any_nan(b)) {
    return false;
  }
  return a.real() != b.real() ? a.real() < b.real() : or_equal ? a.imag() <= b.imag() : a.imag() < b.imag();
}

template <class T>
bool is_true(T x) {
  return !(x == T{});
}

template <class T>
std::optional<bool> naive_boolean(BinaryOp op, T a, T b) {
  bool less = false, less_equal = false, greater = false, greater_equal = false;
  if constexpr (kIsComplex<T>) {
    less = complex_less(a, b, false), less_equal = complex_less(a, b, true);
    greater = complex_less(b, a, false), greater_equal = complex_less(b, a, true);
  } else if constexpr (std::is_same_v<T, Half>) {
    return naive_boolean(op, static_cast<float>(a), static_cast<float>(b));
  } else {
    less = a<b, less_equal = a <= b, greater = a> b, greater_equal = a >= b;
  }
  switch (op) {
    case BinaryOp::equal:
      return a == b;
    case BinaryOp::not_equal:
      return !(a == b);
    case BinaryOp::less:
      return less;
    case BinaryOp::less_equal:
      return less_equal;
    case BinaryOp::greater:
      return greater;
    case BinaryOp::greater_equal:
      return greater_equal;
    case BinaryOp::logical_and:
      return is_true(a) && is_true(b);
    case BinaryOp::logical_or:
      return is_true(a) || is_true(b);
    case BinaryOp::logical_xor:
      return is_true(a) != is_true(b);
    default:
      return std::nullopt;
  }
}

}  // namespace ndshare::test
