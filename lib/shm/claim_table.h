/// The entries of this process's slot: which are in use. A bit each in private memory, so that taking one costs one atomic.
///
/// The lowest free entry is taken first: scans of the slot stay short. An entry may also be *parked* with a thread that expects
/// to need it again: it stays taken, but idle; its thread uses it without a read-modify-write (client/fast_claims.h).
///   Threads: safe.   Errors: none.   No system call, no allocation.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <utility>

#include "lib/shm/sync_format.h"

namespace ndshare::internal {

class ClaimTable {
 public:
  explicit ClaimTable(SlotClaims* shared) noexcept;

  /// A free entry of the view table (`view`) or the lock table, busy; null where all are in use.
  Claim* try_take(bool view) noexcept;
  /// REQUIRES: an entry that try_take() gave, whose word is FREE.
  void give_back(Claim* claim) noexcept;
  /// Nothing is in use: every entry is free or parked and idle (seq_cst: pairs with give_back(); see ClientSession).
  bool all_idle() const noexcept;
  bool is_view(const Claim* claim) const noexcept { return claim >= shared_->view; }
  /// 1 while the entry is in use.
  std::atomic<std::uint8_t>& busy(const Claim* claim) noexcept {
    return is_view(claim) ? view_busy_[static_cast<std::size_t>(claim - shared_->view)]
                                  : lock_busy_[static_cast<std::size_t>(claim - shared_->lock)];
  }
  std::uint32_t in_use(bool view) const noexcept;
  void count(SlotCounter counter, std::uint64_t by = 1) noexcept {
    // One load and one store: a count that two threads raise at once may lose one, which statistics can bear.
    auto& word = shared_->counters[static_cast<std::uint32_t>(counter)];
    word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  /// A claim that waited so long, granted or not.
  void count_wait(std::uint64_t ns) noexcept {
    const auto* bound = std::lower_bound(std::begin(kWaitBounds), std::end(kWaitBounds), ns);
    for (auto [index, by] : {std::pair{bound - std::begin(kWaitBounds), std::uint64_t{1}}, {std::ptrdiff_t{kWaitBuckets}, ns}}) {
      auto& word = shared_->waits[index];
      word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
  }

 private:
  template <std::size_t N>
  using Bits = std::array<std::atomic<std::uint64_t>, N>;
  template <std::size_t N>
  static int take_bit(Bits<N>& bits, std::atomic<std::uint32_t>& hint) noexcept;

  SlotClaims* shared_;
  Bits<kLockEntries / 64> lock_;  ///< 1: free
  Bits<kViewEntries / 64> view_;
  std::array<std::atomic<std::uint8_t>, kLockEntries> lock_busy_{};
  std::array<std::atomic<std::uint8_t>, kViewEntries> view_busy_{};
  std::atomic<std::uint32_t> lock_hint_{0}, view_hint_{0};  ///< words below have (about) no free bit
};

}  // namespace ndshare::internal
