// Numbers are distributed as they should be: moments, Kolmogorov–Smirnov, chi-square, tails.
#include <ndshare/cast.h>
#include <ndshare/random.h>

#include "tests/unit/random/statistics.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

namespace ndshare {
namespace {

using test::chi_square_sigmas;
using test::kolmogorov;
using test::normal_below;

constexpr std::int64_t kMany = std::int64_t{1} << 24;

std::vector<double> values(const Array& x) {
  const Array wide = astype(x, float64, {.casting = Casting::unsafe});
  const auto all = wide.as_span<const double>();
  return {all.begin(), all.end()};
}

TEST(DistributionTest, NormalMoments) {
  for (const DType& dtype : {float64, float32}) {
    double sums[5] = {};
    for (const double z : values(Random(7).normal({kMany}, 0, 1, {.dtype = dtype}))) {
      double power = 1;
      for (double& sum : sums) sum += power, power *= z;
    }
    const auto n = static_cast<double>(kMany);
    EXPECT_LT(std::abs(sums[1] / std::sqrt(n)), 4) << "sum of n: variance n";
    EXPECT_LT(std::abs(sums[2] - n) / std::sqrt(2 * n), 4);
    EXPECT_LT(std::abs(sums[3]) / std::sqrt(15 * n), 4);
    EXPECT_LT(std::abs(sums[4] - 3 * n) / std::sqrt(96 * n), 4);
  }
}

// 400 bins from −5 to 5, and the two tails. Layers' edges, wedges and the tail would show at this number.
TEST(DistributionTest, NormalHistogram) {
  for (const std::uint64_t seed : {1U, 2U}) {
    std::vector<double> counts(402), expected(402);
    for (const double z : values(Random(seed).normal({kMany}))) {
      const double bin = std::floor((z + 5) * 40) + 1;
      ++counts[static_cast<std::size_t>(std::min(401.0, std::max(0.0, bin)))];
    }
    for (int i = 0; i < 402; ++i) {
      const double low = i == 0 ? 0 : normal_below((i - 1) / 40.0 - 5), high = i == 401 ? 1 : normal_below(i / 40.0 - 5);
      expected[static_cast<std::size_t>(i)] = (high - low) * static_cast<double>(kMany);
    }
    EXPECT_LT(std::abs(chi_square_sigmas(counts, expected)), 4) << seed;
  }
}

TEST(DistributionTest, NormalTails) {
  const std::vector<double> z = values(Random(3).normal({kMany}));
  for (const double beyond : {3.0, 3.6541528853610088, 4.0, 4.5, 5.0}) {
    for (const double sign : {-1.0, 1.0}) {
      const auto count = static_cast<double>(std::count_if(z.begin(), z.end(), [&](double x) { return sign * x > beyond; }));
      const double expected = normal_below(-beyond) * static_cast<double>(kMany);
      EXPECT_LT(std::abs(count - expected), 4 * std::sqrt(expected)) << sign * beyond << ": " << count << ", expected " << expected;
    }
  }
}

// The tail beyond the last layer is of the right shape, not just of the right size.
TEST(DistributionTest, NormalTailsShape) {
  constexpr double kR = 3.6541528853610088;
  std::vector<double> tail;
  Random random(4);
  for (int i = 0; i < 8; ++i) {
    const Array z = random.normal({kMany});
    for (const double x : z.as_span<const double>()) {
      if (std::abs(x) > kR) tail.push_back(std::abs(x));
    }
  }
  EXPECT_GT(tail.size(), 33'000U);
  EXPECT_LT(kolmogorov(tail, [&](double x) { return 1 - normal_below(-x) / normal_below(-kR); }), 1.95);
}

TEST(DistributionTest, NormalIsSmooth) {
  const std::vector<double> z = values(Random(5).normal({1 << 20}, 3, 0.5));
  EXPECT_LT(kolmogorov(z, [](double x) { return normal_below((x - 3) / 0.5); }), 1.95);
  double lag = 0;
  for (std::size_t i = 1; i < z.size(); ++i) lag += (z[i] - 3) * (z[i - 1] - 3) / 0.25;
  EXPECT_LT(std::abs(lag) / std::sqrt(static_cast<double>(z.size())), 4) << "neighbours know of each other";
}

TEST(DistributionTest, Uniform) {
  for (const DType& dtype : {float64, float32}) {
    const std::vector<double> x = values(Random(9).uniform({1 << 20}, -2, 6, {.dtype = dtype}));
    EXPECT_LT(kolmogorov(x, [](double at) { return (at + 2) / 8; }), 1.95);
    std::vector<double> bins(1024), pairs(1024);
    for (std::size_t i = 0; i + 1 < x.size(); i += 2) {
      const double a = (x[i] + 2) / 8, b = (x[i + 1] + 2) / 8;
      ++bins[static_cast<std::size_t>(a * 1024)];
      ++pairs[static_cast<std::size_t>(a * 32) * 32 + static_cast<std::size_t>(b * 32)];
    }
    EXPECT_LT(std::abs(chi_square_sigmas(bins)), 4);
    EXPECT_LT(std::abs(chi_square_sigmas(pairs)), 4);
  }
}

TEST(DistributionTest, UniformUsesAllItsBits) {
  std::vector<double> ones(53);
  const Array x = Random(10).uniform({1 << 16});
  for (const double u : x.as_span<const double>()) {
    const auto bits = static_cast<std::uint64_t>(u * 0x1p53);
    EXPECT_EQ(static_cast<double>(bits), u * 0x1p53) << "steps of 2^-53";
    for (std::size_t i = 0; i < 53; ++i) ones[i] += static_cast<double>(bits >> i & 1);
  }
  for (const double count : ones) EXPECT_LT(std::abs(count - 32768), 4.5 * 128);
}

TEST(DistributionTest, Integers) {
  for (const std::int64_t range : {2, 7, 100, 1000}) {
    std::vector<double> counts(static_cast<std::size_t>(range));
    for (const double x : values(Random(11).integers({1 << 20}, -3, range - 3))) ++counts[static_cast<std::size_t>(x + 3)];
    EXPECT_LT(std::abs(chi_square_sigmas(counts)), 4) << range;
  }
}

// A range of 3·2^62: of the plain product every third number would come twice as often as the others.
TEST(DistributionTest, IntegersOfAwkwardRangesAreUnbiased) {
  constexpr std::int64_t low = INT64_MIN, high = INT64_MIN / 4 * -2;  // 2^62
  std::vector<double> counts(3), quarters(3);
  const Array drawn = Random(12).integers({1 << 20}, low, high);
  for (const std::int64_t x : drawn.as_span<const std::int64_t>()) {
    ASSERT_LT(x, high);
    const std::uint64_t up = static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(low);
    ++counts[up % 3], ++quarters[up >> 62];
  }
  EXPECT_LT(std::abs(chi_square_sigmas(counts)), 4);
  EXPECT_LT(std::abs(chi_square_sigmas(quarters)), 4);
}

TEST(DistributionTest, StreamsAndSeedsAreApart) {
  const std::vector<Random> sources = {Random(1), Random(2), Random(1, 1), Random(1, 2)};
  std::vector<std::vector<double>> x;
  for (Random source : sources) x.push_back(values(source.normal({1 << 18})));
  for (std::size_t a = 0; a < x.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      double product = 0;
      for (std::size_t i = 0; i < x[a].size(); ++i) product += x[a][i] * x[b][i];
      EXPECT_LT(std::abs(product) / 512, 4) << a << ' ' << b;
    }
  }
}

}  // namespace
}  // namespace ndshare
