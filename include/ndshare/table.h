// Tables: structured arrays taken apart and put together, grouped and joined.
//
//   nd::Array by_origin = nd::group_by(flights, {"origin"}, {{nd::Aggregate::count}, {nd::Aggregate::mean, "delay"}});
//   nd::Array placed = nd::join_by(flights, airports, {"origin"}, {.how = nd::JoinHow::left});
//
// A table is a structured array; its rows are its elements, its columns the fields.
#pragma once

#include <ndshare/array.h>
#include <ndshare/cast.h>
#include <ndshare/dtype.h>
#include <ndshare/export.h>
#include <ndshare/scalar.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ndshare {

// Of everything here: results are new, packed, C-contiguous arrays, unless a view is said (ledger: `selected` what is
// taken out of a table, `joined` what is put together). Tables may be of any strides and read-only. Fields of any dtype
// are carried along, sub-arrays and nested ones too.
//   Threads: safe; parallel inside; the same result for any number of threads.
//   Errors: DtypeMismatch (not structured), DType (an unknown field, with those there are; a name used twice),
//   MemoryGuard,
//     Memory. Nothing is allocated for a result before it is known to fit.

// Fields

/// x with more fields at its end. An array's axes beyond those of x become a sub-array field, a structured array a
/// nested one.
///   Shapes: each array's begins with x's.   Errors: ShapeMismatch (both shapes), Usage (not as many names as arrays).
[[nodiscard]] NDSHARE_API Array append_fields(const Array& x, const std::vector<std::string>& names,
                                              const std::vector<Array>& arrays);
/// x without these fields.   Errors: DType where none would be left.
[[nodiscard]] NDSHARE_API Array drop_fields(const Array& x, const std::vector<std::string>& names);
/// x with other names, pairs of (old, new), all at once (two may change places): a view.
[[nodiscard]] NDSHARE_API Array rename_fields(const Array& x,
                                              const std::vector<std::pair<std::string, std::string>>& names);

/// Options of `merge_arrays`.
struct MergeOptions {
  std::vector<std::string> names{};  ///< one an array; none: f0, f1, …, as NumPy
  bool flatten = false;  ///< structured arrays give their fields, under their own names; else they are nested
};
/// Arrays of one shape side by side: one field an array.
///   Errors: ShapeMismatch (both shapes), Usage (no arrays; not as many names).
[[nodiscard]] NDSHARE_API Array merge_arrays(const std::vector<Array>& arrays, const MergeOptions& options = {});

/// The rows of several tables of one axis, one after another; fields in the order in which they first appear. Rows of a
/// table that lacks a field hold 0 or false there, NaN in floats, NaT in times, empty text; nested fields and
/// sub-arrays likewise.
///   Dtypes: of one name: equal; or numbers, which promote (`result_type`); or text, S or U: the longest.
///   Errors: DtypeMismatch (the field and both dtypes), ShapeMismatch (more than one axis), Usage (no tables).
[[nodiscard]] NDSHARE_API Array stack_arrays(const std::vector<Array>& tables);

/// The fields as a new last axis; sub-arrays and nested fields count element by element.
///   Dtypes: `dtype`, else what all promote to; fields of one dtype that is no number keep it.
///   Errors: DtypeMismatch, where a field does not cast to `dtype` by `casting`.
[[nodiscard]] NDSHARE_API Array structured_to_unstructured(const Array& x, const std::optional<DType>& dtype = {},
                                                           Casting casting = Casting::same_kind);
/// The way back: the last axis becomes the fields of `dtype`, in order.
///   Errors: ShapeMismatch where the last axis is not as long as `dtype` has elements (both numbers); DtypeMismatch.
[[nodiscard]] NDSHARE_API Array unstructured_to_structured(const Array& x, const DType& dtype,
                                                           Casting casting = Casting::same_kind);

// Grouping

/// What a group's rows are made into.
enum class Aggregate : std::uint8_t {
  count,  ///< rows: int64. NaN counts like any other
  sum,    ///< bool and small ints → 64 bits of their kind, wrapping; floats and complex unchanged
  mean,   ///< integers and bool → float64; floats and complex unchanged
  min,    ///< numbers and times, unchanged; NaN and NaT if there is one
  max,
};
/// One aggregate: `{nd::Aggregate::mean, "delay"}`.
struct Aggregation {
  Aggregate op = Aggregate::count;
  std::string field{};  ///< not needed to count
  std::string name{};   ///< of the result's field; default "mean_delay", and "count" of no field
};
/// "mean:delay", "count": as the command line and expressions have them.   Errors: Usage.
[[nodiscard]] NDSHARE_API Aggregation parse_aggregation(std::string_view text);
/// Options of `group_by`.
struct GroupOptions {
  int threads = 0;  ///< as in OpOptions
};

/// One row for each distinct combination of `keys`: these fields, then one for each aggregate. Rows ascend by the keys:
/// numbers by value, text by code point, NaT last (it equals itself here).
///   Shapes: table (n) → (groups). Arrays that lie apart: group_by(merge_arrays({a, b}, {.names = {"key", "value"}}),
///   …). Dtypes: keys are integer, bool, text, time or float without NaN (−0 is 0); aggregates as said there. Accuracy:
///   float64 sums and means are compensated, ≤ 2·eps·|sum| + n·eps²·Σ|x|; narrower floats are added in float64 and
///     rounded once; means of integers are sums of all bits, divided once.
///   Memory: beside the result the groups of each block of 65 536 rows, twice.
///   Errors: ShapeMismatch (not one axis), Usage (no keys; a NaN key: its field and row), DtypeMismatch (a dtype that
///   cannot be
///     a key, or be aggregated so).
///   Source: Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, 1974 (the sums).
[[nodiscard]] NDSHARE_API Array group_by(const Array& table, const std::vector<std::string>& keys,
                                         const std::vector<Aggregation>& aggregates, const GroupOptions& options = {});

// Joining

/// Which rows without a partner stay.
enum class JoinHow : std::uint8_t {
  inner,  ///< none
  left,   ///< the left table's
  outer,  ///< both tables'
};
/// Options of `join_by`.
struct JoinOptions {
  JoinHow how = JoinHow::inner;
  std::string left_suffix = "_1", right_suffix = "_2";  ///< of fields that both tables have and that are no keys
  /// Values for what is missing, by the result's names: `{{"delay", -1}}`. Else NaN in floats, NaT in times, empty
  /// text, and 0 or false in integers and bools: there a missing value looks like any other 0.
  std::vector<std::pair<std::string, Scalar>> fill{};
  int threads = 0;  ///< as in OpOptions
};

/// Every pair of a left and a right row that have equal values in the fields `on` (n rows with m partners each: n·m
/// rows, as in SQL). Fields: the keys, then the others of `left`, then those of `right`.
///   Order: by left row, then right row; of an outer join the right rows without a partner follow, in their order.
///   Shapes: left (n), right (m) → (pairs).   Dtypes: each key the same in both tables; as of group_by. NaT equals NaT
///   here. Memory: pairs are counted before the result is allocated; 4 bytes a left row, and an index of the right
///   table: put the
///     smaller one there.
///   Errors: ShapeMismatch (not one axis), Usage (no keys; a NaN key: its table, field and row; a fill value for a
///   key),
///     DtypeMismatch (a key's dtypes differ: both are named; no key dtype; a fill value of another kind), Overflow (a
///     fill value that does not fit).
[[nodiscard]] NDSHARE_API Array join_by(const Array& left, const Array& right, const std::vector<std::string>& on,
                                        const JoinOptions& options = {});

}  // namespace ndshare
