// Expressions whose steps are done in pairs: the bits, and what errstate counts, of the calls one after the other.
#include "tests/support/sample.h"

#include "tests/unit/exec/engine_support.h"

namespace ndshare::test {
namespace {

/// An expression as its user writes it, lazily and call by call.
struct Written {
  const char* name;
  std::function<Lazy(const std::vector<Lazy>&)> lazily;
  std::function<Array(const std::vector<Array>&)> eagerly;
};
#define NDSHARE_WRITTEN(text) \
  {#text, [](const std::vector<Lazy>& x) { return Lazy(text); }, [](const std::vector<Array>& x) { return Array(text); }}

const std::vector<Written>& written() {
  static const std::vector<Written> all = {
      NDSHARE_WRITTEN(x[0] * x[1] + x[2]),
      NDSHARE_WRITTEN(x[2] + x[0] * x[1]),
      NDSHARE_WRITTEN(x[0] * x[1] - x[2]),
      NDSHARE_WRITTEN(x[2] - x[0] * x[1]),
      NDSHARE_WRITTEN(x[0] * 2 + x[1]),
      NDSHARE_WRITTEN(3 * x[0] - 1),
      NDSHARE_WRITTEN(1 - 3 * x[0]),
      NDSHARE_WRITTEN(sqrt(x[0] * x[0] + x[1] * x[1])),
      NDSHARE_WRITTEN(square(x[0]) + x[1]),
      NDSHARE_WRITTEN(square(x[0] - x[1])),
      NDSHARE_WRITTEN(pow(x[0] - 1, 2)),
      NDSHARE_WRITTEN((x[0] - x[1]) * (x[0] - x[1])),
      NDSHARE_WRITTEN(square(x[0] - x[1]) + square(x[1] - x[2])),
      NDSHARE_WRITTEN((x[0] * x[1]) + (x[0] * x[1])),
      NDSHARE_WRITTEN(((x[0] * x[1] + x[2]) * x[1] + x[0]) * x[1] + x[2]),
      NDSHARE_WRITTEN((x[0] - x[1]) * (x[0] + x[1])),
  };
  return all;
}

/// A third of any values there are, the rest moderate.
std::vector<Array> operands(Engine& random, const DType& dtype, const Shape& shape) {
  std::vector<Array> out;
  for (int i = 0; i < 3; ++i) {
    const Array x = random_array(random, shape, dtype, Values::moderate);
    fill_random(random, x(slice(none, none, 3)), Values::any);
    out.push_back(x);
  }
  return out;
}

TEST(StepPairTest, BitsAndCountsOfOneCallAfterTheOther) {
  Engine random(test_seed());
  for (const DType& dtype : {float16, float32, float64, int32}) {
    for (const auto& each : written()) {
      SCOPED_TRACE(std::string(each.name) + " of " + dtype.name() + ", seed " + std::to_string(test_seed()));
      const auto x = operands(random, dtype, {41, 1807});
      Array want;
      const auto counts = counted([&] { want = each.eagerly(x); });
      std::vector<Lazy> plain, laid;
      for (const Array& operand : x) plain.emplace_back(operand), laid.emplace_back(laid_out(random, operand));
      for (const int threads : {1, 2}) {
        EXPECT_EQ(counted([&] { EXPECT_EQ(differs(each.lazily(plain).eval({.threads = threads}), want), ""); }), counts);
      }
      EXPECT_EQ(counted([&] { EXPECT_EQ(differs(each.lazily(laid).eval(), want), ""); }), counts);
      const Array out = x[0].copy();
      std::vector<Lazy> over = plain;
      over[0] = lazy(out);
      if (want.dtype() != dtype) continue;
      each.lazily(over).eval({.out = out});
      EXPECT_EQ(differs(out, want), "") << "in place";
    }
  }
}

/// Operands that are one element for many, in every place.
TEST(StepPairTest, Broadcast) {
  Engine random(test_seed() + 1);
  for (const auto& each : written()) {
    for (int scalars = 0; scalars < 8; ++scalars) {
      SCOPED_TRACE(std::string(each.name) + ", one element: " + std::to_string(scalars));
      auto x = operands(random, float32, {3000});
      std::vector<Lazy> nodes;
      for (std::size_t i = 0; i < 3; ++i) {
        if ((scalars >> i & 1) != 0) x[i] = x[i](slice(1, 2));
        nodes.emplace_back(x[i]);
      }
      Array want;
      const auto counts = counted([&] { want = each.eagerly(x); });
      Array got;
      const auto ours = counted([&] { got = each.lazily(nodes).eval(); });
      EXPECT_EQ(differs(got, want), "");
      EXPECT_TRUE(scalars != 0 || ours == counts);  // an element that is broadcast counts once, or as often as it is used
    }
  }
}

TEST(StepPairTest, RaisingLeavesOutAlone) {
  const Array a = full({5000}, 3e38, float32), b = full({5000}, 2, float32), out = zeros({5000}, float32);
  const ErrState raising{.over = Err::raise};
  EXPECT_EQ(code_of([&] { (lazy(a) * lazy(b) + lazy(b)).eval({.out = out}); }), ErrorCode::Arithmetic);
  EXPECT_TRUE(array_equal(out, zeros({5000}, float32)));
}

/// Results too large for the caches are written past them, whatever the last step, from odd starts on.
TEST(PastTheCachesTest, LastStepsWithoutSuchStores) {
  Engine random(test_seed() + 2);
  const std::int64_t n = 6'000'000 / kSample;
  const Array x = random_array(random, {n}, float32, Values::moderate), room = zeros({n + 64}, float32);
  for (const std::int64_t start : {0, 1, 15}) {
    const Array out = room(slice(start, start + n));
    for (const int threads : {1, 2}) {
      negative(x, {.out = out, .threads = threads});
      EXPECT_EQ(differs(negative(out), x), "") << start;
      (sqrt(abs(lazy(x)) + 1)).eval({.out = out, .threads = threads});
      EXPECT_EQ(differs(out, sqrt(abs(x) + 1)), "") << start;
      EXPECT_EQ(room(start + n).item<float>(), 0) << "written beyond its end";
    }
  }
}

}  // namespace
}  // namespace ndshare::test
