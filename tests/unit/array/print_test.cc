// Printing against NumPy: random arrays of every dtype, written by print_cases.py, must print byte for byte alike.
#include <cmath>
#include <cstring>
#include <sstream>

#include <gtest/gtest.h>
#include <ndshare/create.h>
#include <ndshare/print.h>

#include "tests/unit/array/numpy_cases.h"

namespace ndshare {
namespace {

PrintOptions options_from(const std::string& text) {
  PrintOptions options;
  int suppress = 0;
  std::istringstream(text) >> options.threshold >> options.edgeitems >> options.linewidth >> options.precision >>
      suppress;
  options.suppress = suppress != 0;
  return options;
}

TEST(PrintTest, RandomArraysPrintAsInNumpy) {
  const std::uint64_t seed = test::test_seed();
  RecordProperty("seed", std::to_string(seed));
  const test::ScratchDir scratch;
  test::run_script("print_cases.py", {scratch.file("cases"), std::to_string(seed), "1500"});
  const auto records = test::read_records(scratch.file("cases"), 6);
  ASSERT_EQ(records.size(), 1500U);
  int failures = 0;
  for (std::size_t i = 0; i < records.size() && failures < 5; ++i) {
    const test::Record& record = records[i];
    Array array = empty(Shape::parse(record[1]), DType::parse(record[0]));
    ASSERT_EQ(static_cast<std::size_t>(array.nbytes()), record[2].size());
    if (!record[2].empty()) std::memcpy(array.mutable_data(), record[2].data(), record[2].size());
    const PrintOptions options = options_from(record[3]);
    const std::string where = "seed " + std::to_string(seed) + " case " + std::to_string(i) + " dtype " + record[0] +
                              " shape " + record[1] + " options " + record[3];
    EXPECT_EQ(to_string(array, options), record[4]) << where;
    EXPECT_EQ(repr(array, options), record[5]) << where;
    failures += ::testing::Test::HasNonfatalFailure() ? 1 : 0;
  }
}

TEST(PrintTest, EveryHalfPrintsAsInNumpy) {
  const test::ScratchDir scratch;
  const test::Finished done = test::run_numpy(
      "import numpy as np, sys\n"
      "a = np.arange(65536, dtype='u2').view('f2')\n"
      "open(sys.argv[1], 'w').write('\\n'.join(str(x) for x in a))\n",
      {scratch.file("halves")});
  ASSERT_EQ(done.status, 0) << done.err;
  std::ifstream file(scratch.file("halves"));
  std::string expected;
  for (std::int64_t i = 0; i < 65536; ++i) {
    ASSERT_TRUE(std::getline(file, expected));
    Array half = empty({}, float16);
    const auto bits = static_cast<std::uint16_t>(i);
    std::memcpy(half.mutable_data(), &bits, 2);
    ASSERT_EQ(to_string(half), expected) << "bits " << i;
  }
}

TEST(PrintTest, StreamsAndStridedViews) {
  const Array a = arange(6).reshape({2, 3});
  std::ostringstream out;
  out << a.T();
  EXPECT_EQ(out.str(), "[[0 3]\n [1 4]\n [2 5]]");
  EXPECT_EQ(repr(a(all, slice(none, none, -1))), "array([[2, 1, 0],\n       [5, 4, 3]])");
}

TEST(PrintTest, SummaryReadsOnlyWhatItShows) {
  // 2^60 elements over 8 bytes: anything that walked them all would never end.
  const Array huge = zeros({1}).broadcast_to({std::int64_t{1} << 30, std::int64_t{1} << 29});
  EXPECT_EQ(to_string(huge).substr(0, 28), "[[0. 0. 0. ... 0. 0. 0.]\n [0");
}

TEST(PrintTest, ManyShortAxesAreStillSummarised) {
  // NumPy would print 2^32 elements: no axis is longer than its two edges.
  const Array deep = zeros({}, float32).broadcast_to(Shape(Dims(std::vector<std::int64_t>(32, 2))));
  EXPECT_LT(to_string(deep).size(), 1000U);
}

TEST(PrintTest, TextThatIsNoUnicodeIsShownNotThrown) {
  Array text = zeros({1}, DType::str(1));
  const std::uint32_t code = 0xdeadbeef;
  std::memcpy(text.mutable_data(), &code, 4);
  EXPECT_EQ(to_string(text), "['\\Udeadbeef']");
  EXPECT_EQ(text.item<std::string>(), "\xef\xbf\xbd");
}

TEST(PrintTest, ElementAlone) {
  const DType row = DType::parse("ts:M8[m],v:f4,s:U3");
  Array rows = zeros({2}, row);
  fill(rows["ts"], "2001-01-01T00:05");
  fill(rows["v"], 1.5);
  fill(rows["s"], "abc");
  const Index one[] = {Index(1)};
  EXPECT_EQ(element_to_string(rows, one), "('2001-01-01T00:05', 1.5, 'abc')");
  EXPECT_EQ(element_to_string(rows["s"], one), "abc");
  EXPECT_EQ(test::code_of([&] { static_cast<void>(element_to_string(rows, {})); }), ErrorCode::IndexSyntax);
}

}  // namespace
}  // namespace ndshare
