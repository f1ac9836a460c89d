// Large heap arrays stand on pages that others gave back: what may be seen of it, and what not. Here, and not beside lib/array's tests,
// which are of one thread.
#include "lib/array/warm_memory.h"

#include "tests/support/sample.h"
#include "tests/support/support.h"

#include <ndshare/array.h>
#include <ndshare/buffer.h>
#include <ndshare/create.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ndshare {
namespace {

using internal::give_warm;
using internal::Pages;
using internal::take_warm;
using test::code_of;

constexpr std::size_t kMiB = std::size_t{1} << 20, kPage = 4096;

Pages mapped(std::size_t bytes) {
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(data, MAP_FAILED);
  return {static_cast<std::byte*>(data), bytes};
}
void unmap(Pages pages) { ASSERT_EQ(::munmap(pages.data, pages.size), 0); }
bool is_mapped(const Pages& pages) { return ::msync(pages.data, pages.size, MS_ASYNC) == 0; }  // ENOMEM where a page is not

class WarmMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override { set_warm_heap(0), set_warm_heap(64 * static_cast<std::int64_t>(kMiB)); }
  void TearDown() override { set_warm_heap(0), set_warm_heap(before_); }

 private:
  std::int64_t before_ = set_warm_heap(0);
};

TEST_F(WarmMemoryTest, TheSmallestThatFitsAndNotMoreThanAQuarterAbove) {
  const Pages four = mapped(4 * kMiB), five = mapped(5 * kMiB), eight = mapped(8 * kMiB);
  give_warm(eight), give_warm(five), give_warm(four);
  EXPECT_EQ(take_warm(6 * kMiB).data, nullptr);  // 8 is a third above
  EXPECT_EQ(take_warm(9 * kMiB).data, nullptr);
  EXPECT_EQ(take_warm(4 * kMiB).data, four.data);
  const Pages second = take_warm(4 * kMiB);
  EXPECT_EQ(second.data, five.data);
  EXPECT_EQ(second.size, 5 * kMiB);
  EXPECT_EQ(take_warm(4 * kMiB).data, nullptr);
  EXPECT_EQ(take_warm(7 * kMiB).data, eight.data);
  unmap(four), unmap(five), unmap(eight);
}

TEST_F(WarmMemoryTest, TheOldestGoWhereTheLimitIsReached) {
  std::vector<Pages> pages;
  for (int i = 0; i < 5; ++i) pages.push_back(mapped(20 * kMiB));
  for (const Pages& some : pages) give_warm(some);  // three are within 64 MiB
  for (const std::size_t i : {0U, 1U}) EXPECT_FALSE(is_mapped(pages[i])) << i;
  for (const std::size_t i : {2U, 3U, 4U}) EXPECT_TRUE(is_mapped(pages[i])) << i;
  EXPECT_EQ(set_warm_heap(25 * static_cast<std::int64_t>(kMiB)), 64 * static_cast<std::int64_t>(kMiB));
  EXPECT_FALSE(is_mapped(pages[3]));
  EXPECT_TRUE(is_mapped(pages[4]));
  const Pages large = mapped(26 * kMiB);
  give_warm(large);
  EXPECT_FALSE(is_mapped(large));
  EXPECT_TRUE(is_mapped(pages[4]));
  set_warm_heap(0);
  EXPECT_FALSE(is_mapped(pages[4]));
}

TEST_F(WarmMemoryTest, ManySmallOnes) {
  std::vector<Pages> pages;
  for (int i = 0; i < 40; ++i) pages.push_back(mapped(kMiB / 16));
  for (const Pages& some : pages) give_warm(some);
  EXPECT_EQ(std::count_if(pages.begin(), pages.end(), is_mapped), 16);
}

TEST_F(WarmMemoryTest, ZerosAreZerosWhateverWasThereBefore) {
  const Shape shape{static_cast<std::int64_t>(8 * kMiB)};
  for (int round = 0; round < 3; ++round) {
    { const Array dirty = full(shape, 7, uint8); }
    const Array clean = zeros(shape, uint8);
    const auto bytes = clean.as_span<const std::uint8_t>();
    EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; }));
  }
}

TEST_F(WarmMemoryTest, WhatIsUsedAgainIsNotCalledAvailable) {
  const std::int64_t before = internal::reused_bytes();
  give_warm(mapped(8 * kMiB));
  EXPECT_EQ(internal::reused_bytes(), before);
  const Pages again = take_warm(8 * kMiB);
  ASSERT_TRUE(again.reused);
  EXPECT_EQ(internal::reused_bytes(), before + 8 * static_cast<std::int64_t>(kMiB));
  give_warm(again);
  EXPECT_EQ(internal::reused_bytes(), before);
}

TEST_F(WarmMemoryTest, DroppingLeavesTheLimit) {
  const Pages pages = mapped(4 * kMiB);
  give_warm(pages);
  internal::drop_warm();
  EXPECT_FALSE(is_mapped(pages));
  EXPECT_EQ(set_warm_heap(64 * static_cast<std::int64_t>(kMiB)), 64 * static_cast<std::int64_t>(kMiB));
}

TEST_F(WarmMemoryTest, NothingIsKeptAfterZeroThoughOthersAreAtIt) {
  for (int round = 0; round < 300 / test::kSample; ++round) {
    set_warm_heap(static_cast<std::int64_t>(kMiB));
    const Pages pages = mapped(64 * kPage);
    give_warm(pages);
    std::atomic<bool> ends{false};
    std::thread other([&] {
      Pages own = mapped(16 * kPage);
      while (!ends.load()) {
        give_warm(own);
        own = take_warm(16 * kPage);
        if (own.data == nullptr) own = mapped(16 * kPage);
      }
      unmap(own);
    });
    set_warm_heap(0);
    ends = true;
    other.join();
    EXPECT_EQ(take_warm(64 * kPage).data, nullptr);
    EXPECT_EQ(take_warm(16 * kPage).data, nullptr);
  }
}

TEST_F(WarmMemoryTest, BadLimit) { EXPECT_EQ(code_of([] { set_warm_heap(-1); }), Error::Usage); }

TEST_F(WarmMemoryTest, ThreadsNeverShareABlock) {
  std::vector<std::thread> threads;
  std::atomic<int> faults{0};
  for (int id = 1; id <= 4; ++id) {
    threads.emplace_back([id, &faults] {
      for (int round = 0; round < 2000 / test::kSample; ++round) {
        const std::size_t size = 16 * kPage + static_cast<std::size_t>(round % 5) * kPage;
        Pages pages = take_warm(size);
        if (pages.data == nullptr) pages = mapped(size);
        if (pages.size < size) ++faults;
        std::memset(pages.data, id, size);
        for (std::size_t at = 0; at < size; at += kPage) {
          if (pages.data[at] != static_cast<std::byte>(id)) ++faults;
        }
        if (round % 100 == 0) set_warm_heap(round % 200 == 0 ? static_cast<std::int64_t>(kMiB) : 0);
        give_warm(pages);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(faults.load(), 0);
}

TEST_F(WarmMemoryTest, AForkedChildHasItsOwn) {
  const Pages pages = mapped(4 * kMiB);
  std::memset(pages.data, 5, pages.size);
  give_warm(pages);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Pages mine = take_warm(4 * kMiB);
    if (mine.data != nullptr) std::memset(mine.data, 9, mine.size);
    const Array large = full({static_cast<std::int64_t>(6 * kMiB)}, 3, uint8);
    ::_exit(mine.data == pages.data && large.at<int>(5) == 3 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const Pages again = take_warm(4 * kMiB);
  ASSERT_EQ(again.data, pages.data);
  for (std::size_t at = 0; at < again.size; at += kPage) ASSERT_NE(again.data[at], std::byte{9});
  unmap(again);
}

}  // namespace
}  // namespace ndshare
