#include "lib/kernels/registry.h"
#include "tests/unit/kernels/samples.h"

#include <ndshare/dtype.h>

#include <gtest/gtest.h>

#include <cmath>

namespace ndshare::internal {
namespace {

using test::Random;

template <class T>
T block_sum(const KernelTable& table, const std::vector<T>& x, std::size_t n) {
  T out{};
  table.sum[static_cast<std::size_t>(type_id_of<T>())](x.data(), n, &out);
  return out;
}

std::vector<std::size_t> lengths(std::size_t itemsize) {
  const std::size_t row = 64 / itemsize, most = reduce_block_elements(itemsize);
  return {0, 1, row - 1, row, row + 1, 2 * row, 15 * row + 1, 16 * row, 16 * row + 1, 33 * row - 1, most - 1, most};
}

template <class T>
void check_same_bits() {
  Random random(7);
  std::vector<T> x(reduce_block_elements(sizeof(T)));
  for (T& value : x) {
    do value = test::sample<T>(random);
    while (!test::same(value, value) ||
           test::is_nan(static_cast<T>(value - value)));  // finite: NaN payloads may differ
  }
  for (const std::size_t n : lengths(sizeof(T))) {
    const T best = block_sum(supported_tables().front(), x, n);
    for (const KernelTable& table : supported_tables()) {
      EXPECT_TRUE(test::same(block_sum(table, x, n), best)) << table.name << ' ' << dtype_of<T>().name() << " n=" << n;
    }
  }
}

TEST(ReduceSumTest, SameBitsOnEveryTarget) {
  check_same_bits<float>();
  check_same_bits<double>();
  check_same_bits<std::uint64_t>();
}

template <class T>
void check_bound() {
  Random random(11);
  for (const KernelTable& table : supported_tables()) {
    for (const std::size_t n : lengths(sizeof(T))) {
      std::vector<T> x(n);
      long double exact = 0, absolute = 0;
      for (T& value : x) {
        value = static_cast<T>(static_cast<double>(random() % 2000001) / 1e3 - 1e3);
        exact += static_cast<long double>(value);
        absolute += std::fabs(static_cast<long double>(value));
      }
      const auto bound = std::log2(std::max(2.0, static_cast<double>(n))) *
                         static_cast<double>(std::numeric_limits<T>::epsilon()) * static_cast<double>(absolute);
      EXPECT_LE(std::fabs(static_cast<double>(static_cast<long double>(block_sum(table, x, n)) - exact)), bound)
          << table.name << " n=" << n;
    }
  }
}

TEST(ReduceSumTest, ErrorIsWithinThePairwiseBound) {
  check_bound<float>();
  check_bound<double>();
}

TEST(ReduceSumTest, IntegersWrap) {
  const std::vector<std::uint64_t> x = {~std::uint64_t{0}, 3, std::uint64_t{1} << 63, std::uint64_t{1} << 63};
  for (const KernelTable& table : supported_tables()) EXPECT_EQ(block_sum(table, x, x.size()), 2U) << table.name;
}

TEST(ReduceSumTest, ComplexPartsNeverMeet) {
  for (const KernelTable& table : supported_tables()) {
    for (const std::size_t n : lengths(8)) {
      std::vector<std::complex<float>> x(n);
      std::complex<double> exact;
      for (std::size_t i = 0; i < n; ++i) {
        x[i] = {static_cast<float>(i % 7), -static_cast<float>(i % 5)};  // small integers: every order is exact
        exact += std::complex<double>(x[i]);
      }
      EXPECT_EQ(std::complex<double>(block_sum(table, x, n)), exact) << table.name << " n=" << n;
    }
  }
}

TEST(ReduceSumTest, KeepsTheSignOfNegativeZeros) {
  const std::vector<double> zeros(5, -0.0);
  for (const KernelTable& table : supported_tables())
    EXPECT_TRUE(std::signbit(block_sum(table, zeros, 5))) << table.name;
}

}  // namespace
}  // namespace ndshare::internal
