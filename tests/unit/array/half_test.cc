// float16 conversions against NumPy: every half, and floats around every rounding boundary.
#include <cmath>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <ndshare/half.h>

#include "tests/support/support.h"

namespace ndshare {
namespace {

template <class T>
std::vector<T> read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

TEST(HalfTest, ConvertsAsNumpyDoes) {
  const test::ScratchDir scratch;
  const test::Finished done = test::run_numpy(
      "import numpy as np, sys\n"
      "h = np.arange(65536, dtype='u2').view('f2')\n"
      "w = h.astype('f4'); w.tofile(sys.argv[1])\n"
      "p = w[np.isfinite(w)]\n"
      "mid = ((p.astype('f8') + np.roll(p, -1).astype('f8')) / 2).astype('f4')\n"
      "f = np.concatenate([p, mid, np.nextafter(mid, np.float32(np.inf)), np.nextafter(mid, np.float32(-np.inf)),\n"
      "                    np.float32([65519.996, 65520, 65536, 1e30, np.inf, -np.inf, 2.9802322e-08, 2.9802326e-08, "
      "1e-40, -0.0])])\n"
      "f.tofile(sys.argv[2])\n"
      "with np.errstate(all='ignore'): f.astype('f2').tofile(sys.argv[3])\n",
      {scratch.file("wide"), scratch.file("floats"), scratch.file("halves")});
  ASSERT_EQ(done.status, 0) << done.err;
  const auto wide = read_all<std::uint32_t>(scratch.file("wide"));
  ASSERT_EQ(wide.size(), 65536U);
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const Half half = Half::from_bits(static_cast<std::uint16_t>(bits));
    const auto value = static_cast<float>(half);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(value), wide[bits]) << bits;
    if (std::isnan(value)) continue;
    ASSERT_EQ(Half(value).bits, bits);
  }
  const auto floats = read_all<float>(scratch.file("floats"));
  const auto halves = read_all<std::uint16_t>(scratch.file("halves"));
  ASSERT_GT(floats.size(), 200000U);
  ASSERT_EQ(floats.size(), halves.size());
  for (std::size_t i = 0; i < floats.size(); ++i) ASSERT_EQ(Half(floats[i]).bits, halves[i]) << floats[i];
  EXPECT_TRUE(std::isnan(static_cast<float>(Half(std::nanf("")))));
}

}  // namespace
}  // namespace ndshare
