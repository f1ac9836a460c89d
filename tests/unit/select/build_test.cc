// Building and joining: what is a view, empties and arrays without axes, orders of memory, overlaps of `out`, and the
// ledger.
#include <ndshare/build.h>
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/ledger.h>

#include "tests/support/support.h"
#include "tests/unit/exec/engine_support.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

namespace ndshare {
namespace {

using test::bytes_of;
using test::code_of;
using Arrays = std::vector<Array>;

Array counting(const Shape& shape, const DType& dtype = int64) {
  return astype(arange(shape.count()).reshape(shape), dtype, {.casting = Casting::unsafe});
}

void expect_equal(const Array& got, const Array& want) {
  ASSERT_EQ(got.shape(), want.shape());
  ASSERT_EQ(got.dtype(), want.dtype());
  EXPECT_TRUE(array_equal(got, want, true));
}

TEST(MeshgridTest, IsViewsThatCannotBeWritten) {
  const Array x = array({1, 2, 3}), y = array({10, 20});
  const Arrays xy = meshgrid({x, y}), ij = meshgrid({x, y}, {.indexing = GridOptions::ij});
  expect_equal(xy[0], array({{1, 2, 3}, {1, 2, 3}}));
  expect_equal(xy[1], array({{10, 10, 10}, {20, 20, 20}}));
  expect_equal(ij[0], array({{1, 1}, {2, 2}, {3, 3}}));
  EXPECT_TRUE(shares_memory(xy[0], x));
  EXPECT_FALSE(xy[0].is_writable());
  EXPECT_EQ(xy[0].strides(), (Dims{0, 8}));
  const Arrays sparse = meshgrid({x, y}, {.sparse = true});
  EXPECT_EQ(sparse[0].shape(), (Shape{1, 3}));
  EXPECT_EQ(sparse[1].shape(), (Shape{2, 1}));
  EXPECT_TRUE(meshgrid({}).empty());
  EXPECT_EQ(meshgrid({scalar_array(7, int8)})[0].shape(), (Shape{1}));
  EXPECT_EQ(meshgrid({x, empty({0}), y})[2].shape(), (Shape{0, 3, 2}));
}

TEST(TriangleTest, KeepsOneSideOfADiagonal) {
  const Array x = counting({3, 3});
  expect_equal(tril(x), array({{0, 0, 0}, {3, 4, 0}, {6, 7, 8}}));
  expect_equal(triu(x, 1), array({{0, 1, 2}, {0, 0, 5}, {0, 0, 0}}));
  expect_equal(tril(x, INT64_MAX), x);
  expect_equal(triu(x, INT64_MIN), x);
  expect_equal(tril(x, INT64_MIN), zeros({3, 3}, int64));
  EXPECT_EQ(tril(empty({0, 4, 4})).shape(), (Shape{0, 4, 4}));
  EXPECT_TRUE(tril(x.copy(Order::F)).is_f_contiguous());
}

TEST(TriangleTest, InPlaceCopiesNothingApart) {
  const Array x = counting({40, 30}), want = triu(x, 2);
  const CopyAudit audit;
  EXPECT_EQ(triu(x, 2, {.out = x}).data(), x.data());
  EXPECT_EQ(audit.totals()[CopyReason::overlap].copies, 0U);
  expect_equal(x, want);
  const Array square = counting({30, 30}), turned = tril(square.T().copy());
  tril(square.T(), 0, {.out = square});  // the same memory in another order
  expect_equal(square, turned);
}

TEST(TileTest, MeetsShapesFromTheRight) {
  expect_equal(tile(array({1, 2}), 2), array({1, 2, 1, 2}));
  expect_equal(tile(array({1, 2}), {2, 1}), array({{1, 2}, {1, 2}}));
  EXPECT_EQ(tile(counting({2, 3, 4}), {2}).shape(), (Shape{2, 3, 8}));
  EXPECT_EQ(tile(counting({2, 3}), {2, 0}).shape(), (Shape{4, 0}));
  expect_equal(tile(scalar_array(5, int16), 3), array({5, 5, 5}, int16));
  expect_equal(tile(scalar_array(5, int16), {}), scalar_array(5, int16));
  expect_equal(tile(array({1}), array({2, 3}, uint8)), ones({2, 3}, int64));
  const Dims many(std::vector<std::int64_t>(32, 1));
  const Array full = counting({2}).reshape([&] {
    Shape shape(many);
    shape[31] = 2;
    return shape;
  }());
  EXPECT_EQ(tile(full, 3).shape(31), 6);
}

TEST(RepeatTest, TakesANumberOrOneForEach) {
  const Array x = array({{1, 2}, {3, 4}});
  expect_equal(repeat(x, 2), array({1, 1, 2, 2, 3, 3, 4, 4}));
  expect_equal(repeat(x, {1, 2}, {.axis = 0}), array({{1, 2}, {3, 4}, {3, 4}}));
  expect_equal(repeat(x, {0, 2}, {.axis = -1}), array({{2, 2}, {4, 4}}));
  expect_equal(repeat(x, array({2, 0}, uint64), {.axis = 0}), array({{1, 2}, {1, 2}}));
  expect_equal(repeat(x, array({true, false}), {.axis = 0}), array({{1, 2}}));
  expect_equal(repeat(x, {3}, {.axis = 1}), repeat(x, 3, {.axis = 1}));
  expect_equal(repeat(scalar_array(4, float32), 3), array({4, 4, 4}, float32));
  EXPECT_EQ(repeat(x, 0, {.axis = 1}).shape(), (Shape{2, 0}));
  EXPECT_EQ(repeat(empty({0, 2}), 5, {.axis = 0}).shape(), (Shape{0, 2}));
  EXPECT_EQ(repeat(empty({0}), std::vector<std::int64_t>{}).shape(), (Shape{0}));
}

TEST(RepeatTest, LargeOnesOfEveryForm) {
  for (const std::int64_t n : {1, 3, 100, 50'000}) {
    const Array x = counting({n}), wide = counting({n, 3}).T();
    const std::int64_t times = 200'000 / n;
    const Array got = repeat(x, times), across = repeat(wide, times, {.axis = 1});
    for (std::int64_t i = 0; i < got.size(); i += 997) ASSERT_EQ(got.at<std::int64_t>(i), i / times);
    for (std::int64_t i = 0; i < across.shape(1); i += 997) ASSERT_EQ(across.at<std::int64_t>(2, i), i / times * 3 + 2);
  }
}

TEST(ConcatTest, JoinsAndPromotes) {
  const Array a = counting({2, 2}), b = counting({1, 2}, float32);
  const Array joined = concat({a, b});
  EXPECT_EQ(joined.dtype(), float64);
  expect_equal(joined, array({{0, 1}, {2, 3}, {0, 1}}, float64));
  expect_equal(concat({a, b}, {.axis = std::nullopt}), array({0, 1, 2, 3, 0, 1}, float64));
  expect_equal(concat({a.T(), scalar_array(9, int8)}, {.axis = none}), array({0, 2, 1, 3, 9}));
  EXPECT_EQ(concat({empty({0, 3}), empty({2, 3})}).shape(), (Shape{2, 3}));
  EXPECT_TRUE(concat({a.copy(Order::F), a.copy(Order::F)}).is_f_contiguous());
  EXPECT_EQ(concat({a}).data() == a.data(), false);
}

TEST(ConcatTest, OfTheHighestKindFirst) {
  // int8 with uint8 is int16, which with float16 is float32; but float16 holds both.
  EXPECT_EQ(concat({zeros({1}, int8), zeros({1}, uint8), zeros({1}, float16)}).dtype(), float16);
  EXPECT_EQ(result_type({int8, uint8, float16}), float16);
  EXPECT_EQ(result_type({int16, uint16, float32, Scalar(1.5)}), float32);
}

TEST(ConcatTest, TextGoesToTheLongest) {
  const Array a = array({"ab", "c"}, DType::str(2)), b = array({"defg"}, DType::str(4));
  expect_equal(concat({a, b}), array({"ab", "c", "defg"}, DType::str(4)));
  const Array wide = full({3}, "dirtier", DType::str(7));
  expect_equal(concat({a, b}, {.out = wide}), array({"ab", "c", "defg"}, DType::str(7)));
  Arrays many(30'000, full({2}, "abcde", DType::bytes(5)));
  many.push_back(full({1}, "longest one", DType::bytes(11)));
  const Array large = concat(many, {.threads = 2});
  EXPECT_EQ(large.shape(), (Shape{60'001}));
  EXPECT_EQ(large.at<std::string>(59'999), "abcde");
}

TEST(StackTest, AddsAnAxis) {
  const Array a = array({1, 2}), b = array({3, 4});
  expect_equal(stack({a, b}), array({{1, 2}, {3, 4}}));
  expect_equal(stack({a, b}, {.axis = -1}), array({{1, 3}, {2, 4}}));
  EXPECT_EQ(stack({scalar_array(1, int8), scalar_array(2, int16)}).dtype(), int16);
  EXPECT_EQ(stack({empty({0})}, {.axis = 1}).shape(), (Shape{0, 1}));
}

TEST(SplitTest, GivesViews) {
  const Array x = counting({6, 2});
  const Arrays parts = split(x, 3), cut = split(x, {1, -2, 9}), one = split(x, {2});
  EXPECT_EQ(parts.size(), 3U);
  EXPECT_TRUE(shares_memory(parts[2], x));
  expect_equal(parts[2], x(slice(4, 6)));
  EXPECT_EQ(cut.size(), 4U);
  expect_equal(cut[1], x(slice(1, 4)));
  EXPECT_EQ(cut[3].shape(), (Shape{0, 2}));
  EXPECT_EQ(one[0].shape(), (Shape{2, 2}));  // a list of one is a place to cut at
  fill(parts[0](0, 0), -1);
  EXPECT_EQ(x.at<std::int64_t>(0, 0), -1);
  const Arrays rows = unstack(x), columns = unstack(x, -1);
  EXPECT_EQ(rows.size(), 6U);
  expect_equal(columns[1], x(all, 1));
  EXPECT_TRUE(unstack(empty({0, 3})).empty());
  EXPECT_EQ(unstack(empty({2, 0})).size(), 2U);
}

TEST(RollTest, GoesRound) {
  const Array x = array({{0, 1, 2}, {3, 4, 5}});
  expect_equal(roll(x, 1), array({{5, 0, 1}, {2, 3, 4}}));
  expect_equal(roll(x, -1, {.axis = 1}), array({{1, 2, 0}, {4, 5, 3}}));
  expect_equal(roll(x, {1, 1}, {.axis = {0, 1}}), array({{5, 3, 4}, {2, 0, 1}}));
  expect_equal(roll(x, {1, 1}, {.axis = {1, 1}}), roll(x, 2, {.axis = 1}));
  expect_equal(roll(x, {INT64_MAX, INT64_MAX}, {.axis = 1}),
               roll(x, 2, {.axis = 1}));  // 2^63-1 is 1 more than a multiple of 3
  expect_equal(roll(x, INT64_MIN, {.axis = 0}), x);
  expect_equal(roll(x.T(), 2), roll(x.T().copy(), 2));
  expect_equal(roll(scalar_array(1, int8), 3), scalar_array(1, int8));
  EXPECT_EQ(roll(empty({0, 3}), 7).shape(), (Shape{0, 3}));
}

TEST(FlipTest, AndQuarterTurnsAreViews) {
  const Array x = array({{0, 1, 2}, {3, 4, 5}});
  expect_equal(flip(x), array({{5, 4, 3}, {2, 1, 0}}));
  expect_equal(flip(x, 1), array({{2, 1, 0}, {5, 4, 3}}));
  expect_equal(flip(x, Axes(Dims{})), x);
  expect_equal(rot90(x), array({{2, 5}, {1, 4}, {0, 3}}));
  expect_equal(rot90(x, -1), array({{3, 0}, {4, 1}, {5, 2}}));
  expect_equal(rot90(x, 1, {1, 0}), rot90(x, 3));
  expect_equal(rot90(x, INT64_MIN), x);
  EXPECT_TRUE(shares_memory(rot90(x, 2), x));
}

TEST(PadTest, Modes) {
  const Array x = array({1, 2, 3});
  expect_equal(pad(x, 2), array({0, 0, 1, 2, 3, 0, 0}));
  expect_equal(pad(x, {1, 2}, {.value = 9}), array({9, 1, 2, 3, 9, 9}));
  expect_equal(pad(x, {{0, 2}}, {.mode = PadMode::edge}), array({1, 2, 3, 3, 3}));
  expect_equal(pad(x, 2, {.mode = PadMode::reflect}), array({3, 2, 1, 2, 3, 2, 1}));
  expect_equal(pad(x, 2, {.mode = PadMode::symmetric}), array({2, 1, 1, 2, 3, 3, 2}));
  expect_equal(pad(x, {5, 4}, {.mode = PadMode::wrap}), array({2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1}));
  expect_equal(pad(x, {7, 6}, {.mode = PadMode::reflect}), array({2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2, 1}));
  expect_equal(pad(x, {7, 4}, {.mode = PadMode::symmetric}), array({1, 1, 2, 3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1}));
  expect_equal(pad(array({5}), {3, 2}, {.mode = PadMode::reflect}), full({6}, 5, int64));
  expect_equal(pad(array({5}), {0, 4}, {.mode = PadMode::symmetric}), full({5}, 5, int64));
  expect_equal(pad(array({1, 2}), {1, 9}, {.mode = PadMode::reflect}), array({2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1}));
  EXPECT_EQ(pad(counting({2, 3}), {{1, 0}, {0, 4}}).shape(), (Shape{3, 7}));
  expect_equal(pad(empty({0}, int8), 1, {.value = 3}), array({3, 3}, int8));
  EXPECT_EQ(pad(empty({0, 2}), {{0, 0}, {1, 1}}, {.mode = PadMode::reflect}).shape(), (Shape{0, 4}));
  expect_equal(pad(scalar_array(1, int8), 4), scalar_array(1, int8));
  expect_equal(pad(array({"a"}, DType::bytes(2)), {0, 1}), array({"a", ""}, DType::bytes(2)));
  const Array wide = pad(array({7, 8}), {1'000'001, 0}, {.mode = PadMode::wrap});
  EXPECT_EQ(wide.at<std::int64_t>(0), 8);
  EXPECT_EQ(wide.at<std::int64_t>(1), 7);
  const Array mirrored =
      pad(array({7, 8, 9}), {1'000'003, 0}, {.mode = PadMode::symmetric});  // 3 more than whole periods
  expect_equal(mirrored(slice(6)), array({7, 7, 8, 9, 9, 8}));
}

TEST(DiffTest, SubtractsNeighbours) {
  const Array x = array({1, 4, 9, 16});
  expect_equal(diff(x), array({3, 5, 7}));
  expect_equal(diff(x, {.n = 2}), array({2, 2}));
  expect_equal(diff(x, {.n = 0}), x);
  EXPECT_EQ(diff(x, {.n = INT64_MAX}).shape(), (Shape{0}));
  EXPECT_EQ(diff(empty({0, 2}), {.axis = 0}).shape(), (Shape{0, 2}));
  expect_equal(diff(x, {.prepend = 0, .append = array({20})}), array({1, 3, 5, 7, 4}));
  expect_equal(diff(array({1, 0}, uint8)), array({255}, uint8));
  expect_equal(diff(array({1, 0}, uint8), {.append = 1}), array({255, 1}, uint8));  // a number takes the array's dtype
  expect_equal(diff(array({true, true, false})), array({false, true}));
  const Array rows = array({{1, 2}, {4, 8}});
  expect_equal(diff(rows, {.axis = 0, .prepend = 0}), array({{1, 2}, {3, 6}}));
  diff(x, {.prepend = 0, .out = x});
  expect_equal(x, array({1, 3, 5, 7}));
}

/// A call of each function that takes an `out`.
std::vector<std::function<Array(const Array& x, std::optional<Array> out)>> writers() {
  using Out = std::optional<Array>;
  return {
      [](const Array& x, Out out) { return tril(x, -1, {out}); },
      [](const Array& x, Out out) { return triu(x, 1, {out}); },
      [](const Array& x, Out out) {
        return tile(x, {2, 3}, {out});
      },
      [](const Array& x, Out out) { return repeat(x, 3, {.out = out}); },
      [](const Array& x, Out out) { return repeat(x, 2, {.axis = 1, .out = out}); },
      [](const Array& x, Out out) {
        return concat({x, x(slice(0, 1)), x}, {.out = out});
      },
      [](const Array& x, Out out) {
        return concat({x, x.T()}, {.axis = none, .out = out});
      },
      [](const Array& x, Out out) {
        return stack({x, flip(x)}, {.axis = 1, .out = out});
      },
      [](const Array& x, Out out) { return roll(x, 2, {.out = out}); },
      [](const Array& x, Out out) {
        return roll(x, {1, 1}, {.axis = {0, 1}, .out = out});
      },
      [](const Array& x, Out out) {
        return pad(x, {1, 2}, {.mode = PadMode::symmetric, .out = out});
      },
      [](const Array& x, Out out) { return diff(x, {.axis = 0, .out = out}); },
  };
}

TEST(BuildOverlapTest, IsAsIfThereWereNone) {
  test::Engine random(test::test_seed());
  for (int round = 0; round < 200; ++round) {
    const DType dtype = test::chance(random, 50) ? int32 : complex64;
    const Shape shape{test::below(random, 4) + 2, test::below(random, 4) + 2};
    for (std::size_t k = 0; k < writers().size(); ++k) {
      const auto write = writers()[k];
      const Array room = test::random_array(random, {400}, dtype, test::Values::moderate);
      const auto part = [&](const Shape& of) {
        const std::int64_t start = test::below(random, 40);
        const Array flat = room(slice(start, start + of.count())).reshape(of);
        return test::chance(random, 30) ? flip(flat) : flat;
      };
      const Array x = test::chance(random, 30) ? part({shape[1], shape[0]}).T() : part(shape);
      const Array want = write(x.copy(), {}), out = part(want.shape());
      ASSERT_EQ(write(x, out).data(), out.data());
      ASSERT_EQ(bytes_of(out), bytes_of(want))
          << "writer " << k << ", seed " << test::test_seed() << ", round " << round;
    }
  }
}

TEST(BuildLedgerTest, SaysWhatWasCopied) {
  const Array x = counting({8, 8});
  const CopyAudit views;
  static_cast<void>(split(x, 2)), static_cast<void>(unstack(x)), static_cast<void>(flip(x)),
      static_cast<void>(rot90(x));
  static_cast<void>(meshgrid({x(0), x(1)}));
  EXPECT_EQ(views.totals().copies(), 0U);

  const CopyAudit joined;
  static_cast<void>(concat({x, x}));
  EXPECT_EQ(joined.totals()[CopyReason::joined], (CopyTotals::Line{1, 1024}));
  EXPECT_EQ(joined.totals().copies(), 1U);

  const CopyAudit mixed;
  static_cast<void>(concat({x, counting({8, 8}, int8)}));
  EXPECT_EQ(mixed.totals()[CopyReason::upcast].bytes, 512U);

  const CopyAudit narrowed;
  static_cast<void>(tile(x, 1, {.out = empty({8, 8}, int32)}));
  EXPECT_EQ(narrowed.totals()[CopyReason::downcast].bytes, 256U);

  const CopyAudit overlapping;
  static_cast<void>(roll(x, 1, {.out = x}));
  EXPECT_EQ(overlapping.totals()[CopyReason::overlap].bytes, 512U);

  const CopyAudit flattened;
  static_cast<void>(repeat(x.T(), 2));
  EXPECT_EQ(flattened.totals()[CopyReason::reshape].bytes, 512U);
}

TEST(BuildLedgerTest, ForbiddenCopiesWriteNothing) {
  const Array x = counting({4, 4}), before = x.copy();
  const ForbidCopies strict;
  EXPECT_EQ(code_of([&] { static_cast<void>(roll(x, 1, {.out = x})); }), Error::CopyForbidden);
  EXPECT_EQ(code_of([&] { static_cast<void>(repeat(x.T(), 2)); }), Error::CopyForbidden);
  EXPECT_NO_THROW(static_cast<void>(repeat(x, 2)));  // it says in its name that it copies
  expect_equal(x, before);
}

TEST(BuildTest, PaddingOfStructuresStaysZero) {
  const DType padded = DType::structured({{"a", int8}, {"b", float64}}, true);
  const Array x = zeros({3}, padded);
  fill(x["a"], 1);
  for (const Array& made : {tile(x, 4), repeat(x, 3), concat({x, x}), roll(x, 1), pad(x, 2)}) {
    for (std::int64_t i = 0; i < made.size(); ++i) {
      for (int k = 1; k < 8; ++k) ASSERT_EQ(made.data()[i * 16 + k], std::byte{0});
    }
  }
}

}  // namespace
}  // namespace ndshare
