// Memory of the engine: the budget, warm and cold, several extents, many small arrays, other users' bytes.
#include <gtest/gtest.h>

#include <algorithm>

#include <sys/stat.h>

#include "daemon/crash_point.h"
#include "daemon/engine.h"
#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::message_of;

TEST(EngineMemoryTest, CapacityErrorHasTheNumbers) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  create_one(engine, slot, spec("half", {40 << 20}));
  const auto message = message_of([&] { create(engine, slot, {spec("more", {40 << 20})}); });
  EXPECT_NE(message.find("40 MiB"), std::string::npos) << message;
  EXPECT_NE(message.find("64 MiB"), std::string::npos) << message;
}

TEST(EngineMemoryTest, WarmMemoryIsReusedAndNotCalledZero) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto first = create_one(engine, slot, spec("a", {32 << 20}));
  engine.remove(slot, 0, "a");
  const auto ticket = engine.prepare_create(slot, std::vector{spec("b", {32 << 20})});  // the create itself reclaims
  EXPECT_EQ(engine.cold_bytes(*ticket), 0U);
  EXPECT_EQ(engine.header().warm_bytes.load(), 0U);
}

TEST(EngineMemoryTest, DroppedTicketGivesEverythingBack) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  {
    auto ticket = engine.prepare_create(slot, std::vector{spec("a", {1 << 20}), spec("b", {100})});
    EXPECT_GT(engine.cold_bytes(*ticket), 0U);
    EXPECT_EQ(code_of([&] { engine.prepare_create(slot, std::vector{spec("a", {1})}); }), ErrorCode::NameTaken);
  }
  EXPECT_EQ(engine.pool_status().used_bytes, 0U);
  create_one(engine, slot, spec("a", {1}));
  EXPECT_EQ(audit(engine), "");
}

TEST(EngineMemoryTest, SeveralExtentsWhenFreeMemoryIsFragmented) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  std::vector<CreateSpec> specs;
  for (int i = 0; i < 16; ++i) specs.push_back(spec("a" + std::to_string(i), {4 << 20}));
  std::vector<ArrayId> ids;
  for (const auto& made : create(engine, slot, specs)) ids.push_back(id_of(made));
  engine.publish(slot, 0, ids, false);
  for (int i = 0; i < 16; i += 2) engine.remove(slot, 0, "a" + std::to_string(i));
  const auto made = create_one(engine, slot, spec("big", {30 << 20}));
  EXPECT_GT(made.extents.size(), 1U);
  for (const auto& extent : made.extents) EXPECT_EQ(extent.offset % kPage, 0U);
  EXPECT_EQ(audit(engine), "");
}

TEST(EngineMemoryTest, TrimGivesWarmMemoryBack) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  create_one(engine, slot, spec("a", {32 << 20}));
  engine.remove(slot, 0, "a");
  engine.reclaim();
  EXPECT_EQ(engine.pool_status().warm_bytes, 32 * kTestMiB);
  std::uint64_t given = 0;
  while (const auto bytes = engine.trim_some(8 * kTestMiB)) given += bytes;
  EXPECT_EQ(given, 24 * kTestMiB);
  struct stat info {};
  ASSERT_EQ(fstat(engine.pool_fd(false), &info), 0);
  EXPECT_EQ(info.st_blocks * 512, 8 << 20);
}

TEST(EngineMemoryTest, TooManyClientsAndArrays) {
  TestStore store;
  store.options.max_clients = 2;
  store.options.max_arrays = 4;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  engine.attach(self());
  EXPECT_EQ(code_of([&] { engine.attach(self()); }), ErrorCode::TooManyClients);
  for (int i = 0; i < 4; ++i) create_one(engine, slot, spec("a" + std::to_string(i), {10}));
  EXPECT_EQ(code_of([&] { create(engine, slot, {spec("b", {1})}); }), ErrorCode::TooManyArrays);
  engine.remove(slot, 0, "a0");
  create_one(engine, slot, spec("b", {1}));
  EXPECT_EQ(audit(engine), "");
}

TEST(EngineMemoryTest, MemoryThatCrossesUidsIsZero) {
  TestStore store;
  store.options.shared_between_uids = true;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  auto other = self();
  other.uid = 4242;
  const auto foreign = engine.attach(other);
  const auto made = create_one(engine, slot, spec("a", {1 << 20}));
  std::vector<char> secret(1 << 20, 's');
  ASSERT_EQ(pwrite(engine.pool_fd(false), secret.data(), secret.size(), static_cast<off_t>(made.extents[0].offset)),
            1 << 20);
  engine.remove(slot, 0, "a");
  engine.reclaim();
  const auto theirs = create_one(engine, foreign, spec("b", {1 << 20}));
  for (const auto& extent : theirs.extents) {
    EXPECT_TRUE(extent.zeroed);
    std::vector<char> bytes(extent.bytes);
    ASSERT_EQ(pread(engine.pool_fd(false), bytes.data(), bytes.size(), static_cast<off_t>(extent.offset)),
              static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 0), static_cast<std::ptrdiff_t>(bytes.size()));
  }
}

TEST(EngineMemoryTest, MemoryThatWasPunchedAndNotReservedIsColdAgain) {
  TestStore store;
  store.options.shared_between_uids = true;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  auto other = self();
  other.uid = 4242;
  const auto foreign = engine.attach(other);
  create_one(engine, slot, spec("a", {8 << 20}));
  engine.remove(slot, 0, "a");
  engine.reclaim();
  ASSERT_EQ(engine.pool_status().warm_bytes, 8 * kTestMiB);
  setenv("NDSHARE_FAIL_AT", "reserve.punched", 1);
  load_crash_point();
  unsetenv("NDSHARE_FAIL_AT");
  EXPECT_EQ(code_of([&] { create(engine, foreign, {spec("b", {8 << 20})}); }), ErrorCode::SystemMemory);
  EXPECT_EQ(engine.pool_status().used_bytes, 0U);
  EXPECT_EQ(engine.pool_status().warm_bytes, 0U);  // nothing of it is resident
  // So it is reserved before anybody gets it.
  const auto ticket = engine.prepare_create(slot, std::vector{spec("c", {8 << 20})});
  EXPECT_EQ(engine.cold_bytes(*ticket), 8 * kTestMiB);
  while (!engine.reserve_some(*ticket)) {
  }
  EXPECT_GE(resident_bytes(engine.pool_fd(false)), 8 * kTestMiB);
}

TEST(EngineMemoryTest, BatchesOfSmallArrays) {
  TestStore store;
  store.options.max_arrays = 20000;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  TestClient client(engine);
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<CreateSpec> specs;
    for (int i = 0; i < 512; ++i) specs.push_back(spec("n" + std::to_string(batch) + "/" + std::to_string(i), {64}));
    std::vector<ArrayId> ids;
    for (const auto& made : create(engine, slot, specs)) ids.push_back(id_of(made));
    engine.publish(slot, 0, ids, true);
  }
  EXPECT_EQ(engine.header().live_arrays.load(), 20U * 512);
  EXPECT_TRUE(client.view.find("n19/511"));
  const auto status = engine.pool_status();
  EXPECT_LE((status.catalog_bytes + status.used_bytes - status.live_bytes) / (20 * 512), 2048U);
  EXPECT_EQ(audit(engine), "");
}

TEST(EngineMemoryTest, SweepOfAClientThatLeftThousandsOfArrays) {
  TestStore store;
  auto* engine = &store.open();
  const auto keeper = engine->attach(self()), slot = engine->attach(self());
  std::vector<CreateSpec> specs;
  for (int i = 0; i < 2000; ++i) specs.push_back(spec("s" + std::to_string(i), {200}));
  for (auto& one : specs) one.session = true;
  std::vector<ArrayId> ids;
  for (const auto& made : create(*engine, slot, specs)) ids.push_back(id_of(made));
  engine->publish(slot, 0, std::span(ids).subspan(0, 1000), false);
  create_one(*engine, keeper, spec("kept", {200}));
  engine = &store.restart();
  engine->sweep(slot);
  EXPECT_EQ(engine->header().live_arrays.load(), 1U);
  EXPECT_EQ(audit(*engine), "");
}

TEST(EngineMemoryTest, RequestOverTheRedoRecordIsRefusedWhole) {
  TestStore store;
  store.options.max_arrays = 40000;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  std::vector<CreateSpec> specs;
  for (int i = 0; i < 35000; ++i) specs.push_back(spec("a" + std::to_string(i), {0}));
  EXPECT_EQ(code_of([&] { create(engine, slot, specs); }), ErrorCode::Usage);
  TestClient client(engine);
  EXPECT_FALSE(client.view.find("a0"));
  create_one(engine, slot, specs[0]);
  EXPECT_EQ(audit(engine), "");
}

}  // namespace
}  // namespace ndshare::internal
