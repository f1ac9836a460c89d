// Half: the lane type of float16. Storage only: arithmetic is done in float32 and rounded back (ARRAYS: "float16").
#pragma once

#include <bit>
#include <cstdint>

namespace ndshare {

/// IEEE 754 binary16. Conversions round to nearest, ties to even, and keep NaN, infinities and subnormals.
struct Half {
  std::uint16_t bits = 0;

  constexpr Half() noexcept = default;
  /// Rounds `value`; beyond 65504 + half a unit it becomes infinite.
  constexpr explicit Half(float value) noexcept : bits(from_float(value)) {}
  /// Rounds a float64 once: by way of float32 alone a number just beside a tie would become the tie.
  static constexpr Half rounded(double value) noexcept {
    if (!(value > -0x1p17 && value < 0x1p17)) return Half(static_cast<float>(value));  // infinite or NaN either way
    const auto narrow = static_cast<float>(value);
    const auto back = static_cast<double>(narrow);
    if (back == value) return Half(narrow);
    // To odd: truncated towards zero, and the last bit says that something was cut off.
    const bool up = value > 0 ? back > value : back < value;
    return Half(std::bit_cast<float>((std::bit_cast<std::uint32_t>(narrow) - (up ? 1U : 0U)) | 1U));
  }
  static constexpr Half from_bits(std::uint16_t raw) noexcept {
    Half half;
    half.bits = raw;
    return half;
  }
  constexpr explicit operator float() const noexcept { return to_float(bits); }

  /// Compares values as IEEE does: NaN equals nothing, −0 equals +0.
  friend constexpr bool operator==(Half a, Half b) noexcept { return static_cast<float>(a) == static_cast<float>(b); }

 private:
  static constexpr float to_float(std::uint16_t raw) noexcept {
    const std::uint32_t sign = static_cast<std::uint32_t>(raw & 0x8000U) << 16;
    const std::uint32_t exponent = (raw >> 10) & 0x1fU;
    const std::uint32_t mantissa = raw & 0x3ffU;
    if (exponent == 0) {  // zero or subnormal: mantissa · 2^-24, exact in float32
      const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
      return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 0x1fU ? 0xffU : exponent + 112U;
    return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
  }

  static constexpr std::uint16_t from_float(float value) noexcept {
    const auto raw = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>((raw >> 16) & 0x8000U);
    const std::uint32_t magnitude = raw & 0x7fffffffU;
    if (magnitude > 0x7f800000U) {  // NaN: keep the top payload bits, never turn it into infinity
      const std::uint32_t payload = (magnitude >> 13) & 0x3ffU;
      return static_cast<std::uint16_t>(sign | 0x7c00U | (payload == 0 ? 1U : payload));
    }
    if (magnitude >= 0x47800000U) return static_cast<std::uint16_t>(sign | 0x7c00U);
    if (magnitude < 0x38800000U) return static_cast<std::uint16_t>(sign | subnormal(magnitude));
    const std::uint32_t rebased = magnitude - 0x38000000U;  // exponent bias 127 → 15
    return static_cast<std::uint16_t>(sign | ((rebased + 0xfffU + ((rebased >> 13) & 1U)) >> 13));
  }

  static constexpr std::uint32_t subnormal(std::uint32_t magnitude) noexcept {
    const std::uint32_t exponent = magnitude >> 23;
    if (exponent < 102) return 0;  // below half of the smallest subnormal
    const std::uint32_t mantissa = (magnitude & 0x7fffffU) | 0x800000U;
    const std::uint32_t shift = 126 - exponent;
    const std::uint32_t kept = mantissa >> shift;
    const std::uint32_t rest = mantissa & ((1U << shift) - 1U);
    const std::uint32_t half = 1U << (shift - 1U);
    return kept + ((rest > half || (rest == half && (kept & 1U) != 0)) ? 1U : 0U);
  }
};

static_assert(sizeof(Half) == 2);

}  // namespace ndshare
