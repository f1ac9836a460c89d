// Products, extremes, searches, counts and scans of blocks against loops in the order of the elements, on every target.
#include "lib/kernels/registry.h"
#include "tests/unit/kernels/line.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace ndshare::internal {
namespace {

using test::is_nan;
using test::kIsComplex;
using test::Line;
using test::Random;
using test::same;

template <class T>
constexpr std::size_t row_of() { return 256 / sizeof(T); }

template <class T>
std::vector<std::size_t> lengths() {
  const std::size_t row = row_of<T>(), most = reduce_block_elements(sizeof(T));
  return {1, 2, 3, 5, row - 1, row, row + 1, 2 * row - 1, 2 * row, 4 * row + 3, 9 * row + 1, most - 1, most};
}

template <class T>
bool any_nan(T x) {
  if constexpr (kIsComplex<T>) {
    return is_nan(x.real()) || is_nan(x.imag());
  } else {
    return is_nan(x);
  }
}
template <class T>
bool before(T a, T b) {
  if constexpr (kIsComplex<T>) {
    return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  } else {
    return a < b;
  }
}
template <class T>
bool equal(T a, T b) { return a == b || (any_nan(a) && any_nan(b)); }

/// The first element that none lies beyond; the first NaN.
template <class T>
std::size_t naive_extreme(const Line<T>& x, std::size_t n, bool largest) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (any_nan(x.get(i))) return i;
    if (largest ? before(x.get(best), x.get(i)) : before(x.get(i), x.get(best))) best = i;
  }
  return best;
}

template <class T>
class ReduceLanesTest : public testing::Test {};
using Extremes = testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                                std::uint64_t, float, double, std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(ReduceLanesTest, Extremes);

TYPED_TEST(ReduceLanesTest, ExtremesAndTheirPlaces) {
  using T = TypeParam;
  Random random(5);
  const auto at = static_cast<std::size_t>(type_id_of<T>());
  for (const std::size_t n : lengths<T>()) {
    for (std::size_t round = 0; round < 4; ++round) {
      Line<T> x(n, round * sizeof(T), random, round < 2);  // tame ones have no NaN
      for (const bool largest : {false, true}) {
        const std::size_t place = naive_extreme(x, n, largest);
        T first{};
        for (const KernelTable& table : supported_tables()) {
          T got{};
          (largest ? table.max : table.min)[at](x.data(), n, &got);
          ASSERT_TRUE(equal(got, x.get(place))) << table.name << " n=" << n << " largest=" << largest;
          ASSERT_EQ(table.find_first[at](x.data(), n, &got), place) << table.name << " n=" << n;
          if (&table == supported_tables().data()) first = got;
          ASSERT_EQ(std::memcmp(&got, &first, sizeof got), 0) << table.name << " n=" << n << ": other bits than the best target";
        }
      }
    }
  }
}

TYPED_TEST(ReduceLanesTest, OneNaNAnywhereIsFound) {
  using T = TypeParam;
  if constexpr (!std::is_integral_v<T>) {
    Random random(6);
    const auto at = static_cast<std::size_t>(type_id_of<T>());
    const auto nan = static_cast<T>(std::numeric_limits<test::PartOf<T>>::quiet_NaN());
    for (const std::size_t n : {1UL, row_of<T>(), 3 * row_of<T>() + 5, reduce_block_elements(sizeof(T))}) {
      Line<T> x(n, 0, random, true);
      for (std::size_t place = 0; place < n; place += 1 + n / 97) {
        const T kept = x.get(place);
        std::memcpy(x.data() + place * sizeof(T), &nan, sizeof nan);
        for (const KernelTable& table : supported_tables()) {
          for (const ReduceKernel kernel : {table.min[at], table.max[at]}) {
            T got{};
            kernel(x.data(), n, &got);
            ASSERT_TRUE(any_nan(got)) << table.name << " n=" << n << " at " << place;
            ASSERT_EQ(table.find_first[at](x.data(), n, &got), place) << table.name;
          }
        }
        std::memcpy(x.data() + place * sizeof(T), &kept, sizeof kept);
      }
    }
  }
}

TYPED_TEST(ReduceLanesTest, WhatIsNotThereIsNotFound) {
  using T = TypeParam;
  const auto at = static_cast<std::size_t>(type_id_of<T>());
  const std::vector<T> x(300, static_cast<T>(7));
  const auto other = static_cast<T>(8);
  for (const KernelTable& table : supported_tables()) {
    EXPECT_EQ(table.find_first[at](x.data(), x.size(), &other), x.size());
    EXPECT_EQ(table.find_first[at](x.data(), 0, &x[0]), 0U);
  }
}

/// Factors near 1, so that thousands of them stay finite; integers of any size wrap.
template <class T>
std::vector<T> factors(std::size_t n, Random& random) {
  std::vector<T> x(n);
  for (T& value : x) {
    const double near = 1 + (static_cast<double>(random() % 2001) - 1000) / 1e6;
    if constexpr (std::is_integral_v<T>) {
      value = random() | 1U;
    } else if constexpr (kIsComplex<T>) {
      value = T(static_cast<test::PartOf<T>>(near), static_cast<test::PartOf<T>>((static_cast<double>(random() % 2001) - 1000) / 1e6));
    } else {
      value = static_cast<T>(near);
    }
  }
  return x;
}
template <class T>
auto widened(T x) {
  if constexpr (std::is_integral_v<T>) {
    return x;
  } else if constexpr (kIsComplex<T>) {
    return std::complex<long double>(x);
  } else {
    return static_cast<long double>(x);
  }
}
/// |a − b| in units of the dtype's epsilon, or whether integers differ.
template <class T, class Wide>
double apart(T a, Wide b) {
  if constexpr (std::is_integral_v<T>) {
    return a == b ? 0 : 1e300;
  } else {
    return static_cast<double>(std::abs(widened(a) - b)) / double{std::numeric_limits<test::PartOf<T>>::epsilon()};
  }
}

template <class Wide>
double size_of(Wide x) {
  if constexpr (std::is_integral_v<Wide>) {
    return 0;  // integers are exact
  } else {
    return static_cast<double>(std::abs(x));
  }
}

template <class T>
class ProductTest : public testing::Test {};
using Products = testing::Types<std::uint64_t, float, double, std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(ProductTest, Products);

TYPED_TEST(ProductTest, ProductsAreThoseOfALoopAndTheSameOnEveryTarget) {
  using T = TypeParam;
  Random random(8);
  const auto at = static_cast<std::size_t>(type_id_of<T>());
  std::vector<std::size_t> all = lengths<T>();
  all.push_back(0);
  for (const std::size_t n : all) {
    const std::vector<T> x = factors<T>(n, random);
    auto exact = widened(T{1});
    for (const T value : x) exact *= widened(value);
    T first{};
    for (const KernelTable& table : supported_tables()) {
      T got{};
      table.prod[at](x.data(), n, &got);
      EXPECT_LE(apart(got, exact), 3.0 * static_cast<double>(n + 1) * size_of(exact)) << table.name << " n=" << n;
      if (&table == supported_tables().data()) first = got;
      EXPECT_EQ(std::memcmp(&got, &first, sizeof got), 0) << table.name << " n=" << n;
    }
  }
}

TYPED_TEST(ProductTest, ScansGoOnFromWhatIsCarried) {
  using T = TypeParam;
  Random random(9);
  const auto at = static_cast<std::size_t>(type_id_of<T>());
  const std::vector<T> x = factors<T>(1000, random);
  for (const KernelTable& table : supported_tables()) {
    for (const bool product : {false, true}) {
      const ScanKernel scan = product ? table.cumprod[at] : table.cumsum[at];
      std::vector<T> out(x.size());
      scan(x.data(), 1, nullptr, out.data()), scan(x.data() + 1, 0, out.data(), out.data() + 1);
      scan(x.data() + 1, 400, out.data(), out.data() + 1), scan(x.data() + 401, 599, &out[400], out.data() + 401);
      auto exact = widened(product ? T{1} : T{0});
      for (std::size_t i = 0; i < x.size(); ++i) {
        exact = product ? exact * widened(x[i]) : exact + widened(x[i]);
        ASSERT_LE(apart(out[i], exact), 3.0 * static_cast<double>(i + 1) * (1 + size_of(exact)))
            << table.name << " i=" << i << " product=" << product;
      }
      std::vector<T> apart_from(x.size()), in_place = x;
      scan(x.data(), x.size(), nullptr, apart_from.data()), scan(in_place.data(), x.size(), nullptr, in_place.data());
      EXPECT_EQ(std::memcmp(in_place.data(), apart_from.data(), x.size() * sizeof(T)), 0) << "in place: the same bits";
      EXPECT_TRUE(same(in_place[0], x[0]));
    }
  }
}

TEST(CountTest, EveryByteThatIsNotZeroCounts) {
  Random random(10);
  for (const std::size_t n : {0UL, 1UL, 63UL, 64UL, 65UL, 255UL, 16'319UL, 16'320UL, 16'321UL, 32'768UL, 100'003UL}) {
    for (const std::size_t offset : {0UL, 1UL, 7UL}) {
      Line<bool> x(n, offset, random, false);
      std::size_t expected = 0;
      for (std::size_t i = 0; i < n; ++i) expected += x.get(i) ? 1U : 0U;
      for (const KernelTable& table : supported_tables()) {
        EXPECT_EQ(table.count_true(x.data(), n), expected) << table.name << " n=" << n;
      }
    }
  }
  const std::vector<std::uint8_t> all(70'000, 255);
  for (const KernelTable& table : supported_tables()) EXPECT_EQ(table.count_true(all.data(), all.size()), all.size());
}

}  // namespace
}  // namespace ndshare::internal
