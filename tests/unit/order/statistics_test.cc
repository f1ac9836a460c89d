// Sets, searches and statistics: what their contracts promise, and every bad input.
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/limits.h>
#include <ndshare/sets.h>
#include <ndshare/sort.h>
#include <ndshare/statistics.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace ndshare {
namespace {

using test::code_of;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Array texts(std::initializer_list<const char*> values, std::int64_t length) {
  const Array out = zeros({static_cast<std::int64_t>(values.size())}, DType::str(length));
  std::int64_t i = 0;
  for (const char* value : values) fill(out(i++), value);
  return out;
}

TEST(StatisticsTest, MedianOfAFewNumbers) {
  EXPECT_DOUBLE_EQ(median(array({2.5, 3.1, 8.9, 2.2, 15.7, 2.8, 99.1, 3.0})).item<double>(), 3.05);
  EXPECT_TRUE(std::isnan(median(array({1.0, kNan, 2.0})).item<double>()));
  EXPECT_TRUE(std::isnan(median(zeros({0})).item<double>()));
  const double most = std::numeric_limits<double>::max();
  EXPECT_EQ(median(array({most, most})).item<double>(), most);
  EXPECT_EQ(median(array({most, most / 2})).item<double>(), most / 4 * 3);
}

/// Long lines, where only some buckets are looked into, against the sorted line; for any number of threads.
TEST(StatisticsTest, QuantilesOfLongLines) {
  std::mt19937_64 random(11);
  for (const int kind : {0, 1, 2, 3}) {
    const std::size_t n = 400'003;
    std::vector<double> in(n);
    for (double& value : in) {
      const auto draw = static_cast<double>(random() >> 11) * 0x1p-53;
      value = kind == 0    ? draw
              : kind == 1  ? std::floor(draw * 3)
              : kind == 2  ? std::exp(draw * 1400 - 700)
              : draw < 0.9 ? 7
                           : -draw;
    }
    const Array x = from_vector(in), q = array({0.0, 0.1, 0.5, 0.999, 1.0});
    std::sort(in.begin(), in.end());
    for (const int threads : {1, 2, 3}) {
      const Array got = quantile(x, q, {.threads = threads});
      for (std::int64_t i = 0; i < q.size(); ++i) {
        const double at = q.at<double>(i) * static_cast<double>(n - 1);
        const auto low = static_cast<std::size_t>(at);
        const double a = in[low], b = in[std::min(low + 1, n - 1)];
        EXPECT_NEAR(got.at<double>(i), a + (b - a) * (at - std::floor(at)), std::abs(b) * 1e-15) << kind << ' ' << i;
      }
      EXPECT_EQ(median(x, {.threads = threads}).item<double>(), in[n / 2]);
    }
    fill(x(n / 3), kNan);
    EXPECT_TRUE(std::isnan(median(x).item<double>()));
  }
}

/// One NaN for each line of nothing.
TEST(StatisticsTest, QuantilesOfNothing) {
  EXPECT_TRUE(array_equal(median(zeros({0, 3}), {.axis = 0}), array({kNan, kNan, kNan}), true));
  const Array two = quantile(zeros({2, 0, 3}), array({0.0, 0.5}), {.axis = 1});
  EXPECT_EQ(two.shape(), (Shape{2, 2, 3}));
  for (const double value : two.as_span<const double>()) EXPECT_TRUE(std::isnan(value));
}

TEST(StatisticsTest, QuantileShapes) {
  const Array x = arange(24).reshape({2, 3, 4});
  EXPECT_EQ(quantile(x, array({{0.5, 0.25}}), {.axis = {0, 2}}).shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(quantile(x, 0.5, {.axis = 1, .keepdims = true}).shape(), (Shape{2, 1, 4}));
  EXPECT_TRUE(array_equal(median(x, {.axis = {0, 1}}), array({10.0, 11.0, 12.0, 13.0})));
  EXPECT_EQ(percentile(x, 100).item<double>(), 23);
}

TEST(StatisticsTest, QuantilesIntoOut) {
  const Array x = array({{4.0, 1.0, 3.0, 2.0}, {8.0, 7.0, 5.0, 6.0}});
  const Array both = zeros({2, 2}), column = both(all, 1);
  EXPECT_TRUE(shares_memory(median(x, {.axis = 1, .out = column}), both));
  EXPECT_TRUE(array_equal(both, array({{0.0, 2.5}, {0.0, 6.5}})));
  quantile(x, array({0.0, 1.0}), {.axis = 1, .out = both});
  EXPECT_TRUE(array_equal(both, array({{1.0, 5.0}, {4.0, 8.0}})));
  const Array small = zeros({1, 4}, float32), whole = zeros({}, complex128);
  percentile(x, 50, {.axis = 0, .keepdims = true, .out = small});
  EXPECT_TRUE(array_equal(small, array({{6.0F, 4.0F, 4.0F, 4.0F}}, float32)));
  EXPECT_EQ(quantile(x, 0.5, {.out = whole}).item<std::complex<double>>(), 4.5);
  const Array own = x.copy();
  median(own, {.axis = 0, .out = own(1)});
  EXPECT_TRUE(array_equal(own, array({{4.0, 1.0, 3.0, 2.0}, {6.0, 4.0, 4.0, 4.0}})));
  median(zeros({0, 2}), {.axis = 0, .out = column});
  EXPECT_TRUE(array_equal(column, array({kNan, kNan}), true));
}

/// Refused before anything is computed: `out` stays as it was.
TEST(StatisticsTest, BadOut) {
  const Array x = array({{4.0, 1.0}, {8.0, 7.0}}), out = array({9.0, 9.0}), counts = array({9, 9}),
              q = array({0.5, 2.0});
  EXPECT_EQ(code_of([&] { median(x, {.out = out}); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { median(x, {.axis = 0, .keepdims = true, .out = out}); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { quantile(x, q(slice(1)), {.axis = 0, .out = out}); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { quantile(x, 0.5, {.axis = 0, .out = counts}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { quantile(x, 0.5, {.axis = 0, .out = texts({"a", "b"}, 1)}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { percentile(x, 50, {.axis = 0, .out = out.as_readonly()}); }), Error::ReadOnly);
  EXPECT_EQ(code_of([&] { quantile(x, q, {.out = out}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { median(x, {.axis = 2, .out = out}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { median(x, {.axis = 0, .out = out, .threads = -1}); }), Error::Usage);
  EXPECT_TRUE(array_equal(out, array({9.0, 9.0})) && array_equal(counts, array({9, 9})));
}

TEST(StatisticsTest, BadQuantiles) {
  const Array x = array({1.0, 2.0});
  for (const double q : {-0.1, 1.1, kNan})
    EXPECT_EQ(code_of([&] { static_cast<void>(quantile(x, q)); }), Error::Usage) << q;
  EXPECT_EQ(code_of([&] { static_cast<void>(percentile(x, 101)); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(median(x, {.axis = 1})); }), Error::Axis);
  EXPECT_EQ(code_of([&] { static_cast<void>(median(x, {.axis = {0, -1}})); }), Error::Axis);
  EXPECT_EQ(code_of([&] { static_cast<void>(median(texts({"a"}, 1))); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(median(zeros({2}, complex128))); }), Error::DtypeMismatch);
}

TEST(StatisticsTest, HistogramsAndCounts) {
  const Histogram got = histogram(array({1.0, 2.0, 1.0, kNan, 4.0}), array({1.0, 2.0, 3.0, 4.0}));
  EXPECT_TRUE(array_equal(got.counts, array({2, 1, 1})));
  EXPECT_TRUE(array_equal(histogram(array({1, 2, 1}), 2, {.density = true}).counts, array({4.0 / 3, 2.0 / 3})));
  EXPECT_TRUE(
      array_equal(bincount(array({3, 1, 3}), {.weights = array({0.5, 2.0, 1.0})}), array({0.0, 2.0, 0.0, 1.5})));
  const Array x = array({1.0, 2.0});
  EXPECT_EQ(code_of([&] { static_cast<void>(histogram(x, array({2.0, 1.0}))); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(histogram(x, array({1.0, kNan}))); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(histogram(x, array({1.0}))); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(histogram(x, 0)); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(histogram(array({1.0, kNan}))); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(histogram(x, 3, {.range = {{2, 1}}})); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(histogram(x, 3, {.weights = array({1.0})})); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(bincount(x)); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(bincount(array({1, -1}))); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { static_cast<void>(bincount(array({1}), {.minlength = -1})); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(bincount(array({std::int64_t{1} << 61}))); }), Error::MemoryGuard);
  EXPECT_EQ(code_of([&] { static_cast<void>(bincount(array({UINT64_MAX}, uint64))); }), Error::MemoryGuard);
}

TEST(SetsTest, UniqueKeepsEveryNanOrOne) {
  const Array x = array({kNan, 1.0, kNan, -0.0, 0.0, 1.0});
  EXPECT_EQ(unique_values(x).size(), 4);
  EXPECT_TRUE(array_equal(unique(x).values, array({0.0, 1.0, kNan}), true));
  EXPECT_TRUE(array_equal(unique_counts(x).counts, array({2, 2, 1, 1})));
  const UniqueAll all_of = unique_all(x);
  EXPECT_TRUE(array_equal(all_of.indices, array({3, 1, 0, 2})));
  EXPECT_TRUE(array_equal(all_of.inverse_indices, array({2, 1, 3, 0, 0, 1})));
}

TEST(SetsTest, TextOfTwoLengths) {
  const Array a = texts({"pear", "fig", "pear", "\u00e9t\u00e9"}, 4), b = texts({"fig", "plum-tree"}, 9);
  EXPECT_TRUE(array_equal(unique_values(a), texts({"fig", "pear", "\u00e9t\u00e9"}, 4)));
  EXPECT_TRUE(array_equal(isin(a, b), array({false, true, false, false})));
  EXPECT_TRUE(array_equal(union1d(a, b), texts({"fig", "pear", "plum-tree", "\u00e9t\u00e9"}, 9)));
  EXPECT_TRUE(array_equal(searchsorted(texts({"b", "d"}, 1), texts({"a", "b", "cc", "e"}, 2)), array({0, 0, 1, 2})));
}

TEST(SetsTest, BadInput) {
  const Array x = array({1, 2}), text = texts({"a"}, 1), rows = zeros({2}, DType::parse("a:i4"));
  for (const auto& call : {union1d, intersect1d, setdiff1d, setxor1d})
    EXPECT_EQ(code_of([&] { static_cast<void>(call(x, text)); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(isin(x, rows)); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(searchsorted(x, text)); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(searchsorted(x.reshape({1, 2}), x)); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(searchsorted(x, x, {.sorter = array({0, 2})})); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { static_cast<void>(searchsorted(x, x, {.sorter = array({0})})); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] {
              static_cast<void>(searchsorted(x, x, {.sorter = array({0.0, 1.0})}));
            }),
            Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(digitize(x, array({1, 3, 2}))); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(unique(x, {.threads = -1})); }), Error::Usage);
  const Limits cap{.max_bytes = 8};
  EXPECT_EQ(code_of([&] { static_cast<void>(unique_values(x)); }), Error::MemoryGuard);
  EXPECT_EQ(code_of([&] { static_cast<void>(searchsorted(x, x)); }), Error::MemoryGuard);
}

TEST(SearchTest, SorterAndSides) {
  const Array x = array({30, 10, 20, 20}), order = argsort(x);
  EXPECT_TRUE(array_equal(searchsorted(x, array({20, 5, 40}), {.sorter = order}), array({1, 0, 4})));
  EXPECT_TRUE(
      array_equal(searchsorted(x, array({20, 5, 40}), {.side = Side::right, .sorter = order}), array({3, 0, 4})));
  EXPECT_TRUE(array_equal(searchsorted(array({1.0, kNan}), array({kNan, 2.0})), array({1, 1})));
}

}  // namespace
}  // namespace ndshare
