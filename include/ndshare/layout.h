// Layout: how element indices become byte addresses, and the pure functions that make views. No memory is touched here.
#pragma once

#include <ndshare/export.h>
#include <ndshare/index.h>
#include <ndshare/shape.h>

#include <cstdint>
#include <optional>
#include <span>

namespace ndshare {

/// Byte distance between neighbours along each axis; negative and zero are fine.
using Strides = Dims;

enum class Order : std::uint8_t { C, F };                     ///< last axis fastest; first axis fastest
enum class Copy : std::uint8_t { if_needed, never, always };  ///< may `reshape` copy

/// Element (i0 … in-1) lies at byte `offset + Σ i_k · strides[k]` of the memory that the array stands on.
///
/// Invariants: shape and strides have the same number of axes, no length is negative, the element count fits int64.
/// Contiguity ignores axes of length 1; an empty layout is contiguous in both orders.
struct NDSHARE_API Layout {
  Shape shape{};
  Strides strides{};
  std::int64_t offset = 0;  ///< bytes from the start of the memory

  /// A contiguous layout.   Errors: Shape when a length is negative or the bytes pass 2^63-1.
  static Layout contiguous(const Shape& shape, std::int64_t itemsize, Order order = Order::C, std::int64_t offset = 0);

  [[nodiscard]] int ndim() const noexcept { return shape.ndim(); }
  [[nodiscard]] std::int64_t count() const { return shape.count(); }
  [[nodiscard]] bool is_empty() const noexcept;
  [[nodiscard]] bool is_c_contiguous(std::int64_t itemsize) const noexcept;
  [[nodiscard]] bool is_f_contiguous(std::int64_t itemsize) const noexcept;

  /// The bytes [low, high) that elements touch; {offset, offset} when empty.
  struct Bounds {
    std::int64_t low = 0, high = 0;
  };
  [[nodiscard]] Bounds bounds(std::int64_t itemsize) const noexcept;

  friend bool operator==(const Layout&, const Layout&) = default;
};

/// C- or F-ordered strides; axes of length 0 count as 1, as in NumPy.   Errors: Shape.
[[nodiscard]] NDSHARE_API Strides contiguous_strides(const Shape& shape, std::int64_t itemsize, Order order = Order::C);

// Views. Each returns the layout of the view, over the same memory. Axes may be negative unless said otherwise.

/// Basic indexing: integers drop their axis, slices keep it, newaxis adds one, an ellipsis fills up; missing ones are
/// whole.
///   Errors: IndexBounds (index, axis, length), IndexSyntax (too many entries, two ellipses, a step of 0), Shape (33
///   axes).
[[nodiscard]] NDSHARE_API Layout index_layout(const Layout& layout, std::span<const Index> index);

/// The view of the same elements, in C order, with `shape` (one −1 allowed); nothing when only a copy could give it.
///   Errors: ShapeMismatch when the element counts differ, Shape for two −1 or a negative length.
///   Source: ARRAYS, Layout: groups of old and new axes with equal products, each C-ordered inside.
[[nodiscard]] NDSHARE_API std::optional<Layout> reshape_view(const Layout& layout, const Shape& shape,
                                                             std::int64_t itemsize);
/// `shape` with its −1 worked out for `count` elements.   Errors: ShapeMismatch, Shape.
[[nodiscard]] NDSHARE_API Shape resolve_reshape(const Shape& shape, std::int64_t count);

/// Axes in the order given (a permutation); none given: reversed.   Errors: Axis.
[[nodiscard]] NDSHARE_API Layout transpose(const Layout& layout, std::span<const std::int64_t> axes = {});
[[nodiscard]] NDSHARE_API Layout swapaxes(const Layout& layout, std::int64_t a, std::int64_t b);
[[nodiscard]] NDSHARE_API Layout moveaxis(const Layout& layout, std::span<const std::int64_t> source,
                                          std::span<const std::int64_t> destination);
/// New axes of length 1 at these positions of the result.   Errors: Axis, Shape.
[[nodiscard]] NDSHARE_API Layout expand_dims(const Layout& layout, std::span<const std::int64_t> axes);
/// Without these axes, which must have length 1; none given: without every axis of length 1.   Errors: Axis,
/// ShapeMismatch.
[[nodiscard]] NDSHARE_API Layout squeeze(const Layout& layout, std::span<const std::int64_t> axes = {});
/// Reversed along these axes; none given: along all.   Errors: Axis.
[[nodiscard]] NDSHARE_API Layout flip(const Layout& layout, std::span<const std::int64_t> axes = {});
/// The diagonals of axes (axis1, axis2), `k` above the main one, as a new last axis.   Errors: Axis.
[[nodiscard]] NDSHARE_API Layout diagonal(const Layout& layout, std::int64_t k = 0, std::int64_t axis1 = 0,
                                          std::int64_t axis2 = 1);
/// Every window of `window` elements along `axes` (none given: all axes), as new last axes; windows overlap in memory.
///   Shapes: (…, n, …) → (…, n−w+1, …, w).   Errors: Axis, ShapeMismatch for a window below 1 or longer than its axis.
[[nodiscard]] NDSHARE_API Layout sliding_window(const Layout& layout, const Shape& window,
                                                std::span<const std::int64_t> axes = {});
/// Stretched to `shape` with strides of 0.   Errors: ShapeMismatch with both shapes and the axis; Shape.
[[nodiscard]] NDSHARE_API Layout broadcast_to(const Layout& layout, const Shape& shape);

/// The common shape of operands: right-aligned, equal or 1.
///   Errors: ShapeMismatch with the axis, both shapes and a reshape that would work.
[[nodiscard]] NDSHARE_API Shape broadcast_shapes(std::span<const Shape> shapes);
[[nodiscard]] NDSHARE_API Shape broadcast_shapes(const Shape& a, const Shape& b);

}  // namespace ndshare
