// One element in memory: to and from a Scalar, compared, tested for truth. Items may be unaligned.
#pragma once

#include <ndshare/dtype.h>
#include <ndshare/scalar.h>

#include <cstddef>
#include <cstring>

namespace ndshare::internal {

/// The lane at `item`, whatever its alignment.
template <class T>
T load_lane(const std::byte* item) noexcept {
  T value{};
  std::memcpy(static_cast<void*>(&value), item, sizeof(T));
  return value;
}
/// bool is read as "any bit set": shared memory may hold bytes other than 0 and 1.
template <>
inline bool load_lane<bool>(const std::byte* item) noexcept {
  return *item != std::byte{0};
}
template <class T>
void store_lane(std::byte* item, T value) noexcept {
  std::memcpy(item, static_cast<const void*>(&value), sizeof(T));
}

/// Errors: DtypeMismatch for structured dtypes.
Scalar load_scalar(const std::byte* item, const DType& dtype);

/// Writes `value` as an element: numbers go up the kinds only; text is UTF-8; time types take counts, dates ISO text
/// too.
///   Errors: DtypeMismatch, Overflow (integers, and text that is too long), Format (a date that cannot be read).
void store_scalar(std::byte* item, const DType& dtype, const Scalar& value);

/// NumPy's truth: not zero, not empty text; structured: any field.
bool element_truth(const std::byte* item, const DType& dtype);

/// IEEE equality (NaN is no one's equal, unless `equal_nan`; −0 equals 0), fields by fields, padding ignored.
bool elements_equal(const std::byte* a, const std::byte* b, const DType& dtype, bool equal_nan);

}  // namespace ndshare::internal
