// Spellings of dtypes against NumPy, both ways.
#include <algorithm>

#include <gtest/gtest.h>
#include <ndshare/dtype.h>

#include "tests/unit/array/numpy_cases.h"

namespace ndshare {
namespace {

std::string offsets_text(const DType& dtype) {
  std::string text = "[";
  for (const Field& field : dtype.fields()) text += (text.size() > 1 ? ", " : "") + std::to_string(field.offset);
  return text + "]";
}

std::string swap(std::string bytes, const ForeignDType& foreign) {
  const auto itemsize = static_cast<std::size_t>(foreign.dtype.itemsize());
  for (std::size_t item = 0; item < bytes.size(); item += itemsize) {
    for (const SwapRun& run : foreign.swaps) {
      for (std::int64_t word = 0; word < run.count; ++word) {
        const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(item) + run.offset + word * run.width;
        std::reverse(first, first + run.width);
      }
    }
  }
  return bytes;
}

TEST(DtypeNumpyTest, RandomDtypesReadAndPrintAsInNumpy) {
  const std::uint64_t seed = test::test_seed();
  RecordProperty("seed", std::to_string(seed));
  const test::ScratchDir scratch;
  test::run_script("dtype_cases.py", {"write", scratch.file("cases"), std::to_string(seed), "600"});
  const auto records = test::read_records(scratch.file("cases"), 10);
  ASSERT_EQ(records.size(), 600U);
  std::vector<std::string> back;
  for (const test::Record& record : records) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " dtype " + record[0]);
    const DType dtype = DType::parse(record[0]);
    EXPECT_EQ(dtype.to_string(), record[0]);
    EXPECT_EQ(dtype.repr(), record[1]);
    EXPECT_EQ(dtype.name(), record[2]);
    EXPECT_EQ(dtype.descr(), record[3]);
    EXPECT_EQ(std::to_string(dtype.itemsize()), record[4]);
    EXPECT_EQ(std::to_string(dtype.alignment()), record[5]);
    EXPECT_EQ(offsets_text(dtype), record[6]);
    EXPECT_EQ(DType::parse(record[3]), dtype) << "from its descr";
    const DType again = DType::parse(dtype.str());
    EXPECT_EQ(again, dtype) << "from its own str()";
    EXPECT_EQ(again.hash(), dtype.hash());
    EXPECT_EQ(again.is_aligned_struct(), dtype.is_aligned_struct());
    if (!record[7].empty()) {
      const ForeignDType foreign = parse_foreign_dtype(record[7]);
      EXPECT_EQ(foreign.dtype, dtype);
      EXPECT_EQ(swap(record[8], foreign), record[9]) << "big-endian " << record[7];
    }
    back.insert(back.end(), {dtype.str(), dtype.descr(), std::to_string(dtype.itemsize()), offsets_text(dtype)});
    if (HasFailure()) break;
  }
  test::write_records(scratch.file("back"), back);
  test::run_script("dtype_cases.py", {"check", scratch.file("back")});
}

TEST(DtypeNumpyTest, EveryPlainNameOfNumpyIsKnown) {
  const test::ScratchDir scratch;
  test::run_script("dtype_cases.py", {"aliases", scratch.file("names")});
  const auto records = test::read_records(scratch.file("names"), 2);
  EXPECT_GT(records.size(), 90U);
  for (const test::Record& record : records) {
    EXPECT_EQ(DType::parse(record[0]).str(), record[1]) << record[0];
  }
}

// Structures that NumPy's own text cannot tell apart: str() must, and NumPy must read it so.
TEST(DtypeNumpyTest, NestedPaddingSurvivesItsText) {
  const std::vector<Field> fields = {{"q", int8}, {"r", int32}};
  const DType aligned = DType::structured(fields, true);
  const DType packed = DType::structured(fields);
  const DType aligned_in_aligned = DType::structured({{"h", int8}, {"in", aligned, {2}}, {"d", float64}}, true);
  const DType packed_in_aligned = DType::structured({{"h", int16}, {"in", packed, {2}}, {"d", float64}}, true);
  const DType aligned_in_packed = DType::structured({{"h", int8}, {"in", aligned}});
  EXPECT_EQ(aligned_in_aligned.itemsize(), 32);
  EXPECT_EQ(packed_in_aligned.itemsize(), 24);
  EXPECT_EQ(aligned_in_packed.itemsize(), 9);
  std::vector<std::string> back;
  for (const DType& dtype : {aligned_in_aligned, packed_in_aligned, aligned_in_packed}) {
    EXPECT_EQ(DType::parse(dtype.str()), dtype) << dtype.str();
    back.insert(back.end(), {dtype.str(), dtype.descr(), std::to_string(dtype.itemsize()), offsets_text(dtype)});
  }
  const test::ScratchDir scratch;
  test::write_records(scratch.file("back"), back);
  test::run_script("dtype_cases.py", {"check", scratch.file("back")});
}

}  // namespace
}  // namespace ndshare
