// A store after its daemon is gone: everything that was published is there, everything that was not is given back, at
// every point where the daemon can be killed.
#include "daemon/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::message_of;

/// A word that parent and child share: how many steps of the scenario were answered.
class Progress {
 public:
  Progress()
      : word_(
            static_cast<int*>(mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Progress() { munmap(word_, sizeof(int)); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void step() { ++*word_; }
  std::size_t count() const { return static_cast<std::size_t>(*word_); }

 private:
  int* word_;
};

using Names = std::set<std::string>;

/// The persistent names after each step of the scenario.
const std::vector<Names>& names_after() {
  static const std::vector<Names> all = {{},
                                         {"kept"},
                                         {"kept", "tiny"},
                                         {"kept", "tiny", "old"},
                                         {"kept", "tiny", "old"},
                                         {"kept", "tiny", "renamed"},
                                         {"kept", "tiny", "renamed", "gone"},
                                         {"kept", "tiny", "renamed"},
                                         {"kept", "renamed"},
                                         {"kept", "renamed", "one", "two"},
                                         {"kept", "renamed", "one", "two"}};
  return all;
}

/// Three arrays that become visible together, in two redo records; one of them takes the place of "kept".
void publish_together(Engine& engine, SlotRef slot) {
  auto replacing = spec("kept", {400});
  replacing.replace = true;
  const auto made = create(engine, slot, {spec("one", {20000}), spec("two", {200}), replacing}, 20);
  engine.make_ready(slot, 21, std::vector{id_of(made[0])}, true);
  engine.make_ready(slot, 22, std::vector{id_of(made[1]), id_of(made[2])}, false);
  engine.publish_ready(slot, 23);
}

/// Everything a daemon does, each kind of request at least once.
void scenario(TestStore& store, Progress& progress) {
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto other = engine.attach(dead_peer());
  TestClient client(engine);
  create_one(engine, slot, spec("kept", {100000}), true, true), progress.step();
  create_one(engine, slot, spec("tiny", {100}), true, true), progress.step();
  create_one(engine, slot, spec("old", {50000})), progress.step();
  auto replacing = spec("old", {200000});
  replacing.replace = true;
  create_one(engine, slot, replacing), progress.step();
  engine.rename(slot, 7, "old", "renamed", false), progress.step();
  create_one(engine, slot, spec("gone", {300000})), progress.step();
  engine.rename(slot, 8, "gone", "tiny", true), progress.step();
  auto session = spec("session", {60000});
  session.session = true;
  create_one(engine, other, session);
  create(engine, other, {spec("half", {70000}), spec("half2", {10})}, 9);
  TestClaims claims(client, other);
  auto pin = claims.take("tiny", ClaimMode::read, 0, 1);
  engine.remove(slot, 10, "tiny"), progress.step();
  engine.sweep(other);
  pin.reset();
  engine.reclaim();
  publish_together(engine, slot), progress.step();
  create(engine, slot, {spec("unfinished", {30000})}, 11), progress.step();
}

/// A later daemon finds a sound store without anything of the dead, and can serve it to its end.
void check_survivor(TestStore& store, const Progress& progress, const std::string& where) {
  SCOPED_TRACE(where);
  auto& engine = store.open();
  EXPECT_EQ(audit(engine), "");
  EXPECT_TRUE(engine.live_slots().empty());
  TestClient client(engine);
  Names names;
  client.view.for_each([&](const ArrayCopy& array) {
    EXPECT_EQ(array.ref.flags & (kArrayBuilding | kArraySession), 0U) << array.name;
    names.insert(array.name);
  });
  EXPECT_EQ(engine.header().live_arrays.load(), names.size());
  const auto kept = client.view.find("kept"), one = client.view.find("one");
  const std::uint64_t nbytes = kept ? client.view.read(kept->array)->nbytes : 0;
  EXPECT_EQ(nbytes, one ? 400U : kept ? 100000U : 0U) << "all of publish_together() or nothing";
  EXPECT_EQ(one ? one->flags : kArraySealed, kArraySealed);
  const auto done = progress.count();  // the step under way was applied or it was not, those before it were
  const auto& next = names_after()[std::min(done + 1, names_after().size() - 1)];
  EXPECT_TRUE(names == names_after()[done] || names == next) << done;
  EXPECT_EQ(engine.pool_status().pending_bytes, 0U);
  const auto slot = engine.attach(self());
  create_one(engine, slot, spec("after", {12345}));
  EXPECT_EQ(audit(engine), "");
  for (const auto& name : names) engine.remove(slot, 0, name);
  engine.remove(slot, 0, "after");
  engine.reclaim();
  EXPECT_EQ(engine.pool_status().used_bytes, 0U);
  engine.sweep(slot);
}

class CrashTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CrashTest, NothingIsLostOrLeaked) {
  for (int n = 1;; ++n) {
    TestStore store;
    Progress progress;
    const auto point = std::string(GetParam()) + ":" + std::to_string(n);
    if (!crash_in_child(point, [&] { scenario(store, progress); })) {
      EXPECT_GT(n, 1) << point << " was never reached";
      return;
    }
    check_survivor(store, progress, point);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Points, CrashTest, ::testing::ValuesIn(kCrashPointsServing), [](const auto& point) {
  std::string name(point.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(RecoveryTest, DaemonKilledWhileItAdopts) {
  for (const std::string point :
       {"recover.apply", "recover.empty", "adopt.redo", "adopt.rebuilt", "adopt.swept", "sweep.dying", "sweep.batch",
        "sweep.mutex", "sweep.cleared", "sweep.free", "commit.committed", "commit.apply", "reclaim.block"}) {
    for (const std::string first : {"commit.committed:12", "commit.apply:50", "sweep.owned", "create.blocks:4", "publish.marked",
                                    "publish.batch"}) {
      TestStore store;
      Progress progress;
      ASSERT_TRUE(crash_in_child(first, [&] { scenario(store, progress); })) << first;
      crash_in_child(point, [&] { store.open(); });
      check_survivor(store, progress, first + " then " + point);
      if (HasFailure()) return;
    }
  }
}

TEST(RecoveryTest, AnswerOfACommittedRequestIsFoundAgain) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto made = create(engine, slot, {spec("a", {5000}), spec("b", {50})}, 77);
  auto& later = store.restart();
  EXPECT_TRUE(later.adopted());
  ASSERT_EQ(later.live_slots().size(), 1U);
  EXPECT_EQ(later.live_slots()[0].slot.gen, slot.gen);
  const auto again = later.find_created(slot, 77);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->size(), 2U);
  EXPECT_EQ((*again)[1].array_gen, made[1].array_gen);
  std::vector<ArrayId> ids = {id_of(made[0]), id_of(made[1])};
  later.publish(slot, 78, ids, true);
  EXPECT_EQ(audit(later), "");
}

TEST(RecoveryTest, DataAndCapacitySurvive) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto made = create_one(engine, slot, spec("a", {5000}), true, true);
  ASSERT_EQ(pwrite(engine.pool_fd(false), "hello", 5, static_cast<off_t>(made.extents[0].offset)), 5);
  auto& later = store.restart();
  EXPECT_EQ(later.header().pool_bytes.load(), 64 * kTestMiB);
  TestClient client(later);
  const auto copy = client.view.read(client.view.find("a")->array);
  char text[5];
  ASSERT_EQ(pread(later.pool_fd(true), text, 5, static_cast<off_t>(copy->extents[0].offset)), 5);
  EXPECT_EQ(std::memcmp(text, "hello", 5), 0);
}

TEST(RecoveryTest, PinsOfTheLivingSurviveARestart) {
  TestStore store;
  auto* engine = &store.open();
  const auto slot = engine->attach(self()), reader = engine->attach(self());
  TestClient client(*engine);
  create_one(*engine, slot, spec("a", {1 << 20}));
  TestClaims claims(client, reader);
  auto pin = claims.take("a", ClaimMode::view, 0, 1);
  ASSERT_TRUE(pin);
  engine->rename(slot, 0, "a", "b", false);
  engine->remove(slot, 0, "b");
  engine = &store.restart();
  EXPECT_EQ(engine->reclaim(), 0U);
  EXPECT_EQ(engine->pool_status().pending_bytes, kTestMiB);
  TestClient after(*engine);
  EXPECT_EQ(after.view.read_version(pin->ref()).nbytes, kTestMiB);
  EXPECT_NE(create_one(*engine, slot, spec("c", {1})).array, pin->ref().array);
  pin->release();
  EXPECT_EQ(engine->reclaim(), kTestMiB);
  EXPECT_EQ(audit(*engine), "");
}

TEST(RecoveryTest, CapacityGrowsAndShrinksOnRestart) {
  TestStore store;
  auto* engine = &store.open();
  const auto slot = engine->attach(self());
  create_one(*engine, slot, spec("a", {16 << 20}));
  engine = &store.restart(128 * kTestMiB);
  EXPECT_EQ(engine->pool_status().capacity_bytes, 128 * kTestMiB);
  EXPECT_EQ(file_bytes(engine->pool_fd(true)), 128 * kTestMiB);
  create_one(*engine, slot, spec("b", {80 << 20}));
  EXPECT_EQ(code_of([&] { store.restart(32 * kTestMiB); }), ErrorCode::Capacity);
  engine = &store.restart();
  EXPECT_EQ(engine->pool_status().capacity_bytes, 128 * kTestMiB);
  engine->remove(slot, 0, "b");
  engine = &store.restart(32 * kTestMiB);
  EXPECT_EQ(file_bytes(engine->pool_fd(true)), 32 * kTestMiB);
  EXPECT_EQ(audit(*engine), "");
}

TEST(RecoveryTest, SecondDaemonIsRefusedByPid) {
  TestStore store;
  store.open();
  const auto message = message_of([&] { Engine::open(store.options); });
  EXPECT_NE(message.find(std::to_string(getpid())), std::string::npos) << message;
  EXPECT_EQ(code_of([&] { Engine::open(store.options); }), ErrorCode::StoreExists);
}

TEST(RecoveryTest, RemoveSegmentsLeavesNoName) {
  TestStore store;
  auto& engine = store.open();
  std::ofstream(store.paths().socket) << "socket";
  engine.remove_segments();
  for (const auto& path :
       {store.paths().catalog, store.paths().sync, store.paths().pool, store.paths().socket, store.paths().lock}) {
    EXPECT_NE(access(path.c_str(), F_OK), 0) << path;
  }
}

/// Overwrites bytes of a segment whose daemon is gone.
void poke(const std::string& path, std::uint64_t offset, std::uint64_t value) {
  const Descriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(fd);
  ASSERT_EQ(pwrite(fd.get(), &value, sizeof(value), static_cast<off_t>(offset)), 8);
}

TEST(RecoveryTest, DamagedOrForeignSegmentsAreRefusedWithAWayOut) {
  struct Case {
    const char* what;
    std::uint64_t offset;
    ErrorCode code;
  };
  for (const auto& one : {Case{"magic", offsetof(CatalogHeader, magic), ErrorCode::Damaged},
                          Case{"layout", offsetof(CatalogHeader, layout_hash), ErrorCode::LayoutVersion},
                          Case{"boot", offsetof(CatalogHeader, boot_id), ErrorCode::Damaged},
                          Case{"records", offsetof(CatalogHeader, records_offset), ErrorCode::Damaged},
                          Case{"high", offsetof(CatalogHeader, records_high), ErrorCode::Damaged},
                          Case{"index", offsetof(CatalogHeader, index_root), ErrorCode::Damaged},
                          Case{"limits", offsetof(CatalogHeader, max_clients), ErrorCode::Damaged}}) {
    TestStore store;
    auto& engine = store.open();
    create_one(engine, engine.attach(self()), spec("a", {5000}));
    store.engine.reset();
    poke(store.paths().catalog, one.offset, 0x1234'5678'9ABC'DEF1ULL);
    const auto message = message_of([&] { store.restart(); });
    EXPECT_EQ(code_of([&] { store.restart(); }), one.code) << one.what << ": " << message;
    EXPECT_NE(message.find("ndshare"), std::string::npos) << message;
  }
}

TEST(RecoveryTest, DamagedBlocksAndRedoAreRefused) {
  TestStore store;
  auto& engine = store.open();
  const auto made = create_one(engine, engine.attach(self()), spec("a", {5000}));
  const auto& header = engine.header();
  const auto redo = header.redo_offset, heap = header.heap_offset;
  TestClient client(engine);
  const auto block = client.view.read_ref(static_cast<std::uint32_t>(made.array))->block;
  store.engine.reset();
  poke(store.paths().catalog, redo, kRedoCommitted);
  poke(store.paths().catalog, redo + 32, 99);
  EXPECT_EQ(code_of([&] { store.restart(); }), ErrorCode::Damaged);
  poke(store.paths().catalog, redo, kRedoEmpty);
  store.restart();
  store.engine.reset();
  poke(store.paths().catalog, heap + block + 40, 99);
  EXPECT_EQ(code_of([&] { store.restart(); }), ErrorCode::Damaged);
}

TEST(RecoveryTest, GrantsHoldTheirMemoryUntilTheirSlotIsSwept) {
  TestStore store;
  auto* engine = &store.open();
  const auto slot = engine->attach(self());
  const auto grants = engine->header().grants_offset;
  store.engine.reset();
  const auto grant = [&](std::uint64_t at, std::uint64_t owner, std::uint64_t offset) {
    poke(store.paths().catalog, grants + at * sizeof(Grant), owner);
    poke(store.paths().catalog, grants + at * sizeof(Grant) + 8, offset);
    poke(store.paths().catalog, grants + at * sizeof(Grant) + 16, kTestMiB);
  };
  grant(0, (std::uint64_t{slot.index} + 1) << 32 | slot.gen, 4 * kTestMiB);
  grant(7, std::uint64_t{5} << 32 | 99, 8 * kTestMiB);  // of nobody: dropped
  engine = &store.restart();
  EXPECT_EQ(engine->pool_status().used_bytes, kTestMiB);
  engine = &store.restart();
  EXPECT_EQ(engine->pool_status().used_bytes, kTestMiB);
  engine->sweep(slot);
  EXPECT_EQ(engine->pool_status().used_bytes, 0U);
  EXPECT_EQ(store.restart().pool_status().used_bytes, 0U);
}

TEST(RecoveryTest, AdoptionReadsNoHolesOfTheCatalog) {
  TestStore store;
  auto& engine = store.open();
  create_one(engine, engine.attach(self()), spec("a", {5000}));
  store.engine.reset();
  const Descriptor fd(::open(store.paths().catalog.c_str(), O_RDONLY | O_CLOEXEC));
  const auto before = resident_bytes(fd.get());
  store.restart();
  EXPECT_EQ(resident_bytes(fd.get()), before);  // a look at a hole of the grants table would have filled it
}

TEST(RecoveryTest, WhatAStoreIsComesFromItsCatalog) {
  TestStore store;
  store.open();
  EXPECT_EQ(store.engine->header().ephemeral.load(), 0U);
  store.options.ephemeral = true;
  EXPECT_EQ(store.restart().header().ephemeral.load(), 0U);  // a lasting store stays one
  TestStore brief;
  brief.options.ephemeral = true;
  brief.open();
  EXPECT_EQ(brief.restart().header().ephemeral.load(), 1U);
  brief.options.ephemeral = false;
  EXPECT_EQ(brief.restart().header().ephemeral.load(), 0U);
  brief.options.ephemeral = true;
  EXPECT_EQ(brief.restart().header().ephemeral.load(), 0U);
}

TEST(RecoveryTest, MissingAndLeftOverSegments) {
  TestStore store;
  store.open();
  store.engine.reset();
  ASSERT_EQ(unlink(store.paths().pool.c_str()), 0);
  EXPECT_EQ(code_of([&] { store.restart(); }), ErrorCode::Damaged);
  ASSERT_EQ(unlink(store.paths().catalog.c_str()), 0);  // a half-made store: only its sync segment is left
  EXPECT_FALSE(store.restart(8 * kTestMiB).adopted());
  store.engine.reset();
  ASSERT_EQ(truncate(store.paths().pool.c_str(), 4096), 0);
  EXPECT_EQ(code_of([&] { store.restart(); }), ErrorCode::Damaged);
}

TEST(RecoveryTest, SquattedNamesAreRefused) {
  TestStore store;
  ASSERT_EQ(symlink("/dev/null", store.paths().catalog.c_str()), 0);
  EXPECT_EQ(code_of([&] { store.open(); }), ErrorCode::Squatted);
  unlink(store.paths().catalog.c_str());
  ASSERT_EQ(mkdir(store.paths().pool.c_str(), 0700), 0);
  EXPECT_EQ(code_of([&] { store.open(); }), ErrorCode::Squatted);
  rmdir(store.paths().pool.c_str());
  { const Descriptor fd(::open(store.paths().sync.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); }
  ASSERT_EQ(chmod(store.paths().sync.c_str(), 0666), 0);
  EXPECT_EQ(code_of([&] { store.open(); }), ErrorCode::Squatted);
  unlink(store.paths().sync.c_str());
  unlink(store.paths().lock.c_str());
  ASSERT_EQ(symlink("/dev/null", store.paths().lock.c_str()), 0);
  EXPECT_EQ(code_of([&] { store.open(); }), ErrorCode::Squatted);
}

}  // namespace
}  // namespace ndshare::internal
