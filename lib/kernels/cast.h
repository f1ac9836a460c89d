// Casts between numeric dtypes: contiguous, element by element.
#pragma once

#include <ndshare/lane.h>

#include <cstddef>

namespace ndshare::internal {

/// to[i] = from[i] in another dtype; any alignment; the ranges are apart, or exactly one where the itemsizes are equal.
///
/// Integers wrap; floats round to nearest even; float to integer truncates, NaN and values out of range give the most
/// negative integer (0 for unsigned dtypes); complex to real drops the imaginary part; anything to bool is "is not
/// zero".
using CastKernel = void (*)(const void* from, void* to, std::size_t n) noexcept;

/// The cast between two numeric dtypes; from a dtype to itself it copies.
[[nodiscard]] CastKernel find_cast(TypeId from, TypeId to) noexcept;

}  // namespace ndshare::internal
