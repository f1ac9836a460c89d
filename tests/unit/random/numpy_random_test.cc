// The bits that NumPy draws from numpy.random.Philox of the same key. numpy_random.py makes them.
#include <ndshare/create.h>
#include <ndshare/io.h>
#include <ndshare/random.h>

#include "lib/random/words.h"
#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>

namespace ndshare {
namespace {

class NumPyRandomTest : public testing::TestWithParam<std::pair<std::uint64_t, std::uint64_t>> {
 protected:
  void SetUp() override {
    std::ifstream file(std::string(NDSHARE_RANDOM_TESTS) + "/numpy_random.py");
    const std::string program{std::istreambuf_iterator<char>(file), {}};
    const test::Finished numpy = test::run_numpy(program, {dir_.path().string(), std::to_string(seed()), std::to_string(stream())});
    ASSERT_EQ(numpy.status, 0) << numpy.err;
  }
  [[nodiscard]] static std::uint64_t seed() { return GetParam().first; }
  [[nodiscard]] static std::uint64_t stream() { return GetParam().second; }
  [[nodiscard]] static Random random() { return Random(seed(), stream()); }
  [[nodiscard]] Array numpy(const std::string& name) const { return load(dir_.file(name + ".npy")); }

 private:
  test::ScratchDir dir_;
};

Array words(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::int64_t n) {
  Array out = empty({n}, uint64);
  internal::stream_words({seed, stream}, first, static_cast<std::size_t>(n), out.as_span<std::uint64_t>().data());
  return out;
}

TEST_P(NumPyRandomTest, Words) {
  EXPECT_TRUE(array_equal(words(seed(), stream(), 0, 5003), numpy("words")));
  EXPECT_TRUE(array_equal(words(seed(), stream(), std::uint64_t{1} << 45, 1000), numpy("far_words")));
}

TEST_P(NumPyRandomTest, UniformNumbers) {
  EXPECT_TRUE(array_equal(random().uniform({5003}), numpy("doubles")));
  EXPECT_TRUE(array_equal(random().uniform({5003}, -3, 11), numpy("range")));
  EXPECT_TRUE(array_equal(random().uniform({5003}, 0, 1, {.dtype = float32}), numpy("floats")));
}

// NumPy's ziggurat has the same layers, with tables made in doubles: what one word settles is the same number but for last digits; what
// it does not, goes other ways.
TEST_P(NumPyRandomTest, NormalNumbers) {
  const Array ours = random().normal({16'000}), theirs = numpy("normals");
  int same = 0;
  for (std::int64_t i = 0; i < 4000; ++i) {
    const double a = ours.at<double>(4 * i), b = theirs.at<double>(i);
    same += std::abs(a - b) <= 1e-14 * std::abs(b) ? 1 : 0;
  }
  EXPECT_GT(same, 4000 * 98 / 100);
  EXPECT_LT(same, 4000) << "none was redrawn";
}

TEST_P(NumPyRandomTest, WeightedChoices) {
  const Array drawn = random().choice(arange(0, 6, 1, int64), {5000}, {.p = array({0.1, 0.2, 0.0, 0.3, 0.4, 0.0})});
  EXPECT_TRUE(array_equal(drawn, numpy("choice")));
}

INSTANTIATE_TEST_SUITE_P(Keys, NumPyRandomTest,
                         testing::Values(std::pair{0UL, 0UL}, std::pair{42UL, 0UL}, std::pair{UINT64_MAX, 7UL},
                                         std::pair{1UL, UINT64_MAX}));

}  // namespace
}  // namespace ndshare
