// Arrays as lines: the axis that is worked along last, one line behind the other.
#pragma once

#include <ndshare/array.h>

#include "lib/order/value_sort.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace ndshare::internal {

/// The same elements with `axis` last; without an axis x itself.   Errors: Axis.
[[nodiscard]] Array axis_last(const Array& x, const std::optional<std::int64_t>& axis);
/// A new C-contiguous array of x's elements, in `shape` (x's count).
[[nodiscard]] Array dense_copy(const Array& x, const Shape& shape);
/// x where it is C-contiguous, else a copy.
[[nodiscard]] inline Array dense(const Array& x) { return x.is_c_contiguous() ? x : dense_copy(x, x.shape()); }
/// The lines of an array whose last axis is worked along; all one line where it is `flat`.
[[nodiscard]] Lines lines_of(const Array& x, bool flat);

}  // namespace ndshare::internal
