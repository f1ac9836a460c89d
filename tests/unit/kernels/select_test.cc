// where's choice between two arrays, what a mask keeps, and keys dealt out to buckets: bytes are moved as they are.
#include "lib/kernels/registry.h"
#include "tests/unit/kernels/line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace ndshare::internal {
namespace {

using test::Line;
using test::Random;

template <class T>
void check_select(const KernelTable& table, std::size_t n, std::size_t offset, bool a_scalar, bool b_scalar,
                  Random& random) {
  Line<bool> mask(n, offset, random, false);  // bytes of every kind
  Line<T> a(a_scalar ? 1 : n, offset * sizeof(T), random, false), b(b_scalar ? 1 : n, 0, random, false);
  Line<T> out(n, offset * sizeof(T), random, false);
  const std::size_t size = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : sizeof(T) == 8 ? 3 : 4;
  table.select[size](mask.data(), a.data(), a_scalar, b.data(), b_scalar, out.data(), n);
  for (std::size_t i = 0; i < n; ++i) {
    const unsigned char* expected =
        mask.data()[i] != 0 ? a.data() + (a_scalar ? 0 : i) * sizeof(T) : b.data() + (b_scalar ? 0 : i) * sizeof(T);
    ASSERT_EQ(std::memcmp(out.data() + i * sizeof(T), expected, sizeof(T)), 0)
        << table.name << ' ' << sizeof(T) << " n=" << n;
  }
  ASSERT_TRUE(out.edges_untouched()) << table.name << ' ' << sizeof(T) << " n=" << n;
}

TEST(SelectKernelTest, EverySizeFormLengthAndOffset) {
  Random random(3);
  for (const KernelTable& table : supported_tables()) {
    for (const std::size_t n : {0U, 1U, 3U, 15U, 16U, 17U, 63U, 64U, 65U, 259U, 1000U}) {
      for (const std::size_t offset : {0U, 1U, 3U}) {
        for (const int form : {0, 1, 2, 3}) {
          check_select<std::uint8_t>(table, n, offset, (form & 1) != 0, (form & 2) != 0, random);
          check_select<std::uint16_t>(table, n, offset, (form & 1) != 0, (form & 2) != 0, random);
          check_select<float>(table, n, offset, (form & 1) != 0, (form & 2) != 0, random);
          check_select<double>(table, n, offset, (form & 1) != 0, (form & 2) != 0, random);
          check_select<std::complex<double>>(table, n, offset, (form & 1) != 0, (form & 2) != 0, random);
          ASSERT_FALSE(HasFatalFailure());
        }
      }
    }
  }
}

TEST(SelectKernelTest, WorksInPlace) {
  Random random(4);
  for (const KernelTable& table : supported_tables()) {
    Line<bool> mask(500, 0, random, false);
    Line<float> a(500, 4, random, false), b(500, 8, random, false);
    const Line<float> before = a;
    table.select[2](mask.data(), a.data(), false, b.data(), false, a.data(), 500);
    for (std::size_t i = 0; i < 500; ++i) {
      ASSERT_TRUE(test::same(a.get(i), mask.get(i) ? before.get(i) : b.get(i))) << table.name;
    }
  }
}

template <class T>
void check_keep(const KernelTable& table, std::size_t size, std::size_t n, std::size_t offset, Random& random) {
  Line<bool> mask(n, offset, random, false);
  Line<T> x(n, offset * sizeof(T), random, false), out(n, 0, random, false);
  std::vector<unsigned char> expected;
  for (std::size_t i = 0; i < n; ++i) {
    if (mask.data()[i] != 0) expected.insert(expected.end(), x.data() + i * sizeof(T), x.data() + (i + 1) * sizeof(T));
  }
  ASSERT_EQ(table.keep[size](mask.data(), x.data(), n, out.data()) * sizeof(T), expected.size()) << table.name << " n=" << n;
  ASSERT_TRUE(expected.empty() || std::memcmp(out.data(), expected.data(), expected.size()) == 0) << table.name << " n=" << n;
  ASSERT_TRUE(out.edges_untouched()) << table.name << ' ' << sizeof(T) << " n=" << n;
}

void check_positions(const KernelTable& table, std::size_t n, std::size_t offset, std::int64_t first, Random& random) {
  Line<bool> mask(n, offset, random, false);
  std::vector<std::int64_t> out(n + 1, -7), expected;
  for (std::size_t i = 0; i < n; ++i) {
    if (mask.data()[i] != 0) expected.push_back(first + static_cast<std::int64_t>(i));
  }
  ASSERT_EQ(table.true_positions(mask.data(), n, first, out.data()), expected.size()) << table.name << " n=" << n;
  ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin())) << table.name << " n=" << n;
  ASSERT_EQ(out.back(), -7) << table.name << " wrote past the room for n=" << n;
}

/// Random keys of few bits, so that many equal a bound; in front of each room's padding what fits it.
template <class Key>
void check_split(const KernelTable& table, std::size_t size, std::size_t n, int bits, Random& random) {
  std::vector<Key> keys(n), bounds(kSplitBuckets - 1);
  for (Key& key : keys) key = static_cast<Key>(random()) >> (8 * static_cast<int>(sizeof(Key)) - bits);
  for (Key& bound : bounds) bound = static_cast<Key>(random()) >> (8 * static_cast<int>(sizeof(Key)) - bits);
  std::sort(bounds.begin(), bounds.end());
  std::vector<std::vector<Key>> rooms(kSplitBuckets, std::vector<Key>(n + kSplitPadding)), expected(kSplitBuckets);
  std::array<void*, kSplitBuckets> at;
  for (std::size_t b = 0; b < kSplitBuckets; ++b) at[b] = rooms[b].data();
  std::array<std::size_t, kSplitBuckets> counts;
  table.split[size](keys.data(), n, bounds.data(), at.data(), counts.data());
  for (const Key key : keys) expected[static_cast<std::size_t>(std::upper_bound(bounds.begin(), bounds.end(), key) - bounds.begin())].push_back(key);
  for (std::size_t b = 0; b < kSplitBuckets; ++b) {
    ASSERT_EQ(counts[b], expected[b].size()) << table.name << " bucket " << b << " of " << n;
    ASSERT_TRUE(std::equal(expected[b].begin(), expected[b].end(), rooms[b].begin())) << table.name << " bucket " << b << " of " << n;
  }
}

TEST(SplitKernelTest, EveryKeyInItsBucketInOrder) {
  Random random(6);
  for (const KernelTable& table : supported_tables()) {
    for (const std::size_t n : {0U, 1U, 7U, 8U, 15U, 16U, 17U, 64U, 259U, 1000U}) {
      for (const int bits : {3, 5, 31, 32}) check_split<std::uint32_t>(table, 0, n, bits, random);
      for (const int bits : {3, 5, 63, 64}) check_split<std::uint64_t>(table, 1, n, bits, random);
      ASSERT_FALSE(HasFatalFailure());
    }
  }
}

TEST(KeepKernelTest, EverySizeLengthAndOffset) {
  Random random(5);
  for (const KernelTable& table : supported_tables()) {
    for (const std::size_t n : {0U, 1U, 3U, 7U, 8U, 9U, 15U, 16U, 17U, 63U, 64U, 65U, 259U, 1000U}) {
      for (const std::size_t offset : {0U, 1U, 3U}) {
        check_keep<std::uint8_t>(table, 0, n, offset, random);
        check_keep<std::uint16_t>(table, 1, n, offset, random);
        check_keep<float>(table, 2, n, offset, random);
        check_keep<double>(table, 3, n, offset, random);
        check_keep<std::complex<double>>(table, 4, n, offset, random);
        for (const std::int64_t first : {std::int64_t{0}, std::int64_t{5'000'000'000}}) check_positions(table, n, offset, first, random);
        ASSERT_FALSE(HasFatalFailure());
      }
    }
  }
}

TEST(KeepKernelTest, ItemsMayLieAnywhere) {
  const std::vector<std::uint8_t> mask(21, 2);
  std::vector<std::byte> bytes(21 * 8 + 1);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  for (const KernelTable& table : supported_tables()) {
    std::vector<std::uint64_t> out(21);
    ASSERT_EQ(table.keep[3](mask.data(), bytes.data() + 1, 21, out.data()), 21U);
    ASSERT_EQ(std::memcmp(out.data(), bytes.data() + 1, 21 * 8), 0) << table.name;
  }
}

}  // namespace
}  // namespace ndshare::internal
