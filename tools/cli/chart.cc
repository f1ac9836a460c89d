#include "tools/cli/chart.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/ops.h>
#include <ndshare/print.h>
#include <ndshare/reduce.h>
#include <ndshare/statistics.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

void check_dtype(const Array& array, const std::string& name) {
  const DType& dtype = array.dtype();
  if (dtype.is_time() || (dtype.is_numeric() && !dtype.is_complex())) return;
  std::string way_out = "plot takes real numbers and times";
  if (dtype.is_structured()) {
    way_out = "name a field:";
    for (const auto& field : dtype.fields())
      way_out += " " + internal::printable(name) + "." + internal::printable(field.name);
  } else if (dtype.is_complex()) {
    way_out += "; keep its real part: ndshare eval 'x = real(…)'";
  }
  throw Error(ErrorCode::DType, "'" + internal::printable(name) + "' is of " + compact_dtype(dtype) + ": " + way_out,
              {{"dtype", dtype.to_string()}});
}

/// Values to compute with: times as their counts, everything else as it is.
Array numbers_of(const Array& array) { return array.dtype().is_time() ? array.view_as(int64) : array; }

/// Which values can be drawn; nothing where all can.
std::optional<Array> finite_mask(const Array& array) {
  if (array.dtype().is_time()) return ~isnat(array);
  if (array.dtype().is_floating()) return isfinite(array);
  return std::nullopt;
}

struct Span {
  double low = kNothing, high = kNothing;
  std::int64_t count = 0;  ///< finite ones
};

Span span_of(const Array& array) {
  Span out;
  if (array.size() == 0) return out;
  const Array x = numbers_of(array);
  const auto mask = finite_mask(array);
  out.count = mask ? count_nonzero(*mask).item<std::int64_t>() : array.size();
  if (out.count == 0) return out;
  const auto wide = [](const Array& one) { return astype(one, float64).item<double>(); };
  if (!mask) return {wide(min(x)), wide(max(x)), out.count};
  ReduceOptions low{.where = *mask}, high{.where = *mask};
  if (array.dtype().is_time()) {
    low.initial = std::numeric_limits<std::int64_t>::max(), high.initial = std::numeric_limits<std::int64_t>::min();
  } else {
    low.initial = std::numeric_limits<double>::infinity(), high.initial = -std::numeric_limits<double>::infinity();
  }
  out.low = wide(min(x, low)), out.high = wide(max(x, high));
  return out;
}

/// A value of the axis in few characters; a time in its own unit.
std::string value_text(double value, const DType& dtype) {
  if (dtype.is_time()) return element_to_string(array({Scalar(std::llround(value))}, int64).view_as(dtype)(0), {});
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::general, 6).ptr;
  return {text, end};
}

[[noreturn]] void nothing_to_draw(const std::string& name) {
  throw Error(ErrorCode::ShapeMismatch,
              "'" + internal::printable(name) + "' has no finite value: there is nothing to draw");
}

}  // namespace

Chart histogram_chart(const Array& values, const std::string& name, std::int64_t bins) {
  check_dtype(values, name);
  const auto span = span_of(values);
  if (span.count == 0) nothing_to_draw(name);
  const bool one_value = span.low == span.high;
  const double low = one_value ? span.low - 0.5 : span.low, high = one_value ? span.high + 0.5 : span.high;
  const Histogram found = histogram(numbers_of(values), bins, {.range = std::pair(low, high)});
  Chart chart;
  chart.bars = true;
  for (const auto count : found.counts.as_span<const std::int64_t>()) {
    chart.low.push_back(0);
    chart.high.push_back(static_cast<double>(count));
  }
  chart.top = std::max(1.0, *std::max_element(chart.high.begin(), chart.high.end()));
  chart.bottom_text = "0";
  chart.top_text = internal::format_count(static_cast<std::uint64_t>(chart.top));
  chart.left_text = value_text(low, values.dtype());
  chart.right_text = value_text(high, values.dtype());
  const auto left_out = values.size() - span.count;
  chart.title =
      name + ": " + internal::format_count(static_cast<std::uint64_t>(span.count)) + " values in " +
      std::to_string(bins) + " bins" +
      (left_out == 0 ? ""
                     : ", " + internal::format_count(static_cast<std::uint64_t>(left_out)) + " missing or infinite");
  chart.json = {{"kind", "histogram"},
                {"name", name},
                {"count", span.count},
                {"left_out", left_out},
                {"counts", to_json_values(found.counts)},
                {"edges", to_json_values(found.edges)}};
  return chart;
}

Chart line_chart(const Array& values, const std::string& name, std::int64_t columns) {
  check_dtype(values, name);
  if (values.ndim() != 1) {
    throw Error(ErrorCode::ShapeMismatch, "a line is drawn of one axis, '" + internal::printable(name) +
                                              "' has shape " + values.shape().str() + ": give an index, as " +
                                              internal::printable(name) + "[0], or --kind histogram");
  }
  Chart chart;
  Json points = Json::array();
  const std::int64_t size = values.shape(0), count = std::min(size, columns);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (std::int64_t c = 0; c < count; ++c) {
    const auto first = size * c / count, last = size * (c + 1) / count;
    const auto span = span_of(values(slice(first, last)));
    chart.low.push_back(span.low);
    chart.high.push_back(span.high);
    points.push_back({{"first", first}, {"last", last}, {"min", span.low}, {"max", span.high}});
    if (span.count != 0) low = std::min(low, span.low), high = std::max(high, span.high);
  }
  if (low > high) nothing_to_draw(name);
  chart.bottom = low, chart.top = high;
  if (low == high) chart.bottom -= 0.5, chart.top += 0.5;
  chart.bottom_text = value_text(chart.bottom, values.dtype()), chart.top_text = value_text(chart.top, values.dtype());
  chart.left_text = "0", chart.right_text = std::to_string(size - 1);
  chart.title = name + ": " + internal::format_count(static_cast<std::uint64_t>(size)) + " values";
  chart.json = {{"kind", "line"}, {"name", name}, {"count", size}, {"columns", points}};
  return chart;
}

}  // namespace ndshare::cli
