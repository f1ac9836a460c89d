// Exponentials, logarithms and cube root on every target: errors, special values, NumPy's validation sets.
#include "tests/unit/kernels/functions.h"

namespace ndshare::internal {
namespace {

using test::Random;
using test::Range;

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

struct Function {
  UnaryOp op;
  test::Exact exact;
  std::vector<Range> float32, float64;
  const char* numpy_set;
};
std::vector<Function> functions() {
  using L = long double;
  const std::vector<Range> logs = {{0.5, 2}, {0.97, 1.03}, {0, 1000}}, steps = {{-0.6, 2}, {-0.04, 0.04}, {0, 1000}};
  return {{UnaryOp::exp, [](L x, L) { return std::exp(x); }, {{-104, 89}, {-1, 1}}, {{-746, 710}, {-1, 1}}, "exp"},
          {UnaryOp::exp2, [](L x, L) { return std::exp2(x); }, {{-150, 129}, {-1, 1}}, {{-1076, 1025}, {-1, 1}}, "exp2"},
          {UnaryOp::expm1, [](L x, L) { return std::expm1(x); }, {{-20, 89}, {-1, 1}}, {{-40, 710}, {-1, 1}}, "expm1"},
          {UnaryOp::log, [](L x, L) { return std::log(x); }, logs, logs, "log"},
          {UnaryOp::log1p, [](L x, L) { return std::log1p(x); }, steps, steps, "log1p"},
          {UnaryOp::log2, [](L x, L) { return std::log2(x); }, logs, logs, "log2"},
          {UnaryOp::log10, [](L x, L) { return std::log10(x); }, logs, logs, "log10"},
          {UnaryOp::cbrt, [](L x, L) { return std::cbrt(x); }, {{-10, 10}}, {{-10, 10}}, "cbrt"}};
}

TEST(ExponentialTest, ErrsByNoMoreThanTheListSays) {
  Random random(7);
  for (const Function& f : functions()) {
    test::expect_within_ulp(f.op, f.exact, test::sweep<float>(f.float32, test::kSweep, random));
    test::expect_within_ulp(f.op, f.exact, test::sweep<double>(f.float64, test::kSweep, random));
  }
}

TEST(ExponentialTest, SpecialValuesOfTheArrayApi) {
  const std::vector<test::Special> specials = {
      {UnaryOp::exp, 0, 1}, {UnaryOp::exp, -0.0, 1}, {UnaryOp::exp, kInf, kInf}, {UnaryOp::exp, -kInf, 0}, {UnaryOp::exp, kNan, kNan},
      {UnaryOp::exp2, 0, 1}, {UnaryOp::exp2, -0.0, 1}, {UnaryOp::exp2, kInf, kInf}, {UnaryOp::exp2, -kInf, 0},
      {UnaryOp::exp2, kNan, kNan}, {UnaryOp::exp2, 10, 1024}, {UnaryOp::exp2, -3, 0.125}, {UnaryOp::exp2, 2000, kInf},
      {UnaryOp::expm1, 0, 0}, {UnaryOp::expm1, -0.0, -0.0}, {UnaryOp::expm1, kInf, kInf}, {UnaryOp::expm1, -kInf, -1},
      {UnaryOp::expm1, kNan, kNan}, {UnaryOp::expm1, 1000, kInf}, {UnaryOp::expm1, -1000, -1},
      {UnaryOp::log, 0, -kInf}, {UnaryOp::log, -0.0, -kInf}, {UnaryOp::log, 1, 0}, {UnaryOp::log, kInf, kInf},
      {UnaryOp::log, -kInf, kNan}, {UnaryOp::log, -1, kNan}, {UnaryOp::log, kNan, kNan},
      {UnaryOp::log1p, 0, 0}, {UnaryOp::log1p, -0.0, -0.0}, {UnaryOp::log1p, -1, -kInf}, {UnaryOp::log1p, -2, kNan},
      {UnaryOp::log1p, kInf, kInf}, {UnaryOp::log1p, -kInf, kNan}, {UnaryOp::log1p, kNan, kNan},
      {UnaryOp::log2, 0, -kInf}, {UnaryOp::log2, -0.0, -kInf}, {UnaryOp::log2, 1, 0}, {UnaryOp::log2, kInf, kInf},
      {UnaryOp::log2, -1, kNan}, {UnaryOp::log2, kNan, kNan}, {UnaryOp::log2, 1024, 10}, {UnaryOp::log2, 0.125, -3},
      {UnaryOp::log10, 0, -kInf}, {UnaryOp::log10, -0.0, -kInf}, {UnaryOp::log10, 1, 0}, {UnaryOp::log10, kInf, kInf},
      {UnaryOp::log10, -1, kNan}, {UnaryOp::log10, kNan, kNan}, {UnaryOp::log10, 1000, 3},
      {UnaryOp::cbrt, 0, 0}, {UnaryOp::cbrt, -0.0, -0.0}, {UnaryOp::cbrt, kInf, kInf}, {UnaryOp::cbrt, -kInf, -kInf},
      {UnaryOp::cbrt, kNan, kNan}, {UnaryOp::cbrt, 27, 3}, {UnaryOp::cbrt, -8, -2}};
  test::expect_special<float>(specials, 0.75F);
  test::expect_special<double>(specials, 0.75);
}

TEST(ExponentialTest, NumpyValidationSets) {
  if (test::numpy_data().empty()) GTEST_SKIP() << "NumPy is not installed";
  for (const Function& f : functions()) {
    test::expect_numpy_set<float>(f.op, f.numpy_set);
    test::expect_numpy_set<double>(f.op, f.numpy_set);
  }
}

}  // namespace
}  // namespace ndshare::internal
