#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "tests/support/support.h"

#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/print.h>
#include <ndshare/threads.h>

#include <algorithm>

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace ndshare {
namespace {

using test::code_of;
using test::message_of;

// Element by element, through item(): slow and separate from the engine.
Array naive_add(const Array& a, const Array& b) {
  const Shape shape = broadcast_shapes(a.shape(), b.shape());
  const Array wide_a = a.broadcast_to(shape).flatten(), wide_b = b.broadcast_to(shape).flatten();
  const Array out = empty({shape.count()}, float64);
  for (std::int64_t i = 0; i < out.size(); ++i)
    out.as_span<double>()[static_cast<std::size_t>(i)] = wide_a.at<double>(i) + wide_b.at<double>(i);
  return out.reshape(shape);
}

void expect_add(const Array& a, const Array& b, const std::string& what) {
  const Array got = add(a, b, {.out = empty(broadcast_shapes(a.shape(), b.shape()), float64)});
  EXPECT_TRUE(array_equal(got, naive_add(a, b))) << what << ' ' << a.shape().str() << ' ' << b.shape().str();
}

TEST(ElementwiseTest, ViewsOfEveryShapeAndStride) {
  const Array x = arange(0, 3000, 1, float64).reshape({10, 20, 15});
  const Array y = arange(0, 3000, 1, int32).reshape({10, 20, 15});
  expect_add(x, y, "contiguous, mixed");
  expect_add(x(all, slice(none, none, -2), all), y(all, slice(none, none, 2), all), "steps");
  expect_add(x.T(), y.T(), "transposed");
  expect_add(x.T(), y.reshape({15, 20, 10}), "one transposed");
  expect_add(x, y(0, 0, all), "row");
  expect_add(x, y(0, all, slice(0, 1)), "column");
  expect_add(x(slice(0, 1), all, slice(3, 4)), y(all, slice(0, 1), all), "both stretched");
  expect_add(x(slice(0, 0), all, all), y(slice(0, 0), all, all), "empty");
  expect_add(x, scalar_array(7, int8), "no axes");
  expect_add(scalar_array(1.5, float32), scalar_array(7, int8), "two of no axes");
  expect_add(scalar_array(1.5, float64).broadcast_to({3000}), scalar_array(2, float64).broadcast_to({3000}),
             "both repeated");
}

TEST(ElementwiseTest, RandomViewsMatchTheNaiveLoop) {
  std::mt19937 random(17);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(high - low + 1));
  };
  const DType dtypes[] = {bool_, int8, uint16, int32, float16, float32, float64};
  for (int round = 0; round < 300; ++round) {
    const auto make = [&](const DType& dtype) {
      const Array base = arange(0, 24 * 24 * 24, 1, float64).reshape({24, 24, 24});
      const Array typed = empty(base.shape(), dtype);
      internal::assign_cast(typed, base, 1);
      Array view = typed.transpose(random() % 2 == 0 ? Dims{0, 1, 2} : Dims{2, 0, 1});
      view = view(slice(pick(0, 3), 16), slice(none, none, pick(0, 1) == 0 ? -2 : 2), slice(0, 9));
      view = view(slice(0, 6), slice(0, pick(0, 1) == 0 ? 1 : 7), slice(0, pick(0, 1) == 0 ? 1 : 9));
      return random() % 2 == 0 ? view : view(2);
    };
    expect_add(make(float64), make(dtypes[random() % 7]), "round " + std::to_string(round));
  }
}

TEST(ElementwiseTest, MisalignedOperands) {
  const Array bytes = zeros({8 * 100 + 8}, uint8);
  for (std::size_t i = 0; i < 800; ++i) bytes.as_span<std::uint8_t>()[i] = static_cast<std::uint8_t>(i % 60);
  const Array odd(float64, Layout::contiguous({100}, 8, Order::C, 3), bytes.buffer(), true);
  expect_add(odd, odd, "misaligned");
  const Array out(float64, Layout::contiguous({100}, 8, Order::C, 5), zeros({900}, uint8).buffer(), true);
  EXPECT_TRUE(array_equal(add(odd, odd, {.out = out}), naive_add(odd, odd)));
}

TEST(ElementwiseTest, LiteralsAreWeak) {
  const Array f = ones({3}, float32), i = full({3}, 7, int8);
  EXPECT_EQ((f * 2.5).dtype(), float32);
  EXPECT_EQ((2 * i).dtype(), int8);
  EXPECT_EQ((i / 2).dtype(), float64);
  EXPECT_EQ((i + 2.5).dtype(), float64);
  EXPECT_EQ((f + std::complex<double>(0, 1)).dtype(), complex64);
  EXPECT_EQ((f + scalar_array(1.0, float64)).dtype(), float64) << "arrays without axes are strong";
  EXPECT_EQ((10 - i).at<int>(0), 3);
  EXPECT_EQ((i - 10).at<int>(0), -3);
  EXPECT_EQ(code_of([&] { (void)(i + 300); }), Error::Overflow);
  EXPECT_EQ(code_of([&] { (void)(full({1}, 1, uint8) + -1); }), Error::Overflow);
  EXPECT_EQ(code_of([&] { (void)(i + "text"); }), Error::DtypeMismatch);
}

TEST(ElementwiseTest, WrapsAndDividesAsTheTablesSay) {
  EXPECT_EQ((full({1}, 127, int8) + 1).at<int>(0), -128);
  EXPECT_EQ((full({1}, 200, uint8) * 2).at<int>(0), 144);
  EXPECT_EQ((array({true, false}) + array({true, true})).at<bool>(0), true);
  EXPECT_EQ((array({true, false}) * array({true, true})).at<bool>(1), false);
  EXPECT_EQ(code_of([] { (void)(array({true}) - array({true})); }), Error::DtypeMismatch);
  EXPECT_EQ((array({true}) / array({true})).dtype(), float64);
  EXPECT_TRUE(std::isinf((ones({1}) / 0.0).at<double>(0)));
  EXPECT_EQ((full({1}, 1, int8) / full({1}, 3, int8)).at<double>(0), 1.0 / 3.0);
}

TEST(ElementwiseTest, OutIsCheckedBeforeAnythingIsWritten) {
  const Array a = ones({3, 4}, float32), b = ones({4}, float32);
  EXPECT_EQ(code_of([&] { (void)add(b, b, {.out = a}); }), Error::ShapeMismatch) << "out is never broadcast";
  EXPECT_EQ(code_of([&] { (void)add(a, b, {.out = zeros({3, 4}, int32)}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { (void)add(a, b, {.out = zeros({3, 4}, float32).as_readonly()}); }), Error::ReadOnly);
  EXPECT_EQ(code_of([&] { (void)add(a, b, {.threads = -1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)add(a, zeros({4}, DType::bytes(3))); }), Error::DtypeMismatch);
  const Array half = empty({3, 4}, float16);
  EXPECT_EQ(add(a, b, {.out = half}).at<float>(2, 3), 2.0F) << "down within the kind is same_kind";
  EXPECT_EQ(add(a, b, {.out = empty({3, 4}, complex128)}).at<std::complex<double>>(0, 0), 2.0);
}

TEST(ElementwiseTest, MismatchNamesAxisShapesAndAWayOut) {
  const std::string text = message_of([] { (void)(ones({3, 4}) + ones({3})); });
  EXPECT_EQ(code_of([] { (void)(ones({3, 4}) + ones({3})); }), Error::ShapeMismatch);
  for (const char* part : {"(3, 4)", "(3,)", "axis", "reshape", "(3, 1)"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(ElementwiseTest, OverlapIsAsIfThereWereNone) {
  const Array original = arange(0, 100, 1, float64);
  const auto check = [&](const auto& call) {
    const Array x = original.copy(), apart = original.copy();
    const Array expected = call(apart, apart, empty({99}, float64));
    EXPECT_TRUE(array_equal(call(x, x, x(slice(1, none))), expected));
    const Array y = original.copy();
    EXPECT_TRUE(array_equal(call(y, y, y(slice(0, 99))), expected));
    const Array z = original.copy();
    EXPECT_TRUE(array_equal(call(z, z, z(slice(0, 99))(slice(none, none, -1))), expected));
  };
  check([](const Array& a, const Array& b, const Array& out) {
    return add(a(slice(1, none)), b(slice(0, 99)), {.out = out});
  });
  check([](const Array& a, const Array& b, const Array& out) {
    return multiply(a(slice(0, 99)), b(slice(0, 1)), {.out = out});
  });
  Array x = original.copy();
  EXPECT_TRUE(array_equal(add(x, x, {.out = x}), original * 2.0));
  x = original.copy();
  const Array as_int = x.view_as(int64);  // the same bytes as another dtype of its size
  const Array expected = subtract(as_int, 1).copy();
  EXPECT_TRUE(array_equal(subtract(as_int, 1, {.out = as_int}), expected));
}

TEST(ElementwiseTest, ResultsOfFOrderedOperandsAreFOrdered) {
  const Array a = ones({3, 4}).T();
  EXPECT_TRUE((a + a).is_f_contiguous());
  EXPECT_TRUE((a + a.copy()).is_c_contiguous());
}

TEST(ElementwiseTest, TheMemoryGuardRefusesBeforeAllocating) {
  const Array a = zeros({1}, float64).broadcast_to({5'000'000, 1000, 1}), b = ones({10});
  const auto call = [&] { (void)(a + b); };
  EXPECT_EQ(code_of(call), Error::MemoryGuard);
  const std::string text = message_of(call);
  for (const char* part : {"(5000000, 1000, 10)", "(5000000, 1000, 1)", "axis 2", "limit"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_GT(internal::available_memory(), 0);
  // 2^62 · 2^62 · 2^62 elements wrap 64 and 128 bits.
  EXPECT_EQ(code_of([] {
              const std::array shapes = {ones({1})};
              internal::check_result_memory(
                  "add", {std::int64_t{1} << 62, std::int64_t{1} << 62, std::int64_t{1} << 62}, 8, shapes);
            }),
            Error::MemoryGuard);
  internal::check_result_memory("add", {std::int64_t{1} << 62, 0}, 8, {});
}

TEST(ElementwiseTest, LargeArraysOnAnyNumberOfThreads) {
  const std::int64_t n = (std::int64_t{3} << 20) + 77;  // streamed, and not a multiple of a block
  const Array a = arange(0, n, 1, float32), b = arange(n, 0, -1, float32), apart = empty({n}, float32);
  for (const int threads : {1, 2, 0}) {
    fill(apart, 0);
    (void)add(a, b, {.out = apart, .threads = threads});
    const auto values = apart.as_span<const float>();
    ASSERT_EQ(std::ranges::count(values, static_cast<float>(n)), n) << threads << " threads";
  }
  Array in_place = a.copy();
  (void)add(in_place, b, {.out = in_place});
  EXPECT_TRUE(array_equal(in_place, apart));
  EXPECT_TRUE(array_equal(a + b(slice(0, 1)), b(slice(0, 1)) + a));
  const Array columns = zeros({n / 8, 3}, float32);
  (void)add(columns, array({1.0, 2.0, 3.0}, float32), {.out = columns});
  EXPECT_EQ(columns.at<float>(-1, 2), 3.0F);
}

TEST(ElementwiseTest, AnyByteButZeroIsTrue) {
  const Array a = array({2, 4, 0, 255}, uint8).view_as(bool_), b = array({1, 3, 7, 0}, uint8).view_as(bool_);
  EXPECT_EQ(to_string((a * b).view_as(uint8)), "[1 1 0 0]");
  EXPECT_EQ(to_string((a + b).view_as(uint8)), "[1 1 1 1]");
  EXPECT_EQ(to_string((a + a).view_as(uint8)), "[1 1 0 1]");
}

}  // namespace
}  // namespace ndshare
