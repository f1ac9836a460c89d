// Permutations and samples: what is drawn, how often, from which arrays, and what is refused.
#include <ndshare/array.h>
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/limits.h>
#include <ndshare/random.h>

#include "tests/support/support.h"
#include "tests/unit/random/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace ndshare {
namespace {

using test::chi_square_sigmas;
using test::code_of;
using test::message_of;

std::vector<std::int64_t> numbers(const Array& x) {
  const Array line = x.flatten();
  const auto all = line.as_span<const std::int64_t>();
  return {all.begin(), all.end()};
}
Array line(std::int64_t n) { return arange(0, n, 1, int64); }

TEST(PermutationTest, HoldsEachNumberOnce) {
  for (const std::int64_t n : {0, 1, 2, 3, 1023, 1024, 1025, 100'000}) {
    Random random(4);
    std::vector<std::int64_t> order = numbers(random.permutation(n));
    EXPECT_EQ(random.position(), static_cast<std::uint64_t>(n));
    const bool moved = !std::is_sorted(order.begin(), order.end());
    EXPECT_TRUE(moved || n < 4);
    std::sort(order.begin(), order.end());
    std::vector<std::int64_t> expected(static_cast<std::size_t>(n));
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(order, expected);
  }
}

TEST(PermutationTest, OrdersAreEquallyLikely) {
  for (const std::int64_t n : {3, 4}) {
    Random random(8);
    std::map<std::vector<std::int64_t>, double> counts;
    for (int i = 0; i < 24'000; ++i) ++counts[numbers(random.permutation(n))];
    std::vector<double> each;
    for (const auto& [order, count] : counts) each.push_back(count);
    ASSERT_EQ(each.size(), n == 3 ? 6U : 24U);
    EXPECT_LT(std::abs(chi_square_sigmas(each)), 4);
  }
}

TEST(PermutationTest, RowsOfArraysOfAnyDtypeAndStrides) {
  const Array order = Random(2).permutation(20);
  const Array x = arange(0, 120, 1, int64).reshape({20, 6});
  const Array views[] = {x, x(slice(none), slice(none, none, -2)), x(slice(none, none, -1)), x.T().copy().T(), x(slice(none), 3),
                         astype(x, float32), x.view_as(DType::bytes(8)), x.view_as(DType::parse("[('a','<i2'),('b','<i4'),('c','|S2')]"))};
  for (const Array& view : views) {
    const Array got = Random(2).permutation(view);
    ASSERT_EQ(got.shape(), view.shape());
    for (std::int64_t i = 0; i < 20; ++i) {
      EXPECT_TRUE(array_equal(got(i), view(order.at<std::int64_t>(i)))) << view.dtype().name() << i;
    }
  }
  EXPECT_EQ(Random(2).permutation(zeros({0, 3})).shape(), (Shape{0, 3}));
  EXPECT_EQ(Random(2).permutation(zeros({3, 0})).shape(), (Shape{3, 0}));
}

TEST(ChoiceTest, WithReplacementIsUniform) {
  const Array got = Random(5).choice(line(10), {100'000});
  std::vector<double> counts(10);
  for (const std::int64_t x : numbers(got)) ++counts[static_cast<std::size_t>(x)];
  EXPECT_LT(std::abs(chi_square_sigmas(counts)), 4);
}

TEST(ChoiceTest, WeightsAreProbabilities) {
  const std::vector<double> p = {0.05, 0.5, 0.15, 0.3};
  for (const DType& dtype : {float64, float32}) {
    const Array got = Random(6).choice(line(4), {400, 500}, {.p = astype(from_vector(p), dtype, {.casting = Casting::unsafe})});
    EXPECT_EQ(got.shape(), (Shape{400, 500}));
    std::vector<double> counts(4), expected;
    for (const std::int64_t x : numbers(got)) ++counts[static_cast<std::size_t>(x)];
    for (const double part : p) expected.push_back(part * 200'000);
    EXPECT_LT(std::abs(chi_square_sigmas(counts, expected)), 4);
  }
  const Array certain = Random(1).choice(line(3), {1000}, {.p = array({0, 1, 0}, int8)});
  EXPECT_TRUE(array_equal(certain, full({1000}, 1, int64)));
}

// Drawn one by one: row a, then row b of what is left.
TEST(ChoiceTest, WithoutReplacementByWeights) {
  const std::vector<double> p = {0.1, 0.2, 0.3, 0.4};
  Random random(7);
  std::vector<double> counts(16), seen, expected;
  for (int i = 0; i < 60'000; ++i) {
    const std::vector<std::int64_t> pair = numbers(random.choice(line(4), {2}, {.replace = false, .p = from_vector(p)}));
    ++counts[static_cast<std::size_t>(pair[0] * 4 + pair[1])];
  }
  for (std::size_t a = 0; a < 4; ++a) {
    for (std::size_t b = 0; b < 4; ++b) {
      if (a == b) {
        EXPECT_EQ(counts[a * 4 + b], 0);
        continue;
      }
      seen.push_back(counts[a * 4 + b]), expected.push_back(60'000 * p[a] * p[b] / (1 - p[a]));
    }
  }
  EXPECT_LT(std::abs(chi_square_sigmas(seen, expected)), 4);
}

TEST(ChoiceTest, WithoutReplacementEachRowOnce) {
  for (const std::int64_t n : {10, 1000, 1'000'000}) {
    for (const std::int64_t count : {1, 3, 10}) {
      const std::vector<std::int64_t> got = numbers(Random(9).choice(line(n), {count}, {.replace = false}));
      EXPECT_EQ(std::set<std::int64_t>(got.begin(), got.end()).size(), static_cast<std::size_t>(count));
    }
  }
  std::vector<double> firsts(8), seconds(8);
  Random random(10);
  for (int i = 0; i < 16'000; ++i) {
    const std::vector<std::int64_t> got = numbers(random.choice(line(8), {2}, {.replace = false}));
    ++firsts[static_cast<std::size_t>(got[0])], ++seconds[static_cast<std::size_t>(got[1])];
  }
  EXPECT_LT(std::abs(chi_square_sigmas(firsts)), 4);
  EXPECT_LT(std::abs(chi_square_sigmas(seconds)), 4);
}

// Few of many rows are drawn through a map of what moved: it must be the table's result.
TEST(ChoiceTest, FewOfManyAreTheFirstOfMany) {
  const std::vector<std::int64_t> few = numbers(Random(3).choice(line(50'000), {1000}, {.replace = false}));
  const std::vector<std::int64_t> many = numbers(Random(3).choice(line(50'000), {20'000}, {.replace = false}));
  const std::vector<std::int64_t> every = numbers(Random(3).permutation(50'000));
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  EXPECT_TRUE(std::equal(many.begin(), many.end(), every.begin()));
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const std::vector<std::int64_t> some = numbers(Random(seed).choice(line(3200), {99}, {.replace = false}));
    const std::vector<std::int64_t> all_rows = numbers(Random(seed).permutation(3200));
    ASSERT_TRUE(std::equal(some.begin(), some.end(), all_rows.begin())) << seed;
  }
}

TEST(ChoiceTest, ShapesAndThreads) {
  const Array x = arange(0, 600'000, 1, float64).reshape({300'000, 2});
  const Array expected = Random(1).choice(x, {400, 500}, {.threads = 1});
  EXPECT_EQ(expected.shape(), (Shape{400, 500, 2}));
  EXPECT_TRUE(array_equal(Random(1).choice(x, {400, 500}, {.threads = 3}), expected));
  EXPECT_EQ(Random(1).choice(x, {}).shape(), (Shape{2}));
  EXPECT_EQ(Random(1).choice(x, {0, 4}).shape(), (Shape{0, 4, 2}));
  EXPECT_EQ(Random(1).choice(zeros({0, 2}), {0}).shape(), (Shape{0, 2}));
  const Array p = full({300'000}, 1.0 / 300'000, float64);
  EXPECT_TRUE(array_equal(Random(1).choice(x, {200'000}, {.p = p, .threads = 1}), Random(1).choice(x, {200'000}, {.p = p, .threads = 3})));
}

TEST(ChoiceTest, TakesTheWordsThatItSays) {
  Random random(1);
  static_cast<void>(random.choice(line(5), {7}));
  EXPECT_EQ(random.position(), 7U);
  static_cast<void>(random.choice(line(5), {3}, {.replace = false}));
  EXPECT_EQ(random.position(), 10U);
  static_cast<void>(random.choice(line(2), {9}, {.p = array({0.5, 0.5})}));
  EXPECT_EQ(random.position(), 19U);
  static_cast<void>(random.choice(line(4), {2}, {.replace = false, .p = full({4}, 0.25, float64)}));
  EXPECT_EQ(random.position(), 23U);
  static_cast<void>(random.permutation(ones({6, 2})));
  EXPECT_EQ(random.position(), 29U);
}

TEST(ChoiceTest, RefusesWhatIsWrong) {
  Random random(1);
  const Array x = line(4);
  const auto choose = [&](const Shape& shape, const ChoiceOptions& options) {
    return code_of([&] { (void)random.choice(x, shape, options); });
  };
  EXPECT_EQ(choose({5}, {.replace = false}), Error::Usage);
  EXPECT_EQ(choose({2}, {.p = array({0.5, 0.5})}), Error::ShapeMismatch);
  EXPECT_EQ(choose({2}, {.p = full({4, 1}, 0.25, float64)}), Error::ShapeMismatch);
  EXPECT_EQ(choose({2}, {.p = array({0.5, 0.75, -0.25, 0.0})}), Error::Usage);
  EXPECT_EQ(choose({2}, {.p = array({0.5, 0.75, std::nan(""), 0.0})}), Error::Usage);
  EXPECT_EQ(choose({2}, {.p = array({0.5, HUGE_VAL, 0.0, 0.0})}), Error::Usage);
  EXPECT_EQ(choose({2}, {.p = array({0.5, 0.2, 0.2, 0.0})}), Error::Usage);
  EXPECT_EQ(choose({2}, {.p = zeros({4}, complex128)}), Error::DtypeMismatch);
  EXPECT_EQ(choose({2}, {.p = zeros({4}, DType::str(2))}), Error::DtypeMismatch);
  EXPECT_EQ(choose({3}, {.replace = false, .p = array({0.5, 0.5, 0.0, 0.0})}), Error::Usage);
  EXPECT_EQ(choose({-1}, {}), Error::Shape);
  EXPECT_EQ(choose({2}, {.threads = -1}), Error::Usage);
  EXPECT_EQ(choose({std::int64_t{1} << 45}, {}), Error::MemoryGuard);
  EXPECT_EQ(code_of([&] { (void)random.choice(line(0), {1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)random.choice(scalar_array(3, int64), {1}); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { (void)random.permutation(scalar_array(3, int64)); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { (void)random.permutation(-1); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)random.permutation(std::int64_t{1} << 45); }), Error::MemoryGuard);
  EXPECT_EQ(code_of([&] { (void)random.permutation(ones({1, 1}).broadcast_to({1, std::int64_t{1} << 45})); }), Error::MemoryGuard);
  const Array vast = ones({1}).broadcast_to({std::int64_t{1} << 45});
  EXPECT_EQ(code_of([&] { (void)random.choice(vast, {2}, {.p = vast}); }), Error::MemoryGuard);
  EXPECT_EQ(code_of([&] { (void)random.choice(vast, {2}, {.replace = false, .p = vast}); }), Error::MemoryGuard);
  {
    const Limits cap{.max_bytes = 1'000'000};
    EXPECT_EQ(code_of([&] { (void)random.choice(vast(slice(0, 200'000)), {100'000}, {.replace = false}); }), Error::MemoryGuard);
  }
  EXPECT_EQ(random.position(), 0U) << "a call that fails takes no words";
  const std::string more = message_of([&] { (void)random.choice(x, {5}, {.replace = false}); });
  EXPECT_NE(more.find("5 rows asked, x has 4"), std::string::npos) << more;
}

}  // namespace
}  // namespace ndshare
