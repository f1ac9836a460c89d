// What a plan says of copies is what the ledger counts.
#include "tests/unit/exec/engine_support.h"

#include <ndshare/cast.h>
#include <ndshare/index.h>
#include <ndshare/ledger.h>

#include <array>

namespace ndshare {
namespace {

using test::below;
using test::chance;
using test::Engine;

using Bytes = std::array<std::int64_t, kCopyReasons>;

Bytes planned(const Lazy& expression) {
  Bytes out{};
  for (const Plan::Copy& copy : plan(expression).copies) out[static_cast<std::size_t>(copy.reason)] += copy.bytes;
  return out;
}
template <class Body>
Bytes audited(const Body& body) {
  const CopyAudit audit;
  body();
  Bytes out{};
  for (std::size_t i = 0; i < kCopyReasons; ++i) out[i] = static_cast<std::int64_t>(audit.totals().lines[i].bytes);
  return out;
}

/// `whole` with some axes of length 1, or without its first axes.
Shape part_of(Engine& random, const Shape& whole) {
  Shape part;
  for (int axis = chance(random, 20) ? 1 : 0; axis < whole.ndim(); ++axis) part.push_back(chance(random, 20) ? 1 : whole[axis]);
  return part;
}

/// Leaves in any layout and dtype, joined by operations that have loops for all; some cast on the way.
Lazy random_expression(Engine& random, const Shape& whole) {
  const auto& dtypes = test::numeric_dtypes();
  const auto leaf = [&] {
    const DType dtype = dtypes[static_cast<std::size_t>(below(random, chance(random, 60) ? 12 : 14))];
    const Array values = test::random_array(random, part_of(random, whole), dtype, test::Values::moderate);
    const Lazy x = lazy(test::laid_out(random, values));
    return chance(random, 15) ? x.astype(dtypes[static_cast<std::size_t>(below(random, 14))]) : x;
  };
  Lazy value = leaf();
  for (std::int64_t i = below(random, 4); i > 0; --i) {
    const Lazy next = leaf();
    value = chance(random, 30) ? where(next, value, next) : chance(random, 50) ? value * next : value + next;
  }
  return value;
}

TEST(PlanCopiesTest, PlansSayWhatTheLedgerCounts) {
  Engine random(test::test_seed());
  const test::Quiet quiet;
  const Shape shapes[] = {{7, 5}, {1000, 3}, {3, 1000}, {2, 3, 70}, {4, 70, 2}, {90, 80}, {5}, {}, {3, 0}, {6, 1, 64}};
  int copying = 0;
  for (int round = 0; round < 2000; ++round) {
    const Lazy expression = random_expression(random, shapes[below(random, 10)]);
    Bytes want = planned(expression);
    Array result;
    ASSERT_EQ(audited([&] { result = expression.eval(); }), want) << "round " << round << "\n" << plan(expression).text();
    copying += want != Bytes{} ? 1 : 0;
    const DType to = test::numeric_dtypes()[static_cast<std::size_t>(below(random, 14))];
    if (!can_cast(result.dtype(), to, Casting::same_kind) || to == result.dtype()) continue;
    const Array out = empty(result.shape(), to, result.is_c_contiguous() ? Order::C : Order::F);
    want[static_cast<std::size_t>(CopyReason::downcast)] += out.nbytes();
    ASSERT_EQ(audited([&] { expression.eval({.out = out}); }), want) << "round " << round << " out " << to.name() << "\n" << plan(expression).text();
  }
  EXPECT_GT(copying, 1000) << "most of them copy something";
}

TEST(PlanCopiesTest, PackedOperandsWithShortRowsAreUsedWhereTheyLie) {
  const Array x = ones({1000, 5}), row = ones({1000, 1});
  const auto strided = static_cast<std::size_t>(CopyReason::strided);
  EXPECT_EQ(planned(lazy(x) + row)[strided], 40'000) << "the stretched one, put together for rows of 5";
  EXPECT_EQ(audited([&] { (void)(x + row); })[strided], 40'000);
  EXPECT_EQ(planned(lazy(x) + 1.0), Bytes{});
  EXPECT_EQ(audited([&] { (void)astype(x, float32); })[static_cast<std::size_t>(CopyReason::asked)], 20'000);
  EXPECT_EQ(audited([&] { (void)astype(x.as_readonly(), complex128); })[static_cast<std::size_t>(CopyReason::upcast)], 0) << "it was asked for";
}

}  // namespace
}  // namespace ndshare
