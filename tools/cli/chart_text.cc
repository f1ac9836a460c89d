// Charts with block characters (Unicode 2580 to 259F).
#include <algorithm>
#include <array>
#include <cmath>

#include "tools/cli/chart.h"
#include "tools/cli/table.h"

namespace ndshare::cli {
namespace {

constexpr int kGutter = 12;  ///< of the y axis's labels, with the axis

std::string right(const std::string& text, int width) {
  const auto cut = cut_text(text, static_cast<std::size_t>(width));
  return std::string(static_cast<std::size_t>(width) - text_width(cut), ' ') + cut;
}

/// Bars, an eighth of a row exact; a bar that is not 0 has an eighth at least.
std::vector<std::string> bar_rows(const Chart& chart, int columns, int height) {
  constexpr std::array<const char*, 9> parts = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto bins = static_cast<int>(chart.high.size());
  const int wide = std::max(1, columns / bins);
  std::vector<std::string> rows(static_cast<std::size_t>(height));
  for (const double value : chart.high) {
    auto eighths = static_cast<int>(std::lround(value / chart.top * height * 8));
    if (value > 0) eighths = std::max(eighths, 1);
    for (int row = 0; row < height; ++row) {
      const int filled = std::clamp(eighths - (height - 1 - row) * 8, 0, 8);
      for (int i = 0; i < wide; ++i) rows[static_cast<std::size_t>(row)] += parts[static_cast<std::size_t>(filled)];
    }
  }
  return rows;
}

/// A grid of quarters of cells.
class Quarters {
 public:
  Quarters(int columns, int rows)
      : width_(columns * 2), height_(rows * 2), set_(static_cast<std::size_t>(width_ * height_)) {}
  int width() const { return width_; }
  int height() const { return height_; }
  void fill(int x, int from, int to) {
    for (int y = std::min(from, to); y <= std::max(from, to); ++y)
      set_[static_cast<std::size_t>(y * width_ + x)] = true;
  }
  std::string row(int row) const {
    // By upper left 1, upper right 2, lower left 4, lower right 8.
    constexpr std::array<const char*, 16> cells = {" ", "▘", "▝", "▀", "▖", "▌", "▞", "▛",
                                                   "▗", "▚", "▐", "▜", "▄", "▙", "▟", "█"};
    std::string out;
    for (int x = 0; x < width_; x += 2) {
      unsigned bits = 0;
      for (int i = 0; i < 4; ++i)
        if (set_[static_cast<std::size_t>((row * 2 + i / 2) * width_ + x + i % 2)]) bits |= 1U << i;
      out += cells[bits];
    }
    return out;
  }

 private:
  int width_, height_;
  std::vector<bool> set_;
};

/// A line through the columns, each joined with the one before; gaps where there is nothing.
std::vector<std::string> line_rows(const Chart& chart, int columns, int height) {
  Quarters grid(columns, height);
  const auto y_of = [&](double value) {
    const double part = (value - chart.bottom) / (chart.top - chart.bottom);
    return std::clamp(static_cast<int>(std::lround((1 - part) * (grid.height() - 1))), 0, grid.height() - 1);
  };
  const auto count = static_cast<int>(chart.high.size());
  int before = -1;
  for (int x = 0; x < grid.width(); ++x) {
    const auto column = static_cast<std::size_t>(count >= grid.width() ? x : x * count / grid.width());
    if (std::isnan(chart.low[column])) {
      before = -1;
      continue;
    }
    const int high = y_of(chart.high[column]), low = y_of(chart.low[column]);
    grid.fill(x, high, low);
    if (before >= 0) grid.fill(x, before, std::clamp(before, high, low));
    before = (high + low) / 2;
  }
  std::vector<std::string> rows;
  for (int row = 0; row < height; ++row) rows.push_back(grid.row(row));
  return rows;
}

}  // namespace

int chart_columns(int width) noexcept { return std::max(width - kGutter, 8); }

std::string chart_text(const Chart& chart, int width, int height) {
  const int columns = chart_columns(width);
  const auto rows = chart.bars ? bar_rows(chart, columns, height) : line_rows(chart, columns, height);
  std::string out = cut_text(one_line(chart.title), static_cast<std::size_t>(width)) + "\n";
  for (int row = 0; row < height; ++row) {
    const std::string label = row == 0 ? chart.top_text : row == height - 1 ? chart.bottom_text : "";
    auto line = right(label, kGutter - 2) + (label.empty() ? " │" : " ┤") + rows[static_cast<std::size_t>(row)];
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  const auto drawn = static_cast<int>(text_width(rows.front()));
  out += std::string(kGutter - 1, ' ') + "└";
  for (int i = 0; i < drawn; ++i) out += "─";
  const auto gap = drawn - static_cast<int>(text_width(chart.left_text) + text_width(chart.right_text));
  out += "\n" + std::string(kGutter, ' ') + chart.left_text +
         std::string(static_cast<std::size_t>(std::max(gap, 1)), ' ') + chart.right_text + "\n";
  return out;
}

}  // namespace ndshare::cli
