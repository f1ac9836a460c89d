/// Claims as values: copies of entries for whoever looks at them from outside (the daemon's reclaim and sweep, operators).
///
/// What is read may change meanwhile and may be written by anybody: every field is read once, nothing is trusted, entries of
/// no known state or mode are skipped.
///   Threads: safe.   Errors: none but std::bad_alloc.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/shm/catalog_view.h"
#include "lib/shm/claim_rules.h"
#include "lib/shm/format.h"

namespace ndshare::internal {

/// One entry that is not free. TRYING counts: it pins its version while its owner makes sure that it is current.
struct ClaimCopy {
  ClaimState state = ClaimState::free;
  ClaimMode mode = ClaimMode::read;
  std::uint16_t flags = 0;
  std::uint32_t array = 0, tid = 0, slot = 0;  ///< `slot` is the caller's to fill
  std::uint64_t array_gen = 0, version = 0, ticket = 0, since_ns = 0;
  std::int64_t lo = 0, hi = 0;
  bool copying() const noexcept { return (flags & kClaimCopying) != 0; }
};

/// Copies the entries of a slot that are not free, up to its (range-checked) high-water marks, into `out` (appended).
void collect_claims(const SlotClaims& shared, std::vector<ClaimCopy>& out);

/// Clears every entry a slot ever used and its high-water marks: the last step of a sweep before the slot is freed.
void clear_claims(SlotClaims& shared) noexcept;

/// Rows of an array: the length of its slowest axis in memory (the last one in Fortran order); 1 for no axes.
std::int64_t row_count(const ArrayCopy& copy) noexcept;
RowGeometry geometry_of(const ArrayCopy& copy) noexcept;

}  // namespace ndshare::internal
