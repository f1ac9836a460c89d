// Selection: elements by index arrays and masks, read and written. What basic indices give are views (array.h); these are copies.
//
//   nd::Array late = delay[delay > 15];                  // a mask
//   nd::Array rows = table[{nd::array({3, 0, -1}), nd::all, 2}];    // an index array with slices and integers
//   nd::assign(delay, delay < 0, 0);
//
// `x[mask]`, `x[positions]`, `x[{…}]` and `x.select(entries)` read; without an index array the last two are views.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/index.h>
#include <ndshare/lazy.h>
#include <ndshare/ops.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace ndshare {

/// One entry of any index: what a basic index takes, an array of integers (positions, negative ones from the end), or a mask of
/// bool over as many axes as it has.
class Selector {
 public:
  template <class T>
  requires std::constructible_from<Index, T> Selector(const T& entry) : value_(Index(entry)) {}
  Selector(const Array& positions) : value_(positions) {}

  [[nodiscard]] const std::variant<Index, Array>& value() const noexcept { return value_; }

 private:
  std::variant<Index, Array> value_;
};

// NumPy's rules: index arrays broadcast together, a mask stands for the positions of its true elements, integers beside index arrays
// are index arrays without axes. The axes of the broadcast shape stand where the index arrays stood, or first where something
// lies between them.
// Errors of everything here: IndexBounds (the value, the axis and its length), IndexSyntax (too many entries; two ellipses),
// DtypeMismatch (an index array that is neither integer nor bool), ShapeMismatch (a mask that is not as long as its axes: both
// shapes; index arrays that do not broadcast), MemoryGuard, Memory; ReadOnly of what is written. On an error nothing is written.
// Threads: safe; parallel inside.   Memory: results are new, C-contiguous arrays (ledger: `selected`).

/// x[index] = value: `value` broadcasts to what the index selects and casts to x's dtype by same_kind (a number is weak). Where
/// positions repeat, the last one stands. `value` may share memory with x.
///   Errors: also ShapeMismatch, DtypeMismatch, Overflow of the value.
NDSHARE_API void assign(const Array& x, std::span<const Selector> index, const Operand& value);
inline void assign(const Array& x, std::initializer_list<Selector> index, const Operand& value) {
  assign(x, std::span<const Selector>(index.begin(), index.size()), value);
}
/// The whole of it, or one entry: `assign(a, a > 4, 0)`, `assign(a, slice(0, 10), b)`.
inline void assign(const Array& x, const Selector& index, const Operand& value) { assign(x, std::span<const Selector>(&index, 1), value); }

/// The positions of elements that differ from 0, an int64 array for each axis, in C order; and all in one array of shape
/// (count, ndim); and those of x flattened. Errors: DtypeMismatch of an array without axes.
[[nodiscard]] NDSHARE_API std::vector<Array> nonzero(const Lazy& x);
[[nodiscard]] NDSHARE_API Array argwhere(const Lazy& x);
[[nodiscard]] NDSHARE_API Array flatnonzero(const Lazy& x);

/// What positions outside an axis mean.
enum class TakeMode : std::uint8_t {
  raise,  ///< IndexBounds; negative ones count from the end
  wrap,   ///< modulo the length
  clip,   ///< the nearest end; negative ones are 0
};
/// Options of take, put and compress.
struct TakeOptions {
  std::optional<std::int64_t> axis{};  ///< none: x flattened
  TakeMode mode = TakeMode::raise;
  std::optional<Array> out{};  ///< of the result's shape and x's dtype
};

/// Elements of x along an axis at `indices`.   Shapes: x without the axis, the shape of `indices` in its place.
[[nodiscard]] NDSHARE_API Array take(const Array& x, const Array& indices, const TakeOptions& options = {});
/// x.flat[indices] = values, which are repeated as often as needed; where indices repeat, the last one stands.
///   Options: mode.   Errors: also Usage for no values at all.
NDSHARE_API void put(const Array& x, const Array& indices, const Operand& values, const TakeOptions& options = {});
/// Along `axis`, one position for each line: `take_along_axis(a, argsort(a, …), axis)` is sorted. The other axes broadcast.
[[nodiscard]] NDSHARE_API Array take_along_axis(const Array& x, const Array& indices, std::int64_t axis = -1);
NDSHARE_API void put_along_axis(const Array& x, const Array& indices, const Operand& values, std::int64_t axis = -1);
/// The slices along an axis where `condition` (one axis, no longer than that) is true.
[[nodiscard]] NDSHARE_API Array compress(const Array& condition, const Array& x, const TakeOptions& options = {});

/// Element by element the choice of the first condition that is true, else `otherwise`; one pass, all broadcast together.
///   Errors: Usage (as many conditions as choices, at least one); as ops.h.
[[nodiscard]] NDSHARE_API Array select(std::span<const Array> conditions, std::span<const Operand> choices,
                                       const Operand& otherwise = 0, const OpOptions& options = {});

}  // namespace ndshare
