/// Who waits for whom: the table of modes, and how row ranges compare. Pure functions of values.
///
///   wanted ↓ granted →   READ   VIEW   UPDATE  WRITE          Only overlapping ranges conflict. READ against WRITE compares
///   READ                  –      –      –      wait           rows, WRITE against WRITE too unless one of them is COPYING;
///   VIEW                  –      –      –      wait           everything else compares whole grains, so that what a view or
///   UPDATE                –      –      wait   wait           a snapshot shares is decided once a grain.
///   WRITE                wait    –      wait   wait
///
/// The VIEW column is for granted entries; a VIEW that waits ahead in the queue does hold a later WRITE back (else writers
/// would starve views).   Threads: pure.   Errors: none.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lib/shm/sync_format.h"

namespace ndshare::internal {

/// How rows of an array map to grains; the same for all versions of one array_gen.
struct RowGeometry {
  std::uint64_t row_bytes = 1;  ///< never 0
  std::uint64_t grain = 65536;  ///< bytes
};

/// What a claim asks for or holds, as far as conflicts go. Rows [lo, hi); hi may be kAllRows.
struct ClaimRange {
  ClaimMode mode = ClaimMode::read;
  bool copying = false;
  std::int64_t lo = 0, hi = kAllRows;
};

struct GrainRange {
  std::uint64_t first = 0, last = 0;  ///< [first, last)
};

/// The grains that rows [lo, hi) touch; an end beyond 2^64 bytes counts as the end of everything.
constexpr GrainRange grains_of(std::int64_t lo, std::int64_t hi, const RowGeometry& geometry) noexcept {
  if (lo < 0) lo = 0;
  if (hi <= lo) return {};
  std::uint64_t from = 0, to = 0;
  const bool far_from = __builtin_mul_overflow(static_cast<std::uint64_t>(lo), geometry.row_bytes, &from);
  const bool far_to = hi == kAllRows || __builtin_mul_overflow(static_cast<std::uint64_t>(hi), geometry.row_bytes, &to);
  const std::uint64_t first = far_from ? UINT64_MAX - 1 : from / geometry.grain;
  const std::uint64_t last = far_to ? UINT64_MAX : (to - 1) / geometry.grain + 1;
  return {first, last};
}

constexpr bool rows_overlap(const ClaimRange& a, const ClaimRange& b) noexcept {
  return std::max(a.lo, b.lo) < std::min(a.hi, b.hi);
}

constexpr bool grains_overlap(const ClaimRange& a, const ClaimRange& b, const RowGeometry& geometry) noexcept {
  const auto left = grains_of(a.lo, a.hi, geometry), right = grains_of(b.lo, b.hi, geometry);
  return std::max(left.first, right.first) < std::min(left.last, right.last);
}

/// Rules that the model checker may drop one at a time, to see that it catches what is then wrong. The product keeps all.
enum class ClaimRule : std::uint8_t {
  event_before_scan,    ///< the event is read (and the sleeper announced) before the scan
  validate_version,     ///< root is looked at again after the scan
  view_grains,          ///< VIEW against WRITE compares whole grains
  copying_grains,       ///< a COPYING writer compares whole grains
  bits_before_scan,     ///< own bits are set before the grant
  bits_after_sleep,     ///< own bits are set again whenever the mutex was given up meanwhile
  keep_needed_bits,     ///< a bit is cleared only where the slot has no entry of the array
  ticket_order,         ///< a WAITING entry ahead blocks
  release_wakes,        ///< a release bumps the event where somebody may sleep
  sweep_frees_mutex,    ///< a sweep frees the mutex of the arrays that any entry names
  sweep_wakes,          ///< a sweep bumps every event unconditionally
  sweep_bump_clears,    ///< and it is this that clears "somebody may sleep"
  free_keeps_array,     ///< a FREE entry keeps its array number, so that a sweep knows whom to wake
  torn_before_free,     ///< a sweep publishes torn rows before it frees the entry
  unlocked_sees_writers,  ///< a grant without the mutex looks at the writers' bits
  unlocked_looks_before,  ///< before it looks at its own bit
  unlocked_is_marked,     ///< its own bit is to be set
  unlocked_looks_again,   ///< and it looks at the writers' bits after that
  unlocked_is_current,    ///< and at root
  pin_before_validate,  ///< the entry names its version before root is looked at for the last time
};

/// Whether `a` and `b` conflict by the table above. `Rules::rule(r)` says whether rule r is kept.
template <class Rules>
constexpr bool conflicts(const ClaimRange& a, const ClaimRange& b, const RowGeometry& geometry) noexcept {
  if (a.mode != ClaimMode::write && b.mode != ClaimMode::write) {
    return a.mode == ClaimMode::update && b.mode == ClaimMode::update && grains_overlap(a, b, geometry);
  }
  const auto& other = a.mode == ClaimMode::write ? b : a;
  bool whole = other.mode == ClaimMode::update;
  if (other.mode == ClaimMode::view) whole = Rules::rule(ClaimRule::view_grains);
  if (other.mode == ClaimMode::write) whole = (a.copying || b.copying) && Rules::rule(ClaimRule::copying_grains);
  return whole ? grains_overlap(a, b, geometry) : rows_overlap(a, b);
}

}  // namespace ndshare::internal
