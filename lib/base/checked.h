/// Integer arithmetic that says when it does not fit. Sizes and offsets come from files, sockets and users.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

namespace ndshare::internal {

template <std::integral T>
constexpr std::optional<T> checked_add(T a, T b) noexcept {
  T out{};
  return __builtin_add_overflow(a, b, &out) ? std::nullopt : std::optional<T>(out);
}

template <std::integral T>
constexpr std::optional<T> checked_mul(T a, T b) noexcept {
  T out{};
  return __builtin_mul_overflow(a, b, &out) ? std::nullopt : std::optional<T>(out);
}

/// `value` in another integer type, or nothing where it does not fit.
template <std::integral To, std::integral From>
constexpr std::optional<To> checked_cast(From value) noexcept {
  To out{};
  return __builtin_add_overflow(value, From{0}, &out) ? std::nullopt : std::optional<To>(out);
}

/// The smallest multiple of `unit` (a power of two) that is not below `value`. REQUIRES: value + unit fits in 64 bits.
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) noexcept {
  return (value + unit - 1) & ~(unit - 1);
}

constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t unit) noexcept { return value & ~(unit - 1); }

constexpr bool is_power_of_two(std::uint64_t value) noexcept { return value != 0 && (value & (value - 1)) == 0; }

/// The largest array, in bytes: what a signed 64-bit offset can reach.
inline constexpr std::uint64_t kMaxBytes = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace ndshare::internal
