// Unary operations element by element, written from the documentation: what kernels are held against. An operation
// without a formula gives nothing, and fails the test.
#pragma once

#include "lib/kernels/registry.h"
#include "tests/unit/kernels/samples.h"

#include <cmath>
#include <optional>

namespace ndshare::test {

using internal::UnaryOp;
__extension__ using Wide = __int128;  // integers of every dtype, and their sums, without wrapping
__extension__ using UnsignedWide = unsigned __int128;

// The low 128 bits; all of the product but for the largest of uint64.
inline Wide product(Wide a, Wide b) {
  return static_cast<Wide>(static_cast<UnsignedWide>(a) * static_cast<UnsignedWide>(b));
}

template <class T>
T wrap(Wide value) {
  return static_cast<T>(value);
}

inline std::optional<bool> naive_same(UnaryOp op, bool x) {
  switch (op) {
    case UnaryOp::bitwise_invert:
      return !x;
    case UnaryOp::floor:
    case UnaryOp::ceil:
    case UnaryOp::trunc:
    case UnaryOp::rint:
      return x;
    default:
      return std::nullopt;
  }
}

template <class T>
requires(std::is_integral_v<T>) std::optional<T> naive_same(UnaryOp op, T x) {
  const Wide wide = x;
  switch (op) {
    case UnaryOp::positive:
    case UnaryOp::conj:
    case UnaryOp::floor:
    case UnaryOp::ceil:
    case UnaryOp::trunc:
    case UnaryOp::rint:
      return x;
    case UnaryOp::negative:
      return wrap<T>(-wide);
    case UnaryOp::sign:
      return static_cast<T>(x == 0 ? 0 : x > 0 ? 1 : -1);
    case UnaryOp::square:
      return wrap<T>(product(wide, wide));
    case UnaryOp::bitwise_invert:
      return wrap<T>(-wide - 1);
    default:
      return std::nullopt;
  }
}

template <class T>
requires(std::is_floating_point_v<T>) std::optional<T> naive_same(UnaryOp op, T x) {
  switch (op) {
    case UnaryOp::positive:
    case UnaryOp::conj:
      return x;
    case UnaryOp::negative:
      return x * -1;
    case UnaryOp::sign:
      return std::isnan(x) ? x : x == 0 ? T{0} : std::copysign(T{1}, x);
    case UnaryOp::square:
      return x * x;
    case UnaryOp::reciprocal:
      return 1 / x;
    case UnaryOp::floor:
      return std::floor(x);
    case UnaryOp::ceil:
      return -std::floor(-x);
    case UnaryOp::trunc:
      return std::copysign(std::floor(std::fabs(x)), x);
    case UnaryOp::rint:
      return std::isinf(x) ? x : std::copysign(x - std::remainder(x, T{1}), x);
    case UnaryOp::sqrt:
      return std::sqrt(x);
    default:
      return std::nullopt;
  }
}

// As float32, rounded.
inline std::optional<Half> naive_same(UnaryOp op, Half x) {
  const std::optional<float> result = naive_same(op, static_cast<float>(x));
  if (!result) return std::nullopt;
  return Half(*result);
}

template <class T>
std::complex<T> naive_direction(std::complex<T> x) {
  const long double re = x.real(), im = x.imag(), size = std::hypot(re, im);
  if (std::isnan(re) || std::isnan(im) || (std::isinf(re) && std::isinf(im))) return {T(NAN), T(NAN)};
  if (std::isinf(re)) return {std::copysign(T{1}, x.real()), std::copysign(T{0}, x.imag())};
  if (std::isinf(im)) return {std::copysign(T{0}, x.real()), std::copysign(T{1}, x.imag())};
  if (size == 0) return {0, 0};
  return {static_cast<T>(re / size), static_cast<T>(im / size)};
}

template <class T>
std::complex<T> naive_reciprocal(std::complex<T> x) {  // Smith's, as NumPy has it
  const T re = x.real(), im = x.imag();
  if (std::fabs(im) <= std::fabs(re)) {
    const T ratio = im / re, size = re + im * ratio;
    return {1 / size, -ratio / size};
  }
  const T ratio = re / im, size = re * ratio + im;
  return {ratio / size, -1 / size};
}

template <class T>
std::optional<std::complex<T>> naive_same(UnaryOp op, std::complex<T> x) {
  const T re = x.real(), im = x.imag();
  switch (op) {
    case UnaryOp::positive:
      return x;
    case UnaryOp::negative:
      return std::complex<T>(-re, -im);
    case UnaryOp::conj:
      return std::complex<T>(re, -im);
    case UnaryOp::sign:
      return naive_direction(x);
    case UnaryOp::square:
      return std::complex<T>(re * re - im * im, re * im + im * re);
    case UnaryOp::reciprocal:
      return naive_reciprocal(x);
    case UnaryOp::rint:
      return std::complex<T>(*naive_same(op, re), *naive_same(op, im));
    case UnaryOp::sqrt:
      return std::complex<T>(std::sqrt(std::complex<long double>(x)));
    default:
      return std::nullopt;
  }
}

template <class T>
std::optional<bool> naive_boolean(UnaryOp op, T x) {
  if constexpr (std::is_same_v<T, Half>) {
    return naive_boolean(op, static_cast<float>(x));
  } else if constexpr (kIsComplex<T>) {
    const auto re = naive_boolean(op, x.real()), im = naive_boolean(op, x.imag());
    if (!re || op == UnaryOp::signbit) return std::nullopt;
    return op == UnaryOp::isfinite || op == UnaryOp::logical_not ? *re && *im : *re || *im;
  } else {
    const auto value = static_cast<double>(x);  // integers: neither zero nor finiteness is lost
    switch (op) {
      case UnaryOp::isnan:
        return std::isnan(value);
      case UnaryOp::isinf:
        return std::isinf(value);
      case UnaryOp::isfinite:
        return std::isfinite(value);
      case UnaryOp::logical_not:
        return value == 0;
      case UnaryOp::signbit:
        return std::signbit(value);
      default:
        return std::nullopt;
    }
  }
}

template <class T>
std::optional<PartOf<T>> naive_part(UnaryOp op, T x) {
  if constexpr (kIsComplex<T>) {
    using P = PartOf<T>;
    if (op == UnaryOp::abs)
      return static_cast<P>(std::hypot(static_cast<long double>(x.real()), static_cast<long double>(x.imag())));
    if (op == UnaryOp::real) return x.real();
    if (op == UnaryOp::imag) return x.imag();
  } else {
    if (op == UnaryOp::real) return x;
    if (op == UnaryOp::imag) return T{};
    if (op != UnaryOp::abs) return std::nullopt;
    if constexpr (std::is_same_v<T, Half>) {
      return Half(std::fabs(static_cast<float>(x)));
    } else if constexpr (std::is_floating_point_v<T>) {
      return std::copysign(x, T{1});
    } else if constexpr (std::is_same_v<T, bool>) {
      return x;
    } else {
      return wrap<T>(x < 0 ? -static_cast<Wide>(x) : static_cast<Wide>(x));
    }
  }
  return std::nullopt;
}

}  // namespace ndshare::test
