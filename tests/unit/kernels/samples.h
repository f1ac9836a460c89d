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

template <class T>
inline constexpr bool kIsFloat = std::is_floating_point_v<T> || std::is_same_v<T, Half>;

template <class T>
struct PartType {
  using type = T;
};
template <class T>
struct PartType<std::complex<T>> {
  using type = T;
};
/// The real dtype of a complex one; real ones are their own.
template <class T>
using PartOf = typename PartType<T>::type;

template <class T>
T of_double(double value) {
  if constexpr (std::is_same_v<T, Half>) {
    return Half::rounded(value);
  } else {
    return static_cast<T>(value);
  }
}

// The values at which something changes.
template <class T>
T special_value(std::size_t pick) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_integral_v<T>) {
    const T values[] = {0,
                        1,
                        static_cast<T>(-1),
                        Limits::min(),
                        Limits::max(),
                        static_cast<T>(Limits::max() - 1),
                        static_cast<T>(Limits::min() + 1),
                        2};
    return values[pick % 8];
  } else if constexpr (std::is_same_v<T, Half>) {
    constexpr std::uint16_t kBits[] = {0, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0x0001, 0x7bff, 0x3c00};
    return Half::from_bits(kBits[pick % 8]);
  } else {
    const T values[] = {
        T{0},          T{-0.0}, Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), Limits::denorm_min(),
        Limits::max(), T{1}};
    return values[pick % 8];
  }
}

// A quarter are special values, a quarter random bits, half of ordinary size; of integers and floats often whole.
template <class T>
T sample(Random& random) {
  if constexpr (kIsComplex<T>) {
    const auto re = sample<typename T::value_type>(random);
    return T(re, sample<typename T::value_type>(random));
  } else if constexpr (std::is_same_v<T, bool>) {
    return (random() & 1U) != 0;
  } else {
    const std::uint64_t kind = random() % 8;
    if (kind < 2) return special_value<T>(random());
    const auto plain = static_cast<std::int64_t>(random() % 20001) - 10000;
    if (kind < 4) {
      T value{};
      const std::uint64_t bits = random();
      std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
      return value;
    }
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(plain % (kind < 6 ? 40 : 10007));
    } else {
      return of_double<T>(static_cast<double>(plain) / (kind < 6 ? 64.0 : 256.0 * 4.0));
    }
  }
}

// Values whose sums, products, quotients and roots are finite in every float dtype: in [0.5, 100].
template <class T>
T tame_sample(Random& random) {
  if constexpr (kIsComplex<T>) {
    const auto re = tame_sample<typename T::value_type>(random);
    return T(re, tame_sample<typename T::value_type>(random));
  } else if constexpr (std::is_same_v<T, bool>) {
    return (random() & 1U) != 0;
  } else {
    const auto whole = random() % 200 + 1;
    return std::is_integral_v<T> ? static_cast<T>(whole % 100 + 1) : of_double<T>(static_cast<double>(whole) / 2.0);
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

// How many numbers of the dtype lie from a to b; 0 for two NaN, a great many for one. +0 and −0 are one apart: signs of
// zero count.
template <class T>
std::uint64_t ulp_distance(T a, T b) {
  if (is_nan(a) || is_nan(b)) return is_nan(a) && is_nan(b) ? 0 : ~std::uint64_t{0};
  using Bits =
      std::conditional_t<sizeof(T) == 2, std::int16_t, std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>>;
  const auto order = [](T value) {
    const auto bits = std::bit_cast<Bits>(value);
    const auto magnitude = static_cast<std::int64_t>(bits & std::numeric_limits<Bits>::max());
    return bits < 0 ? -1 - magnitude : magnitude;
  };
  const std::int64_t x = order(a), y = order(b);
  return x > y ? static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(y)
               : static_cast<std::uint64_t>(y) - static_cast<std::uint64_t>(x);
}

// Equal bits (any NaN equals any NaN), or at most `ulp` numbers apart, part by part.
template <class T>
bool close(T a, T b, std::uint64_t ulp) {
  if constexpr (kIsComplex<T>) {
    return close(a.real(), b.real(), ulp) && close(a.imag(), b.imag(), ulp);
  } else if constexpr (kIsFloat<T>) {
    return ulp_distance(a, b) <= ulp;
  } else {
    return a == b;
  }
}

}  // namespace ndshare::test
