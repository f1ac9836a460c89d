// median, quantile, percentile: elements of given ranks, without sorting the rest.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/ops.h>
#include <ndshare/statistics.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/kernels/sort.h"
#include "lib/order/buckets.h"
#include "lib/order/lines.h"
#include "lib/order/order_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

constexpr std::size_t kLong = std::size_t{1} << 17;

/// Where a result lies between the elements of two ranks.
struct Point {
  std::size_t low = 0, high = 0;  ///< numbers in the list of ranks
  double share = 0;               ///< of the way from one to the other
};

/// The ranks that are needed of a line of n, rising and each once; and how results come from them.
struct Ranks {
  std::vector<std::size_t> ranks{};
  std::vector<Point> points{};

  void add(std::size_t low, std::size_t high, double share) {
    points.push_back({low, high, share});
    ranks.push_back(low), ranks.push_back(high);
  }
  /// Ranks in points become their places in the list.
  void settle(std::size_t n) {
    ranks.push_back(n - 1);  // NaNs are last: this one says whether there are any
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    const auto place = [&](std::size_t rank) {
      return static_cast<std::size_t>(std::lower_bound(ranks.begin(), ranks.end(), rank) - ranks.begin());
    };
    for (Point& point : points) point.low = place(point.low), point.high = place(point.high);
  }
};

Ranks ranks_of_median(std::size_t n) {
  Ranks out;
  out.add((n - 1) / 2, n / 2, 0.5);
  out.settle(n);
  return out;
}
Ranks ranks_of_quantiles(std::span<const double> q, std::size_t n) {
  Ranks out;
  for (const double fraction : q) {
    const double at = fraction * static_cast<double>(n - 1), low = std::floor(at);
    const auto rank = std::min(static_cast<std::size_t>(low), n - 1);
    out.add(rank, std::min(rank + 1, n - 1), at - low);
  }
  out.settle(n);
  return out;
}

/// Between a and b, exact at the ends and where they are equal.
double between(double a, double b, double share, bool middle) noexcept {
  if (a == b) return a;
  if (middle) {
    const double sum = a + b;
    return std::isinf(sum) && std::isfinite(a) && std::isfinite(b) ? a / 2 + b / 2 : sum / 2;
  }
  const double step = b - a;
  return share < 0.5 ? a + step * share : b - step * (1 - share);
}

/// The keys of some ranks of one line.
template <class Map>
class Selection {
 public:
  using Key = typename Map::Key;

  Selection(const Map& map, const std::byte* items, std::size_t n, int threads)
      : map_(map), items_(items), n_(n), threads_(threads) {}

  std::vector<Key> run(const std::vector<std::size_t>& ranks) const {
    std::vector<Key> out;
    if (n_ >= kLong && sizeof(Key) > 1) return from_buckets(ranks);
    std::vector<Key> keys(n_ + kSortPadding);
    load(0, n_, keys.data());
    sort_some(keys.data(), n_);
    for (const std::size_t rank : ranks) out.push_back(keys[rank]);
    return out;
  }

 private:
  void load(std::size_t low, std::size_t n, Key* to) const noexcept {
    const std::byte* from = items_ + low * sizeof(Key);
    for (std::size_t i = 0; i < n; ++i) to[i] = map_.exact(load_lane<Key>(from + i * sizeof(Key)));
  }
  static void sort_some(Key* keys, std::size_t n) {
    if constexpr (sizeof(Key) == 1) {
      std::array<std::size_t, 256> counts{};
      for (std::size_t i = 0; i < n; ++i) ++counts[keys[i]];
      for (std::size_t key = 0, at = 0; key < 256; at += counts[key++])
        std::fill_n(keys + at, counts[key], static_cast<Key>(key));
    } else if (n < 24) {
      std::sort(keys, keys + n);
    } else {
      sort_keys(keys, n);
    }
  }
  std::vector<Key> from_buckets(const std::vector<std::size_t>& ranks) const {
    const auto from = [this](std::size_t low, std::size_t n, Key* to) { load(low, n, to); };
    const Buckets<Key> buckets(n_, 120, threads_, from);
    std::vector<std::uint8_t> wanted(buckets.buckets());
    std::vector<std::size_t> holders;
    std::size_t bucket = 0;
    for (const std::size_t rank : ranks) {
      while (rank >= buckets.begin(bucket) + buckets.count(bucket)) ++bucket;
      holders.push_back(bucket);
      wanted[bucket] = buckets.splitters().is_single(bucket) ? 0 : 1;
    }
    auto keys = buckets.collect(wanted, kSortPadding, from);
    parallel_blocks(wanted.size(), threads_, [&](std::size_t i) {
      if (wanted[i] != 0) sort_some(keys[i].data(), buckets.count(i));
    });
    std::vector<Key> out;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      const std::size_t at = holders[i];
      out.push_back(wanted[at] != 0 ? keys[at][ranks[i] - buckets.begin(at)] : buckets.splitters().low(at));
    }
    return out;
  }

  const Map& map_;
  const std::byte* items_;
  std::size_t n_;
  int threads_;
};

/// An element as a double, and a double as an element of the result.
double number_of(const std::byte* item, const DType& dtype) {
  double out = 0;
  visit_numeric(dtype.id(), [&]<class T>() {
    if constexpr (std::is_same_v<T, Half>) {
      out = static_cast<double>(static_cast<float>(load_lane<T>(item)));
    } else if constexpr (std::is_arithmetic_v<T>) {
      out = static_cast<double>(load_lane<T>(item));
    }
  });
  return out;
}
void put_number(std::byte* item, const DType& dtype, double value) noexcept {
  if (dtype == float64) return store_lane(item, value);
  if (dtype == float32) return store_lane(item, static_cast<float>(value));
  store_lane(item, Half::rounded(value));
}

/// x with the reduced axes last and as one; and the shapes of what is left.
struct Reduced {
  Array lines;
  Shape kept{}, with_ones{};
  std::size_t count = 1, length = 1;
};
Reduced reduce_axes(const Array& x, const Axes& axes) {
  std::vector<bool> reduced(static_cast<std::size_t>(x.ndim()), axes.is_all());
  for (const std::int64_t axis : axes.values()) {
    const auto at = static_cast<std::size_t>(normalize_axis(axis, x.ndim()));
    if (reduced[at])
      throw Error(Error::Axis, "axis " + std::to_string(axis) + " is named twice", {{"axis", std::to_string(axis)}});
    reduced[at] = true;
  }
  Dims order, last;
  Reduced out;
  for (int axis = 0; axis < x.ndim(); ++axis) {
    const bool gone = reduced[static_cast<std::size_t>(axis)];
    (gone ? last : order).push_back(axis);
    (gone ? out.length : out.count) *= static_cast<std::size_t>(x.shape()[axis]);
    if (!gone) out.kept.push_back(x.shape()[axis]);
    out.with_ones.push_back(gone ? 1 : x.shape()[axis]);
  }
  for (const std::int64_t axis : last) order.push_back(axis);
  out.lines = x.ndim() == 0 ? x : x.transpose(order);
  return out;
}

/// Results of all lines: q-th of line l at l + q·lines.
template <class MakeRanks>
void select_lines(const Reduced& reduced, const Array& out, std::size_t results, bool middle, int threads,
                  const MakeRanks& make_ranks) {
  const Array in = dense(reduced.lines);
  const DType &dtype = in.dtype(), to = out.dtype();
  std::byte* target = out.mutable_data();
  const auto put = [&](std::size_t line, std::size_t i, double value) {
    put_number(target + (i * reduced.count + line) * static_cast<std::size_t>(to.itemsize()), to, value);
  };
  if (reduced.length == 0) {
    for (std::size_t i = 0; i < results; ++i) {
      for (std::size_t line = 0; line < reduced.count; ++line) put(line, i, std::nan(""));
    }
    return;
  }
  const Ranks ranks = make_ranks(reduced.length);
  visit_map(dtype, false, [&](const auto& map) {
    const std::size_t bytes = reduced.length * static_cast<std::size_t>(in.itemsize());
    for_lines({reduced.count, reduced.length}, threads, [&](std::size_t line, int some) {
      const auto keys = Selection(map, in.data() + line * bytes, reduced.length, some).run(ranks.ranks);
      std::vector<double> values;
      for (const auto key : keys) {
        const auto bits = map.bits(key);
        values.push_back(number_of(reinterpret_cast<const std::byte*>(&bits), dtype));
      }
      for (std::size_t i = 0; i < ranks.points.size(); ++i) {
        const Point& point = ranks.points[i];
        put(line, i,
            std::isnan(values.back()) ? values.back()
                                      : between(values[point.low], values[point.high], point.share, middle));
      }
    });
  });
}

Shape joined(const Shape& first, const Shape& second) {
  Shape out = first;
  for (const std::int64_t length : second) out.push_back(length);
  return out;
}

/// Room for the results; and `out`, if there is one, can take them.
Array result_for(std::string_view what, const Array& x, const Shape& q, const Reduced& reduced,
                 const QuantileOptions& options) {
  const DType dtype = x.dtype().is_floating() ? x.dtype() : float64;
  const Shape shape = joined(q, options.keepdims ? reduced.with_ones : reduced.kept);
  if (options.out) {
    check_out(what, *options.out, shape, dtype.id());
    note_copy(CopyReason::ordered, shape.count() * dtype.itemsize());
  } else {
    check_result_memory(what, shape, dtype.itemsize(), std::span(&x, 1));
  }
  return empty(shape, dtype);
}

/// Results where they were asked for. Not sooner: `out` may overlap the elements, and an error leaves it as it was.
Array hand_over(const Array& results, const QuantileOptions& options) {
  if (!options.out) return results;
  assign_cast(*options.out, results, options.threads);
  return *options.out;
}

Reduced check_line_statistic(std::string_view what, const Array& x, const QuantileOptions& options) {
  check_threads(options.threads);
  if (!x.dtype().is_numeric() || x.dtype().is_complex()) {
    throw Error(Error::DtypeMismatch, std::string(what) + " takes real numbers, not " + x.dtype().name());
  }
  return reduce_axes(x, options.axis);
}

Array quantiles(std::string_view what, const Array& x, const Array& q, double whole, const QuantileOptions& options) {
  const Reduced reduced = check_line_statistic(what, x, options);
  if (!q.dtype().is_numeric() || q.dtype().is_complex())
    throw Error(Error::DtypeMismatch, std::string(what) + ": q is " + q.dtype().name());
  std::vector<double> fractions;
  const Array own = dense(q);
  for (std::int64_t i = 0; i < q.size(); ++i) {
    const double value = number_of(own.data() + i * own.itemsize(), own.dtype());
    if (!(value >= 0 && value <= whole)) {
      throw Error(
          Error::Usage,
          std::string(what) + ": q = " + std::to_string(value) + " is not between 0 and " + (whole == 1 ? "1" : "100"),
          {{"q", std::to_string(value)}});
    }
    fractions.push_back(value / whole);
  }
  return with_scratch(what, [&] {
    const Array results = result_for(what, x, q.shape(), reduced, options);
    if (results.size() != 0) {
      select_lines(reduced, results, fractions.size(), false, options.threads,
                   [&](std::size_t n) { return ranks_of_quantiles(fractions, n); });
    }
    return hand_over(results, options);
  });
}

}  // namespace
}  // namespace internal

Array median(const Array& x, const QuantileOptions& options) {
  const internal::Reduced reduced = internal::check_line_statistic("median", x, options);
  return internal::with_scratch("median", [&] {
    const Array results = internal::result_for("median", x, {}, reduced, options);
    if (results.size() != 0)
      internal::select_lines(reduced, results, 1, true, options.threads, internal::ranks_of_median);
    return internal::hand_over(results, options);
  });
}

Array quantile(const Array& x, const Array& q, const QuantileOptions& options) {
  return internal::quantiles("quantile", x, q, 1, options);
}
Array quantile(const Array& x, double q, const QuantileOptions& options) {
  return quantile(x, scalar_array(q, float64), options);
}
Array percentile(const Array& x, const Array& q, const QuantileOptions& options) {
  return internal::quantiles("percentile", x, q, 100, options);
}
Array percentile(const Array& x, double q, const QuantileOptions& options) {
  return percentile(x, scalar_array(q, float64), options);
}

}  // namespace ndshare
