// Sums and products of integers under each OnOverflow, against 128-bit arithmetic.
#include "tests/support/sample.h"
#include "tests/unit/exec/engine_support.h"

#include <ndshare/cast.h>
#include <ndshare/index.h>
#include <ndshare/reduce.h>

#include <algorithm>
#include <limits>

namespace ndshare {
namespace {

using test::below;
using test::chance;
using test::code_of;
using test::Engine;

__extension__ using Wide = __int128;
constexpr Wide kHuge = Wide{1} << 100;  // stands for all that is as large or larger

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max(), kLeast = std::numeric_limits<std::int64_t>::min();

Wide joined(bool product, Wide a, Wide b) {
  if (!product) return a + b;
  const bool negative = (a < 0) != (b < 0);
  const Wide x = a < 0 ? -a : a, y = b < 0 ? -b : b;
  const Wide size = x != 0 && y > kHuge / x ? kHuge : x * y;
  return negative ? -size : size;
}

struct Fit {
  std::vector<Wide> exact;  // of each result
  std::size_t over = 0;
};
template <class T>
Fit fit_of(const std::vector<Wide>& exact) {
  Fit out;
  for (const Wide value : exact) {
    const Wide low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
    out.over += value < low || value > high ? 1U : 0U;
    out.exact.push_back(std::clamp(value, low, high));
  }
  return out;
}

/// Rows of x (int64 or uint64 values, as they are), with a start; each prefix where `running`.
template <class T>
std::vector<Wide> rows_of(const Array& x, bool product, Wide start, bool running) {
  std::vector<Wide> out;
  for (std::int64_t row = 0; row < x.shape()[0]; ++row) {
    Wide all = start;
    for (std::int64_t i = 0; i < x.shape()[1]; ++i) {
      all = joined(product, all, Wide{x.at<T>(row, i)});
      if (running) out.push_back(all);
    }
    if (!running) out.push_back(all);
  }
  return out;
}

template <class T>
void check(Engine& random) {
  const DType dtype(type_id_of<T>());
  const bool product = chance(random, 50), running = chance(random, 30), flipped = chance(random, 50);
  const Shape shape{1 + below(random, 40), 1 + below(random, chance(random, 20) ? 3000 : 20)};
  const Array values = test::random_array(random, shape, dtype, chance(random, 50) ? test::Values::any : test::Values::moderate);
  const Array x = flipped ? values.T().copy().T() : values;
  const std::optional<Scalar> start = !running && chance(random, 50) ? std::optional<Scalar>(kMost - below(random, 3)) : std::nullopt;
  const Wide from = start ? Wide{start->as<std::int64_t>()} : product ? 1 : 0;
  const auto call = [&] {
    if (running) return product ? cumprod(x, {.axis = 1, .dtype = dtype}) : cumsum(x, {.axis = 1, .dtype = dtype});
    const ReduceOptions options{.axis = 1, .dtype = dtype, .initial = start, .threads = static_cast<int>(below(random, 3))};
    return product ? prod(x, options) : sum(x, options);
  };
  const Fit want = fit_of<T>(rows_of<T>(x, product, from, running));
  const std::string what = dtype.name() + (product ? " product " : " sum ") + x.shape().str();
  const auto counted = [&] {
    const ErrState counting{.overflow = OnOverflow::count};
    reset_error_counts();
    const Array wrapped = call();
    ASSERT_TRUE(array_equal(wrapped, [&] { const ErrState wrap{.overflow = OnOverflow::wrap}; return call(); }())) << what;
  };
  counted();
  ASSERT_EQ(error_counts().overflow, want.over) << what;
  {
    const ErrState raising{.overflow = OnOverflow::raise};
    ASSERT_EQ(code_of([&] { (void)call(); }), want.over == 0 ? ErrorCode::Ok : ErrorCode::Overflow) << what;
  }
  const ErrState saturating{.overflow = OnOverflow::saturate};
  const Array got = call().ravel();
  for (std::int64_t i = 0; i < got.size(); ++i) ASSERT_TRUE(Wide{got.at<T>(i)} == want.exact[static_cast<std::size_t>(i)]) << what << " at " << i;
}

TEST(IntegerFitTest, EveryPolicyAgainst128Bits) {
  Engine random(test::test_seed());
  for (int round = 0; round < 300 / test::kSample; ++round) {
    check<std::int64_t>(random), check<std::uint64_t>(random);
  }
}

TEST(IntegerFitTest, OnlyTheEndCounts) {
  const ErrState raising{.overflow = OnOverflow::raise};
  EXPECT_EQ(sum(array({kMost, std::int64_t{5}, std::int64_t{-5}})).item<std::int64_t>(), kMost) << "out of the dtype and back";
  EXPECT_EQ(sum(array({kMost, std::int64_t{1}}), {.initial = -1}).item<std::int64_t>(), kMost);
  EXPECT_EQ(prod(array({kMost, kMost, std::int64_t{0}, kLeast})).item<std::int64_t>(), 0);
  EXPECT_EQ(prod(full({63}, -2, int64)).item<std::int64_t>(), kLeast);
  EXPECT_EQ(code_of([] { (void)prod(full({64}, -2, int64)); }), Error::Overflow);
  EXPECT_EQ(code_of([] { (void)sum(array({kMost}), {.initial = 1}); }), Error::Overflow);
  EXPECT_EQ(code_of([] { (void)sum(full({3}, 100, int8), {.dtype = int8}); }), Error::Overflow) << "the result's dtype";
  EXPECT_EQ(sum(full({3}, 100, int8)).item<int>(), 300);
  const Array out = full({}, 7, int64), mask = array({true, false});
  EXPECT_EQ(code_of([&] { sum(full({2}, kMost, int64), {.out = out}); }), Error::Overflow);
  EXPECT_EQ(out.item<int>(), 7) << "out is unchanged";
  EXPECT_EQ(sum(full({2}, kMost, int64), {.where = mask}).item<std::int64_t>(), kMost);
  const Array running = full({2}, 7, int64);
  EXPECT_EQ(code_of([&] { cumsum(full({2}, kMost, int64), {.out = running}); }), Error::Overflow);
  EXPECT_EQ(running.at<int>(1), 7);
}

TEST(IntegerFitTest, StepsOfAnExpressionAreToldOnce) {
  const Array x = full({1000}, kMost, int64);
  const ErrState counting{.overflow = OnOverflow::count};
  reset_error_counts();
  (void)sum(lazy(x) + 1);
  EXPECT_EQ(error_counts().overflow, 1001U) << "each addition, and the sum";
  const ErrState saturating{.overflow = OnOverflow::saturate};
  EXPECT_EQ(sum(lazy(x) + 1).item<std::int64_t>(), kMost);
  EXPECT_EQ(max(cumsum(lazy(x) * 2)).item<std::int64_t>(), kMost);
}

}  // namespace
}  // namespace ndshare
