/// What Relacy runs of grants without the mutex (point 8 of lib/shm/claim_protocol.h).   Threads: Relacy's.
#pragma once

#include "tests/unit/claims/relacy_suites.h"

namespace ndshare::internal::weak {

/// A client that read before reads again, among writers that clear its bit. The third thread's READ of another row
/// clears the writers' bits.
struct Again : rl::test_suite<Again, 3> {
  Memory memory;
  rl::var<int> row;
  void before() {
    memory.set_up();
    memory.claimants.store(1, std::memory_order_relaxed);
    row($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index);
    if (index == 0) {
      self.knows();
      for (int round = 0; round < 3; ++round) {
        self.again(ClaimMode::read, 0, 1);
        const int seen = row($);
        RL_ASSERT(seen == row($));
        self.give(false);
      }
      return;
    }
    for (int round = 0; round < 2; ++round) {
      self.take(ClaimMode::write, 0, 1);
      row($) = row($) + 1;
      self.give(true);
      self.take(ClaimMode::read, 1, 2);
      self.give(false);
    }
  }
  void after() { RL_ASSERT(row($) == 4); }
};

/// One grant without the mutex against one writer, and nobody ever sleeps for a release: what is wrong is seen in the
/// row.
struct Once : rl::test_suite<Once, 2> {
  Memory memory;
  rl::var<int> row;
  void before() {
    memory.set_up();
    memory.claimants.store(1, std::memory_order_relaxed);
    row($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index);
    if (index == 1) {
      self.take(ClaimMode::write, 0, 1);
      row($) = 1;
      return self.give(true);
    }
    self.knows();
    if (!self.take_unlocked(ClaimMode::read, 0, 1)) return;
    RL_ASSERT(row($) >= 0);
    self.give(false);
  }
};

/// Another thread of the reader's process sets their bit, which was clear.
struct Fellow : rl::test_suite<Fellow, 3> {
  Memory memory;
  rl::var<int> row;
  void before() {
    memory.set_up();
    row($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index == 2 ? 1 : 0);
    if (index == 2) {
      self.take(ClaimMode::write, 0, 1);
      row($) = 1;
      return self.give(true);
    }
    if (index == 0) {
      self.knows();
      self.again(ClaimMode::read, 0, 1);
    } else {
      self.is_second();
      self.take(ClaimMode::read, 0, 1);
    }
    RL_ASSERT(row($) >= 0);
    self.give(false);
  }
};

/// The reader begins when the writer's bit was cleared (by the second thread of its process, which set their own bit
/// under that writer): nothing but the clear tells it what was written. The flag orders nothing.
struct Cleared : rl::test_suite<Cleared, 3> {
  Memory memory;
  WeakAtomic<std::uint32_t> flag;
  rl::var<int> row;
  void before() {
    memory.set_up();
    flag.set_up(Role::other);
    row($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index == 2 ? 1 : 0);
    if (index == 2) {
      self.take(ClaimMode::write, 0, 1);
      row($) = 1;
      return self.give(true);
    }
    if (index == 1) {
      self.is_second();
      self.take(ClaimMode::read, 0, 1);
      flag.store(1, std::memory_order_relaxed);
      return self.give(false);
    }
    while (flag.load(std::memory_order_relaxed) == 0) rl::yield(1, $);
    self.knows();
    self.again(ClaimMode::read, 0, 1);
    RL_ASSERT(row($) >= 0);
    self.give(false);
  }
};

/// As Share, by views without the mutex.
struct ShareAgain : rl::test_suite<ShareAgain, 2> {
  Memory memory;
  rl::var<int> row;
  void before() {
    memory.set_up();
    memory.holders.store(1, std::memory_order_relaxed);
    row($) = 0;
  }
  void thread(unsigned index) {
    Thread self(memory, index, 2);
    if (index == 0) {
      self.knows();
      for (int round = 0; round < 2; ++round) {
        self.again(ClaimMode::view, 0, 1);
        const int seen = row($);
        RL_ASSERT(seen == row($));
        self.give(false);
      }
      return;
    }
    for (int round = 0; round < 2; ++round) {
      const auto grant = self.take(ClaimMode::write, 0, 1);
      const bool shared = grant.copying && self.floor() != 0;  // every extent was born in version 1
      if (grant.may_share) self.unflag();
      if (!shared) row($) = row($) + 1;
      self.give(true);
      self.take(ClaimMode::read, 1, 2);  // clears its own bit
      self.give(false);
    }
  }
};

/// As Pin, by clients that know the first version. Between two claims they begin to take another array.
template <bool kReplaced>
struct PinAgain : rl::test_suite<PinAgain<kReplaced>, 3>, PinBase<kReplaced> {
  void before() {
    this->set_up();
    this->memory.claimants.store(2, std::memory_order_relaxed),
        this->memory.holders.store(4, std::memory_order_relaxed);
  }
  void thread(unsigned index) {
    if (index == 0) return this->daemon();
    Thread self(this->memory, index);
    self.knows();
    for (int round = 0; round < 2; ++round) {
      const auto ref = self.again(index == 1 ? ClaimMode::read : ClaimMode::view, 0, 1);
      RL_ASSERT(this->version[ref.version]($) == 0);
      self.give(false);
      self.fill_for_another();
    }
  }
};

}  // namespace ndshare::internal::weak
