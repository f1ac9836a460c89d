// Truth values counted down columns: around the 255 rows that a byte takes, the bands and the pieces of columns.
#include "tests/support/sample.h"
#include "tests/support/support.h"

#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace ndshare {
namespace {

/// Bytes of 0, 1 and beyond, by a rule without a period that the loops share.
Array odd_bytes(std::int64_t rows, std::int64_t columns) {
  const Array x = empty({rows, columns}, uint8);
  std::uint64_t state = 88172645463325252U;
  for (std::uint8_t& byte : x.as_span<std::uint8_t>()) {
    state ^= state << 13U, state ^= state >> 7U, state ^= state << 17U;
    byte = state % 5 == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(state >> 40U);
  }
  return x;
}

/// `mask`: as many bytes, or none.
std::vector<std::int64_t> counted(const Array& bytes, const Array& mask, std::int64_t rows, std::int64_t columns) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(columns));
  const auto values = bytes.as_span<const std::uint8_t>();
  const Array dense = mask.copy().view_as(uint8);
  const auto looked_at = dense.as_span<const std::uint8_t>();
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows * columns); ++i) {
    if ((looked_at.empty() || looked_at[i] != 0) && values[i] != 0) ++out[i % out.size()];
  }
  return out;
}

void expect_counts(const Array& got, const std::vector<std::int64_t>& expected, const std::string& what) {
  ASSERT_EQ(got.dtype(), int64) << what;
  const auto span = got.as_span<const std::int64_t>();
  EXPECT_EQ(std::vector<std::int64_t>(span.begin(), span.end()), expected) << what;
}

TEST(CountRowsTest, AnyRowsAndColumns) {
  const std::vector<std::int64_t> all_rows = {2, 255, 256, 1021, 32, 254, 510, 511, 1020, 2100}, all_columns = {256, 2049, 300, 2048};
  for (const std::int64_t rows : std::span(all_rows).first(test::kSample > 1 ? 4 : all_rows.size())) {
    for (const std::int64_t columns : std::span(all_columns).first(test::kSample > 1 ? 2 : all_columns.size())) {
      const Array bytes = odd_bytes(rows, columns), none = zeros({0}, bool_);
      const auto expected = counted(bytes, none, rows, columns);
      const std::string what = std::to_string(rows) + " × " + std::to_string(columns);
      for (const int threads : {1, 2}) {
        expect_counts(count_nonzero(bytes.view_as(bool_), {.axis = 0, .threads = threads}), expected, what);
        expect_counts(count_nonzero(bytes, {.axis = 0, .threads = threads}), expected, what + " of uint8");
      }
      expect_counts(sum(lazy(bytes) != 0, {.axis = 0}), expected, what + " of an expression");
    }
  }
}

TEST(CountRowsTest, AllTrueFillsEveryByte) {
  for (const std::int64_t rows : {255, 256, 1020, 1021}) {
    expect_counts(count_nonzero(full({rows, 300}, 255, uint8).view_as(bool_), {.axis = 0}), std::vector<std::int64_t>(300, rows), "all");
  }
}

TEST(CountRowsTest, MasksStridesAndSeveralAxes) {
  const Array bytes = odd_bytes(600, 700), mask = odd_bytes(700, 600).T() > 100;
  const auto masked = counted(bytes, mask, 600, 700);
  expect_counts(count_nonzero(bytes, {.axis = 0, .where = mask}), masked, "masked");
  expect_counts(sum(bytes.view_as(bool_), {.axis = 0, .where = mask}), masked, "masked bytes beyond 0 and 1");
  const Array chosen = sum(where(lazy(mask), lazy(bytes.view_as(bool_)), lazy(zeros({600, 700}, bool_))), {.axis = 0});
  expect_counts(chosen, masked, "a choice of such bytes");
  // The mean's divisor is such a count.
  const Array means = mean(full({600, 700}, 3.0, float64), {.axis = 0, .where = mask});
  for (const double got : means.as_span<const double>()) EXPECT_EQ(got, 3.0);
  expect_counts(count_nonzero(bytes.T(), {.axis = 1}), counted(bytes, zeros({0}, bool_), 600, 700), "turned");
  const Array cube = bytes.reshape({20, 30, 700});
  expect_counts(count_nonzero(cube, {.axis = {0, 1}}), counted(bytes, zeros({0}, bool_), 600, 700), "two axes");
  const Array kept = count_nonzero(cube, {.axis = 1});
  EXPECT_EQ(sum(kept, {.axis = 0}).at<std::int64_t>(699), counted(bytes, zeros({0}, bool_), 600, 700)[699]);
}

}  // namespace
}  // namespace ndshare
