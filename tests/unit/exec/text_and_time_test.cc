// Comparisons of text and times, and the arithmetic of times, against NumPy and Python.
#include "tests/unit/exec/engine_support.h"

#include <ndshare/index.h>
#include <ndshare/limits.h>

#include <limits>
#include <sstream>

namespace ndshare {
namespace {

using test::code_of;
using test::message_of;

constexpr std::int64_t kNat = std::numeric_limits<std::int64_t>::min();

const DType kDay = DType::parse("M8[D]"), kSpan = DType::parse("m8[D]");

Array times(const std::vector<std::int64_t>& counts, const DType& dtype) {
  const Array out = empty({static_cast<std::int64_t>(counts.size())}, int64);
  std::copy(counts.begin(), counts.end(), out.as_span<std::int64_t>().begin());
  return out.view_as(dtype);
}
std::vector<std::int64_t> counts_of(const Array& x) {
  const Array flat = x.view_as(int64).copy();
  const auto all = flat.as_span<const std::int64_t>();
  return {all.begin(), all.end()};
}

Array compared(const std::string& name, const Array& a, const Array& b) {
  if (name == "==") return a == b;
  if (name == "!=") return a != b;
  if (name == "<") return a < b;
  if (name == "<=") return a <= b;
  return name == ">" ? a > b : a >= b;
}

constexpr char kTimes[] = R"(
import numpy as np, operator as o
rng = np.random.default_rng(7)
a, b = (np.where(rng.random(500) < 0.2, np.iinfo('i8').min, rng.integers(-9, 9, 500)) for _ in 'ab')
print(*a); print(*b)
day, other, span = a.astype('M8[D]'), b.astype('M8[D]'), b.astype('m8[D]')
for f in o.eq, o.ne, o.lt, o.le, o.gt, o.ge: print(*f(day, other).astype(int))
for f in o.eq, o.ne, o.lt, o.le, o.gt, o.ge: print(*f(a.astype('m8[D]'), span).astype(int))
for x in day - other, day + span, day - span, span + day, span + span, span - a.astype('m8[D]'): print(*x.astype('i8'))
print(*np.isnat(day).astype(int))
)";

TEST(TextAndTimeTest, TimesAreNumPys) {
  const test::Finished numpy = test::run_numpy(kTimes);
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  std::istringstream lines(numpy.out);
  const auto next = [&] {
    std::string line;
    std::getline(lines, line);
    std::istringstream words(line);
    return std::vector<std::int64_t>(std::istream_iterator<std::int64_t>(words), {});
  };
  const auto left = next(), right = next();
  for (const DType& dtype : {kDay, kSpan}) {
    for (const char* op : {"==", "!=", "<", "<=", ">", ">="}) {
      const Array want = times(next(), int64) != 0;
      EXPECT_TRUE(array_equal(compared(op, times(left, dtype), times(right, dtype)), want)) << dtype.name() << op;
    }
  }
  const Array day = times(left, kDay), other = times(right, kDay), span = times(right, kSpan);
  const Array results[] = {day - other, day + span, day - span, span + day, span + span, span - times(left, kSpan)};
  const DType dtypes[] = {kSpan, kDay, kDay, kDay, kSpan, kSpan};
  for (std::size_t i = 0; i < std::size(results); ++i) {
    EXPECT_EQ(results[i].dtype(), dtypes[i]) << i;
    EXPECT_EQ(counts_of(results[i]), next()) << i;
  }
  EXPECT_TRUE(array_equal(isnat(day), times(next(), int64) != 0));
}

TEST(TextAndTimeTest, TimesInOutAndInPlace) {
  const Array day = times({1, 2, kNat, 4}, kDay), span = times({10, kNat, 10, 10}, kSpan), first = day.copy();
  day += span;
  EXPECT_EQ(counts_of(day), (std::vector<std::int64_t>{11, kNat, kNat, 14}));
  const Array out = times({0, 0, 0, 0}, kSpan);
  subtract(day(slice(none, none, -1)), first, {.out = out, .where = array({true, true, false, true})});
  EXPECT_EQ(counts_of(out), (std::vector<std::int64_t>{13, kNat, 0, 7}));
  EXPECT_EQ(code_of([&] { subtract(day, first, {.out = zeros({4}, int64)}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { subtract(day, first, {.out = day}); }), Error::DtypeMismatch) << "a span is no date";
  EXPECT_EQ(code_of([&] { add(first, span, {.out = out.as_readonly().view_as(kDay)}); }), Error::ReadOnly);
  const Array mask = zeros({4}, bool_);
  less(first, "1970-01-03", {.out = mask});
  EXPECT_TRUE(array_equal(mask, array({true, false, false, false})));
  EXPECT_TRUE(array_equal("1970-01-03" <= first, array({false, true, false, true})));
  EXPECT_EQ((zeros({3, 1}, int64).view_as(kDay) == zeros({4}, int64).view_as(kDay)).shape(), Shape({3, 4}));
  const ErrState raising{.overflow = OnOverflow::raise};
  EXPECT_NO_THROW((void)(first + span)) << "NaT overflows nothing";
  EXPECT_EQ(code_of([&] { (void)(times({std::numeric_limits<std::int64_t>::max()}, kSpan) + times({1}, kSpan)); }), Error::Overflow);
}

TEST(TextAndTimeTest, WhatDoesNotGoTogetherIsRefused) {
  const Array day = zeros({2}, int64).view_as(kDay), second = zeros({2}, int64).view_as(DType::parse("M8[s]")), number = zeros({2});
  const Array bytes = zeros({2}, DType::parse("S3")), text = zeros({2}, DType::parse("U3")), span = day - day;
  for (const auto& call : std::vector<std::function<Array()>>{
           [&] { return day == second; }, [&] { return day - second; }, [&] { return day + day; }, [&] { return span - day; },
           [&] { return day * span; }, [&] { return day == number; }, [&] { return number < day; }, [&] { return day == span; },
           [&] { return bytes == text; }, [&] { return text + text; }, [&] { return text == number; }, [&] { return text == 1; },
           [&] { return day < 5; }, [&] { return day == bytes; }, [&] { return number == "1"; }, [&] { return isnat(number); },
           [&] { return sqrt(day); }, [&] { return text < day; }}) {
    EXPECT_EQ(code_of([&] { (void)call(); }), Error::DtypeMismatch);
  }
  EXPECT_NE(message_of([&] { (void)(day == second); }).find("only the same unit does"), std::string::npos);
  EXPECT_NE(message_of([&] { (void)(day == number); }).find("do not go together"), std::string::npos);
  EXPECT_EQ(code_of([&] { (void)(day < "soon"); }), Error::Format);
  EXPECT_EQ(code_of([&] { (void)(day == zeros({3}, int64).view_as(kDay)); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { (void)(text == zeros({3}, text.dtype())); }), Error::ShapeMismatch);
}

TEST(TextAndTimeTest, TextComparesByCodePoints) {
  const std::string words[] = {"", "a", "ab", "b", "Łódź", "ł", "z", "\U0001F600"};
  for (const char* kind : {"S", "U"}) {
    const bool is_bytes = *kind == 'S';
    const Array left = zeros({8, 1}, DType::parse(std::string(kind) + "9")), right = zeros({8}, DType::parse(std::string(kind) + "11"));
    for (std::int64_t i = 0; i < 8; ++i) fill(left(i), words[i]), fill(right(i), words[i]);
    for (const char* op : {"==", "!=", "<", "<=", ">", ">="}) {
      const Array got = compared(op, left, right(slice(none, none, -1)));
      for (std::int64_t i = 0; i < 8; ++i) {
        for (std::int64_t k = 0; k < 8; ++k) {  // UTF-8 and UTF-32 have one order
          const std::string &a = words[i], &b = words[7 - k];
          const bool want = std::string(op) == "==" ? a == b : std::string(op) == "!=" ? a != b : std::string(op) == "<" ? a < b
                            : std::string(op) == "<=" ? a <= b : std::string(op) == ">" ? a > b : a >= b;
          ASSERT_EQ(got.at<bool>(i, k), want) << a << op << b << (is_bytes ? " bytes" : " str");
        }
      }
    }
    EXPECT_TRUE(array_equal(right == "ab", array({false, false, true, false, false, false, false, false})));
    EXPECT_TRUE(array_equal("ab" != right(slice(0, 3)), array({true, true, false})));
    const Array out = ones({8}, bool_);
    not_equal(right, right, {.out = out, .where = array({true, false, true, true, true, true, true, true})});
    EXPECT_TRUE(array_equal(out, array({false, true, false, false, false, false, false, false})));
    const Limits cap{.max_bytes = 7};
    EXPECT_EQ(code_of([&] { (void)(right == right); }), Error::MemoryGuard);
  }
}

}  // namespace
}  // namespace ndshare
