// Complex functions and powers on every target, against long double: errors of the whole number, relative to its length.
#include "tests/unit/kernels/functions.h"

#include <numbers>

namespace ndshare::internal {
namespace {

using Wide = std::complex<long double>;
struct Function {
  UnaryOp op;
  Wide (*exact)(Wide);
};
const Function kFunctions[] = {
    {UnaryOp::exp, [](Wide z) { return std::exp(z); }},
    {UnaryOp::exp2, [](Wide z) { return std::exp(z * std::numbers::ln2_v<long double>); }},
    {UnaryOp::log, [](Wide z) { return std::log(z); }},
    {UnaryOp::log2, [](Wide z) { return std::log(z) * std::numbers::log2e_v<long double>; }},
    {UnaryOp::log10, [](Wide z) { return std::log(z) * std::numbers::log10e_v<long double>; }},
    {UnaryOp::sin, [](Wide z) { return std::sin(z); }},
    {UnaryOp::cos, [](Wide z) { return std::cos(z); }},
    {UnaryOp::tan, [](Wide z) { return std::tan(z); }},
    {UnaryOp::asin, [](Wide z) { return std::asin(z); }},
    {UnaryOp::acos, [](Wide z) { return std::acos(z); }},
    {UnaryOp::atan, [](Wide z) { return std::atan(z); }},
    {UnaryOp::sinh, [](Wide z) { return std::sinh(z); }},
    {UnaryOp::cosh, [](Wide z) { return std::cosh(z); }},
    {UnaryOp::tanh, [](Wide z) { return std::tanh(z); }},
    {UnaryOp::asinh, [](Wide z) { return std::asinh(z); }},
    {UnaryOp::acosh, [](Wide z) { return std::acosh(z); }},
    {UnaryOp::atanh, [](Wide z) { return std::atanh(z); }},
    {UnaryOp::expm1,
     [](Wide z) {
       const long double half = std::sin(z.imag() / 2);
       return Wide(std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag()));
     }},
    {UnaryOp::log1p, [](Wide z) { return std::log(1.0L + z); }}};

template <class T>
std::vector<std::complex<T>> numbers(test::Random& random) {
  std::normal_distribution<double> normal;
  std::vector<std::complex<T>> z;
  for (std::size_t i = 0; i < test::kSweep / 20; ++i) {
    const double size = std::pow(10, static_cast<double>(random() % 3) - 1.5);
    z.emplace_back(static_cast<T>(normal(random) * size), static_cast<T>(normal(random) * size));
  }
  return z;
}
template <class T>
long double error_in_eps(std::complex<T> result, Wide exact) {
  return std::abs(Wide(result) - exact) / std::abs(exact) / static_cast<long double>(std::numeric_limits<T>::epsilon());
}

template <class T>
void expect_functions(test::Random& random) {
  const auto z = numbers<T>(random);
  for (const KernelTable& table : supported_tables()) {
    for (const Function& f : kFunctions) {
      const auto out = test::run(table, f.op, z);
      for (std::size_t i = 0; i < z.size(); ++i) {
        const Wide exact = f.exact(Wide(z[i]));
        if (std::abs(exact) >= static_cast<long double>(std::numeric_limits<T>::max())) continue;
        // exp2 multiplies by ln 2 first, and the rounding of that grows with the number, as in NumPy.
        const long double most = f.op == UnaryOp::exp2 ? 4 + std::abs(z[i]) : 8;
        ASSERT_LE(error_in_eps(out[i], exact), most) << table.name << ' ' << info(f.op).name << z[i] << " = " << out[i];
      }
    }
  }
}
TEST(ComplexTest, FunctionsAreWithinEightEps) {
  test::Random random(21);
  expect_functions<float>(random);
  expect_functions<double>(random);
}

TEST(ComplexTest, SignKeepsTheDigitsOfASmallPartBesideALargeOne) {
  const std::complex<double> z[] = {{1.76763e168, -6.71102e-141}, {-3e300, 1e-8}, {1e-300, -1e-310}, {5e-324, 0.0}, {-1e308, 1e308}};
  for (const KernelTable& table : supported_tables()) {
    const auto out = test::run(table, UnaryOp::sign, std::vector(std::begin(z), std::end(z)));
    for (std::size_t i = 0; i < std::size(z); ++i) {
      const Wide exact = Wide(z[i]) / std::hypot(static_cast<long double>(z[i].real()), static_cast<long double>(z[i].imag()));
      EXPECT_NEAR(out[i].real(), static_cast<double>(exact.real()), 1e-15 * std::abs(static_cast<double>(exact.real()))) << table.name << i;
      EXPECT_NEAR(out[i].imag(), static_cast<double>(exact.imag()), 1e-13 * std::abs(static_cast<double>(exact.imag()))) << table.name << i;
    }
  }
}

TEST(ComplexTest, PowersAsNumpyHasThem) {
  using Z = std::complex<double>;
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<Z> x = {0, 0, {2, 1}, {2, 1}, {2, 1}, {-4, 0}, {0, 1}}, y = {0, 2, 0, 2, -1, 0.5, 2};
  const std::vector<Z> expected = {1, 0, 1, {3, 4}, {0.4, -0.2}, {0, 2}, -1};
  for (const KernelTable& table : supported_tables()) {
    const std::vector<Z> out = test::run(table, BinaryOp::pow, x, y);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_LE(std::abs(out[i] - expected[i]), 1e-15 * (1 + std::abs(expected[i]))) << x[i] << y[i];
    const std::vector<Z> pole = test::run(table, BinaryOp::pow, std::vector<Z>{0, 0}, std::vector<Z>{-1, {1, 1}});
    EXPECT_TRUE(std::isnan(pole[0].real()) && std::isnan(pole[1].imag()));
    const Z huge[] = {{1e200, 0}}, two[] = {{2, 0}};
    Z result[1];
    EXPECT_EQ(table.find(BinaryOp::pow, TypeId::complex128).vv(huge, two, result, 1), std::uint32_t{kSeenNonFinite});
    EXPECT_EQ(result[0].real(), inf);
  }
}

}  // namespace
}  // namespace ndshare::internal
