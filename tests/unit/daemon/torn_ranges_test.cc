// Torn rows: the lists as values against a set of rows; then in the engine, from a dead writer's sweep to the mend.
#include "daemon/torn_ranges.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using Rows = std::set<std::int64_t>;

constexpr std::int64_t kRows = 80;

Rows rows_of(const TornRanges& ranges) {
  Rows out;
  for (const auto& range : ranges) {
    for (auto row = range.lo; row < range.hi; ++row) out.insert(row);
  }
  return out;
}

bool is_well_formed(const TornRanges& ranges) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].lo >= ranges[i].hi || (i > 0 && ranges[i].lo < ranges[i - 1].hi)) return false;
  }
  return ranges.size() <= kMaxTornRanges;
}

/// One step, on the list and on the rows.
void random_step(TornRanges& list, Rows& rows, std::uint64_t now) {
  const std::int64_t lo = *rc::gen::inRange<std::int64_t>(0, kRows), hi = lo + *rc::gen::inRange<std::int64_t>(-1, 7);
  const auto kind = *rc::gen::weightedElement<int>({{8, 0}, {3, 1}, {1, 2}});
  if (kind == 0) {
    list = with_torn(list, {lo, hi, now, now});
    for (auto row = lo; row < hi; ++row) rows.insert(row);
  } else if (kind == 1) {
    list = without_torn(list, lo, hi);
    for (auto row = lo; row < hi; ++row) rows.erase(row);
  } else {
    list = torn_below(list, kRows - lo);
    rows.erase(rows.lower_bound(kRows - lo), rows.end());
  }
}

TEST(TornRangesTest, ListsNameTheRowsAndOnlyEverWiden) {
  EXPECT_TRUE(rc::check("against a set of rows", [] {
    TornRanges list;
    const auto steps = *rc::gen::inRange(1, 40);
    for (int i = 1; i <= steps; ++i) {
      Rows exact = rows_of(list);
      random_step(list, exact, static_cast<std::uint64_t>(i));
      RC_ASSERT(is_well_formed(list));
      const auto told = rows_of(list);
      RC_ASSERT(std::includes(told.begin(), told.end(), exact.begin(), exact.end()));
      RC_ASSERT(told == exact || list.size() == kMaxTornRanges);  // only a full list is ever wider
      if (!exact.empty()) RC_ASSERT(*told.begin() == *exact.begin() && *told.rbegin() == *exact.rbegin());
    }
  }));
}

TEST(TornRangesTest, TheNearestAreJoinedAndTheLaterDeathIsTold) {
  TornRanges list;
  for (std::int64_t i = 0; i < 8; ++i) list = with_torn(list, {i * 10, i * 10 + 3 + (i == 4), 100, 1});
  ASSERT_EQ(list.size(), 8U);
  list = with_torn(list, {90, 91, 200, 2});
  ASSERT_EQ(list.size(), 8U);
  EXPECT_EQ(list[4].lo, 40);  // 44 to 50 was the narrowest gap
  EXPECT_EQ(list[4].hi, 53);
  list = with_torn(list, {41, 42, 300, 3});
  EXPECT_EQ(list[4].pid, 300U);
  EXPECT_EQ(list[4].hi, 53);
  list = without_torn(list, 45, 46);  // cuts one in two: nine again
  ASSERT_EQ(list.size(), 8U);
  EXPECT_TRUE(is_well_formed(list));
}

TEST(TornRangesTest, ExtremesAreHarmless) {
  const auto all = with_torn({}, {INT64_MIN, INT64_MAX, 1, 1});
  EXPECT_EQ(torn_below(all, 5).front().hi, 5);
  EXPECT_EQ(without_torn(all, 0, INT64_MAX).front().hi, 0);
  EXPECT_EQ(without_torn(all, 7, 3).size(), 1U);
  EXPECT_TRUE(without_torn(all, INT64_MIN, INT64_MAX).empty());
  EXPECT_TRUE(with_torn({}, {3, 3, 1, 1}).empty());
}

// ---- in the engine

/// A store with a live client, the array "a" of 100 rows, and a client that is dead.
class TornTest : public ::testing::Test {
 protected:
  TornTest() {
    store.open();
    live.emplace(store);
    dead.emplace(store, dead_peer());
    id = live->make(spec("a", {100}));
  }
  Engine& engine() { return *store.engine; }
  std::string torn(std::string_view name = "a") { return torn_text(live->read(name)); }
  void hold(ClaimMode mode, std::int64_t lo, std::int64_t hi) {
    ASSERT_TRUE(pins.emplace_back(dead->take("a", mode, lo, hi)));
  }
  void set_flags(std::size_t at, std::uint16_t flags) {
    auto& word = pins[at]->entry().word;
    word.store(claim_word(ClaimState::granted, claim_mode(word), flags, claim_array(word)));
  }
  MendRequest mending(std::int64_t lo, std::int64_t hi, bool is_torn) const { return {id, lo, hi, is_torn}; }

  TestStore store;
  std::optional<TestUser> live, dead;
  std::vector<std::optional<TestPin>> pins;  ///< of the dead one
  ArrayId id;
};

TEST_F(TornTest, SweepMarksRowsThatWereWrittenInPlace) {
  hold(ClaimMode::write, 10, 20);
  hold(ClaimMode::write, 90, kAllRows);
  hold(ClaimMode::write, 40, 41);
  set_flags(2, kClaimCopying);  // it published rows that it was going to overwrite
  const auto revision = live->client().array_sync(id.array).revision.load();
  EXPECT_EQ(engine().written_arrays(dead->slot()), std::vector<std::string>{"a"});
  engine().sweep(dead->slot());
  EXPECT_EQ(torn(), "10-20 40-41 90-100");
  EXPECT_EQ(live->read("a").torn.at(0).pid, dead_peer().pid);
  EXPECT_GE(live->client().array_sync(id.array).revision.load(), revision + 3);
  EXPECT_TRUE(live->take("a", ClaimMode::write));  // nobody is in the way
  EXPECT_EQ(audit(engine()), "");
}

TEST_F(TornTest, SweepMarksNothingElse) {
  hold(ClaimMode::read, 0, 5);
  for (std::int64_t lo = 10; lo < 60; lo += 10) hold(ClaimMode::write, lo, lo + 10);
  set_flags(1, kClaimClean), set_flags(2, kClaimClean), set_flags(3, kClaimCopying | kClaimClean);
  pins[4]->entry().array_gen.store(id.array_gen + 1);
  pins[5]->entry().hi.store(50);  // no rows
  engine().sweep(dead->slot());
  EXPECT_EQ(torn(), "");
  TestUser again(store, dead_peer());
  auto update = again.take("a", ClaimMode::update);
  ASSERT_TRUE(update);
  engine().sweep(again.slot());
  EXPECT_EQ(torn(), "");
}

TEST_F(TornTest, SweepOfWaitingAndTryingWritersMarksNothing) {
  hold(ClaimMode::write, 1, 2);
  auto& entry = pins.back()->entry();
  for (const auto state : {ClaimState::trying, ClaimState::waiting, ClaimState::free}) {
    entry.word.store(claim_word(state, ClaimMode::write, 0, static_cast<std::uint32_t>(id.array)));
  }
  engine().sweep(dead->slot());
  EXPECT_EQ(torn(), "");
}

TEST_F(TornTest, AReadOnlyClientHadNoPagesToTear) {
  auto peer = dead_peer();
  peer.read_only = true;
  TestUser reader(store, peer);
  auto pin = reader.take("a", ClaimMode::write, 0, 5);
  ASSERT_TRUE(pin);
  engine().sweep(reader.slot());
  EXPECT_EQ(torn(), "");
}

/// Its writers died between the grant and the look at the flags: nothing that is sealed was being written.
TEST_F(TornTest, SealedArraysAreNeverTorn) {
  engine().publish(live->slot(), 0, {&id, 1}, true);
  hold(ClaimMode::write, 0, 5);
  engine().sweep(dead->slot());
  EXPECT_EQ(torn(), "");
  EXPECT_EQ(code_of([&] { live->snapshot("a", "snap"); }), ErrorCode::Ok);
}

TEST_F(TornTest, ArraysThatNobodySeesAreNotMarked) {
  const auto made = create_one(engine(), dead->slot(), spec("mine", {10}), false);
  auto pin = dead->take("mine", ClaimMode::write);
  ASSERT_TRUE(pin);
  engine().sweep(dead->slot());
  EXPECT_FALSE(live->client().view.find("mine"));
  EXPECT_EQ(live->client().view.read_ref(static_cast<std::uint32_t>(made.array)), std::nullopt);
  EXPECT_EQ(audit(engine()), "");
}

TEST_F(TornTest, BeyondEightRangesTheHullIsTold) {
  for (std::int64_t i = 0; i < 12; ++i) hold(ClaimMode::write, i * 8, i * 8 + 2 + (i < 5));
  engine().sweep(dead->slot());
  const auto copy = live->read("a");
  EXPECT_EQ(copy.torn.size(), kMaxTornRanges);
  for (std::int64_t i = 0; i < 12; ++i) {
    EXPECT_TRUE(std::any_of(copy.torn.begin(), copy.torn.end(), [&](const TornRange& one) {
      return one.lo <= i * 8 && i * 8 + 2 <= one.hi;
    })) << i;
  }
  EXPECT_EQ(copy.torn.back().hi, 90);
}

TEST_F(TornTest, ASweepThatWasKilledIsRepeated) {
  hold(ClaimMode::write, 1, 3);
  hold(ClaimMode::write, 5, 9);
  hold(ClaimMode::update, 1 << 16, kAllRows);
  store.engine.reset();
  for (const std::string point : {"torn.written:1", "sweep.tear:1", "torn.written:1", "sweep.tear:2", "sweep.tear:3", "sweep.torn"}) {
    EXPECT_TRUE(crash_in_child(point, [&] { store.open(); })) << point;
  }
  const auto marked = live->read("a").torn.at(0).unix_ns;  // the catalog is readable without a daemon
  store.open();
  EXPECT_EQ(torn(), "1-3 5-9");
  EXPECT_EQ(live->read("a").torn.at(0).unix_ns, marked);  // not marked again
  EXPECT_EQ(audit(engine()), "");
}

TEST_F(TornTest, MendNeedsAWriteClaimAndIsAppliedOnce) {
  EXPECT_EQ(code_of([&] { engine().mend(live->slot(), 0, mending(0, 5, true)); }), ErrorCode::Permission);
  auto update = live->take("a", ClaimMode::update);
  EXPECT_EQ(code_of([&] { engine().mend(live->slot(), 0, mending(0, 5, true)); }), ErrorCode::Permission);
  update.reset();
  auto pin = live->take("a", ClaimMode::write);
  engine().mend(live->slot(), 1, mending(-7, 5, true));
  engine().mend(live->slot(), 2, mending(50, kAllRows, true));
  EXPECT_EQ(torn(), "0-5 50-100");
  engine().mend(live->slot(), 2, mending(0, 100, false));  // a repeat, whatever it says
  EXPECT_EQ(torn(), "0-5 50-100");
  store.restart();
  engine().mend(live->slot(), 2, mending(0, 100, false));
  EXPECT_EQ(torn(), "0-5 50-100");
  engine().mend(live->slot(), 3, mending(2, 60, false));
  EXPECT_EQ(torn(), "0-2 60-100");
  engine().mend(live->slot(), 4, mending(INT64_MIN, INT64_MAX, false));
  EXPECT_EQ(live->read("a").ref.torn, 0U);
  EXPECT_EQ(code_of([&] { engine().mend(live->slot(), 5, {{id.array, id.array_gen + 1}, 0, 1, true}); }),
            ErrorCode::NoSuchArray);
  EXPECT_EQ(audit(engine()), "");
}

TEST_F(TornTest, ACommitClearsTheMarksOfRowsItRewrote) {
  hold(ClaimMode::write, 10, 30);
  hold(ClaimMode::write, 80, 90);
  engine().sweep(dead->slot());
  live->update("a", 15, 20, 0, 100, 'b');
  EXPECT_EQ(torn(), "10-15 20-30 80-90");
  auto pin = live->take("a", ClaimMode::update);
  engine().commit_version(live->slot(), 0, {id, {}, {}, 85, true, 0, 0});  // fewer rows
  EXPECT_EQ(torn(), "10-15 20-30 80-85");
  engine().commit_version(live->slot(), 0, {id, {}, {}, 100, true, 0, 0});  // and the others again
  EXPECT_EQ(torn(), "10-15 20-30 80-85");
  engine().commit_version(live->slot(), 0, {id, {}, {}, -1, true, INT64_MIN, INT64_MAX});
  EXPECT_EQ(torn(), "");
}

TEST_F(TornTest, MarksSurviveRenameAndRestartAndGoWithTheArray) {
  hold(ClaimMode::write, 10, 30);
  store.restart();  // sweeps the dead
  EXPECT_EQ(torn(), "10-30");
  EXPECT_EQ(code_of([&] { live->snapshot("a", "snap"); }), ErrorCode::Torn);
  engine().rename(live->slot(), 0, "a", "b", false);
  store.restart();
  EXPECT_EQ(torn("b"), "10-30");
  const auto heap = engine().pool_status().catalog_bytes;
  engine().remove(live->slot(), 0, "b");
  for (int i = 0; i < 6000; ++i) {  // its list is freed: the heap does not grow
    id = live->make(spec("a", {100}));
    auto pin = live->take("a", ClaimMode::write);
    engine().mend(live->slot(), 0, mending(1, 2, true));
    engine().mend(live->slot(), 0, mending(5, 6, true));
    engine().commit_version(live->slot(), 0, {id, {}, {}, -1, true, 1, 2});
    pin.reset();
    engine().remove(live->slot(), 0, "a");
    engine().reclaim();
  }
  EXPECT_EQ(engine().pool_status().catalog_bytes, heap);
  EXPECT_EQ(engine().pool_status().used_bytes, 0U);
}

}  // namespace
}  // namespace ndshare::internal
