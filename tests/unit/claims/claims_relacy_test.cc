/// The claims' protocol under weak memory: random schedules and random stale reads, as C++ allows them. Data that
/// claims protect is plain: Relacy reports two accesses that no order of the protocol separates. NDSHARE_LONG=1: a
/// hundred times as many iterations.

#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <streambuf>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/claims/relacy_system.h"

namespace ndshare::internal::weak {
namespace {

using Entry = BasicClaim<WeakAtomics>;

/// A thread of slot `slot`: claims rows of the array, one entry after the other as the product does.
class Thread {
 public:
  Thread(Memory& memory, unsigned slot, std::uint64_t grain = 1)
      : memory_(memory), system_(memory), slot_(slot), grain_(grain), protocol_(system_, slot, 1) {}

  /// Granted: the version. The entry is the thread's until give().
  WeakProtocol::Grant take(ClaimMode mode, std::int64_t lo, std::int64_t hi) {
    wish_ = {0, slot_ + 1, 1, {mode, false, lo, hi}, {1, grain_}};
    auto& slot = memory_.slots[slot_];
    const bool view = mode == ClaimMode::view;
    entry_ = view ? &slot.view[0] : &slot.lock[0];
    WeakProtocol::Grant grant;
    Blocker blocker;
    auto verdict = protocol_.acquire(*entry_, view ? nullptr : entry_, wish_, patience_, grant, blocker);
    if (verdict == Verdict::queue)
      verdict = protocol_.acquire(*entry_, &slot.lock[1], wish_, patience_, grant, blocker);
    RL_ASSERT(verdict == Verdict::granted);
    return grant;
  }
  void give(bool changed) { protocol_.release(*entry_, changed); }
  std::uint64_t floor() {
    return protocol_.view_floor(wish_, grains_of(wish_.range.lo, wish_.range.hi, wish_.geometry), false);
  }
  void unflag() { protocol_.finish_copying(*entry_); }
  void sweep(std::uint32_t dead) {
    protocol_.sweep(dead, 1, 1, [] {});
  }

 private:
  Memory& memory_;
  WeakSystem system_;
  WeakPatience patience_;
  std::uint32_t slot_;
  std::uint64_t grain_;
  WeakProtocol protocol_;
  Entry* entry_ = nullptr;
  Wish wish_;
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
/// version's memory again if it finds none.
struct Pin : rl::test_suite<Pin, 3> {
  Memory memory;
  rl::var<int> version[4];
  void before() {
    memory.set_up();
    for (auto& one : version) one($) = 0;
  }
  bool pinned(std::uint64_t old) {
    for (std::uint32_t s = 1; s < kSlots; ++s) {
      auto& slot = memory.slots[s];
      for (auto* entry : {&slot.lock[0], &slot.lock[1], &slot.view[0]}) {
        if (claim_state(entry->word.load(std::memory_order_seq_cst)) == ClaimState::free) continue;
        if (entry->version.load(std::memory_order_seq_cst) == old) return true;
      }
    }
    return false;
  }
  void thread(unsigned index) {
    if (index != 0) {
      Thread self(memory, index);
      for (int round = 0; round < 2; ++round) {
        const auto grant = self.take(index == 1 ? ClaimMode::read : ClaimMode::view, 0, 1);
        RL_ASSERT(version[grant.ref.version]($) == 0);
        self.give(false);
      }
      return;
    }
    for (std::uint64_t next : {2U, 3U}) {
      memory.root.store(next, std::memory_order_seq_cst);
      if (!pinned(next - 1)) version[next - 1]($) = 1;
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

struct Found {
  rl::test_result_e result;
  std::string history;
};

/// Where Relacy writes its history: memory that is there from the start, since Relacy has an operator new of its own
/// while it runs.
class Page : public std::streambuf {
 public:
  Page() { clear(); }
  void clear() { setp(text_, text_ + sizeof text_); }
  std::string text() const { return {pbase(), pptr()}; }

 private:
  char text_[1 << 20];
};

/// Random schedules until something is found or `iterations` are over.
template <class Test>
Found simulate(const char* name, unsigned long iterations) {
  static const bool thorough = std::getenv("NDSHARE_LONG") != nullptr;
  static Page page;
  page.clear();
  static std::ostream text(&page);
  rl::test_params params;
  params.iteration_count = static_cast<rl::iteration_t>(thorough ? iterations * 100 : iterations);
  params.output_stream = params.progress_stream = &text;
  params.search_type = rl::sched_random;
  params.execution_depth_limit = 20'000;
  text.clear();
  rl::simulate<Test>(params);
  std::printf("  %-24s %9llu iterations: %s\n", name, static_cast<unsigned long long>(params.stop_iteration),
              rl::test_result_str(params.test_result));
  return {params.test_result, page.text()};
}

class ClaimsRelacyTest : public ::testing::Test {
 protected:
  ~ClaimsRelacyTest() override { weaken = {}; }
  template <class Test>
  void expect_sound(const char* name, unsigned long iterations) {
    const auto found = simulate<Test>(name, iterations);
    EXPECT_EQ(found.result, rl::test_result_success) << found.history;
  }
  template <class Test>
  void expect_caught(const char* name, const Weaken& without) {
    weaken = without;
    EXPECT_NE(simulate<Test>(name, 400'000).result, rl::test_result_success);
  }
};

TEST_F(ClaimsRelacyTest, WritersAndReadersExcludeEachOtherAndNoWakeIsLost) {
  expect_sound<Exclusion>("Exclusion", 120'000);
}
TEST_F(ClaimsRelacyTest, AReusedEntryIsNeverTakenForItsLastClaim) { expect_sound<Reuse>("Reuse", 100'000); }
TEST_F(ClaimsRelacyTest, APinnedVersionIsNeverUsedAgain) { expect_sound<Pin>("Pin", 200'000); }
TEST_F(ClaimsRelacyTest, AWriterKnowsOfEveryView) { expect_sound<Share>("Share", 200'000); }
TEST_F(ClaimsRelacyTest, ASweepWakesWhoeverWaits) { expect_sound<Sweep>("Sweep", 120'000); }

// ---- one order weaker than the protocol has it

constexpr auto kRelaxed = std::memory_order_relaxed, kAcquire = std::memory_order_acquire,
               kRelease = std::memory_order_release, kSeqCst = std::memory_order_seq_cst;

TEST_F(ClaimsRelacyTest, AMutexWithoutAcquireIsCaught) {
  expect_caught<Exclusion>("mutex not acquired", {Role::mutex, false, true, kAcquire, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AMutexWithoutReleaseIsCaught) {
  expect_caught<Exclusion>("mutex not released", {Role::mutex, false, true, kRelease, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AReleaseThatDoesNotPublishIsCaught) {
  expect_caught<Exclusion>("word relaxed", {Role::word, false, true, kSeqCst, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AReleaseThatIsNotSequentialLosesWakes) {
  expect_caught<Exclusion>("word only released", {Role::word, false, true, kSeqCst, kRelease});
}
TEST_F(ClaimsRelacyTest, AScanThatIsNotSequentialLosesWakes) {
  expect_caught<Exclusion>("scan only acquires", {Role::word, true, false, kSeqCst, kAcquire});
}
TEST_F(ClaimsRelacyTest, RowsThatAreNotReleasedAreCaught) {
  expect_caught<Reuse>("rows relaxed", {Role::field, false, true, kRelease, kRelaxed});
}
TEST_F(ClaimsRelacyTest, RowsThatAreNotAcquiredAreCaught) {
  expect_caught<Reuse>("rows not acquired", {Role::field, true, false, kAcquire, kRelaxed});
}
TEST_F(ClaimsRelacyTest, APinThatIsNotSequentialIsCaught) {
  expect_caught<Pin>("pin only released", {Role::word, false, true, kSeqCst, kRelease});
}
TEST_F(ClaimsRelacyTest, ARootThatIsNotSequentialIsCaught) {
  expect_caught<Pin>("root only acquired", {Role::root, true, false, kSeqCst, kAcquire});
}

}  // namespace
}  // namespace ndshare::internal::weak
