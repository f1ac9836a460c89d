// Random elements for kernel tests: plain values and the awkward ones of each dtype.
#pragma once

#include <ndshare/lane.h>

#include <bit>
#include <complex>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace ndshare::test {

using Random = std::mt19937_64;

template <class T>
inline constexpr bool kIsComplex = std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

// Half of the values are random bits (NaN, infinities, subnormals and both zeros come up), half are of ordinary size.
template <class T>
T sample(Random& random) {
  if constexpr (kIsComplex<T>) {
    const auto re = sample<typename T::value_type>(random);
    return T(re, sample<typename T::value_type>(random));
  } else if constexpr (std::is_same_v<T, bool>) {
    return (random() & 1U) != 0;
  } else {
    T value{};
    const std::uint64_t bits = random();
    std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
    if constexpr (std::is_integral_v<T>)
      return value;
    else {
      const double plain = static_cast<double>(static_cast<std::int64_t>(random() % 20001) - 10000) / 64.0;
      if ((random() & 1U) != 0) return value;
      if constexpr (std::is_same_v<T, Half>)
        return Half(static_cast<float>(plain));
      else
        return static_cast<T>(plain);
    }
  }
}

template <class T>
bool is_nan(T value) {
  if constexpr (std::is_same_v<T, Half>)
    return static_cast<float>(value) != static_cast<float>(value);
  else if constexpr (std::is_floating_point_v<T>)
    return value != value;
  else
    return false;
}

// Equal bits; any NaN equals any NaN.
template <class T>
bool same(T a, T b) {
  if constexpr (kIsComplex<T>)
    return same(a.real(), b.real()) && same(a.imag(), b.imag());
  else
    return (is_nan(a) && is_nan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace ndshare::test
