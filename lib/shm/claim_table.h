/// The entries of this process's slot: which are in use. A bit each in private memory, so that taking one costs one atomic.
///
/// The lowest free entry is taken first: scans of the slot stay short.
///   Threads: safe.   Errors: none.   No system call, no allocation.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "lib/shm/sync_format.h"

namespace ndshare::internal {

class ClaimTable {
 public:
  explicit ClaimTable(SlotClaims* shared) noexcept;

  /// A free entry of the view table (`view`) or the lock table; null where all are in use.
  Claim* try_take(bool view) noexcept;
  /// REQUIRES: an entry that try_take() gave, whose word is FREE.
  void give_back(Claim* claim) noexcept;
  /// Nothing is in use (seq_cst: pairs with give_back(); see ClientSession).
  bool all_free() const noexcept;
  std::uint32_t in_use(bool view) const noexcept;
  void count(SlotCounter counter, std::uint64_t by = 1) noexcept;

 private:
  template <std::size_t N>
  using Bits = std::array<std::atomic<std::uint64_t>, N>;
  template <std::size_t N>
  static int take_bit(Bits<N>& bits, std::atomic<std::uint32_t>& hint) noexcept;

  SlotClaims* shared_;
  Bits<kLockEntries / 64> lock_;  ///< 1: free
  Bits<kViewEntries / 64> view_;
  std::atomic<std::uint32_t> lock_hint_{0}, view_hint_{0};  ///< words below have (about) no free bit
};

}  // namespace ndshare::internal
