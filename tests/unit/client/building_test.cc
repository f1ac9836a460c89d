// Arrays that a process still fills: who makes them visible, and what a seal keeps out.
#include "client/building.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;

Deadline soon(int milliseconds) { return deadline_after(std::chrono::milliseconds(milliseconds), {}); }

TEST(BuildTableTest, TheLastWriterPublishes) {
  BuildTable table;
  table.enter(7, kForever);
  table.enter(7, kForever);
  table.enter(8, kForever);
  EXPECT_FALSE(table.leave(7, true)) << "another writer is left";
  EXPECT_TRUE(table.leave(7, true));
  table.published(7);
  EXPECT_TRUE(table.is_idle(7));
  EXPECT_FALSE(table.is_idle(8));
}

TEST(BuildTableTest, AWriterThatNeverCameAboutPublishesWhatOthersWrote) {
  BuildTable table;
  table.enter(7, kForever);
  EXPECT_FALSE(table.leave(7, false)) << "nobody wrote anything";
  EXPECT_TRUE(table.is_idle(7));
  table.enter(7, kForever);
  table.enter(7, kForever);
  EXPECT_FALSE(table.leave(7, true));
  EXPECT_TRUE(table.leave(7, false)) << "the one that timed out is the last of them";
  table.published(7);
}

TEST(BuildTableTest, NobodyComesWhilePublishing) {
  BuildTable table;
  table.enter(7, kForever);
  ASSERT_TRUE(table.leave(7, true));
  EXPECT_EQ(code_of([&] { table.enter(7, soon(5)); }), ErrorCode::Timeout);
  std::atomic<bool> came{false};
  std::thread waiting([&] {
    table.enter(7, kForever);
    came = true;
  });
  EXPECT_FALSE(came);
  table.published(7);
  waiting.join();
  table.leave(7, false);
}

TEST(BuildTableTest, NobodyStartsToWriteWhileSealing) {
  BuildTable table;
  table.enter(7, kForever);
  {
    Sealing sealing(table);
    EXPECT_FALSE(sealing.add(7));
    ASSERT_FALSE(table.leave(7, false));
    ASSERT_TRUE(sealing.add(7));
    EXPECT_TRUE(sealing.add(7)) << "named twice";
    Sealing other(table);
    EXPECT_TRUE(other.add(7)) << "which of two seals comes first is the daemon's to say";
    EXPECT_EQ(code_of([&] { table.enter(7, soon(5)); }), ErrorCode::Timeout);
    EXPECT_FALSE(table.is_idle(7));
  }
  EXPECT_TRUE(table.is_idle(7));
  table.enter(7, kForever);
}

}  // namespace
}  // namespace ndshare::internal
