// The expression language: precedence against Python's, mistakes with their position, and text that is nonsense.
#include <ndshare/create.h>
#include <ndshare/parse.h>
#include <ndshare/print.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <random>
#include <sstream>

namespace ndshare {
namespace {

using test::code_of;
using test::message_of;

Array compute(const std::string& text) {
  const auto resolve = [](const std::string& name) -> Array {
    if (name == "a") return array({1., 2., 3., 4.});
    if (name == "i") return array({7, -7, 3, 0});
    if (name == "m") return arange(12).reshape({3, 4});
    if (name == "market/x") return array({5., 6.});
    if (name == "r") return zeros({2}, DType::parse("delay:i4,who:S3"));
    throw Error(Error::NoSuchArray, "no array '" + name + "'");
  };
  const auto statements = parse(text);
  return statements.at(0).value.evaluate(resolve);
}

TEST(ParseTest, RandomArithmeticIsPythons) {
  std::mt19937 random(3);
  std::ostringstream program;
  program << "import numpy as np\nnp.seterr(all='ignore')\na = np.array([1., 2., 3., 4.]); i = np.array([7, -7, 3, 0])\n";
  std::vector<std::string> texts;
  const std::string marks[] = {"+", "-", "*", "/", "//", "%", "**"};
  const std::function<std::string(int)> term = [&](int depth) -> std::string {
    const auto pick = random() % 10;
    if (depth == 0 || pick < 3) return pick % 3 == 0 ? "a" : pick % 3 == 1 ? "2.5" : "i";
    if (pick == 3) return "-" + term(depth - 1);
    if (pick == 4) return "(" + term(depth - 1) + ")";
    const std::string mark = marks[random() % 7];
    if (mark == "**") return "a ** " + std::string(random() % 2 == 0 ? "-" : "") + "2.0";
    return term(depth - 1) + " " + mark + " " + term(depth - 1);
  };
  for (int k = 0; k < 200; ++k) {
    texts.push_back(term(4));
    program << "print(np.asarray((" << texts.back() << ") + 0.0 * a, 'f8').tobytes().hex())\n";
  }
  const test::Finished numpy = test::run_numpy(program.str());
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  std::istringstream lines(numpy.out);
  for (const std::string& text : texts) {
    std::string hex;
    std::getline(lines, hex);
    const Array got = compute("(" + text + ") + 0.0 * a");
    for (std::int64_t k = 0; k < 4; ++k) {
      std::uint64_t bits = 0;
      for (int byte = 0; byte < 8; ++byte) {
        const auto at = static_cast<std::size_t>(k * 16 + byte * 2);
        bits |= std::stoull(hex.substr(at, 2), nullptr, 16) << (8 * byte);
      }
      const double want = std::bit_cast<double>(bits), have = got.at<double>(k);
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(have)) << text;
      } else {
        EXPECT_TRUE(have == want || std::abs(have - want) <= 1e-13 * std::abs(want)) << text << ": " << have << ", Python " << want;
      }
    }
  }
}

TEST(ParseTest, NamesIndicesCallsAndNumbers) {
  EXPECT_EQ(compute("sum(m)").item<int>(), 66);
  EXPECT_EQ(compute("sum(m, axis=0)[1]").item<int>(), 15);
  EXPECT_EQ(compute("sum(m, axis=(0, 1), keepdims=True)").shape(), Shape({1, 1}));
  EXPECT_EQ(compute("m[1:, ::2]").shape(), Shape({2, 2}));
  EXPECT_EQ(compute("m[-1, ...]").at<int>(0), 8);
  EXPECT_EQ(compute("`market/x` * 2").at<double>(1), 12);
  EXPECT_EQ(compute("r.delay + 1").at<int>(0), 1);
  EXPECT_EQ(compute("r[\"delay\"] + 0x10").at<int>(0), 16);
  EXPECT_EQ(compute("a > 2").dtype(), bool_);
  EXPECT_EQ(compute("(a > 1) & (a < 4)").at<bool>(1), true);
  EXPECT_EQ(compute("-2 ** 2 + a").at<double>(0), -3);
  EXPECT_EQ(compute("2 ** 3 ** 2 + a").at<double>(0), 513);
  EXPECT_EQ(compute("1_000 + a").at<double>(0), 1001);
  EXPECT_EQ(compute("a + 2j").dtype(), complex128);
  EXPECT_EQ(compute("astype(a, \"f4\")").dtype(), float32);
  EXPECT_EQ(compute("where(a > 2, a, -a)").at<double>(0), -1);
  EXPECT_EQ(compute("std(a, ddof=1)").item<double>(), std::sqrt(5.0 / 3.0));
  EXPECT_EQ(compute("arange(3) + zeros((3,))").at<double>(2), 2);
  EXPECT_EQ(parse("x = a; x[1:3] += 2\n y")[1].op, "+");
  EXPECT_EQ(parse("x = a + b * a")[0].value.names(), (std::vector<std::string>{"a", "b"}));
}

TEST(ParseTest, MistakesSayWhere) {
  const auto says = [](const std::string& text, const std::string& part) {
    const std::string message = message_of([&] { (void)compute(text); });
    EXPECT_NE(message.find(part), std::string::npos) << text << ": " << message;
  };
  says("a + ", "position 4");
  says("a + $", "means nothing");
  says("(a", "expected ','");
  says("a < a < a", "do not chain");
  says("a and a", "&");
  says("foo(a)", "foo");
  says("sum(a, axes=1)", "axes");
  says("sum()", "operands");
  says("\"text\" + a", "text");
  says("m[a > 1]", "masks");
  says("1 = a", "assigned");
  says("'open", "never closed");
  says("a[1", "never closed");
  says("0x + a", "no number");
  for (const char* text : {"a +", "a < a < a", "1 = a", "sum(a, 1, 2)"}) {
    EXPECT_EQ(code_of([&] { (void)compute(text); }), Error::Usage) << text;
  }
  EXPECT_EQ(code_of([] { (void)compute("m[a > 1]"); }), Error::NotSupported);
  EXPECT_EQ(code_of([] { (void)compute("m[9, 9]"); }), Error::IndexBounds);
}

TEST(ParseTest, DeepLongAndRandomTextEndsInAnError) {
  EXPECT_EQ(code_of([] { (void)parse(std::string(60'000, '(')); }), Error::Usage);
  EXPECT_EQ(code_of([] { (void)parse(std::string(60'000, '-') + "1"); }), Error::Usage);
  EXPECT_EQ(code_of([] { (void)parse(std::string(70'000, 'a')); }), Error::Usage);
  std::string sum = "a";
  for (int i = 0; i < 20'000; ++i) sum += "+a";
  EXPECT_EQ(code_of([&] { (void)parse(sum); }), Error::Usage);
  std::mt19937 random(5);
  const std::string tokens[] = {"a", "m", "i", "sum", "(", ")", "[", "]", ",", "1", "2.5", "**", "*", "-", "~", "<", "==", ".", "=", ":", ";",
                                "\"x\"", "`", "axis", "\n", "None", "e", "0x", "'", "|", "é", "where", "newaxis", "...", "nan"};
  for (int k = 0; k < 20'000; ++k) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) text += tokens[random() % std::size(tokens)] + (random() % 3 == 0 ? " " : "");
    try {
      const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
      if (!parse(text).empty()) (void)compute(text);
    } catch (const Error&) {
      // Any error will do, as long as it is one of ours.
    }
  }
}

}  // namespace
}  // namespace ndshare
