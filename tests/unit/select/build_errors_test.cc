// Each bad input of the building functions: its error, the numbers in its message, and an `out` that stays as it was.
#include <ndshare/build.h>
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/limits.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <functional>

namespace ndshare {
namespace {

using test::code_of;
using test::expect_error;
using test::message_of;
using Body = std::function<void()>;

constexpr std::int64_t kHuge = 1'000'000'000'000;

TEST(BuildErrorsTest, Concat) {
  const Array a = zeros({2, 3}), b = zeros({2, 4});
  expect_error(Error::Usage, {"no arrays"}, [] { static_cast<void>(concat({})); });
  expect_error(Error::ShapeMismatch, {"axis 0", "(2, 4)", "(2, 3)", "array 1"}, [&] {
    static_cast<void>(concat({a, b}));
  });
  expect_error(Error::ShapeMismatch, {"(3,)", "(2, 3)"}, [&] { static_cast<void>(concat({a, zeros({3})})); });
  expect_error(Error::Axis, {"axis 2"}, [&] { static_cast<void>(concat({a, a}, {.axis = 2})); });
  expect_error(Error::Axis, {"axis -3"}, [&] { static_cast<void>(concat({a, a}, {.axis = -3})); });
  expect_error(Error::Axis, {"0-d"}, [] { static_cast<void>(concat({scalar_array(1, int8)})); });
  const Array text = zeros({2, 3}, DType::str(4)), when = zeros({2, 3}, DType::datetime64(TimeUnit::s));
  expect_error(Error::DtypeMismatch, {"float64", "<U4"}, [&] { static_cast<void>(concat({a, text})); });
  expect_error(Error::DtypeMismatch, {"<U4", "S4"}, [&] {
    static_cast<void>(concat({text, zeros({2, 3}, DType::bytes(4))}));
  });
  expect_error(Error::DtypeMismatch, {"datetime64[s]", "datetime64[ms]"}, [&] {
    static_cast<void>(concat({when, zeros({2, 3}, DType::datetime64(TimeUnit::ms))}));
  });
  expect_error(Error::DtypeMismatch, {"datetime64[s]"}, [&] { static_cast<void>(concat({when, a})); });
}

TEST(BuildErrorsTest, OutOfEveryKindIsUntouched) {
  const Array a = ones({2, 3}), whole = zeros({4, 3}, int64), wrong = zeros({3, 3}),
              closed = zeros({4, 3}).as_readonly();
  expect_error(Error::DtypeMismatch, {"float64", "int64", "same_kind"}, [&] {
    static_cast<void>(concat({a, a}, {.out = whole}));
  });
  expect_error(Error::ShapeMismatch, {"(3, 3)", "(4, 3)"}, [&] { static_cast<void>(concat({a, a}, {.out = wrong})); });
  expect_error(Error::ReadOnly, {"out"}, [&] { static_cast<void>(concat({a, a}, {.out = closed})); });
  expect_error(Error::DtypeMismatch, {"float64", "int64"}, [&] { static_cast<void>(tile(a, {2, 1}, {.out = whole})); });
  expect_error(Error::ShapeMismatch, {"(3, 3)", "(2, 3)"}, [&] { static_cast<void>(roll(a, 1, {.out = wrong})); });
  const Array text = full({2}, "abcd", DType::str(4)), narrow = zeros({2}, DType::str(3));
  expect_error(Error::DtypeMismatch, {"<U4", "<U3"}, [&] { static_cast<void>(roll(text, 1, {.out = narrow})); });
  expect_error(Error::ShapeMismatch, {"(2,)", "(4,)"}, [&] { static_cast<void>(tile(text, 2, {.out = text})); });
  expect_error(Error::ReadOnly, {"out"}, [&] { static_cast<void>(roll(text, 1, {.out = text.as_readonly()})); });
  expect_error(Error::DtypeMismatch, {"<U4"}, [&] { static_cast<void>(concat({text}, {.out = narrow})); });
  expect_error(Error::Usage, {"threads"}, [&] { static_cast<void>(tril(a, 0, {.threads = -1})); });
  expect_error(Error::ShapeMismatch, {"(4, 3)", "(2, 2)"}, [&] { static_cast<void>(diff(a, {.out = whole})); });
  EXPECT_TRUE(array_equal(whole, zeros({4, 3}, int64)));
  EXPECT_TRUE(array_equal(wrong, zeros({3, 3})));
}

TEST(BuildErrorsTest, Stack) {
  expect_error(Error::Usage, {"no arrays"}, [] { static_cast<void>(stack({})); });
  expect_error(Error::ShapeMismatch, {"(2,)", "(3,)", "array 1"}, [] {
    static_cast<void>(stack({zeros({3}), zeros({2})}));
  });
  expect_error(Error::Axis, {"axis 2"}, [] { static_cast<void>(stack({zeros({3})}, {.axis = 2})); });
  const Array most = zeros(Shape(Dims(std::vector<std::int64_t>(32, 1))));
  expect_error(Error::Shape, {"33"}, [&] { static_cast<void>(stack({most})); });
}

TEST(BuildErrorsTest, Repeats) {
  const Array x = zeros({2, 3});
  expect_error(Error::Usage, {"count 1", "-2"}, [&] { static_cast<void>(repeat(x, {1, -2}, {.axis = 0})); });
  expect_error(Error::ShapeMismatch, {"2 counts", "3 elements"}, [&] {
    static_cast<void>(repeat(x, {1, 2}, {.axis = 1}));
  });
  expect_error(Error::ShapeMismatch, {"0 counts"},
               [&] { static_cast<void>(repeat(x, std::vector<std::int64_t>{}, {.axis = 1})); });
  expect_error(Error::Axis, {"axis 2"}, [&] { static_cast<void>(repeat(x, 2, {.axis = 2})); });
  expect_error(Error::DtypeMismatch, {"float64"}, [&] {
    static_cast<void>(repeat(x, array({1.0, 2.0}), {.axis = 0}));
  });
  expect_error(Error::ShapeMismatch, {"(1, 2)"}, [&] { static_cast<void>(repeat(x, array({{1, 2}}), {.axis = 0})); });
  expect_error(Error::Overflow, {"18446744073709551615"}, [&] { static_cast<void>(repeat(x, UINT64_MAX)); });
  expect_error(Error::Overflow, {"18446744073709551615"},
               [&] { static_cast<void>(repeat(x, full({1}, UINT64_MAX, uint64))); });
  expect_error(Error::Usage, {"-1"}, [&] { static_cast<void>(tile(x, {2, -1})); });
  expect_error(Error::Shape, {"32 axes"}, [&] { static_cast<void>(tile(x, std::vector<std::int64_t>(33, 1))); });
}

TEST(BuildErrorsTest, HugeResultsAreRefusedAheadOfTime) {
  const Array x = zeros({3, 2});
  expect_error(Error::MemoryGuard, {"tile", "Nothing was allocated"}, [&] { static_cast<void>(tile(x, kHuge)); });
  expect_error(Error::MemoryGuard, {"tile"}, [&] { static_cast<void>(tile(x, {INT64_MAX / 4, INT64_MAX / 4})); });
  expect_error(Error::MemoryGuard, {"repeat"}, [&] { static_cast<void>(repeat(x, kHuge)); });
  expect_error(Error::MemoryGuard, {"repeat"}, [&] { static_cast<void>(repeat(x, {kHuge, 0, 1}, {.axis = 0})); });
  expect_error(Error::MemoryGuard, {"pad"}, [&] { static_cast<void>(pad(x, {{kHuge, 0}, {0, 0}})); });
  const Array wide = zeros({1}).broadcast_to({kHuge});
  expect_error(Error::MemoryGuard, {"concat"}, [&] { static_cast<void>(concat({wide, wide})); });
  expect_error(Error::MemoryGuard, {"stack"}, [&] { static_cast<void>(stack({wide})); });
  expect_error(Error::MemoryGuard, {"roll"}, [&] { static_cast<void>(roll(wide, 1)); });
  expect_error(Error::MemoryGuard, {"tril"}, [&] { static_cast<void>(tril(wide.broadcast_to({2, kHuge}))); });
  expect_error(Error::MemoryGuard, {"split"}, [&] { static_cast<void>(split(wide, kHuge)); });
  expect_error(Error::MemoryGuard, {"split"}, [] { static_cast<void>(split(zeros({0}), kHuge)); });
  expect_error(Error::MemoryGuard, {"unstack"}, [&] { static_cast<void>(unstack(wide)); });
  EXPECT_EQ(split(wide, 2)[1].shape(0), kHuge / 2);
  const Limits cap{.max_bytes = 100};
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(concat({x, x, x})); });
  expect_error(Error::MemoryGuard, {"max_bytes"}, [&] { static_cast<void>(diff(zeros({30}))); });
  EXPECT_EQ(concat({x, x}).size(), 12);
}

TEST(BuildErrorsTest, SizesDoNotOverflow) {
  const Array x = zeros({3, 2}), longest = zeros({1}, int8).broadcast_to({INT64_MAX});
  expect_error(Error::Shape, {"2^63-1"}, [&] { static_cast<void>(tile(x, {INT64_MAX, 1})); });
  expect_error(Error::Shape, {"2^63-1"}, [&] { static_cast<void>(repeat(x, INT64_MAX, {.axis = 0})); });
  expect_error(Error::Shape, {"2^63-1"}, [&] { static_cast<void>(repeat(x, {INT64_MAX, 1, 1}, {.axis = 0})); });
  expect_error(Error::Shape, {"2^63-1"}, [&] { static_cast<void>(concat({longest, longest})); });
  expect_error(Error::Shape, {"2^63-1"}, [&] { static_cast<void>(concat({longest, longest}, {.axis = none})); });
  expect_error(Error::Shape, {"2^63-1"}, [&] { static_cast<void>(pad(x, {INT64_MAX, INT64_MAX})); });
  expect_error(Error::Shape, {"2^63-1"}, [&] { static_cast<void>(meshgrid({longest, longest})); });
}

TEST(BuildErrorsTest, Parts) {
  const Array x = zeros({2, 7});
  expect_error(Error::ShapeMismatch, {"axis 1", "(2, 7)", "3 equal parts", "1 are left"},
               [&] { static_cast<void>(split(x, 3, 1)); });
  expect_error(Error::Usage, {"0 parts"}, [&] { static_cast<void>(split(x, 0)); });
  expect_error(Error::Usage, {"-1 parts"}, [&] { static_cast<void>(split(x, -1)); });
  expect_error(Error::Axis, {"axis 2"}, [&] { static_cast<void>(split(x, 1, 2)); });
  expect_error(Error::Axis, {"0-d"}, [] { static_cast<void>(split(scalar_array(1, int8), 1)); });
  expect_error(Error::Axis, {"axis -3"}, [&] { static_cast<void>(unstack(x, -3)); });
  expect_error(Error::ShapeMismatch, {"array 1", "(2, 7)"}, [&] { static_cast<void>(meshgrid({zeros({2}), x})); });
}

TEST(BuildErrorsTest, Turns) {
  const Array x = zeros({2, 3});
  expect_error(Error::ShapeMismatch, {"2 shifts", "3 axes"}, [&] {
    static_cast<void>(roll(x, {1, 2}, {.axis = {0, 1, 0}}));
  });
  expect_error(Error::Axis, {"axis 5"}, [&] { static_cast<void>(roll(x, 1, {.axis = 5})); });
  expect_error(Error::Axis, {"axis 2"}, [&] { static_cast<void>(flip(x, 2)); });
  expect_error(Error::Axis, {"twice"}, [&] { static_cast<void>(flip(x, {0, -2})); });
  expect_error(Error::Axis, {"twice", "(2, 3)"}, [&] { static_cast<void>(rot90(x, 1, {0, -2})); });
  expect_error(Error::Axis, {"two axes"}, [&] { static_cast<void>(rot90(x, 1, {0})); });
  expect_error(Error::Axis, {"axis 1"}, [] { static_cast<void>(rot90(zeros({3}))); });
  expect_error(Error::Axis, {"(3,)"}, [] { static_cast<void>(tril(zeros({3}))); });
}

TEST(BuildErrorsTest, Borders) {
  const Array x = zeros({2, 3}), nothing = zeros({0, 3});
  expect_error(Error::Usage, {"axis 1", "-1"}, [&] { static_cast<void>(pad(x, {{0, 0}, {1, -1}})); });
  expect_error(Error::ShapeMismatch, {"3 pairs", "(2, 3)"}, [&] {
    static_cast<void>(pad(x, {{0, 0}, {0, 0}, {1, 1}}));
  });
  for (const PadMode mode : {PadMode::edge, PadMode::reflect, PadMode::symmetric, PadMode::wrap}) {
    expect_error(Error::ShapeMismatch, {"0 elements", "use constant"},
                 [&] { static_cast<void>(pad(nothing, 1, {.mode = mode})); });
  }
  expect_error(Error::DtypeMismatch, {}, [] { static_cast<void>(pad(zeros({1}, int8), 1, {.value = 1.5})); });
  expect_error(Error::Overflow, {}, [] { static_cast<void>(pad(zeros({1}, int8), 1, {.value = 300})); });
}

TEST(BuildErrorsTest, Differences) {
  const Array x = zeros({2, 3});
  expect_error(Error::Usage, {"n = -1"}, [&] { static_cast<void>(diff(x, {.n = -1})); });
  expect_error(Error::Axis, {"axis 2"}, [&] { static_cast<void>(diff(x, {.axis = 2})); });
  expect_error(Error::Axis, {"0-d"}, [] { static_cast<void>(diff(scalar_array(1, int8))); });
  expect_error(Error::DtypeMismatch, {"<U1"}, [] { static_cast<void>(diff(zeros({2}, DType::str(1)))); });
  expect_error(Error::ShapeMismatch, {"(3, 1)", "(2, 3)"}, [&] {
    static_cast<void>(diff(x, {.prepend = zeros({3, 1})}));
  });
  const Array bytes = array({200, 100}, uint8), kept = array({7}, uint8);
  expect_error(Error::Overflow, {}, [&] { static_cast<void>(diff(bytes, {.append = 300})); });
  const ErrState strict{.overflow = OnOverflow::raise};
  expect_error(Error::Overflow, {}, [&] { static_cast<void>(diff(bytes, {.out = kept})); });
  EXPECT_EQ(kept.at<int>(0), 7);
}

}  // namespace
}  // namespace ndshare
