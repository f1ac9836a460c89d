/// Claims: every lock and every pin of a store, taken and given back without the daemon. Start here for the algorithm.
///
/// A claim is one entry of its owner's slot: "I read / view / update / write rows [lo, hi) of version v of array a". Nothing
/// else says who holds what, so to recover from a dead client is to clear its entries.
///
/// The argument.
///  1. Compare-and-grant happens under the array's short mutex, so two wishes are never granted past each other. What the
///     mutex protects is consistent at every instruction: an owner may die inside. The sweep frees it, or a waiter that can
///     prove the owner dead takes it over by CAS (the generation in the word stops ABA).
///  2. An entry is TRYING before its owner takes the mutex: whatever the owner dies of, a sweep finds the array's number in
///     the entry and frees the mutex. FREE keeps the number, so a wake that the dead still owed is done by the sweep too.
///  3. Bitmaps say in which slots to look. Bits are set and cleared only under the mutex, and cleared only by a scanner that
///     walked the slot and found no entry of the array: a set bit may be stale, a clear bit never hides an entry. A slot sets
///     its own bit before it is granted.
///  4. Nobody sleeps through a release: a waiter announces itself in the event (bit 0) before its scan; a release frees its
///     entry (seq_cst) and then looks at the event (seq_cst); scans read words seq_cst. In the single order of these four either
///     the scan sees the free entry or the release sees the sleeper and changes the event, on which the waiter then does not sleep.
///  5. No grant names a version that the daemon may free: the entry names its version, its word is stored (seq_cst), then root is
///     looked at again (seq_cst). The daemon stores root (seq_cst), then scans the entries (seq_cst). Either we see the new root
///     and look again, or its scan sees our word (TRYING counts), and with it the version, and keeps it.
///  6. What a writer shares with views is decided at its grant and only falls afterwards: VIEW and WRITE conflict by whole
///     grains, and a snapshot reads all rows. A WRITE that covers an edge grain in part and shares it is granted COPYING: then
///     its range counts as whole grains against other writers, until the copy is published and the flag dropped.
///  7. Tickets order the queue: a WAITING entry ahead blocks like a granted one. One that no grant blocks in two looks 10 ms
///     apart belongs to a stopped process and is passed over. An own READ of the same thread lets a READ or VIEW under it pass
///     the queue (it could wait for ever behind a writer that waits for the own READ).
///  8. A READ or VIEW of a version that is known to be current may be granted without the mutex (acquire_unlocked): it stores its
///     GRANTED word, then looks at the writers' bits, at its own bit, at the writers' bits again, then at root (all seq_cst), and
///     takes the word back, as a release does, unless no writer is marked, its own bit is set and root is the one it knows. A
///     writer sets its bit, then reads bits and entries (seq_cst, under the mutex). One that the second look did not see sets its
///     bit after it, and so sees the word if it finds the own bit set. If it finds it clear, a scan cleared it after it was seen
///     set; that scan had walked this slot before the word was there, so its writer was marked from before the word until after
///     the clear: the first look came in between. (One look is not enough: a second thread of the slot may set the bit after a
///     first look that a writer, which found it clear, came too late for.) A clear of a writer's bit is a release: who finds it
///     clear sees what that writer stored. Root: point 5, as the word names its version before it is stored.
///  9. A VIEW that is taken back may have raised a floor for that moment, also after a writer's grant. So grains that a WRITE covers
///     in part are copied only under COPYING; of those that it covers whole a copy too many harms nobody.
///
/// `Sys` gives atomics, catalog, futex and clock, so that this same source runs in the product (claim_system.h), under an
/// exhaustive explorer with mutants and under Relacy (tests/unit/claims).
///   Threads: safe; a call blocks its thread only.   Errors: none thrown; verdicts.   No allocation; no system call but futex.
#pragma once

#include <cstdint>

#include "lib/shm/claim_rules.h"

namespace ndshare::internal {

/// The words of one array in the sync segment. The bitmaps have a bit a slot.
template <class A>
struct ArrayWords {
  typename A::U32 *mutex = nullptr, *event = nullptr;
  typename A::U64 *ticket = nullptr, *revision = nullptr;
  typename A::U64 *writers = nullptr;    ///< slots with WRITE or UPDATE entries: all that a READ or VIEW looks at
  typename A::U64 *claimants = nullptr;  ///< slots with lock entries of any mode
  typename A::U64 *holders = nullptr;    ///< slots with VIEW entries
};

/// The entries of one slot, with the high-water marks already checked against the tables' size.
template <class A>
struct SlotEntries {
  BasicClaim<A>*lock = nullptr, *view = nullptr;
  std::uint32_t lock_high = 0, view_high = 0;
};

enum class Verdict : std::uint8_t {
  granted,
  blocked,         ///< (internal) look again later
  queue,           ///< a VIEW has to wait: call again with an entry of the lock table
  gone,            ///< the array was removed
  timeout,
  would_deadlock,  ///< the same thread holds what is in the way
  deadlock,        ///< a circle of waiting threads, and this one is its youngest
};

/// What stands in the way.
struct Blocker {
  bool found = false, is_mutex = false;
  bool idle = false;  ///< WAITING, and no grant blocks it: its process may be stopped
  std::uint32_t slot = 0, tid = 0;
  ClaimState state = ClaimState::free;
  ClaimRange range;
  std::uint64_t ticket = 0, since_ns = 0;
};

/// A claim that is wanted.
struct Wish {
  std::uint32_t array = 0, tid = 0;
  std::uint64_t array_gen = 0;
  ClaimRange range;
  RowGeometry geometry;
};

template <class Sys>
class ClaimProtocol {
 public:
  using Atomics = typename Sys::Atomics;
  using Entry = BasicClaim<Atomics>;
  using Ref = typename Sys::Ref;            ///< has array, version, array_gen, floor
  using Patience = typename Sys::Patience;  ///< how long to wait, and what to look at meanwhile

  /// What was granted: the reference under which the entry pins its version, and whether grains must be copied first.
  struct Grant {
    Ref ref;
    bool copying = false;    ///< the entry is flagged COPYING: finish_copying() before data is stored
    bool may_share = false;  ///< (WRITE) views or snapshots exist: look at the floors before storing
  };

  ClaimProtocol(Sys& sys, std::uint32_t slot, std::uint64_t gen) noexcept
      : sys_(sys), slot_(slot), owner_(static_cast<std::uint32_t>((gen & 0x7FFFF) << 12 | (slot + 1))) {}

  /// Takes the wish, waiting as long as `patience` says. `entry`: a free one of this slot, of the view table for VIEW.
  /// `waiting`: the entry to queue in; the same one, or for VIEW null at first (see Verdict::queue). On every verdict but
  /// `granted` both entries are free again; `blocker` says what was in the way.
  Verdict acquire(Entry& entry, Entry* waiting, const Wish& wish, Patience& patience, Grant& grant, Blocker& blocker);

  /// READ or VIEW of `known`, a reference granted to this slot before, without the mutex. False: not that simple, the entry is free
  /// again. REQUIRES: the entry's fields are those of the wish and name known's version; none but this thread uses it.
  bool acquire_unlocked(Entry& entry, const ArrayWords<Atomics>& words, ClaimMode mode, const Ref& known) noexcept;

  /// Gives an entry back. `changed`: its holder may have changed what the rows hold.
  void release(Entry& entry, bool changed) noexcept;

  /// The copies are published: the entry is an ordinary WRITE from now on, and data may be stored.
  void finish_copying(Entry& entry) noexcept;

  /// The holder of a WRITE will store nothing: a sweep marks no rows torn.
  void mark_clean(Entry& entry) noexcept;
  /// A granted WRITE, COPYING or not, is about to publish rows without their content: a sweep from here on marks them torn.
  void mark_unwritten(Entry& entry) noexcept;

  /// The highest version that a granted VIEW of the grains names; 0 for none. REQUIRES: a granted WRITE on them, or the mutex
  /// (`clear_stale`: then bits of slots without a view are cleared).
  std::uint64_t view_floor(const Wish& wish, GrainRange grains, bool clear_stale) noexcept;

  /// Frees the entries of a dead slot and wakes whoever waited (the daemon's; restartable). `arrays`: indices below were used.
  /// `before_wake` is called once when every entry is free.
  template <class F>
  void sweep(std::uint32_t slot, std::uint64_t gen, std::uint32_t arrays, F&& before_wake) noexcept;

 private:
  using Words = ArrayWords<Atomics>;
  bool lock(const Words& words, Patience& patience, Blocker& blocker) noexcept;
  bool lock_slowly(const Words& words, Patience& patience, Blocker& blocker) noexcept;
  void unlock(const Words& words) noexcept;
  void mutex_blocker(std::uint32_t word, Blocker& blocker) noexcept;
  void set_bit(typename Atomics::U64* bitmap) noexcept;
  bool any_bit(const typename Atomics::U64* bitmap) const noexcept;
  void mark(const Words& words, ClaimMode mode, bool queued) noexcept;

  void pin(Entry& entry, std::uint64_t version) noexcept;
  void fill(Entry& entry, const Wish& wish) noexcept;
  Verdict wait_in_line(Entry& entry, Entry& queue, const Wish& wish, Patience& patience, Grant& grant, Blocker& blocker);
  Verdict look(Entry& entry, const Wish& wish, std::uint64_t ticket, Patience& patience, Grant& grant, Blocker& blocker) noexcept;
  bool shares_edges(const Wish& wish, const Ref& ref) noexcept;
  Verdict scan(const Words& words, const Entry& self, const Wish& wish, bool copying, std::uint64_t ticket, Patience& patience,
               Blocker& blocker) noexcept;
  bool scan_slot(std::uint32_t slot, const Entry& self, const Wish& wish, bool copying, std::uint64_t ticket,
                 Patience& patience, Blocker& blocker) noexcept;
  bool grant_blocks(const Words& words, const Wish& wish, const Blocker& waiter) noexcept;
  bool own_read_covers(const Wish& wish) noexcept;
  Verdict sleep(Entry& entry, Entry& queue, const Wish& wish, const Words& words, std::uint32_t event, Patience& patience,
                Blocker& blocker);
  void withdraw(Entry& entry, Entry& queue, const Words& words, bool queued) noexcept;
  void wake(const Words& words) noexcept;
  std::uint64_t free_word(const Entry& entry) const noexcept;

  Sys& sys_;
  std::uint32_t slot_, owner_;
};

}  // namespace ndshare::internal

#include "lib/shm/claim_mutex-inl.h"     // IWYU pragma: export
#include "lib/shm/claim_scan-inl.h"      // IWYU pragma: export
#include "lib/shm/claim_protocol-inl.h"  // IWYU pragma: export
#include "lib/shm/claim_release-inl.h"   // IWYU pragma: export
