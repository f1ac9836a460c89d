// Reductions of random arrays against a loop over the elements.
#include "tests/support/sample.h"
#include "tests/support/support.h"
#include "tests/unit/exec/reductions.h"

#include <ndshare/create.h>
#include <ndshare/errstate.h>
#include <ndshare/ops.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <vector>

namespace ndshare {
namespace {

using test::converted;
using test::Random;
using test::reductions;
using test::same_bytes;

std::int64_t one_of(Random& random, std::initializer_list<std::int64_t> values) {
  return *(values.begin() + static_cast<std::ptrdiff_t>(random() % values.size()));
}

/// Whole numbers of a small size: every sum and product of their few distinct values is exact in float64.
Array random_array(Random& random, const Shape& shape, const DType& dtype) {
  const Array x = empty(shape, float64);
  for (double& value : x.as_span<double>()) value = static_cast<double>(random() % 7) - (dtype.is_unsigned_integer() ? 0 : 3);
  return converted(x, dtype);
}
Array random_view(Random& random, const Shape& shape, const DType& dtype) {
  Shape base;
  std::vector<Index> index;
  for (const std::int64_t length : shape) {
    const std::int64_t step = one_of(random, {1, 1, 2, -1, -2});
    base.push_back(std::max<std::int64_t>(1, length * std::abs(step)));
    index.push_back(slice(none, none, step));
    if (length == 0) index.back() = slice(0, 0);
  }
  if (shape.ndim() < 2 || random() % 2 == 0) return random_array(random, base, dtype).view(index);
  std::reverse(base.begin(), base.end());
  return random_array(random, base, dtype).T().view(index);
}

/// The elements that make one result, in C order.
using Group = std::vector<double>;

struct Groups {
  Shape kept, keepdims;
  std::vector<Group> values;
  std::vector<std::vector<std::int64_t>> places;  // within the group, of those that the mask lets through
};

Groups group(const Array& x, const std::vector<bool>& reduced, const Array& mask) {
  Groups out;
  for (int axis = 0; axis < x.ndim(); ++axis) {
    if (!reduced[static_cast<std::size_t>(axis)]) out.kept.push_back(x.shape(axis));
    out.keepdims.push_back(reduced[static_cast<std::size_t>(axis)] ? 1 : x.shape(axis));
  }
  const auto results = static_cast<std::size_t>(out.kept.count());
  out.values.resize(results), out.places.resize(results);
  std::vector<std::int64_t> seen(results, 0);
  const Array wide = converted(x, float64).flatten(), through = mask.broadcast_to(x.shape()).flatten();
  for (std::int64_t flat = 0; flat < x.size(); ++flat) {
    std::int64_t rest = flat, result = 0, scale = 1;
    for (int axis = x.ndim() - 1; axis >= 0; --axis) {
      const std::int64_t at = rest % x.shape(axis);
      rest /= x.shape(axis);
      if (reduced[static_cast<std::size_t>(axis)]) continue;
      result += at * scale, scale *= x.shape(axis);
    }
    const auto to = static_cast<std::size_t>(result);
    if (through.at<bool>(flat)) out.values[to].push_back(wide.at<double>(flat)), out.places[to].push_back(seen[to]);
    ++seen[to];
  }
  return out;
}

double naive(const std::string& op, const Group& x, const std::vector<std::int64_t>& places, std::optional<double> initial) {
  long double total = initial.value_or(op == "prod" ? 1 : 0), squares = 0;
  const auto n = static_cast<long double>(x.size());
  if (op == "min" || op == "max") {
    double best = initial.value_or(x.empty() ? 0 : x[0]);
    for (const double v : x) best = op == "min" ? std::min(best, v) : std::max(best, v);
    return best;
  }
  std::size_t place = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (op == "prod") total *= static_cast<long double>(x[i]);
    if (op == "sum" || op == "mean" || op == "var") total += static_cast<long double>(x[i]);
    if (op == "any" || op == "all" || op == "count_nonzero") total += x[i] != 0 ? 1 : 0;
    if (op == "argmin" && x[i] < x[place]) place = i;
    if (op == "argmax" && x[i] > x[place]) place = i;
  }
  if (op == "any") return total > 0 ? 1 : 0;
  if (op == "all") return total == n ? 1 : 0;
  if (op == "mean") return static_cast<double>(total / n);
  if (op == "argmin" || op == "argmax") return static_cast<double>(places[place]);
  for (const double v : x) squares += (static_cast<long double>(v) - total / n) * (static_cast<long double>(v) - total / n);
  return static_cast<double>(op == "var" ? squares / n : total);
}

struct Case {
  std::string op;
  Array x;
  std::vector<bool> reduced;
  ReduceOptions options;
};

Case random_case(Random& random) {
  const DType dtypes[] = {bool_, int8, uint8, int32, uint64, int64, float16, float32, float64};
  Case out;
  out.op = std::next(reductions().begin(), static_cast<std::ptrdiff_t>(random() % reductions().size()))->first;
  Shape shape;
  const int ndim = static_cast<int>(random() % 4);
  for (int axis = 0; axis < ndim; ++axis) shape.push_back(one_of(random, {1, 2, 3, 5, 18, 33, ndim < 3 ? 300 : 9, ndim < 3 ? 4100 : 70}));
  if (shape.count() > 400'000) shape = {300, 300};
  if (random() % 20 == 0 && ndim > 0 && out.op.find("arg") == std::string::npos) shape[0] = 0;
  out.x = random_view(random, shape, dtypes[random() % std::size(dtypes)]);
  const bool index = out.op.find("arg") == 0;
  Dims axes;
  out.reduced.assign(static_cast<std::size_t>(shape.ndim()), true);
  if (random() % 4 != 0 && shape.ndim() > 0) {
    for (int axis = 0; axis < shape.ndim(); ++axis) {
      out.reduced[static_cast<std::size_t>(axis)] = index ? axes.empty() && axis == shape.ndim() - 1 : random() % 2 == 0;
      if (index && axes.empty() && random() % 2 == 0) out.reduced[static_cast<std::size_t>(axis)] = true;
      if (out.reduced[static_cast<std::size_t>(axis)]) axes.push_back(random() % 2 == 0 ? axis : axis - shape.ndim());
    }
    out.options.axis = Axes(axes);
  }
  out.options.keepdims = random() % 2 == 0;
  const bool extreme = out.op == "min" || out.op == "max";
  if (!index && random() % 3 == 0) {
    Shape mask = shape;
    for (int axis = 0; axis < mask.ndim(); ++axis) {
      if (random() % 3 == 0) mask[axis] = 1;  // a mask that broadcasts
    }
    out.options.where = random_array(random, mask, int8) > 0;
  }
  const bool truth = out.x.dtype().is_bool() && extreme;
  if ((extreme && (out.options.where || shape.count() == 0)) || ((extreme || out.op == "sum" || out.op == "prod") && random() % 4 == 0)) {
    if (truth) out.options.initial.emplace(true);
    if (!truth) out.options.initial.emplace(2);
  }
  return out;
}

double tolerance(const DType& dtype, double size) {
  if (dtype.is_integer() || dtype.is_bool()) return 0;
  return (dtype == float16 ? 0x1p-10 : dtype == float32 ? 0x1p-22 : 0x1p-50) * (1 + size);
}

void check(const Case& one) {
  const Array through = one.options.where ? *one.options.where : ones({}, bool_);
  const Groups groups = group(one.x, one.reduced, through);
  Array got;
  ASSERT_NO_THROW(got = reductions().at(one.op)(one.x, one.options));
  ASSERT_EQ(got.shape(), one.options.keepdims ? groups.keepdims : groups.kept);
  std::optional<double> initial;
  if (one.options.initial) initial = one.x.dtype().is_bool() && one.op.find('m') == 0 ? 1 : 2;
  const Array flat = converted(got, float64).flatten();
  for (std::int64_t i = 0; i < flat.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Group& values = groups.values[at];
    if (one.op == "prod" && values.size() > 20) continue;  // wraps, overflows or is 0: NumPy's test has those
    const double want = naive(one.op, values, groups.places[at], initial), have = flat.at<double>(i);
    if (std::isnan(want) && std::isnan(have)) continue;
    if (one.op == "prod" && got.dtype() == float16 && std::abs(want) > 65'000) continue;
    const double terms = static_cast<double>(values.size());
    const double size = one.op == "mean" || one.op == "var" ? 16 : one.op == "prod" ? std::abs(want) * terms : std::abs(want) + (one.op == "sum" ? terms : 0);
    ASSERT_NEAR(have, want, tolerance(got.dtype(), size)) << "result " << i << " of " << values.size() << " elements";
  }
  // The same bits from other threads, targets and expressions; into `out`, which may be the operand's memory.
  ReduceOptions other = one.options;
  other.threads = 2;
  EXPECT_TRUE(same_bytes(reductions().at(one.op)(one.x, other), got)) << "two threads";
  const Array out = zeros(got.shape(), got.dtype());
  other.out = out;
  EXPECT_EQ(reductions().at(one.op)(one.x, other).data(), out.data());
  EXPECT_TRUE(same_bytes(out, got));
}

TEST(ReduceTest, RandomCasesAgainstALoop) {
  const char* given = std::getenv("NDSHARE_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : 20261126;
  Random random(seed);
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  const int rounds = std::getenv("NDSHARE_LONG") != nullptr ? 20'000 : 1'500 / test::kSample;
  for (int round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
    const Case one = random_case(random);
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round) + ": " + one.op + " of " + one.x.dtype().name() +
                 one.x.shape().str() + " axis " + (one.options.axis.is_all() ? "all" : one.options.axis.values().str()) +
                 (one.options.where ? " where" + one.options.where->shape().str() : ""));
    check(one);
  }
}

/// The first of the smallest or largest, NaN before all, in C order.
std::int64_t first_extreme(const Array& x, bool largest) {
  const Array flat = converted(x.copy().ravel(), float64);  // exact: the numbers are small
  const auto all = flat.as_span<const double>();
  std::size_t best = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[best] != all[best]) break;
    if (all[i] != all[i] || (largest ? all[best] < all[i] : all[i] < all[best])) best = i;
  }
  return static_cast<std::int64_t>(best);
}

TEST(ReduceRandomTest, ArgExtremesOfShortRunsAndOfArraysThatLieAcross) {
  Random random(5);
  const auto below = [&](std::int64_t n) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n)); };
  const ErrState quiet{.invalid = Err::ignore};
  for (int round = 0; round < 400; ++round) {
    const DType dtype = std::array{float64, float32, int64, uint8, float16, int16, bool_}[static_cast<std::size_t>(below(7))];
    const bool few = below(2) == 0;  // many short runs, or long lines across
    const Shape shape = few ? Shape{1 + below(4), 1 + below(700), 1 + below(70)} : Shape{1 + below(200), 1 + below(90), 1 + below(6)};
    Array x = converted(arange(0, shape.count(), 1, float64) * static_cast<double>(1 + below(1000)) % static_cast<double>(2 + below(50)), dtype)
                  .reshape(shape);
    if (dtype.is_floating() && below(3) == 0) fill(x(below(shape[0]), below(shape[1]), below(shape[2])), NAN);
    if (!few || below(4) == 0) x = x.transpose(std::array<Dims, 3>{Dims{2, 1, 0}, Dims{1, 2, 0}, Dims{2, 0, 1}}[static_cast<std::size_t>(below(3))]);
    if (below(3) == 0) x = x(slice(none, none, -1), slice(none, none, 2));
    const int threads = static_cast<int>(below(3));
    for (const bool largest : {false, true}) {
      const auto call = largest ? argmax : argmin;
      const Array all = call(x, {.threads = threads}), last = call(x, {.axis = 2, .threads = threads});
      ASSERT_EQ(all.item<std::int64_t>(), first_extreme(x, largest)) << round << dtype.name() << x.shape().str() << x.strides().str();
      for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
        const std::int64_t k = below(x.shape()[1]);
        ASSERT_EQ(last.at<std::int64_t>(i, k), first_extreme(x(i, k), largest)) << round << dtype.name() << x.shape().str();
      }
    }
  }
}

TEST(ReduceRandomTest, ArgExtremesAcrossTellEachFlagOnce) {
  const ErrState counting{.divide = Err::count};
  const Array x = ones({100, 200}), zero = zeros({100, 200});
  reset_error_counts();
  EXPECT_EQ(argmax(lazy(x.T()) / zero.T()).item<std::int64_t>(), 0);
  EXPECT_EQ(error_counts().divide, 20'000U);
}

}  // namespace
}  // namespace ndshare
