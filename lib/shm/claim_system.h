/// What the claims' algorithm (claim_protocol.h) stands on in the product: the mapped segments, the futex, the clock.
///
///   Threads: safe.   Errors: none.   No allocation, and no system call but the futex's, until a wait has lasted 50 ms.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "lib/shm/catalog_view.h"
#include "lib/shm/claim_protocol.h"
#include "lib/shm/sync_layout.h"

namespace ndshare::internal {

class ClaimPatience;

class ClaimSystem {
 public:
  using Atomics = StdAtomics;
  using Ref = RefCopy;
  using Patience = ClaimPatience;
  static constexpr int kSpins = 40;  ///< looks at a taken mutex before sleeping: about 1 µs
  static constexpr bool rule(ClaimRule) noexcept { return true; }

  /// `sync`: the mapped sync segment of the catalog's store. Both must outlive this.
  ClaimSystem(const CatalogView& catalog, std::byte* sync) noexcept;

  std::uint32_t slots() const noexcept { return max_clients_; }
  std::uint32_t bitmap_words() const noexcept { return words_; }
  ArrayWords<StdAtomics> array(std::uint32_t index) const noexcept {
    std::byte* base = arrays_ + index * stride_;
    auto* sync = reinterpret_cast<ArraySync*>(base);                // NOLINT: shared bytes have no other type
    auto* bits = reinterpret_cast<a64*>(base + sizeof(ArraySync));  // NOLINT: as above
    return {&sync->mutex, &sync->event, &sync->ticket, &sync->revision, bits, bits + words_, bits + 2 * words_};
  }
  SlotEntries<StdAtomics> slot(std::uint32_t index) const noexcept;
  SlotClaims& claims(std::uint32_t index) const noexcept { return claims_[index]; }
  const CatalogView& catalog() const noexcept { return *catalog_; }

  bool read_ref(std::uint32_t array, RefCopy& out) const noexcept { return catalog_->read_ref_into(array, out); }
  bool is_current(const RefCopy& ref) const noexcept { return catalog_->is_current(ref); }
  /// The lowest birth among the extents of a grain in the version `ref` names. REQUIRES: an entry pins it.
  std::uint64_t oldest_birth(const RefCopy& ref, std::uint64_t grain, const RowGeometry& geometry) const noexcept;

  void wait(a32& word, std::uint32_t value, std::int64_t ns) const noexcept;
  void wake(a32& word, bool all) const noexcept;
  void pause() const noexcept;
  /// Whether the slot that a mutex word names is no longer held by a living process, for certain.
  bool owner_dead(std::uint32_t mutex_word) const noexcept;
  std::uint64_t coarse_now_ns() const noexcept;

 private:
  static constexpr std::chrono::nanoseconds kSpinFor{4000};
  bool spins(const a32& word, std::uint32_t value) const noexcept;

  const CatalogView* catalog_;
  SlotClaims* claims_;
  std::byte* arrays_;
  std::uint64_t stride_;
  std::uint32_t max_clients_, words_;
};

/// How long one acquire waits, and what it does meanwhile: passes over stopped waiters, looks for circles, warns.
///   Threads: one.
class ClaimPatience {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::time_point kForever = Clock::time_point::max();

  /// `warn` is called once, after 10 s, with what is in the way; may be null.
  ClaimPatience(const ClaimSystem& sys, std::uint32_t slot, Clock::time_point deadline,
                const std::function<void(const Blocker&)>* warn) noexcept
      : sys_(sys), slot_(slot), deadline_(deadline), warn_(warn) {}

  std::int64_t left_ns() const noexcept;
  /// Whether the WAITING entry of this ticket was found to be of a stopped process.
  bool passes(std::uint64_t ticket) const noexcept;
  /// After a sleep. `deadlock`: this thread is to give way; else `blocked`.
  Verdict waited(const Wish& wish, const Claim& queue, const Blocker& blocker);
  /// Whether the wait was longer than the first look.
  bool has_waited() const noexcept { return started_ != Clock::time_point{}; }

 private:
  void pass_over(const Blocker& blocker, Clock::time_point now) noexcept;
  bool must_give_way(const Wish& wish, const Claim& queue, Clock::time_point now);

  const ClaimSystem& sys_;
  std::uint32_t slot_;
  Clock::time_point deadline_, started_{}, idle_since_{}, circle_at_{};
  const std::function<void(const Blocker&)>* warn_;
  bool warned_ = false;
  std::uint64_t idle_ticket_ = 0;
  std::array<std::uint64_t, 16> passed_{};
  std::size_t passed_count_ = 0;
  std::vector<std::uint64_t> circle_;  ///< tickets of the circle seen last
};

using Claims = ClaimProtocol<ClaimSystem>;
extern template class ClaimProtocol<ClaimSystem>;

/// This thread's id, asked of the kernel once a thread, and once more in a forked child.
std::uint32_t thread_id() noexcept;

}  // namespace ndshare::internal
