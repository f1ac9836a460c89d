// Order statistics and counts by bins.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/reduce.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace ndshare {

/// Options of median, quantile and percentile.
struct QuantileOptions {
  Axes axis{};  ///< all (the default), one or several
  bool keepdims = false;
  std::optional<Array> out{};  ///< as in OpOptions
  int threads = 0;
};

// Dtypes: real numbers and bool; integers and bool → float64, floats unchanged.
// Errors: Axis, DtypeMismatch, ShapeMismatch and ReadOnly for `out`, MemoryGuard, Memory, Usage (negative threads). On
// an error `out` is unchanged.
// Threads: safe; parallel inside.
// Memory: `out` may overlap x. Long lines take a byte an element of scratch (keys are counted in buckets, and just the
// buckets that matter are sorted); lines that do not lie contiguous are copied, and results on their way to `out`
// (ledger: `ordered`).

/// The middle of the sorted elements, or the mean of the two middle ones. NaN where one is, and of nothing.
NDSHARE_API Array median(const Array& x, const QuantileOptions& options = {});
/// The value below which the fraction q of the elements lies: at position q·(n − 1) of the sorted ones, linear between
/// two.
///   Shapes: q's, then x without the axes.   Accuracy: 2 ULP of the larger neighbour.   Errors: also Usage for q
///   outside [0, 1] or NaN. Source: Hyndman and Fan, Sample Quantiles in Statistical Packages, definition 7.
NDSHARE_API Array quantile(const Array& x, const Array& q, const QuantileOptions& options = {});
NDSHARE_API Array quantile(const Array& x, double q, const QuantileOptions& options = {});
/// The same with q in percent, from 0 to 100.
NDSHARE_API Array percentile(const Array& x, const Array& q, const QuantileOptions& options = {});
NDSHARE_API Array percentile(const Array& x, double q, const QuantileOptions& options = {});

/// Options of histogram.
struct HistogramOptions {
  std::optional<std::pair<double, double>> range{};  ///< of equal bins; none: the smallest and the largest element
  std::optional<Array> weights{};                    ///< real, of x's shape: what each element counts
  bool density = false;                              ///< divide by the total and the bins' widths
  int threads = 0;
};
struct Histogram {
  Array counts, edges;  ///< (n), (n + 1)
};
/// How many elements of x, of any shape, lie in each bin [edge, next edge); the last bin has its end too. Elements
/// outside and NaN are not counted.
///   Dtypes: real numbers and bool → int64; float64 with weights or density. Edges: float64, or as given.
///   Errors: DtypeMismatch, ShapeMismatch (weights, edges of other than one axis), MemoryGuard, Memory, Usage (fewer
///   than one bin; edges
///     that fall or are NaN; a range that is not finite, or whose ends are the wrong way round).
///   Threads: safe; parallel inside; the same bits for any number of them.
[[nodiscard]] NDSHARE_API Histogram histogram(const Array& x, std::int64_t bins = 10,
                                              const HistogramOptions& options = {});
[[nodiscard]] NDSHARE_API Histogram histogram(const Array& x, const Array& edges, const HistogramOptions& options = {});

/// Options of bincount.
struct BincountOptions {
  std::optional<Array> weights{};  ///< real, of x's shape
  std::int64_t minlength = 0;
  int threads = 0;
};
/// How often each number 0, 1, 2 … stands in x; or the sum of its weights.
///   Shapes: (n) → (max(x) + 1), `minlength` at least.   Dtypes: integers and bool → int64; float64 with weights.
///   Errors: DtypeMismatch (floats), ShapeMismatch, IndexBounds (a negative element), Usage (minlength below 0),
///   MemoryGuard, Memory.
[[nodiscard]] NDSHARE_API Array bincount(const Array& x, const BincountOptions& options = {});

}  // namespace ndshare
