/// Tables for people: aligned columns that fit a terminal.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare::cli {

struct Column {
  std::string title;
  bool right = false;        ///< numbers stand right
  std::size_t shortest = 0;  ///< may be cut down to this many characters, with "…"; 0: never cut
};

/// Rows of text under titles. Only the titles are printed where there are no rows.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// REQUIRES: a cell a column.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Columns that may be cut share what is missing to fit into `width` characters, the widest giving most; 0: no limit.
  void print(std::ostream& out, int width) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths(int limit) const;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Characters of UTF-8 text (one column each).
[[nodiscard]] std::size_t text_width(std::string_view text) noexcept;
/// The first characters of `text`, the last one "…" where it was longer than `width` (at least 1).
[[nodiscard]] std::string cut_text(std::string_view text, std::size_t width);

/// Columns for tables: COLUMNS where it is set, else the terminal's, else 0.
[[nodiscard]] int output_columns();

}  // namespace ndshare::cli
