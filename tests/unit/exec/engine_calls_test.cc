// What calls promise beside their values: out, where, errstate, overflow, limits, the ledger, lazy expressions and plans.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/errstate.h>
#include <ndshare/lazy.h>
#include <ndshare/ledger.h>
#include <ndshare/limits.h>
#include <ndshare/ops.h>
#include <ndshare/print.h>
#include <ndshare/reduce.h>
#include <ndshare/threads.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

namespace ndshare {
namespace {

using test::code_of;
using test::message_of;

constexpr double kInf = std::numeric_limits<double>::infinity();

// ---- where

TEST(WhereTest, OutKeepsWhatTheMaskLeavesOut) {
  const Array a = arange(0, 6, 1, float64), mask = array({true, false, true, false, true, false}), out = full({6}, -1, float64);
  add(a, 10, {.out = out, .where = mask});
  EXPECT_TRUE(array_equal(out, array({10., -1., 12., -1., 14., -1.})));
  EXPECT_TRUE(array_equal(add(a, a, {.where = mask, .fill = 7}), array({0., 7., 4., 7., 8., 7.})));
  EXPECT_EQ(code_of([&] { add(a, a, {.where = mask}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { add(a, a, {.where = a, .fill = 0}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { add(a, a, {.where = array({true, false}), .fill = 0}); }), Error::ShapeMismatch);
  const Array square = zeros({3, 6});  // a mask that broadcasts
  add(broadcast_to(a.layout(), {3, 6}).ndim() == 2 ? a.broadcast_to({3, 6}) : a, 1, {.out = square, .where = mask});
  EXPECT_EQ(square.at<double>(2, 4), 5);
  EXPECT_EQ(square.at<double>(2, 3), 0);
}

TEST(WhereTest, MaskedOutElementsRaiseNothing) {
  const ErrState counting{.divide = Err::count};
  reset_error_counts();
  const Array a = ones({4}), b = array({1., 0., 2., 0.});
  divide(a, b, {.out = zeros({4}), .where = b != 0});
  EXPECT_EQ(error_counts().divide, 0U);
  divide(a, b, {.out = zeros({4}), .where = b == 0});
  EXPECT_EQ(error_counts().divide, 2U);
  const ErrState raising{.divide = Err::raise};
  EXPECT_NO_THROW(divide(a, b, {.out = zeros({4}), .where = b != 0}));
}

// ---- overlap: as if there were none

TEST(OverlapTest, RandomViewsOfOneMemory) {
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 400; ++round) {
    const Array memory = arange(0, 600, 1, float64), copy = memory.copy();
    const std::int64_t n = 1 + pick(9), m = 1 + pick(9);
    const auto cut = [&](const Array& whole) {
      const std::int64_t row = 1 + pick(20), column = 1 + pick(5), first = pick(100);
      return std::array{row, column, first}[0] > 0
                 ? Array(float64, Layout{{n, m}, {row * 8, column * 8}, whole.layout().offset + first * 8}, whole.buffer(), true)
                 : whole;
    };
    std::mt19937 same = random;
    const Array a = cut(memory), b = cut(memory);
    Array out = cut(memory);
    if (out.strides()[0] < out.strides()[1] * m && out.strides()[1] < out.strides()[0] * n) continue;  // elements of out share bytes
    random = same;
    const Array a2 = cut(copy), b2 = cut(copy);
    const Array out2 = cut(copy), expected = add(a2.copy(), b2.copy()).copy();
    copyto(out2, expected);
    add(a, b, {.out = out});
    ASSERT_TRUE(array_equal(memory, copy)) << round << ": " << a.strides().str() << b.strides().str() << out.strides().str();
  }
}

TEST(OverlapTest, ShiftedByOneInPlace) {
  const Array x = arange(0, 1000, 1, float64);
  const Array expected = x(slice(1, none)) + x(slice(0, 999));
  x(slice(1, none)) += x(slice(0, 999));
  EXPECT_TRUE(array_equal(x(slice(1, none)), expected));
}

// ---- errstate

template <class F>
ErrorCounts counted(const F& body) {
  const ErrState counting{.divide = Err::count, .over = Err::count, .under = Err::count, .invalid = Err::count};
  reset_error_counts();
  body();
  return error_counts();
}

TEST(ErrStateTest, FlagsComeFromTheValues) {
  for (const DType& dtype : {float16, float32, float64}) {
    const Array zero = zeros({3}, dtype), one = ones({3}, dtype), inf = full({3}, kInf, dtype), nan = full({3}, NAN, dtype);
    EXPECT_EQ(counted([&] { (void)(one / zero); }), (ErrorCounts{.divide = 3})) << dtype.name();
    EXPECT_EQ(counted([&] { (void)(zero / zero); }), (ErrorCounts{.invalid = 3})) << dtype.name();
    EXPECT_EQ(counted([&] { (void)(inf / zero); }), ErrorCounts{}) << dtype.name();
    EXPECT_EQ(counted([&] { (void)(nan / zero); }), ErrorCounts{}) << dtype.name();
    EXPECT_EQ(counted([&] { (void)(inf - inf); }), (ErrorCounts{.invalid = 3})) << dtype.name();
    EXPECT_EQ(counted([&] { (void)sqrt(-one); }), (ErrorCounts{.invalid = 3})) << dtype.name();
    EXPECT_EQ(counted([&] { (void)log(zero); }), (ErrorCounts{.divide = 3})) << dtype.name();
    const Array large = full({3}, dtype == float16 ? 6e4 : dtype == float32 ? 3e38 : 1e308, dtype);
    EXPECT_EQ(counted([&] { (void)(large * large); }), (ErrorCounts{.over = 3})) << dtype.name();
    EXPECT_EQ(counted([&] { (void)exp(large); }), (ErrorCounts{.over = 3})) << dtype.name();
    const Array small = full({3}, dtype == float16 ? 1e-4 : dtype == float32 ? 1e-30 : 1e-200, dtype);
    EXPECT_EQ(counted([&] { (void)(small * small); }), (ErrorCounts{.under = 3})) << dtype.name();
  }
  EXPECT_EQ(counted([] { (void)floor_divide(array({7, 8, 9}), array({0, 2, 0})); }), (ErrorCounts{.divide = 2}));
  EXPECT_EQ(counted([] { (void)floor_divide(full({2}, -128, int8), full({2}, -1, int8)); }), (ErrorCounts{.over = 2}));
  EXPECT_EQ(counted([] { (void)astype(array({1.0, NAN, 1e30}), int32, {.casting = Casting::unsafe}); }), (ErrorCounts{.invalid = 2}));
}

TEST(ErrStateTest, CountsDoNotDependOnThreadsOrStrides) {
  const Array a = ones({300'000}), b = arange(0, 300'000, 1, float64) - 150'000.0;
  for (const int threads : {1, 2}) {
    EXPECT_EQ(counted([&] { (void)divide(a, b % 7.0, {.threads = threads}); }).divide, 42857U + 0U) << threads;
    EXPECT_EQ(counted([&] { (void)divide(a(slice(none, none, -1)), b % 7.0, {.threads = threads}); }).divide, 42857U) << threads;
    EXPECT_EQ(counted([&] { (lazy(a) / (lazy(b) % 7.0)).eval({.threads = threads}); }).divide, 42857U) << threads;
    const Array in_place = a.copy();
    EXPECT_EQ(counted([&] { divide(in_place, b % 7.0, {.out = in_place, .threads = threads}); }).divide, 42857U) << threads;
  }
}

TEST(ErrStateTest, RaisingLeavesOutAlone) {
  const Array a = array({1., 2., 0., 4.}), b = array({1., 0., 0., 2.}), out = full({4}, 9, float64);
  {
    const ErrState raising{.divide = Err::raise};
    EXPECT_EQ(code_of([&] { divide(a, b, {.out = out}); }), Error::Arithmetic);
    EXPECT_TRUE(array_equal(out, full({4}, 9, float64)));
    EXPECT_EQ(code_of([&] { divide(a, b, {.out = a}); }), Error::Arithmetic);
    EXPECT_TRUE(array_equal(a, array({1., 2., 0., 4.})));
    EXPECT_NE(message_of([&] { divide(a, b, {.out = out}); }).find("1 places"), std::string::npos);
  }
  EXPECT_EQ(err_settings().divide, Err::warn) << "the scope is over";
  EXPECT_EQ(code_of([] { (void)pow(array({2, 3}), array({1, -1})); }), Error::Usage);
}

TEST(OverflowTest, EveryPolicy) {
  const Array a = full({5}, 200, uint8), b = full({5}, 100, uint8), out = zeros({5}, uint8);
  EXPECT_EQ((a + b).at<int>(0), 44);
  {
    const ErrState saturating{.overflow = OnOverflow::saturate};
    EXPECT_EQ((a + b).at<int>(0), 255);
    EXPECT_EQ((b - a).at<int>(0), 0);
    EXPECT_EQ((full({1}, -100, int8) - full({1}, 100, int8)).at<int>(0), -128);
    EXPECT_EQ((full({1}, INT64_MAX, int64) * 2).at<std::int64_t>(0), INT64_MAX);
  }
  {
    const ErrState raising{.overflow = OnOverflow::raise};
    EXPECT_EQ(code_of([&] { add(a, b, {.out = out}); }), Error::Overflow);
    EXPECT_EQ(out.at<int>(0), 0) << "nothing was written";
    EXPECT_NO_THROW((void)(b + b));
  }
  const ErrState counting{.overflow = OnOverflow::count};
  reset_error_counts();
  EXPECT_EQ((a + b).at<int>(0), 44);
  EXPECT_EQ(error_counts().overflow, 5U);
}

// ---- limits and the ledger

TEST(LimitsTest, NothingIsAllocatedOverALimit) {
  const Lazy huge = shape_only({5'000'000, 1000, 1}, float64) + shape_only({10}, float64);
  EXPECT_EQ(huge.shape(), Shape({5'000'000, 1000, 10}));
  EXPECT_NE(plan(huge).refusal.find("(5000000, 1000, 10)"), std::string::npos) << plan(huge).text();
  EXPECT_EQ(code_of([&] { (void)huge.eval(); }), Error::Usage) << "there is no memory to compute from";
  const Array a = zeros({1}).broadcast_to({5'000'000, 1000, 1}), b = zeros({10});
  EXPECT_EQ(code_of([&] { (void)(a + b); }), Error::MemoryGuard);
  const Array small = ones({1000, 1}), row = ones({1, 1000});
  {
    const Limits cap{.max_bytes = 1 << 20};
    EXPECT_EQ(code_of([&] { (void)(small + row); }), Error::MemoryGuard);
    const Limits wider{.max_bytes = 1 << 24};
    EXPECT_NO_THROW((void)(small + row));
  }
  {
    const Limits cap{.max_elements = 999'999};
    EXPECT_EQ(code_of([&] { (void)(small + row); }), Error::MemoryGuard);
  }
  {
    const Limits cap{.max_expansion = 100.0};
    EXPECT_EQ(code_of([&] { (void)(small + row); }), Error::MemoryGuard);
    EXPECT_NO_THROW((void)(small + ones({1, 90})));
  }
  {
    const Limits strict{.ranks = Ranks::same_rank};
    EXPECT_EQ(code_of([&] { (void)(small + ones({1000})); }), Error::ShapeMismatch);
    EXPECT_NO_THROW((void)(small + row));
    EXPECT_NO_THROW((void)(small + 1.0));
    const Limits exact{.ranks = Ranks::exact};
    EXPECT_EQ(code_of([&] { (void)(small + row); }), Error::ShapeMismatch);
  }
  EXPECT_EQ(code_of([] { const Limits bad{.max_bytes = -1}; }), Error::Usage);
  EXPECT_NO_THROW((void)(small + row));
}

TEST(LimitsTest, SmallResultsObeyThemToo) {
  const Array x = ones({16}), out = zeros({16});
  const auto refused = [&] {
    const bool no = code_of([&] { (void)(x + x); }) == ErrorCode::MemoryGuard;
    EXPECT_EQ(code_of([&] { (void)sqrt(x); }) == ErrorCode::MemoryGuard, no);
    EXPECT_EQ(code_of([&] { (void)(x * 2); }) == ErrorCode::MemoryGuard, no);
    EXPECT_NO_THROW(add(x, x, {.out = out})) << "nothing new";
    return no;
  };
  for (const std::int64_t bytes : {1, 127, 128, 1000}) {
    const Limits cap{.max_bytes = bytes};
    EXPECT_EQ(refused(), bytes < 128) << bytes;
    EXPECT_EQ(code_of([&] { (void)(x < x); }), bytes < 16 ? ErrorCode::MemoryGuard : ErrorCode::Ok) << "16 bytes of bool";
  }
  for (const std::int64_t elements : {1, 15, 16}) {
    const Limits cap{.max_elements = elements};
    EXPECT_EQ(refused(), elements < 16) << elements;
  }
  for (const double expansion : {0.5, 1.0}) {
    const Limits cap{.max_expansion = expansion};
    EXPECT_EQ(refused(), expansion < 1) << expansion;
  }
  set_process_limits({.max_bytes = 100});
  EXPECT_TRUE(refused());
  set_process_limits({});
  EXPECT_FALSE(refused());
}

TEST(LedgerTest, CopiesAreToldByReason) {
  const Array a = ones({100, 100}), narrow = ones({100, 100}, float32);
  const auto bytes = [](const auto& body, CopyReason reason) {
    const CopyAudit audit;
    body();
    return audit.totals()[reason].bytes;
  };
  EXPECT_EQ(bytes([&] { (void)(a + a); }, CopyReason::strided), 0U);
  EXPECT_EQ(bytes([&] { (void)(a + a.T()); }, CopyReason::strided), 80'000U);
  EXPECT_EQ(bytes([&] { (void)(a + narrow); }, CopyReason::upcast), 80'000U);
  EXPECT_EQ(bytes([&] { add(a, a, {.out = narrow}); }, CopyReason::downcast), 40'000U);
  EXPECT_EQ(bytes([&] { add(a(slice(0, 99)), 1.0, {.out = a(slice(1, none))}); }, CopyReason::overlap), 79'200U);
  EXPECT_EQ(bytes([&] { (void)a.T().reshape({-1}); }, CopyReason::reshape), 80'000U);
  EXPECT_EQ(bytes([&] { (void)astype(a, float32); }, CopyReason::asked), 40'000U);
  const forbid_copies none_here;
  EXPECT_EQ(code_of([&] { (void)a.T().reshape({-1}); }), Error::CopyForbidden);
  EXPECT_EQ(code_of([&] { add(a(slice(0, 99)), 1.0, {.out = a(slice(1, none))}); }), Error::CopyForbidden);
  EXPECT_NO_THROW((void)(a + a));
}

// ---- lazy expressions

TEST(LazyTest, RandomExpressionsAreTheEagerOnes) {
  std::mt19937 random(11);
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  const Shape shapes[] = {{40, 50}, {50}, {40, 1}, {}, {1, 50}};
  const DType dtypes[] = {float32, float64, int32, uint8, float16};
  for (int round = 0; round < 300; ++round) {
    std::vector<Array> eager;
    std::vector<Lazy> lazily;
    for (int i = 0; i < 4; ++i) {
      const Shape shape = shapes[random() % 5];
      const Array x = astype(arange(0, shape.count(), 1, float64) % 13.0 - 3.0, dtypes[random() % 5], {.casting = Casting::unsafe});
      eager.push_back(x.reshape(shape));
      lazily.push_back(lazy(eager.back()));
    }
    for (int node = 0; node < 8; ++node) {
      const std::size_t i = random() % eager.size(), j = random() % eager.size();
      const auto push = [&](const Array& a, const Lazy& b) { eager.push_back(a), lazily.push_back(b); };
      switch (random() % 6) {
        case 0:
          push(eager[i] + eager[j], lazily[i] + lazily[j]);
          break;
        case 1:
          push(eager[i] * 2, lazily[i] * 2);
          break;
        case 2:
          push(maximum(eager[i], eager[j]), maximum(lazily[i], lazily[j]));
          break;
        case 3:
          push(eager[i] / eager[j], lazily[i] / lazily[j]);
          break;
        case 4:
          push(where(eager[i] > 1, eager[j], eager[i]), where(lazily[i] > 1, lazily[j], lazily[i]));
          break;
        default:
          push(abs(eager[i]), abs(lazily[i]));
      }
    }
    const Array expected = eager.back(), got = lazily.back().eval();
    ASSERT_EQ(got.dtype(), expected.dtype()) << round;
    ASSERT_TRUE(array_equal(got, expected, true)) << round;
    ASSERT_EQ(lazily.back().shape(), expected.shape());
    if (expected.dtype().is_floating()) {
      ASSERT_TRUE(array_equal(sum(lazily.back(), {.axis = Axes(Dims{})}), expected, true)) << round;
    }
  }
}

TEST(LazyTest, OnePassIntoItsOwnOperand) {
  const Array x = arange(0, 100'000, 1, float64), y = x.copy(), z = x + 1.0;
  const Array expected = sqrt(x * x + z * z);
  sqrt(lazy(x) * x + lazy(z) * z).eval({.out = x});
  EXPECT_TRUE(array_equal(x, expected));
  EXPECT_EQ(code_of([&] { (void)(lazy(x) + ones({7})); }), Error::ShapeMismatch) << "told where it is written";
  EXPECT_EQ(sum(lazy(y) * 2.0).item<double>(), 9999900000.0);
}

TEST(LazyTest, PlansSayWhatACallTakes) {
  const Array a = ones({100, 200}, float32), b = ones({200, 100}, float64);
  const Plan made = plan(lazy(a) + lazy(b.T()));
  EXPECT_EQ(made.shape, Shape({100, 200}));
  EXPECT_EQ(made.dtype, float64);
  EXPECT_EQ(made.nbytes, 160'000);
  ASSERT_EQ(made.copies.size(), 2U) << made.text();
  EXPECT_EQ(made.copies[0].reason, CopyReason::upcast);
  EXPECT_EQ(made.copies[1].reason, CopyReason::strided);
  EXPECT_GT(made.temporaries, 0);
  EXPECT_EQ(made.refusal, "");
}

// ---- dtypes

TEST(CastTest, RulesAndResultTypes) {
  EXPECT_TRUE(can_cast(int64, float64));
  EXPECT_FALSE(can_cast(int64, float32));
  EXPECT_TRUE(can_cast(int64, float32, Casting::same_kind));
  EXPECT_FALSE(can_cast(float32, int64, Casting::same_kind));
  EXPECT_EQ(result_type({int8, uint8}), int16);
  EXPECT_EQ(result_type({int64, uint64}), float64);
  EXPECT_EQ(result_type({float32, Scalar(3)}), float32);
  EXPECT_EQ(result_type({int8, Scalar(2.5)}), float64);
  EXPECT_EQ(result_type({uint8, float16, Scalar(true)}), float16);
  EXPECT_EQ(code_of([] { (void)result_type({}); }), Error::Usage);
  EXPECT_EQ(code_of([] { (void)astype(ones({2}), int32); }), Error::DtypeMismatch);
  EXPECT_NE(message_of([] { (void)astype(ones({2}), int32); }).find("unsafe"), std::string::npos);
  EXPECT_EQ(astype(array({1.9, -1.9}), int32, {.casting = Casting::unsafe}).at<int>(1), -1);
}

TEST(CompareTest, SignedAndUnsignedExactly) {
  const Array i = array({-1, 5, INT64_MAX}, int64), u = full({3}, std::numeric_limits<std::uint64_t>::max(), uint64);
  EXPECT_EQ(count_nonzero(i < u).item<int>(), 3);
  EXPECT_EQ(count_nonzero(i == u).item<int>(), 0);
  EXPECT_EQ(count_nonzero(u >= i).item<int>(), 3);
}

// ---- reductions

TEST(ReduceTest, PairwiseOnEveryAxis) {
  const Array ones_ = ones({2'000'000, 2}, float32);
  EXPECT_EQ(mean(ones_, {.axis = 0}).at<float>(0), 1.0F);
  EXPECT_EQ(mean(ones_, {.axis = 0}).at<float>(1), 1.0F);
}

TEST(ReduceTest, AccumulatorsOnRequest) {
  const Array x = array({1e16, 1., -1e16, 1.});
  EXPECT_EQ(sum(x, {.acc = Accumulate::dd}).item<double>(), 2.0);
  const Array f = full({1 << 20}, 0.1F, float32);
  EXPECT_EQ(sum(f, {.acc = Accumulate::f64}).item<float>(), static_cast<float>(double{0.1F} * 1048576.0));
  EXPECT_EQ(code_of([] { (void)sum(ones({2}, complex64), {.acc = Accumulate::dd}); }), Error::Usage);
}

TEST(ReduceTest, BadCalls) {
  const Array x = ones({3, 4}), none_ = zeros({0, 4});
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = 2}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = {0, -2}}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { (void)min(none_, {.axis = 0}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)argmax(none_); }), Error::Usage);
  EXPECT_EQ(min(none_, {.axis = 0, .initial = 5}).at<double>(3), 5);
  EXPECT_EQ(sum(none_).item<double>(), 0);
  const Array out = full({4}, 7, float64);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = 1, .out = out}); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = 0, .out = zeros({4}, int32)}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { (void)sum(x, {.axis = 0, .out = out.as_readonly()}); }), Error::ReadOnly);
  EXPECT_EQ(out.at<double>(0), 7);
  sum(x, {.axis = 0, .out = x(0)});  // overlaps its input
  EXPECT_EQ(x.at<double>(0, 0), 3);
}

}  // namespace
}  // namespace ndshare
