/// Who waits for whom: a picture of all claims at about one moment, for deadlocks and for people who ask.
///
/// The entries are read while others change them: what is found is a hint. A deadlock is believed when the same circle, by
/// ticket, is seen twice.
///   Threads: safe.   Errors: std::bad_alloc.   Memory: allocates; nothing here is on a fast path.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "lib/shm/claims.h"

namespace ndshare::internal {

class ClaimSystem;

/// All claims of the live slots, and what stands before each.
class WaitGraph {
 public:
  explicit WaitGraph(const ClaimSystem& sys);
  const std::vector<ClaimCopy>& claims() const noexcept { return claims_; }
  /// Indices of the claims that the WAITING claim `index` waits for: grants in conflict, and waiters ahead of it.
  std::vector<std::size_t> blockers(std::size_t index) const;

 private:
  const RowGeometry& geometry(std::uint32_t array) const;
  const ClaimSystem& sys_;
  std::vector<ClaimCopy> claims_;
  mutable std::map<std::uint32_t, RowGeometry> geometry_;
};

/// A waiting thread.
struct Waiter {
  std::uint32_t slot = 0, tid = 0;
  std::uint64_t ticket = 0;
};

struct Circle {
  std::vector<std::uint64_t> tickets;  ///< of the waiters in it, in order; empty for none
  bool we_are_youngest = false;        ///< of its waiters, by the time since when they wait
};

/// A circle of waiting threads that `from` is part of.
Circle find_circle(const ClaimSystem& sys, const Waiter& from);

}  // namespace ndshare::internal
