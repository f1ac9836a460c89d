#include "tools/cli/progress.h"

#include <sstream>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::cli {
namespace {

TEST(ProgressTest, LineShowsShareBytesAndRate) {
  const auto half = progress_line(1LL << 30, 2LL << 30, 0.5);
  EXPECT_NE(half.find("[###############               ]"), std::string::npos) << half;
  EXPECT_NE(half.find("50 %"), std::string::npos) << half;
  EXPECT_NE(half.find("2.15 GB/s"), std::string::npos) << half;
}

TEST(ProgressTest, OddNumbersStayInsideTheBar) {
  EXPECT_LT(progress_line(5, 0, 1).size(), 120U);
  EXPECT_NE(progress_line(10, 5, 1).find("100 %"), std::string::npos);
  EXPECT_NE(progress_line(-1, -1, 0).find("  0 %"), std::string::npos);
  EXPECT_LT(progress_line(INT64_MAX, INT64_MAX, 1e-9).size(), 120U);
}

TEST(ProgressTest, RateOfNoTimeIsNoNumber) {
  EXPECT_EQ(format_rate(100, 0), "-");
  EXPECT_EQ(format_rate(3'000'000'000, 2), "1.50 GB/s");
}

TEST(ProgressTest, BarIsForLongWorkOnATerminalAndIsWiped) {
  std::ostringstream out;
  {
    ProgressBar bar(out, true);
    const auto callback = bar.callback();
    callback(1, kProgressFromBytes - 1);
    EXPECT_EQ(out.str(), "") << "short work";
    callback(1, -1);
    EXPECT_EQ(out.str(), "") << "unknown length";
    callback(1, kProgressFromBytes);
    EXPECT_NE(out.str().find("[ "), std::string::npos);
    const auto first = out.str();
    callback(2, kProgressFromBytes);
    EXPECT_EQ(out.str(), first) << "at most ten times a second";
  }
  EXPECT_TRUE(out.str().ends_with("\r\x1b[K"));
  std::ostringstream pipe;
  {
    ProgressBar bar(pipe, false);
    EXPECT_FALSE(bar.callback());
  }
  EXPECT_EQ(pipe.str(), "");
}

}  // namespace
}  // namespace ndshare::cli
