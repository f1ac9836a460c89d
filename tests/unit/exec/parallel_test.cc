#include "lib/exec/parallel.h"
#include "lib/exec/parallel_memory.h"
#include "tests/support/support.h"

#include <ndshare/threads.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace ndshare::internal {
namespace {

TEST(ParallelTest, RunsEveryBlockOnce) {
  for (const int threads : {0, 1, 2, 7}) {
    std::vector<std::atomic<int>> hits(1000);
    std::atomic<int> ended{0};
    parallel_blocks(
        hits.size(), threads, [&](std::size_t i) { ++hits[i]; }, [&] { ++ended; });
    for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
    EXPECT_GE(ended.load(), 1);
    EXPECT_LE(ended.load(), thread_limit(threads));
  }
}

TEST(ParallelTest, NoBlocksIsFine) {
  parallel_blocks(0, 0, [](std::size_t) { FAIL(); });
}

TEST(ParallelTest, NestsAndPassesExceptionsOn) {
  std::atomic<int> count{0};
  parallel_blocks(8, 0, [&](std::size_t) { parallel_blocks(8, 0, [&](std::size_t) { ++count; }); });
  EXPECT_EQ(count.load(), 64);
  EXPECT_THROW(parallel_blocks(100, 0,
                               [](std::size_t i) {
                                 if (i == 50) throw std::runtime_error("x");
                               }),
               std::runtime_error);
}

TEST(ParallelTest, ThreadsCanBeLimited) {
  const int all = threads();
  EXPECT_GE(all, 1);
  set_threads(1);
  EXPECT_EQ(threads(), 1);
  set_threads(0);
  EXPECT_EQ(threads(), all);
  EXPECT_EQ(thread_limit(1), 1);
  EXPECT_EQ(test::code_of([] { set_threads(-1); }), Error::Usage);
}

// Run by the next test in a process of its own, as the variable is read once.
TEST(ParallelTest, DISABLED_PrintsThreads) { std::printf("threads=%d\n", threads()); }

TEST(ParallelTest, TheEnvironmentGivesTheDefault) {
  const std::vector<std::string> command = {test::program("exec_test"), "--gtest_also_run_disabled_tests",
                                            "--gtest_filter=ParallelTest.DISABLED_PrintsThreads"};
  EXPECT_NE(test::run(command, {.input = {}, .env = {{"NDSHARE_THREADS", "1"}}}).out.find("threads=1\n"),
            std::string::npos);
  const std::string all = "threads=" + std::to_string(threads()) + "\n";
  EXPECT_NE(test::run(command, {.input = {}, .env = {{"NDSHARE_THREADS", "some"}}}).out.find(all), std::string::npos);
}

TEST(ParallelTest, AForkedChildWorksAlone) {
  std::atomic<int> warm{0};
  parallel_blocks(64, 0, [&](std::size_t) { ++warm; });  // the workers exist now, in this process
  const pid_t child = test::fork_child([] {
    std::atomic<int> count{0};
    parallel_blocks(64, 0, [&](std::size_t) { ++count; });
    return count.load() == 64 && thread_limit(0) == 1 ? 0 : 1;
  });
  EXPECT_EQ(test::wait_child(child), 0);
}

TEST(ParallelMemoryTest, CopiesAndFillsExactlyTheRange) {
  constexpr std::size_t kMost = (std::size_t{9} << 20) + 77;
  std::vector<unsigned char> from(kMost + 64);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<unsigned char>(i * 31 + (i >> 12));
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{4096}, (std::size_t{3} << 20) + 5, kMost}) {
    for (const std::size_t offset : {std::size_t{0}, std::size_t{13}}) {
      std::vector<unsigned char> to(kMost + 64, 0xee);
      parallel_copy(to.data() + offset, from.data() + 1, bytes);
      ASSERT_TRUE(std::equal(to.begin() + static_cast<std::ptrdiff_t>(offset),
                             to.begin() + static_cast<std::ptrdiff_t>(offset + bytes), from.begin() + 1));
      EXPECT_EQ(to[offset + bytes], 0xee);
      EXPECT_TRUE(offset == 0 || to[offset - 1] == 0xee);
      parallel_zero(to.data() + offset, bytes, 1);
      EXPECT_EQ(std::count(to.begin(), to.end(), 0xee), static_cast<std::ptrdiff_t>(to.size() - bytes));
      EXPECT_EQ(to[offset + bytes], 0xee);
    }
  }
}

}  // namespace
}  // namespace ndshare::internal
