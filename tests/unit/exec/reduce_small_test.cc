// Reductions of few elements go a short way: to the bit what the long one gives, which `keepdims` asks for here.
#include "tests/support/support.h"
#include "tests/unit/exec/reductions.h"

#include <ndshare/create.h>
#include <ndshare/errstate.h>
#include <ndshare/limits.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ndshare {
namespace {

using test::code_of;
using test::Random;
using test::same_bytes;

using Reduce = Array (*)(const Lazy&, const ReduceOptions&);
Array all_of(const Lazy& x, const ReduceOptions& options) { return all(x, options); }
constexpr std::pair<const char*, Reduce> kAll[] = {{"sum", sum}, {"mean", mean}, {"var", var}, {"stddev", stddev}, {"min", min},
                                                   {"max", max}, {"any", any}, {"all", all_of}, {"argmin", argmin}, {"argmax", argmax}};

void expect_the_long_way(const Array& x, const std::string& what) {
  for (const auto& [name, reduce] : kAll) {
    const Array got = reduce(x, {}), expected = reduce(x, {.keepdims = true}).reshape({});
    EXPECT_TRUE(same_bytes(got, expected)) << name << " of " << what << ": " << x.dtype().name();
    EXPECT_EQ(got.ndim(), 0);
    if (x.ndim() != 1) continue;
    EXPECT_TRUE(same_bytes(reduce(x, {.axis = -1}), expected)) << name << " along the axis of " << what;
  }
}

TEST(ReduceSmallTest, AsTheLongWay) {
  Random random(11);
  for (const DType& dtype : {bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, float32, float64, complex64, complex128}) {
    for (const std::int64_t n : {1, 2, 16, 63, 64, 65, 1000, 1024, 1025}) {
      const Array x = empty({n}, float64);
      for (double& value : x.as_span<double>()) value = std::uniform_real_distribution<double>(dtype.is_unsigned_integer() ? 0 : -50, 50)(random);
      const Array y = astype(x, dtype, {.casting = Casting::unsafe});
      expect_the_long_way(y, std::to_string(n));
      if (n == 1000) expect_the_long_way(y.reshape({10, 100}), "10 × 100"), expect_the_long_way(y.reshape({10, 100}).T(), "a turned array");
      if (n > 2) expect_the_long_way(y(slice(1, none)), "a part"), expect_the_long_way(y(slice(none, none, -1)), "backwards");
    }
  }
}

TEST(ReduceSmallTest, EndsOfDtypes) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const ErrState quiet{.over = Err::ignore, .invalid = Err::ignore};
  for (const DType& dtype : {float32, float64}) {
    for (const double odd : {inf, -inf, nan, -0.0, 1e-310, 1e38, 1e308}) {
      for (const std::int64_t at : {0, 3, 15}) {
        const Array x = full({16}, -0.0, dtype);
        fill(x(at), odd);
        expect_the_long_way(x, std::to_string(odd));
      }
    }
    expect_the_long_way(full({16}, std::numeric_limits<float>::max(), dtype), "the largest float");
  }
  expect_the_long_way(full({16}, std::numeric_limits<std::int64_t>::max(), int64), "sums that wrap");
  expect_the_long_way(full({300}, 6, uint8).view_as(bool_), "bytes beyond 0 and 1");
}

TEST(ReduceSmallTest, ErrstateIsToldWhatTheLongWayTells) {
  const ErrState counting{.divide = Err::count, .over = Err::count, .invalid = Err::count};
  reset_error_counts();
  EXPECT_TRUE(std::isinf(sum(full({16}, 1e308, float64)).item<double>()));
  EXPECT_EQ(error_counts().over, 1);
  EXPECT_TRUE(std::isnan(var(ones({1}), {.ddof = 1}).item<double>()));
  EXPECT_EQ(error_counts().invalid, 1);
  const Array far = array({0.0, 1.7e154});  // the squares are finite, half of one for each is not
  EXPECT_TRUE(std::isinf(var(far, {.ddof = 1.5}).item<double>()));
  EXPECT_EQ(error_counts().over, 2);
  const ErrState strict{.overflow = OnOverflow::raise};
  EXPECT_EQ(code_of([] { (void)sum(full({16}, std::numeric_limits<std::int64_t>::max(), int64)); }), Error::Overflow);
}

TEST(ReduceSmallTest, BadCalls) {
  const Array x = ones({16});
  EXPECT_EQ(code_of([&] { (void)sum(x, {.ddof = 1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)max(x, {.ddof = 1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)any(x, {.ddof = 1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)argmax(x, {.ddof = 1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = 1}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.threads = -1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)sum(shape_only({16}, float64)); }), Error::Usage);
  {
    const Limits no_larger{.max_expansion = 1};
    EXPECT_EQ(code_of([] { (void)sum(ones({3}, int8)); }), Error::MemoryGuard);
    EXPECT_EQ(code_of([] { (void)argmax(ones({3}, int8)); }), Error::MemoryGuard);
    EXPECT_EQ(max(ones({3}, int8)).item<int>(), 1);
  }
  const Limits tiny{.max_bytes = 4};
  EXPECT_EQ(code_of([&] { (void)sum(x); }), Error::MemoryGuard);
}

}  // namespace
}  // namespace ndshare
