// An index of any kind against an array: its basic part as a view, its index arrays checked and broadcast.
#pragma once

#include <ndshare/array.h>
#include <ndshare/select.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ndshare::internal {

/// One axis of `base`, picked by positions.
struct Pick {
  int axis = 0;
  Array positions;  ///< int64, C-contiguous, inside the axis, not negative
};

/// What an index selects: of `base`, some axes of which are picked and the others whole.
///   Shapes: the result has base's other axes, with `shape` in their midst, after `place` of them.
struct Selection {
  Array base;
  std::vector<Pick> picks{};  ///< of one shape; none: the view itself
  Shape shape{};
  int place = 0;
  bool unique = false;  ///< no element is selected twice, as far as is known

  [[nodiscard]] Shape result_shape() const;
};

/// Errors: as select.h says.
[[nodiscard]] Selection resolve(const Array& x, std::span<const Selector> index);
/// Positions along one axis.   Errors: IndexBounds, DtypeMismatch.
[[nodiscard]] Selection pick_axis(const Array& x, int axis, const Array& positions);

/// int64, C-contiguous, in [0, length): negative ones counted from the end. The array itself where it is all that.
///   Errors: IndexBounds (the first that is outside, the axis, its length), DtypeMismatch.
[[nodiscard]] Array checked_positions(const Array& positions, std::int64_t length, int axis);

/// Copies what is selected to `out` and back: C-contiguous memory of result_shape() and base's dtype.
void gather(const Selection& from, std::byte* out, int threads = 0);
/// `step`: 0 where one element stands for all, else 1. Where positions repeat, the last one stands.
///   REQUIRES: `values` and the positions lie apart from base, which is writable.
void scatter(const Selection& to, const std::byte* values, int step, int threads = 0);

/// The selected elements as a new array, told to the ledger.   Errors: MemoryGuard, Memory.
[[nodiscard]] Array gathered(std::string_view what, const Selection& from);

}  // namespace ndshare::internal
