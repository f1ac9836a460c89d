#include "lib/shm/claim_table.h"

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace ndshare::internal {
namespace {

class ClaimTableTest : public ::testing::Test {
 protected:
  std::unique_ptr<SlotClaims> shared_ = std::make_unique<SlotClaims>();
  ClaimTable table_{shared_.get()};
};

TEST_F(ClaimTableTest, TheLowestFreeEntryIsTakenFirst) {
  Claim* first = table_.try_take(false);
  Claim* second = table_.try_take(false);
  EXPECT_EQ(first, &shared_->lock[0]);
  EXPECT_EQ(second, &shared_->lock[1]);
  EXPECT_EQ(table_.try_take(true), &shared_->view[0]);
  table_.give_back(first);
  EXPECT_EQ(table_.try_take(false), first);
}

TEST_F(ClaimTableTest, HighMarksOnlyRiseAndCoverWhatWasUsed) {
  Claim* first = table_.try_take(false);
  Claim* second = table_.try_take(false);
  EXPECT_EQ(shared_->lock_high.load(), 2U);
  EXPECT_EQ(shared_->view_high.load(), 0U);
  table_.give_back(second);
  table_.give_back(first);
  EXPECT_EQ(shared_->lock_high.load(), 2U);
  table_.try_take(true);
  EXPECT_EQ(shared_->view_high.load(), 1U);
}

TEST_F(ClaimTableTest, AFullTableSaysSoAndWorksAgain) {
  for (const bool view : {false, true}) {
    std::vector<Claim*> taken;
    while (Claim* claim = table_.try_take(view)) taken.push_back(claim);
    EXPECT_EQ(taken.size(), view ? kViewEntries : kLockEntries);
    EXPECT_EQ(table_.in_use(view), taken.size());
    EXPECT_EQ(std::set<Claim*>(taken.begin(), taken.end()).size(), taken.size());
    table_.give_back(taken[70]);
    EXPECT_EQ(table_.try_take(view), taken[70]);
    EXPECT_EQ(table_.try_take(view), nullptr);
    for (Claim* claim : taken) table_.give_back(claim);
    EXPECT_EQ(table_.in_use(view), 0U);
  }
  EXPECT_TRUE(table_.all_idle());
}

TEST_F(ClaimTableTest, AllFreeKnowsOfBothTables) {
  EXPECT_TRUE(table_.all_idle());
  for (const bool view : {false, true}) {
    Claim* claim = table_.try_take(view);
    EXPECT_FALSE(table_.all_idle());
    table_.give_back(claim);
    EXPECT_TRUE(table_.all_idle());
  }
}

TEST_F(ClaimTableTest, ThreadsNeverShareAnEntry) {
  std::vector<std::thread> threads;
  std::atomic<int> shared{0};
  for (std::uint64_t me = 1; me <= 4; ++me) {
    threads.emplace_back([&, me] {
      for (int i = 0; i < 20'000; ++i) {
        Claim* claim = table_.try_take(i % 3 == 0);
        if (claim->word.exchange(me) != 0) ++shared;
        if (claim->word.exchange(0) != me) ++shared;
        table_.give_back(claim);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(shared.load(), 0);
  EXPECT_TRUE(table_.all_idle());
  EXPECT_LE(shared_->lock_high.load(), 4U);
}

TEST_F(ClaimTableTest, CountsAreThere) {
  table_.count(SlotCounter::reads);
  table_.count(SlotCounter::moved_bytes, 4096);
  EXPECT_EQ(shared_->counters[static_cast<int>(SlotCounter::reads)].load(), 1U);
  EXPECT_EQ(shared_->counters[static_cast<int>(SlotCounter::moved_bytes)].load(), 4096U);
}

}  // namespace
}  // namespace ndshare::internal
