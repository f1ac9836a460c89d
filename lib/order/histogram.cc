// histogram and bincount: parts of the array counted apart, then added.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/statistics.h>

#include "lib/array/element.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/order/lines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

constexpr std::size_t kBinPiece = 1024;

void require_real(std::string_view what, const Array& x) {
  if (x.dtype().is_numeric() && !x.dtype().is_complex()) return;
  throw Error(Error::DtypeMismatch, std::string(what) + " takes real numbers, not " + x.dtype().name());
}

/// Elements as doubles.
void load_numbers(const Array& x, std::size_t low, std::size_t n, double* to) noexcept {
  visit_numeric(x.dtype().id(), [&]<class T>() {
    const std::byte* from = x.data() + low * sizeof(T);
    for (std::size_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<T, Half>) {
        to[i] = static_cast<double>(static_cast<float>(load_lane<T>(from + i * sizeof(T))));
      } else if constexpr (std::is_arithmetic_v<T>) {
        to[i] = static_cast<double>(load_lane<T>(from + i * sizeof(T)));
      }
    }
  });
}

std::optional<Array> checked_weights(std::string_view what, const Array& x, const std::optional<Array>& weights) {
  if (!weights) return std::nullopt;
  require_real(what, *weights);
  if (weights->shape() == x.shape()) return dense(*weights);
  throw Error(Error::ShapeMismatch, std::string(what) + ": weights have shape " + weights->shape().str() +
                                        ", the elements " + x.shape().str());
}

/// Adds up what falls into bins: each part of the elements has its own sums, which are joined in order. Parts are cut
/// by sizes alone, so sums of weights have the same bits for any number of threads.
///   Find: find(low, n, std::int64_t* bins) gives the bins of elements, −1 for none.
template <class Sum, class Find>
Array add_up(std::int64_t bins, std::int64_t size, const std::optional<Array>& weights, int threads, const Find& find) {
  Array out = zeros({bins}, dtype_of<Sum>());
  const auto width = static_cast<std::size_t>(bins), n = static_cast<std::size_t>(size);
  const std::size_t most = std::clamp<std::size_t>((std::size_t{1} << 22) / std::max<std::size_t>(width, 1), 1, 64);
  const std::size_t parts = std::clamp<std::size_t>(n >> 16, 1, most);
  std::vector<Sum> sums((parts - 1) * width);
  Sum* joined = out.as_span<Sum>().data();
  parallel_blocks(parts, threads, [&](std::size_t part) {
    Sum* own = part == 0 ? joined : sums.data() + (part - 1) * width;
    std::array<std::int64_t, kBinPiece> at;
    std::array<double, kBinPiece> weight;
    const std::size_t end = n * (part + 1) / parts;
    for (std::size_t low = n * part / parts; low < end; low += kBinPiece) {
      const std::size_t some = std::min(kBinPiece, end - low);
      find(low, some, at.data());
      if (weights) load_numbers(*weights, low, some, weight.data());
      for (std::size_t i = 0; i < some; ++i) {
        if (at[i] >= 0) own[at[i]] += weights ? static_cast<Sum>(weight[i]) : Sum{1};
      }
    }
  });
  for (std::size_t part = 1; part < parts; ++part) {
    for (std::size_t bin = 0; bin < width; ++bin) joined[bin] += sums[(part - 1) * width + bin];
  }
  return out;
}

template <class Find>
Array add_up_any(std::int64_t bins, std::int64_t size, const std::optional<Array>& weights, int threads,
                 const Find& find) {
  if (weights) return add_up<double>(bins, size, weights, threads, find);
  return add_up<std::int64_t>(bins, size, weights, threads, find);
}

std::pair<double, double> find_range(const Array& x, const HistogramOptions& options) {
  std::pair<double, double> out{0, 1};
  if (options.range) {
    out = *options.range;
    if (!std::isfinite(out.first) || !std::isfinite(out.second) || out.first > out.second) {
      throw Error(Error::Usage, "histogram: the range from " + std::to_string(out.first) + " to " +
                                    std::to_string(out.second) + " must be finite and rise");
    }
  } else if (x.size() != 0) {
    const auto end = [&](const Array& value) {
      double number = 0;
      load_numbers(value, 0, 1, &number);
      return number;
    };
    out = {end(min(x, {.threads = options.threads})), end(max(x, {.threads = options.threads}))};
    if (!std::isfinite(out.first) || !std::isfinite(out.second)) {
      throw Error(Error::Usage, "histogram: the elements reach from " + std::to_string(out.first) + " to " +
                                    std::to_string(out.second) + ": give a finite range");
    }
  }
  if (out.first == out.second) out = {out.first - 0.5, out.second + 0.5};
  return out;
}

/// Bins of equal width: computed, then put right by the edges themselves, as NumPy does.
void find_equal(const double* values, std::size_t n, std::span<const double> edges, double norm,
                std::int64_t* bins) noexcept {
  const auto count = static_cast<std::int64_t>(edges.size()) - 1;
  const double first = edges.front(), last = edges.back();
  for (std::size_t i = 0; i < n; ++i) {
    const double value = values[i];
    if (!(value >= first && value <= last)) {
      bins[i] = -1;
      continue;
    }
    std::int64_t at = std::clamp<std::int64_t>(static_cast<std::int64_t>((value - first) * norm), 0, count - 1);
    const auto place = static_cast<std::size_t>(at);
    at -= value < edges[place] ? 1 : 0;
    at += value >= edges[place + 1] && at != count - 1 ? 1 : 0;
    bins[i] = at;
  }
}

void find_between(const double* values, std::size_t n, std::span<const double> edges, std::int64_t* bins) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const bool inside = values[i] >= edges.front() && values[i] <= edges.back();
    const auto above = std::upper_bound(edges.begin(), edges.end(), values[i]) - edges.begin();
    bins[i] = inside ? std::min<std::int64_t>(above, static_cast<std::int64_t>(edges.size()) - 1) - 1
                     : -1;  // the last bin has its end
  }
}

Array as_density(const Array& counts, const std::vector<double>& edges) {
  Array out = astype(counts, float64, {.casting = Casting::unsafe});
  const auto values = out.as_span<double>();
  double total = 0;
  for (const double value : values) total += value;
  for (std::size_t bin = 0; bin < values.size(); ++bin)
    values[bin] = values[bin] / (edges[bin + 1] - edges[bin]) / total;
  return out;
}

std::vector<double> checked_edges(const Array& edges) {
  require_real("histogram: edges", edges);
  if (edges.ndim() != 1)
    throw Error(Error::ShapeMismatch, "histogram: edges have shape " + edges.shape().str() + ", not one axis");
  if (edges.size() < 2)
    throw Error(Error::Usage, "histogram: " + std::to_string(edges.size()) + " edges: give 2 or more");
  std::vector<double> out(static_cast<std::size_t>(edges.size()));
  load_numbers(dense(edges), 0, out.size(), out.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!std::isnan(out[i]) && (i == 0 || out[i - 1] <= out[i])) continue;
    throw Error(Error::Usage, "histogram: edge " + std::to_string(i) + " is " + std::to_string(out[i]) +
                                  ": edges must rise and not be NaN");
  }
  return out;
}

}  // namespace
}  // namespace internal

Histogram histogram(const Array& x, std::int64_t bins, const HistogramOptions& options) {
  internal::check_threads(options.threads);
  internal::require_real("histogram", x);
  if (bins < 1) throw Error(Error::Usage, "histogram: " + std::to_string(bins) + " bins: give 1 or more");
  const auto weights = internal::checked_weights("histogram", x, options.weights);
  internal::check_result_memory("histogram", {bins}, 16, {});
  const auto [first, last] = internal::find_range(x, options);
  const Array edges = linspace(first, last, bins + 1), own = internal::dense(x);
  const auto bounds = edges.as_span<const double>();
  const double norm = static_cast<double>(bins) / (last - first);
  const Array counts = internal::add_up_any(bins, x.size(), weights, options.threads,
                                            [&](std::size_t low, std::size_t n, std::int64_t* at) {
                                              std::array<double, internal::kBinPiece> values;
                                              internal::load_numbers(own, low, n, values.data());
                                              internal::find_equal(values.data(), n, bounds, norm, at);
                                            });
  return {options.density ? internal::as_density(counts, {bounds.begin(), bounds.end()}) : counts, edges};
}

Histogram histogram(const Array& x, const Array& edges, const HistogramOptions& options) {
  internal::check_threads(options.threads);
  internal::require_real("histogram", x);
  const auto weights = internal::checked_weights("histogram", x, options.weights);
  const std::vector<double> bounds = internal::checked_edges(edges);
  internal::check_result_memory("histogram", {edges.size() - 1}, 8, {});
  const Array own = internal::dense(x);
  const Array counts = internal::add_up_any(edges.size() - 1, x.size(), weights, options.threads,
                                            [&](std::size_t low, std::size_t n, std::int64_t* at) {
                                              std::array<double, internal::kBinPiece> values;
                                              internal::load_numbers(own, low, n, values.data());
                                              internal::find_between(values.data(), n, bounds, at);
                                            });
  return {options.density ? internal::as_density(counts, bounds) : counts, edges};
}

Array bincount(const Array& x, const BincountOptions& options) {
  internal::check_threads(options.threads);
  if (!x.dtype().is_integer() && !x.dtype().is_bool()) {
    throw Error(Error::DtypeMismatch,
                "bincount counts integers, not " + x.dtype().name() + ": round and convert them with astype");
  }
  if (x.ndim() != 1)
    throw Error(Error::ShapeMismatch,
                "bincount takes one axis, not shape " + x.shape().str() + ": ravel() gives it one");
  if (options.minlength < 0)
    throw Error(Error::Usage, "bincount: minlength = " + std::to_string(options.minlength) + ": give 0 or more");
  const auto weights = internal::checked_weights("bincount", x, options.weights);
  const Array own = internal::dense(x);
  std::int64_t bins = options.minlength;
  if (x.size() != 0) {
    const Scalar low = min(own, {.threads = options.threads}).item(),
                 high = max(own, {.threads = options.threads}).item();
    const auto* least = std::get_if<std::int64_t>(&low.value());
    if (least != nullptr && *least < 0) {
      throw Error(Error::IndexBounds,
                  "bincount: there is a " + std::to_string(*least) + ": elements are numbers from 0 on",
                  {{"element", std::to_string(*least)}});
    }
    const auto* most = std::get_if<std::uint64_t>(&high.value());
    const auto largest = most != nullptr       ? static_cast<std::int64_t>(*most >> 1)
                         : x.dtype().is_bool() ? std::int64_t{high.as<bool>()}
                                               : high.as<std::int64_t>();
    internal::check_result_memory("bincount", {std::max(bins, std::min(largest, INT64_MAX / 16) + 1)}, 8,
                                  std::span(&x, 1));
    bins = std::max(bins, largest + 1);
  }
  internal::check_result_memory("bincount", {bins}, 8, std::span(&x, 1));
  return internal::add_up_any(
      bins, x.size(), weights, options.threads, [&](std::size_t low, std::size_t n, std::int64_t* at) {
        visit_numeric(own.dtype().id(), [&]<class T>() {
          if constexpr (std::is_integral_v<T>) {
            for (std::size_t i = 0; i < n; ++i)
              at[i] = static_cast<std::int64_t>(internal::load_lane<T>(own.data() + (low + i) * sizeof(T)));
          }
        });
      });
}

}  // namespace ndshare
