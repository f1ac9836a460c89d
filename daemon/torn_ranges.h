/// Lists of torn rows as values: sorted, disjoint, at most kMaxTornRanges of them. Pure functions.
///   Threads: pure.   Errors: std::bad_alloc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/shm/format.h"

namespace ndshare::internal {

using TornRanges = std::vector<TornRange>;

/// With `more`: what overlaps becomes one range; where there are too many, the two nearest become their hull.
TornRanges with_torn(std::span<const TornRange> ranges, const TornRange& more);
/// Without rows [lo, hi). What is left may again be too many: then hulls, which may name rows that were just mended.
TornRanges without_torn(std::span<const TornRange> ranges, std::int64_t lo, std::int64_t hi);
/// Below `rows` only.
TornRanges torn_below(std::span<const TornRange> ranges, std::int64_t rows);

}  // namespace ndshare::internal
