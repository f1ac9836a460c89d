// What uniform, normal and integers promise beside their distribution: bits, positions, outputs, ranges, bad calls.
#include <ndshare/random.h>

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>

#include "lib/exec/parallel_memory.h"
#include "lib/kernels/registry.h"
#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>

namespace ndshare {
namespace {

using test::code_of;
using test::message_of;

constexpr double kInf = std::numeric_limits<double>::infinity();

using Draw = std::function<Array(Random&, const Shape&, const RandomOptions&)>;

const std::map<std::string, Draw>& draws() {
  static const std::map<std::string, Draw> all_of_them = {
      {"uniform", [](Random& r, const Shape& s, const RandomOptions& o) { return r.uniform(s, -1, 3, o); }},
      {"uniform32", [](Random& r, const Shape& s, RandomOptions o) { return o.dtype = float32, r.uniform(s, -1, 3, o); }},
      {"normal", [](Random& r, const Shape& s, const RandomOptions& o) { return r.normal(s, 2, 5, o); }},
      {"normal32", [](Random& r, const Shape& s, RandomOptions o) { return o.dtype = float32, r.normal(s, 2, 5, o); }},
      {"integers", [](Random& r, const Shape& s, const RandomOptions& o) { return r.integers(s, INT64_MIN, INT64_MAX / 3, o); }},
      {"integers8", [](Random& r, const Shape& s, RandomOptions o) { return o.dtype = int8, r.integers(s, -128, 128, o); }}};
  return all_of_them;
}

TEST(RandomTest, SameBitsForAnyThreads) {
  for (const auto& [name, draw] : draws()) {
    for (const std::uint64_t start : {0U, 1U, 6U}) {
      Random one(3), two(3), three(3);
      one.seek(start), two.seek(start), three.seek(start);
      const Array expected = draw(one, {300'001}, {.threads = 1});
      EXPECT_TRUE(array_equal(draw(two, {300'001}, {.threads = 2}), expected)) << name;
      EXPECT_TRUE(array_equal(draw(three, {300'001}, {.threads = 3}), expected)) << name;
      EXPECT_EQ(one.position(), three.position());
    }
  }
}

TEST(RandomTest, SameBitsOnEveryTarget) {
  for (const auto& [name, draw] : draws()) {
    Random best(4);
    const Array expected = draw(best, {20'011}, {});
    for (const internal::KernelTable& table : internal::supported_tables()) {
      internal::force_table_for_test(&table);
      Random random(4);
      EXPECT_TRUE(array_equal(draw(random, {20'011}, {}), expected)) << name << ' ' << table.name;
    }
    internal::force_table_for_test(nullptr);
  }
}

TEST(RandomTest, OutputsOfAnyStridesTakeTheSameNumbers) {
  for (const auto& [name, draw] : draws()) {
    Random plain(5);
    const Array expected = draw(plain, {70, 1100}, {});
    const DType dtype = expected.dtype();
    const Array wide = zeros({140, 2200}, dtype), across = zeros({1100, 70}, dtype);
    const Array packed = zeros({70, 1100}, DType::structured({{"pad", uint8}, {"x", dtype}}));
    for (const Array& out : {zeros({70, 1100}, dtype), wide(slice(none, none, 2), slice(none, none, 2)), across.T(), packed["x"],
                             wide(slice(none, 70), slice(none, 1100))(slice(none, none, -1), slice(none, none, -1))}) {
      Random random(5);
      const Array got = draw(random, {70, 1100}, {.out = out, .threads = 2});
      EXPECT_EQ(got.data(), out.data());
      EXPECT_TRUE(array_equal(got, expected)) << name;
      EXPECT_EQ(random.position(), plain.position()) << name;
    }
    EXPECT_TRUE(array_equal(packed["pad"], zeros({70, 1100}, uint8))) << "what lies between is left alone";
  }
}

TEST(RandomTest, OutputsLargerThanTheCachesTakeTheSameNumbers) {
  const std::int64_t n = static_cast<std::int64_t>(internal::stream_bytes()) / 8 + 4099;
  const Array out = zeros({n + 1});
  const Array expected = Random(8).normal({n});
  EXPECT_TRUE(array_equal(Random(8).normal({n}, 0, 1, {.out = out(slice(0, n))}), expected));
  EXPECT_TRUE(array_equal(Random(8).normal({n}, 0, 1, {.out = out(slice(1, n + 1))}), expected));
}

TEST(RandomTest, CallsFollowEachOther) {
  for (const auto& [name, draw] : draws()) {
    Random once(6), twice(6);
    const Array expected = draw(once, {5000}, {});
    EXPECT_TRUE(array_equal(draw(twice, {2002}, {}), expected(slice(none, 2002)))) << name;
    const std::uint64_t middle = twice.position();
    EXPECT_TRUE(array_equal(draw(twice, {2998}, {}), expected(slice(2002, none)))) << name;
    EXPECT_EQ(once.position(), twice.position());
    twice.seek(middle);
    EXPECT_TRUE(array_equal(draw(twice, {2998}, {}), expected(slice(2002, none)))) << name << " again";
    EXPECT_FALSE(array_equal(draw(twice, {2998}, {}), expected(slice(2002, none)))) << name << " goes on";
  }
}

TEST(RandomTest, TakesTheWordsThatItSays) {
  Random random(1, 9);
  random.uniform({3, 5});
  EXPECT_EQ(random.position(), 15U);
  random.uniform({3}, 0, 1, {.dtype = float32});
  EXPECT_EQ(random.position(), 17U);
  random.normal({4}, 0, 1, {.dtype = float32});
  EXPECT_EQ(random.position(), 21U);
  random.integers({2, 2}, 0, 3, {.dtype = uint8});
  EXPECT_EQ(random.position(), 25U);
  for (const auto& [name, draw] : draws()) EXPECT_EQ(draw(random, {3, 0, 2}, {}).shape(), (Shape{3, 0, 2}));
  EXPECT_EQ(random.position(), 25U);
  EXPECT_EQ(random.normal({}).ndim(), 0);
  EXPECT_EQ(random.seed(), 1U);
  EXPECT_EQ(random.stream(), 9U);
}

TEST(RandomTest, TheSystemGivesOtherSeedsEachTime) {
  Random a, b;
  EXPECT_NE(a.seed(), b.seed());
  EXPECT_TRUE(array_equal(a.normal({9}), Random(a.seed()).normal({9})));
}

TEST(RandomTest, DtypesOfResults) {
  Random random(1);
  EXPECT_EQ(random.uniform({2}).dtype(), float64);
  EXPECT_EQ(random.integers({2}, 0, 5).dtype(), int64);
  for (const DType& dtype : {int8, int16, int32, int64, uint8, uint16, uint32, uint64}) {
    EXPECT_EQ(random.integers({2}, 0, 5, {.dtype = dtype}).dtype(), dtype);
  }
  const Array single = zeros({1000}, float32);
  EXPECT_TRUE(array_equal(Random(2).uniform({1000}, 0, 1, {.out = single}), Random(2).uniform({1000}, 0, 1, {.dtype = float32})));
  const Array half = zeros({1000}, float16), plane = zeros({1000}, complex64);
  const Array z = Random(2).normal({1000});
  EXPECT_TRUE(array_equal(Random(2).normal({1000}, 0, 1, {.out = half}), astype(z, float16)));
  EXPECT_TRUE(array_equal(Random(2).normal({1000}, 0, 1, {.out = plane}), astype(z, complex64)));
  EXPECT_TRUE(array_equal(Random(2).normal({1000}, 0, 1, {.dtype = float32}), astype(z, float32))) << "the same numbers, rounded";
  const Array small = zeros({1000}, int16);
  const Array wide = Random(2).integers({1000}, -9, 9);
  EXPECT_TRUE(array_equal(Random(2).integers({1000}, -9, 9, {.dtype = int64, .out = small}), astype(wide, int16)));
}

TEST(RandomTest, UniformStaysInsideItsRange) {
  // A range of two numbers: half of the products round up to `high`, which is not in it.
  const double next = std::nextafter(1.0, 2.0);
  const Array one = Random(1).uniform({10'000}, 1, next);
  EXPECT_EQ(min(one).item<double>(), 1.0);
  EXPECT_EQ(max(one).item<double>(), 1.0);
  const Array single = Random(1).uniform({10'000}, 16'777'216, 16'777'218, {.dtype = float32});
  EXPECT_EQ(max(single).item<float>(), 16'777'216.0F);
  const Array vast = Random(1).uniform({10'000}, -8e307, 8e307);
  EXPECT_LT(max(vast).item<double>(), 8e307);
  EXPECT_GE(min(vast).item<double>(), -8e307);
}

TEST(RandomTest, IntegersReachBothEnds) {
  Random random(1);
  for (const auto& [dtype, low, high] : {std::tuple{int8, -128L, 128L}, std::tuple{uint8, 0L, 256L}, std::tuple{int64, 5L, 6L},
                                         std::tuple{uint16, 65'530L, 65'536L}, std::tuple{int64, INT64_MIN, INT64_MIN + 3},
                                         std::tuple{uint64, INT64_MAX - 3, INT64_MAX}}) {
    const Array x = random.integers({20'000}, low, high, {.dtype = dtype});
    EXPECT_EQ(min(x).item<std::int64_t>(), low) << dtype.name();
    EXPECT_EQ(max(x).item<std::int64_t>(), high - 1) << dtype.name();
  }
}

TEST(RandomTest, NormalOfNoWidthIsItsMean) { EXPECT_TRUE(array_equal(Random(1).normal({100}, 3, 0), full({100}, 3, float64))); }

TEST(RandomTest, RefusesWhatIsWrong) {
  Random random(1);
  const auto uniform = [&](double low, double high, const RandomOptions& options = {}) {
    return code_of([&] { random.uniform({2}, low, high, options); });
  };
  const auto normal = [&](double mean, double stddev, const RandomOptions& options = {}) {
    return code_of([&] { random.normal({2}, mean, stddev, options); });
  };
  const auto integers = [&](std::int64_t low, std::int64_t high, const RandomOptions& options = {}) {
    return code_of([&] { random.integers({2}, low, high, options); });
  };
  EXPECT_EQ(uniform(1, 1), Error::Usage);
  EXPECT_EQ(uniform(2, 1), Error::Usage);
  EXPECT_EQ(uniform(std::nan(""), 1), Error::Usage);
  EXPECT_EQ(uniform(0, kInf), Error::Usage);
  EXPECT_EQ(uniform(-1.7e308, 1.7e308), Error::Overflow);
  EXPECT_EQ(uniform(0, 1e300, {.dtype = float32}), Error::Overflow);
  EXPECT_EQ(uniform(1, 1 + 1e-12, {.dtype = float32}), Error::Usage) << "one number of float32";
  EXPECT_EQ(uniform(0, 1, {.dtype = float16}), Error::DtypeMismatch);
  EXPECT_EQ(uniform(0, 1, {.dtype = int64}), Error::DtypeMismatch);
  EXPECT_EQ(uniform(0, 1e6, {.out = zeros({2}, float16)}), Error::Overflow);
  EXPECT_EQ(normal(0, -1), Error::Usage);
  EXPECT_EQ(normal(0, std::nan("")), Error::Usage);
  EXPECT_EQ(normal(std::nan(""), 1), Error::Usage);
  EXPECT_EQ(normal(kInf, 1), Error::Usage);
  EXPECT_EQ(normal(0, 1.7e308), Error::Overflow);
  EXPECT_EQ(normal(3e38, 1e37, {.dtype = float32}), Error::Overflow);
  EXPECT_EQ(normal(0, 1, {.dtype = DType::str(3)}), Error::DtypeMismatch);
  EXPECT_EQ(integers(3, 3), Error::Usage);
  EXPECT_EQ(integers(3, -3), Error::Usage);
  EXPECT_EQ(integers(-129, 0, {.dtype = int8}), Error::Overflow);
  EXPECT_EQ(integers(0, 129, {.dtype = int8}), Error::Overflow);
  EXPECT_EQ(integers(0, 128, {.dtype = int8}), ErrorCode::Ok);
  EXPECT_EQ(integers(-1, 5, {.dtype = uint64}), Error::Overflow);
  EXPECT_EQ(integers(0, 65'537, {.dtype = uint16}), Error::Overflow);
  EXPECT_EQ(integers(0, 200, {.dtype = int64, .out = zeros({2}, int8)}), Error::Overflow);
  EXPECT_EQ(integers(0, 5, {.dtype = bool_}), Error::DtypeMismatch);
  EXPECT_EQ(integers(0, 5, {.dtype = float64}), Error::DtypeMismatch);
  const std::string outside = message_of([&] { random.integers({2}, 0, 300, {.dtype = uint8}); });
  EXPECT_NE(outside.find("[0, 300) does not fit uint8, which holds 0 to 255"), std::string::npos) << outside;
}

TEST(RandomTest, OutAndPositionAreUnchangedOnErrors) {
  for (const auto& [name, draw] : draws()) {
    Random random(1);
    random.seek(77);
    const Array out = full({4}, 9, name.starts_with("integers") ? int64 : float64);
    const auto code = [&](const Shape& shape, const RandomOptions& options) { return code_of([&] { draw(random, shape, options); }); };
    EXPECT_EQ(code({3}, {.out = out}), Error::ShapeMismatch) << name;
    EXPECT_EQ(code({1, 4}, {.out = out}), Error::ShapeMismatch) << name;
    EXPECT_EQ(code({4}, {.out = out.as_readonly()}), Error::ReadOnly) << name;
    EXPECT_EQ(code({4}, {.out = full({4}, true, bool_)}), Error::DtypeMismatch) << name;
    EXPECT_EQ(code({4}, {.out = zeros({4}, DType::str(3))}), Error::DtypeMismatch) << name;
    EXPECT_EQ(code({4}, {.out = out, .threads = -1}), Error::Usage) << name;
    EXPECT_EQ(code({-4}, {}), Error::Shape) << name;
    EXPECT_EQ(code({std::int64_t{1} << 46}, {}), Error::MemoryGuard) << name;
    EXPECT_EQ(code({std::int64_t{1} << 40, std::int64_t{1} << 40}, {}), Error::Shape) << name;
    EXPECT_TRUE(array_equal(out, full({4}, 9, out.dtype()))) << name;
    EXPECT_EQ(random.position(), 77U) << name;
  }
  const Array out = full({4}, 9, float64);
  EXPECT_EQ(code_of([&] { Random(1).uniform({4}, 2, 1, {.out = out}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { Random(1).normal({4}, 0, -1, {.out = out}); }), Error::Usage);
  EXPECT_TRUE(array_equal(out, full({4}, 9, float64)));
}

}  // namespace
}  // namespace ndshare
