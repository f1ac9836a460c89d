// Trigonometric and hyperbolic functions on every target: errors, special values, large arguments, NumPy's validation sets.
#include "tests/unit/kernels/functions.h"

#include <numbers>

namespace ndshare::internal {
namespace {

using test::Random;
using test::Range;

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = std::numbers::pi;

struct Function {
  UnaryOp op;
  test::Exact exact;
  std::vector<Range> ranges;
  const char* numpy_set;
};
std::vector<Function> functions() {
  using L = long double;
  const std::vector<Range> angles = {{-10, 10}, {-1e6, 1e6}, {-2e9, 2e9}}, units = {{-1, 1}, {0.999, 1}, {-0.01, 0.01}};
  const std::vector<Range> growing = {{-89.5, 89.5}, {-711, 711}, {-2, 2}, {0.3, 0.8}}, roots = {{-4, 4}, {0, 1e9}, {-0.01, 0.01}};
  return {{UnaryOp::sin, [](L x, L) { return std::sin(x); }, angles, "sin"},
          {UnaryOp::cos, [](L x, L) { return std::cos(x); }, angles, "cos"},
          {UnaryOp::tan, [](L x, L) { return std::tan(x); }, angles, "tan"},
          {UnaryOp::asin, [](L x, L) { return std::asin(x); }, units, "arcsin"},
          {UnaryOp::acos, [](L x, L) { return std::acos(x); }, units, "arccos"},
          {UnaryOp::atan, [](L x, L) { return std::atan(x); }, {{-3, 3}, {-100, 100}}, "arctan"},
          {UnaryOp::sinh, [](L x, L) { return std::sinh(x); }, growing, "sinh"},
          {UnaryOp::cosh, [](L x, L) { return std::cosh(x); }, growing, "cosh"},
          {UnaryOp::tanh, [](L x, L) { return std::tanh(x); }, {{-25, 25}, {-1, 1}}, "tanh"},
          {UnaryOp::asinh, [](L x, L) { return std::asinh(x); }, roots, "arcsinh"},
          {UnaryOp::acosh, [](L x, L) { return std::acosh(x); }, {{1, 2}, {1, 1.001}, {1, 1e9}}, "arccosh"},
          {UnaryOp::atanh, [](L x, L) { return std::atanh(x); }, units, "arctanh"}};
}

TEST(TrigonometricTest, ErrsByNoMoreThanTheListSays) {
  Random random(8);
  for (const Function& f : functions()) {
    test::expect_within_ulp(f.op, f.exact, test::sweep<float>(f.ranges, test::kSweep, random));
    test::expect_within_ulp(f.op, f.exact, test::sweep<double>(f.ranges, test::kSweep, random));
  }
}

// The numbers next to multiples of π/2 up to the largest: what is left of them is small.
template <class T>
std::vector<T> near_multiples(Random& random) {
  std::vector<T> x;
  for (std::size_t i = 0; i < test::kSweep; ++i) {
    const auto limit = std::uint64_t{1} << (random() % 34);
    x.push_back(static_cast<T>(static_cast<long double>(random() % limit) * (std::numbers::pi_v<long double> / 2)));
  }
  return x;
}
TEST(TrigonometricTest, NextToMultiplesOfARightAngle) {
  Random random(9);
  for (const Function& f : functions()) {
    if (f.op != UnaryOp::sin && f.op != UnaryOp::cos && f.op != UnaryOp::tan) continue;
    test::expect_within_ulp(f.op, f.exact, near_multiples<float>(random));
    test::expect_within_ulp(f.op, f.exact, near_multiples<double>(random));
  }
}

// Known to all digits: Ng, Argument reduction for huge arguments (1992), and the largest number.
TEST(TrigonometricTest, HugeArguments) {
  const std::vector<test::Special> specials = {{UnaryOp::sin, 1e22, -0.8522008497671888017727},
                                               {UnaryOp::cos, 1e22, 0.5232147853951389454976},
                                               {UnaryOp::sin, 1e300, -0.8178819121159085},
                                               {UnaryOp::cos, 1e300, -0.5753861119575491},
                                               {UnaryOp::sin, 1.7976931348623157e308, 0.004961954789184062},
                                               {UnaryOp::cos, 1.7976931348623157e308, -0.9999876894265599}};
  test::expect_special<double>(specials, 0.75);
}

TEST(TrigonometricTest, SpecialValuesOfTheArrayApi) {
  std::vector<test::Special> specials = {
      {UnaryOp::cos, 0, 1}, {UnaryOp::cos, -0.0, 1}, {UnaryOp::asin, 1, kPi / 2}, {UnaryOp::asin, -1, -kPi / 2},
      {UnaryOp::acos, 1, 0}, {UnaryOp::acos, -1, kPi}, {UnaryOp::acos, 0, kPi / 2},
      {UnaryOp::atan, kInf, kPi / 2}, {UnaryOp::atan, -kInf, -kPi / 2},
      {UnaryOp::sinh, kInf, kInf}, {UnaryOp::sinh, -kInf, -kInf}, {UnaryOp::sinh, 1000, kInf}, {UnaryOp::sinh, -1000, -kInf},
      {UnaryOp::cosh, 0, 1}, {UnaryOp::cosh, -0.0, 1}, {UnaryOp::cosh, kInf, kInf}, {UnaryOp::cosh, -kInf, kInf},
      {UnaryOp::cosh, -1000, kInf}, {UnaryOp::tanh, kInf, 1}, {UnaryOp::tanh, -kInf, -1}, {UnaryOp::tanh, 1000, 1},
      {UnaryOp::asinh, kInf, kInf}, {UnaryOp::asinh, -kInf, -kInf}, {UnaryOp::acosh, 1, 0}, {UnaryOp::acosh, kInf, kInf},
      {UnaryOp::acosh, 0.5, kNan}, {UnaryOp::acosh, 0, kNan}, {UnaryOp::acosh, -3, kNan}, {UnaryOp::acosh, -kInf, kNan},
      {UnaryOp::atanh, 1, kInf}, {UnaryOp::atanh, -1, -kInf}, {UnaryOp::atanh, 1.5, kNan}, {UnaryOp::atanh, -kInf, kNan}};
  for (const Function& f : functions()) specials.push_back({f.op, kNan, kNan});
  for (const UnaryOp op : {UnaryOp::sin, UnaryOp::tan, UnaryOp::asin, UnaryOp::atan, UnaryOp::sinh, UnaryOp::tanh, UnaryOp::asinh, UnaryOp::atanh}) {
    specials.push_back({op, 0, 0}), specials.push_back({op, -0.0, -0.0});
  }
  for (const double infinity : {kInf, -kInf}) {
    for (const UnaryOp op : {UnaryOp::sin, UnaryOp::cos, UnaryOp::tan}) specials.push_back({op, infinity, kNan});
  }
  for (const double outside : {1.5, -1.5, kInf, -kInf}) {
    specials.push_back({UnaryOp::asin, outside, kNan}), specials.push_back({UnaryOp::acos, outside, kNan});
  }
  test::expect_special<float>(specials, 0.75F);
  test::expect_special<double>(specials, 0.75);
}

TEST(TrigonometricTest, NumpyValidationSets) {
  if (test::numpy_data().empty()) GTEST_SKIP() << "NumPy is not installed";
  for (const Function& f : functions()) {
    test::expect_numpy_set<float>(f.op, f.numpy_set);
    test::expect_numpy_set<double>(f.op, f.numpy_set);
  }
}

}  // namespace
}  // namespace ndshare::internal
