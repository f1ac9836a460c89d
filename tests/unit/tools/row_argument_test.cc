#include "tools/cli/row_argument.h"

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::cli {
namespace {

using test::code_of;
using test::message_of;

Rows rows(std::string_view text, const Shape& shape) {
  return rows_of(parse_array_argument(text, [](const std::string& name) { return name == "a"; }), shape, text);
}

TEST(RowArgumentTest, NoIndexIsEverything) {
  EXPECT_EQ(rows("a", {10, 3}), Rows{});
  EXPECT_EQ(rows("a[...]", {10}), Rows{});
  EXPECT_EQ(rows("a", {}), Rows{});
  EXPECT_EQ(rows("a[:]", {0}), Rows{}) << "an empty array may grow";
}

TEST(RowArgumentTest, RangesAreOnTheFirstAxis) {
  EXPECT_EQ(rows("a[2:5]", {10, 3}), (Rows{2, 5}));
  EXPECT_EQ(rows("a[3]", {10}), (Rows{3, 4}));
  EXPECT_EQ(rows("a[-1]", {10}), (Rows{9, 10}));
  EXPECT_EQ(rows("a[-4:-2]", {10}), (Rows{6, 8}));
  EXPECT_EQ(rows("a[:4]", {10}), (Rows{0, 4}));
  EXPECT_EQ(rows("a[8:99]", {10}), (Rows{8, 10})) << "ends are clipped, as in Python";
}

TEST(RowArgumentTest, RangeWithoutAnEndGrowsWithTheArray) {
  EXPECT_EQ(rows("a[4:]", {10}), (Rows{4, -1}));
  EXPECT_EQ(rows("a[-4:]", {10}), (Rows{6, -1}));
}

TEST(RowArgumentTest, WhatIsNoRangeOfRowsIsRefused) {
  for (const char* text : {"a[::2]", "a[::-1]", "a[1:2, 0]", "a[:, 1]", "a[None]", "a.x", "a[\"x\"]", "a[1][0]", "a["})
    EXPECT_EQ(code_of([&] { (void)rows(text, {10, 3}); }), Error::IndexSyntax) << text;
  for (const char* text : {"a[10]", "a[-11]", "a[5:5]", "a[6:2]", "a[99:]", "a[20:30]"})
    EXPECT_EQ(code_of([&] { (void)rows(text, {10, 3}); }), Error::IndexBounds) << text;
  EXPECT_EQ(code_of([] { (void)rows("a[0]", {}); }), Error::IndexBounds);
  EXPECT_NE(message_of([] { (void)rows("a[10]", {10}); }).find("10 rows"), std::string::npos);
}

}  // namespace
}  // namespace ndshare::cli
