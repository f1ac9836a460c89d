// Dims and Shape: short lists of 64-bit numbers, one an axis, held by value (no allocation).
#pragma once

#include <ndshare/export.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace ndshare {

/// The most axes an array may have.
inline constexpr int kMaxAxes = 32;

/// Up to `kMaxAxes` numbers, one an axis: strides (bytes, signed), axis lists, and the base of `Shape`.
///   Threads: a plain value.   Errors: Shape when a 33rd number is added.
class NDSHARE_API Dims {
 public:
  constexpr Dims() noexcept : values_{} {}
  // Copies carry the numbers there are and not the room for 32: they are on the path of every view.
  Dims(const Dims& other) noexcept : ndim_(other.ndim_) { copy_numbers(other); }
  Dims& operator=(const Dims& other) noexcept {
    ndim_ = other.ndim_;
    copy_numbers(other);
    return *this;
  }
  Dims(std::initializer_list<std::int64_t> values) : Dims(std::span(values.begin(), values.size())) {}
  explicit Dims(std::span<const std::int64_t> values);

  [[nodiscard]] int ndim() const noexcept { return ndim_; }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(ndim_); }
  [[nodiscard]] bool empty() const noexcept { return ndim_ == 0; }
  [[nodiscard]] const std::int64_t* data() const noexcept { return values_.data(); }

  /// The number of `axis`, 0 ≤ axis < ndim(): not checked, not wrapped (see `normalize_axis`).
  std::int64_t operator[](int axis) const noexcept { return values_[static_cast<std::size_t>(axis)]; }
  std::int64_t& operator[](int axis) noexcept { return values_[static_cast<std::size_t>(axis)]; }
  std::int64_t operator[](std::size_t axis) const noexcept { return values_[axis]; }
  std::int64_t& operator[](std::size_t axis) noexcept { return values_[axis]; }
  [[nodiscard]] std::int64_t back() const noexcept { return values_[size() - 1]; }

  const std::int64_t* begin() const noexcept { return values_.data(); }
  const std::int64_t* end() const noexcept { return values_.data() + ndim_; }
  std::int64_t* begin() noexcept { return values_.data(); }
  std::int64_t* end() noexcept { return values_.data() + ndim_; }

  void push_back(std::int64_t value);
  /// Puts `value` before `axis` (0 ≤ axis ≤ ndim()).
  void insert(int axis, std::int64_t value);
  /// Drops `axis` (0 ≤ axis < ndim()).
  void erase(int axis) noexcept;

  operator std::span<const std::int64_t>() const noexcept { return {begin(), size()}; }  // NOLINT: a view of itself
  NDSHARE_API friend bool operator==(const Dims& a, const Dims& b) noexcept;

  /// NumPy's tuple text: "()", "(3,)", "(3, 4)".
  [[nodiscard]] std::string str() const;

 private:
  void copy_numbers(const Dims& other) noexcept {
    for (int axis = 0; axis < other.ndim_; ++axis) values_[static_cast<std::size_t>(axis)] = other.values_[static_cast<std::size_t>(axis)];
  }
  std::array<std::int64_t, kMaxAxes> values_;
  std::int32_t ndim_ = 0;
};

/// The lengths of an array's axes, outermost first.
///
/// A Shape may hold anything that fits in 64 bits (a −1 stands for "work it out" in `reshape` and in contracts);
/// `count`, `nbytes` and everything that makes an array check it. Zeros are valid anywhere: such an array is empty.
class NDSHARE_API Shape : public Dims {
 public:
  using Dims::Dims;
  Shape(std::initializer_list<std::int64_t> values) : Dims(values) {}
  explicit Shape(const Dims& dims) : Dims(dims) {}

  /// The number of elements; 1 for no axes, 0 when any axis is 0.
  ///   Errors: Shape when an axis is negative, or when the product passes 2^63-1.
  [[nodiscard]] std::int64_t count() const;

  /// The bytes of such an array with `itemsize` bytes an element.
  ///   Errors: Shape as for `count`, and when the bytes pass 2^63-1; the message has the numbers.
  [[nodiscard]] std::int64_t nbytes(std::int64_t itemsize) const;

  /// Reads "3,4", "(3, 4)", "[3, 4]", "3", "(3,)" or "()"; a lone −1 is kept (see above).
  ///   Errors: Shape, with the position, on anything else, below −1 and beyond 32 axes.
  static Shape parse(std::string_view text);
};

/// Turns a possibly negative axis into 0…ndim-1.   Errors: Axis when out of range.
[[nodiscard]] NDSHARE_API int normalize_axis(std::int64_t axis, int ndim);

}  // namespace ndshare
