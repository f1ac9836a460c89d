// Masks and index arrays in expressions and statements.
#include <ndshare/create.h>
#include <ndshare/parse.h>
#include <ndshare/print.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <map>

namespace ndshare {
namespace {

using test::code_of;
using test::message_of;

class ExprSelectionTest : public testing::Test {
 protected:
  ExprSelectionTest() {
    arrays_ = {{"a", array({1., 2.5, -3., 4.})}, {"i", array({3, 0, -1})},       {"m", arange(12).reshape({3, 4})},
               {"b", array({true, false, true})}, {"t", zeros({3}, DType::parse("delay:i4,who:S3"))}};
    copyto(arrays_.at("t")["delay"], array({5, 400, 20}, int32));
    fill(arrays_.at("t")["who"](slice(2)), "ORD");
  }
  Array find(const std::string& name) const { return arrays_.at(name); }
  Array compute(const std::string& text) const {
    return parse(text).at(0).value.evaluate([&](const std::string& name) { return find(name); });
  }
  std::string shown(const std::string& text) const { return to_string(compute(text)); }
  std::string written(const std::string& text, const std::string& name = "m") {
    const Array target = arrays_.at(name).copy();
    const Statement statement = parse(text).at(0);
    const std::int64_t length = target.shape()[0];
    EXPECT_EQ(statement.touched(length).count, length) << text;
    EXPECT_FALSE(statement.touched(length).overwritten) << text << ": what is not selected stays";
    statement.write(target, 0, length, [&](const std::string& other) { return find(other); });
    return to_string(target);
  }
  std::map<std::string, Array> arrays_;
};

TEST_F(ExprSelectionTest, Reads) {
  EXPECT_EQ(shown("a[a > 2]"), "[2.5 4. ]");
  EXPECT_EQ(shown("a[[3, 0, -1]]"), "[4. 1. 4.]");
  EXPECT_EQ(shown("a[i]"), "[4. 1. 4.]");
  EXPECT_EQ(shown("m[b, 1:3]"), "[[ 1  2]\n [ 9 10]]");
  EXPECT_EQ(shown("m[[0, 2], [1, -1]]"), "[ 1 11]");
  EXPECT_EQ(shown("m[[[0], [2]], [1, 3]]"), "[[ 1  3]\n [ 9 11]]");
  EXPECT_EQ(shown("sum(m[m % 2 == 0])"), "30");
  EXPECT_EQ(shown("mean(t.delay[t.who == \"ORD\"])"), "202.5");
  EXPECT_EQ(shown("t[t.delay > 10].delay"), "[400  20]");
  EXPECT_EQ(compute("a[[]]").shape(), Shape({0}));
  EXPECT_EQ(compute("m[True]").shape(), Shape({1, 3, 4}));
  EXPECT_EQ(compute("a[a > 9]").shape(), Shape({0}));
}

TEST_F(ExprSelectionTest, Writes) {
  EXPECT_EQ(written("m[m > 9] = 0"), "[[0 1 2 3]\n [4 5 6 7]\n [8 9 0 0]]");
  EXPECT_EQ(written("m[b] = [1, 2, 3, 4]"), "[[1 2 3 4]\n [4 5 6 7]\n [1 2 3 4]]");
  EXPECT_EQ(written("m[[0, 0, 2], 1] += 10"), "[[ 0 11  2  3]\n [ 4  5  6  7]\n [ 8 19 10 11]]") << "once, as NumPy";
  EXPECT_EQ(written("m[[1, 1], [0, 0]] = [7, 8]"), "[[ 0  1  2  3]\n [ 8  5  6  7]\n [ 8  9 10 11]]") << "the last one stands";
  EXPECT_EQ(written("t.delay[t.delay > 10] = 1", "t"), "[(5, b'ORD') (1, b'ORD') (1, b'')]");
  EXPECT_EQ(written("t.who[[0, 2]] = \"LAX\"", "t"), "[(  5, b'LAX') (400, b'ORD') ( 20, b'LAX')]");
}

TEST_F(ExprSelectionTest, PlansTheMostThatMayBe) {
  const auto planned = [&](const std::string& text) {
    return parse(text).at(0).value.plan([&](const std::string& name) { return find(name); });
  };
  EXPECT_EQ(planned("a[a > 2]").shape, Shape({4})) << "elements are not looked at";
  EXPECT_EQ(planned("m[b, 1:3]").shape, Shape({3, 2}));
  EXPECT_EQ(planned("m[:, [0, 1, 2, 3, 0]]").shape, Shape({3, 5}));
  EXPECT_EQ(planned("m[[[0], [2]], [1, 3]] * 2.5").shape, Shape({2, 2}));
  EXPECT_EQ(planned("sum(m[m > 2])").dtype, int64);
  ASSERT_EQ(planned("m[b]").copies.size(), 1U);
  EXPECT_EQ(planned("m[b]").copies[0].bytes, 96);
}

TEST_F(ExprSelectionTest, FunctionsOfWholeArrays) {
  const std::pair<const char*, const char*> cases[] = {
      {"take(a, i)", "[4. 1. 4.]"},
      {"take(m, [0, -1], axis=1)", "[[ 0  3]\n [ 4  7]\n [ 8 11]]"},
      {"take(a, [5, 9], mode=\"clip\")", "[4. 4.]"},
      {"compress(b, m, axis=0)", "[[ 0  1  2  3]\n [ 8  9 10 11]]"},
      {"flatnonzero(a > 2)", "[1 3]"},
      {"concat([a, i])", "[ 1.   2.5 -3.   4.   3.   0.  -1. ]"},
      {"concat([m, m], axis=1)[0]", "[0 1 2 3 0 1 2 3]"},
      {"stack([i, i * 2], axis=1)", "[[ 3  6]\n [ 0  0]\n [-1 -2]]"},
      {"tile(i, 2)", "[ 3  0 -1  3  0 -1]"},
      {"repeat(i, 2)", "[ 3  3  0  0 -1 -1]"},
      {"roll(i, 1)", "[-1  3  0]"},
      {"flip(i)", "[-1  0  3]"},
      {"diff(i)", "[-3 -1]"},
      {"tril(m)[0]", "[0 0 0 0]"},
      {"reshape(m, (2, -1))[1]", "[ 6  7  8  9 10 11]"},
      {"sum(ravel(m))", "66"},
      {"[[1, 2], [3, 4]]", "[[1 2]\n [3 4]]"}};
  for (const auto& [text, want] : cases) {
    EXPECT_EQ(shown(text), want) << text;
    const Plan plan = parse(text).at(0).value.plan([&](const std::string& name) { return find(name); });
    EXPECT_EQ(plan.dtype, compute(text).dtype()) << text;
    if (std::string(text).find("nonzero") == std::string::npos && std::string(text).find("compress") == std::string::npos) {
      EXPECT_EQ(plan.shape, compute(text).shape()) << text;
    }
  }
  EXPECT_EQ(code_of([&] { (void)compute("tile(a, 1000000000000000)"); }), Error::MemoryGuard);
  EXPECT_EQ(code_of([&] { (void)compute("repeat(a, -1)"); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)compute("concat([m, a])"); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { (void)compute("take(a, [9])"); }), Error::IndexBounds);
}

TEST_F(ExprSelectionTest, BadInput) {
  EXPECT_EQ(code_of([&] { (void)compute("a[[4]]"); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { (void)compute("a[[], [1]]"); }), Error::IndexSyntax) << "too many";
  EXPECT_EQ(code_of([&] { (void)compute("m[[], [123]]"); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { (void)compute("a[b]"); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { (void)compute("a[[0.5]]"); }), Error::IndexSyntax);
  EXPECT_EQ(code_of([&] { (void)compute("m[[0, 1], [0, 1, 2]]"); }), Error::ShapeMismatch);
  EXPECT_NE(message_of([&] { (void)written("t[t.delay > 10].delay = 1", "t"); }).find("come last"), std::string::npos);
  EXPECT_FALSE(parse("a[a > 2]")[0].value.is_part());
  EXPECT_FALSE(parse("a[i]")[0].value.is_part());
  EXPECT_TRUE(parse("a[1:-1]")[0].value.is_part());
}

}  // namespace
}  // namespace ndshare
