/// The extents of one version, in the order of its data, as values: what a commit makes of them. Pure functions.
///
/// A table's extents are page multiples at page offsets of the data, or one slab piece that holds all of it.
///   Threads: pure.   Errors: std::bad_alloc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/shm/format.h"

namespace ndshare::internal {

using ExtentTable = std::vector<Extent>;

/// Bytes that the extents hold.
std::uint64_t table_bytes(std::span<const Extent> table) noexcept;

/// The first `bytes` of the table; an extent in the way is cut and keeps its birth. REQUIRES: a place in it where pages meet.
ExtentTable first_bytes(std::span<const Extent> table, std::uint64_t bytes);
/// What lies behind the first `bytes`; nothing where the table ends before. REQUIRES: as above.
ExtentTable behind_bytes(std::span<const Extent> table, std::uint64_t bytes);

/// `fresh` in the place of as many bytes from `at` on; where the table ends before, it grows. REQUIRES: at <= table_bytes.
ExtentTable replaced(std::span<const Extent> table, std::uint64_t at, std::span<const Extent> fresh);

/// Neighbours in data and pool with the same birth as one.
ExtentTable merged(std::span<const Extent> table);

}  // namespace ndshare::internal
