// Sorts, searches, sets and statistics of random dtypes, shapes, layouts and axes, against NumPy. numpy_order.py makes
// the cases.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/io.h>
#include <ndshare/print.h>
#include <ndshare/sets.h>
#include <ndshare/sort.h>
#include <ndshare/statistics.h>

#include "tests/support/sample.h"
#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace ndshare {
namespace {

struct Case {
  std::string number, op, axis, extra, index, axes;
  bool second = false;
  int outs = 0;
};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream words(text);
  for (std::string word; text != "-" && std::getline(words, word, ',');) out.push_back(word);
  return out;
}

std::vector<Array> order_case(const Case& one, const Array& x, const Array& y, int threads) {
  SortOptions options{.axis = none,
                      .order = one.op == "partition" ? std::vector<std::string>() : words_of(one.extra),
                      .threads = threads};
  if (one.axis != "all") options.axis = std::stoll(one.axis);
  if (one.op == "argsort") return {argsort(x, options)};
  if (one.op == "lexsort") return {lexsort({x, y}, options)};
  if (one.op == "partition") {
    std::vector<std::int64_t> kth;
    for (const std::string& k : words_of(one.extra)) kth.push_back(std::stoll(k));
    const Array all_of = partition(x, kth, options);
    const auto axis = static_cast<std::size_t>(options.axis.value_or(0));
    const std::int64_t length = all_of.shape()[static_cast<int>(axis)];
    std::vector<Array> out;
    for (const std::int64_t k : kth) {
      std::vector<Index> index(static_cast<std::size_t>(all_of.ndim()), all);
      index[axis] = slice((k + length) % length, (k + length) % length + 1);
      out.push_back(all_of.view(index));
    }
    return out;
  }
  options.stable = true;
  const Array stable = sort(x, options);
  options.stable = false;
  EXPECT_TRUE(array_equal(sort(x, options), stable, true));
  if (options.axis) {
    const Array own = x.copy(Order::F);
    sort_in_place(own, options);
    EXPECT_TRUE(array_equal(own, stable, true)) << "in place";
  }
  return {stable};
}

std::vector<Array> run(const Case& one, const Array& x, const Array& y, int threads) {
  std::optional<Array> weights;
  if (one.second) weights = y;
  const QuantileOptions along{.axis = one.axis == "all" ? Axes() : Axes(std::stoll(one.axis)), .threads = threads};
  if (one.op == "sort" || one.op == "argsort" || one.op == "lexsort" || one.op == "partition")
    return order_case(one, x, y, threads);
  if (one.op == "searchsorted")
    return {searchsorted(y, x, {.side = one.extra == "left" ? Side::left : Side::right, .threads = threads})};
  if (one.op == "unique") {
    const Unique got = unique(x, {.index = true, .inverse = true, .counts = true, .threads = threads});
    EXPECT_TRUE(array_equal(unique(x, {.threads = threads}).values, got.values, true));
    return {got.values, *got.index, *got.inverse, *got.counts};
  }
  if (one.op == "isin") return {isin(x, y, false, threads)};
  if (one.op == "union1d") return {union1d(x, y)};
  if (one.op == "intersect1d") return {intersect1d(x, y)};
  if (one.op == "setdiff1d") return {setdiff1d(x, y)};
  if (one.op == "setxor1d") return {setxor1d(x, y)};
  if (one.op == "median") return {median(x, along)};
  if (one.op == "quantile") return {quantile(x, y, along)};
  if (one.op == "percentile") return {percentile(x, y, along)};
  if (one.op == "histogram") {
    const Histogram got = histogram(x, std::stoll(one.extra), {.weights = weights, .threads = threads});
    return {got.counts, got.edges};
  }
  if (one.op == "edges") return {histogram(x, y, {.threads = threads}).counts};
  if (one.op == "bincount")
    return {bincount(x, {.weights = weights, .minlength = std::stoll(one.extra), .threads = threads})};
  return {digitize(x, y, one.extra == "1", threads)};
}

/// How many epsilons of its dtype a result may be apart: interpolated values and sums of weights are rounded on the
/// way.
double tolerance(const Case& one) {
  if (one.op == "quantile" || one.op == "percentile" || one.op == "median") return 8;
  return one.op == "histogram" || one.op == "bincount" ? 1e4 : 0;
}

std::string compare(const Array& got, const Array& want, double most) {
  if (got.dtype() != want.dtype()) return "dtype " + got.dtype().name() + ", NumPy " + want.dtype().name();
  if (got.shape() != want.shape()) return "shape " + got.shape().str() + ", NumPy " + want.shape().str();
  if (array_equal(got, want, true)) return "";
  if (most > 0 && got.dtype().is_floating()) {
    const double epsilon = got.dtype() == float64 ? 0x1p-52 : got.dtype() == float32 ? 0x1p-23 : 0x1p-10;
    const Array a = astype(got, float64), b = astype(want, float64);
    double apart = 0;
    for (std::int64_t i = 0; i < a.size(); ++i) {
      const double x = a.as_span<const double>()[static_cast<std::size_t>(i)],
                   y = b.as_span<const double>()[static_cast<std::size_t>(i)];
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      apart =
          std::max(apart, std::isfinite(x) && std::isfinite(y) ? std::abs(x - y) / epsilon / std::max(1e-4, std::abs(y))
                                                               : 1e300);
    }
    if (apart <= most) return "";
  }
  return to_string(got) + "\nNumPy\n" + to_string(want);
}

TEST(NumPyOrderTest, RandomCases) {
  const int count = std::getenv("NDSHARE_LONG") != nullptr ? 20'000 : 2'000 / test::kSample;
  const test::ScratchDir dir;
  const char* given = std::getenv("NDSHARE_TEST_SEED");
  const std::string seed = given != nullptr ? given : "20261128";
  std::ifstream file(std::string(NDSHARE_ORDER_TESTS) + "/numpy_order.py");
  const std::string program{std::istreambuf_iterator<char>(file), {}};
  const test::Finished numpy = test::run_numpy(program, {dir.path().string(), seed, std::to_string(count)});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  std::istringstream lines(numpy.out);
  int ran = 0;
  for (std::string line; std::getline(lines, line); ++ran) {
    std::istringstream words(line);
    Case one;
    words >> one.number >> one.op >> one.axis >> one.extra >> one.second >> one.outs >> one.index >> one.axes;
    Dims axes;
    for (const std::string& axis : words_of(one.axes)) axes.push_back(std::stoll(axis));
    const Array x = load(dir.file(one.number + "_x.npy")).view(parse_index(one.index)).transpose(axes);
    const Array y = one.second ? load(dir.file(one.number + "_y.npy")) : Array();
    SCOPED_TRACE("seed " + seed + ", case " + line + " of " + x.dtype().name() + x.shape().str() +
                 (one.second ? " and " + y.dtype().name() + y.shape().str() : ""));
    std::vector<Array> got, again;
    EXPECT_NO_THROW(got = run(one, x, y, 1));
    EXPECT_NO_THROW(again = run(one, x, y, 2));
    ASSERT_EQ(got.size(), static_cast<std::size_t>(one.outs));
    for (int i = 0; i < one.outs; ++i) {
      const auto at = static_cast<std::size_t>(i);
      EXPECT_EQ(compare(got[at], load(dir.file(one.number + "_out" + std::to_string(i) + ".npy")), tolerance(one)), "")
          << "result " << i;
      EXPECT_EQ(compare(again[at], got[at], 0), "") << "result " << i << " with two threads";
    }
  }
  EXPECT_EQ(ran, count);
}

}  // namespace
}  // namespace ndshare
