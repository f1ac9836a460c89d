// Scalar: one value outside an array: what `item()` gives and what `fill`, `full` and literals take.
#pragma once

#include <ndshare/export.h>
#include <ndshare/half.h>

#include <complex>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ndshare {

/// A boolean, an integer, a real, a complex number or text. As an operand it is weak: it takes the array's dtype within
/// its kind. datetime64 and timedelta64 values travel as their int64 count (NaT is the minimum).
///   Threads: a plain value.
class NDSHARE_API Scalar {
 public:
  using Value = std::variant<bool, std::int64_t, std::uint64_t, double, std::complex<double>, std::string>;

  // Implicit on purpose: `fill(a, 1.0F)`, `full({3}, 7, int8)`. Unsigned values that fit become int64, as Python's
  // ints.
  Scalar(bool value) : value_(value) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Scalar(T value) : value_(from_integer(value)) {}
  template <std::floating_point T>
  Scalar(T value) : value_(static_cast<double>(value)) {}
  Scalar(Half value) : value_(static_cast<double>(static_cast<float>(value))) {}
  template <class T>
  Scalar(std::complex<T> value) : value_(std::complex<double>(value)) {}
  Scalar(std::string value) : value_(std::move(value)) {}
  Scalar(std::string_view value) : value_(std::string(value)) {}
  Scalar(const char* value) : value_(std::string(value)) {}

  [[nodiscard]] const Value& value() const noexcept { return value_; }
  /// 'b' bool, 'i' integer, 'f' real, 'c' complex, 'U' text (UTF-8).
  [[nodiscard]] char kind() const noexcept { return "biifcU"[value_.index()]; }
  friend bool operator==(const Scalar&, const Scalar&) = default;

  /// The value as T: bool, any integer, float, double, std::complex of those, or std::string.
  /// Goes up the kinds (bool → integer → real → complex), never down; text only to text.
  ///   Errors: DtypeMismatch for a way down (say so with a cast instead), Overflow when an integer does not fit.
  template <class T>
  [[nodiscard]] T as() const;

 private:
  template <class T>
  static Value from_integer(T value) {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
      if (value > static_cast<std::uint64_t>(INT64_MAX)) return static_cast<std::uint64_t>(value);
    }
    return static_cast<std::int64_t>(value);
  }
  [[nodiscard]] std::int64_t as_integer(std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::uint64_t as_unsigned(std::uint64_t high) const;
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] double as_real() const;
  [[nodiscard]] std::complex<double> as_complex() const;
  [[nodiscard]] std::string as_text() const;

  Value value_;
};

template <class T>
T Scalar::as() const {
  if constexpr (std::same_as<T, bool>) {
    return as_bool();
  } else if constexpr (std::signed_integral<T>) {
    return static_cast<T>(as_integer(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  } else if constexpr (std::unsigned_integral<T>) {
    return static_cast<T>(as_unsigned(std::numeric_limits<T>::max()));
  } else if constexpr (std::floating_point<T>) {
    return static_cast<T>(as_real());
  } else if constexpr (std::same_as<T, Half>) {
    return Half::rounded(as_real());
  } else if constexpr (std::same_as<T, std::string>) {
    return as_text();
  } else {
    return static_cast<T>(as_complex());
  }
}

}  // namespace ndshare
