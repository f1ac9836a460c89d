// What reductions promise beside their values: bits, accuracy, early ends, errstate, masks, bad calls.
#include "lib/kernels/registry.h"
#include "tests/support/sample.h"
#include "tests/support/support.h"
#include "tests/unit/exec/reductions.h"

#include <ndshare/create.h>
#include <ndshare/errstate.h>
#include <ndshare/ops.h>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <vector>

namespace ndshare {
namespace {

using test::code_of;
using test::converted;
using test::kInf;
using test::message_of;
using test::Random;
using test::reductions;
using test::same_bytes;

const double kNan = std::numeric_limits<double>::quiet_NaN();

// ---- the same bits everywhere

TEST(ReduceTest, SameBitsForAnyThreadsTargetsAndExpressions) {
  Random random(3);
  std::normal_distribution<double> normal;
  const std::vector<DType> all = {float32, float64, complex64, complex128, float16};
  for (const DType& dtype : std::span(all).first(test::kSample > 1 ? 1 : all.size())) {
    for (const Shape& shape : {Shape{300'001}, Shape{3000, 100}, Shape{40, 5000}, Shape{100'000, 3}}) {
      const Array real = empty(shape);
      for (double& value : real.as_span<double>()) value = normal(random) * 0.01 + 1;
      const Array x = converted(real, dtype);
      for (const auto& [name, call] : reductions()) {
        for (const int axis : {0, shape.ndim() - 1}) {
          const Array expected = call(x, {.axis = axis, .threads = 1});
          for (const internal::KernelTable& table : internal::supported_tables()) {
            internal::force_table_for_test(&table);
            EXPECT_TRUE(same_bytes(call(x, {.axis = axis, .threads = 3}), expected)) << name << ' ' << table.name << ' ' << dtype.name() << shape.str();
          }
          internal::force_table_for_test(nullptr);
        }
      }
    }
  }
}

// ---- accuracy

TEST(ReduceTest, MeansOfOnesAreOne) {
  for (const Shape& shape : {Shape{20'000'000 / test::kSample, 2}, Shape{(1 << 25) / test::kSample, 1}, Shape{300'000 / test::kSample, 70}}) {
    const Array x = ones(shape, float32);
    EXPECT_TRUE(array_equal(mean(x, {.axis = 0}), ones({shape[1]}, float32))) << shape.str();
    EXPECT_EQ(mean(x).item<float>(), 1.0F);
    EXPECT_EQ(max(var(x, {.axis = 0})).item<float>(), 0.0F);
  }
  EXPECT_EQ(mean(full({100'000}, 60'000, float16)).item<float>(), 60'000.0F) << "added in float32";
  EXPECT_EQ(mean(full({3}, 100, int8)).item<double>(), 100.0);
}

TEST(ReduceTest, VarianceIsTwoPass) {
  const Array x = array({1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16});
  EXPECT_EQ(var(x).item<double>(), 22.5);
  EXPECT_EQ(var(x, {.ddof = 1}).item<double>(), 30.0);
  EXPECT_EQ(stddev(x, {.ddof = 1}).item<double>(), std::sqrt(30.0));
  const Array z = array({std::complex<double>(1, 2), std::complex<double>(3, -2)});
  EXPECT_EQ(var(z).dtype(), float64);
  EXPECT_EQ(var(z).item<double>(), 5.0);
  const ErrState quiet{.divide = Err::ignore, .invalid = Err::ignore};
  EXPECT_TRUE(std::isnan(var(array({1.0}), {.ddof = 1}).item<double>()));
}

TEST(ReduceTest, DoubleDoubleKeepsWhatFloat64Drops) {
  const Array line = array({1e100, 1.0, -1e100, 1e-30});
  const double exact = 1.0 + 1e-30;
  EXPECT_EQ(sum(line, {.acc = Accumulate::dd}).item<double>(), exact);
  const Array down = zeros({4000, 100});  // read by tiles along axis 0
  for (int column = 0; column < 100; ++column) {
    for (int i = 0; i < 4; ++i) fill(down(i * 1000 + column, column), Scalar(line.at<double>(i)));
  }
  EXPECT_TRUE(array_equal(sum(down, {.axis = 0, .acc = Accumulate::dd}), full({100}, exact, float64)));
  EXPECT_TRUE(array_equal(sum(down.T(), {.axis = 1, .acc = Accumulate::dd, .threads = 1}), full({100}, exact, float64)));
  EXPECT_EQ(mean(line, {.acc = Accumulate::dd}).item<double>(), exact / 4);
  EXPECT_EQ(sum(array({1.0, kInf, 2.0}), {.acc = Accumulate::dd}).item<double>(), kInf) << "not NaN";
  EXPECT_TRUE(std::isnan(sum(array({1.0, kNan}), {.acc = Accumulate::dd}).item<double>()));
  EXPECT_EQ(sum(zeros({0}), {.acc = Accumulate::dd}).item<double>(), 0.0);
  EXPECT_EQ(sum(full({10}, 0.1, float32), {.acc = Accumulate::dd}).dtype(), float32);
}

// ---- any and all

TEST(ReduceTest, OneElementAnywhereDecides) {
  for (const std::int64_t n : {1, 200, 256, 257, 8192, 8193, 140'000, 400'001}) {
    const Array x = zeros({n}, bool_), y = ones({n}, float32);
    EXPECT_FALSE(any(x).item<bool>());
    EXPECT_TRUE(all(y).item<bool>());
    for (std::int64_t at = 0; at < n; at += 1 + n / 23) {
      for (const int threads : {1, 2}) {
        fill(x(at), true), fill(y(at), 0);
        EXPECT_TRUE(any(x, {.threads = threads}).item<bool>()) << n << " at " << at;
        EXPECT_FALSE(all(y, {.threads = threads}).item<bool>()) << n << " at " << at;
        EXPECT_TRUE(any(lazy(y) == 0, {.threads = threads}).item<bool>());
        EXPECT_EQ(count_nonzero(y, {.threads = threads}).item<std::int64_t>(), n - 1);
        fill(x(at), false), fill(y(at), 1);
      }
    }
  }
  EXPECT_TRUE(any(array({kNan})).item<bool>());
  EXPECT_FALSE(any(array({-0.0})).item<bool>());
  EXPECT_FALSE(any(zeros({0})).item<bool>());
  EXPECT_TRUE(all(zeros({0})).item<bool>());
}

TEST(ReduceTest, BytesOfBoolsMayBeAnything) {
  const Array odd = full({1, 300}, 6, uint8).view_as(bool_);
  for (const Array& got : {any(odd, {.axis = 0}), all(odd, {.axis = 0}), any(odd, {.axis = 1}), all(odd.T(), {.axis = 1})}) {
    for (const std::uint8_t byte : got.view_as(uint8).as_span<const std::uint8_t>()) EXPECT_EQ(byte, 1);
  }
  EXPECT_EQ(count_nonzero(odd).item<std::int64_t>(), 300);
  EXPECT_EQ(sum(odd, {.axis = 0}).at<std::int64_t>(7), 1);
  EXPECT_EQ(max(odd, {.axis = 0}).view_as(uint8).at<int>(7), 1);
}

TEST(ReduceTest, WhatErrstateCountsIsCountedToTheEnd) {
  const Array x = ones({300'000}), y = zeros({300'000});
  const ErrState counting{.divide = Err::count};
  for (const int threads : {1, 2}) {
    reset_error_counts();
    EXPECT_TRUE(any(lazy(x) / y > 0, {.threads = threads}).item<bool>());
    EXPECT_EQ(error_counts().divide, 300'000U);
  }
}

// ---- errstate

TEST(ReduceTest, OverflowOfFiniteElementsIsToldAndInfinityIsNot) {
  const ErrState counting{.over = Err::count, .invalid = Err::count};
  const auto counts = [](const std::function<Array()>& call) {
    reset_error_counts();
    static_cast<void>(call());
    return std::pair(error_counts().over, error_counts().invalid);
  };
  const Array big = full({3, 2}, 3e38, float32), huge = full({4}, 1e308, float64);
  using Counts = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(counts([&] { return sum(big); }), Counts(1, 0));
  EXPECT_EQ(counts([&] { return sum(big, {.axis = 0}); }), Counts(2, 0));
  EXPECT_EQ(counts([&] { return sum(big, {.acc = Accumulate::f64}); }), Counts(1, 0)) << "when it is rounded";
  EXPECT_EQ(counts([&] { return mean(big, {.acc = Accumulate::f64}); }), Counts(0, 0));
  EXPECT_EQ(counts([&] { return prod(huge); }), Counts(1, 0));
  EXPECT_EQ(counts([&] { return sum(full({2}, 60'000, float16)); }), Counts(1, 0));
  EXPECT_EQ(counts([&] { return sum(array({1.0, kInf})); }), Counts(0, 0));
  EXPECT_EQ(counts([&] { return sum(array({1.0, kNan})); }), Counts(0, 0));
  EXPECT_EQ(counts([&] { return sum(array({kInf, -kInf})); }), Counts(0, 1));
  EXPECT_EQ(counts([&] { return cumsum(huge); }), Counts(1, 0));
  EXPECT_EQ(counts([&] { return cumprod(big, {.axis = 0}); }), Counts(2, 0));
  EXPECT_EQ(counts([&] { return cumsum(array({kInf, 1.0})); }), Counts(0, 0));
  const ErrState raising{.over = Err::raise};
  const Array out = full({}, 7, float32);
  EXPECT_EQ(code_of([&] { (void)sum(big, {.out = out}); }), Error::Arithmetic);
  EXPECT_EQ(out.item<float>(), 7.0F) << "out is unchanged";
}

// ---- masks, extremes

TEST(ReduceTest, MasksLeaveOut) {
  const Array x = array({1.0, kNan, 3.0, kInf}), mask = array({true, false, true, false});
  EXPECT_EQ(sum(x, {.where = mask}).item<double>(), 4.0);
  EXPECT_EQ(mean(x, {.where = mask}).item<double>(), 2.0);
  EXPECT_EQ(max(x, {.where = mask, .initial = -kInf}).item<double>(), 3.0);
  EXPECT_EQ(prod(x, {.where = mask, .initial = 2}).item<double>(), 6.0);
  const Array z = array({std::complex<double>(kInf, 5), std::complex<double>(0, 0)});
  EXPECT_EQ(min(z, {.where = array({true, false}), .initial = std::complex<double>(kInf, 9)}).item<std::complex<double>>(),
            std::complex<double>(kInf, 5));
  EXPECT_EQ(code_of([&] { (void)max(x, {.where = mask}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.where = x}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.where = array({true, false})}); }), Error::ShapeMismatch);
}

TEST(ReduceTest, ExtremesOfNothingNeedAnInitialValue) {
  const Array none_at_all = zeros({0, 3});
  EXPECT_EQ(code_of([&] { (void)min(none_at_all); }), Error::Usage);
  EXPECT_NE(message_of([&] { (void)max(none_at_all, {.axis = 0}); }).find("initial"), std::string::npos);
  EXPECT_EQ(code_of([&] { (void)argmax(none_at_all); }), Error::Usage);
  EXPECT_EQ(max(none_at_all, {.axis = 1}).shape(), Shape{0}) << "no results at all";
  EXPECT_TRUE(array_equal(max(none_at_all, {.axis = 0, .initial = -5}), full({3}, -5, float64)));
}

TEST(ReduceTest, TheFirstOfEqualsAndTheFirstNaN) {
  for (const Shape& shape : {Shape{300, 5000}, Shape{5000, 300}}) {
    const Array x = zeros(shape, float32);
    for (std::int64_t i = 0; i < 40; ++i) {  // on a diagonal: one in a row and in a column
      fill(x(3 * i + 7, 2 * i + 1), 5), fill(x(3 * i + 7, 2 * i + 90), 5), fill(x(3 * i + 130, 2 * i + 1), 5);
      if (i % 4 == 0) fill(x(3 * i + 131, 2 * i + 1), kNan);
    }
    const Array rows = argmax(x, {.axis = 1}), columns = argmax(x, {.axis = 0}), flipped = argmax(x.T(), {.axis = 1, .threads = 1});
    EXPECT_TRUE(array_equal(columns, flipped)) << "whatever the strides";
    for (std::int64_t i = 0; i < 40; ++i) {
      EXPECT_EQ(rows.at<std::int64_t>(3 * i + 7), 2 * i + 1);
      EXPECT_EQ(columns.at<std::int64_t>(2 * i + 1), i % 4 == 0 ? 3 * i + 131 : 3 * i + 7) << "NaN before all";
    }
    EXPECT_EQ(argmin(x(slice(0, 7))).item<std::int64_t>(), 0);
    EXPECT_EQ(argmax(x(slice(0, 100)).T()).item<std::int64_t>(), argmax(x(slice(0, 100)).T().copy()).item<std::int64_t>());
  }
}

// ---- bad calls

TEST(ReduceTest, OptionsWithoutUseAreRefused) {
  const Array x = ones({4});
  EXPECT_EQ(code_of([&] { (void)mean(x, {.initial = 1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)var(x, {.initial = 1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)any(x, {.initial = 1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)all(x, {.dtype = int32}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)count_nonzero(x, {.dtype = int32}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)ptp(x, {.where = x > 0}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)prod(x, {.acc = Accumulate::dd}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)argmax(x, {.where = x > 0}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)argmax(ones({2, 2}), {.axis = {0, 1}}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.threads = -1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)sum(shape_only({3}, float64)); }), Error::Usage);
}

TEST(ReduceTest, AccAndDdofAreRefusedWhereTheyMeanNothing) {
  const Array x = ones({4});
  std::map<std::string, test::Reduce> functions = reductions();
  functions["stddev"] = stddev, functions["ptp"] = ptp;
  for (const auto& [name, call] : functions) {
    const bool spread = name == "var" || name == "stddev", adds = spread || name == "sum" || name == "prod" || name == "mean";
    const auto with_ddof = [&, &call = call] { (void)call(x, {.ddof = 1}); };
    const auto with_acc = [&, &call = call] { (void)call(x, {.acc = Accumulate::f64}); };
    EXPECT_EQ(code_of(with_ddof), spread ? ErrorCode::Ok : ErrorCode::Usage) << name;
    EXPECT_EQ(code_of(with_acc), adds ? ErrorCode::Ok : ErrorCode::Usage) << name;
    EXPECT_TRUE(spread || message_of(with_ddof).find(name + " takes no `ddof`: var and stddev do") != std::string::npos) << name;
    EXPECT_TRUE(adds || message_of(with_acc).find(name + " takes no `acc`: sum, prod") != std::string::npos) << name;
  }
  EXPECT_EQ(code_of([&] { (void)argmin(x, {.dtype = int32}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)argmin(x, {.initial = 1}); }), Error::Usage);
}

TEST(ReduceTest, OutIsUnchangedOnErrors) {
  const Array x = arange(0, 12, 1, float64).reshape({3, 4}), out = full({4}, 9, float64);
  for (const auto& [name, call] : reductions()) {
    EXPECT_EQ(code_of([&] { (void)call(x, {.axis = 1, .out = out}); }), Error::ShapeMismatch) << name;
    EXPECT_EQ(code_of([&] { (void)call(x, {.axis = 2, .out = out}); }), Error::Axis) << name;
    EXPECT_EQ(code_of([&] { (void)call(x, {.axis = {0, -2}, .out = out}); }), Error::Axis) << name;
    EXPECT_EQ(code_of([&] { (void)call(x, {.axis = 0, .out = out.as_readonly()}); }), Error::ReadOnly) << name;
    EXPECT_EQ(code_of([&] { (void)call(astype(x, complex128), {.axis = 0, .out = zeros({4}, DType::str(3))}); }), Error::DtypeMismatch) << name;
  }
  EXPECT_TRUE(array_equal(out, full({4}, 9, float64)));
}

TEST(ReduceTest, OutMayBeTheOperandsMemory) {
  for (const auto& [name, call] : reductions()) {
    const Array x = arange(0, 49, 1, float64).reshape({7, 7}) - 20.0;
    const Array expected = call(x.copy(), {.axis = 0});
    if (expected.dtype().is_bool() || expected.dtype().is_integer()) continue;
    call(x, {.axis = 0, .out = x(slice(none), 3)});
    EXPECT_TRUE(array_equal(x(slice(none), 3), expected)) << name;
  }
}

TEST(ReduceTest, TheGuardRefusesResultsThatAreTooLarge) {
  const Array vast = ones({1, 2}).broadcast_to({std::int64_t{1} << 44, 2});
  for (const auto& [name, call] : reductions()) {
    EXPECT_EQ(code_of([&] { (void)call(vast, {.axis = 1}); }), Error::MemoryGuard) << name;
  }
}

}  // namespace
}  // namespace ndshare
