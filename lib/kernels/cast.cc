#include "lib/kernels/cast.h"

#include "lib/kernels/registry.h"

#include <array>
#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace ndshare::internal {
namespace {

template <class T>
inline constexpr bool kIsComplex = std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

template <class To, class From>
To float_to_integer(From value) noexcept {
  constexpr From kBelow =
      static_cast<From>(std::numeric_limits<To>::min()) - From{1};  // exact, or rounds to the minimum
  constexpr From kAbove = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * From{2};  // exactly maximum + 1
  const bool low_ok = sizeof(To) == 8 || sizeof(To) >= sizeof(From)
                          ? value >= static_cast<From>(std::numeric_limits<To>::min())
                          : value > kBelow;
  return low_ok && value < kAbove ? static_cast<To>(value) : std::numeric_limits<To>::min();
}

template <class To, class From>
To cast_value(From value) noexcept {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<From, Half>) {
    return cast_value<To>(static_cast<float>(value));
  } else if constexpr (kIsComplex<From> && std::is_same_v<To, bool>) {
    return value.real() != 0 || value.imag() != 0;
  } else if constexpr (kIsComplex<From> && kIsComplex<To>) {
    using Part = typename To::value_type;
    return To(static_cast<Part>(value.real()), static_cast<Part>(value.imag()));
  } else if constexpr (kIsComplex<From>) {
    return cast_value<To>(value.real());
  } else if constexpr (kIsComplex<To>) {
    return To(cast_value<typename To::value_type>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != 0;
  } else if constexpr (std::is_same_v<To, Half>) {
    if constexpr (std::is_same_v<From, double> || (std::is_integral_v<From> && sizeof(From) >= 4)) {
      return Half::rounded(static_cast<double>(value));
    } else {
      return Half(static_cast<float>(value));
    }
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return float_to_integer<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <class From, class To>
void cast_loop(const void* from, void* to, std::size_t n) noexcept {
  if constexpr (std::is_same_v<From, To>) {
    if (from != to && n != 0) std::memcpy(to, from, n * sizeof(To));
  } else {
    const auto* in = static_cast<const unsigned char*>(from);
    auto* out = static_cast<unsigned char*>(to);
    for (std::size_t i = 0; i < n; ++i) {  // memcpy: the pointers may be unaligned
      From value;
      if constexpr (std::is_same_v<From, bool>) {
        value = in[i] != 0;  // a byte that is neither 0 nor 1 is no valid bool to load
      } else {
        std::memcpy(&value, in + i * sizeof(From), sizeof(From));
      }
      const To result = cast_value<To>(value);
      std::memcpy(out + i * sizeof(To), &result, sizeof(To));
    }
  }
}

using CastRow = std::array<CastKernel, kNumericCount>;

template <class From>
constexpr CastRow cast_row() noexcept {
  return {
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) cast_loop<From, lane>,
#include <ndshare/dtype_list.inc>
  };
}

constexpr std::array<CastRow, kNumericCount> kCasts = {
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) cast_row<lane>(),
#include <ndshare/dtype_list.inc>
};

}  // namespace

CastKernel find_cast(TypeId from, TypeId to) noexcept {
  return kCasts[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

}  // namespace ndshare::internal
