// Maps between elements and unsigned keys that have the same order: the one idea that all sorting and searching here
// stands on.
//
// `exact` keys are a bijection of the bits, for sorting values: what comes back has every bit that went in. −0 is just
// below +0, NaNs are on top in the order of their bits. `equal` keys are for comparing: −0 is +0, and every NaN is the
// largest key.
#pragma once

#include <ndshare/dtype.h>

#include "lib/array/element.h"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace ndshare::internal {

/// Integers and times: `flip` turns the sign bit (or all, for descending order); `shift` moves NaT from below all to
/// the top.
template <class Key_>
struct IntegerMap {
  using Key = Key_;
  static constexpr bool kNan = false;
  Key flip = 0, shift = 0;

  [[nodiscard]] Key exact(Key bits) const noexcept { return static_cast<Key>((bits ^ flip) - shift); }
  [[nodiscard]] Key equal(Key bits) const noexcept { return exact(bits); }
  [[nodiscard]] Key bits(Key key) const noexcept { return static_cast<Key>(static_cast<Key>(key + shift) ^ flip); }
};

/// bool: bytes other than 0 are true.
struct BoolMap {
  using Key = std::uint8_t;
  static constexpr bool kNan = false;
  Key flip = 0;

  [[nodiscard]] Key exact(Key bits) const noexcept { return static_cast<Key>((bits != 0 ? 1 : 0) ^ flip); }
  [[nodiscard]] Key equal(Key bits) const noexcept { return exact(bits); }
  [[nodiscard]] Key bits(Key key) const noexcept { return static_cast<Key>(key ^ flip); }
};

/// IEEE floats by sign and magnitude. The keys are turned until −inf is 0: the NaNs with a sign, which were below it,
/// wrap to the top. Descending order takes the negative first, so that NaNs stay last.
template <class Key_, int kMantissa>
struct FloatMap {
  using Key = Key_;
  static constexpr bool kNan = true;
  static constexpr int kBits = std::numeric_limits<Key>::digits;
  static constexpr Key kTop = static_cast<Key>(Key{1} << (kBits - 1));
  static constexpr Key kBias = static_cast<Key>((Key{1} << kMantissa) - 1);
  static constexpr Key kInfinity = static_cast<Key>(kTop - 1 - kBias);
  Key negate = 0;

  [[nodiscard]] Key exact(Key bits) const noexcept {
    const auto value = static_cast<Key>(bits ^ negate);
    const auto sign = static_cast<Key>(Key{0} - static_cast<Key>(value >> (kBits - 1)));
    return static_cast<Key>((value ^ (sign | kTop)) - kBias);
  }
  [[nodiscard]] Key equal(Key bits) const noexcept {
    const auto magnitude = static_cast<Key>(bits & static_cast<Key>(kTop - 1));
    const Key key = exact(magnitude == 0 ? negate : bits);
    return magnitude > kInfinity ? std::numeric_limits<Key>::max() : key;
  }
  [[nodiscard]] Key bits(Key key) const noexcept {
    const auto turned = static_cast<Key>(key + kBias);
    const auto negative = static_cast<Key>(static_cast<Key>(turned >> (kBits - 1)) - 1);
    return static_cast<Key>((turned ^ (negative | kTop)) ^ negate);
  }
};

/// Whether one word is the key of an element: numbers of up to 8 bytes, and times.
[[nodiscard]] inline bool has_map(const DType& dtype) noexcept {
  return dtype.is_time() || (dtype.is_numeric() && !dtype.is_complex());
}

template <class Key, class Function>
void visit_integer_map(bool is_signed, bool descending, Function&& function) {
  constexpr Key kTop = static_cast<Key>(Key{1} << (std::numeric_limits<Key>::digits - 1));
  const auto ascending_flip = static_cast<Key>(is_signed ? kTop : 0);
  function(IntegerMap<Key>{.flip = static_cast<Key>(descending ? ~ascending_flip : ascending_flip)});
}

/// Calls function(map) with the map of a dtype.   REQUIRES: has_map(dtype).
template <class Function>
void visit_map(const DType& dtype, bool descending, Function&& function) {
  const bool is_signed = dtype.is_signed_integer();
  if (dtype.is_bool()) return function(BoolMap{.flip = static_cast<std::uint8_t>(descending ? 1 : 0)});
  if (dtype.id() == TypeId::float16)
    return function(FloatMap<std::uint16_t, 10>{static_cast<std::uint16_t>(descending ? 0x8000 : 0)});
  if (dtype.id() == TypeId::float32) return function(FloatMap<std::uint32_t, 23>{descending ? 0x80000000U : 0U});
  if (dtype.id() == TypeId::float64)
    return function(FloatMap<std::uint64_t, 52>{descending ? std::uint64_t{1} << 63 : 0U});
  if (dtype.is_time()) {  // NaT is the smallest integer; in descending order it is the last one as it is
    constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
    return function(IntegerMap<std::uint64_t>{.flip = descending ? kTop - 1 : kTop, .shift = descending ? 0U : 1U});
  }
  switch (dtype.itemsize()) {
    case 1:
      return visit_integer_map<std::uint8_t>(is_signed, descending, function);
    case 2:
      return visit_integer_map<std::uint16_t>(is_signed, descending, function);
    case 4:
      return visit_integer_map<std::uint32_t>(is_signed, descending, function);
    default:
      return visit_integer_map<std::uint64_t>(is_signed, descending, function);
  }
}

}  // namespace ndshare::internal
