// Partitions by their definition: permutations, to the bit, in which every kth element is where a sort puts it, with
// none larger before and none smaller behind; whatever the values, the same bytes for any number of threads.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/sort.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace ndshare {
namespace {

using Places = std::vector<std::int64_t>;

/// Whether an element has to come before another: NaN last, in either order.
template <class T>
struct Precedes {
  bool descending = false;
  bool operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
    }
    return descending ? b < a : a < b;
  }
  [[nodiscard]] bool strictly(T a, T b) const { return (*this)(a, b) && !(*this)(b, a); }
};

template <class T>
std::vector<T> elements(const Array& x) {
  const Array own = x.copy();
  const auto span = own.as_span<const T>();
  return {span.begin(), span.end()};
}

template <class T>
std::vector<std::uint64_t> sorted_bits(const std::vector<T>& of) {
  std::vector<std::uint64_t> out(of.size());
  for (std::size_t i = 0; i < of.size(); ++i) std::memcpy(&out[i], &of[i], sizeof(T));
  std::sort(out.begin(), out.end());
  return out;
}

/// Checks `got` against a sort of `in`.
template <class T>
void expect_partition(const std::vector<T>& got, std::vector<T> in, const Places& kth, bool descending) {
  const Precedes<T> precedes{descending};
  std::stable_sort(in.begin(), in.end(), [&](T a, T b) { return precedes.strictly(a, b); });
  Places places;
  for (const std::int64_t k : kth) places.push_back(k < 0 ? k + static_cast<std::int64_t>(in.size()) : k);
  for (const std::int64_t k : places) {
    const T pivot = in[static_cast<std::size_t>(k)];
    const auto at = got.begin() + k;
    ASSERT_FALSE(precedes.strictly(*at, pivot) || precedes.strictly(pivot, *at)) << "element " << k;
    ASSERT_TRUE(std::none_of(got.begin(), at, [&](T x) { return precedes.strictly(pivot, x); })) << "before " << k;
    ASSERT_TRUE(std::none_of(at, got.end(), [&](T x) { return precedes.strictly(x, pivot); })) << "behind " << k;
  }
}

template <class T>
void check(const std::vector<T>& in, const Places& kth, bool descending = false) {
  const Array x = from_vector(in);
  const Array got = partition(x, kth, {.descending = descending, .threads = 1});
  expect_partition(elements<T>(got), in, kth, descending);
  ASSERT_TRUE(sorted_bits(elements<T>(got)) == sorted_bits(in)) << "not a permutation";
  const Array places = argpartition(x, kth, {.descending = descending, .threads = 1});
  std::vector<T> taken;
  std::vector<bool> seen(in.size());
  for (const std::int64_t place : elements<std::int64_t>(places)) {
    ASSERT_FALSE(seen.at(static_cast<std::size_t>(place))) << place << " comes twice";
    seen[static_cast<std::size_t>(place)] = true;
    taken.push_back(in[static_cast<std::size_t>(place)]);
  }
  expect_partition(taken, in, kth, descending);
  for (const int threads : {2, 3}) {
    const Array again = partition(x, kth, {.descending = descending, .threads = threads});
    EXPECT_EQ(std::memcmp(again.data(), got.data(), static_cast<std::size_t>(got.nbytes())), 0) << threads;
    EXPECT_TRUE(array_equal(argpartition(x, kth, {.descending = descending, .threads = threads}), places)) << threads;
  }
}

/// Values that selections stumble over.
template <class T>
std::vector<T> made(int kind, std::size_t n) {
  std::mt19937_64 random(static_cast<std::uint64_t>(kind) + 5);
  std::vector<T> out(n);
  using Limits = std::numeric_limits<T>;
  const T special[] = {Limits::infinity(),
                       static_cast<T>(-Limits::infinity()),
                       Limits::quiet_NaN(),
                       static_cast<T>(-Limits::quiet_NaN()),
                       T{0},
                       static_cast<T>(-T{0}),
                       Limits::denorm_min(),
                       Limits::max(),
                       Limits::lowest()};
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t draw = random();
    const auto small = static_cast<T>(static_cast<double>(draw >> 50) - 8192.0);
    switch (kind) {
      case 0:
        out[i] = draw % 4 == 0 ? special[(draw >> 8) % std::size(special)] : small;
        break;
      case 1:
        out[i] = static_cast<T>(draw % 2);
        break;
      case 2:
        out[i] = static_cast<T>(draw % 100 < 95 ? 7 : draw >> 57);
        break;
      case 3:
        out[i] = T{42};
        break;
      case 4:
        out[i] = static_cast<T>(i);
        break;
      case 5:
        out[i] = static_cast<T>(n - i);
        break;
      default:
        out[i] = small;
        break;
    }
  }
  return out;
}

template <class T>
void check_all() {
  for (const std::size_t n : {1U, 2U, 100U, 1023U, 1024U, 5000U, 131'072U + 17U}) {
    for (int kind = 0; kind < 7; ++kind) {
      SCOPED_TRACE("n " + std::to_string(n) + ", values " + std::to_string(kind));
      const auto end = static_cast<std::int64_t>(n);
      const std::vector<T> in = made<T>(kind, n);
      check(in, {end / 2}, kind % 2 != 0);
      check(in, {-1, end / 3, end - 1, end / 2 - end / 4, 0}, kind % 2 == 0);
    }
  }
}

TEST(PartitionTest, Floats) {
  check_all<double>();
  check_all<float>();
}

TEST(PartitionTest, Integers) {
  for (const std::size_t n : {3U, 3000U, 140'000U}) {
    for (const std::int64_t at : {0, 1, 2, -1, -3}) {
      std::mt19937_64 random(n);
      std::vector<std::int64_t> in(n);
      for (std::int64_t& value : in) value = static_cast<std::int64_t>(random());
      check(in, {at});
      std::vector<std::uint32_t> small(n);
      std::transform(in.begin(), in.end(), small.begin(), [](std::int64_t v) { return static_cast<std::uint32_t>(v); });
      check(small, {at, static_cast<std::int64_t>(n / 2)});
      std::vector<std::int16_t> counted(n);
      std::transform(in.begin(), in.end(), counted.begin(),
                     [](std::int64_t v) { return static_cast<std::int16_t>(v); });
      check(counted, {at}, true);
    }
  }
}

TEST(PartitionTest, ManyPlaces) {
  const std::vector<double> in = made<double>(6, 200'000);
  Places kth;
  for (std::int64_t k = 0; k < 200'000; k += 17'001) kth.push_back(k);
  check(in, kth);
  kth.resize(6);
  check(in, kth, true);
  check(made<float>(0, 3000), {5, 5, 5, 2999, -1});
}

/// A sample is some of the elements, and these can be unlike the others.
TEST(PartitionTest, MisleadingElements) {
  for (const std::size_t n : {4000U, 200'000U}) {
    std::vector<double> in = made<double>(6, n);
    std::uint64_t state = 0x9e3779b97f4a7c15U;
    for (std::size_t i = 0; i < 2048 && i < n / 8; ++i) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      in[static_cast<std::size_t>(static_cast<double>(state >> 12) * 0x1p-52 * static_cast<double>(n))] =
          1e9 + static_cast<double>(i);
    }
    check(in, {static_cast<std::int64_t>(n / 2)});
    check(in, {static_cast<std::int64_t>(n / 2)}, true);
    check(in, {1, static_cast<std::int64_t>(n / 2), -2});
  }
}

TEST(PartitionTest, AxesAndStrides) {
  const std::int64_t n = 1500;
  const Array base = from_vector(made<double>(0, static_cast<std::size_t>(4 * n * 6))).reshape({4, n, 6});
  const Array x = base(slice(none, none, -1), all, slice(none, none, 2));  // (4, n, 3)
  const Array got = partition(x, {n / 3}, {.axis = 1, .threads = 2}), places = argpartition(x, {n / 3}, {.axis = -2});
  ASSERT_EQ(got.shape(), x.shape());
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t j = 0; j < 3; ++j) {
      const std::vector<double> line = elements<double>(x(i, all, j));
      expect_partition(elements<double>(got(i, all, j)), line, {n / 3}, false);
      std::vector<double> taken;
      for (const std::int64_t place : elements<std::int64_t>(places(i, all, j)))
        taken.push_back(line[static_cast<std::size_t>(place)]);
      expect_partition(taken, line, {n / 3}, false);
    }
  }
  const Array flat = partition(x, {-5}, {.axis = none});
  EXPECT_EQ(flat.shape(), (Shape{12 * n}));
  expect_partition(elements<double>(flat), elements<double>(x), {-5}, false);
}

TEST(PartitionTest, OutMayBeTheArrayItself) {
  for (const std::int64_t n : {2000, 200'000}) {
    const std::vector<double> in = made<double>(0, static_cast<std::size_t>(n) + 64);
    const Array x = from_vector(in), part = x(slice(32, 32 + n)), was = x.copy();
    EXPECT_TRUE(shares_memory(partition(part, n / 2, {.out = part}), part));
    const std::vector<double> before(in.begin() + 32, in.end() - 32);
    expect_partition(elements<double>(part), before, {n / 2}, false);
    EXPECT_TRUE(sorted_bits(elements<double>(part)) == sorted_bits(before));
    EXPECT_TRUE(array_equal(x(slice(32)), was(slice(32)), true));
    EXPECT_TRUE(array_equal(x(slice(32 + n, none)), was(slice(32 + n, none)), true));
  }
}

/// What goes by positions: the kth rows are those of a sort, and rows on either side compare so.
TEST(PartitionTest, StructuresTextTimesAndComplex) {
  const std::int64_t n = 9000;
  std::mt19937_64 random(3);
  const Array rows = zeros({n}, DType::parse("a:i4,b:f8")), text = zeros({n}, DType::str(9));
  for (std::int64_t i = 0; i < n; ++i) {
    fill(rows(i)["a"], static_cast<std::int64_t>(random() % 500)),
        fill(rows(i)["b"], static_cast<double>(random() % 9));
    fill(text(i), (i % 3 != 0 ? "common-" : "") + std::to_string(random() % 100));
  }
  const Array times = from_vector(made<double>(6, static_cast<std::size_t>(n)));
  const Array stamps = astype(times, int64, {.casting = Casting::unsafe}).view_as(DType::parse("M8[s]")).copy();
  fill(stamps.view_as(int64)(slice(10, 40)), std::numeric_limits<std::int64_t>::min());  // NaT
  const Array twice = astype(from_vector(made<double>(1, static_cast<std::size_t>(n))), complex128);
  for (const Array& x : {rows, text, stamps, twice}) {
    const SortOptions by{.order =
                             x.dtype().is_structured() ? std::vector<std::string>{"b"} : std::vector<std::string>()};
    const Array sorted = sort(x, by);
    for (const Places& kth : {Places{n / 2}, Places{0, n - 1}, Places{n / 2, n / 2 + 20, -3}}) {
      SCOPED_TRACE(x.dtype().name() + ", first " + std::to_string(kth[0]));
      const Array got = partition(x, kth, by), places = argpartition(x, kth, by);
      EXPECT_TRUE(array_equal(sort(got, by), sorted, true));
      std::int64_t low = 0;
      for (std::int64_t k : kth) {
        k = k < 0 ? k + n : k;
        EXPECT_TRUE(array_equal(got(k), sorted(k), true)) << k;
        EXPECT_TRUE(array_equal(x(places.at<std::int64_t>(k)), sorted(k), true)) << k;
        EXPECT_TRUE(array_equal(sort(got(slice(low, k + 1)), by), sorted(slice(low, k + 1)), true)) << k;
        low = k;
      }
    }
  }
}

TEST(PartitionTest, StableIsSorted) {
  const Array x = from_vector(made<double>(0, 5000));
  EXPECT_TRUE(array_equal(partition(x, 3, {.stable = true}), sort(x, {.stable = true}), true));
  EXPECT_TRUE(array_equal(argpartition(x, 3, {.stable = true}), argsort(x)));
}

TEST(PartitionTest, BadInput) {
  using test::code_of;
  const Array x = array({3, 1, 2}, int32), out = zeros({3}, int32), none_at_all = zeros({0});
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, Places{0, 3})); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, -4)); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(none_at_all, 0)); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { static_cast<void>(argpartition(x, 3)); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, 0, {.axis = 1})); }), Error::Axis);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, 0, {.order = {"a"}})); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, 0, {.threads = -1})); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, 3, {.out = out})); }), Error::IndexBounds);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, 0, {.out = zeros({3})})); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(partition(x, 0, {.out = zeros({2}, int32)})); }), Error::ShapeMismatch);
  EXPECT_TRUE(array_equal(out, zeros({3}, int32)));
}

}  // namespace
}  // namespace ndshare
