#include "lib/kernels/cast.h"
#include "lib/kernels/registry.h"
#include "tests/support/support.h"
#include "tests/unit/kernels/samples.h"

#include <ndshare/dtype.h>

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

namespace ndshare::internal {
namespace {

using test::Random;

template <class From, class To>
To cast(From value) {
  unsigned char in[sizeof(From) + 1], out[sizeof(To) + 1];
  std::memcpy(in + 1, &value, sizeof value);  // unaligned on purpose
  find_cast(type_id_of<From>(), type_id_of<To>())(in + 1, out + 1, 1);
  To result{};
  std::memcpy(static_cast<void*>(&result), out + 1, sizeof result);
  return result;
}

TEST(CastTest, FloatToIntegerIsDefinedEverywhere) {
  EXPECT_EQ((cast<double, std::int32_t>(-2.9)), -2);
  EXPECT_EQ((cast<double, std::int8_t>(127.9)), 127);
  EXPECT_EQ((cast<double, std::int8_t>(-128.9)), -128);
  EXPECT_EQ((cast<double, std::int8_t>(128.0)), -128);
  EXPECT_EQ((cast<float, std::int32_t>(2147483648.0F)), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ((cast<float, std::int32_t>(-2147483648.0F)), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ((cast<float, std::uint8_t>(-0.5F)), 0);
  EXPECT_EQ((cast<float, std::uint8_t>(255.5F)), 255);
  EXPECT_EQ((cast<double, std::uint64_t>(18446744073709551616.0)), 0U);
  EXPECT_EQ((cast<double, std::uint64_t>(9223372036854775808.0)), std::uint64_t{1} << 63);
  EXPECT_EQ((cast<double, std::int64_t>(std::nan(""))), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ((cast<Half, std::int16_t>(Half(-1.5F))), -1);
}

TEST(CastTest, DoubleToHalfRoundsOnce) {
  // 1 + 2^-11 + 2^-40 is just above a tie of float16; rounded to float32 first it would be the tie and go down.
  EXPECT_EQ((cast<double, Half>(1 + 0x1p-11 + 0x1p-40)).bits, 0x3c01);
  EXPECT_EQ((cast<double, Half>(1 + 0x1p-11 - 0x1p-40)).bits, 0x3c00);
  EXPECT_EQ((cast<double, Half>(1e300)).bits, 0x7c00);
  EXPECT_EQ((cast<double, Half>(-1e-300)).bits, 0x8000);
}

TEST(CastTest, AnyNonZeroByteIsTrue) {
  const unsigned char bytes[3] = {0, 2, 255};
  bool out[3];
  double values[3];
  find_cast(TypeId::bool_, TypeId::float64)(bytes, values, 3);
  EXPECT_EQ(values[1], 1.0);
  EXPECT_EQ(values[2], 1.0);
  find_cast(TypeId::float64, TypeId::bool_)(values, out, 3);
  EXPECT_FALSE(out[0]);
  EXPECT_TRUE(out[2]);
}

// NumPy writes, for every pair of dtypes, the casts of a file of values; values out of an integer's range are left out
// there, as NumPy's answer for them is the machine's.
constexpr char kProgram[] = R"(
import sys, numpy as np, warnings
warnings.simplefilter('ignore')
names = 'bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128'.split()
for f in names:
    x = np.fromfile(sys.argv[1] + '/' + f, dtype=f)
    for t in names:
        x.astype(t).tofile(sys.argv[1] + '/' + f + '-' + t)
)";

template <class T>
std::vector<T> values_of(Random& random) {
  std::vector<T> values;
  while (values.size() < 500) {
    T value = test::sample<T>(random);
    if constexpr (!std::is_integral_v<T>) {
      // Floats in the range of int8 and uint8, so that every integer dtype can hold them.
      value = T(static_cast<float>(static_cast<int>(random() % 254)) / 2.0F);
    }
    values.push_back(value);
  }
  if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) {
    for (std::size_t i = 0; i < 100; ++i)
      values[i] = static_cast<T>(std::ldexp(static_cast<double>(random() % 1000003), -20));
  }
  return values;
}

template <class T>
void write_values(const test::ScratchDir& dir, Random& random) {
  std::ofstream file(dir.file(dtype_of<T>().name()), std::ios::binary);
  for (const T value : values_of<T>(random)) file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// float64 to float16 as Half rounds it, which is tested by itself: values beside ties, subnormals, and random bits.
TEST(CastTest, HalvesAreRoundedOnceOnEveryTarget) {
  Random random(9);
  std::vector<double> values;
  for (int i = 0; i < 20000; ++i) {
    const double tie =
        (static_cast<double>(random() % 4096) + 0.5) * std::ldexp(1.0, static_cast<int>(random() % 34) - 28);
    values.push_back(random() % 2 == 0 ? tie : -tie);
    values.push_back(std::nextafter(tie, random() % 2 == 0 ? 1e9 : 0.0));
    values.push_back(test::sample<double>(random));
  }
  std::vector<Half> out(values.size());
  for (const KernelTable& table : supported_tables()) {
    table.casts[static_cast<std::size_t>(TypeId::float64)][static_cast<std::size_t>(TypeId::float16)](
        values.data(), out.data(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_TRUE(test::same(out[i], Half::rounded(values[i]))) << table.name << ' ' << values[i];
    }
  }
}

template <class From, class To>
void check_same_on_every_target(Random& random) {
  std::vector<unsigned char> in(sizeof(From) * 777 + 1), best, out(sizeof(To) * 777 + 1);
  for (std::size_t i = 0; i < 777; ++i) {
    const From value = test::sample<From>(random);
    std::memcpy(in.data() + 1 + i * sizeof(From), &value, sizeof value);
  }
  for (const KernelTable& table : supported_tables()) {
    table.casts[static_cast<std::size_t>(type_id_of<From>())][static_cast<std::size_t>(type_id_of<To>())](
        in.data() + 1, out.data() + 1, 777);
    if (best.empty()) best = out;
    for (std::size_t i = 0; i < 777; ++i) {
      To a{}, b{};
      std::memcpy(static_cast<void*>(&a), out.data() + 1 + i * sizeof(To), sizeof a);
      std::memcpy(static_cast<void*>(&b), best.data() + 1 + i * sizeof(To), sizeof b);
      ASSERT_TRUE(test::same(a, b)) << table.name << ' ' << dtype_of<From>().name() << " to " << dtype_of<To>().name();
    }
  }
}

template <class From>
void check_row(Random& random) {
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) check_same_on_every_target<From, lane>(random);
#include <ndshare/dtype_list.inc>
}

TEST(CastTest, TheSameOnEveryTargetOutOfRangeToo) {
  Random random(10);
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) check_row<lane>(random);
#include <ndshare/dtype_list.inc>
}

TEST(CastTest, MatchesNumPyForEveryPair) {
  const test::ScratchDir dir;
  Random random(3);
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) write_values<lane>(dir, random);
#include <ndshare/dtype_list.inc>
  const test::Finished numpy = test::run_numpy(kProgram, {dir.path().string()});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  for (std::size_t f = 0; f <= static_cast<std::size_t>(TypeId::complex128); ++f) {
    for (std::size_t t = 0; t <= static_cast<std::size_t>(TypeId::complex128); ++t) {
      const DType from(static_cast<TypeId>(f)), to(static_cast<TypeId>(t));
      const std::string in = slurp(dir.file(from.name())), expected = slurp(dir.file(from.name() + "-" + to.name()));
      std::string out(expected.size(), '\0');
      const std::size_t n = in.size() / static_cast<std::size_t>(from.itemsize());
      ASSERT_EQ(n * static_cast<std::size_t>(to.itemsize()), expected.size());
      for (const KernelTable& table : supported_tables()) {
        table.casts[f][t](in.data(), out.data(), n);
        EXPECT_TRUE(out == expected) << table.name << ' ' << from.name() << " to " << to.name();
      }
    }
  }
}

}  // namespace
}  // namespace ndshare::internal
