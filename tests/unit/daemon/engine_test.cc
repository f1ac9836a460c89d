// The engine in one process: arrays from create to remove, as a client that maps the catalog sees them.
#include "daemon/engine.h"

#include <gtest/gtest.h>

#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using test::code_of;

TEST(EngineTest, CreatePublishFindRemove) {
  TestStore store;
  auto& engine = store.open();
  EXPECT_FALSE(engine.adopted());
  const auto slot = engine.attach(self());
  TestClient client(engine);
  auto one = spec("market/prices", {1000, 3}, "<f4");
  one.attrs = R"({"unit": "USD"})";
  one.order = "F";
  const auto made = create(engine, slot, {one}).front();
  ASSERT_EQ(made.extents.size(), 1U);
  EXPECT_EQ(made.extents[0].bytes, 12288U);
  EXPECT_TRUE(made.extents[0].zeroed);
  auto ref = client.view.find("market/prices");
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->flags, kArrayBuilding);
  const auto id = id_of(made);
  engine.publish(slot, 0, {&id, 1}, true);
  ref = client.view.find("market/prices");
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->flags, kArraySealed);
  const auto copy = client.view.read(ref->array);
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->dtype, "<f4");
  EXPECT_EQ(copy->shape, (std::vector<std::int64_t>{1000, 3}));
  EXPECT_EQ(copy->attrs, one.attrs);
  EXPECT_EQ(copy->order, 1U);
  EXPECT_EQ(copy->nbytes, 12000U);
  EXPECT_EQ(copy->extents[0].birth, made.array_gen);
  EXPECT_EQ(copy->uid, geteuid());
  EXPECT_EQ(engine.persistent_arrays(), 1U);
  EXPECT_EQ(audit(engine), "");
  engine.remove(slot, 0, "market/prices");
  EXPECT_FALSE(client.view.find("market/prices"));
  EXPECT_EQ(engine.persistent_arrays(), 0U);
  EXPECT_EQ(engine.reclaim(), 12288U);
  EXPECT_EQ(engine.pool_status().used_bytes, 0U);
  EXPECT_EQ(engine.pool_status().warm_bytes, 12288U);
  EXPECT_EQ(code_of([&] { engine.remove(slot, 0, "market/prices"); }), ErrorCode::NoSuchArray);
}

TEST(EngineTest, EmptyAndScalarShapes) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto made = create(engine, slot, {spec("none", {0, 5}, "f8"), spec("scalar", {}, "f8")});
  EXPECT_TRUE(made[0].extents.empty());
  ASSERT_EQ(made[1].extents.size(), 1U);
  TestClient client(engine);
  EXPECT_EQ(client.view.read(static_cast<std::uint32_t>(made[0].array))->nbytes, 0U);
  EXPECT_EQ(client.view.read(static_cast<std::uint32_t>(made[1].array))->nbytes, 8U);
  EXPECT_EQ(audit(engine), "");
}

TEST(EngineTest, BadSpecsChangeNothing) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  create_one(engine, slot, spec("taken", {10}));
  const auto refused = [&](const CreateSpec& bad) {
    return code_of([&] { create(engine, slot, {spec("fine", {10}), bad}); });
  };
  EXPECT_EQ(refused(spec("", {1})), ErrorCode::Name);
  EXPECT_EQ(refused(spec("a/../b", {1})), ErrorCode::Name);
  EXPECT_EQ(refused(spec(std::string(256, 'x'), {1})), ErrorCode::Name);
  EXPECT_EQ(refused(spec("tab\t", {1})), ErrorCode::Name);
  EXPECT_EQ(refused(spec("fine", {1})), ErrorCode::NameTaken);
  EXPECT_EQ(refused(spec("taken", {1})), ErrorCode::NameTaken);
  EXPECT_EQ(refused(spec("x", {1}, "float33")), ErrorCode::DType);
  EXPECT_EQ(refused(spec("x", {1}, std::string(5000, 'f'))), ErrorCode::DType);
  EXPECT_EQ(refused(spec("x", {-1})), ErrorCode::Shape);
  EXPECT_EQ(refused(spec("x", {1LL << 62, 4})), ErrorCode::Shape);
  EXPECT_EQ(refused(spec("x", std::vector<std::int64_t>(33, 1))), ErrorCode::Shape);
  EXPECT_EQ(refused(spec("x", {1LL << 40})), ErrorCode::Capacity);
  auto bad = spec("x", {1});
  bad.order = "K";
  EXPECT_EQ(refused(bad), ErrorCode::Usage);
  bad = spec("x", {1});
  bad.attrs = std::string(kMaxAttrsBytes + 1, ' ');
  EXPECT_EQ(refused(bad), ErrorCode::Usage);
  bad.attrs = "{\"a\": \"\x1b[2J\"}";
  EXPECT_EQ(refused(bad), ErrorCode::Usage);
  EXPECT_EQ(audit(engine), "");
  EXPECT_EQ(engine.header().live_arrays.load(), 1U);
  create_one(engine, slot, spec("fine", {10}));  // the refused batches gave the name back
}

TEST(EngineTest, ReplaceSwapsAtPublishAndHoldersKeepTheOld) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto reader = engine.attach(self());
  TestClient client(engine);
  const auto old = create_one(engine, slot, spec("a", {1 << 20}));
  TestClaims claims(client, reader);
  auto pin = claims.take("a", ClaimMode::view, 0, 1 << 20);
  ASSERT_TRUE(pin);
  auto next = spec("a", {2 << 20});
  next.replace = true;
  const auto made = create(engine, slot, {next}).front();
  EXPECT_EQ(client.view.find("a")->array, old.array);  // until publish
  const auto id = id_of(made);
  engine.publish(slot, 0, {&id, 1}, false);
  EXPECT_EQ(client.view.find("a")->array, made.array);
  EXPECT_EQ(engine.header().live_arrays.load(), 1U);
  EXPECT_EQ(engine.reclaim(), 0U);
  EXPECT_EQ(engine.pool_status().pending_bytes, 1U << 20);
  EXPECT_EQ(client.view.read_version(pin->ref()).nbytes, 1U << 20);
  pin->release();
  EXPECT_EQ(engine.reclaim(), 1U << 20);
  EXPECT_EQ(audit(engine), "");
  auto fresh = spec("b", {10});  // nobody has the name: replace just takes it
  fresh.replace = true;
  create_one(engine, slot, fresh);
  EXPECT_TRUE(client.view.find("b"));
  EXPECT_EQ(audit(engine), "");
}

TEST(EngineTest, RenameMovesTheNameOnly) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  TestClient client(engine);
  const auto made = create_one(engine, slot, spec("a", {5000}), true, true);
  create_one(engine, slot, spec("b", {100}));
  EXPECT_EQ(code_of([&] { engine.rename(slot, 0, "a", "b", false); }), ErrorCode::NameTaken);
  EXPECT_EQ(code_of([&] { engine.rename(slot, 0, "a", "x*", false); }), ErrorCode::Name);
  EXPECT_EQ(code_of([&] { engine.rename(slot, 0, "nope", "c", false); }), ErrorCode::NoSuchArray);
  engine.rename(slot, 0, "a", "c", false);
  EXPECT_FALSE(client.view.find("a"));
  ASSERT_TRUE(client.view.find("c"));
  EXPECT_EQ(client.view.find("c")->array_gen, made.array_gen);
  EXPECT_EQ(client.view.find("c")->flags, kArraySealed);
  engine.rename(slot, 0, "c", "b", true);
  EXPECT_EQ(client.view.find("b")->array, made.array);
  engine.rename(slot, 0, "b", "b", false);
  EXPECT_EQ(engine.header().live_arrays.load(), 1U);
  EXPECT_EQ(audit(engine), "");
}

TEST(EngineTest, PublishIsAllOrNothingAndChecksItsBuilder) {
  TestStore store;
  auto& engine = store.open();
  const auto mine = engine.attach(self()), other = engine.attach(self());
  TestClient client(engine);
  const auto made = create(engine, mine, {spec("a", {10}), spec("b", {10})});
  std::vector<ArrayId> ids = {id_of(made[0]), id_of(made[1])};
  EXPECT_EQ(code_of([&] { engine.publish(other, 0, ids, false); }), ErrorCode::Permission);
  auto wrong = ids;
  wrong.push_back({made[1].array, made[1].array_gen + 1});
  EXPECT_EQ(code_of([&] { engine.publish(mine, 0, wrong, false); }), ErrorCode::NoSuchArray);
  EXPECT_EQ(client.view.find("a")->flags, kArrayBuilding);
  EXPECT_EQ(code_of([&] { engine.remove(other, 0, "a"); }), ErrorCode::NoSuchArray);
  EXPECT_EQ(code_of([&] { create(engine, other, {spec("a", {1})}); }), ErrorCode::NameTaken);
  ids.push_back(ids[0]);
  engine.publish(mine, 0, ids, true);
  EXPECT_EQ(client.view.find("b")->flags, kArraySealed);
  EXPECT_EQ(code_of([&] { engine.publish(mine, 0, ids, true); }), ErrorCode::Sealed);
  EXPECT_EQ(engine.header().live_arrays.load(), 2U);
}

TEST(EngineTest, WhatIsReadyGoesWithItsClientUntilItIsPublished) {
  TestStore store;
  auto* engine = &store.open();
  const auto slot = engine->attach(self());
  const auto made = create(*engine, slot, {spec("a", {10}), spec("b", {10}), spec("c", {10})}, 1);
  const std::vector ids = {id_of(made[0]), id_of(made[1]), id_of(made[2])};
  engine->make_ready(slot, 2, ids, false);
  engine = &store.restart();
  EXPECT_EQ(engine->header().live_arrays.load(), 0U);
  engine->publish_ready(slot, 3);
  engine->publish_ready(slot, 3);  // sent again
  EXPECT_EQ(engine->header().live_arrays.load(), 3U);
  EXPECT_EQ(code_of([&] { engine->make_ready(slot, 4, ids, false); }), ErrorCode::Usage);
  const auto more = create(*engine, slot, {spec("d", {10})}, 5);
  engine->make_ready(slot, 6, std::vector{id_of(more[0])}, false);
  engine->sweep(slot);
  EXPECT_EQ(engine->header().live_arrays.load(), 3U);
  EXPECT_EQ(audit(*engine), "");
}

TEST(EngineTest, ReadOnlyClientsChangeNothing) {
  TestStore store;
  auto& engine = store.open();
  auto peer = self();
  peer.read_only = true;
  const auto slot = engine.attach(peer);
  const auto writer = engine.attach(self());
  create_one(engine, writer, spec("a", {10}));
  EXPECT_EQ(code_of([&] { create(engine, slot, {spec("b", {1})}); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { engine.remove(slot, 0, "a"); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { engine.rename(slot, 0, "a", "b", false); }), ErrorCode::Permission);
}

TEST(EngineTest, RepeatedRequestsAreAppliedOnce) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto made = create(engine, slot, {spec("a", {1 << 20}), spec("b", {10})}, 1);
  const auto again = engine.find_created(slot, 1);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*again)[i].array, made[i].array);
    EXPECT_EQ((*again)[i].array_gen, made[i].array_gen);
    EXPECT_EQ((*again)[i].extents.at(0).offset, made[i].extents.at(0).offset);
  }
  EXPECT_FALSE(engine.find_created(slot, 2));
  std::vector<ArrayId> ids = {id_of(made[0]), id_of(made[1])};
  engine.publish(slot, 2, ids, true);
  engine.publish(slot, 2, ids, true);
  engine.rename(slot, 3, "a", "c", false);
  engine.rename(slot, 3, "a", "c", false);
  engine.remove(slot, 4, "c");
  engine.remove(slot, 4, "c");
  EXPECT_EQ(code_of([&] { engine.remove(slot, 5, "c"); }), ErrorCode::NoSuchArray);
}

TEST(EngineTest, SweepGivesEverythingBack) {
  TestStore store;
  auto& engine = store.open();
  const auto keeper = engine.attach(self());
  create_one(engine, keeper, spec("kept", {100000}));
  const auto before = engine.pool_status().used_bytes;
  const auto slot = engine.attach(self());
  TestClient client(engine);
  auto session = spec("session", {1 << 20});
  session.session = true;
  create_one(engine, slot, session);
  auto replacing = spec("kept", {1 << 20});
  replacing.replace = true;
  create(engine, slot, {spec("building", {1 << 20}), spec("small", {10}), replacing});
  create_one(engine, slot, spec("persistent", {4096}));
  ClaimTable table(&client.claims(slot));
  const auto ref = *client.view.find("kept");
  auto& words = client.array_sync(ref.array);
  auto& claim = *table.try_take(false);  // granted, and the mutex held, by a process that is gone
  claim.array_gen.store(ref.array_gen), claim.version.store(ref.version);
  claim.word.store(claim_word(ClaimState::granted, ClaimMode::write, 0, ref.array));
  words.mutex.store(static_cast<std::uint32_t>(slot.gen << 12 | (slot.index + 1)));
  const auto event = words.event.load();
  engine.sweep(slot);
  EXPECT_EQ(words.mutex.load(), 0U);
  EXPECT_NE(words.event.load(), event);
  EXPECT_EQ(claim_state(claim.word.load()), ClaimState::free);
  EXPECT_FALSE(client.view.find("session"));
  EXPECT_FALSE(client.view.find("building"));
  EXPECT_TRUE(client.view.find("persistent"));
  EXPECT_EQ(client.view.find("kept")->array, ref.array);
  EXPECT_EQ(engine.pool_status().used_bytes, before + 4096);
  EXPECT_EQ(audit(engine), "");
  engine.sweep(slot);  // an old generation: nothing happens
  const auto next = engine.attach(self());
  EXPECT_EQ(next.index, slot.index);
  EXPECT_NE(next.gen, slot.gen);
}

TEST(EngineTest, SweepLeavesTheMutexOfTheLiving) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self()), other = engine.attach(self());
  TestClient client(engine);
  const auto made = create_one(engine, slot, spec("a", {10}));
  ClaimTable table(&client.claims(slot));
  table.try_take(false)->word.store(
      claim_word(ClaimState::trying, ClaimMode::read, 0, static_cast<std::uint32_t>(made.array)));
  const auto theirs = 1U << 31 | static_cast<std::uint32_t>(other.gen << 12 | (other.index + 1));
  client.array_sync(made.array).mutex.store(theirs);
  engine.sweep(slot);
  EXPECT_EQ(client.array_sync(made.array).mutex.load(), theirs);
}

TEST(EngineTest, RecordIsNotReusedWhileAnEntryNamesIt) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  TestClient client(engine);
  const auto made = create_one(engine, slot, spec("a", {10}));
  ClaimTable table(&client.claims(slot));
  auto& claim = *table.try_take(false);
  claim.word.store(claim_word(ClaimState::waiting, ClaimMode::read, 0, static_cast<std::uint32_t>(made.array)));
  engine.remove(slot, 0, "a");
  engine.reclaim();
  EXPECT_NE(create_one(engine, slot, spec("b", {10})).array, made.array);
  claim.word.store(claim_word(ClaimState::free, ClaimMode::read, 0, static_cast<std::uint32_t>(made.array)));
  engine.reclaim();
  EXPECT_EQ(create_one(engine, slot, spec("c", {10})).array, made.array);
}

TEST(EngineTest, NamesEventWakesOnlyWhenSomebodySleeps) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  TestClient client(engine);
  auto& event = client.sync_header().names_event;
  event.store(event.load() | 1);
  const auto before = event.load();
  const auto made = create(engine, slot, {spec("a", {10})}).front();
  EXPECT_EQ(event.load(), before);  // a building array is not visible
  const auto id = id_of(made);
  engine.publish(slot, 0, {&id, 1}, false);
  EXPECT_EQ(event.load(), (before & ~1U) + 2);
  engine.publish(slot, 0, {&id, 1}, true);  // sealing shows no new name
  EXPECT_EQ(event.load(), (before & ~1U) + 2);
  engine.remove(slot, 0, "a");
  EXPECT_EQ(event.load(), (before & ~1U) + 4);
}

}  // namespace
}  // namespace ndshare::internal
