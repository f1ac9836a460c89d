// The next version of an array: memory granted, published on top of what is current, and given back when nobody names it.
#include "daemon/engine.h"

#include <gtest/gtest.h>

#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using M = ClaimMode;

constexpr std::uint64_t kGrainPages = kGrain / kPage;

/// `grains` in letters, one each: "ab" is a grain of a pages and one of b pages.
std::string spelled(const std::string& grains) {
  std::string out;
  for (const char one : grains) out += std::string(kGrainPages, one);
  return out;
}

/// A store with one client and the array "a" of eight rows, a grain each.
class VersionsTest : public ::testing::Test {
 protected:
  VersionsTest() {
    store.open();
    mine.emplace(store);
    other.emplace(store);
    id = mine->make(spec("a", {8, kGrain}));
  }
  ~VersionsTest() override {
    EXPECT_EQ(audit(engine()), "");
    mine.reset(), other.reset();
  }
  Engine& engine() { return *store.engine; }
  std::uint64_t used() { return engine().reclaim(), engine().pool_status().used_bytes; }
  std::uint64_t commit(const CommitRequest& request, std::uint64_t sequence = 0) {
    return engine().commit_version(mine->slot(), sequence, request);
  }

  TestStore store;
  std::optional<TestUser> mine, other;
  ArrayId id;
};

// ---- commit

TEST_F(VersionsTest, CommitKeepsBirthsAndFreesTheOldVersion) {
  const auto first = mine->read("a");
  auto pin = mine->take("a", M::update, 2, 4);
  const auto granted = mine->memory(id, 2 * kGrain);
  mine->fill(granted.extents, 'b');
  EXPECT_EQ(used(), 10 * kGrain);
  const auto revision = mine->client().array_sync(id.array).revision.load();
  const auto version = commit(commit_of(id, granted.extents, 2 * kGrain));
  EXPECT_EQ(mine->client().array_sync(id.array).revision.load(), revision + 1);
  const auto now = mine->read("a");
  EXPECT_GT(version, first.ref.version);
  EXPECT_EQ(now.ref.version, version);
  EXPECT_EQ(now.block_version, version);
  EXPECT_EQ(now.ref.array_gen, id.array_gen);
  EXPECT_EQ(mine->tags(now), spelled("aabbaaaa"));
  ASSERT_EQ(now.extents.size(), 3U);
  EXPECT_EQ(now.extents[0].birth, first.extents[0].birth);
  EXPECT_EQ(now.extents[1].birth, version);
  EXPECT_EQ(now.extents[2].birth, first.extents[0].birth);
  EXPECT_EQ(engine().reclaim(), 0U);  // the UPDATE keeps its version
  EXPECT_EQ(engine().pool_status().pending_bytes, 2 * kGrain);
  pin.reset();
  EXPECT_EQ(engine().reclaim(), 2 * kGrain);
  EXPECT_EQ(used(), 8 * kGrain);
}

TEST_F(VersionsTest, ReadersKeepTheirVersionOnly) {
  for (const auto mode : {M::read, M::view}) {
    const auto before = mine->tags("a");
    auto pin = other->take("a", mode);
    mine->update("a", 0, 1, 0, kGrain, 'b');
    EXPECT_EQ(used(), 9 * kGrain);
    mine->update("a", 0, 1, 0, kGrain, 'c');  // the one in between is nobody's
    EXPECT_EQ(used(), 9 * kGrain);
    mine->update("a", 7, 8, 7 * kGrain, kGrain, 'd');
    EXPECT_EQ(used(), 10 * kGrain);
    EXPECT_EQ(other->tags(other->client().view.read_version(pin->ref())), before);
    pin.reset();
    EXPECT_EQ(used(), 8 * kGrain);
  }
}

TEST_F(VersionsTest, WhatOnlyAViewOfAnOlderVersionHoldsIsPending) {
  auto pin = other->take("a", M::view);
  mine->update("a", 7, 8, 7 * kGrain, kGrain, 'b');
  mine->update("a", 0, 1, 0, kGrain, 'c');  // the version in between is nobody's, but the view's has its first grain, too
  EXPECT_EQ(used(), 10 * kGrain);
  EXPECT_EQ(engine().pool_status().pending_bytes, 2 * kGrain);
  EXPECT_TRUE(engine().waits_for_claims());
  store.restart();
  EXPECT_EQ(engine().pool_status().pending_bytes, 2 * kGrain);
  pin.reset();
  EXPECT_EQ(used(), 8 * kGrain);
  EXPECT_EQ(engine().pool_status().pending_bytes, 0U);
  EXPECT_FALSE(engine().waits_for_claims());
}

TEST_F(VersionsTest, WritersKeepTheirVersionAndEveryLaterOne) {
  for (const auto mode : {M::update, M::write}) {
    auto pin = other->take("a", mode, 7, 8);
    mine->update("a", 0, 1, 0, kGrain, 'b');
    mine->update("a", 0, 1, 0, kGrain, 'c');
    mine->update("a", 0, 1, 0, kGrain, 'd');
    EXPECT_EQ(used(), 11 * kGrain);
    store.restart();
    EXPECT_EQ(used(), 11 * kGrain);
    pin.reset();
    EXPECT_EQ(used(), 8 * kGrain);
  }
}

TEST_F(VersionsTest, CommitsOfDisjointGrainsMergeInEitherOrder) {
  for (const bool swapped : {false, true}) {
    auto left = mine->take("a", M::update, 0, 2), right = other->take("a", M::update, 2, 4);
    ASSERT_TRUE(left && right);
    const auto one = mine->memory(id, 2 * kGrain), two = other->memory(id, 2 * kGrain);
    mine->fill(one.extents, 'l'), other->fill(two.extents, 'r');
    const auto first = [&] { engine().commit_version(mine->slot(), 0, commit_of(id, one.extents, 0)); };
    const auto second = [&] { engine().commit_version(other->slot(), 0, commit_of(id, two.extents, 2 * kGrain)); };
    swapped ? (second(), first()) : (first(), second());
    EXPECT_EQ(mine->tags("a"), spelled("llrraaaa"));
    left.reset(), right.reset();
    EXPECT_EQ(used(), 8 * kGrain);
  }
}

TEST_F(VersionsTest, SeveralChangesUseTheMemoryUpInOrder) {
  auto pin = mine->take("a", M::write, 0, 8);
  const auto granted = mine->memory(id, 3 * kGrain);
  mine->fill(granted.extents, 'x');
  CommitRequest request{id, granted.extents, {{0, kGrain}, {3 * kGrain, kGrain}, {7 * kGrain, kGrain}}, -1, false, 0, 0};
  const auto revision = mine->client().array_sync(id.array).revision.load();
  commit(request);
  EXPECT_EQ(mine->tags("a"), spelled("xaaxaaax"));
  EXPECT_EQ(mine->client().array_sync(id.array).revision.load(), revision);  // it was only unshared
}

TEST_F(VersionsTest, CommitNeedsAClaimThatWrites) {
  const auto empty = [&] { commit({id, {}, {}, -1, true, 0, 0}); };
  EXPECT_EQ(code_of(empty), ErrorCode::Permission);
  for (const auto mode : {M::read, M::view}) {
    auto pin = mine->take("a", mode);
    EXPECT_EQ(code_of(empty), ErrorCode::Permission);
    EXPECT_EQ(code_of([&] { mine->memory(id, kGrain); }), ErrorCode::Permission);
    EXPECT_EQ(code_of([&] { mine->extend(id, kGrain); }), ErrorCode::Permission);
  }
  auto theirs = other->take("a", M::update);
  EXPECT_EQ(code_of(empty), ErrorCode::Permission);
  theirs.reset();
  for (const auto mode : {M::write, M::update}) {
    auto pin = mine->take("a", mode);
    EXPECT_EQ(code_of(empty), ErrorCode::Ok);
    EXPECT_EQ(code_of([&] { mine->extend(id, kGrain); }), mode == M::write ? ErrorCode::Permission : ErrorCode::Ok);
  }
  auto stale = mine->take("a", M::update);
  stale->entry().array_gen.store(id.array_gen + 1);
  EXPECT_EQ(code_of(empty), ErrorCode::Permission);
  stale.reset();
  mine->make(spec("b", {10}));
  auto elsewhere = mine->take("b", M::update);
  EXPECT_EQ(code_of(empty), ErrorCode::Permission);
}

TEST_F(VersionsTest, OnlyOwnGrantsAreCommittedOrReturned) {
  auto pin = mine->take("a", M::update, 0, 1), theirs = other->take("a", M::update, 1, 2);
  const auto granted = mine->memory(id, kGrain), foreign = other->memory(id, kGrain);
  const auto refused = [&](std::vector<ExtentInfo> extents) {
    EXPECT_EQ(code_of([&] { commit(commit_of(id, extents, 0)); }), ErrorCode::Permission);
    EXPECT_EQ(code_of([&] { engine().return_memory(mine->slot(), 0, extents); }), ErrorCode::Permission);
  };
  auto twice = granted.extents;
  twice.push_back(twice[0]);
  auto part = granted.extents;
  part[0].bytes -= kPage;
  const auto in_use = mine->read("a").extents[0];
  refused(foreign.extents), refused(twice), refused(part), refused({{in_use.offset, in_use.bytes, false}});
  refused({{~0ULL - 1, ~0ULL, false}});
  engine().return_memory(mine->slot(), 0, granted.extents);
  refused(granted.extents);
  EXPECT_EQ(used(), 9 * kGrain);
  EXPECT_EQ(mine->tags("a"), spelled("aaaaaaaa"));
}

TEST_F(VersionsTest, ChangesThatDoNotFitAreRefusedWhole) {
  auto pin = mine->take("a", M::update);
  const auto granted = mine->memory(id, 2 * kGrain);
  const auto refused = [&](std::vector<Change> changes, std::int64_t rows = -1) {
    CommitRequest request{id, granted.extents, std::move(changes), rows, true, 0, 0};
    EXPECT_EQ(code_of([&] { commit(request); }), ErrorCode::Usage);
  };
  refused({{100, 2 * kGrain}});                                   // unaligned
  refused({{0, kGrain + 100}, {2 * kGrain, kGrain - 100}});       // unaligned sizes
  refused({{9 * kGrain, 2 * kGrain}});                            // beyond the end
  refused({{~0ULL - kPage + 1, 2 * kGrain}});                     // and far beyond it
  refused({});                                                    // memory is left over
  refused({{0, kGrain}});                                         // so here
  refused({{0, 2 * kGrain}, {2 * kGrain, kGrain}});               // too little
  refused({{0, kGrain}, {0, kGrain}});                            // the first one has no place any more
  refused({{0, kGrain}, {kGrain / 2, kGrain}});                   // nor half of it
  refused({{7 * kGrain, kGrain}, {7 * kGrain, kGrain}});          // nor at the end
  refused({{0, 2 * kGrain}}, 9);                                  // too few bytes for the rows
  refused({{0, 2 * kGrain}}, INT64_MAX);
  refused({{4 * kGrain, 2 * kGrain}}, 5);                         // memory behind the new end
  EXPECT_EQ(mine->tags("a"), spelled("aaaaaaaa"));
  EXPECT_EQ(audit(engine()), "");
  commit({id, granted.extents, {{kGrain, 2 * kGrain}}, -1, true, 0, 0});
}

/// Pieces that add up to pages are none: cut at a page they would be pieces that no slab has, and no daemon could adopt them.
TEST_F(VersionsTest, SlabPiecesHoldAllOfAnArrayOrNothing) {
  const auto small = mine->make(spec("s", {4032}), 's'), tiny = mine->make(spec("t", {64}), 't');
  auto big = mine->take("a", M::update), one = mine->take("s", M::update), two = mine->take("t", M::update);
  auto mixed = mine->memory(small, 4032).extents;
  const auto piece = mine->memory(tiny, 64).extents, page = mine->memory(id, kPage).extents;
  const auto refused = [&](const std::vector<ExtentInfo>& extents, std::vector<Change> changes, ArrayId of) {
    EXPECT_EQ(code_of([&] { commit({of, extents, std::move(changes), -1, true, 0, 0}); }), ErrorCode::Usage);
  };
  mixed.insert(mixed.begin(), piece[0]);
  refused(mixed, {{0, kPage}}, id);
  refused(mixed, {{0, kPage}}, small);
  mixed.insert(mixed.begin() + 1, page[0]);
  refused(mixed, {{0, 2 * kPage}}, id);
  refused(mixed, {{0, kPage}, {kPage, kPage}}, id);
  refused(mixed, {{0, 64}, {64, kPage}, {64 + kPage, 4032}}, id);
  refused(piece, {{0, 64}}, id), refused(piece, {{8 * kGrain, 64}}, id), refused(piece, {{0, 64}}, small);
  commit(commit_of(tiny, piece, 0));
  commit(commit_of(small, page, 0));
  store.restart();
  EXPECT_EQ(mine->read("s").extents.at(0).bytes, kPage);
}

TEST_F(VersionsTest, RowsOfArraysWithoutContiguousRowsAreFixed) {
  auto fortran = spec("f", {8, 8}, "f8");
  fortran.order = "F";
  for (const auto& one : {fortran, spec("scalar", {}, "f8")}) {
    const auto fixed = mine->make(one);
    auto pin = mine->take(one.name, M::update);
    EXPECT_EQ(code_of([&] { commit({fixed, {}, {}, 1, true, 0, 0}); }), ErrorCode::Usage);
    EXPECT_EQ(code_of([&] { commit({fixed, {}, {}, -1, true, 0, 0}); }), ErrorCode::Ok);
  }
}

TEST_F(VersionsTest, SealedAndRemovedArraysAreNotChanged) {
  auto pin = mine->take("a", M::update);
  const auto granted = mine->memory(id, kGrain);
  const CommitRequest request = commit_of(id, granted.extents, 0);
  auto wrong = request;
  wrong.id.array_gen += 1;
  EXPECT_EQ(code_of([&] { commit(wrong); }), ErrorCode::NoSuchArray);
  wrong.id.array = ~0ULL;
  EXPECT_EQ(code_of([&] { commit(wrong, 7); }), ErrorCode::NoSuchArray);
  engine().publish(mine->slot(), 0, {&id, 1}, true);
  EXPECT_EQ(code_of([&] { commit(request); }), ErrorCode::Sealed);
  EXPECT_EQ(code_of([&] { mine->memory(id, kGrain); }), ErrorCode::Sealed);
  EXPECT_EQ(code_of([&] { mine->extend(id, kGrain); }), ErrorCode::Sealed);
  engine().remove(mine->slot(), 0, "a");
  EXPECT_EQ(code_of([&] { commit(request); }), ErrorCode::NoSuchArray);
  EXPECT_EQ(code_of([&] { mine->memory(id, kGrain); }), ErrorCode::NoSuchArray);
  engine().return_memory(mine->slot(), 0, granted.extents);
  pin.reset();
  EXPECT_EQ(used(), 0U);
}

TEST_F(VersionsTest, GrantsOfADeadClientAreFreed) {
  TestUser dead(store, dead_peer());
  auto pin = dead.take("a", M::update, 0, 2);
  dead.memory(id, 2 * kGrain);
  dead.memory(id, kGrain);
  EXPECT_TRUE(engine().holds_anything(dead.slot()));
  EXPECT_EQ(audit(engine()), "");
  store.engine.reset();
  store.open();
  EXPECT_EQ(used(), 8 * kGrain);
  EXPECT_EQ(mine->tags("a"), spelled("aaaaaaaa"));
}

TEST_F(VersionsTest, ATicketOfASweptClientGivesItsMemoryBack) {
  TestUser dead(store, dead_peer());
  auto pin = dead.take("a", M::update);
  auto ticket = engine().prepare_memory(dead.slot(), {id, kGrain});
  engine().sweep(dead.slot());
  EXPECT_EQ(code_of([&] { engine().commit_memory(dead.slot(), 0, std::move(ticket)); }), ErrorCode::Permission);
  EXPECT_EQ(used(), 8 * kGrain);
}

TEST_F(VersionsTest, MemoryThatIsNotThereIsAnError) {
  auto pin = mine->take("a", M::update);
  EXPECT_EQ(code_of([&] { mine->memory(id, 0); }), ErrorCode::Usage);
  for (const std::uint64_t bytes : {std::uint64_t{64} << 20, std::uint64_t{INT64_MAX}, ~std::uint64_t{0}, ~std::uint64_t{4095}}) {
    EXPECT_EQ(code_of([&] { mine->memory(id, bytes); }), ErrorCode::Capacity) << bytes;
  }
  EXPECT_EQ(code_of([&] { mine->extend(id, ~0ULL); }), ErrorCode::Shape);
  EXPECT_EQ(code_of([&] { mine->extend(id, 64 * kTestMiB); }), ErrorCode::Capacity);
  EXPECT_EQ(used(), 8 * kGrain);
}

// ---- requests that are sent again, also to the next daemon

TEST_F(VersionsTest, RepeatedRequestsForMemoryAreGrantedOnce) {
  auto pin = mine->take("a", M::update);
  const auto same = [](const ExtendReply& a, const ExtendReply& b) {
    if (a.at != b.at || a.pool_bytes != b.pool_bytes || a.extents.size() != b.extents.size()) return false;
    for (std::size_t i = 0; i < a.extents.size(); ++i) {
      if (a.extents[i].offset != b.extents[i].offset || a.extents[i].bytes != b.extents[i].bytes) return false;
    }
    return true;
  };
  EXPECT_FALSE(engine().find_memory(mine->slot(), 5));
  const auto memory = mine->memory(id, 2 * kGrain, 5), again = mine->memory(id, 2 * kGrain, 5);
  EXPECT_TRUE(memory.extents.at(0).zeroed);
  EXPECT_FALSE(again.extents.at(0).zeroed);  // it may have been written
  EXPECT_TRUE(same(memory, again));
  store.restart();
  EXPECT_TRUE(same(memory, mine->memory(id, 2 * kGrain, 5)));
  const auto extend = mine->extend(id, kGrain, 6);
  EXPECT_TRUE(same(extend, mine->extend(id, kGrain, 6)));
  store.restart();
  EXPECT_TRUE(same(extend, mine->extend(id, kGrain, 6)));
  EXPECT_EQ(extend.at, 8 * kGrain);
  engine().return_memory(mine->slot(), 7, memory.extents);
  engine().return_memory(mine->slot(), 7, memory.extents);
  store.restart();
  engine().return_memory(mine->slot(), 7, memory.extents);
  EXPECT_EQ(code_of([&] { engine().return_memory(mine->slot(), 8, memory.extents); }), ErrorCode::Permission);
  engine().return_memory(mine->slot(), 9, extend.extents);
  EXPECT_EQ(used(), 8 * kGrain);
}

TEST_F(VersionsTest, RepeatedCommitsAreAppliedOnceAndToldAgain) {
  auto pin = mine->take("a", M::update);
  const auto granted = mine->memory(id, kGrain, 5);
  mine->fill(granted.extents, 'b');
  const auto request = commit_of(id, granted.extents, kGrain);
  const auto version = commit(request, 6);
  EXPECT_EQ(commit(request, 6), version);
  store.restart();
  const auto revision = mine->client().array_sync(id.array).revision.load();
  EXPECT_EQ(commit(request, 6), version);
  EXPECT_GT(mine->client().array_sync(id.array).revision.load(), revision);  // it may not have been announced
  EXPECT_EQ(mine->read("a").ref.version, version);
  EXPECT_EQ(code_of([&] { commit(request, 7); }), ErrorCode::Permission);
  EXPECT_EQ(mine->tags("a"), spelled("abaaaaaa"));
  const auto empty = mine->extend(id, 0, 8);
  EXPECT_TRUE(empty.extents.empty());
  EXPECT_EQ(mine->extend(id, 0, 8).at, 8 * kGrain);
}

TEST_F(VersionsTest, AFailedCommitLeavesTheGrantAndTheSequence) {
  auto pin = mine->take("a", M::update);
  const auto granted = mine->memory(id, kGrain, 5);
  EXPECT_EQ(code_of([&] { commit(commit_of(id, granted.extents, 100), 6); }), ErrorCode::Usage);
  EXPECT_EQ(engine().find_memory(mine->slot(), 5)->extents.size(), 1U);
  EXPECT_GT(commit(commit_of(id, granted.extents, 0), 6), id.array_gen);
}

/// Two versions of a removed array wait for their readers over a restart: its record is free once, and for one array.
TEST_F(VersionsTest, OldVersionsOfARemovedArraySurviveARestart) {
  auto first = other->take("a", M::view);
  mine->update("a", 0, 1, 0, kGrain, 'b');
  auto second = other->take("a", M::view);
  mine->update("a", 0, 1, 0, kGrain, 'c');
  auto third = other->take("a", M::view);
  engine().remove(mine->slot(), 0, "a");
  EXPECT_EQ(used(), 10 * kGrain);
  store.restart();
  EXPECT_EQ(used(), 10 * kGrain);
  EXPECT_EQ(other->tags(other->client().view.read_version(second->ref())), spelled("baaaaaaa"));
  second.reset();
  EXPECT_EQ(used(), 9 * kGrain);
  store.restart();
  EXPECT_EQ(used(), 9 * kGrain);
  first.reset(), third.reset();
  EXPECT_EQ(used(), 0U);
  const auto one = mine->make(spec("one", {10})), two = mine->make(spec("two", {10}));
  EXPECT_NE(one.array, two.array);
  EXPECT_EQ(mine->read("one").ref.array_gen, one.array_gen);
}

}  // namespace
}  // namespace ndshare::internal
