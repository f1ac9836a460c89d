// Selection: NumPy's examples, masks from elsewhere, bytes that stay as they
// are, large arrays on any number of threads, and the ledger.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/ledger.h>
#include <ndshare/reduce.h>
#include <ndshare/select.h>
#include <ndshare/threads.h>

#include "tests/support/support.h"
#include "tests/unit/exec/engine_support.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

namespace ndshare {
namespace {

using test::below;
using test::bytes_of;
using test::chance;
using test::code_of;
using test::Engine;
using test::random_array;

Array counting(const Shape& shape, const DType& dtype = int64) {
  return astype(arange(shape.count()).reshape(shape), dtype, {.casting = Casting::unsafe});
}

void expect_equal(const Array& got, const Array& want) {
  ASSERT_EQ(got.shape(), want.shape());
  ASSERT_EQ(got.dtype(), want.dtype());
  EXPECT_EQ(bytes_of(got), bytes_of(want));
}

/// 0 … n−1, each element of any bytes.
Array raw(Engine& random, std::int64_t n, std::int64_t itemsize) {
  const Array out = empty({n * itemsize}, uint8);
  for (std::uint8_t& byte : out.as_span<std::uint8_t>()) byte = static_cast<std::uint8_t>(random());
  return out.view_as(DType::bytes(itemsize));
}

Array positions(Engine& random, std::int64_t count, std::int64_t length) {
  const Array out = empty({count}, int64);
  for (std::int64_t& at : out.as_span<std::int64_t>()) at = below(random, 2 * length) - length;
  return out;
}

Array mask(Engine& random, std::int64_t n, int percent) {
  const Array out = empty({n}, bool_);
  for (bool& element : out.as_span<bool>()) element = chance(random, percent);
  return out;
}

TEST(SelectTest, PlacesAxesAsNumPy) {
  const Array x = counting({2, 3, 4, 5}), two = array({0, 1}), pair = zeros({6, 1}, int8);
  EXPECT_EQ((x[two]).shape(), (Shape{2, 3, 4, 5}));
  EXPECT_EQ((x[{all, two}]).shape(), (Shape{2, 2, 4, 5}));
  EXPECT_EQ((x[{all, two, two}]).shape(), (Shape{2, 2, 5}));
  EXPECT_EQ((x[{all, pair, two}]).shape(), (Shape{2, 6, 2, 5}));
  EXPECT_EQ((x[{two, all, two}]).shape(), (Shape{2, 3, 5}));
  EXPECT_EQ((x[{all, two, all, two}]).shape(), (Shape{2, 2, 4}));
  EXPECT_EQ((x[{all, 0, all, pair}]).shape(), (Shape{6, 1, 2, 4}));
  EXPECT_EQ((x[{all, 0, two}]).shape(), (Shape{2, 2, 5}));
  EXPECT_EQ((x[{two, newaxis, two}]).shape(), (Shape{2, 1, 4, 5}));
  EXPECT_EQ((x[{newaxis, two, two}]).shape(), (Shape{1, 2, 4, 5}));
  EXPECT_EQ((x[{two, ellipsis, two}]).shape(), (Shape{2, 3, 4}));
  EXPECT_EQ((x[{ellipsis, two}]).shape(), (Shape{2, 3, 4, 2}));
  EXPECT_EQ((x[{two, two, two, two}]).shape(), (Shape{2}));
  EXPECT_EQ((x[{two, two, two, two, ellipsis}]).shape(), (Shape{2}));
  EXPECT_EQ((x[{zeros({2, 3}, bool_)}]).shape(), (Shape{0, 4, 5}));
  EXPECT_EQ((x[{ones({2, 3, 4, 5}, bool_)}]).shape(), (Shape{120}));
  EXPECT_EQ((x[{scalar_array(true, bool_)}]).shape(), (Shape{1, 2, 3, 4, 5}));
  EXPECT_EQ((x[{scalar_array(false, bool_), 0}]).shape(), (Shape{0, 3, 4, 5}));
  EXPECT_EQ((x[{scalar_array(1, uint8)}]).shape(), (Shape{3, 4, 5}));
}

TEST(SelectTest, WithoutArraysItIsAView) {
  const Array x = counting({3, 4});
  EXPECT_TRUE(shares_memory(x[{1, slice(none, none, -1)}], x));
  EXPECT_TRUE(shares_memory(x[std::initializer_list<Selector>{}], x));
  EXPECT_FALSE(shares_memory(x[{scalar_array(1, int8)}], x));
  EXPECT_FALSE(shares_memory(x[{ones({3, 4}, bool_)}], x));
  const Array chosen = x.T()[{all, array({2, 0})}];
  EXPECT_TRUE(chosen.is_c_contiguous());
  EXPECT_TRUE(chosen.is_writable());
  EXPECT_FALSE(chosen.is_view());
  expect_equal(chosen, array({{8, 0}, {9, 1}, {10, 2}, {11, 3}}));
  EXPECT_TRUE(x.as_readonly()[array({0})].is_writable());
}

TEST(SelectTest, NonzeroOfExpressionsAndOfNoAxes) {
  const Array x = array({{0, 3}, {5, 0}, {0, 7}});
  const std::vector<Array> where_large = nonzero(lazy(x) > 4), turned = nonzero(x.T());
  expect_equal(where_large[0], array({1, 2}));
  expect_equal(where_large[1], array({0, 1}));
  expect_equal(turned[0], array({0, 1, 1}));
  expect_equal(turned[1], array({1, 0, 2}));
  expect_equal(argwhere(x.T()), array({{0, 1}, {1, 0}, {1, 2}}));
  expect_equal(flatnonzero(x.T()), array({1, 3, 5}));
  EXPECT_EQ(argwhere(scalar_array(7, int8)).shape(), (Shape{1, 0}));
  expect_equal(flatnonzero(scalar_array(7, int8)), array({0}));
  EXPECT_EQ(nonzero(zeros({0, 3})).size(), 2U);
  const Array special = array({0.0, -0.0, std::numeric_limits<double>::quiet_NaN(), 5e-324});
  expect_equal(flatnonzero(special), array({2, 3}));
}

TEST(SelectTest, OneValueForWholeRows) {
  for (const std::int64_t length : {1, 2, 4, 5, 8, 16}) {
    for (const DType& dtype : {int8, int16, int32}) {
      const Array x = counting({4, length}, dtype), want = x.copy();
      for (const std::int64_t row : {0, 3}) fill(want(row), 77);
      assign(x, {array({0, -1, 0})}, 77);
      expect_equal(x, want);
    }
  }
}

TEST(SelectTest, ChoicesPromoteTogether) {
  const Array u8 = ones({2}, uint64), b = ones({2}, bool_), f4 = ones({2}, float32), i2 = ones({2}, int16),
              u2 = ones({2}, uint16);
  const std::vector<Array> conditions = {b, b};
  const auto dtype = [&](const Operand& x, const Operand& y, const Operand& rest) {
    return select(conditions, std::vector<Operand>{x, y}, rest).dtype();
  };
  EXPECT_EQ(dtype(u8, b, 3), uint64);
  EXPECT_EQ(dtype(f4, 1, 2), float32);
  EXPECT_EQ(dtype(i2, u2, f4), float32);
  EXPECT_EQ(dtype(i2, 1.5, 0), float64);
  EXPECT_EQ(dtype(true, false, true), bool_);
  EXPECT_EQ(dtype(true, 2, false), int64);
  EXPECT_EQ(code_of([&] { static_cast<void>(dtype(i2, 70'000, 0)); }), Error::Overflow);
}

TEST(SelectTest, AssignsAsTheHeaderShows) {
  const Array delay = array({12.0, -1.0, 20.0, -7.0});
  assign(delay, delay < 0, 0);
  expect_equal(delay, array({12.0, 0.0, 20.0, 0.0}));
  expect_equal(delay[delay > 15], array({20.0}));
  assign(delay, slice(0, 2), array({5, 6}, int8));
  assign(delay, 3, 9);
  expect_equal(delay, array({5.0, 6.0, 20.0, 9.0}));
  assign(delay, {}, 1);
  expect_equal(delay, ones({4}));
  assign(delay, ellipsis, array({1.0, 2.0, 3.0, 4.0}));
  assign(delay, {array({0, -1, 0, 0})}, array({7, 8, 9, 10}));
  expect_equal(delay, array({10.0, 2.0, 3.0, 8.0}));
}

TEST(SelectTest, TextTimesAndRecords) {
  const Array text = full({3}, "abc", DType::str(4)), times = zeros({3}, DType::datetime64(TimeUnit::s));
  assign(text, {array({1})}, full({1}, "zzzz", DType::str(4)));
  expect_equal(text[array({1, 1})], full({2}, "zzzz", DType::str(4)));
  assign(times, {array({true, false, true})}, full({}, 60, times.dtype()));
  EXPECT_EQ(times.at<std::int64_t>(0), 60);
  EXPECT_EQ(times.at<std::int64_t>(1), 0);
  const Array records = zeros({3}, DType::parse("a:i4,b:(2)f8"));
  assign(records["b"], {array({2, 0}), 1}, array({1.5, 2.5}));
  expect_equal(take(records, array({2}))["b"], array({{0.0, 1.5}}));
  expect_equal(records[array({0, 2})]["b"][{all, 1}].copy(), array({2.5, 1.5}));
}

// Memory from elsewhere, and memory that stays.

TEST(SelectMaskTest, AnyByteButZeroIsTrue) {
  Engine random(test::test_seed());
  for (const std::int64_t n : {1, 7, 8, 31, 64, 65, 127, 129, 1000, 300'000}) {
    const Array bytes = empty({n}, uint8), clean = empty({n}, bool_), x = counting({n}, n % 2 == 0 ? int32 : float64);
    for (std::uint8_t& byte : bytes.as_span<std::uint8_t>())
      byte = static_cast<std::uint8_t>(std::array{0, 1, 2, 128, 255, 0}[static_cast<std::size_t>(below(random, 6))]);
    for (std::int64_t i = 0; i < n; ++i)
      clean.as_span<bool>()[static_cast<std::size_t>(i)] =
          bytes.as_span<std::uint8_t>()[static_cast<std::size_t>(i)] != 0;
    const Array odd = bytes.view_as(bool_), zeroed = x.copy(), want = x.copy();
    expect_equal(x[odd], x[clean]);
    expect_equal(compress(odd, x, {.axis = 0}), compress(clean, x, {.axis = 0}));
    expect_equal(flatnonzero(odd), flatnonzero(clean));
    EXPECT_EQ(flatnonzero(odd).size(), sum(clean).item<std::int64_t>());
    assign(zeroed, odd, 0), assign(want, clean, 0);
    expect_equal(zeroed, want);
    assign(zeroed, odd, x[odd]);
    expect_equal(zeroed, x);
    const std::vector<Array> a = {odd}, b = {clean};
    const std::vector<Operand> choice = {x};
    expect_equal(select(a, choice, 7), select(b, choice, 7));
    const Array reversed = odd(slice(none, none, -1)), again = clean(slice(none, none, -1));
    expect_equal(x[reversed], x[again]);
    expect_equal(x.reshape({1, n})[{all, odd}], x.reshape({1, n})[{all, clean}]);
    expect_equal(x.reshape({n, 1})[odd], x.reshape({n, 1})[clean]);
  }
}

TEST(SelectMaskTest, PaddingAndNeighboursStay) {
  const DType padded = DType::structured({{"a", int8}, {"b", float64}, {"c", DType::bytes(2)}}, true);
  ASSERT_EQ(padded.itemsize(), 24);
  Engine random(test::test_seed());
  for (const std::int64_t n : {5, 64, 50'000}) {
    const Array memory = raw(random, 24 * 2 * n, 1).view_as(uint8),
                x(padded, Layout::contiguous({2 * n}, 24), memory.buffer(), true);
    const Array before = memory.copy(), value = zeros({}, padded), m = mask(random, n, 50);
    for (const Array& target : {x(slice(none, none, 2)), x(slice(n / 2, n / 2 + n))}) {
      assign(target, m, value);
      const Array changed = (memory != before).reshape({2 * n, 24});
      const Array touched = zeros({2 * n}, bool_);
      copyto(
          touched.with_layout(Layout{target.shape(), Strides{target.strides()[0] / 24}, target.layout().offset / 24}),
          m);
      EXPECT_FALSE(static_cast<bool>(any(changed[~touched])));
      EXPECT_TRUE(static_cast<bool>(all(x["b"][touched] == 0.0)));
      copyto(memory, before);
    }
    assign(x["b"], {arange(0, n, 2)}, 0);
    const Array kept = (memory == before).reshape({2 * n, 24});
    EXPECT_TRUE(static_cast<bool>(all(kept(all, slice(0, 8)))) && static_cast<bool>(all(kept(all, slice(16, 24)))));
  }
}

// Large arrays: naive loops say what is wanted, whatever the number of threads.

void with_threads(const std::function<void()>& body) {
  for (const int count : {1, 2, 3}) {
    SCOPED_TRACE(count);
    set_threads(count);
    body();
  }
  set_threads(0);
}

std::string chosen_bytes(const Array& x, const std::vector<std::int64_t>& at) {
  std::string out;
  for (const std::int64_t i : at)
    out.append(reinterpret_cast<const char*>(x.data()) + i * x.itemsize(), static_cast<std::size_t>(x.itemsize()));
  return out;
}

TEST(SelectLargeTest, MasksOfEveryDensityAndWidth) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::int64_t kLength = (1 << 18) + 37;  // eight blocks, shared by threads: a sanitizer needs no more
#else
  constexpr std::int64_t kLength = (1 << 20) + 37;
#endif
  Engine random(test::test_seed());
  for (const auto& [width, percent] : std::vector<std::pair<int, int>>{
           {1, 50}, {2, 3}, {3, 50}, {4, 50}, {4, 0}, {4, 100}, {8, 10}, {8, 97}, {12, 30}, {16, 50}}) {
    const Array x = raw(random, kLength, width), m = mask(random, kLength, percent);
    std::vector<std::int64_t> at;
    for (std::int64_t i = 0; i < kLength; ++i) {
      if (m.as_span<bool>()[static_cast<std::size_t>(i)]) at.push_back(i);
    }
    const std::string want = chosen_bytes(x, at);
    const auto count = static_cast<std::int64_t>(at.size());
    const Array values = raw(random, count, width), filled = x.copy(), scattered = x.copy(),
                one = raw(random, 1, width);
    for (std::int64_t i = 0; i < count; ++i) {
      std::memcpy(scattered.mutable_data() + at[static_cast<std::size_t>(i)] * width, values.data() + i * width,
                  static_cast<std::size_t>(width));
      std::memcpy(filled.mutable_data() + at[static_cast<std::size_t>(i)] * width, one.data(),
                  static_cast<std::size_t>(width));
    }
    with_threads([&] {
      EXPECT_EQ(bytes_of(x[m]), want);
      EXPECT_EQ(bytes_of(compress(m, x)), want);
      const Array found = flatnonzero(m), target = x.copy(), other = x.copy();
      EXPECT_TRUE(
          std::equal(at.begin(), at.end(), found.as_span<std::int64_t>().begin(), found.as_span<std::int64_t>().end()));
      assign(target, m, values), assign(other, m, one);
      EXPECT_EQ(bytes_of(target), bytes_of(scattered));
      EXPECT_EQ(bytes_of(other), bytes_of(filled));
    });
  }
}

TEST(SelectLargeTest, PositionsThatRepeat) {
  constexpr std::int64_t kCount = (1 << 20) + 5;
  Engine random(test::test_seed());
  for (const std::int64_t length : {std::int64_t{3}, std::int64_t{1000}, kCount}) {
    const Array x = random_array(random, {length}, float32), at = positions(random, kCount, length),
                values = random_array(random, {kCount}, float32);
    const Array want = x.copy(), gathered = empty({kCount}, float32);
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::int64_t k = at.as_span<std::int64_t>()[i];
      const auto place = static_cast<std::size_t>(k < 0 ? k + length : k);
      gathered.as_span<float>()[i] = x.as_span<float>()[place];
      want.as_span<float>()[place] = values.as_span<float>()[i];
    }
    with_threads([&] {
      expect_equal(x[at], gathered);
      expect_equal(take(x, at), gathered);
      expect_equal(take(x, at, {.mode = TakeMode::wrap}), gathered);
      expect_equal(take_along_axis(x, at), gathered);
      const Array a = x.copy(), b = x.copy(), c = x.copy();
      assign(a, {at}, values), put(b, at, values), put_along_axis(c, at, values);
      expect_equal(a, want), expect_equal(b, want), expect_equal(c, want);
      const Array wider = zeros({length}, float64);
      assign(wider, {at}, values);
      EXPECT_TRUE(length > 1000 || array_equal(astype(wider, float32), want, true));
    });
  }
}

TEST(SelectLargeTest, RowsColumnsAndPlanes) {
  Engine random(test::test_seed());
  const Array x = random_array(random, {1100, 1000}, float64), rows = positions(random, 1500, 1100),
              columns = positions(random, 900, 1000);
  const Array some = mask(random, 1100, 40), few = mask(random, 1000, 40), both = (x > 0.5).T();
  std::vector<Array> first;
  with_threads([&] {
    const Array written = x.copy();
    assign(written, {rows}, 3), assign(written, {all, few}, 4), assign(written.T(), both, 5),
        assign(written, {some, slice(none, none, -2)}, x(0, slice(0, 500)));
    std::vector<Array> now = {
        x[rows], x[{all, columns}], x[some], x[{all, few}], x.T()[both], x[{rows.reshape({-1, 1}), columns}], written};
    for (const Array& part : nonzero(x > 0.5)) now.push_back(part);
    now.push_back(argwhere(both));
    if (first.empty()) first = now;
    for (std::size_t i = 0; i < now.size(); ++i) expect_equal(now[i], first[i]);
  });
  for (const std::int64_t i : {0, 700, 1499}) expect_equal(first[0](i).copy(), x(rows.at<std::int64_t>(i)).copy());
  for (const std::int64_t i : {0, 700, 899})
    expect_equal(first[1](all, i).copy(), x(all, columns.at<std::int64_t>(i)).copy());
  EXPECT_EQ(first[5].at<double>(1499, 899), x.at<double>(rows.at<std::int64_t>(1499), columns.at<std::int64_t>(899)));
}

// The ledger.

struct Counted {
  std::uint64_t selected = 0, assigned = 0, others = 0;
  friend bool operator==(const Counted&, const Counted&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Counted& c) {
    return out << c.selected << " selected, " << c.assigned << " assigned, " << c.others << " others";
  }
};

Counted counted(const std::function<void()>& body) {
  const CopyAudit audit;
  body();
  const CopyTotals t = audit.totals();
  const std::uint64_t selected = t[CopyReason::selected].bytes, assigned = t[CopyReason::assigned].bytes;
  return {selected, assigned, t.bytes() - selected - assigned};
}

TEST(SelectLedgerTest, SaysWhatWasReadAndWritten) {
  const Array x = counting({3, 4}, float64), rows = array({0, 2}), m = x > 7, few = array({true, false, true});
  EXPECT_EQ(counted([&] { static_cast<void>(x[rows]); }), (Counted{64, 0, 0}));
  EXPECT_EQ(counted([&] { static_cast<void>(x[m]); }), (Counted{32, 0, 0}));
  EXPECT_EQ(counted([&] { static_cast<void>(x[{few, slice(1, 3)}]); }), (Counted{32, 0, 0}));
  EXPECT_EQ(counted([&] { static_cast<void>(x[{1, all}]); }), (Counted{0, 0, 0}));
  EXPECT_EQ(counted([&] { static_cast<void>(take(x, rows, {.axis = 1})); }), (Counted{48, 0, 0}));
  EXPECT_EQ(counted([&] { static_cast<void>(take_along_axis(x, zeros({3, 1}, int64))); }), (Counted{24, 0, 0}));
  EXPECT_EQ(counted([&] { static_cast<void>(compress(few, x, {.axis = 0})); }), (Counted{64, 0, 0}));
  EXPECT_EQ(counted([&] { assign(x, {rows}, 1); }), (Counted{0, 64, 0}));
  EXPECT_EQ(counted([&] { assign(x, m, 1); }), (Counted{0, 32, 0}));
  EXPECT_EQ(counted([&] { assign(x, {1, slice(0, 3)}, 1); }), (Counted{0, 24, 0}));
  EXPECT_EQ(counted([&] { put(x, rows, 1); }), (Counted{0, 16, 0}));
  EXPECT_EQ(counted([&] { put_along_axis(x, zeros({3, 1}, int64), 1); }), (Counted{0, 24, 0}));
}

TEST(SelectLedgerTest, ForbiddenCopiesAreThoseThatNobodyAskedFor) {
  const Array x = counting({6}), rows = array({0, 2}), all_rows = arange(5, -1, -1);
  const ForbidCopies strict;
  expect_equal(x[rows], array({0, 2}));
  expect_equal(x[x > 4], array({5}));
  EXPECT_EQ(code_of([&] { static_cast<void>(take(x, all_rows, {.out = x})); }), Error::CopyForbidden);
  expect_equal(x, arange(6));
  assign(x, {rows}, array({7, 8})), put(x, rows, 9);
  expect_equal(x, array({9, 1, 9, 3, 4, 5}));
}

}  // namespace
}  // namespace ndshare
