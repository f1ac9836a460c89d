/// What Relacy runs: threads that claim rows, and data that their claims are to protect. Data is plain: Relacy reports
/// two accesses that no order of the protocol separates.   Threads: Relacy's.
#pragma once

#include "tests/unit/claims/relacy_system.h"

namespace ndshare::internal::weak {

using Entry = BasicClaim<WeakAtomics>;

/// A thread of slot `slot`: claims rows of the array, one entry after the other as the product does.
class Thread {
 public:
  Thread(Memory& memory, unsigned slot, std::uint64_t grain = 1)
      : memory_(memory), system_(memory), slot_(slot), tid_(slot + 1), grain_(grain), protocol_(system_, slot, 1) {}

  /// The second thread of the slot's process: its READ and WRITE claims are in the second entry.
  void is_second() { index_ = 1, tid_ += kSlots; }
  /// It was granted version 1 before.
  void knows() { known_ = {1, 1, memory_.floor, 0}; }

  /// Granted: the version. The entry is the thread's until give().
  WeakProtocol::Grant take(ClaimMode mode, std::int64_t lo, std::int64_t hi) {
    const bool view = mode == ClaimMode::view;
    choose(mode, lo, hi);
    WeakProtocol::Grant grant;
    Blocker blocker;
    auto verdict = protocol_.acquire(*entry_, view ? nullptr : entry_, wish_, patience_, grant, blocker);
    if (verdict == Verdict::queue)
      verdict = protocol_.acquire(*entry_, &memory_.slots[slot_].lock[1], wish_, patience_, grant, blocker);
    if (verdict == Verdict::gone && memory_.is_replaced) return take(mode, lo, hi);  // under the new array_gen
    RL_ASSERT(verdict == Verdict::granted);
    return grant;
  }
  /// READ or VIEW without the mutex, if that can be; as client/fast_claims.cc does.
  WeakRef again(ClaimMode mode, std::int64_t lo, std::int64_t hi) {
    if (known_.version == 0 || !take_unlocked(mode, lo, hi)) known_ = take(mode, lo, hi).ref;
    return known_;
  }
  bool take_unlocked(ClaimMode mode, std::int64_t lo, std::int64_t hi) {
    choose(mode, lo, hi);
    fill(known_);
    return protocol_.acquire_unlocked(*entry_, system_.array(0), mode, known_);
  }
  /// Begins to take another array with the entry of the last claim, which is over; goes no further.
  void fill_for_another() { fill({9, 9, 0, 1}); }
  void give(bool changed) { protocol_.release(*entry_, changed); }
  std::uint64_t floor() {
    return protocol_.view_floor(wish_, grains_of(wish_.range.lo, wish_.range.hi, wish_.geometry), false);
  }
  void unflag() { protocol_.finish_copying(*entry_); }
  void sweep(std::uint32_t dead) {
    protocol_.sweep(dead, 1, 1, [] {});
  }

 private:
  /// Release: as in acquire(). Who still saw the word of the last claim, and these, sees that it is over.
  void fill(const WeakRef& ref) {
    entry_->array_gen.store(ref.array_gen, std::memory_order_release);
    entry_->lo.store(static_cast<std::uint64_t>(wish_.range.lo), std::memory_order_release);
    entry_->hi.store(static_cast<std::uint64_t>(wish_.range.hi), std::memory_order_release);
    entry_->tid.store(tid_, std::memory_order_relaxed);
    entry_->version.store(ref.version, std::memory_order_release);
  }
  void choose(ClaimMode mode, std::int64_t lo, std::int64_t hi) {
    const auto gen = memory_.is_replaced ? memory_.root.load(std::memory_order_seq_cst) : 1;
    wish_ = {0, tid_, gen, {mode, false, lo, hi}, {1, grain_}};
    auto& slot = memory_.slots[slot_];
    entry_ = mode == ClaimMode::view ? &slot.view[0] : &slot.lock[index_];
  }

  Memory& memory_;
  WeakSystem system_;
  WeakPatience patience_;
  std::uint32_t slot_, tid_, index_ = 0;
  std::uint64_t grain_;
  WeakProtocol protocol_;
  Entry* entry_ = nullptr;
  Wish wish_;
  WeakRef known_;  ///< of the last grant; version 0: none
};

/// Writers and a reader of the same rows. A lost wake is a deadlock.
struct Exclusion : rl::test_suite<Exclusion, 3> {
  Memory memory;
  rl::var<int> row;
  void before() {
    memory.set_up();
    row($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index);
    for (int round = 0; round < 2; ++round) {
      const bool writes = index != 2;
      self.take(writes ? ClaimMode::write : ClaimMode::read, 0, 1);
      const int seen = row($);
      if (writes) row($) = seen + 1;
      self.give(writes);
    }
  }
  void after() { RL_ASSERT(row($) == 4); }
};

/// An entry serves one claim after another: whoever looks at it must not take the next claim's rows for the last one's.
struct Reuse : rl::test_suite<Reuse, 3> {
  Memory memory;
  rl::var<int> row[2];
  void before() {
    memory.set_up();
    row[0]($) = row[1]($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index);
    for (unsigned at : {index % 2, (index + 1) % 2, index % 2}) {
      self.take(ClaimMode::write, at, at + 1);
      row[at]($) = row[at]($) + 1;
      self.give(true);
    }
  }
  void after() { RL_ASSERT(row[0]($) + row[1]($) == 9); }
};

/// A client pins the version that root names; the daemon stores another root, looks at the entries, and uses the old
/// version's memory again if it finds none. `kReplaced`: every root is another array under the same name.
template <bool kReplaced>
struct PinBase {
  Memory memory;
  rl::var<int> version[4];
  void set_up() {
    memory.set_up();
    memory.is_replaced = kReplaced;
    for (auto& one : version) one($) = 0;
  }
  bool pinned(std::uint64_t old) {
    for (std::uint32_t s = 1; s < kSlots; ++s) {
      auto& slot = memory.slots[s];
      for (auto* entry : {&slot.lock[0], &slot.lock[1], &slot.view[0]}) {
        if (claim_state(entry->word.load(std::memory_order_seq_cst)) == ClaimState::free) continue;
        const auto gen = entry->array_gen.load(std::memory_order_acquire);
        if (gen == (kReplaced ? old : 1) && entry->version.load(std::memory_order_seq_cst) == old) return true;
      }
    }
    return false;
  }
  void daemon() {
    for (std::uint64_t next : {2U, 3U}) {
      memory.root.store(next, std::memory_order_seq_cst);
      if (!pinned(next - 1)) version[next - 1]($) = 1;
    }
  }
};

template <bool kReplaced>
struct Pin : rl::test_suite<Pin<kReplaced>, 3>, PinBase<kReplaced> {
  void before() { this->set_up(); }
  void thread(unsigned index) {
    if (index == 0) return this->daemon();
    Thread self(this->memory, index);
    for (int round = 0; round < 2; ++round) {
      const auto grant = self.take(index == 1 ? ClaimMode::read : ClaimMode::view, 0, 1);
      RL_ASSERT(this->version[grant.ref.version]($) == 0);
      self.give(false);
    }
  }
};

/// A view never blocks a writer, but the writer must know of it: it stores in place only what no view shares.
struct Share : rl::test_suite<Share, 2> {
  Memory memory;
  rl::var<int> row;
  void before() {
    memory.set_up();
    row($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index, 2);
    for (int round = 0; round < 2; ++round) {
      if (index == 0) {
        self.take(ClaimMode::view, 0, 1);
        const int seen = row($);
        RL_ASSERT(seen == row($));
        self.give(false);
        continue;
      }
      const auto grant = self.take(ClaimMode::write, 0, 1);
      const bool shared = grant.may_share && self.floor() != 0;  // every extent was born in version 1
      if (grant.may_share) self.unflag();
      if (!shared) row($) = row($) + 1;
      self.give(true);
    }
  }
};

/// A client dies with a granted WRITE; its sweep must wake whoever waits.
struct Sweep : rl::test_suite<Sweep, 3> {
  Memory memory;
  rl::var<int> row;
  void before() {
    memory.set_up();
    row($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index);
    self.take(ClaimMode::write, 0, 1);
    row($) = row($) + 1;
    if (index == 0) return self.sweep(0);  // the daemon, once it knows that nothing of that process runs any more
    self.give(true);
  }
  void after() { RL_ASSERT(row($) == 3); }
};

}  // namespace ndshare::internal::weak
