// Threads of one process on an array that is being filled: disjoint rows never wait, overlapping ones do.
#include "client/building.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;

Deadline soon(int milliseconds) { return deadline_after(std::chrono::milliseconds(milliseconds), {}); }

TEST(BuildTableTest, DisjointRowsAreFree) {
  BuildTable table;
  const auto a = table.acquire(7, {0, 10, true}, kForever);
  const auto b = table.acquire(7, {10, 20, true}, kForever);
  EXPECT_TRUE(table.has_writer(7));
  EXPECT_FALSE(table.has_writer(8));
  EXPECT_FALSE(table.begin_release(7, a)) << "another writer is left";
  table.finish(7, a);
  EXPECT_TRUE(table.begin_release(7, b));
  table.finish(7, b);
  EXPECT_FALSE(table.has_writer(7));
}

TEST(BuildTableTest, OwnOverlapIsBusyAndOthersWait) {
  BuildTable table;
  const auto writer = table.acquire(7, {0, 10, true}, kForever);
  EXPECT_EQ(code_of([&] { table.acquire(7, {9, 12, true}, soon(1000)); }), ErrorCode::Busy);
  EXPECT_EQ(code_of([&] { table.acquire(7, {0, 1, false}, soon(1000)); }), ErrorCode::Busy);
  std::thread([&] {
    EXPECT_EQ(code_of([&] { table.acquire(7, {9, 12, true}, soon(5)); }), ErrorCode::Timeout);
  }).join();
  std::thread waiting([&] { table.finish(7, table.acquire(7, {9, 12, true}, kForever)); });
  table.begin_release(7, writer);
  table.finish(7, writer);
  waiting.join();
}

TEST(BuildTableTest, ReadersShare) {
  BuildTable table;
  const auto a = table.acquire(7, {0, 10, false}, kForever);
  const auto b = table.acquire(7, {5, 10, false}, kForever);
  EXPECT_EQ(code_of([&] { table.acquire(7, {0, 1, true}, soon(5)); }), ErrorCode::Busy);
  table.finish(7, a);
  table.finish(7, b);
  table.finish(7, table.acquire(7, {0, 1, true}, kForever));
}

TEST(BuildTableTest, NobodyWritesWhilePublishing) {
  BuildTable table;
  const auto a = table.acquire(7, {0, 10, true}, kForever);
  ASSERT_TRUE(table.begin_release(7, a));
  EXPECT_EQ(code_of([&] { table.acquire(7, {10, 20, true}, soon(5)); }), ErrorCode::Timeout);
  table.finish(7, a);
}

TEST(BuildTableTest, NobodyStartsToWriteWhileSealing) {
  BuildTable table;
  const auto writer = table.acquire(7, {0, 10, true}, kForever);
  {
    Sealing sealing(table);
    EXPECT_FALSE(sealing.add(7));
    table.finish(7, writer);
    ASSERT_TRUE(sealing.add(7));
    EXPECT_TRUE(sealing.add(7)) << "named twice";
    Sealing other(table);
    EXPECT_TRUE(other.add(7)) << "which of two seals comes first is the daemon's to say";
    EXPECT_EQ(code_of([&] { table.acquire(7, {0, 1, true}, soon(5)); }), ErrorCode::Timeout);
    table.finish(7, table.acquire(7, {0, 1, false}, kForever));
    EXPECT_EQ(code_of([&] { table.acquire(7, {0, 1, true}, soon(5)); }), ErrorCode::Timeout) << "a reader came and went";
    EXPECT_FALSE(table.is_idle(7));
    std::thread([&] { EXPECT_EQ(code_of([&] { table.acquire(7, {5, 6, true}, soon(5)); }), ErrorCode::Timeout); }).join();
  }
  EXPECT_TRUE(table.is_idle(7));
  table.finish(7, table.acquire(7, {0, 1, true}, kForever));
}

}  // namespace
}  // namespace ndshare::internal
