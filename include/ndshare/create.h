// Making arrays on the heap, filling and copying them.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace ndshare {

// Errors of everything that makes an array: Shape (negative, over 2^63-1 bytes), Memory (bytes asked for).

[[nodiscard]] NDSHARE_API Array empty(const Shape& shape, const DType& dtype = float64, Order order = Order::C);
[[nodiscard]] NDSHARE_API Array zeros(const Shape& shape, const DType& dtype = float64, Order order = Order::C);
/// Errors: DtypeMismatch for text, time and structured dtypes.
[[nodiscard]] NDSHARE_API Array ones(const Shape& shape, const DType& dtype = float64);
/// Every element `value`; its dtype is named.   Errors: as `fill`.
[[nodiscard]] NDSHARE_API Array full(const Shape& shape, const Scalar& value, const DType& dtype);

/// start, start + step, … below stop: ceil((stop − start) / step) elements, element i being start + i·step (no drift).
/// int64 when every argument is an integer, else float64; or `dtype` (numeric, same_kind).
///   Errors: Usage for a step of 0 or arguments that are not finite; Shape, Memory.
[[nodiscard]] NDSHARE_API Array arange(const Scalar& start, const Scalar& stop, const Scalar& step = 1);
[[nodiscard]] NDSHARE_API Array arange(const Scalar& start, const Scalar& stop, const Scalar& step, const DType& dtype);
[[nodiscard]] NDSHARE_API Array arange(const Scalar& stop);

/// `num` numbers from start to stop, evenly spaced; stop itself is the last unless `endpoint` is false.
///   Dtypes: float32 or float64; element i is start + i·step, the last exactly stop.   Errors: Usage (num < 0, not finite).
[[nodiscard]] NDSHARE_API Array linspace(double start, double stop, std::int64_t num = 50, bool endpoint = true,
                                         const DType& dtype = float64);
/// base to the powers of `linspace(start, stop, num, endpoint)`.
[[nodiscard]] NDSHARE_API Array logspace(double start, double stop, std::int64_t num = 50, bool endpoint = true,
                                         double base = 10, const DType& dtype = float64);
/// n × m with ones on diagonal k (m = −1: n).   Errors: as `ones`; Shape.
[[nodiscard]] NDSHARE_API Array eye(std::int64_t n, std::int64_t m = -1, std::int64_t k = 0, const DType& dtype = float64);

/// Of the shape, dtype and memory order of `like`, or of another dtype.
[[nodiscard]] NDSHARE_API Array empty_like(const Array& like, const std::optional<DType>& dtype = {});
[[nodiscard]] NDSHARE_API Array zeros_like(const Array& like, const std::optional<DType>& dtype = {});
[[nodiscard]] NDSHARE_API Array ones_like(const Array& like, const std::optional<DType>& dtype = {});
[[nodiscard]] NDSHARE_API Array full_like(const Array& like, const Scalar& value, const std::optional<DType>& dtype = {});

// Into shared memory: make them with the store (`store.create`, its `fill`), or write them into a guard's array:
// `nd::copyto(guard.array(), nd::linspace(0, 1, n))`, `nd::fill(guard.array(), 1)`.

/// One axis of values. The dtype named; or, by the kind of the first value that decides it: bool, int64, float64,
/// complex128.
///   Errors: DtypeMismatch (a way down the kinds), Overflow.
[[nodiscard]] NDSHARE_API Array array(std::initializer_list<Scalar> values);
[[nodiscard]] NDSHARE_API Array array(std::initializer_list<Scalar> values, const DType& dtype);
/// Two axes.   Errors: ShapeMismatch, with the row, when rows differ in length.
[[nodiscard]] NDSHARE_API Array array(std::initializer_list<std::initializer_list<Scalar>> rows);
[[nodiscard]] NDSHARE_API Array array(std::initializer_list<std::initializer_list<Scalar>> rows, const DType& dtype);
/// No axes: one value of a named dtype.
[[nodiscard]] NDSHARE_API Array scalar_array(const Scalar& value, const DType& dtype);

/// A copy of `count = data.size()` values with the dtype of T and `shape` (one axis when not given).   Errors:
/// ShapeMismatch.
template <class T>
[[nodiscard]] Array from_span(std::span<const T> data, const Shape& shape = {-1}) {
  Array result = empty(resolve_reshape(shape, static_cast<std::int64_t>(data.size())), dtype_of<T>());
  std::span<T> target = result.as_span<T>();
  for (std::size_t i = 0; i < data.size(); ++i) target[i] = data[i];
  return result;
}
template <class T>
[[nodiscard]] Array from_vector(const std::vector<T>& data, const Shape& shape = {-1}) {
  return from_span(std::span<const T>(data), shape);
}

/// dst[...] = value. The value must be of the dtype's kind or below: text for S and U, an int64 count for time types.
///   Dtypes: all but structured.   Errors: ReadOnly, DtypeMismatch, Overflow (integers and text that do not fit).
NDSHARE_API void fill(const Array& dst, const Scalar& value);

/// dst[...] = src, element by element, broadcasting src; as if there were no overlap.
///   Dtypes: the same on both sides.   Errors: ReadOnly, DtypeMismatch, ShapeMismatch.
NDSHARE_API void copyto(const Array& dst, const Array& src);

/// Same shape and dtype, and equal elements (NaN differs from itself unless `equal_nan`; −0 equals +0; NaT likewise).
[[nodiscard]] NDSHARE_API bool array_equal(const Array& a, const Array& b, bool equal_nan = false);

}  // namespace ndshare
