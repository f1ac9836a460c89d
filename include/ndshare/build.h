// Building and joining arrays: grids, triangles, repeated, joined, cut, turned and padded arrays, and differences.
//
// What can be a view is one, and says so; everything else makes a new array in C order (in F order where every operand
// lies so), or writes `out`. Elements move as they are, to the bit; a result of another dtype than an operand's is a
// cast of it.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

namespace ndshare {

// Of every function here, unless it says otherwise:
//   Dtypes: all. Joined ones promote as `result_type` says, text of one kind to the longest; times and structures must
//     be equal.
//   Memory: any strides; `out` may overlap operands in any way: the result is as if it did not. It has the result's
//     shape, and the result's dtype casts to its own by same_kind. A copy is in the ledger as `joined`.
//   Threads: safe; large copies are parallel inside.
//   Errors: Axis, ShapeMismatch, DtypeMismatch and ReadOnly (`out`), Shape (over 2^63-1), MemoryGuard (over a limit,
//     before anything is allocated), Memory, Usage (negative threads), and what each says. `out` stays as it was.

/// One integer, or several: `3`, `{1, 2}`, a vector, or an array of integers (no axes: one; one axis: several).
class NDSHARE_API Integers {
 public:
  template <std::integral T>
  requires(!std::same_as<T, bool>) Integers(T value) : one_(true), values_{from_integer(value)} {}
  Integers(std::initializer_list<std::int64_t> values) : values_(values) {}
  Integers(std::vector<std::int64_t> values) : values_(std::move(values)) {}
  /// Errors: DtypeMismatch (not integers), ShapeMismatch (two axes or more), Overflow (over 2^63-1), MemoryGuard.
  Integers(const Array& values);

  [[nodiscard]] bool is_one() const noexcept { return one_; }  ///< given as a number, not as a list of one
  [[nodiscard]] const std::vector<std::int64_t>& values() const noexcept { return values_; }

 private:
  static std::int64_t from_integer(std::uint64_t value);  ///< Errors: Overflow
  template <std::signed_integral T>
  static std::int64_t from_integer(T value) noexcept {
    return value;
  }
  template <std::unsigned_integral T>
  static std::int64_t from_integer(T value) {
    return from_integer(static_cast<std::uint64_t>(value));
  }

  bool one_ = false;
  std::vector<std::int64_t> values_;
};

/// Options of functions without an axis.
struct BuildOptions {
  std::optional<Array> out{};
  int threads = 0;  ///< as in OpOptions
};

/// Options of `meshgrid`.
struct GridOptions {
  enum Indexing : std::uint8_t { xy, ij } indexing = xy;  ///< xy: the first two axes are rows (of y) and columns (of x)
  bool sparse = false;                                    ///< axes of length 1 are not stretched
};
/// Coordinates as grids: grid k has the value of arrays[k] along its own axis and repeats along the others.
///   Shapes: (n0,), (n1,), (n2,) … → each (n1, n0, n2, …) for xy, (n0, n1, n2, …) for ij; a 0-d array counts as (1,).
///   Memory: read-only views with strides of 0, nothing is copied: `copy()` one to write it; sparse ones are ordinary
///     views.
///   Errors: ShapeMismatch for two axes or more: ravel it first.
[[nodiscard]] NDSHARE_API std::vector<Array> meshgrid(const std::vector<Array>& arrays,
                                                      const GridOptions& options = {});

/// The lower triangle of the last two axes: elements above diagonal k become 0 (text: empty). Other axes are batches.
///   Errors: Axis for fewer than two axes.   Memory: in place where `out` is x.
NDSHARE_API Array tril(const Array& x, std::int64_t k = 0, const BuildOptions& options = {});
/// The upper triangle: elements below diagonal k become 0.
NDSHARE_API Array triu(const Array& x, std::int64_t k = 0, const BuildOptions& options = {});

/// x laid side by side, so many times along each axis. The shorter of shape and `repetitions` gets ones in front.
///   Shapes: (3, 4), {2, 1, 2} → (2, 3, 8).   Errors: Usage for a negative number.
NDSHARE_API Array tile(const Array& x, const Integers& repetitions, const BuildOptions& options = {});

/// Options of `repeat`.
struct RepeatOptions {
  std::optional<std::int64_t> axis{};  ///< none: of the flattened array
  std::optional<Array> out{};
  int threads = 0;
};
/// Each element (each part along the axis) so many times in a row; several counts: one for each.
///   Shapes: (3, 4), {1, 0, 2} along 0 → (3, 4); without an axis one axis.
///   Errors: Usage for a negative count (its place), ShapeMismatch for counts of another length than the axis.
NDSHARE_API Array repeat(const Array& x, const Integers& counts, const RepeatOptions& options = {});

/// Options of `concat`.
struct ConcatOptions {
  std::optional<std::int64_t> axis = 0;  ///< none: all are flattened first
  std::optional<Array> out{};            ///< each array must cast to its dtype by same_kind
  int threads = 0;
};
/// Arrays one after another along an axis that they have.
///   Shapes: equal but for that axis, which adds up: (2, 3), (4, 3) → (6, 3).
///   Errors: Usage for no arrays; ShapeMismatch with the axis and both shapes; DtypeMismatch for dtypes without a
///     common one.
NDSHARE_API Array concat(const std::vector<Array>& arrays, const ConcatOptions& options = {});

/// Options of `stack`.
struct StackOptions {
  std::int64_t axis = 0;  ///< of the result
  std::optional<Array> out{};
  int threads = 0;
};
/// Arrays of one shape side by side along a new axis.
///   Shapes: (2, 3) four times, axis 1 → (2, 4, 3).   Errors: as `concat`.
NDSHARE_API Array stack(const std::vector<Array>& arrays, const StackOptions& options = {});

/// Parts along an axis: so many equal ones, split(x, 3); or cut at indices, split(x, {2, 5}) for x[:2], x[2:5], x[5:].
/// Indices are ends of slices: negative ones count from the end, those beyond it give empty parts.
///   Memory: views.   Errors: Usage for fewer than one part, ShapeMismatch where the axis does not divide evenly.
[[nodiscard]] NDSHARE_API std::vector<Array> split(const Array& x, const Integers& parts, std::int64_t axis = 0);
/// The parts of length 1 along an axis, without it.   Memory: views.
[[nodiscard]] NDSHARE_API std::vector<Array> unstack(const Array& x, std::int64_t axis = 0);

/// Options of `roll`.
struct RollOptions {
  Axes axis{};  ///< one or several, one may come again; none given: the flattened array
  std::optional<Array> out{};
  int threads = 0;
};
/// Elements moved on by `shifts` along the axes; those that leave at the end come in at the start.
///   Shapes: x's.   Errors: ShapeMismatch unless there are as many shifts as axes, or one of either.
NDSHARE_API Array roll(const Array& x, const Integers& shifts, const RollOptions& options = {});

/// Reversed along the axes, all by default.   Memory: a view.
[[nodiscard]] NDSHARE_API Array flip(const Array& x, const Axes& axis = {});
/// Turned k times by 90° from the first axis towards the second.
///   Memory: a view.   Errors: Axis unless two different axes.
[[nodiscard]] NDSHARE_API Array rot90(const Array& x, std::int64_t k = 1, const Dims& axes = {0, 1});

/// What `pad` puts around an array; of abcd, by 2:
enum class PadMode : std::uint8_t {
  constant,   ///< 00abcd00
  edge,       ///< aaabcddd
  reflect,    ///< cbabcdcb
  symmetric,  ///< baabcddc
  wrap,       ///< cdabcdab
};
/// How many elements come ahead of an axis and after it.
struct PadWidth {
  std::int64_t before = 0, after = 0;
};
/// The widths of each axis: `2` (everywhere), `{1, 2}` (before and after each axis), `{{1, 2}, {0, 3}}` (of each).
class PadWidths {
 public:
  template <std::integral T>
  PadWidths(T both) : all_(true), values_{{static_cast<std::int64_t>(both), static_cast<std::int64_t>(both)}} {}
  PadWidths(std::int64_t before, std::int64_t after) : all_(true), values_{{before, after}} {}
  PadWidths(std::initializer_list<PadWidth> widths) : all_(widths.size() == 1), values_(widths) {}
  PadWidths(std::vector<PadWidth> widths) : all_(widths.size() == 1), values_(std::move(widths)) {}

  [[nodiscard]] bool is_for_all() const noexcept { return all_; }
  [[nodiscard]] const std::vector<PadWidth>& values() const noexcept { return values_; }

 private:
  bool all_;
  std::vector<PadWidth> values_;
};
/// Options of `pad`.
struct PadOptions {
  PadMode mode = PadMode::constant;
  std::optional<Scalar> value{};  ///< of `constant`, in x's dtype; none: 0, or empty text
  std::optional<Array> out{};
  int threads = 0;
};
/// x with a border.   Shapes: (n, …) → (before + n + after, …).
/// A border wider than the axis (reflect: than n − 1) goes on with the period of x and its mirror image; `reflect` of
/// one element repeats it.
///   Errors: Usage for a negative width; ShapeMismatch for widths of another number than the axes, and for a border
///     around nothing (but of `constant`); DtypeMismatch and Overflow for the value, as `fill`.
NDSHARE_API Array pad(const Array& x, const PadWidths& widths, const PadOptions& options = {});

/// Options of `diff`.
struct DiffOptions {
  std::int64_t n = 1;  ///< how often; 0: x itself, without what is to be joined
  std::int64_t axis = -1;
  std::optional<Operand> prepend{}, append{};  ///< joined to x first: arrays (no axes: stretched), or weak numbers
  std::optional<Array> out{};
  int threads = 0;
};
/// x[i + 1] − x[i] along an axis; of bool, whether they differ.
///   Shapes: (…, m, …) → (…, max(m − n, 0), …).   Dtypes: numeric, unchanged; integers as errstate's overflow says.
///   Errors: Usage for a negative n; as `concat` and `subtract`.
NDSHARE_API Array diff(const Array& x, const DiffOptions& options = {});

}  // namespace ndshare
