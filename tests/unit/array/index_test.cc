#include <gtest/gtest.h>
#include <ndshare/index.h>

#include "tests/support/support.h"

namespace ndshare {
namespace {

using Indices = std::vector<Index>;

TEST(IndexTest, TextBothWays) {
  EXPECT_EQ(parse_index("[0:10, ::2, ..., 3]"), (Indices{slice(0, 10), slice(none, none, 2), ellipsis, 3}));
  EXPECT_EQ(parse_index(" -1 "), (Indices{-1}));
  EXPECT_EQ(parse_index("None,:,newaxis"), (Indices{newaxis, all, newaxis}));
  EXPECT_EQ(parse_index("[5:, :-1, ::-1, -3:-1:1,]"),
            (Indices{slice(5, none), slice(-1), slice(none, none, -1), slice(-3, -1, 1)}));
  EXPECT_EQ(parse_index(""), Indices{});
  EXPECT_EQ(to_string(parse_index("[0:10, ::2, ..., 3, None]")), "0:10, ::2, ..., 3, None");
}

TEST(IndexTest, WrongTextIsRefusedWithItsPosition) {
  for (const char* text : {"[", "]", "[]", "[1", "1]", "1 2", "1::0", "a", "1.5", "1,,2", "..", "....", "[1][2]",
                           "::::", "9223372036854775808", "--1", "+-1", "1:2:3:4"}) {
    EXPECT_EQ(test::code_of([&] { static_cast<void>(parse_index(text)); }), ErrorCode::IndexSyntax) << text;
  }
  EXPECT_NE(test::message_of([] { static_cast<void>(parse_index("[0, x]")); }).find("position 4"), std::string::npos);
  EXPECT_EQ(test::code_of([] { static_cast<void>(parse_index(std::string(5000, ':'))); }), ErrorCode::IndexSyntax);
  std::string many = "0";
  for (int i = 0; i < 1000; ++i) many += ",0";
  EXPECT_EQ(test::code_of([&] { static_cast<void>(parse_index(many)); }), ErrorCode::IndexSyntax);
}

TEST(IndexTest, AStepOfZeroIsAnError) {
  EXPECT_EQ(test::code_of([] { static_cast<void>(resolve_slice(slice(0, 1, 0), 5)); }), ErrorCode::IndexSyntax);
}

}  // namespace
}  // namespace ndshare
