// What a client or a machine without memory can do to the daemon: nothing but errors.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include <sys/resource.h>

#include "daemon/engine.h"
#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::message_of;

/// Random bytes over everything of the sync segment that this store ever reserved, high-water marks and header
/// included.
void scribble(TestClient& client, SlotRef slot, std::uint64_t arrays, std::mt19937_64& random) {
  const auto fill = [&](void* to, std::size_t bytes) {
    auto* out = static_cast<std::byte*>(to);
    for (std::size_t i = 0; i + 8 <= bytes; i += 8) {
      const std::uint64_t word = random() >> (random() % 64);  // small numbers too: they look like valid indices
      std::memcpy(out + i, &word, 8);
    }
  };
  fill(&client.claims(slot), sizeof(SlotClaims));
  for (std::uint64_t i = 0; i < arrays; ++i) fill(&client.array_sync(i), sizeof(ArraySync));
}

TEST(HostileTest, RandomBytesInTheSyncSegment) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    TestStore store;
    auto* engine = &store.open();
    const auto slot = engine->attach(self()), evil = engine->attach(self());
    TestClient client(*engine);
    for (int i = 0; i < 8; ++i) create_one(*engine, slot, spec("a" + std::to_string(i), {5000}));
    scribble(client, evil, 8, random);
    for (int i = 0; i < 4; ++i) engine->remove(slot, 0, "a" + std::to_string(i));
    engine->reclaim();
    create_one(*engine, slot, spec("b", {5000}));
    if (round % 2 == 0) engine = &store.restart();
    scribble(client, evil, 8, random);
    engine->sweep(evil);
    TestClient after(*engine);
    for (int i = 4; i < 8; ++i) EXPECT_TRUE(after.view.find("a" + std::to_string(i)));
    EXPECT_EQ(audit(*engine), "");
    EXPECT_EQ(engine->pool_status().pending_bytes, 0U);  // with its slot, all that it pinned is gone
  }
}

/// Entries that look like claims: any state and mode, arrays in range and beyond, rows and versions from nowhere.
void forge(TestClient& client, SlotRef slot, ArrayId id, std::mt19937_64& random) {
  const auto any = [&]() -> std::uint64_t {
    const std::uint64_t extremes[] = {0, 1, 99, 100, 1ULL << 63, (1ULL << 63) - 1, ~0ULL, random() % 128, random()};
    return extremes[random() % std::size(extremes)];
  };
  const auto fill = [&](Claim& one) {
    const auto array = static_cast<std::uint32_t>(random() % 4 == 0 ? any() : id.array);
    one.word.store(claim_word(static_cast<ClaimState>(random() % 5), static_cast<ClaimMode>(random() % 5),
                              static_cast<std::uint16_t>(random() % 8 == 0 ? random() : 0), array));
    one.array_gen.store(random() % 4 == 0 ? any() : id.array_gen);
    one.lo.store(any()), one.hi.store(any()), one.version.store(any()), one.ticket.store(any());
  };
  auto& claims = client.claims(slot);
  claims.lock_high.store(random() % 2 == 0 ? kLockEntries : ~0U);
  claims.view_high.store(random() % 2 == 0 ? 64 : ~0U);
  for (auto& one : claims.lock) fill(one);
  for (std::size_t i = 0; i < 64; ++i) fill(claims.view[i]);
}

/// Requests under forged claims are granted or refused, never more: what is listed stays sound.
void ask_for_everything(TestUser& evil, ArrayId id, std::uint64_t number) {
  auto& engine = evil.engine();
  const auto slot = evil.slot();
  const auto extreme = static_cast<std::int64_t>(number);
  code_of([&] { engine.mend(slot, 0, {id, extreme, INT64_MAX, true}); });
  code_of([&] { engine.mend(slot, 0, {id, INT64_MIN, extreme, false}); });
  code_of([&] { engine.commit_version(slot, 0, {id, {}, {}, extreme % 200, true, extreme, ~extreme}); });
  code_of([&] { engine.commit_version(slot, 0, {id, {{number, number, false}}, {{number, ~number}}, -1, true, 0, 0}); });
  code_of([&] { evil.memory(id, 1 + number % 8192); });
  code_of([&] { evil.extend(id, number % 8192); });
  code_of([&] { engine.return_memory(slot, 0, std::vector<ExtentInfo>{{number, ~number, false}}); });
  code_of([&] { engine.snapshot(slot, 0, {id, number, "forged", ""}); });
  code_of([&] { engine.revert(slot, 0, {id, "forged"}); });
  engine.written_arrays(slot);
  engine.reclaim();
}

TEST(HostileTest, ForgedClaimsUnderChangesAndSweeps) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 40; ++round) {
    TestStore store;
    store.open();
    TestUser good(store), evil(store);
    const auto id = good.make(spec("a", {100})), other = good.make(spec("b", {2, 64 << 10}), 'b');
    good.snapshot("b", "snap");
    forge(evil.client(), evil.slot(), round % 3 == 0 ? other : id, random);
    ask_for_everything(evil, id, random() >> (random() % 64));
    EXPECT_EQ(audit(*store.engine), "");
    if (round % 2 == 0) store.restart();
    ask_for_everything(evil, other, random() >> (random() % 64));
    forge(evil.client(), evil.slot(), id, random);
    store.engine->sweep(evil.slot());
    EXPECT_EQ(audit(*store.engine), "");
    EXPECT_EQ(store.engine->pool_status().pending_bytes, 0U);
    for (const char* name : {"a", "b", "snap"}) {
      std::int64_t end = 0;
      for (const auto& torn : good.read(name).torn) {
        EXPECT_LE(end, torn.lo);
        EXPECT_LT(torn.lo, torn.hi);
        end = torn.hi;
      }
      EXPECT_LE(end, good.read(name).shape.front());
    }
    EXPECT_EQ(good.tags("snap"), std::string(32, 'b'));
    EXPECT_TRUE(good.take("a", ClaimMode::write));  // nothing of the dead is in the way
    store.restart();
  }
}

/// One entry of version 0 keeps all that comes later, and no longer than its slot lives.
TEST(HostileTest, AForgedPinEndsWithItsSlot) {
  TestStore store;
  store.open();
  TestUser good(store), evil(store);
  const auto id = good.make(spec("a", {64 << 10}));
  auto& claims = evil.client().claims(evil.slot());
  claims.lock[0].array_gen.store(id.array_gen);
  claims.lock[0].word.store(claim_word(ClaimState::granted, ClaimMode::update, 0, static_cast<std::uint32_t>(id.array)));
  claims.lock_high.store(1);
  for (int i = 0; i < 10; ++i) good.update("a", 0, 1, 0, 64 << 10, 'b');
  store.engine->reclaim();
  EXPECT_EQ(store.engine->pool_status().used_bytes, 11U * (64 << 10));
  store.engine->sweep(evil.slot());
  EXPECT_EQ(store.engine->pool_status().used_bytes, 64U << 10);
  EXPECT_EQ(audit(*store.engine), "");
}

TEST(HostileTest, HeaderOfTheSyncSegmentIsNotTrusted) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  TestClient client(engine);
  auto& header = client.sync_header();
  header.claims_offset = header.arrays_offset = header.array_stride = ~0ULL;
  header.max_clients = header.max_arrays = ~0U;
  create_one(engine, slot, spec("a", {5000}));
  engine.sweep(slot);
  EXPECT_EQ(audit(engine), "");
}

/// Cuts the sync segment while the engine uses it, at every kind of touch: none of them ends the process.
TEST(HostileTest, ACutSyncSegmentIsMadeAgainUnderTheEngine) {
  for (const off_t bytes : {off_t{0}, off_t{4096}}) {
    TestStore store;
    auto& engine = store.open();
    const auto slot = engine.attach(self()), other = engine.attach(self());
    create_one(engine, slot, spec("a", {5000}));
    create_one(engine, slot, spec("b", {5000}));
    const auto cut = [&] { ASSERT_EQ(truncate(store.paths().sync.c_str(), bytes), 0); };
    cut(), engine.remove(slot, 0, "a");
    cut(), engine.reclaim();
    cut(), engine.sweep(other);
    engine.mend_sync();
    EXPECT_EQ(file_bytes(engine.sync_fd()), engine.header().sync_bytes);
    cut(), create_one(engine, slot, spec("c", {5000}));
    cut();
    const auto next = engine.attach(self());
    TestClient client(engine);  // the map of a new client: whole, and with its header
    EXPECT_EQ(client.sync_header().store_id, engine.header().store_id);
    EXPECT_EQ(client.sync_header().max_arrays, engine.header().max_arrays);
    TestClaims claims(client, next);
    auto pin = claims.take("b", ClaimMode::read, 0, 1);
    EXPECT_TRUE(engine.holds_anything(next));
    pin.reset();
    EXPECT_FALSE(engine.holds_anything(next));
    EXPECT_EQ(audit(engine), "");
  }
}

TEST(HostileTest, ACutOrScribbledSyncSegmentIsMadeWholeAtAdoption) {
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{4096}, std::uint64_t{5'000'000}, std::uint64_t{1} << 33}) {
    TestStore store;
    auto* engine = &store.open();
    const auto slot = engine->attach(self());
    create_one(*engine, slot, spec("a", {5000}), true, true);
    const auto whole = engine->header().sync_bytes;
    store.engine.reset();
    ASSERT_EQ(truncate(store.paths().sync.c_str(), static_cast<off_t>(bytes)), 0);
    engine = &store.restart();
    EXPECT_EQ(file_bytes(engine->sync_fd()), whole) << bytes;
    TestClient client(*engine);
    EXPECT_EQ(client.sync_header().store_id, engine->header().store_id);
    EXPECT_TRUE(client.view.find("a"));
    EXPECT_FALSE(bytes == 0 && engine->holds_anything(slot));
    engine->sweep(slot);
    EXPECT_EQ(audit(*engine), "");
  }
}

TEST(HostileTest, AtTheDescriptorLimitTheLivingAreNotTakenForDead) {
  const auto pid = static_cast<std::uint64_t>(getpid());
  const auto start = process_start(pid).value_or(0);
  const auto child = test::fork_child([&] {
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_NOFILE, &none) != 0) return 2;
    return process_alive(pid, start) && !process_alive((1U << 22) + 1, 1) ? 0 : 1;
  });
  EXPECT_EQ(test::wait_child(child), 0);
}

TEST(HostileTest, StaleGenerationsAreRefused) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  engine.sweep(slot);
  EXPECT_EQ(code_of([&] { create(engine, slot, {spec("a", {1})}); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { create(engine, {9999, 1}, {spec("a", {1})}); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { engine.discard(slot, 0, {~0ULL, ~0ULL}); }), ErrorCode::Permission);
  engine.sweep({9999, 1});
  const auto next = engine.attach(self());
  EXPECT_EQ(code_of([&] { engine.discard(next, 0, {~0ULL, ~0ULL}); }), ErrorCode::NoSuchArray);
}

TEST(HostileTest, SweptBetweenPrepareAndCommit) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  auto ticket = engine.prepare_create(slot, std::vector{spec("a", {1 << 20})});
  engine.sweep(slot);
  EXPECT_EQ(code_of([&] { engine.commit_create(slot, 0, std::move(ticket)); }), ErrorCode::Permission);
  EXPECT_EQ(engine.pool_status().used_bytes, 0U);
  const auto next = engine.attach(self());
  create_one(engine, next, spec("a", {10}));
}

TEST(HostileTest, NameTakenBetweenPrepareAndCommit) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  auto ticket = engine.prepare_create(slot, std::vector{spec("a", {10})});
  auto replacing = spec("a", {20});
  replacing.replace = true;
  create_one(engine, slot, replacing);
  create_one(engine, slot, spec("b", {10}));
  EXPECT_EQ(code_of([&] { engine.rename(slot, 0, "b", "a", false); }), ErrorCode::NameTaken);
  EXPECT_EQ(code_of([&] { engine.commit_create(slot, 0, std::move(ticket)); }), ErrorCode::NameTaken);
  EXPECT_EQ(audit(engine), "");
}

TEST(HostileTest, ControlGroupLimitIsAnErrorBeforeAnythingIsTaken) {
  test::ScratchDir scratch;
  const auto write = [&](const std::string& folder, const std::string& name, std::uint64_t value) {
    std::filesystem::create_directories(scratch.path() / folder);
    std::ofstream(scratch.path() / folder / name) << value << "\n";
  };
  write("memory", "memory.limit_in_bytes", 100 * kTestMiB), write("memory", "memory.usage_in_bytes", 90 * kTestMiB);
  write(".", "memory.max", 100 * kTestMiB), write(".", "memory.current", 90 * kTestMiB);
  TestStore store;
  store.options.cgroup_root = scratch.path().string();
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  EXPECT_EQ(code_of([&] { create(engine, slot, {spec("a", {20 << 20})}); }), ErrorCode::SystemMemory);
  const auto message = message_of([&] { create(engine, slot, {spec("a", {20 << 20})}); });
  EXPECT_NE(message.find("20 MiB"), std::string::npos) << message;
  EXPECT_NE(message.find("cgroup"), std::string::npos) << message;
  EXPECT_EQ(engine.pool_status().used_bytes, 0U);
  create_one(engine, slot, spec("a", {5 << 20}));
  EXPECT_EQ(audit(engine), "");
}

TEST(HostileTest, DefaultCapacityFollowsTheTightestLimit) {
  test::ScratchDir scratch;
  const auto write = [&](const std::string& folder, const std::string& name, std::uint64_t value) {
    std::filesystem::create_directories(scratch.path() / folder);
    std::ofstream(scratch.path() / folder / name) << value << "\n";
  };
  write("memory", "memory.limit_in_bytes", 300 * kTestMiB), write("memory", "memory.usage_in_bytes", 0);
  write(".", "memory.max", 300 * kTestMiB), write(".", "memory.current", 0);
  TestStore store;
  store.options.cgroup_root = scratch.path().string();
  store.options.capacity_bytes = 0;
  EXPECT_EQ(store.open().pool_status().capacity_bytes, 150 * kTestMiB);
}

TEST(HostileTest, OptionsAreChecked) {
  TestStore store;
  store.options.max_clients = 0;
  EXPECT_EQ(code_of([&] { store.open(); }), ErrorCode::Usage);
  store.options.max_clients = 5000;
  EXPECT_EQ(code_of([&] { store.open(); }), ErrorCode::Usage);
  store.options.max_clients = 4;
  store.options.store = "../up";
  EXPECT_EQ(code_of([&] { store.open(); }), ErrorCode::Name);
}

TEST(HostileTest, PoolInAnotherFolder) {
  test::ScratchDir scratch;
  TestStore store;
  store.options.pool_dir = scratch.path().string();
  auto* engine = &store.open();
  create_one(*engine, engine->attach(self()), spec("a", {5000}));
  EXPECT_EQ(access(store.paths().pool.c_str(), F_OK), 0);
  EXPECT_EQ(store.paths().pool.rfind(scratch.path().string(), 0), 0U);
  store.options.pool_dir.clear();
  EXPECT_EQ(store.restart().header().live_arrays.load(), 1U);
  store.options.pool_dir = "/tmp";
  EXPECT_EQ(code_of([&] { store.restart(); }), ErrorCode::Usage);
  store.options.pool_dir = scratch.path().string();
}

}  // namespace
}  // namespace ndshare::internal
