#include <gtest/gtest.h>
#include <ndshare/shape.h>

#include "tests/support/support.h"

namespace ndshare {
namespace {

ErrorCode parse_code(const std::string& text) {
  return test::code_of([&] { static_cast<void>(Shape::parse(text)); });
}

TEST(ShapeTest, TextBothWays) {
  for (const char* text : {"3,4", "(3, 4)", "[3,4]", " 3 , 4 ", "(3,4,)", "3,4,"})
    EXPECT_EQ(Shape::parse(text), (Shape{3, 4})) << text;
  EXPECT_EQ(Shape::parse("7").str(), "(7,)");
  EXPECT_EQ(Shape::parse("()").str(), "()");
  EXPECT_EQ(Shape::parse("-1,3").str(), "(-1, 3)");
  EXPECT_EQ(Shape::parse("0,9223372036854775807").count(), 0);
}

TEST(ShapeTest, WrongTextIsRefused) {
  for (const char* text :
       {"", "(", "(3", "3)", "3 4", "a", "3,,4", "-2", "3.5", "9223372036854775808", "(3]", ",", "0x10", "+3"}) {
    EXPECT_EQ(parse_code(text), ErrorCode::Shape) << text;
  }
  const std::string message = test::message_of([] { static_cast<void>(Shape::parse("3,-27")); });
  EXPECT_NE(message.find("-27"), std::string::npos) << message;
}

TEST(ShapeTest, ThirtyTwoAxesAndNoMore) {
  std::string text = "1";
  for (int i = 1; i < 32; ++i) text += ",1";
  EXPECT_EQ(Shape::parse(text).count(), 1);
  EXPECT_EQ(parse_code(text + ",1"), ErrorCode::Shape);
  EXPECT_EQ(
      test::code_of([] { static_cast<void>(Shape(std::span<const std::int64_t>(std::vector<std::int64_t>(33, 1)))); }),
      ErrorCode::Shape);
}

TEST(ShapeTest, CountsAreChecked) {
  EXPECT_EQ(Shape{}.count(), 1);
  EXPECT_EQ((Shape{3, 0, INT64_MAX}).count(), 0);
  EXPECT_EQ((Shape{INT64_MAX}).count(), INT64_MAX);
  EXPECT_EQ((Shape{INT64_MAX / 8}).nbytes(8), INT64_MAX / 8 * 8);
  EXPECT_EQ(test::code_of([] { static_cast<void>((Shape{3, -1}).count()); }), ErrorCode::Shape);
  EXPECT_EQ(test::code_of([] {
              static_cast<void>((Shape{std::int64_t{1} << 32, std::int64_t{1} << 31}).count());
            }),
            ErrorCode::Shape);
  EXPECT_EQ(test::code_of([] { static_cast<void>((Shape{std::int64_t{1} << 60}).nbytes(8)); }), ErrorCode::Shape);
  EXPECT_EQ((Shape{INT64_MAX, INT64_MAX, 0}).nbytes(8), 0);  // a zero wherever it stands, whatever comes before it
}

TEST(ShapeTest, AxesWrapAndAreChecked) {
  EXPECT_EQ(normalize_axis(-1, 3), 2);
  EXPECT_EQ(test::code_of([] { static_cast<void>(normalize_axis(3, 3)); }), ErrorCode::Axis);
  EXPECT_EQ(test::code_of([] { static_cast<void>(normalize_axis(0, 0)); }), ErrorCode::Axis);
}

}  // namespace
}  // namespace ndshare
