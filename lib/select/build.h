// What functions that build arrays share: checks ahead of any allocation, the ledger, overlaps, and elements put in
// place.
#pragma once

#include <ndshare/array.h>
#include <ndshare/error.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace ndshare::internal {

/// An array that is to be built.
struct Build {
  std::string_view what;  ///< the function, for messages
  Shape shape{};
  DType dtype{};
  std::span<const Array> operands{};
  std::optional<Array> out{};
  int threads = 0;
  bool any_cast = false;  ///< casts to the dtype of `out` were checked by the caller
  bool in_place = false;  ///< may write an `out` that is exactly an operand
  bool flattens = false;  ///< reads its only operand as one axis: a copy where no view can give that
  bool flat_out = false;  ///< writes its result as one axis
};

/// Checks everything, then has `fill` write every element of an array of this shape, `out` itself where that is
/// possible.
///   REQUIRES: `fill` fails only for want of memory.   Errors: as ndshare/build.h says of all functions.
Array build(const Build& plan, const std::function<void(const Array& to)>& fill);

/// dst[...] = src by up to `threads` threads: same dtype to the bit, other numeric dtypes cast, text lengthened.
///   REQUIRES: the same shape (src may have strides of 0), a writable dst, no element of src where one of another place
///   is written.
void place(const Array& dst, const Array& src, int threads);
/// dst[...] = 0, every byte.
void place_zero(const Array& dst, int threads);

/// Whether items have no padding: they may be moved as so many bytes.
[[nodiscard]] bool is_packed(const DType& dtype);
/// The part [start, start + count) of an axis.   REQUIRES: it is inside, axis ≥ 0.
[[nodiscard]] Array part_of_axis(const Array& x, int axis, std::int64_t start, std::int64_t count);
/// `x` of length 1 along `axis`, stretched to `length` with a stride of 0.
[[nodiscard]] Array stretched(const Array& x, int axis, std::int64_t length);
/// One axis of all elements, in C order: a view, or a copy that `Build::flattens` has announced.
[[nodiscard]] Array flat_of(const Array& x);

/// The dtype that arrays join to.   Errors: DtypeMismatch with both dtypes; Usage for no arrays.
[[nodiscard]] DType joined_dtype(std::string_view what, std::span<const Array> arrays);
/// a + b and a × b of sizes.   Errors: Shape, with the numbers and what they are.
[[nodiscard]] std::int64_t add_sizes(std::string_view what, std::int64_t a, std::int64_t b);
[[nodiscard]] std::int64_t multiply_sizes(std::string_view what, std::int64_t a, std::int64_t b);

/// Calls body(low, high) for ranges that cover 0 … units-1, of about `unit_bytes`·(high − low) = a quarter MiB each, by
/// threads.
void parallel_ranges(std::int64_t units, std::int64_t unit_bytes, int threads,
                     const std::function<void(std::int64_t low, std::int64_t high)>& body);

}  // namespace ndshare::internal
