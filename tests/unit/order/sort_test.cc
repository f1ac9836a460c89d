// Sorting by its definition: results are permutations in order, to the bit, for every dtype, whatever the values and
// the threads.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/ledger.h>
#include <ndshare/limits.h>
#include <ndshare/sort.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <tuple>

namespace ndshare {
namespace {

template <class T>
std::vector<T> values(const Array& x) {
  const auto span = x.as_span<const T>();
  return {span.begin(), span.end()};
}

/// Infinities, NaNs of both signs, zeros, subnormals, the largest and the smallest numbers, among others.
template <class T>
std::vector<T> edges(std::size_t n) {
  using Limits = std::numeric_limits<T>;
  const T special[] = {Limits::infinity(),
                       -Limits::infinity(),
                       Limits::quiet_NaN(),
                       -Limits::quiet_NaN(),
                       T{0},
                       -T{0},
                       Limits::denorm_min(),
                       -Limits::denorm_min(),
                       Limits::max(),
                       Limits::lowest(),
                       Limits::min(),
                       T{1},
                       T{-1}};
  std::mt19937_64 random(7);
  std::vector<T> out(n);
  for (T& value : out) {
    value = random() % 4 != 0 ? special[random() % std::size(special)]
                              : static_cast<T>(static_cast<double>(random() % 2000) - 1000.0);
  }
  return out;
}

template <class T, class Bits>
void expect_same_bits(std::vector<T> a, std::vector<T> b) {
  std::vector<Bits> x(a.size()), y(b.size());
  std::memcpy(x.data(), a.data(), a.size() * sizeof(T)), std::memcpy(y.data(), b.data(), b.size() * sizeof(T));
  std::sort(x.begin(), x.end()), std::sort(y.begin(), y.end());
  EXPECT_EQ(x, y);
}

template <class T>
bool before(T a, T b) {
  return a < b || (std::isnan(b) && !std::isnan(a));
}

template <class T, class Bits>
void check_edges() {
  for (const std::size_t n : {1U, 2U, 23U, 24U, 100U, 5000U, 300'000U}) {
    for (const bool descending : {false, true}) {
      SCOPED_TRACE("n " + std::to_string(n) + (descending ? " descending" : ""));
      const std::vector<T> in = edges<T>(n);
      const Array x = from_vector(in);
      const auto less = [descending](T a, T b) {
        return descending && !std::isnan(a) && !std::isnan(b) ? b < a : before(a, b);
      };
      const std::vector<T> sorted = values<T>(sort(x, {.descending = descending}));
      EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end(), less));
      expect_same_bits<T, Bits>(sorted, in);
      std::vector<std::int64_t> want(n);
      for (std::size_t i = 0; i < n; ++i) want[i] = static_cast<std::int64_t>(i);
      std::stable_sort(want.begin(), want.end(), [&](std::int64_t a, std::int64_t b) {
        return less(in[static_cast<std::size_t>(a)], in[static_cast<std::size_t>(b)]);
      });
      EXPECT_EQ(values<std::int64_t>(argsort(x, {.descending = descending})), want);
      const std::vector<T> stable = values<T>(sort(x, {.stable = true, .descending = descending}));
      for (std::size_t i = 0; i < n; ++i)
        ASSERT_EQ(std::memcmp(&stable[i], &in[static_cast<std::size_t>(want[i])], sizeof(T)), 0) << i;
    }
  }
}

TEST(SortTest, FloatEdges) {
  check_edges<float, std::uint32_t>();
  check_edges<double, std::uint64_t>();
}

TEST(SortTest, EveryHalf) {
  std::vector<Half> all_bits;
  for (int i = 0; i < 65536; ++i) all_bits.push_back(Half::from_bits(static_cast<std::uint16_t>((i * 40503) & 0xffff)));
  const std::vector<Half> sorted = values<Half>(sort(from_vector(all_bits)));
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const auto a = static_cast<float>(sorted[i - 1]), b = static_cast<float>(sorted[i]);
    ASSERT_TRUE(std::isnan(b) || a <= b) << i;
  }
  expect_same_bits<Half, std::uint16_t>(sorted, all_bits);
}

/// Distributions that break sorts, long enough for buckets.
std::vector<std::int64_t> distribution(int kind, std::size_t n) {
  std::mt19937_64 random(static_cast<std::uint64_t>(kind));
  std::vector<std::int64_t> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::uint64_t draw = random();
    switch (kind) {
      case 0:
        out[i] = static_cast<std::int64_t>(draw);
        break;
      case 1:
        out[i] = at;
        break;
      case 2:
        out[i] = -at;
        break;
      case 3:
        out[i] = static_cast<std::int64_t>(draw % 3);
        break;
      case 4:
        out[i] = draw % 100 == 0 ? static_cast<std::int64_t>(draw) : 5;
        break;  // one key nearly everywhere
      case 5:
        out[i] = INT64_MAX - static_cast<std::int64_t>(draw % 2);
        break;  // the largest keys
      case 6:
        out[i] = static_cast<std::int64_t>(std::uint64_t{1} << (draw % 63)) + static_cast<std::int64_t>(draw >> 62);
        break;
      case 7:
        out[i] = i == n / 2 ? -1 : at;
        break;  // one out of order
      case 8:
        out[i] = (draw % 2 == 0 ? INT64_MIN : INT64_MAX - 70000) + static_cast<std::int64_t>(draw >> 48);
        break;
      case 9:
        out[i] = static_cast<std::int64_t>(draw % 1000);
        break;
      default:
        out[i] = 42;
        break;
    }
  }
  return out;
}

TEST(SortTest, DistributionsAndThreads) {
  for (int kind = 0; kind <= 10; ++kind) {
    for (const std::size_t n : {131'072U + 17U, 700'001U}) {
      SCOPED_TRACE("distribution " + std::to_string(kind) + ", n " + std::to_string(n));
      std::vector<std::int64_t> in = distribution(kind, n), want = in;
      const Array x = from_vector(in);
      std::stable_sort(want.begin(), want.end());
      tbb::task_arena arena(8);
      for (const int threads : {1, 2, 3, 8}) {
        arena.execute([&] { EXPECT_TRUE(values<std::int64_t>(sort(x, {.threads = threads})) == want) << threads; });
      }
      std::vector<std::int64_t> order(n);
      for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::int64_t>(i);
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return in[static_cast<std::size_t>(a)] < in[static_cast<std::size_t>(b)];
      });
      for (const int threads : {1, 2, 3})
        EXPECT_TRUE(values<std::int64_t>(argsort(x, {.threads = threads})) == order) << threads;
      sort_in_place(x);
      EXPECT_TRUE(values<std::int64_t>(x) == want) << "in place";
    }
  }
}

TEST(SortTest, SlicesLeaveTheirNeighboursAlone) {
  for (const std::int64_t n : {5, 100, 3000, 200'000}) {
    for (const DType& dtype : {uint8, int16, float32, float64, complex128}) {
      const Array x =
          astype(from_vector(distribution(9, static_cast<std::size_t>(n) + 128)), dtype, {.casting = Casting::unsafe});
      const Array was = x.copy(), slice_of = x(slice(64, 64 + n));
      sort_in_place(slice_of);
      EXPECT_TRUE(array_equal(slice_of, sort(was(slice(64, 64 + n))))) << dtype.name() << ' ' << n;
      EXPECT_TRUE(array_equal(x(slice(64)), was(slice(64)))) << dtype.name() << ' ' << n;
      EXPECT_TRUE(array_equal(x(slice(64 + n, none)), was(slice(64 + n, none)))) << dtype.name() << ' ' << n;
    }
  }
  const Array table = from_vector(distribution(9, 12)).reshape({3, 4}), was = table.copy();
  sort_in_place(table(all, 1));
  EXPECT_TRUE(array_equal(table(all, 0), was(all, 0)) &&
              array_equal(table(all, slice(2, none)), was(all, slice(2, none))));
  EXPECT_TRUE(array_equal(table(all, 1), sort(was(all, 1))));
}

TEST(SortTest, StructuredOrder) {
  const std::size_t n = 90'000;
  const Array rows = zeros({static_cast<std::int64_t>(n)}, DType::parse("a:i4,b:f8,c:u1,s:S3"));
  std::mt19937_64 random(3);
  for (std::size_t i = 0; i < n; ++i) {
    const Array row = rows(static_cast<std::int64_t>(i));
    fill(row["a"], static_cast<std::int64_t>(random() % 50) - 25), fill(row["b"], static_cast<double>(random() % 40));
    fill(row["c"], random() % 7), fill(row["s"], std::string(1 + random() % 2, static_cast<char>('a' + random() % 3)));
  }
  const Array got = argsort(rows, {.order = {"b", "s"}});
  const auto a = values<std::int32_t>(rows["a"].copy());
  const auto b = values<double>(rows["b"].copy());
  const auto c = values<std::uint8_t>(rows["c"].copy());
  std::vector<std::string> s;
  for (std::size_t i = 0; i < n; ++i) s.push_back(rows(static_cast<std::int64_t>(i))["s"].item<std::string>());
  std::vector<std::int64_t> want(n);
  for (std::size_t i = 0; i < n; ++i) want[i] = static_cast<std::int64_t>(i);
  std::stable_sort(want.begin(), want.end(), [&](std::int64_t left, std::int64_t right) {
    const auto i = static_cast<std::size_t>(left), j = static_cast<std::size_t>(right);
    return std::tie(b[i], s[i], a[i], c[i]) < std::tie(b[j], s[j], a[j], c[j]);
  });
  EXPECT_TRUE(values<std::int64_t>(got) == want);
  const Array sorted = sort(rows, {.order = {"b", "s"}});
  for (std::size_t i = 0; i < n; i += 41)
    ASSERT_TRUE(array_equal(sorted(static_cast<std::int64_t>(i)), rows(want[i]))) << i;
  const Array keys[] = {rows["c"], rows["a"], rows["s"], rows["b"]};
  EXPECT_TRUE(array_equal(lexsort(keys), got));
}

TEST(SortTest, ComplexNanOrder) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  using C = std::complex<double>;
  const std::vector<C> in = {{nan, nan}, {nan, 2}, {1, nan}, {3, 1}, {0, nan}, {nan, 1}, {3, -1}, {-0.0, 5}, {0.0, 4}};
  EXPECT_EQ(values<std::int64_t>(argsort(from_vector(in))), (std::vector<std::int64_t>{8, 7, 6, 3, 4, 2, 5, 1, 0}));
}

TEST(SortTest, TimesPutNatLast) {
  const Array t = array({5, INT64_MIN, -7, 9}, int64).view_as(DType::parse("M8[s]"));
  EXPECT_EQ(values<std::int64_t>(argsort(t)), (std::vector<std::int64_t>{2, 0, 3, 1}));
  EXPECT_EQ(values<std::int64_t>(argsort(t, {.descending = true})), (std::vector<std::int64_t>{3, 0, 2, 1}));
  EXPECT_EQ(values<std::int64_t>(sort(t, {.descending = true}).view_as(int64)),
            (std::vector<std::int64_t>{9, 5, -7, INT64_MIN}));
}

TEST(SortTest, OutAndLedger) {
  const Array x = array({3, 1, 2}, int32), out = zeros({3}, int32);
  EXPECT_EQ(values<std::int32_t>(sort(x, {.out = out})), (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(values<std::int32_t>(out), (std::vector<std::int32_t>{1, 2, 3}));
  const CopyAudit audit;
  static_cast<void>(sort(x));
  EXPECT_EQ(audit.totals()[CopyReason::ordered].bytes, 12U);
}

TEST(SortTest, BadInput) {
  using test::code_of;
  const Array x = array({3, 1, 2}, int32), rows = zeros({3}, DType::parse("a:i4,b:f8"));
  EXPECT_EQ(code_of([&] { sort(x, {.axis = 1}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { argsort(x, {.axis = -2}); }), Error::Axis);
  EXPECT_EQ(code_of([&] { static_cast<void>(sort(scalar_array(1, int32))); }), Error::Axis);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, 3)); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { static_cast<void>(argpartition(x, -4)); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { sort(rows, {.order = {"c"}}); }), Error::DType);
  EXPECT_EQ(code_of([&] { sort(rows, {.order = {"a", "a"}}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { sort(x, {.order = {"a"}}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { sort_in_place(x.as_readonly()); }), Error::ReadOnly);
  EXPECT_EQ(code_of([&] { sort(x, {.threads = -1}); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(lexsort({})); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(lexsort({x, rows(slice(2))})); }), Error::ShapeMismatch);
  const Array out = zeros({3}, int64);
  EXPECT_EQ(code_of([&] { sort(x, {.out = out}); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { argsort(x, {.out = zeros({2}, int64)}); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { argsort(x, {.axis = 4, .out = out}); }), Error::Axis);
  const Limits cap{.max_bytes = 8};
  EXPECT_EQ(code_of([&] { static_cast<void>(sort(x)); }), Error::MemoryGuard);
}

}  // namespace
}  // namespace ndshare
