// Integer arithmetic that counts what overflows, against 128-bit integers.
#include "lib/kernels/registry.h"
#include "tests/unit/kernels/line.h"
#include "tests/unit/kernels/naive_unary.h"

#include <gtest/gtest.h>

namespace ndshare::internal {
namespace {

using test::Line;
using test::Random;
using test::Wide;

Wide exact(CheckedOp op, Wide a, Wide b) {
  if (op != CheckedOp::multiply) return op == CheckedOp::add ? a + b : a - b;
  Wide result = 0;  // the largest products of uint64 are beyond 127 bits: any other one beyond 64 stands for them
  return __builtin_mul_overflow(a, b, &result) ? Wide{1} << 100 : result;
}

Wide wrapped(CheckedOp op, Wide a, Wide b) { return op == CheckedOp::multiply ? test::product(a, b) : exact(op, a, b); }

template <class T>
void check(const KernelTable& table, CheckedOp op, std::size_t n, int form, bool saturate, Random& random) {
  const bool a_scalar = (form & 1) != 0, b_scalar = (form & 2) != 0, in_place = (form & 4) != 0 && !a_scalar;
  Line<T> a(a_scalar ? 1 : n, sizeof(T), random, false), b(b_scalar ? 1 : n, 0, random, false),
      apart(n, 0, random, false);
  std::vector<T> expected;
  std::size_t overflows = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Wide x = a.get(a_scalar ? 0 : i), y = b.get(b_scalar ? 0 : i), result = exact(op, x, y);
    const Wide least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
    const bool over = result < least || result > most;
    overflows += over ? 1 : 0;
    expected.push_back(static_cast<T>(!over ? result : !saturate ? wrapped(op, x, y) : result < least ? least : most));
  }
  Line<T>& out = in_place ? a : apart;
  const CheckedKernel kernel = table.checked[static_cast<std::size_t>(op)][static_cast<std::size_t>(type_id_of<T>())];
  ASSERT_EQ(kernel(a.data(), a_scalar, b.data(), b_scalar, out.data(), n, saturate), overflows)
      << table.name << " op " << static_cast<int>(op) << " size " << sizeof(T) << " n=" << n;
  for (std::size_t i = 0; i < n; ++i) {
    ASSERT_EQ(out.get(i), expected[i]) << table.name << " op " << static_cast<int>(op) << " size " << sizeof(T)
                                       << " n=" << n;
  }
  ASSERT_TRUE(out.edges_untouched());
}

TEST(CheckedKernelTest, EveryOpDtypeFormAndLength) {
  Random random(5);
  for (const KernelTable& table : supported_tables()) {
    for (const CheckedOp op : {CheckedOp::add, CheckedOp::subtract, CheckedOp::multiply}) {
      for (const std::size_t n : {0U, 1U, 15U, 16U, 17U, 64U, 67U, 191U, 192U, 193U, 1025U, 5000U}) {
        for (int form = 0; form < 8; ++form) {
          for (const bool saturate : {false, true}) {
            check<std::int8_t>(table, op, n, form, saturate, random);
            check<std::int16_t>(table, op, n, form, saturate, random);
            check<std::int32_t>(table, op, n, form, saturate, random);
            check<std::int64_t>(table, op, n, form, saturate, random);
            check<std::uint8_t>(table, op, n, form, saturate, random);
            check<std::uint16_t>(table, op, n, form, saturate, random);
            check<std::uint32_t>(table, op, n, form, saturate, random);
            check<std::uint64_t>(table, op, n, form, saturate, random);
            ASSERT_FALSE(HasFatalFailure());
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace ndshare::internal
