#include "lib/kernels/registry.h"
#include "tests/support/sample.h"
#include "tests/support/support.h"
#include "tests/unit/exec/reductions.h"

#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace ndshare {
namespace {

using test::code_of;
using test::same_bytes;

Array random_floats(const Shape& shape, const DType& dtype = float32) {
  std::mt19937 random(23);
  const Array x = empty(shape, dtype);
  std::uniform_real_distribution<double> values(-1000, 1000);
  if (dtype == float32)
    for (float& v : x.as_span<float>()) v = static_cast<float>(values(random));
  else
    for (double& v : x.as_span<double>()) v = values(random);
  return x;
}

TEST(SumTest, OnesAreCountedExactlyWhereNaiveSumsStopAtTwoToThe24) {
  if (test::kSample > 1) GTEST_SKIP() << "what is lost after 2^24 additions needs as many, which takes a sanitizer half a minute";
  EXPECT_EQ(sum(ones({1 << 25}, float32)).item<float>(), 33554432.0F);
  const Array columns = sum(ones({20'000'000, 2}, float32), {.axis = 0});
  EXPECT_EQ(columns.at<float>(0), 2e7F);
  EXPECT_EQ(columns.at<float>(1), 2e7F);
  EXPECT_EQ(sum(ones({2, 20'000'000}, float32).T(), {.axis = 0}).at<float>(1), 2e7F);
  EXPECT_EQ(sum(ones({300'000, 100}, float32), {.axis = 0}).at<float>(99), 3e5F);
  EXPECT_EQ(sum(ones({100'000, 300}, float32), {.axis = 0}).at<float>(299), 1e5F);
}

// Against long double, along each axis of arrays of many shapes and layouts.
void check_bound(const Array& x, std::int64_t axis) {
  const Array got = sum(x, {.axis = axis}).ravel();
  const Array rows =
      x.T().T().with_layout(moveaxis(x.layout(), Dims{axis}, Dims{-1})).reshape({-1, x.shape(axis)}, Copy::always);
  const double levels = std::log2(std::max(2.0, static_cast<double>(x.shape(axis))));
  for (std::int64_t i = 0; i < rows.shape(0); ++i) {
    long double exact = 0, absolute = 0;
    for (const float v : rows(i).as_span<const float>()) {
      exact += static_cast<long double>(v);
      absolute += static_cast<long double>(std::fabs(v));
    }
    ASSERT_LE(std::fabs(static_cast<double>(static_cast<long double>(got.at<float>(i)) - exact)),
              levels * 0x1p-23 * static_cast<double>(absolute))
        << x.shape().str() << " axis " << axis << " result " << i;
  }
}

TEST(SumTest, ErrorIsWithinThePairwiseBoundOnEveryAxis) {
  for (const Shape& shape : {Shape{1}, Shape{129}, Shape{100'003}, Shape{1000, 3}, Shape{3, 1000}, Shape{70'000, 3},
                             Shape{5000, 129}, Shape{300, 300}, Shape{7, 11, 1300}, Shape{1300, 11, 7},
                             Shape{2, 3, 4, 5}, Shape{600, 2000}, Shape{33'000, 1}}) {
    const Array x = random_floats(shape);
    for (int axis = 0; axis < shape.ndim(); ++axis) {
      check_bound(x, axis);
      check_bound(x.T(), axis);
      check_bound(x(ellipsis, slice(none, none, -1)), axis);
      if (shape[0] > 5) check_bound(x(slice(1, none, 2)), axis);
    }
  }
}

TEST(SumTest, SameBitsForAnyThreadsAndTargets) {
  for (const Shape& shape : {Shape{1'234'567}, Shape{200'000, 3}, Shape{5000, 300}, Shape{40, 3000}}) {
    const Array x = random_floats(shape);
    for (int axis = 0; axis < shape.ndim(); ++axis) {
      const Array expected = sum(x, {.axis = axis, .threads = 1}), total = sum(x, {.threads = 1});
      for (const internal::KernelTable& table : internal::supported_tables()) {
        internal::force_table_for_test(&table);
        for (const int threads : {1, 2, 3, 0}) {
          EXPECT_TRUE(same_bytes(sum(x, {.axis = axis, .threads = threads}), expected))
              << table.name << ' ' << threads << shape.str();
          EXPECT_TRUE(same_bytes(sum(x, {.threads = threads}), total)) << table.name << ' ' << threads << shape.str();
        }
      }
      internal::force_table_for_test(nullptr);
    }
  }
}

TEST(SumTest, OutTakesTheSumInItsDtype) {
  const Array wide = full({3}, 100, int64);
  const Array out = zeros({}, float64);
  sum(wide, {.dtype = int8, .out = out});
  EXPECT_EQ(out.item<double>(), 44) << "300 wrapped in int8 before it was widened";
  sum(full({3}, 0.1, float16), {.out = out});
  EXPECT_EQ(out.item<double>(), static_cast<double>(sum(full({3}, 0.1, float16)).item<float>()));
}

TEST(SumTest, LengthsNextToAZeroMayMultiplyPastTwoToThe63) {
  const Array vast = zeros({0, std::int64_t{1} << 40, std::int64_t{1} << 40}, int8);
  EXPECT_EQ(sum(vast, {.axis = {1, 2}}).shape(), Shape{0});
  EXPECT_EQ(sum(vast).item<int>(), 0);
}

TEST(SumTest, DtypesFollowTheTable) {
  EXPECT_EQ(sum(ones({3}, bool_)).dtype(), int64);
  EXPECT_EQ(sum(ones({3}, bool_)).item<int>(), 3);
  EXPECT_EQ(sum(full({1000}, 127, int8)).item<int>(), 127000);
  EXPECT_EQ(sum(full({1000}, 255, uint8)).dtype(), uint64);
  EXPECT_EQ(sum(full({1000}, -1, int32)).item<int>(), -1000);
  EXPECT_EQ(sum(full({3}, INT64_MAX, int64)).item<std::int64_t>(), INT64_MAX - 2) << "wraps";
  EXPECT_EQ(sum(ones({3000}, float16)).dtype(), float16);
  EXPECT_EQ(sum(ones({3000}, float16)).item<float>(), 3000.0F) << "float16 alone would stop at 2048";
  EXPECT_EQ(sum(ones({3000}, complex64)).item<std::complex<float>>(), std::complex<float>(3000));
  EXPECT_EQ(sum(full({300}, 1, int8), {.dtype = int8}).item<int>(), 44) << "wraps in the dtype asked for";
  EXPECT_EQ(sum(full({3}, 1, int8), {.dtype = float32}).dtype(), float32);
  EXPECT_EQ(code_of([] { (void)sum(ones({3}), {.dtype = int32}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([] { (void)sum(zeros({3}, DType::str(2))); }), Error::DtypeMismatch);
}

TEST(SumTest, NothingSumsToZero) {
  const double none_at_all = sum(zeros({0})).item<double>();
  EXPECT_EQ(none_at_all, 0.0);
  EXPECT_FALSE(std::signbit(none_at_all));
  EXPECT_TRUE(array_equal(sum(zeros({0, 3}), {.axis = 0}), zeros({3})));
  EXPECT_EQ(sum(zeros({0, 3}), {.axis = 1}).shape(), Shape({0}));
}

TEST(SumTest, AxesKeepdimsAndOut) {
  const Array x = arange(0, 24, 1, int64).reshape({2, 3, 4});
  EXPECT_EQ(sum(x, {.axis = {0, 2}}).shape(), Shape({3}));
  EXPECT_EQ(sum(x, {.axis = {0, 2}}).at<int>(1), 92);
  EXPECT_EQ(sum(x, {.axis = -1, .keepdims = true}).shape(), Shape({2, 3, 1}));
  EXPECT_EQ(sum(x, {.keepdims = true}).shape(), Shape({1, 1, 1}));
  EXPECT_TRUE(array_equal(sum(x, {.axis = Axes(Dims{})}), x)) << "no axes reduce nothing";
  EXPECT_EQ(sum(scalar_array(5, int8)).item<int>(), 5);
  const Array out = zeros({3, 4}, float32);
  EXPECT_EQ(code_of([&] {
              (void)sum(x, {.axis = 0, .out = zeros({3, 4}, int16)});
            }),
            ErrorCode::Ok)
      << "int64 to int16 is same_kind";
  EXPECT_EQ(sum(x, {.axis = 0, .out = out}).at<float>(2, 3), 34.0F);
  EXPECT_EQ(out.at<float>(2, 3), 34.0F);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = 0, .out = zeros({4, 3})}); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = 0, .out = out.as_readonly()}); }), Error::ReadOnly);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = 3}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = {0, -3}}); }), Error::Axis);
  const Array self = arange(0, 9, 1, float64).reshape({3, 3});
  const Array expected = sum(self, {.axis = 0});
  EXPECT_TRUE(array_equal(sum(self, {.axis = 0, .out = self(1)}), expected)) << "out may overlap x";
}

}  // namespace
}  // namespace ndshare
