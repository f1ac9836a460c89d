// Order: sorting, positions in order, searching.
//
//   nd::Array up = nd::sort(x);                       // along the last axis; {.axis = nd::none} flattens
//   nd::Array by = nd::argsort(x, {.descending = true});
//   nd::sort_in_place(rows, {.order = {"ts", "id"}});   // NumPy's rows.sort(order=…)
//
// The order: numbers by value, −0 equal to +0, NaN and NaT last (in descending order too); complex numbers
// lexicographic, those with a NaN part behind: [R + Rj, R + nanj, nan + Rj, nan + nanj]; text by code point; structured
// elements field by field.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ndshare {

/// Options of everything that sorts.
struct SortOptions {
  std::optional<std::int64_t> axis = -1;  ///< none: x flattened
  bool stable = false;                    ///< equal elements keep their order; positions (argsort) always are stable
  bool descending = false;
  std::vector<std::string> order{};  ///< fields of structured elements to compare first; then the rest of them
  std::optional<Array> out{};        ///< of the result's shape and dtype; it may overlap x
  int threads = 0;                   ///< as in OpOptions
};

// Errors of everything that sorts: Axis; DType for an unknown field in `order`, Usage for one named twice or elements
// without fields; ShapeMismatch, DtypeMismatch and ReadOnly for `out`; MemoryGuard before anything is allocated;
// Memory; Usage (negative threads). On an error nothing is written. Threads: safe; parallel inside, also within one
// long line; the same result for any number of them. Memory: any strides. Scratch is private: elements beside those
// that are sorted are never touched, not even for a moment. Numbers
//   and times take scratch of up to their own size, what goes by positions 17 bytes an element (ledger: `ordered`).

/// A sorted copy.   Dtypes: all.   Shapes: x's; (n) without an axis.
[[nodiscard]] NDSHARE_API Array sort(const Array& x);
NDSHARE_API Array sort(const Array& x, const SortOptions& options);
/// Sorts the elements of x themselves, for all who share them (NumPy's x.sort()).   Options: not `out`; an axis.
///   Errors: also ReadOnly; Usage for `out` or no axis.
NDSHARE_API void sort_in_place(const Array& x, const SortOptions& options = {});
/// The positions along the axis that put x in order; stable.   Dtypes: → int64.
[[nodiscard]] NDSHARE_API Array argsort(const Array& x);
NDSHARE_API Array argsort(const Array& x, const SortOptions& options);

/// A copy in which the elements at `kth` are those of the sorted array, none before them larger and none behind them
/// smaller. The order on either side is none in particular, but always the same; `stable` sorts all of it.
///   kth: negative ones count from the end; any number of them, up to seven by a selection, more by a sort.
///   Errors: also IndexBounds for a position outside the axis.   Source: Floyd and Rivest, Expected Time Bounds for
///   Selection.
[[nodiscard]] NDSHARE_API Array partition(const Array& x, std::span<const std::int64_t> kth,
                                          const SortOptions& options = {});
[[nodiscard]] inline Array partition(const Array& x, std::int64_t kth, const SortOptions& options = {}) {
  return partition(x, std::span<const std::int64_t>(&kth, 1), options);
}
/// The positions that give it.   Dtypes: → int64.
[[nodiscard]] NDSHARE_API Array argpartition(const Array& x, std::span<const std::int64_t> kth,
                                             const SortOptions& options = {});
[[nodiscard]] inline Array argpartition(const Array& x, std::int64_t kth, const SortOptions& options = {}) {
  return argpartition(x, std::span<const std::int64_t>(&kth, 1), options);
}

/// The positions that put several keys of one shape in order: the last key first, ties by the one before it. Stable.
///   Dtypes: any mixture → int64.   Options: axis, descending, out, threads.   Errors: also Usage (no keys),
///   ShapeMismatch.
[[nodiscard]] NDSHARE_API Array lexsort(std::span<const Array> keys, const SortOptions& options = {});
[[nodiscard]] inline Array lexsort(std::initializer_list<Array> keys, const SortOptions& options = {}) {
  return lexsort(std::span<const Array>(keys.begin(), keys.size()), options);
}

/// Where a value goes among its equals.
enum class Side : std::uint8_t {
  left,  ///< before them: sorted[i−1] < value ≤ sorted[i]
  right  ///< behind them: sorted[i−1] ≤ value < sorted[i]
};
/// Options of searchsorted.
struct SearchOptions {
  Side side = Side::left;
  std::optional<Array> sorter{};  ///< integers: sorted[sorter] is in order, as of argsort
  int threads = 0;
};
/// For each value the position in `sorted` before which it would keep the order.
///   Shapes: sorted (n), values any → theirs.   Dtypes: numbers with numbers (compared in the dtype that both cast to),
///   text with
///     text of its kind, times and structures with their own dtype → int64.
///   Errors: ShapeMismatch (sorted has other than one axis; a sorter of another length), DtypeMismatch (keys of another
///   kind), IndexBounds
///     (a sorter's position), MemoryGuard, Memory.   Threads: safe; parallel inside.
[[nodiscard]] NDSHARE_API Array searchsorted(const Array& sorted, const Array& values,
                                             const SearchOptions& options = {});
/// The number of the bin of each x: bins[i−1] ≤ x < bins[i] for rising bins, bins[i−1] > x ≥ bins[i] for falling ones;
/// `right` has the other end closed. 0 and n stand for outside.   Dtypes: numbers → int64.   Errors: Usage for bins
/// that neither rise nor fall;
///   as searchsorted.
[[nodiscard]] NDSHARE_API Array digitize(const Array& x, const Array& bins, bool right = false, int threads = 0);

}  // namespace ndshare
