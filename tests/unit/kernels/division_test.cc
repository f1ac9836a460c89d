// Division where quotients are whole or nearly so: what the fast paths could round to the wrong side.
#include "lib/kernels/registry.h"
#include "tests/unit/kernels/naive_binary.h"

#include <ndshare/dtype.h>

#include <gtest/gtest.h>

#include <numeric>

namespace ndshare::internal {
namespace {

using test::Random;

constexpr BinaryOp kDivisions[] = {BinaryOp::floor_divide, BinaryOp::remainder, BinaryOp::fmod};

// Every form against the formula. Remainders are exact; so are quotients but those beyond the digits of the dtype.
template <class T>
void check(const KernelTable& table, BinaryOp op, const std::vector<T>& a, const std::vector<T>& b) {
  const BinaryKernels& found = table.find(op, type_id_of<T>());
  std::vector<T> out(a.size());
  const std::uint64_t ulp = op == BinaryOp::floor_divide ? 1 : 0;
  (void)found.vv(a.data(), b.data(), out.data(), a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const T expected = *test::naive_same(op, a[i], b[i]);
    ASSERT_TRUE(test::close(out[i], expected, ulp))
        << table.name << ' ' << info(op).name << ' ' << dtype_of<T>().name() << ' ' << +a[i] << ", " << +b[i] << ": "
        << +out[i] << " for " << +expected;
    T by_scalar{};
    (void)found.vs(&a[i], &b[i], &by_scalar, 1);
    ASSERT_TRUE(test::close(by_scalar, expected, ulp))
        << table.name << ' ' << info(op).name << " vs " << +a[i] << ", " << +b[i];
  }
}

template <class T>
void check_near_multiples(Random& random) {
  std::vector<T> a, b;
  for (int i = 0; i < 2000; ++i) {
    T divisor{};
    const std::uint64_t bits = random() >> (random() % 64);
    std::memcpy(&divisor, &bits, sizeof divisor);
    if (divisor == 0) divisor = std::numeric_limits<T>::max();
    const auto most = std::numeric_limits<T>::max() / (divisor == static_cast<T>(-1) ? T{1} : divisor);
    const auto whole = most == 0 ? T{0} : static_cast<T>(static_cast<T>(random()) % most);
    const auto multiple = test::wrap<T>(test::product(whole, divisor));
    for (const int beside : {-1, 0, 1}) {
      a.push_back(test::wrap<T>(static_cast<test::Wide>(multiple) + beside));
      b.push_back(divisor);
    }
  }
  for (const KernelTable& table : supported_tables()) {
    for (const BinaryOp op : kDivisions) check(table, op, a, b);
  }
}

TEST(DivisionTest, IntegersBesideMultiples) {
  Random random(7);
  check_near_multiples<std::int8_t>(random);
  check_near_multiples<std::int16_t>(random);
  check_near_multiples<std::int32_t>(random);
  check_near_multiples<std::int64_t>(random);
  check_near_multiples<std::uint8_t>(random);
  check_near_multiples<std::uint16_t>(random);
  check_near_multiples<std::uint32_t>(random);
  check_near_multiples<std::uint64_t>(random);
}

TEST(DivisionTest, EveryInt16ByAScalar) {
  std::vector<std::int16_t> all(65536), out(65536);
  std::iota(all.begin(), all.end(), std::numeric_limits<std::int16_t>::min());
  for (const KernelTable& table : supported_tables()) {
    for (const int divisor : {1, 2, 3, 7, 10, 181, 255, 257, 9999, 32766, 32767, -2, -3, -10, -32767, -32768}) {
      const auto scalar = static_cast<std::int16_t>(divisor);
      (void)table.find(BinaryOp::floor_divide, TypeId::int16).vs(all.data(), &scalar, out.data(), all.size());
      for (std::size_t i = 0; i < all.size(); ++i) {
        ASSERT_EQ(out[i], test::naive_same(BinaryOp::floor_divide, all[i], scalar))
            << table.name << ' ' << all[i] << ' ' << divisor;
      }
    }
  }
}

// Divisors of every size, dividends at and beside whole multiples up to beyond the limits of the fast path.
template <class T>
void check_float_multiples(Random& random) {
  std::vector<T> a, b;
  constexpr int kExponents = std::numeric_limits<T>::max_exponent;
  for (int i = 0; i < 4000; ++i) {
    const auto digits = static_cast<T>(1 + static_cast<double>(random() >> 11) * 0x1p-53);
    const T divisor = std::ldexp(random() % 2 == 0 ? digits : -digits,
                                 static_cast<int>(random() % (2 * kExponents - 90)) - kExponents);
    const auto whole = static_cast<T>(random() % (std::uint64_t{1} << (random() % 30)));
    const T multiple = whole * divisor * (random() % 2 == 0 ? T{1} : T{-1});
    if (!std::isfinite(multiple) || divisor == 0) continue;
    for (const T dividend : {multiple, std::nextafter(multiple, T{0}), std::nextafter(multiple, 2 * multiple)}) {
      a.push_back(dividend);
      b.push_back(divisor);
    }
  }
  for (const KernelTable& table : supported_tables()) {
    for (const BinaryOp op : kDivisions) check(table, op, a, b);
  }
}

TEST(DivisionTest, FloatsBesideMultiples) {
  Random random(8);
  check_float_multiples<float>(random);
  check_float_multiples<double>(random);
}

}  // namespace
}  // namespace ndshare::internal
