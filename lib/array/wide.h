// 128-bit integers for sums and products of 64-bit ones, and axis lists shared by the layout functions.
#pragma once

#include <ndshare/shape.h>

#include <cstdint>
#include <span>

namespace ndshare::internal {

__extension__ using Int128 = __int128;

/// Normal, distinct axes.   Errors: Axis (out of range, named twice).
Dims distinct_axes(std::span<const std::int64_t> axes, int ndim);

}  // namespace ndshare::internal
