// Staging: operands of any strides and dtype are brought, block by block, into the contiguous form that kernels take.
#pragma once

#include <ndshare/array.h>

#include "lib/kernels/cast.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace ndshare::internal {

/// Elements of a staged block: three operands of the widest dtype stay in the first-level cache and on the stack.
inline constexpr std::size_t kStageElements = 1024;

/// The order in which elements are visited: axes of length over 1, outermost first, neighbours merged where every
/// operand can step through them as one axis. `axes` says, for each operand, its byte stride along each axis.
struct Space {
  Shape sizes{};
  std::int64_t count = 1;

  /// The length of the innermost axis, 1 where there is none.
  [[nodiscard]] std::int64_t inner() const noexcept { return sizes.empty() ? 1 : sizes.back(); }
};

/// Makes the space of `shape` for operands with these strides (one per axis of `shape`), and rewrites the strides to
/// fit it. Axes go by falling |stride| of the first operand when `reorder`, so that it is visited in the order it lies
/// in memory.
[[nodiscard]] Space make_space(const Shape& shape, std::span<Strides> strides, bool reorder);

/// The same with the axes in this order, outermost first; axes that are not named have length 1.
[[nodiscard]] Space merge_axes(const Shape& shape, std::span<const int> axes, std::span<Strides> strides);

/// A rectangle of a space: some columns of its innermost axis, of some rows that follow each other along the one before.
struct Tile {
  std::int64_t row = 0;  ///< number of the first row, counted over all outer axes
  std::int64_t rows = 1, column = 0, columns = 0;
};
inline constexpr std::size_t kTileBytes = 16384;

/// The strides of `array` stretched to `shape` (right-aligned): 0 where it is stretched. REQUIRES: it broadcasts.
[[nodiscard]] Strides stretched_strides(const Array& array, const Shape& shape);

/// Copies n elements of `itemsize` bytes (1 to 16, a power of two), `stride` bytes apart, to contiguous memory; and
/// back.
void gather_run(const std::byte* from, std::int64_t stride, std::size_t itemsize, std::byte* to,
                std::size_t n) noexcept;
void gather_tile(const std::byte* from, std::int64_t row_stride, std::int64_t column_stride, const Tile& tile,
                 std::size_t itemsize, std::byte* to) noexcept;
void scatter_run(const std::byte* from, std::byte* to, std::int64_t stride, std::size_t itemsize,
                 std::size_t n) noexcept;

/// An input as a kernel wants it: runs of elements in the space's order, in the loop's dtype.
///   Threads: immutable.
class Reader {
 public:
  /// REQUIRES: `data` is element 0; `strides` fit `space`, which outlives this.
  Reader(const std::byte* data, const Strides& strides, TypeId type, const Space& space, TypeId loop) noexcept;

  /// Elements [low, low + n) where they lie, or null when they must be staged.
  [[nodiscard]] const std::byte* direct(std::int64_t low, std::size_t n) const noexcept;
  /// The one element that fills [low, low + n), or null: where it lies, so cast it with `stage(low, 1, …)` if dtypes
  /// differ.
  [[nodiscard]] const std::byte* repeated(std::int64_t low, std::size_t n) const noexcept;
  /// Copies elements [low, low + n) to `to` in the loop's dtype; any n.
  void stage(std::int64_t low, std::size_t n, std::byte* to) const noexcept;

  /// A tile, row by row, contiguous.   REQUIRES: its rows lie along one axis; at most kTileBytes.
  void stage_tile(const Tile& tile, std::byte* to) const noexcept;

  [[nodiscard]] const Strides& strides() const noexcept { return strides_; }
  [[nodiscard]] bool is_aligned() const noexcept { return aligned_; }
  [[nodiscard]] bool needs_cast() const noexcept { return type_ != loop_; }

 private:
  [[nodiscard]] const std::byte* locate(std::int64_t low) const noexcept;
  void gather(std::int64_t low, std::size_t n, std::byte* to) const noexcept;

  const std::byte* data_;
  Strides strides_;
  const Space* space_;
  TypeId type_, loop_;
  std::int64_t itemsize_;
  bool aligned_, packed_;  // packed: the elements lie in the space's order without gaps, whatever its rows
};

/// An output, likewise: kernels write runs in the loop's dtype.
class Writer {
 public:
  Writer(std::byte* data, const Strides& strides, TypeId type, const Space& space, TypeId loop) noexcept;

  /// Where elements [low, low + n) lie, or null when they must go through `put`.
  [[nodiscard]] std::byte* direct(std::int64_t low, std::size_t n) const noexcept;
  /// Stores elements [low, low + n) from `from`, in the loop's dtype.   REQUIRES: n ≤ kStageElements.
  void put(std::int64_t low, std::size_t n, const std::byte* from) const noexcept;

 private:
  std::byte* data_;
  Strides strides_;
  const Space* space_;
  TypeId type_, loop_;
  std::int64_t itemsize_;
  bool aligned_, packed_;
};

}  // namespace ndshare::internal
