// What the tests of the transcendental families share: a sweep over every exponent against long double, with the error in units in
// the last place; tables of special values; NumPy's own validation sets.
#pragma once

#include "lib/kernels/registry.h"
#include "tests/support/support.h"
#include "tests/unit/kernels/line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

namespace ndshare::test {

using internal::BinaryOp;
using internal::KernelTable;
using internal::UnaryOp;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t kSweep = 2'000;
#else
inline constexpr std::size_t kSweep = 100'000;
#endif

template <class T>
T quiet_nan() { return std::numeric_limits<T>::quiet_NaN(); }

/// |result − exact| in units in the last place of `exact` in T. Signs of zero, NaN and infinities must be right: else a
/// great many; next to the largest number infinity counts as the number that would follow.
template <class T>
double ulp_error(T result, long double exact) {
  constexpr double kWrong = 1e30;
  using Limits = std::numeric_limits<T>;
  if (std::isnan(exact)) return std::isnan(result) ? 0 : kWrong;
  if (std::isnan(result)) return kWrong;
  if (exact == 0) return result == 0 && std::signbit(result) == std::signbit(exact) ? 0 : kWrong;
  if (std::isinf(exact)) return static_cast<long double>(result) == exact ? 0 : kWrong;
  if (std::isinf(result) && std::fabs(exact) >= std::ldexp(1.0L, Limits::max_exponent)) {
    return std::signbit(result) == std::signbit(exact) ? 0 : kWrong;
  }
  if (result != 0 && std::signbit(result) != std::signbit(exact)) return kWrong;
  const int exponent = std::clamp(std::ilogb(exact), Limits::min_exponent - 1, Limits::max_exponent - 1);
  const long double unit = std::ldexp(1.0L, exponent - (Limits::digits - 1));
  const long double value = std::isinf(result) ? std::copysign(std::ldexp(1.0L, Limits::max_exponent), exact) : result;
  return static_cast<double>(std::fabs(value - exact) / unit);
}

/// A function over two numbers, or one and nothing.
using Exact = long double (*)(long double, long double);
/// Where its arguments are worth trying besides random bits.
struct Range {
  double low, high;
};

/// Random bits, then numbers of each range.
template <class T>
std::vector<T> sweep(const std::vector<Range>& ranges, std::size_t each, Random& random) {
  std::vector<T> values;
  for (std::size_t i = 0; i < each; ++i) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    values.push_back(std::bit_cast<T>(static_cast<Bits>(random())));
  }
  for (const Range& range : ranges) {
    std::uniform_real_distribution<double> uniform(range.low, range.high);
    for (std::size_t i = 0; i < each; ++i) values.push_back(static_cast<T>(uniform(random)));
  }
  return values;
}

template <class T>
std::vector<T> run(const KernelTable& table, UnaryOp op, const std::vector<T>& x) {
  std::vector<T> out(x.size());
  table.find(op, type_id_of<T>())(x.data(), out.data(), x.size());
  return out;
}
template <class T>
std::vector<T> run(const KernelTable& table, BinaryOp op, const std::vector<T>& x, const std::vector<T>& y) {
  std::vector<T> out(x.size());
  table.find(op, type_id_of<T>()).vv(x.data(), y.data(), out.data(), x.size());
  return out;
}

/// Fails where the kernel of any target errs by more than op_list.inc says.
template <class T>
void expect_within_ulp(UnaryOp op, Exact exact, const std::vector<T>& x) {
  for (const KernelTable& table : internal::supported_tables()) {
    const std::vector<T> out = run(table, op, x);
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = ulp_error(out[i], exact(static_cast<long double>(x[i]), 0));
      if (error > worst) worst = error, at = i;
    }
    EXPECT_LE(worst, info(op).ulp) << table.name << ' ' << info(op).name << ' ' << sizeof(T) << " at " << testing::PrintToString(x[at])
                                   << ": " << testing::PrintToString(out[at]);
    testing::Test::RecordProperty(std::string(table.name) + "_" + std::string(info(op).name) + (sizeof(T) == 4 ? "_f4" : "_f8"),
                                  std::to_string(worst));
  }
}

struct Special {
  UnaryOp op;
  double x, result;
};
/// Each alone and among ordinary numbers: kernels treat a vector of plain lanes apart.
template <class T>
void expect_special(const std::vector<Special>& specials, T ordinary) {
  for (const KernelTable& table : internal::supported_tables()) {
    for (const Special& special : specials) {
      for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{36}}) {
        std::vector<T> x(37, ordinary);
        x[at] = static_cast<T>(special.x);
        const T result = run(table, special.op, x)[at], expected = static_cast<T>(special.result);
        EXPECT_TRUE(same(result, expected) || (std::isfinite(expected) && expected != 0 && ulp_distance(result, expected) <= 1))
            << table.name << ' ' << info(special.op).name << '(' << special.x << ") = " << result << " for " << special.result;
      }
    }
  }
}

/// Where NumPy keeps its validation sets; empty without NumPy.
inline std::string numpy_data() {
  static const std::string folder = [] {
    const std::string path = "/usr/lib/python3/dist-packages/numpy/core/tests/data/";
    return std::ifstream(path + "umath-validation-set-exp.csv").good() ? path : std::string();
  }();
  return folder;
}

/// One of NumPy's sets: rows "np.float32,0xINPUT,0xOUTPUT,ULP".
template <class T>
void expect_numpy_set(UnaryOp op, const std::string& name) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::ifstream file(numpy_data() + "umath-validation-set-" + name + ".csv");
  ASSERT_TRUE(file.good()) << name;
  std::vector<T> x, expected;
  std::vector<std::uint64_t> allowed;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string type, in, out, ulp;
    if (!std::getline(fields, type, ',') || type != (sizeof(T) == 4 ? "np.float32" : "np.float64")) continue;
    std::getline(fields, in, ','), std::getline(fields, out, ','), std::getline(fields, ulp, ',');
    x.push_back(std::bit_cast<T>(static_cast<Bits>(std::stoull(in, nullptr, 16))));
    expected.push_back(std::bit_cast<T>(static_cast<Bits>(std::stoull(out, nullptr, 16))));
    allowed.push_back(std::stoull(ulp));
  }
  ASSERT_FALSE(x.empty() && sizeof(T) == 4) << name;
  for (const KernelTable& table : internal::supported_tables()) {
    const std::vector<T> results = run(table, op, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_LE(results[i] == expected[i] ? 0 : ulp_distance(results[i], expected[i]), allowed[i])
          << table.name << ' ' << name << '(' << x[i] << ") = " << results[i] << " for " << expected[i];
    }
  }
}

}  // namespace ndshare::test
