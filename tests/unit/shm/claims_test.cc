#include "lib/shm/claims.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/support.h"
#include "tests/unit/shm/claims_support.h"

namespace ndshare::internal {
namespace {

using std::chrono::milliseconds;
using test::Clock;
using test::FakeClient;
using test::FakeStore;
using test::Taken;
using M = ClaimMode;

class ClaimsTest : public ::testing::Test {
 protected:
  ClaimsTest() {
    store_.catalog().put(1, test::fake_rows("x"));
    store_.catalog().put(2, test::fake_rows("y"));
  }
  ArrayWords<StdAtomics> words(std::uint32_t array = 1) { return store_.sys().array(array); }
  /// A thread of `client` that takes a claim, reports and gives it back.
  std::thread taker(FakeClient& client, M mode, std::int64_t lo, std::int64_t hi, Taken& out) {
    return std::thread([&client, mode, lo, hi, &out] {
      out = client.take(1, mode, lo, hi, FakeClient::kForever);
      if (out.granted()) client.give(out);
    });
  }
  /// A WAITING entry of slot `slot` that nobody stands behind: its process is stopped.
  void wait_by_hand(std::uint32_t slot, M mode, std::int64_t lo, std::int64_t hi) {
    auto& shared = store_.sys().claims(slot);
    auto& entry = shared.lock[0];
    shared.lock_high.store(1);
    entry.array_gen.store(store_.gen(1)), entry.lo.store(static_cast<std::uint64_t>(lo)),
        entry.hi.store(static_cast<std::uint64_t>(hi));
    entry.tid.store(77);
    entry.ticket.store(words().ticket->fetch_add(1) + 1);
    entry.word.store(claim_word(ClaimState::waiting, mode, 0, 1));
    for (auto* bits : {words().claimants, words().writers}) bits[0].fetch_or(1ULL << slot);
  }

  FakeStore store_;
  FakeClient a_{store_, 0}, b_{store_, 1}, c_{store_, 2};
};

TEST_F(ClaimsTest, AClaimIsSeenUntilItIsGivenBack) {
  const auto taken = a_.take(1, M::read, 2, 9);
  ASSERT_TRUE(taken.granted());
  const auto claims = store_.claims(0);
  ASSERT_EQ(claims.size(), 1U);
  EXPECT_EQ(claims[0].state, ClaimState::granted);
  EXPECT_EQ(claims[0].mode, M::read);
  EXPECT_EQ(claims[0].array, 1U);
  EXPECT_EQ(claims[0].array_gen, store_.gen(1));
  EXPECT_EQ(claims[0].version, store_.view().read_ref(1)->version);
  EXPECT_EQ(claims[0].lo, 2);
  EXPECT_EQ(claims[0].hi, 9);
  EXPECT_EQ(claims[0].tid, thread_id());
  EXPECT_NE(claims[0].since_ns, 0U);
  a_.give(taken);
  EXPECT_TRUE(store_.claims(0).empty());
  EXPECT_EQ(words().mutex->load(), 0U);
}

TEST_F(ClaimsTest, ANewerVersionIsPinnedAndARemovedArrayIsGone) {
  const auto old = store_.view().read_ref(1);
  store_.catalog().put(1, test::fake_rows("x"));
  const auto taken = a_.take(1, M::view, 0, 8);
  ASSERT_TRUE(taken.granted());
  EXPECT_GT(taken.grant.ref.version, old->version);
  EXPECT_EQ(store_.claims(0).at(0).version, taken.grant.ref.version);
  a_.give(taken);
  b_.use_gen(store_.gen(1));
  store_.catalog().remove(1, "x");
  for (const auto mode : {M::read, M::view, M::update, M::write})
    EXPECT_EQ(b_.take(1, mode, 0, 8).verdict, Verdict::gone);
  store_.catalog().put(1, test::fake_rows("x"));  // another one in its place
  for (const auto mode : {M::read, M::view, M::update, M::write})
    EXPECT_EQ(b_.take(1, mode, 0, 8).verdict, Verdict::gone);
  EXPECT_TRUE(store_.claims(1).empty());
}

TEST_F(ClaimsTest, ATimeoutNamesWhatIsInTheWay) {
  const auto held = a_.take(1, M::write, 3, 5, FakeClient::kNow, 41);
  for (const auto deadline : {FakeClient::kNow, Clock::now() + milliseconds(20)}) {
    const auto taken = b_.take(1, M::read, 0, 4, deadline);
    EXPECT_EQ(taken.verdict, Verdict::timeout);
    EXPECT_TRUE(taken.blocker.found);
    EXPECT_FALSE(taken.blocker.is_mutex);
    EXPECT_EQ(taken.blocker.slot, 0U);
    EXPECT_EQ(taken.blocker.tid, 41U);
    EXPECT_EQ(taken.blocker.state, ClaimState::granted);
    EXPECT_EQ(taken.blocker.range.mode, M::write);
    EXPECT_EQ(taken.blocker.range.lo, 3);
    EXPECT_EQ(taken.blocker.range.hi, 5);
  }
  EXPECT_TRUE(store_.claims(1).empty());
  EXPECT_EQ(b_.table().in_use(false), 0U);
  a_.give(held);
}

TEST_F(ClaimsTest, OneThreadCannotWaitForItself) {
  const auto held = a_.take(1, M::read, 0, 8, FakeClient::kNow, 41);
  const auto again = a_.take(1, M::write, 4, 6, FakeClient::kForever, 41);
  EXPECT_EQ(again.verdict, Verdict::would_deadlock);
  EXPECT_EQ(again.blocker.tid, 41U);
  EXPECT_EQ(again.blocker.range.mode, M::read);
  EXPECT_EQ(a_.take(1, M::write, 4, 6, FakeClient::kNow, 42).verdict, Verdict::timeout)
      << "another thread may well wait";
  EXPECT_TRUE(a_.take(1, M::write, 8, 9, FakeClient::kNow, 41).granted());
  a_.give(held);
}

TEST_F(ClaimsTest, AReadUnderAReadPassesAQueuedWriter) {
  const auto held = a_.take(1, M::read, 0, 8);
  Taken writer;
  auto thread = taker(b_, M::write, 0, 8, writer);
  store_.await_waiting(1);
  for (const auto mode : {M::read, M::view}) {
    const auto under = a_.take(1, mode, 2, 4);
    EXPECT_TRUE(under.granted());
    if (under.granted()) a_.give(under);
  }
  EXPECT_EQ(a_.take(1, M::read, 2, 4, FakeClient::kNow, 1234).verdict, Verdict::timeout)
      << "not that of another thread";
  const auto other = c_.take(1, M::read, 2, 4);
  EXPECT_EQ(other.verdict, Verdict::timeout);
  EXPECT_EQ(other.blocker.state, ClaimState::waiting);
  EXPECT_EQ(other.blocker.slot, 1U);
  a_.give(held);
  thread.join();
  EXPECT_TRUE(writer.granted());
}

TEST_F(ClaimsTest, AViewQueuesAndThenMakesWritersCopy) {
  const auto held = a_.take(1, M::write, 0, 8);
  Taken view;
  std::thread thread([&] { view = b_.take(1, M::view, 4, 12, FakeClient::kForever); });
  store_.await_waiting(1);
  EXPECT_EQ(c_.take(1, M::write, 12, 13).verdict, Verdict::timeout) << "the view was first";
  a_.give(held, true);
  thread.join();
  ASSERT_TRUE(view.granted());
  const auto part = c_.take(1, M::write, 0, 4), all = c_.take(1, M::write, 8, 16), other = c_.take(1, M::write, 16, 20);
  ASSERT_TRUE(part.granted() && all.granted() && other.granted()) << "a granted view blocks nobody";
  EXPECT_TRUE(part.grant.copying && part.grant.may_share);
  EXPECT_TRUE(!all.grant.copying && all.grant.may_share) << "a grain that is covered in full is no other writer's";
  EXPECT_FALSE(other.grant.copying);
  EXPECT_EQ(a_.take(1, M::write, 7, 8).verdict, Verdict::timeout) << "the whole grain is being copied";
  auto copied = test::fake_rows();
  copied.extents = {{512, 64, 99}, {64, 448, 1}};
  store_.catalog().put(1, copied);
  c_.claims().finish_copying(*part.entry);
  const auto rest = a_.take(1, M::write, 7, 8);
  EXPECT_TRUE(rest.granted() && !rest.grant.copying);
  a_.give(rest);
  for (const auto& one : {part, all, other}) c_.give(one, true);
  b_.give(view);
  EXPECT_EQ(words().revision->load(), 4U);
}

TEST_F(ClaimsTest, ASnapshotsFloorMakesWritersCopy) {
  auto array = test::fake_rows("x", 1);
  array.extents = {{0, 64, 3}, {64, 448, 1}};  // its first grain is newer than the snapshot
  array.floor = 2;
  store_.catalog().put(1, array);
  EXPECT_FALSE(a_.take(1, M::write, 0, 4).grant.copying);
  EXPECT_TRUE(a_.take(1, M::write, 8, 10).grant.copying);
  EXPECT_TRUE(a_.take(1, M::write, 16, 25).grant.copying);
  EXPECT_FALSE(a_.take(1, M::write, 32, kAllRows).grant.copying);
}

TEST_F(ClaimsTest, OfTwoThreadsThatWaitForEachOtherTheYoungerGivesWay) {
  const auto x = a_.take(1, M::write, 0, 8, FakeClient::kNow, 1), y = b_.take(2, M::write, 0, 8, FakeClient::kNow, 2);
  Taken older, younger;
  std::thread first([&] {
    older = a_.take(2, M::write, 0, 8, FakeClient::kForever, 1);
    a_.give(x);
  });
  store_.await_waiting(0);
  const auto since = store_.sys().coarse_now_ns();
  while (store_.sys().coarse_now_ns() == since) std::this_thread::yield();
  std::thread second([&] {
    younger = b_.take(1, M::write, 0, 8, FakeClient::kForever, 2);
    b_.give(y);
  });
  first.join();
  second.join();
  EXPECT_TRUE(older.granted());
  EXPECT_EQ(younger.verdict, Verdict::deadlock);
  EXPECT_EQ(younger.blocker.slot, 0U);
  EXPECT_TRUE(store_.claims(1).empty());
}

TEST_F(ClaimsTest, AStoppedWaiterIsPassedOverAndAWaitingOneIsNot) {
  wait_by_hand(3, M::write, 0, 8);
  const auto passed = a_.take(1, M::read, 0, 8, FakeClient::kForever);
  EXPECT_TRUE(passed.granted());
  const auto waited = b_.take(1, M::read, 0, 8, Clock::now() + milliseconds(60));  // now a grant holds the waiter up
  EXPECT_EQ(waited.verdict, Verdict::timeout);
  EXPECT_EQ(waited.blocker.slot, 3U);
  EXPECT_EQ(waited.blocker.state, ClaimState::waiting);
  a_.give(passed);
  Taken writer;
  taker(c_, M::write, 0, 4, writer).join();
  EXPECT_TRUE(writer.granted());
}

TEST_F(ClaimsTest, StaleBitsAreClearedByWhoeverLooks) {
  const auto mine = a_.take(1, M::write, 0, 8);
  for (auto* bits : {words().claimants, words().writers, words().holders}) bits[0].store(0b1111);
  const auto taken = b_.take(1, M::write, 12, 14);
  ASSERT_TRUE(taken.granted());
  EXPECT_EQ(words().claimants[0].load(), 0b0011U);
  EXPECT_EQ(words().holders[0].load(), 0U);
  const auto reading = c_.take(1, M::read, 20, 24);
  EXPECT_EQ(words().writers[0].load(), 0b0011U);
  a_.give(mine);
  b_.give(taken);
  c_.give(reading);
}

TEST_F(ClaimsTest, ASweepClearsEverythingAndWakesWhoeverWaits) {
  static_cast<void>(a_.take(1, M::write, 0, 8));
  static_cast<void>(a_.take(1, M::view, 32, 40));
  static_cast<void>(a_.take(2, M::update, 0, 8));
  Taken writer;
  auto thread = taker(b_, M::write, 0, 8, writer);
  store_.await_waiting(1);
  words(2).mutex->store(1U << 12 | 1U);  // it died holding this one
  store_.sweep(0);
  thread.join();
  EXPECT_TRUE(writer.granted());
  EXPECT_TRUE(store_.claims(0).empty());
  EXPECT_EQ(words(2).mutex->load(), 0U);
  EXPECT_EQ(claim_array(store_.sys().claims(0).lock[1].word.load()), 2U) << "the array stays named";
  clear_claims(store_.sys().claims(0));
  EXPECT_EQ(store_.sys().claims(0).lock_high.load(), 0U);
}

TEST_F(ClaimsTest, ASweepFreesNobodyElsesMutex) {
  static_cast<void>(a_.take(1, M::write, 0, 8));
  for (const std::uint32_t word : {2U << 12 | 1U, 1U << 12 | 2U}) {  // the slot's next owner, another slot
    words().mutex->store(word);
    store_.sweep(0);
    EXPECT_EQ(words().mutex->load(), word);
  }
}

TEST_F(ClaimsTest, TheMutexOfADeadOwnerIsTakenOver) {
  constexpr std::uint64_t kNobody = 1ULL << 23;  // above every pid_max
  const auto owner = 1U << 12 | 4U;              // slot 3
  words().mutex->store(owner);
  const auto waited = a_.take(1, M::read, 0, 8, Clock::now() + milliseconds(10));
  EXPECT_EQ(waited.verdict, Verdict::timeout) << "its owner lives";
  EXPECT_TRUE(waited.blocker.is_mutex);
  EXPECT_EQ(waited.blocker.slot, 3U);
  store_.set_owner(3, kNobody, 1);
  store_.catalog().slot(3).pid_namespace.store(12345);
  EXPECT_EQ(a_.take(1, M::read, 0, 8, Clock::now() + milliseconds(10)).verdict, Verdict::timeout)
      << "who can tell from here";
  store_.set_owner(3, kNobody, 1);
  EXPECT_TRUE(a_.take(1, M::read, 0, 8, FakeClient::kForever).granted());
  words().mutex->store(owner);
  store_.set_owner(3, static_cast<std::uint64_t>(::getpid()), 1);  // the pid is another process's by now
  EXPECT_TRUE(a_.take(1, M::read, 0, 8, FakeClient::kForever).granted());
  words().mutex->store(2U << 12 | 4U);  // another owner of that slot
  EXPECT_TRUE(a_.take(1, M::read, 0, 8, FakeClient::kForever).granted());
  EXPECT_EQ(words().mutex->load(), 0U);
}

TEST_F(ClaimsTest, AForkedChildSignsItsClaimsWithItsOwnThread) {
  EXPECT_EQ(thread_id(), static_cast<std::uint32_t>(::gettid()));
  const pid_t child = test::fork_child([] { return thread_id() == static_cast<std::uint32_t>(::gettid()) ? 0 : 1; });
  EXPECT_EQ(test::wait_child(child), std::optional<int>(0));
}

}  // namespace
}  // namespace ndshare::internal
