// Words against Random123's published vectors, and the exactness of integers below a range.
#include "lib/random/words.h"

#include "lib/random/ziggurat.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace ndshare::internal {
namespace {

// Random123, tests/kat_vectors, the lines "philox4x64 10": counter, key, result.
TEST(WordsTest, KnownAnswers) {
  constexpr std::uint64_t ones = UINT64_MAX;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words4{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Words4{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}));
  EXPECT_EQ(philox({0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
                   {0x452821e638d01377, 0xbe5466cf34e90c6c}),
            (Words4{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}));
}

TEST(WordsTest, WordsDoNotDependOnHowTheyAreAskedFor) {
  const PhiloxKey key{11, 22};
  std::vector<std::uint64_t> line(200);
  stream_words(key, 0, line.size(), line.data());
  for (std::uint64_t first = 0; first < 20; ++first) {
    for (std::size_t n = 0; n < 40; ++n) {
      std::vector<std::uint64_t> part(n);
      stream_words(key, first, n, part.data());
      EXPECT_TRUE(std::equal(part.begin(), part.end(), line.begin() + static_cast<std::ptrdiff_t>(first))) << first << ' ' << n;
    }
  }
  for (std::uint64_t word = 0; word < 200; ++word) EXPECT_EQ(line[word], philox({1 + word / 4, 0, 0, 0}, key)[word % 4]);
}

TEST(WordsTest, TheStreamBeginsAgainAtItsEnd) {
  const PhiloxKey key{5, 0};
  std::array<std::uint64_t, 40> across{}, front{};
  stream_words(key, UINT64_MAX - 19, 40, across.data());
  stream_words(key, 0, 20, front.data());
  EXPECT_TRUE(std::equal(front.begin(), front.begin() + 20, across.begin() + 20));
  std::array<std::uint64_t, 1> last{};
  stream_words(key, UINT64_MAX, 1, last.data());
  EXPECT_EQ(last[0], across[19]);
}

TEST(WordsTest, WordsThatComeTooOftenAreDrawnAnew) {
  // Of 2^64 words, a range of 3 has one word too many: word 0, the only one whose product ends below 2^64 mod 3 = 1.
  EXPECT_EQ(below({1, 2}, 9, 1, 3), 0U);
  const Words4 words = redraw({1, 2}, 9, 0);
  EXPECT_EQ(below({1, 2}, 9, 0, 3), static_cast<std::uint64_t>((Product{words[0]} * 3) >> 64));
  EXPECT_EQ(below({1, 2}, 9, 0, 1), 0U);
  EXPECT_EQ(below({1, 2}, 9, UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
}

TEST(WordsTest, PortableLogIsALogarithm) {
  for (double x = 0x1p-53; x < 1; x *= 1.001) {
    const long double exact = std::log(static_cast<long double>(x));
    EXPECT_NEAR(portable_log(x), static_cast<double>(exact), 4 * 0x1p-52 * std::abs(static_cast<double>(exact)) + 1e-18) << x;
  }
  EXPECT_EQ(portable_log(1), 0);
  EXPECT_NEAR(portable_log(1 - 0x1p-53), -0x1p-53, 1e-30);
}

}  // namespace
}  // namespace ndshare::internal
