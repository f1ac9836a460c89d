// Expressions computed in pieces are the expressions.
#include <ndshare/create.h>
#include <ndshare/limits.h>
#include <ndshare/reduce.h>

#include "tests/unit/exec/engine_support.h"

namespace ndshare::test {
namespace {

/// The chunks put together.
Array joined(const Lazy& expression, std::int64_t bytes) {
  const Array out = empty(expression.shape(), expression.dtype());
  std::int64_t next = 0;
  for_each_chunk(expression, bytes, [&](std::int64_t first, const Array& chunk) {
    EXPECT_EQ(first, next);
    next = first + chunk.shape()[0];
    EXPECT_LE(chunk.nbytes(), std::max(bytes, chunk.nbytes() / chunk.shape()[0]));
    copyto(out(slice(first, next)), chunk);
  });
  EXPECT_EQ(next, expression.shape()[0]);
  return out;
}

TEST(ChunkTest, AreTheWhole) {
  Engine random(test_seed());
  for (int n = 0; n < 200; ++n) {
    const std::int64_t rows = 1 + below(random, 40), columns = 1 + below(random, 5);
    const Array a = laid_out(random, random_array(random, {rows, columns}, float64, Values::moderate));
    const Array b = laid_out(random, random_array(random, {chance(random, 30) ? 1 : rows, 1}, float32, Values::moderate));
    const Array c = random_array(random, {columns}, int32, Values::moderate);
    const Lazy each = (lazy(a) * b + c) - lazy(a);
    EXPECT_EQ(differs(joined(each, 1 + below(random, 400)), each.eval()), "");
    const Lazy stretched = lazy(b) + c;
    EXPECT_EQ(differs(joined(stretched, 1 + below(random, 100)), stretched.eval()), "");
  }
}

TEST(ChunkTest, RowsOfStretchedAndSingleRows) {
  const Array row = array({1., 2., 3.}), one = row.reshape({1, 3});
  EXPECT_EQ(differs(lazy(one).rows(0, 1).eval(), one), "");
  EXPECT_EQ(lazy(one).rows(1, 0).shape(), Shape({0, 3}));
  const Lazy wide = lazy(row.broadcast_to({1000, 3})) * 2.0;
  EXPECT_EQ(wide.rows(990, 10).shape(), Shape({10, 3}));
  const Lazy nothing = lazy(zeros({0, 3}));
  for_each_chunk(nothing, 8, [](std::int64_t, const Array&) { FAIL() << "there are no rows"; });
}

TEST(ChunkTest, TakesOneChunkOfMemory) {
  const Array far = arange(1000.0).reshape({1000, 1}), wide = arange(1000.0);
  const Lazy outer = lazy(far) * wide;  // 8 MB
  const Limits cap{.max_bytes = 100'000};
  EXPECT_EQ(code_of([&] { (void)outer.eval(); }), Error::MemoryGuard);
  double total = 0;
  for_each_chunk(outer, 100'000, [&](std::int64_t, const Array& chunk) { total += sum(chunk).item<double>(); });
  EXPECT_EQ(total, 499500.0 * 499500.0);
  EXPECT_EQ(sum(outer).item<double>(), total) << "a reduction has no need of chunks";
}

TEST(ChunkTest, BadInput) {
  const Lazy x = lazy(zeros({3, 2}));
  EXPECT_EQ(code_of([&] { (void)x.rows(-1, 1); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)x.rows(2, 2); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)x.rows(0, INT64_MAX); }), Error::Usage);
  EXPECT_EQ(code_of([&] { (void)lazy(zeros({})).rows(0, 1); }), Error::Usage);
  EXPECT_EQ(code_of([&] { for_each_chunk(x, 0, [](std::int64_t, const Array&) {}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { for_each_chunk(lazy(zeros({})), 8, [](std::int64_t, const Array&) {}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { for_each_chunk(shape_only({5}, float64), 8, [](std::int64_t, const Array&) {}); }), Error::Usage);
}

}  // namespace
}  // namespace ndshare::test
