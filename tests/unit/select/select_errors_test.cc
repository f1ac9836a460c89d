// Each bad index, mask, value and `out` of a selection: its error, the numbers in its message, and not a byte that
// changed.
#include <ndshare/create.h>
#include <ndshare/ledger.h>
#include <ndshare/limits.h>
#include <ndshare/select.h>

#include "tests/support/support.h"
#include "tests/unit/exec/engine_support.h"

#include <gtest/gtest.h>

#include <functional>

namespace ndshare {
namespace {

using test::bytes_of;
using test::code_of;
using test::expect_error;
using test::message_of;
using Body = std::function<void()>;

constexpr std::int64_t kHuge = 1'000'000'000'000;

/// The same error of reading x[index] and of writing it, which leaves x alone.
void expect_refused(const Array& x, std::initializer_list<Selector> index, ErrorCode code,
                    std::initializer_list<const char*> words) {
  const std::string before = bytes_of(x);
  expect_error(code, words, [&] { static_cast<void>(x[index]); });
  expect_error(code, words, [&] { assign(x, index, 0); });
  expect_error(code, words, [&] { assign(x, index, zeros({0}, x.dtype())); });
  EXPECT_EQ(bytes_of(x), before);
}

Array no_positions() { return zeros({0}, int64); }

TEST(SelectErrorsTest, BoundsNameValueAxisAndLength) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4});
  expect_refused(x, {array({0, 3})}, Error::IndexBounds, {"3", "axis 0"});
  expect_refused(x, {array({0, -4})}, Error::IndexBounds, {"-4", "axis 0", "3"});
  expect_refused(x, {all, array({0, 17})}, Error::IndexBounds, {"17", "axis 1", "4"});
  expect_refused(x, {ellipsis, array({0, -5})}, Error::IndexBounds, {"-5", "axis 1", "4"});
  expect_refused(x, {newaxis, 9, array({0})}, Error::IndexBounds, {"9", "axis 0", "3"});
  expect_refused(x, {array({0}), 9}, Error::IndexBounds, {"9", "axis 1", "4"});
  expect_refused(x, {array({0}), -5}, Error::IndexBounds, {"-5", "axis 1", "4"});
  expect_refused(x, {full({2}, UINT64_MAX, uint64)}, Error::IndexBounds, {"18446744073709551615", "axis 0", "3"});
  expect_refused(x, {full({2}, std::uint64_t{1} << 63, uint64)}, Error::IndexBounds, {"9223372036854775808"});
  expect_refused(x, {array({INT64_MIN})}, Error::IndexBounds, {"-9223372036854775808"});
  expect_refused(x, {full({1}, 255, uint8)}, Error::IndexBounds, {"255"});
  expect_refused(x, {scalar_array(3, int8)}, Error::IndexBounds, {"3", "axis 0"});
}

TEST(SelectErrorsTest, BoundsCountWhereTheResultIsEmpty) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4});
  expect_refused(x, {no_positions(), array({123})}, Error::IndexBounds, {"123", "axis 1", "4"});
  expect_refused(x, {array({123}), no_positions()}, Error::IndexBounds, {"123", "axis 0", "3"});
  expect_refused(x, {no_positions(), 123}, Error::IndexBounds, {"123", "axis 1", "4"});
  expect_refused(x, {array({5}), slice(0, 0)}, Error::IndexBounds, {"5", "axis 0", "3"});
  expect_refused(zeros({3, 0}), {array({3})}, Error::IndexBounds, {"3", "axis 0"});
  expect_refused(zeros({0, 4}), {array({0})}, Error::IndexBounds, {"0", "axis 0"});
  EXPECT_EQ((x[{no_positions(), array({3})}]).size(), 0);
}

TEST(SelectErrorsTest, WhatIsNoIndexArray) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4});
  expect_refused(x, {array({0.0, 1.0})}, Error::DtypeMismatch, {"float64"});
  expect_refused(x, {zeros({0})}, Error::DtypeMismatch, {"float64"});
  expect_refused(x, {all, zeros({2}, complex64)}, Error::DtypeMismatch, {"complex64"});
  expect_refused(x, {zeros({2}, DType::timedelta64(TimeUnit::s))}, Error::DtypeMismatch, {"timedelta64[s]"});
  expect_refused(x, {zeros({2}, DType::bytes(3))}, Error::DtypeMismatch, {"S3"});
  expect_refused(x, {zeros({2}, DType::parse("a:i8,b:i8"))}, Error::DtypeMismatch, {});
  const Array halves = array({0.5}), one = array({1});
  expect_error(Error::DtypeMismatch, {"float64"}, [&] { static_cast<void>(take(x, halves)); });
  expect_error(Error::DtypeMismatch, {"float64"}, [&] { put(x, halves, 1); });
  expect_error(Error::DtypeMismatch, {"float64"}, [&] { static_cast<void>(take_along_axis(x, zeros({3, 1}))); });
  expect_error(Error::DtypeMismatch, {"float64"}, [&] { put_along_axis(x, zeros({3, 1}), 1); });
}

TEST(SelectErrorsTest, MasksOfAnotherShape) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4});
  expect_refused(x, {zeros({4}, bool_)}, Error::ShapeMismatch, {"4", "3"});
  expect_refused(x, {ones({2}, bool_)}, Error::ShapeMismatch, {"2", "3"});
  expect_refused(x, {zeros({0}, bool_)}, Error::ShapeMismatch, {"0", "3"});
  expect_refused(x, {ones({4, 3}, bool_)}, Error::ShapeMismatch, {"(4, 3)", "(3, 4)"});
  expect_refused(x, {ones({3, 1}, bool_)}, Error::ShapeMismatch, {"(3, 1)", "(3, 4)"});
  expect_refused(x, {all, ones({3}, bool_)}, Error::ShapeMismatch, {"3", "4"});
  expect_refused(x, {ones({3, 4, 1}, bool_)}, Error::IndexSyntax, {"3", "2"});
  expect_refused(x, {0, ones({3, 4}, bool_)}, Error::IndexSyntax, {});
  expect_refused(x, {ones({3}, bool_), array({0, 1})}, Error::ShapeMismatch, {"(3,)", "(2,)"});
}

TEST(SelectErrorsTest, EntriesThatDoNotFit) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4}), zero = array({0});
  expect_refused(x, {zero, 0, 0}, Error::IndexSyntax, {"3", "2"});
  expect_refused(x, {zero, zero, all}, Error::IndexSyntax, {"3", "2"});
  expect_refused(x, {ellipsis, zero, ellipsis}, Error::IndexSyntax, {"ellips"});
  expect_refused(x, {ellipsis, ellipsis}, Error::IndexSyntax, {"ellips"});
  expect_refused(x.reshape({1, 1, 3, 4}), {ellipsis, ellipsis, zero}, Error::IndexSyntax, {"ellips"});
  expect_refused(x.reshape({1, 1, 3, 4}), {ellipsis, ellipsis, ones({4}, bool_)}, Error::IndexSyntax, {"ellips"});
  expect_refused(x, {zero, slice(none, none, 0)}, Error::IndexSyntax, {"step"});
  expect_refused(x, {array({0, 1}), array({0, 1, 2})}, Error::ShapeMismatch, {"(2,)", "(3,)"});
  expect_refused(x, {array({0, 1}), all, newaxis, zeros({3, 1}, int8), 0}, Error::IndexSyntax, {});
  expect_refused(scalar_array(1, int8), {zero}, Error::IndexSyntax, {});
  const std::vector<Selector> many(33, Selector(newaxis));
  EXPECT_NE(code_of([&] { static_cast<void>(x.select(many)); }), ErrorCode::Ok);
  std::vector<Selector> deep(31, Selector(newaxis));
  deep.emplace_back(zero);
  const Array thin = zeros(Shape(Dims(std::vector<std::int64_t>(20, 1)))), at = zeros(thin.shape(), int64);
  expect_error(Error::Shape, {"32 axes"}, [&] { static_cast<void>(thin[at]); });
  expect_error(Error::Shape, {"32 axes"}, [&] { static_cast<void>(take(thin, at, {.axis = 3})); });
  expect_error(Error::Shape, {"32 axes"}, [&] { static_cast<void>(x.select(deep)); });
}

TEST(SelectErrorsTest, ReadOnlyTargets) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4}), closed = x.as_readonly(), zero = array({0});
  expect_error(Error::ReadOnly, {}, [&] { assign(closed, {zero}, 1); });
  expect_error(Error::ReadOnly, {}, [&] { assign(closed, {0}, 1); });
  expect_error(Error::ReadOnly, {}, [&] { assign(closed, closed > 1, 1); });
  expect_error(Error::ReadOnly, {}, [&] { assign(zeros({1}).broadcast_to({5}), {zero}, 1); });
  expect_error(Error::ReadOnly, {}, [&] { put(closed, zero, 1); });
  expect_error(Error::ReadOnly, {}, [&] { put_along_axis(closed, zeros({3, 1}, int64), 1); });
  expect_error(Error::ReadOnly, {}, [&] { static_cast<void>(take(x, zero, {.out = zeros({1}).as_readonly()})); });
  expect_error(Error::ReadOnly, {},
               [&] { static_cast<void>(compress(ones({3}, bool_), x, {.axis = 0, .out = closed})); });
  EXPECT_TRUE(array_equal(x, arange(0, 12, 1, float64).reshape({3, 4})));
}

TEST(SelectErrorsTest, ValuesThatDoNotFitChangeNothing) {
  const Array x = arange(0, 12, 1, int8).reshape({3, 4}), rows = array({2, 0}), mask = x > 6;
  const Array wide = zeros({8}, int8).view_as(int64);
  const std::string before = bytes_of(x);
  const std::vector<std::vector<Selector>> indices = {{rows},      {mask},     {0},
                                                      {all, rows}, {ellipsis}, {slice(0, 2), mask(0)}};
  for (const std::vector<Selector>& index : indices) {
    expect_error(Error::ShapeMismatch, {"7"}, [&] { assign(x, index, zeros({7}, int8)); });
    expect_error(Error::ShapeMismatch, {}, [&] { assign(x, index, zeros({2, 3, 4, 5}, int8)); });
    expect_error(Error::DtypeMismatch, {"float64", "int8"}, [&] { assign(x, index, scalar_array(1, float64)); });
    expect_error(Error::DtypeMismatch, {}, [&] { assign(x, index, 1.5); });
    expect_error(Error::DtypeMismatch, {}, [&] { assign(x, index, "text"); });
    expect_error(Error::DtypeMismatch, {}, [&] { assign(x, index, zeros({1}, uint8).view_as(DType::bytes(1))); });
    expect_error(Error::Overflow, {"300"}, [&] { assign(x, index, 300); });
    EXPECT_EQ(bytes_of(x), before);
    assign(x, index, x.select(index).copy());
    EXPECT_EQ(bytes_of(x), before);
  }
  expect_error(Error::DtypeMismatch, {"float64"}, [&] { put(x, rows, array({1.0})); });
  expect_error(Error::Overflow, {"-129"}, [&] { put(x, rows, -129); });
  expect_error(Error::DtypeMismatch, {"float64"}, [&] { put_along_axis(x, zeros({3, 1}, int64), zeros({3, 1})); });
  expect_error(Error::ShapeMismatch, {}, [&] { put_along_axis(x, zeros({3, 1}, int64), zeros({3, 2}, int8)); });
  const Array times = zeros({2}, DType::datetime64(TimeUnit::s)), text = zeros({2}, DType::bytes(2));
  expect_error(Error::DtypeMismatch, {},
               [&] { assign(times, {rows / 2 > 0}, zeros({1}, DType::datetime64(TimeUnit::ms))); });
  expect_error(Error::DtypeMismatch, {}, [&] { assign(text, {array({0})}, zeros({1}, DType::str(2))); });
  expect_error(Error::DtypeMismatch, {}, [&] { assign(zeros({2}, DType::parse("a:i8,b:i8")), {array({0})}, 1); });
  EXPECT_EQ(bytes_of(x), before);
}

/// An `assign` that fails late: the last of many positions or values is the wrong one.
TEST(SelectErrorsTest, NothingIsWrittenWhereTheLastPositionIsWrong) {
  for (const std::int64_t n : {std::int64_t{5}, std::int64_t{300'000}}) {
    const Array x = arange(0, n, 1, int64), at = arange(0, n, 1, int64), along = at.copy();
    at.as_span<std::int64_t>().back() = n;
    const std::string before = bytes_of(x);
    expect_error(Error::IndexBounds, {}, [&] { assign(x, {at}, -1); });
    expect_error(Error::IndexBounds, {}, [&] { assign(x, {at}, x); });
    expect_error(Error::IndexBounds, {}, [&] { put(x, at, -1); });
    expect_error(Error::IndexBounds, {}, [&] { put_along_axis(x, at, -1); });
    const Array out = full({n}, 7, int64), sevens = out.copy();
    expect_error(Error::IndexBounds, {}, [&] { static_cast<void>(take(x, at, {.out = out})); });
    EXPECT_EQ(bytes_of(x), before);
    EXPECT_TRUE(array_equal(out, sevens));
  }
}

TEST(SelectErrorsTest, OutOfEveryKindIsUntouched) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4}), rows = array({2, 0}), which = array({true, false, true});
  const Array narrow = full({2, 4}, 7, float32), wrong = full({4, 2}, 7.0, float64), flat = full({8}, 7.0, float64);
  for (const TakeMode mode : {TakeMode::raise, TakeMode::wrap, TakeMode::clip}) {
    expect_error(Error::DtypeMismatch, {"float32", "float64"},
                 [&] { static_cast<void>(take(x, rows, {.axis = 0, .mode = mode, .out = narrow})); });
    expect_error(Error::ShapeMismatch, {"(4, 2)", "(2, 4)"},
                 [&] { static_cast<void>(take(x, rows, {.axis = 0, .mode = mode, .out = wrong})); });
    expect_error(Error::ShapeMismatch, {"(8,)"},
                 [&] { static_cast<void>(take(x, rows, {.axis = 0, .mode = mode, .out = flat})); });
  }
  expect_error(Error::DtypeMismatch, {"float32", "float64"},
               [&] { static_cast<void>(compress(which, x, {.axis = 0, .out = narrow})); });
  expect_error(Error::ShapeMismatch, {"(4, 2)", "(2, 4)"},
               [&] { static_cast<void>(compress(which, x, {.axis = 0, .out = wrong})); });
  EXPECT_TRUE(array_equal(narrow, full({2, 4}, 7, float32)));
  EXPECT_TRUE(array_equal(wrong, full({4, 2}, 7.0, float64)));
  EXPECT_TRUE(array_equal(flat, full({8}, 7.0, float64)));
}

TEST(SelectErrorsTest, TakeAndPut) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4}), zero = array({0}), none_left = zeros({0, 2});
  expect_error(Error::IndexBounds, {"12"}, [&] { static_cast<void>(take(x, array({12}))); });
  expect_error(Error::IndexBounds, {"-4", "axis 0", "3"},
               [&] { static_cast<void>(take(x, array({-4}), {.axis = 0})); });
  expect_error(Error::IndexBounds, {"4", "axis 1"}, [&] { static_cast<void>(take(x, array({4}), {.axis = -1})); });
  expect_error(Error::IndexBounds, {"-13"}, [&] { put(x, array({-13}), 0); });
  expect_error(Error::Axis, {"axis 2"}, [&] { static_cast<void>(take(x, zero, {.axis = 2})); });
  expect_error(Error::Axis, {"axis -3"}, [&] { static_cast<void>(take_along_axis(x, zeros({3, 1}, int64), -3)); });
  expect_error(Error::Axis, {"axis 2"}, [&] { put_along_axis(x, zeros({3, 1}, int64), 0, 2); });
  expect_error(Error::Axis, {"axis 7"}, [&] { static_cast<void>(compress(zeros({0}, bool_), x, {.axis = 7})); });
  for (const TakeMode mode : {TakeMode::raise, TakeMode::wrap, TakeMode::clip}) {
    expect_error(Error::IndexBounds, {"0"},
                 [&] { static_cast<void>(take(none_left, zero, {.axis = 0, .mode = mode})); });
    expect_error(Error::IndexBounds, {"0"}, [&] { static_cast<void>(take(none_left, zero, {.mode = mode})); });
    expect_error(Error::IndexBounds, {"0"}, [&] { put(none_left, zero, 1, {.mode = mode}); });
    EXPECT_EQ(take(none_left, no_positions(), {.axis = 0, .mode = mode}).shape(), (Shape{0, 2}));
  }
  expect_error(Error::Usage, {"value"}, [&] { put(x, zero, zeros({0})); });
  expect_error(Error::IndexBounds, {"4", "axis 1", "4"}, [&] {
    static_cast<void>(take_along_axis(x, full({3, 1}, 4, int64)));
  });
  expect_error(Error::ShapeMismatch, {}, [&] { static_cast<void>(take_along_axis(x, zeros({2, 1}, int64))); });
  expect_error(Error::ShapeMismatch, {}, [&] { static_cast<void>(take_along_axis(x, zero)); });
  EXPECT_TRUE(array_equal(x, arange(0, 12, 1, float64).reshape({3, 4})));
}

TEST(SelectErrorsTest, CompressNonzeroAndSelect) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4}), yes = array({true});
  expect_error(Error::ShapeMismatch, {"4", "3"},
               [&] { static_cast<void>(compress(ones({4}, bool_), x, {.axis = 0})); });
  expect_error(Error::ShapeMismatch, {"(3, 4)"}, [&] { static_cast<void>(compress(x > 3, x, {.axis = 0})); });
  expect_error(Error::DtypeMismatch, {}, [&] { static_cast<void>(nonzero(scalar_array(1, int8))); });
  expect_error(Error::DtypeMismatch, {}, [&] { static_cast<void>(nonzero(zeros({2}, DType::bytes(2)))); });
  expect_error(Error::DtypeMismatch, {"condition 0", "int64"},
               [&] { static_cast<void>(select(std::vector<Array>{array({1})}, std::vector<Operand>{x})); });
  const std::vector<Array> one = {yes}, two = {yes, yes}, none_at_all;
  const std::vector<Operand> choice = {x}, pair = {x, 1};
  expect_error(Error::Usage, {}, [&] { static_cast<void>(select(none_at_all, std::vector<Operand>{})); });
  expect_error(Error::Usage, {"2", "1"}, [&] { static_cast<void>(select(two, choice)); });
  expect_error(Error::Usage, {"1", "2"}, [&] { static_cast<void>(select(one, pair)); });
  expect_error(Error::ShapeMismatch, {},
               [&] { static_cast<void>(select(std::vector<Array>{ones({3}, bool_)}, choice)); });
  expect_error(Error::ShapeMismatch, {}, [&] { static_cast<void>(select(one, choice, 0, {.out = zeros({4, 3})})); });
  expect_error(Error::DtypeMismatch, {}, [&] {
    static_cast<void>(select(one, choice, 0, {.out = zeros({3, 4}, int64)}));
  });
}

TEST(SelectErrorsTest, OverALimitNothingIsAllocated) {
  const Array x = ones({3, 40}), rows = array({0, 1, 2, 0}), endless = zeros({1}, int64).broadcast_to({kHuge});
  expect_error(Error::MemoryGuard, {"Nothing was allocated"}, [&] { static_cast<void>(x[endless]); });
  expect_error(Error::MemoryGuard, {}, [&] { static_cast<void>(x[{all, endless}]); });
  expect_error(Error::MemoryGuard, {}, [&] { static_cast<void>(take(x, endless)); });
  expect_error(Error::MemoryGuard, {},
               [&] { static_cast<void>(take(x, endless, {.axis = 1, .mode = TakeMode::wrap})); });
  expect_error(Error::MemoryGuard, {}, [&] {
    static_cast<void>(take_along_axis(x, endless.broadcast_to({3, kHuge})));
  });
  const Limits cap{.max_bytes = 300};
  const Array few = array({0, 1, 2}), line = x(0);
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(x[x.view_as(int64) != 0]); });
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(x[rows]); });
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(x[{ones({3}, bool_)}]); });
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(take(x, rows, {.axis = 0})); });
  expect_error(Error::MemoryGuard, {"max_bytes"},
               [&] { static_cast<void>(compress(ones({3}, bool_), x, {.axis = 0})); });
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(take_along_axis(x, zeros({3, 40}, int8))); });
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(nonzero(x)); });
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(argwhere(x)); });
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(flatnonzero(x)); });
  EXPECT_EQ(take(x, few).size(), 3);
  EXPECT_EQ(line[few].size(), 3);
}

TEST(SelectErrorsTest, NegativeOrHugeShapesDoNotOverflow) {
  const Array x = zeros({1}, float64), longest = zeros({1}, int64).broadcast_to({INT64_MAX / 16});
  EXPECT_NE(code_of([&] { static_cast<void>(x[longest]); }), ErrorCode::Ok);
  EXPECT_NE(code_of([&] {
              static_cast<void>(x.broadcast_to({1, kHuge})[zeros({1}, int64).broadcast_to({kHuge})]);
            }),
            ErrorCode::Ok);
  EXPECT_NE(code_of([&] {
              static_cast<void>(take(x.broadcast_to({kHuge, kHuge / 1000}), longest, {.axis = 0}));
            }),
            ErrorCode::Ok);
}

}  // namespace
}  // namespace ndshare
