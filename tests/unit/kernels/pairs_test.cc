// Two steps in one pass: the bits of the two kernels one after the other, and of the language's own arithmetic.
#include "lib/kernels/registry.h"
#include "tests/unit/kernels/line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace ndshare::internal {
namespace {

using test::Line;
using test::Random;

/// Each step's result is stored: no compiler joins the two.
template <class T>
T in_steps(PairOp op, T a, T b, T c) {
  const volatile T first = op == PairOp::subtract_square ? a - b : a * b;
  switch (op) {
    case PairOp::multiply_add:
      return first + c;
    case PairOp::multiply_subtract:
      return first - c;
    case PairOp::subtract_multiplied:
      return c - first;
    default:
      return first * first;
  }
}

struct Case {
  PairOp op;
  std::size_t n, offset;
  bool a_scalar, b_scalar, c_scalar, stream;
};

template <class T>
void check_pair(const KernelTable& table, TypeId type, const Case& x, Random& random, bool tame) {
  Line<T> a(x.a_scalar ? 1 : x.n, x.offset * sizeof(T), random, tame), b(x.b_scalar ? 1 : x.n, 0, random, tame);
  Line<T> c(x.c_scalar ? 1 : x.n, sizeof(T), random, tame), out(x.n, x.offset * sizeof(T), random, tame);
  const auto kernel = table.pairs[static_cast<std::size_t>(x.op)][static_cast<std::size_t>(type)];
  const auto seen = kernel({a.data(), b.data(), c.data(), x.a_scalar, x.b_scalar, x.c_scalar}, out.data(), x.n, x.stream);
  table.fence();
  bool odd = false;
  for (std::size_t i = 0; i < x.n; ++i) {
    const T want = in_steps(x.op, a.get(x.a_scalar ? 0 : i), b.get(x.b_scalar ? 0 : i), c.get(x.c_scalar ? 0 : i));
    odd = odd || !std::isfinite(want);
    ASSERT_TRUE(test::same(out.get(i), want) || (std::isnan(want) && std::isnan(out.get(i)))) << i << ": " << out.get(i) << ", not " << want;
  }
  EXPECT_EQ(seen != 0, odd);
  EXPECT_TRUE(out.edges_untouched());
}

TEST(PairKernelTest, EveryFormLengthAndOffset) {
  Random random(11);
  for (const KernelTable& table : supported_tables()) {
    for (int form = 0; form < 64; ++form) {
      const auto op = static_cast<PairOp>(form % 4);
      const bool a_scalar = (form & 4) != 0, b_scalar = (form & 8) != 0;
      if (a_scalar && b_scalar) continue;
      for (const std::size_t n : {0U, 1U, 2U, 7U, 8U, 16U, 17U, 31U, 64U, 100U, 2048U, 2051U}) {
        for (const std::size_t offset : {0U, 1U, 3U}) {
          const Case each{op, n, offset, a_scalar, b_scalar, (form & 16) != 0, (form & 32) != 0};
          SCOPED_TRACE(std::string(table.name) + " form " + std::to_string(form) + " n " + std::to_string(n));
          check_pair<float>(table, TypeId::float32, each, random, n % 2 == 0);
          check_pair<double>(table, TypeId::float64, each, random, n % 2 == 0);
          ASSERT_FALSE(HasFailure());
        }
      }
    }
  }
}

TEST(PairKernelTest, WorkInPlace) {
  Random random(12);
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kPairCount; ++op) {
      Line<float> a(1003, 4, random, true), b(1003, 0, random, true), c(1003, 0, random, true);
      Line<float> before = c, apart = c;
      const auto kernel = table.pairs[op][static_cast<std::size_t>(TypeId::float32)];
      kernel({a.data(), b.data(), before.data(), false, false, false}, apart.data(), 1003, false);
      kernel({a.data(), b.data(), c.data(), false, false, false}, c.data(), 1003, false);
      EXPECT_TRUE(std::equal(c.data(), c.data() + 1003 * sizeof(float), apart.data())) << table.name << ' ' << op;
    }
  }
}

}  // namespace
}  // namespace ndshare::internal
