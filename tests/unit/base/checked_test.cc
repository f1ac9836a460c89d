#include "lib/base/checked.h"

#include <gtest/gtest.h>

namespace ndshare::internal {
namespace {

TEST(CheckedTest, SaysWhenANumberDoesNotFit) {
  EXPECT_EQ(checked_mul<std::int64_t>(1LL << 31, 1LL << 31), 1LL << 62);
  EXPECT_FALSE(checked_mul<std::int64_t>(1LL << 32, 1LL << 31));
  EXPECT_FALSE(checked_add<std::uint64_t>(UINT64_MAX, 1));
  EXPECT_EQ(checked_cast<std::uint32_t>(std::int64_t{7}), 7U);
  EXPECT_FALSE(checked_cast<std::uint32_t>(std::int64_t{-1}));
}

TEST(CheckedTest, RoundsToPowersOfTwo) {
  EXPECT_EQ(round_up(1, 4096), 4096U);
  EXPECT_EQ(round_up(4096, 4096), 4096U);
  EXPECT_EQ(round_down(8191, 4096), 4096U);
  EXPECT_TRUE(is_power_of_two(64));
  EXPECT_FALSE(is_power_of_two(0));
}

}  // namespace
}  // namespace ndshare::internal
