// shares_memory against the bytes themselves, counted one by one.
#include <ndshare/array.h>
#include <ndshare/create.h>
#include <ndshare/error.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace ndshare {
namespace {

void add_bytes(const Array& array, int axis, std::int64_t at, std::set<std::int64_t>& out) {
  if (axis == array.ndim()) {
    for (std::int64_t byte = 0; byte < array.itemsize(); ++byte) out.insert(at + byte);
    return;
  }
  for (std::int64_t i = 0; i < array.shape()[axis]; ++i) add_bytes(array, axis + 1, at + i * array.strides()[axis], out);
}

bool meet(const Array& a, const Array& b) {
  std::set<std::int64_t> of_a, of_b;
  add_bytes(a, 0, a.layout().offset, of_a);
  add_bytes(b, 0, b.layout().offset, of_b);
  return std::any_of(of_a.begin(), of_a.end(), [&](std::int64_t byte) { return of_b.count(byte) != 0; });
}

Array random_view(const Array& memory, std::mt19937& random) {
  const DType dtypes[] = {uint8, int16, int32, float64};
  const DType& dtype = dtypes[random() % 4];
  Layout layout;
  std::int64_t low = 0, high = dtype.itemsize();
  const int ndim = static_cast<int>(random() % 4);
  for (int axis = 0; axis < ndim; ++axis) {
    const auto length = static_cast<std::int64_t>(random() % 8);
    const auto stride = static_cast<std::int64_t>(random() % 31) - 15;
    layout.shape.push_back(length);
    layout.strides.push_back(stride);
    (stride < 0 ? low : high) += stride * std::max<std::int64_t>(0, length - 1);
  }
  layout.offset = -low + static_cast<std::int64_t>(random() % static_cast<unsigned>(memory.nbytes() - (high - low)));
  return Array(dtype, layout, memory.buffer(), true);
}

TEST(OverlapTest, AsTheBytesSay) {
  std::mt19937 random(20261126);
  const Array memory = zeros({420}, uint8);
  int yes = 0;
  for (int i = 0; i < 4000; ++i) {
    const Array a = random_view(memory, random), b = random_view(memory, random);
    const bool expected = meet(a, b);
    ASSERT_EQ(shares_memory(a, b), expected) << i << ": " << a.shape().str() << a.strides().str() << " at " << a.layout().offset << ", "
                                             << b.shape().str() << b.strides().str() << " at " << b.layout().offset;
    ASSERT_TRUE(!expected || may_share_memory(a, b));
    yes += expected ? 1 : 0;
  }
  EXPECT_GT(yes, 300);
  EXPECT_LT(yes, 3500);
}

TEST(OverlapTest, InterleavedElementsDoNotShare) {
  const Array a = zeros({10, 10}, float32);
  EXPECT_TRUE(may_share_memory(a(all, slice(0, 10, 2)), a(all, slice(1, 10, 2))));
  EXPECT_FALSE(shares_memory(a(all, slice(0, 10, 2)), a(all, slice(1, 10, 2))));
  EXPECT_TRUE(shares_memory(a(slice(0, 5)), a(slice(4, 9))));
  EXPECT_FALSE(shares_memory(a, zeros({10, 10}, float32)));
}

TEST(OverlapTest, TooHardIsSaid) {
  // Coprime strides in many axes: nothing prunes, and no solution exists.
  const Array memory = zeros({1 << 22}, uint8);
  Layout a{{50, 50, 50, 50, 50}, {12223, 11677, 10007, 9973, 9311}, 0};
  Layout b{{50, 50, 50, 50, 50}, {12211, 11689, 10009, 9967, 9319}, 1};
  try {
    static_cast<void>(shares_memory(Array(uint8, a, memory.buffer(), true), Array(uint8, b, memory.buffer(), true), 3));
    FAIL() << "three steps were enough";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Error::TooHard);
    EXPECT_NE(std::string(error.what()).find("3 steps"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace ndshare
