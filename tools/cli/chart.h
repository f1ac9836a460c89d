/// `plot`: what is drawn, apart from how: columns with a lowest and a highest value, and the ends of the axes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ndshare/array.h>

#include "tools/cli/describe.h"

namespace ndshare::cli {

struct Chart {
  std::string title;
  bool bars = false;              ///< a histogram: from 0 up to `high`; else a line from `low` to `high`
  std::vector<double> low, high;  ///< of each column; NaN where there is nothing
  double bottom = 0, top = 1;     ///< of the y axis
  std::string bottom_text, top_text, left_text, right_text;  ///< the axes' ends
  Json json;                                                 ///< the numbers, for programs
};

/// How many lie in each of so many equal bins from the smallest to the largest finite value. Missing values (NaN, NaT)
/// and infinities are counted apart.   Errors: DType: not real numbers or times (structures: names the fields);
/// ShapeMismatch: no finite value.
[[nodiscard]] Chart histogram_chart(const Array& array, const std::string& name, std::int64_t bins);

/// A 1-d array over its index; where it is longer than `columns`, each column spans from its smallest to its largest
/// value.
///   Errors: as histogram_chart(); ShapeMismatch: not 1-d.
[[nodiscard]] Chart line_chart(const Array& array, const std::string& name, std::int64_t columns);

/// With block characters: `width` × `height` with the axes and their labels.   REQUIRES: width ≥ 24, height ≥ 4.
[[nodiscard]] std::string chart_text(const Chart& chart, int width, int height);
/// Columns that are left for bars, of so many.
[[nodiscard]] int chart_columns(int width) noexcept;

/// Writes a picture of 800 × 480; "-" is standard output.   Errors: Io.
void write_png(const Chart& chart, const std::string& file);
inline constexpr int kPictureColumns = 700;

}  // namespace ndshare::cli
