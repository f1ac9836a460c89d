// Snapshots: what they share and for how long, the floors that keep writers off it, and the way back by revert.
#include <gtest/gtest.h>

#include <string>

#include "daemon/engine.h"
#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::message_of;
using M = ClaimMode;

/// A store with one client and the array "a" of four rows, a grain each.
class SnapshotTest : public ::testing::Test {
 protected:
  SnapshotTest() {
    store.open();
    user.emplace(store);
    auto one = spec("a", {4, kGrain});
    one.attrs = R"({"unit": "m"})";
    id = user->make(one);
  }
  ~SnapshotTest() override { EXPECT_EQ(audit(engine()), ""); }
  Engine& engine() { return *store.engine; }
  std::uint64_t used() { return engine().reclaim(), engine().pool_status().used_bytes; }
  std::uint64_t floor(std::string_view name = "a") { return engine().reclaim(), user->read(name).ref.floor; }
  void remove(std::string_view name) { engine().remove(user->slot(), 0, name); }
  /// The tag of each row.
  std::string rows(std::string_view name) { return rows(user->read(name)); }
  std::string rows(const ArrayCopy& copy) {
    const auto tags = user->tags(copy);
    std::string out;
    for (std::size_t at = 0; at < tags.size(); at += kGrain / kPage) out += tags[at];
    return out;
  }
  void update(std::int64_t row, char tag) {
    user->update("a", row, row + 1, static_cast<std::uint64_t>(row) * kGrain, kGrain, tag);
  }
  std::uint64_t revert(const std::string& snapshot, std::uint64_t sequence = 0) {
    return engine().revert(user->slot(), sequence, {id, snapshot});
  }

  TestStore store;
  std::optional<TestUser> user;
  ArrayId id;
};

TEST_F(SnapshotTest, WhatIsSharedIsPendingOnlyWhereAllItsHoldersWait) {
  user->snapshot("a", "shot");
  auto pin = user->take("a", M::view), of_shot = user->take("shot", M::view);
  user->update("a", 0, 4, 0, 4 * kGrain, 'b');
  EXPECT_EQ(used(), 8 * kGrain);
  EXPECT_EQ(engine().pool_status().pending_bytes, 0U) << "the snapshot has it";
  remove("shot");
  for (auto* last : {&of_shot, &pin}) {
    EXPECT_EQ(used(), 8 * kGrain);
    EXPECT_EQ(engine().pool_status().pending_bytes, 4 * kGrain) << "once, though two wait";
    last->reset();
  }
  EXPECT_EQ(used(), 4 * kGrain);
}

TEST_F(SnapshotTest, SharesEverythingAndCopiesNothing) {
  const auto before = used();
  const auto version = user->read("a").ref.version;
  const auto reply = user->snapshot("a", "snap");
  EXPECT_EQ(used(), before);
  const auto source = user->read("a"), snap = user->read("snap");
  EXPECT_EQ(snap.ref.array_gen, reply.array_gen);
  EXPECT_EQ(snap.ref.array, reply.array);
  EXPECT_EQ(snap.ref.flags, kArraySealed | kArraySnapshot);
  EXPECT_EQ(snap.source_gen, id.array_gen);
  EXPECT_EQ(snap.source_version, version);
  EXPECT_EQ(source.ref.floor, version);
  EXPECT_EQ(snap.attrs, source.attrs);
  EXPECT_EQ(snap.dtype, source.dtype);
  EXPECT_EQ(snap.shape, source.shape);
  EXPECT_EQ(snap.grain, source.grain);
  ASSERT_EQ(snap.extents.size(), source.extents.size());
  EXPECT_EQ(snap.extents[0].offset, source.extents[0].offset);
  EXPECT_EQ(snap.extents[0].birth, source.extents[0].birth);
  EXPECT_LE(snap.extents[0].birth, floor());
  EXPECT_EQ(engine().persistent_arrays(), 2U);
  update(1, 'b');
  EXPECT_EQ(rows("a"), "abaa");
  EXPECT_EQ(rows("snap"), "aaaa");
  EXPECT_EQ(used(), before + kGrain);
}

TEST_F(SnapshotTest, OfAnOlderVersionThatAClaimPins) {
  auto pin = user->take("a", M::view);
  update(0, 'b');
  update(1, 'c');
  const SnapshotRequest request{id, pin->ref().version, "old", "{}"};
  for (const bool restarted : {false, true}) {
    if (restarted) store.restart();
    engine().snapshot(user->slot(), 0, request);
    EXPECT_EQ(rows("old"), "aaaa");
    EXPECT_EQ(user->read("old").attrs, "{}");
    EXPECT_EQ(user->read("old").source_version, pin->ref().version);
    EXPECT_EQ(floor(), pin->ref().version);
    if (!restarted) remove("old");
  }
  pin.reset();
  EXPECT_EQ(used(), 6 * kGrain);
  update(2, 'd');
  engine().reclaim();
  auto late = request;
  late.version = user->read("a").block_version - 1, late.name = "late";
  EXPECT_EQ(code_of([&] { engine().snapshot(user->slot(), 0, late); }), ErrorCode::Usage);
  late.version = ~0ULL >> 1;
  EXPECT_EQ(code_of([&] { engine().snapshot(user->slot(), 0, late); }), ErrorCode::Usage);
  late.version = 0;
  EXPECT_EQ(code_of([&] { engine().snapshot(user->slot(), 0, late); }), ErrorCode::Usage);
  EXPECT_EQ(rows("old"), "aaaa");
}

/// Renames and torn lists give the array a new root under which the same block is current.
TEST_F(SnapshotTest, OfAVersionThatOnlyGotANewName) {
  auto pin = user->take("a", M::read);
  engine().rename(user->slot(), 0, "a", "b", false);
  engine().rename(user->slot(), 0, "b", "a", false);
  auto later = user->take("a", M::view);
  update(0, 'b');
  for (const auto* one : {&pin, &later}) {
    const auto version = (*one)->ref().version;
    engine().snapshot(user->slot(), 0, {id, version, "s" + std::to_string(version), ""});
    EXPECT_EQ(rows("s" + std::to_string(version)), "aaaa");
  }
}

TEST_F(SnapshotTest, RefusalsChangeNothing) {
  const auto version = user->read("a").ref.version;
  const auto refused = [&](ArrayId of, const std::string& name, const std::string& attrs = "") {
    return code_of([&] { engine().snapshot(user->slot(), 0, {of, version, name, attrs}); });
  };
  EXPECT_EQ(refused(id, "a"), ErrorCode::NameTaken);
  EXPECT_EQ(refused(id, "x/../y"), ErrorCode::Name);
  EXPECT_EQ(refused(id, "s", std::string(kMaxAttrsBytes + 1, ' ')), ErrorCode::Usage);
  EXPECT_EQ(refused({id.array, id.array_gen + 1}, "s"), ErrorCode::NoSuchArray);
  const auto building = id_of(create_one(engine(), user->slot(), spec("half", {10}), false));
  EXPECT_EQ(refused(building, "s"), ErrorCode::Usage);
  auto reader = self();
  reader.read_only = true;
  const auto slot = engine().attach(reader);
  EXPECT_EQ(code_of([&] { engine().snapshot(slot, 0, {id, version, "s", ""}); }), ErrorCode::Permission);
  EXPECT_EQ(floor(), 0U);
  const auto heap = engine().pool_status().catalog_bytes;
  for (int i = 0; i < 5000; ++i) refused(id, "a");
  EXPECT_EQ(engine().pool_status().catalog_bytes, heap);
}

TEST_F(SnapshotTest, TooManyArraysIsRefusedWhole) {
  TestStore small;
  small.options.max_arrays = 2;
  small.open();
  TestUser one(small);
  one.make(spec("a", {10}));
  one.snapshot("a", "s1");
  EXPECT_EQ(code_of([&] { one.snapshot("a", "s2"); }), ErrorCode::TooManyArrays);
  one.engine().remove(one.slot(), 0, "s1");
  one.engine().reclaim();
  one.snapshot("a", "s2");
  EXPECT_EQ(audit(one.engine()), "");
}

TEST_F(SnapshotTest, FloorsRiseWithSnapshotsAndFallWithThem) {
  user->snapshot("a", "s1");
  const auto first = floor();
  update(0, 'b');
  EXPECT_EQ(floor(), first);  // a commit keeps it
  user->snapshot("a", "s2");
  const auto second = floor();
  EXPECT_GT(second, first);
  const auto now = user->read("a").ref.version;
  for (const std::string name : {"s3", "s4"}) engine().snapshot(user->slot(), 0, {id, now, name, ""});
  EXPECT_EQ(floor(), now);
  store.restart();
  EXPECT_EQ(floor(), now);
  remove("s2"), remove("s3");
  EXPECT_EQ(floor(), now);  // s4 names the same
  remove("s4");
  EXPECT_EQ(floor(), first);
  store.restart();
  EXPECT_EQ(floor(), first);
  engine().rename(user->slot(), 0, "s1", "s", false);
  auto replacing = spec("s", {10});
  replacing.replace = true;
  user->make(replacing);  // another array takes its name: it is gone as well
  EXPECT_EQ(floor(), 0U);
  store.restart();
  EXPECT_EQ(floor(), 0U);
  EXPECT_EQ(used(), 4 * kGrain + kSlabBytes);
}

TEST_F(SnapshotTest, AFloorThatACrashLeftIsPutRight) {
  user->snapshot("a", "snap");
  store.engine.reset();
  // The removal is done; what it held is freed or not, and the floor is not settled.
  for (const std::string point : {"commit.empty", "reclaim.block", "reclaim.meta", "commit.filled:2"}) {
    EXPECT_TRUE(crash_in_child(point, [&] {
      store.open();
      store.engine->remove(user->slot(), 0, "snap");
      store.engine->reclaim();
    })) << point;
    store.open();
    EXPECT_EQ(floor(), 0U) << point;
    user->snapshot("a", "snap");
    store.engine.reset();
  }
  store.open();
  EXPECT_NE(floor(), 0U);
}

/// A view of a snapshot shares memory with the array, whose writers look at no claims but their own array's.
TEST_F(SnapshotTest, ARemovedSnapshotThatIsSeenKeepsTheFloor) {
  user->snapshot("a", "s1");
  const auto first = floor();
  auto pin = user->take("s1", M::view);
  remove("s1");
  EXPECT_EQ(floor(), first);
  store.restart();
  EXPECT_EQ(floor(), first);
  user->snapshot("a", "s2");
  const auto second = floor();
  EXPECT_GT(second, first);
  remove("s2");
  EXPECT_EQ(floor(), first);
  EXPECT_EQ(rows(user->client().view.read_version(pin->ref())), "aaaa");
  pin.reset();
  EXPECT_EQ(floor(), 0U);
  store.restart();
  EXPECT_EQ(floor(), 0U);
}

/// Writers in place look at the floor of their own array only: it has to count every snapshot that shares its memory.
TEST_F(SnapshotTest, OfASnapshotKeepsTheFloorOfTheArrayItself) {
  user->snapshot("a", "s1");
  const auto first = floor();
  user->snapshot("s1", "s2");
  EXPECT_EQ(rows("s2"), "aaaa");
  remove("s1");
  EXPECT_EQ(floor(), first);
  store.restart();
  EXPECT_EQ(floor(), first);
  auto pin = user->take("a", M::write);
  EXPECT_NE(claim_flags(pin->entry().word.load()) & kClaimClean, 0) << "it is granted as if nothing were shared";
  pin.reset();
  update(0, 'b');
  auto all = user->take("a", M::update);
  revert("s2");  // it is one of "a", by way of s1
  EXPECT_EQ(rows("a"), "aaaa");
  all.reset();
  remove("s2");
  EXPECT_EQ(floor(), 0U);
}

TEST_F(SnapshotTest, SourceRemovedBeforeSnapshotAndTheOtherWayRound) {
  user->snapshot("a", "s1");
  user->snapshot("s1", "s2");
  update(0, 'b');
  remove("a");
  EXPECT_EQ(used(), 4 * kGrain);
  EXPECT_EQ(rows("s1"), "aaaa");
  user->snapshot("s1", "s3");
  id = user->make(spec("a", {4, kGrain}), 'n');  // takes the record of the source
  EXPECT_EQ(floor(), 0U);
  store.restart();
  EXPECT_EQ(floor(), 0U);
  remove("s1"), remove("s3");
  EXPECT_EQ(floor(), 0U);
  EXPECT_EQ(rows("s2"), "aaaa");
  EXPECT_EQ(used(), 8 * kGrain);
  remove("s2");
  EXPECT_EQ(used(), 4 * kGrain);
  user->snapshot("a", "s1");
  remove("s1"), remove("a");
  EXPECT_EQ(used(), 0U);
}

TEST_F(SnapshotTest, RepeatedRequestsAreAppliedOnce) {
  const SnapshotRequest request{id, user->read("a").ref.version, "snap", ""};
  const auto reply = engine().snapshot(user->slot(), 3, request);
  EXPECT_EQ(engine().snapshot(user->slot(), 3, request).array_gen, reply.array_gen);
  store.restart();
  EXPECT_EQ(engine().snapshot(user->slot(), 3, request).array, reply.array);
  EXPECT_EQ(code_of([&] { engine().snapshot(user->slot(), 4, request); }), ErrorCode::NameTaken);
  auto pin = user->take("a", M::update);
  const auto version = revert("snap", 5);
  EXPECT_EQ(revert("snap", 5), version);
  store.restart();
  EXPECT_EQ(revert("snap", 5), version);
  EXPECT_EQ(user->read("a").ref.version, version);
  EXPECT_EQ(engine().header().live_arrays.load(), 2U);
}

// ---- revert

TEST_F(SnapshotTest, RevertBringsContentRowsAndBirthsBack) {
  user->snapshot("a", "snap");
  const auto snap = user->read("snap");
  update(1, 'b');
  auto pin = user->take("a", M::update);
  const auto granted = user->extend(id, 2 * kGrain);
  user->fill(granted.extents, 'c');
  engine().commit_version(user->slot(), 0, commit_of(id, granted.extents, granted.at, 6));
  EXPECT_EQ(rows("a"), "abaacc");
  const auto revision = user->client().array_sync(id.array).revision.load();
  const auto version = revert("snap");
  EXPECT_GT(user->client().array_sync(id.array).revision.load(), revision);
  const auto now = user->read("a");
  EXPECT_EQ(now.ref.version, version);
  EXPECT_EQ(now.shape, snap.shape);
  EXPECT_EQ(now.source_gen, 0U);
  ASSERT_EQ(now.extents.size(), snap.extents.size());
  for (std::size_t i = 0; i < now.extents.size(); ++i) EXPECT_EQ(now.extents[i].birth, snap.extents[i].birth);
  EXPECT_EQ(rows("a"), "aaaa");
  pin.reset();
  EXPECT_EQ(used(), 4 * kGrain);
  update(3, 'd');
  EXPECT_EQ(rows("snap"), "aaaa");
  remove("snap");
  EXPECT_EQ(rows("a"), "aaad");
  EXPECT_EQ(used(), 4 * kGrain);
}

TEST_F(SnapshotTest, RevertClearsTornMarks) {
  user->snapshot("a", "snap");
  auto pin = user->take("a", M::write);
  engine().mend(user->slot(), 0, {id, 1, 3, true});
  EXPECT_EQ(torn_text(user->read("a")), "1-3");
  EXPECT_EQ(code_of([&] { user->snapshot("snap", "again"); }), ErrorCode::Ok);  // the snapshot is whole
  revert("snap");
  EXPECT_EQ(torn_text(user->read("a")), "");
}

TEST_F(SnapshotTest, RevertRefusals) {
  user->snapshot("a", "snap");
  const auto other = user->make(spec("b", {4, kGrain}));
  const auto refused = [&](const std::string& name) { return code_of([&] { revert(name); }); };
  EXPECT_EQ(refused("snap"), ErrorCode::Permission);
  auto read = user->take("a", M::read);
  EXPECT_EQ(refused("snap"), ErrorCode::Permission);
  read.reset();
  auto pin = user->take("a", M::update), theirs = user->take("b", M::update);
  EXPECT_EQ(refused("b"), ErrorCode::Contract);
  EXPECT_EQ(refused("a"), ErrorCode::Contract);
  EXPECT_EQ(refused("nothing"), ErrorCode::NoSuchArray);
  const auto message = message_of([&] { engine().revert(user->slot(), 0, {other, "snap"}); });
  EXPECT_NE(message.find("'snap' is no snapshot of 'b'"), std::string::npos) << message;
  EXPECT_EQ(code_of([&] { engine().revert(user->slot(), 0, {{id.array, id.array_gen + 9}, "snap"}); }), ErrorCode::NoSuchArray);
  engine().publish(user->slot(), 0, {&id, 1}, true);
  EXPECT_EQ(refused("snap"), ErrorCode::Sealed);
  const auto snap = user->read("snap").ref;
  auto write = user->take("snap", M::write);
  EXPECT_EQ(code_of([&] { engine().revert(user->slot(), 0, {{snap.array, snap.array_gen}, "snap"}); }), ErrorCode::Sealed);
}

TEST_F(SnapshotTest, SlabArraysAndScalarsAreSharedToo) {
  for (const auto& one : {spec("small", {100}), spec("scalar", {}, "f8"), spec("none", {0, 7}, "f8")}) {
    const auto small = user->make(one, 's');
    user->snapshot(one.name, "snap");
    auto pin = user->take(one.name, M::update);
    if (one.name != "none") {
      const auto granted = user->memory(small, user->read(one.name).nbytes);
      user->fill(granted.extents, 't');
      engine().commit_version(user->slot(), 0, commit_of(small, granted.extents, 0));
      EXPECT_EQ(user->tags(one.name), "t");
      EXPECT_EQ(user->tags("snap"), "s");
    }
    store.restart();
    EXPECT_EQ(audit(engine()), "");
    engine().revert(user->slot(), 0, {small, "snap"});
    EXPECT_EQ(user->tags(one.name), user->tags("snap"));
    pin.reset();
    remove("snap");
    EXPECT_EQ(audit(engine()), "");
    remove(one.name);
  }
  EXPECT_EQ(used(), 4 * kGrain);
}

}  // namespace
}  // namespace ndshare::internal
