// The expression language: against Python's own eval with NumPy, mistakes with their position, and text that is
// nonsense.
#include <ndshare/create.h>
#include <ndshare/limits.h>
#include <ndshare/parse.h>
#include <ndshare/print.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <sstream>

namespace ndshare {
namespace {

using test::code_of;
using test::message_of;

const std::map<std::string, Array>& arrays() {
  static const std::map<std::string, Array> all = [] {
    std::map<std::string, Array> made = {
        {"a", array({1., 2.5, -3., 4.})},
        {"f", array({1., 2.5, -3., 4.}, float32)},
        {"i", array({7, -7, 3, 2})},
        {"k", array({7, -7, 3, 2}, int32)},
        {"b", array({true, false, true, false})},
        {"m", arange(12).reshape({3, 4})},
        {"u", array({1, 2, 3}, uint8)},
        {"nan", array({4., 5.})},
        {"market/x", array({5., 6.})},
        {"r", zeros({2}, DType::parse("delay:i4,who:S3,name:U5,day:M8[D]"))},
    };
    const Array& r = made.at("r");
    fill(r["who"], "ORD"), fill(r["name"](0), "Łódź"), fill(r["day"](0), "2024-02-29"), fill(r["day"](1), "NaT");
    return made;
  }();
  return all;
}
Array find(const std::string& name) {
  const auto found = arrays().find(name);
  if (found == arrays().end()) throw Error(Error::NoSuchArray, "no array '" + name + "'");
  return found->second;
}
Array compute(const std::string& text) { return parse(text).at(0).value.evaluate(find); }
std::string shown(const std::string& text) { return to_string(compute(text)); }
Plan planned(const std::string& text) { return parse(text).at(0).value.plan(find); }

/// NDSHARE_TEST_SEED, or a fixed one; printed, so that a failing run can be repeated.
unsigned seed() {
  const char* given = std::getenv("NDSHARE_TEST_SEED");
  const unsigned chosen = given == nullptr ? 4 : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  std::cout << "seed " << chosen << '\n';
  return chosen;
}

/// Random expressions that Python and we are to read alike.
class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {}
  std::string expression(int depth) {
    const std::string inside = arithmetic(depth);
    return pick(4) == 0 ? inside + one_of({" < ", " <= ", " > ", " >= ", " == ", " != "}) + arithmetic(depth - 1)
                        : inside;
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::string one_of(std::initializer_list<const char*> from) {
    return from.begin()[pick(static_cast<unsigned>(from.size()))];
  }
  std::string atom() {
    return one_of({"a", "f", "i", "k", "b", "a", "i", "2", "3", "7", "0.5", "2.5", "1e1", "0x1f", "i[1:2]", "k[::-1]"});
  }
  std::string space() { return one_of({"", " "}); }
  std::string arithmetic(int depth) {
    if (depth <= 0) return atom();
    switch (pick(9)) {
      case 0:
        return "-" + arithmetic(depth - 1);
      case 1:
        return "(" + arithmetic(depth - 1) + ")";
      case 2:
        return one_of({"a", "f", "i", "(a - f)", "3"}) + space() + "**" + space() + "2";
      case 3:
        return one_of({"i", "k", "5", "~i"}) + one_of({" & ", "|", " ^ "}) +
               one_of({"i", "k", "6", "(i << 1)", "k >> 1"});
      case 4:
        return one_of({"sum(", "max(", "min("}) + arithmetic(depth - 1) + " + i)";
      default:
        return arithmetic(depth - 1) + space() + one_of({"+", "-", "*", "/", "//", "%", "+", "-", "*"}) + space() +
               arithmetic(depth - 1);
    }
  }
  std::mt19937 random_;
};

constexpr const char* kPython = R"(
import sys, warnings
import numpy as np
warnings.simplefilter('ignore'); np.seterr(all='ignore')
a = np.array([1., 2.5, -3., 4.]); f = a.astype('f4'); i = np.array([7, -7, 3, 2]); k = i.astype('i4')
b = np.array([True, False, True, False])
sum, max, min = np.sum, np.max, np.min
for text in TEXTS:
    try:
        value = np.asarray(eval(text))
        bits = value.astype('f8').tobytes().hex() if value.dtype.kind != 'i' else value.astype('i8').tobytes().hex()
        print(value.dtype.str.lstrip('<|='), 'x'.join(map(str, value.shape)) or '-', bits)
    except Exception as error:
        print('error', type(error).__name__, '-')
)";

/// A value as the program above prints it, but for bits that may differ by rounding.
void expect_same(const Array& got, const std::string& dtype, const std::string& bits, const std::string& text) {
  EXPECT_EQ(got.dtype().to_string(), dtype == "b1" ? "bool" : got.dtype().to_string()) << text;
  EXPECT_EQ(got.dtype(), dtype == "b1" ? bool_ : DType::parse(dtype)) << text;
  const Array flat = got.ravel();
  ASSERT_EQ(bits.size(), static_cast<std::size_t>(flat.size()) * 16) << text;
  for (std::int64_t at = 0; at < flat.size(); ++at) {
    std::uint64_t word = 0;
    for (std::size_t byte = 0; byte < 8; ++byte) {
      word |= std::stoull(bits.substr(static_cast<std::size_t>(at) * 16 + byte * 2, 2), nullptr, 16) << (8 * byte);
    }
    if (got.dtype().is_signed_integer()) {
      EXPECT_EQ(flat.at<std::int64_t>(at), static_cast<std::int64_t>(word)) << text;
      continue;
    }
    const double want = std::bit_cast<double>(word), have = flat.at<double>(at);
    const double room = (got.dtype() == float32 ? 1e-5 : 1e-13) * std::abs(want);
    EXPECT_TRUE((std::isnan(want) && std::isnan(have)) || want == have || std::abs(want - have) <= room)
        << text << ": " << have << ", Python " << want;
  }
}

TEST(ParseTest, RandomExpressionsAreNumPys) {
  Writer writer(seed());
  std::vector<std::string> texts;
  std::string program = "TEXTS = [";
  for (int n = 0; n < 800; ++n) {
    texts.push_back(writer.expression(n % 5));
    program += "'" + texts.back() + "',";
  }
  const test::Finished numpy = test::run_numpy(program + "]\n" + kPython);
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  std::istringstream lines(numpy.out);
  int errors = 0;
  for (const std::string& text : texts) {
    std::string dtype, shape, bits;
    lines >> dtype >> shape >> bits;
    if (dtype == "error") {
      ++errors;
      EXPECT_NE(code_of([&] { (void)compute(text); }), ErrorCode::Ok) << text << ": Python says " << shape;
      continue;
    }
    ASSERT_EQ(message_of([&] { (void)compute(text); }), "") << text << ": Python gives " << dtype << " " << shape;
    expect_same(compute(text), dtype, bits == "-" ? "" : bits, text);
    EXPECT_EQ(planned(text).shape, compute(text).shape()) << text;
    EXPECT_EQ(planned(text).dtype, compute(text).dtype()) << text;
  }
  EXPECT_LT(errors, 200) << "the texts are to be mostly right";
}

TEST(ParseTest, NamesIndicesCallsAndNumbers) {
  EXPECT_EQ(shown("sum(m, axis=0)[1]"), "15");
  EXPECT_EQ(shown("sum(m, 0)"), "[12 15 18 21]");
  EXPECT_EQ(compute("sum(m, axis=(0, -1), keepdims=True)").shape(), Shape({1, 1}));
  EXPECT_EQ(compute("m[1:, ::2]").shape(), Shape({2, 2}));
  EXPECT_EQ(shown("m[-1, ...]"), "[ 8  9 10 11]");
  EXPECT_EQ(compute("m[newaxis, :, None, 2*3 - 5]").shape(), Shape({1, 3, 1}));
  EXPECT_EQ(shown("m[u[0], i[2]:]"), "[7]") << "positions may be arrays without axes";
  EXPECT_EQ(shown("`market/x` * 2"), "[10. 12.]");
  EXPECT_EQ(shown("`nan` + 1"), "[5. 6.]") << "in backquotes nothing is a constant";
  EXPECT_EQ(shown("r.delay + 0x10"), "[16 16]");
  EXPECT_EQ(shown("r[\"delay\"] + 0b11"), "[3 3]");
  EXPECT_EQ(compute("r[[\"delay\", \"who\"]]").dtype().fields().size(), 2U);
  EXPECT_EQ(shown("-2 ** 2"), "-4");
  EXPECT_EQ(shown("2 ** 3 ** 2 + 2 ** -1"), "512.5");
  EXPECT_EQ(shown("1_000 + a[0]"), "1001.0");
  EXPECT_EQ(compute("a + 2j").dtype(), complex128);
  EXPECT_EQ(compute("astype(a, f4)").dtype(), float32);
  EXPECT_EQ(compute("zeros((2, 3), dtype=\"i2\")").dtype(), int16);
  EXPECT_EQ(shown("where(a > 2, a, -a)"), "[-1.   2.5  3.   4. ]");
  EXPECT_EQ(shown("clip(a, 0, None)"), "[1.  2.5 0.  4. ]");
  EXPECT_EQ(shown("round(a * 0.111, 2)"), "[ 0.11  0.28 -0.33  0.44]");
  EXPECT_EQ(shown("nan_to_num([1, nan, inf], posinf=9)"), "[1. 0. 9.]");
  EXPECT_EQ(shown("linspace(0, 1, 3)\n") + shown("arange(1, 10, 4)"), "[0.  0.5 1. ][1 5 9]");
  EXPECT_EQ(shown("mean(\n a, where=a > 0\n)"), "2.5") << "lines go on inside brackets";
  EXPECT_EQ(parse("x = a; x[1:3] += 2\n y").at(1).op, "+");
  EXPECT_EQ(parse("x = a + b * a")[0].value.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse("x[n] = y[z]")[0].names(), (std::vector<std::string>{"y", "z", "n"}));
}

TEST(ParseTest, NumbersAloneStayWeak) {
  EXPECT_EQ(compute("f * (pi/2)").dtype(), float32);
  EXPECT_EQ(compute("u + 2*3").dtype(), uint8);
  EXPECT_EQ(shown("7 // 2 - 7 % -4 + (1 << 3)"), "12");
  EXPECT_EQ(shown("-7 // 2"), "-4");
  EXPECT_EQ(shown("1.0 == 1"), "True");
  EXPECT_EQ(shown("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(shown("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(code_of([] { (void)compute("u + 2*200"); }), Error::Overflow);
  EXPECT_EQ(code_of([] { (void)compute("2 ** 64"); }), Error::Overflow);
  EXPECT_EQ(code_of([] { (void)compute("1 << 4000000000"); }), Error::Overflow);
  EXPECT_EQ(code_of([] { (void)compute("3 ** 9999999999"); }), Error::Overflow);
  EXPECT_EQ(code_of([] { (void)compute("1 / 0"); }), Error::Usage);
}

TEST(ParseTest, TextAndTimesCompare) {
  EXPECT_EQ(shown("r.who == \"ORD\""), "[ True  True]");
  EXPECT_EQ(shown("\"ORE\" > r.who"), "[ True  True]");
  EXPECT_EQ(shown("r.name == 'Łódź'"), "[ True False]");
  EXPECT_EQ(shown("r.name <= 'Z'"), "[False  True]");
  EXPECT_EQ(shown("r.day >= '2024-02-29'"), "[ True False]");
  EXPECT_EQ(shown("r.day != r.day"), "[False  True]") << "NaT differs from itself";
  EXPECT_EQ(shown("isnat(r.day)"), "[False  True]");
  EXPECT_EQ(shown("isnat(r.day - r.day)"), "[False  True]");
  EXPECT_EQ(compute("r.day[0] - r.day").dtype(), DType::parse("m8[D]"));
  EXPECT_EQ(planned("r.day - r.day").dtype, DType::parse("m8[D]"));
  EXPECT_EQ(shown("r.day + (r.day - r.day) == r.day"), "[ True False]");
  EXPECT_EQ(code_of([] { (void)compute("r.day + r.day"); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([] { (void)compute("r.day + 1"); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([] { (void)compute("isnat(r.delay)"); }), Error::DtypeMismatch);
  EXPECT_EQ(shown("sum((r.who == 'ORD') & (r.delay == 0))"), "2");
  EXPECT_EQ(code_of([] { (void)compute("r.who == 3"); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([] { (void)compute("r.day < 'soon'"); }), Error::Format);
  EXPECT_EQ(code_of([] { (void)compute("r.who == r.name"); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([] { (void)compute("a == 'x'"); }), Error::Usage);
}

TEST(ParseTest, WritesInPlace) {
  const auto write = [](const std::string& text, const Array& target, std::int64_t first, std::int64_t length) {
    parse(text).at(0).write(target, first, length, find);
  };
  const Array x = zeros({4, 3}, uint8);
  write("x[...] = 3", x, 0, 4), write("x[1:3, 0] += 2*2", x, 0, 4), write("x[-1] = u", x, 0, 4);
  EXPECT_EQ(to_string(x), "[[3 3 3]\n [7 3 3]\n [7 3 3]\n [1 2 3]]");
  const Array some = x(slice(1, 3));  // as a guard of these rows gives them
  write("x[1:3, 1] = 9", some, 1, 4), write("x[-3][2] = 8", x(slice(1, 2)), 1, 4);
  EXPECT_EQ(to_string(x), "[[3 3 3]\n [7 9 8]\n [7 9 3]\n [1 2 3]]");
  const Array r = find("r").copy();
  write("r.delay[1] = 5", r, 0, 2), write("r[0].who = 'X'", r, 0, 2), write("r.day = '1999-01-01'", r, 0, 2);
  EXPECT_EQ(r["delay"].at<int>(1), 5);
  EXPECT_EQ(to_string(r["who"]), "[b'X' b'ORD']");
  EXPECT_EQ(code_of([&] { write("x[0] = -1", x, 0, 4); }), Error::Overflow);
  EXPECT_EQ(code_of([&] { write("x[0] = 1.5", x, 0, 4); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { write("x += 1.5", x, 0, 4); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { write("x[9] = 1", x, 0, 4); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { write("x[0] = a", x, 0, 4); }), Error::ShapeMismatch);
}

TEST(ParseTest, SaysWhichRowsItTouches) {
  const auto touched = [](const std::string& text) {
    const auto rows = parse(text).at(0).touched(10);
    return std::to_string(rows.first) + "+" + std::to_string(rows.count) + (rows.overwritten ? "!" : "");
  };
  EXPECT_EQ(touched("x[2:5] = 1"), "2+3!");
  EXPECT_EQ(touched("x[-1] = y"), "9+1!");
  EXPECT_EQ(touched("x[-1, :, ...] = y"), "9+1!");
  EXPECT_EQ(touched("x[...] = y"), "0+10!");
  EXPECT_EQ(touched("x[2:5, 0] = 1"), "2+3");
  EXPECT_EQ(touched("x[2:5] += 1"), "2+3");
  EXPECT_EQ(touched("x[2:5] = x[0]"), "2+3") << "the old values are needed";
  EXPECT_EQ(touched("x.f[2:5] = 1"), "2+3");
  EXPECT_EQ(touched("x[::2] = 1"), "0+10");
  EXPECT_EQ(touched("x[99] = 1"), "0+10");
  EXPECT_EQ(touched("x[n] = 1"), "0+10");
  EXPECT_EQ(touched("x[None] = 1"), "0+10");
  EXPECT_EQ(touched("x *= 1"), "0+10");
}

TEST(ParseTest, PlansWithoutComputing) {
  const Plan sum = planned("sum((zeros((1000000, 1000000)) + m[0, 0])**2, axis=1)");
  EXPECT_EQ(sum.shape, Shape({1'000'000}));
  EXPECT_EQ(sum.dtype, float64);
  EXPECT_EQ(sum.refusal, "");
  EXPECT_NE(planned("zeros((1000000, 1000000)) + 1").refusal, "");
  EXPECT_EQ(planned("cumsum(u)").dtype, uint64);
  EXPECT_EQ(planned("r.who == 'ORD'").dtype, bool_);
  EXPECT_EQ(planned("f + a").copies.size(), 1U);
  EXPECT_GT(planned("isclose(a, a) & b").temporaries, planned("b & b").temporaries);
  EXPECT_EQ(planned("m[argmax(m[0])]").shape, Shape({4}));
  EXPECT_EQ(code_of([] { (void)planned("sum(m, axis=2)"); }), Error::Axis);
  const Limits cap{.max_bytes = 1000};
  for (const char* text : {"zeros(1000) + 1", "arange(1000)", "linspace(0, 1, 1000)", "ones((1000,), f4) * 2"}) {
    EXPECT_EQ(code_of([&] { (void)compute(text); }), Error::MemoryGuard) << text;
  }
}

TEST(ParseTest, MistakesSayWhere) {
  const std::pair<const char*, const char*> cases[] = {{"a + ", "position 4"},
                                                       {"a + $", "means nothing"},
                                                       {"(a", "expected ','"},
                                                       {"a < a < a", "(a < b) & (b < c)"},
                                                       {"a and a", "&"},
                                                       {"not a", "&"},
                                                       {"foo(a)", "'foo'"},
                                                       {"sqr(a)", "did you mean 'sqrt'"},
                                                       {"sum(a, axes=1)", "axes"},
                                                       {"sum()", "argument"},
                                                       {"sum(axis=0)", "operand"},
                                                       {"sqrt(a, a)", "1 argument"},
                                                       {"\"text\" + a", "text is no operand"},
                                                       {"m[a > 1]", "masks"},
                                                       {"m[[0, 1]]", "index arrays"},
                                                       {"m[0.5]", "whole number"},
                                                       {"m[True]", "masks"},
                                                       {"m[]", "not expected"},
                                                       {"1 = a", "assigned"},
                                                       {"pi = 3", "assigned"},
                                                       {"a + 1 = 2", "assigned"},
                                                       {"'open", "never closed"},
                                                       {"a[1", "expected ']'"},
                                                       {"0x + a", "no number"},
                                                       {"1__0", "no number"},
                                                       {"12ab", "no number"},
                                                       {"99999999999999999999", "64 bits"},
                                                       {"1e999", "inf"},
                                                       {"a.sum()", "sum(a)"},
                                                       {"market@x", "backquotes"},
                                                       {"é", "'é'"},
                                                       {"sum(a, axis=1.5)", "whole numbers"},
                                                       {"r + 1", "pick a field"},
                                                       {"round(i, -1)", "astype"},
                                                       {"a & & b", "once"},
                                                       {"sum(a, axis=0, 1)", "without a name"},
                                                       {"sum(a, 0, axis=0)", "twice"},
                                                       {"mean(a, keepdims=1)", "True or False"},
                                                       {"1 // 0", "division by 0"},
                                                       {"2.5 & 1", "whole numbers"},
                                                       {"a, a", "';'"}};
  for (const auto& [text, part] : cases) {
    const std::string message = message_of([&, source = text] { (void)compute(source); });
    EXPECT_NE(message.find(part), std::string::npos) << text << ": " << message;
  }
  EXPECT_NE(message_of([] { (void)parse("x = 'Łódź' @ 1"); }).find("  x = 'Łódź' @ 1\n             ^"),
            std::string::npos)
      << "the mark is below";
  EXPECT_NE(
      message_of([] { (void)parse("x = 1\ny = + \nz = 1"); }).find("missing, at position 12\n  y = + \n        ^"),
      std::string::npos);
  for (const char* text : {"a +", "a < a < a", "1 = a", "sum(a, 1, 2)", "foo(a)", "\xff"}) {
    EXPECT_EQ(code_of([&] { (void)compute(text); }), Error::Usage) << text;
  }
  EXPECT_EQ(code_of([] { (void)compute("m[a > 1]"); }), Error::NotSupported);
  EXPECT_EQ(code_of([] { (void)compute("m[9, 9]"); }), Error::IndexBounds);
  EXPECT_EQ(code_of([] { (void)compute("zeros((1,)*3)"); }), Error::Usage);
}

TEST(ParseTest, DeepLongAndRandomTextEndsInAnError) {
  const auto times = [](const std::string& text, int n) {
    std::string out;
    for (int k = 0; k < n; ++k) out += text;
    return out;
  };
  // clang-format off
  const std::string deep[] = {
      times("(", 100'000), times("(", 60'000), times("-", 60'000) + "1", times("a[", 20'000), times("[", 60'000),
      times("a[", 20'000) + "0" + times("]", 20'000), "a" + times("[0]", 20'000), "a" + times(".b", 30'000),
      times("sum(", 15'000), "a" + times("+a", 20'000), "2" + times("**2", 20'000), std::string(70'000, 'a'),
      times("(", 150) + "a" + times("[0])", 15'000)};
  // clang-format on
  for (const std::string& text : deep)
    EXPECT_EQ(code_of([&] { (void)compute(text); }), Error::Usage) << text.substr(0, 40);
  EXPECT_EQ(shown(times("(", 190) + "1" + times(")", 190)), "1") << "what is below the limit is computed";
  EXPECT_EQ(shown("a" + times("[...]", 190) + "[0]"), "1.0");
  EXPECT_EQ(shown("a[0]" + times(" + a[1]", 900)), "2251.0");
  EXPECT_EQ(shown("1" + times(" + 1", 999)), "1000");
}

TEST(ParseTest, RandomTokensNeverCrash) {
  std::mt19937 random(seed());
  const std::string tokens[] = {
      "a",     "m",         "i",  "r",  "u",   "sum", "(",      ")",     "[",       "]",      ",",       "1",  "2.5",
      "**",    "*",         "-",  "~",  "<",   "==",  ".",      "=",     ":",       ";",      "\"x\"",   "`",  "axis",
      "\n",    "None",      "e",  "0x", "'",   "|",   "é",      "where", "newaxis", "...",    "nan",     "(",  ")",
      "zeros", "transpose", "//", "0",  "who", "day", "dtype=", "f4",    "argmax",  "cumsum", "isclose", ">>", "&"};
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  const Limits cap{.max_bytes = 1 << 20};
  int right = 0;
  for (int n = 0; n < 40'000; ++n) {
    std::string text;
    for (auto more = random() % 12; more > 0; --more)
      text += tokens[random() % std::size(tokens)] + (random() % 3 == 0 ? " " : "");
    try {
      for (const Statement& statement : parse(text)) {
        (void)statement.value.plan(find);
        (void)statement.value.evaluate(find);
        if (!statement.in_place) continue;
        (void)statement.touched(3);
        statement.write(arange(3), 0, 3, find);
      }
      ++right;
    } catch (const Error&) {
      // Any error will do, as long as it is one of ours.
    }
  }
  EXPECT_GT(right, 500);
}

}  // namespace
}  // namespace ndshare
