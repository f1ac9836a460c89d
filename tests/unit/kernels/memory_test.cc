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

}  // namespace
}  // namespace ndshare::internal
