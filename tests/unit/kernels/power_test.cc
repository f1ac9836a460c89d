// Powers and functions of two numbers on every target: errors, special values, integer and complex powers.
#include "tests/unit/kernels/functions.h"

namespace ndshare::internal {
namespace {

using test::Random;
using test::Range;

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 3.14159265358979323846;

template <class T>
struct Pairs {
  std::vector<T> x, y;
};
// Random bits, ordinary numbers, a large power of what is next to 1, and magnitudes whose powers fill the whole range.
template <class T>
Pairs<T> pairs(Random& random) {
  const std::vector<Range> ranges = {{-10, 10}, {0, 10}, {0, 10}};
  Pairs<T> p{test::sweep<T>(ranges, test::kSweep, random), test::sweep<T>(ranges, test::kSweep, random)};
  std::normal_distribution<double> normal;
  for (std::size_t i = 0; i < test::kSweep; ++i) {
    const double step = normal(random) * std::pow(10, -static_cast<double>(random() % 7)), most = sizeof(T) == 4 ? 100 : 740;
    p.x.push_back(static_cast<T>(std::fabs(1 + step)));
    p.y.push_back(static_cast<T>(normal(random) * most / std::max(std::fabs(std::log1p(step)), 1e-7) / 2));
    p.x.push_back(static_cast<T>(std::exp(normal(random) * 80 / (sizeof(T) == 4 ? 3 : 1))));
    p.y.push_back(static_cast<T>(normal(random) * 4));
  }
  return p;
}

template <class T>
void expect_within_ulp(BinaryOp op, test::Exact exact, const Pairs<T>& p, bool of_operands) {
  for (const KernelTable& table : supported_tables()) {
    const std::vector<T> out = test::run(table, op, p.x, p.y);
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto x = static_cast<long double>(p.x[i]), y = static_cast<long double>(p.y[i]), result = exact(x, y);
      double error = test::ulp_error(out[i], result);
      const long double largest = std::max({std::fabs(x), std::fabs(y), std::fabs(result)});
      if (of_operands && std::isfinite(out[i]) && std::isfinite(largest)) {
        error = static_cast<double>(std::fabs(static_cast<long double>(out[i]) - result) /
                                    std::ldexp(1.0L, std::ilogb(largest) - std::numeric_limits<T>::digits + 1));
      }
      if (error > worst) worst = error, at = i;
    }
    EXPECT_LE(worst, info(op).ulp) << table.name << ' ' << info(op).name << ' ' << sizeof(T) << " at " << testing::PrintToString(p.x[at])
                                   << ", " << testing::PrintToString(p.y[at]) << ": " << testing::PrintToString(out[at]);
    testing::Test::RecordProperty(std::string(table.name) + "_" + std::string(info(op).name) + (sizeof(T) == 4 ? "_f4" : "_f8"),
                                  std::to_string(worst));
  }
}

long double log_of_sum(long double x, long double y, long double base) {
  if (x == y) return x + std::log(2.0L) / base;
  return std::max(x, y) + std::log1p(std::exp(-std::fabs(x - y) * base)) / base;
}
TEST(PowerTest, ErrsByNoMoreThanTheListSays) {
  using L = long double;
  Random random(10);
  const auto both = [&](BinaryOp op, test::Exact exact, bool of_operands = false) {
    expect_within_ulp(op, exact, pairs<float>(random), of_operands);
    expect_within_ulp(op, exact, pairs<double>(random), of_operands);
  };
  both(BinaryOp::pow, [](L x, L y) { return std::pow(x, y); });
  both(BinaryOp::hypot, [](L x, L y) { return std::hypot(x, y); });
  both(BinaryOp::atan2, [](L x, L y) { return std::atan2(x, y); });
  both(BinaryOp::logaddexp, [](L x, L y) { return std::isnan(x) ? x : std::isnan(y) ? y : log_of_sum(x, y, 1); }, true);
  both(BinaryOp::logaddexp2, [](L x, L y) { return std::isnan(x) ? x : std::isnan(y) ? y : log_of_sum(x, y, std::log(2.0L)); }, true);
  both(BinaryOp::copysign, [](L x, L y) { return std::copysign(x, y); });
}

struct Special {
  BinaryOp op;
  double x, y, result;
};
template <class T>
void expect_special(const std::vector<Special>& specials) {
  for (const KernelTable& table : supported_tables()) {
    for (const Special& special : specials) {
      for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{36}}) {
        std::vector<T> x(37, T{2}), y(37, T{3});
        x[at] = static_cast<T>(special.x), y[at] = static_cast<T>(special.y);
        const T result = test::run(table, special.op, x, y)[at], expected = static_cast<T>(special.result);
        EXPECT_TRUE(test::same(result, expected) || (std::isfinite(expected) && expected != 0 && test::ulp_distance(result, expected) <= 1))
            << table.name << ' ' << info(special.op).name << '(' << special.x << ", " << special.y << ") = " << result << " for "
            << special.result;
      }
    }
  }
}

TEST(PowerTest, SpecialPowersOfTheArrayApi) {
  std::vector<Special> specials = {
      {BinaryOp::pow, kNan, 1, kNan}, {BinaryOp::pow, 2, kNan, kNan}, {BinaryOp::pow, 1, kNan, 1}, {BinaryOp::pow, 1, kInf, 1},
      {BinaryOp::pow, -1, kInf, 1}, {BinaryOp::pow, -1, -kInf, 1}, {BinaryOp::pow, 2, kInf, kInf}, {BinaryOp::pow, 2, -kInf, 0},
      {BinaryOp::pow, -2, kInf, kInf}, {BinaryOp::pow, -2, -kInf, 0}, {BinaryOp::pow, 0.5, kInf, 0}, {BinaryOp::pow, 0.5, -kInf, kInf},
      {BinaryOp::pow, kInf, 2, kInf}, {BinaryOp::pow, kInf, -2, 0}, {BinaryOp::pow, -kInf, 3, -kInf}, {BinaryOp::pow, -kInf, 2, kInf},
      {BinaryOp::pow, -kInf, 0.5, kInf}, {BinaryOp::pow, -kInf, -3, -0.0}, {BinaryOp::pow, -kInf, -2, 0}, {BinaryOp::pow, -kInf, -0.5, 0},
      {BinaryOp::pow, 0, 2, 0}, {BinaryOp::pow, 0, -2, kInf}, {BinaryOp::pow, -0.0, 3, -0.0}, {BinaryOp::pow, -0.0, 2, 0},
      {BinaryOp::pow, -0.0, 0.5, 0}, {BinaryOp::pow, -0.0, -3, -kInf}, {BinaryOp::pow, -0.0, -2, kInf}, {BinaryOp::pow, -0.0, -0.5, kInf},
      {BinaryOp::pow, -2, 0.5, kNan}, {BinaryOp::pow, -2, 3, -8}, {BinaryOp::pow, -2, 2, 4}, {BinaryOp::pow, 2, 10, 1024},
      {BinaryOp::pow, 3, 3, 27}, {BinaryOp::pow, 10, 3, 1000}, {BinaryOp::pow, 1e30, 1e30, kInf}, {BinaryOp::pow, 1e30, -1e30, 0},
      {BinaryOp::pow, 1.5, 1e30, kInf}, {BinaryOp::pow, 0.75, 1e30, 0}, {BinaryOp::pow, 1, 1e30, 1}};
  for (const double x : {0.0, -0.0, 1.0, -3.0, kInf, -kInf, kNan}) {
    specials.push_back({BinaryOp::pow, x, 0, 1}), specials.push_back({BinaryOp::pow, x, -0.0, 1});
  }
  expect_special<float>(specials), expect_special<double>(specials);
}

TEST(PowerTest, SpecialValuesOfTheOthers) {
  const std::vector<Special> specials = {
      {BinaryOp::atan2, 0, 0, 0}, {BinaryOp::atan2, 0, -0.0, kPi}, {BinaryOp::atan2, -0.0, 0, -0.0}, {BinaryOp::atan2, -0.0, -0.0, -kPi},
      {BinaryOp::atan2, 0, -1, kPi}, {BinaryOp::atan2, -0.0, -1, -kPi}, {BinaryOp::atan2, 0, 1, 0}, {BinaryOp::atan2, -0.0, 1, -0.0},
      {BinaryOp::atan2, 1, 0, kPi / 2}, {BinaryOp::atan2, -1, -0.0, -kPi / 2}, {BinaryOp::atan2, 1, kInf, 0},
      {BinaryOp::atan2, -1, kInf, -0.0}, {BinaryOp::atan2, 1, -kInf, kPi}, {BinaryOp::atan2, -1, -kInf, -kPi},
      {BinaryOp::atan2, kInf, 1, kPi / 2}, {BinaryOp::atan2, -kInf, 1, -kPi / 2}, {BinaryOp::atan2, kInf, kInf, kPi / 4},
      {BinaryOp::atan2, kInf, -kInf, 3 * kPi / 4}, {BinaryOp::atan2, -kInf, kInf, -kPi / 4}, {BinaryOp::atan2, -kInf, -kInf, -3 * kPi / 4},
      {BinaryOp::atan2, kNan, 1, kNan}, {BinaryOp::atan2, 1, kNan, kNan},
      {BinaryOp::hypot, kInf, kNan, kInf}, {BinaryOp::hypot, kNan, -kInf, kInf}, {BinaryOp::hypot, kNan, 1, kNan},
      {BinaryOp::hypot, 0, -0.0, 0}, {BinaryOp::hypot, -3, 4, 5}, {BinaryOp::hypot, -kInf, 1, kInf},
      {BinaryOp::logaddexp, kInf, kInf, kInf}, {BinaryOp::logaddexp, -kInf, -kInf, -kInf}, {BinaryOp::logaddexp, kInf, -kInf, kInf},
      {BinaryOp::logaddexp, -kInf, 2, 2}, {BinaryOp::logaddexp, 2, -kInf, 2}, {BinaryOp::logaddexp, kNan, 1, kNan},
      {BinaryOp::logaddexp, 1, kNan, kNan}, {BinaryOp::logaddexp, kInf, 1, kInf},
      {BinaryOp::logaddexp2, kInf, kInf, kInf}, {BinaryOp::logaddexp2, -kInf, -kInf, -kInf}, {BinaryOp::logaddexp2, 3, 3, 4},
      {BinaryOp::logaddexp2, -kInf, 2, 2}, {BinaryOp::logaddexp2, kNan, 1, kNan},
      {BinaryOp::copysign, 1, -0.0, -1}, {BinaryOp::copysign, -kInf, 1, kInf}, {BinaryOp::copysign, 0, -2, -0.0},
      {BinaryOp::heaviside, -2, 7, 0}, {BinaryOp::heaviside, 0, 7, 7}, {BinaryOp::heaviside, -0.0, 7, 7}, {BinaryOp::heaviside, 2, 7, 1},
      {BinaryOp::heaviside, kNan, 7, kNan}, {BinaryOp::heaviside, 0, kNan, kNan}, {BinaryOp::heaviside, -kInf, 7, 0},
      {BinaryOp::nextafter, kInf, kInf, kInf}, {BinaryOp::nextafter, kNan, 1, kNan}, {BinaryOp::nextafter, 1, kNan, kNan},
      {BinaryOp::nextafter, 0, -0.0, -0.0}};
  expect_special<float>(specials), expect_special<double>(specials);
}

template <class T>
void expect_exact_neighbours(Random& random) {
  const Pairs<T> p = pairs<T>(random);
  std::vector<std::int32_t> powers;
  for (std::size_t i = 0; i < p.x.size(); ++i) powers.push_back(static_cast<std::int32_t>(random() % 5000) - 2500);
  powers[0] = std::numeric_limits<std::int32_t>::max(), powers[1] = std::numeric_limits<std::int32_t>::min();
  for (const KernelTable& table : supported_tables()) {
    const std::vector<T> next = test::run(table, BinaryOp::nextafter, p.x, p.y);
    std::vector<T> scaled(p.x.size()), one(p.x.size());
    const BinaryKernels& ldexp = table.find(BinaryOp::ldexp, type_id_of<T>());
    const std::uint32_t seen = ldexp.vv(p.x.data(), powers.data(), scaled.data(), p.x.size());
    EXPECT_EQ(seen, std::uint32_t{kSeenNonFinite});
    EXPECT_EQ(ldexp.vs(p.x.data(), powers.data() + 2, one.data(), 7) & ~std::uint32_t{kSeenNonFinite}, 0U);
    for (std::size_t i = 0; i < p.x.size(); ++i) {
      ASSERT_TRUE(test::same(next[i], std::nextafter(p.x[i], p.y[i]))) << table.name << ' ' << p.x[i] << ' ' << p.y[i];
      ASSERT_TRUE(test::same(scaled[i], std::ldexp(p.x[i], powers[i]))) << table.name << ' ' << p.x[i] << ' ' << powers[i];
      ASSERT_TRUE(i >= 7 || test::same(one[i], std::ldexp(p.x[i], powers[2]))) << table.name << ' ' << p.x[i];
    }
    const T some[] = {T{1}, T{1.5}, T{-2}};
    EXPECT_EQ(ldexp.sv(some, powers.data() + 3, one.data(), 0), 0U);
    const std::int32_t small[] = {1, -3, 4};
    EXPECT_EQ(ldexp.sv(some, small, one.data(), 3), 0U);
    EXPECT_EQ(std::vector<T>(one.begin(), one.begin() + 3), (std::vector<T>{2, T{0.125}, 16}));
  }
}
TEST(PowerTest, NeighboursAndScalingAreExact) {
  Random random(13);
  expect_exact_neighbours<float>(random);
  expect_exact_neighbours<double>(random);
}

template <class T>
void expect_integer_powers(const KernelTable& table) {
  const std::vector<T> x = {0, 0, 1, 2, 3, static_cast<T>(-1), static_cast<T>(-1), 7}, y = {0, 5, 100, 3, 4, 3, 4, 100};
  std::vector<T> out(x.size());
  const BinaryKernel pow = table.find(BinaryOp::pow, type_id_of<T>()).vv;
  EXPECT_EQ(pow(x.data(), y.data(), out.data(), x.size()), 0U);
  T seventh = 1;
  for (int i = 0; i < 100; ++i) seventh = static_cast<T>(static_cast<std::uint64_t>(seventh) * 7U);  // wraps
  EXPECT_EQ(out, (std::vector<T>{1, 0, 1, 8, 81, static_cast<T>(-1), 1, seventh})) << sizeof(T);
  if constexpr (std::is_signed_v<T>) {
    const T base[] = {2, 1, static_cast<T>(-1)}, negative[] = {static_cast<T>(-1), static_cast<T>(-2), static_cast<T>(-3)};
    EXPECT_EQ(pow(base, negative, out.data(), 3), std::uint32_t{kSeenNegative});
    EXPECT_EQ(out[0], 0);
  }
}
TEST(PowerTest, IntegersWrapAndNegativePowersAreSaid) {
  for (const KernelTable& table : supported_tables()) {
    expect_integer_powers<std::int8_t>(table), expect_integer_powers<std::int16_t>(table);
    expect_integer_powers<std::int32_t>(table), expect_integer_powers<std::int64_t>(table);
    expect_integer_powers<std::uint8_t>(table), expect_integer_powers<std::uint16_t>(table);
    expect_integer_powers<std::uint32_t>(table), expect_integer_powers<std::uint64_t>(table);
  }
}

}  // namespace
}  // namespace ndshare::internal
