#include "lib/kernels/registry.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace ndshare::internal {
namespace {

TEST(MemoryKernelTest, CopiesAndFillsExactlyTheRange) {
  std::vector<unsigned char> from(2000);
  std::iota(from.begin(), from.end(), static_cast<unsigned char>(1));
  for (const KernelTable& table : supported_tables()) {
    for (const std::size_t n : {0U, 1U, 63U, 64U, 65U, 255U, 256U, 300U, 1500U}) {
      for (const std::size_t offset : {0U, 1U, 33U}) {
        std::vector<unsigned char> to(2000, 0xee), expected = to;
        std::copy_n(from.begin() + 5, n, expected.begin() + static_cast<std::ptrdiff_t>(offset));
        table.stream_copy(to.data() + offset, from.data() + 5, n);
        table.fence();
        EXPECT_EQ(to, expected) << table.name << ' ' << n << ' ' << offset;
        std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(offset), n, static_cast<unsigned char>(7));
        table.stream_fill(to.data() + offset, 7, n);
        table.fence();
        EXPECT_EQ(to, expected) << table.name << ' ' << n << ' ' << offset;
      }
    }
  }
}

/// Items of so many bytes, in memory that ends where they do.
template <class T>
void expect_gathered(const KernelTable& table, std::size_t size_log) {
  const GatherKernel other = table.every_other[size_log], back = table.backwards[size_log];
  if (other == nullptr || back == nullptr) return;
  for (std::size_t n = 1; n < 140; ++n) {
    std::vector<T> from(2 * n - 1), to(n + 1, T{77}), expected = to;
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<T>(i * 257 + 3);
    for (std::size_t i = 0; i < n; ++i) expected[i] = from[2 * i];
    other(from.data(), to.data(), n);
    EXPECT_EQ(to, expected) << table.name << ' ' << sizeof(T) << ' ' << n;
    for (std::size_t i = 0; i < n; ++i) expected[i] = from[n - 1 - i];
    back(from.data() + n - 1, to.data(), n);
    EXPECT_EQ(to, expected) << table.name << ' ' << sizeof(T) << ' ' << n;
  }
}

TEST(MemoryKernelTest, GathersEveryOtherItemAndBackwards) {
  for (const KernelTable& table : supported_tables()) {
    expect_gathered<std::uint16_t>(table, 1);
    expect_gathered<std::uint32_t>(table, 2);
    expect_gathered<std::uint64_t>(table, 3);
  }
}

}  // namespace
}  // namespace ndshare::internal
