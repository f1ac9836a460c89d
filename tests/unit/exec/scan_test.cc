// Running sums and products against a loop, along every axis and way through memory.
#include "lib/kernels/registry.h"
#include "tests/support/support.h"
#include "tests/unit/exec/reductions.h"

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/errstate.h>
#include <ndshare/index.h>
#include <ndshare/lazy.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <random>

namespace ndshare {
namespace {

using test::code_of;
using test::kInf;
using test::same_bytes;

Array random_array(const Shape& shape, const DType& dtype, unsigned seed) {
  std::mt19937 random(seed);
  const Array x = empty(shape, float64);
  for (double& value : x.as_span<double>()) value = static_cast<double>(random() % 2001) / 1000 - 1 + (dtype.is_integer() ? static_cast<double>(random() % 9) : 0);
  return astype(x, dtype, {.casting = Casting::unsafe});
}

/// In long double, line by line; the error that is allowed grows with what was added: blocks of 4096 in order, then the blocks.
void check_sums(const Array& x, int axis) {
  const Array got = cumsum(x, {.axis = axis});
  ASSERT_EQ(got.shape(), x.shape());
  const auto lines = [&](const Array& a) {
    return astype(a.with_layout(moveaxis(a.layout(), Dims{axis}, Dims{-1})).copy(), float64, {.casting = Casting::unsafe}).reshape({-1, a.shape(axis)});
  };
  const Array from = lines(x), to = lines(got);
  const bool exact = got.dtype().is_integer();
  const double epsilon = exact ? 0 : got.dtype() == float32 ? 0x1p-23 : got.dtype() == float16 ? 0x1p-10 : 0x1p-52;
  for (std::int64_t line = 0; line < from.shape(0); ++line) {
    const auto a = from(line).as_span<const double>(), b = to(line).as_span<const double>();
    long double running = 0, absolute = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      running += static_cast<long double>(a[i]), absolute += std::abs(static_cast<long double>(a[i]));
      const double terms = static_cast<double>(std::min<std::size_t>(i, 4096) + i / 4096 + 2);
      ASSERT_LE(std::abs(b[i] - static_cast<double>(running)), terms * epsilon * static_cast<double>(absolute))
          << "axis " << axis << " line " << line << " element " << i << " of " << x.dtype().name() << x.shape().str();
    }
  }
}

TEST(ScanTest, SumsAlongEveryAxisOfEveryLayout) {
  unsigned seed = 1;
  for (const Shape& shape : {Shape{1}, Shape{4095}, Shape{4097}, Shape{20'001}, Shape{9000, 20}, Shape{5000, 3}, Shape{70, 300}, Shape{3, 5000},
                             Shape{2, 4100, 17}, Shape{4, 5, 6, 7}, Shape{16, 1, 16}}) {
    for (const DType& dtype : {float32, float64, int16, float16}) {
      if (dtype == float16 && shape.count() > 5000) continue;
      const Array x = random_array(shape, dtype, ++seed);
      for (int axis = 0; axis < shape.ndim(); ++axis) {
        check_sums(x, axis);
        check_sums(x.T().copy().T(), axis);
        check_sums(x(ellipsis, slice(none, none, -1)), axis);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(ScanTest, SumsOfOnesDoNotStandStill) {
  EXPECT_EQ(cumsum(ones({1 << 25}, float32)).at<float>((1 << 25) - 1), 33554432.0F);
  const Array rows = cumsum(full({1, 16}, 0.1, float32).broadcast_to({1'000'000, 16}), {.axis = 0});  // row by row
  EXPECT_NEAR(rows.at<float>(999'999, 15), 1e5F, 1.0F) << "one by one they come to 100958";
}

TEST(ScanTest, FlattenedInTheOrderOfTheIndices) {
  const Array x = arange(0, 12, 1, int32).reshape({3, 4});
  EXPECT_TRUE(array_equal(cumsum(x.T()), cumsum(x.T().copy().ravel())));
  EXPECT_EQ(cumsum(x).dtype(), int64);
  EXPECT_EQ(cumsum(x).shape(), Shape{12});
  EXPECT_EQ(cumsum(scalar_array(5, int8)).shape(), Shape{1});
  EXPECT_EQ(cumsum(zeros({0, 3})).shape(), Shape{0});
  EXPECT_EQ(cumsum(zeros({0, 3}), {.axis = 1}).shape(), Shape({0, 3}));
  EXPECT_TRUE(array_equal(cumprod(array({1, 2, 3, 4})), array({1, 2, 6, 24})));
  EXPECT_TRUE(array_equal(cumprod(x + 1, {.axis = -1})(0), array({1, 2, 6, 24})));
}

TEST(ScanTest, TheFirstElementStaysAsItIs) {
  EXPECT_TRUE(std::signbit(cumsum(array({-0.0, -0.0})).at<double>(1)));
  const Array z = cumprod(array({std::complex<double>(kInf, 1), std::complex<double>(1, 0)}));
  EXPECT_EQ(z.at<std::complex<double>>(0), std::complex<double>(kInf, 1)) << "not multiplied by 1 + 0i";
}

TEST(ScanTest, SameBitsForAnyThreadsAndTargets) {
  for (const DType& dtype : {float32, float64, complex64, complex128, int64, float16}) {
    for (const Shape& shape : {Shape{100'001}, Shape{9000, 40}, Shape{40, 9000}}) {
      const Array x = random_array(shape, dtype, 5);
      for (int axis = 0; axis < shape.ndim(); ++axis) {
        for (const auto call : {cumsum, cumprod}) {
          const Array expected = call(x, {.axis = axis, .threads = 1});
          for (const internal::KernelTable& table : internal::supported_tables()) {
            internal::force_table_for_test(&table);
            EXPECT_TRUE(same_bytes(call(x, {.axis = axis, .threads = 2}), expected)) << table.name << ' ' << dtype.name() << shape.str();
          }
          internal::force_table_for_test(nullptr);
        }
      }
    }
  }
}

TEST(ScanTest, OutOfAnyLayoutAndDtypeOverlappingOrNot) {
  for (const Shape& shape : {Shape{30, 40}, Shape{5000, 20}}) {
    const Array x = random_array(shape, float64, 9);
    for (int axis = 0; axis < 2; ++axis) {
      const Array expected = cumsum(x, {.axis = axis});
      const Array plain = zeros(shape), across = zeros({shape[1], shape[0]}).T(), single = zeros(shape, float32);
      EXPECT_EQ(cumsum(x, {.axis = axis, .out = plain}).data(), plain.data());
      cumsum(x, {.axis = axis, .out = across});
      cumsum(x, {.axis = axis, .out = single});
      EXPECT_TRUE(array_equal(plain, expected));
      EXPECT_TRUE(array_equal(across, expected));
      EXPECT_TRUE(array_equal(single, astype(expected, float32)));
      const Array self = x.copy();
      cumsum(self, {.axis = axis, .out = self});
      EXPECT_TRUE(array_equal(self, expected)) << "in place";
      const Array shifted = zeros({shape[0] + 1, shape[1]});
      copyto(shifted(slice(0, -1)), x);
      cumsum(shifted(slice(0, -1)), {.axis = axis, .out = shifted(slice(1, none))});
      EXPECT_TRUE(array_equal(shifted(slice(1, none)), expected)) << "one row on";
      EXPECT_TRUE(array_equal(cumsum(lazy(x) * 2.0 - x, {.axis = axis}), cumsum(x * 2.0 - x, {.axis = axis})));
    }
  }
}

TEST(ScanTest, BadCallsLeaveOutUnchanged) {
  const Array x = full({3, 4}, 1e308, float64), out = full({3, 4}, 9, float64), big = full({9000, 20}, 1e308, float64), far = zeros({9000, 20});
  EXPECT_EQ(code_of([&] { (void)cumsum(x, {.axis = 2, .out = out}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { (void)cumsum(x, {.out = out}); }), Error::ShapeMismatch) << "it is flattened";
  EXPECT_EQ(code_of([&] { (void)cumsum(x, {.axis = 0, .out = out.as_readonly()}); }), Error::ReadOnly);
  EXPECT_EQ(code_of([&] { (void)cumsum(x, {.axis = 0, .out = zeros({3, 4}, int64)}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { (void)cumsum(x, {.axis = 0, .dtype = int64}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { (void)cumsum(zeros({3}, DType::str(2))); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { (void)cumsum(ones({1}).broadcast_to({std::int64_t{1} << 45})); }), Error::MemoryGuard);
  const ErrState raising{.over = Err::raise};
  EXPECT_EQ(code_of([&] { (void)cumsum(x, {.axis = 0, .out = out}); }), Error::Arithmetic);
  EXPECT_EQ(code_of([&] { (void)cumsum(big, {.axis = 0, .out = far}); }), Error::Arithmetic);
  EXPECT_EQ(code_of([&] { (void)cumsum(lazy(x) * 10.0, {.axis = 0, .out = out}); }), Error::Arithmetic);
  EXPECT_TRUE(array_equal(out, full({3, 4}, 9, float64)));
  EXPECT_TRUE(array_equal(far, zeros({9000, 20})));
}

TEST(ScanTest, IntegersWrapInTheDtypeThatIsAskedFor) {
  const Array x = full({300}, 1, int8);
  EXPECT_EQ(cumsum(x).at<std::int64_t>(299), 300);
  EXPECT_EQ(cumsum(x, {.dtype = int8}).dtype(), int8);
  EXPECT_EQ(cumsum(x, {.dtype = int8}).at<int>(299), 44);
  EXPECT_EQ(cumsum(full({3}, true, bool_)).at<std::int64_t>(2), 3);
}

}  // namespace
}  // namespace ndshare
