#include "tools/cli/table.h"

#include <algorithm>
#include <cstdlib>
#include <ostream>

#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

constexpr std::size_t kGap = 2;

bool is_first_byte(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

/// One line; the last column is not padded, so that no line ends in spaces.
void print_row(std::ostream& out, const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
               const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto text = text_width(cells[c]) > widths[c] ? cut_text(cells[c], widths[c]) : cells[c];
    const std::string padding(widths[c] - text_width(text), ' ');
    line += columns[c].right ? padding + text : text + padding;
    if (c + 1 < columns.size()) line += std::string(kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

}  // namespace

std::size_t text_width(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_first_byte));
}

std::string cut_text(std::string_view text, std::size_t width) {
  if (text_width(text) <= width) return std::string(text);
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (is_first_byte(text[end]) && ++seen == width) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::vector<std::size_t> Table::widths(int limit) const {
  std::vector<std::size_t> result;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t widest = text_width(columns_[c].title);
    for (const auto& row : rows_) widest = std::max(widest, text_width(row[c]));
    result.push_back(widest);
  }
  if (limit <= 0) return result;
  std::size_t total = kGap * (columns_.size() - 1);
  for (const auto width : result) total += width;
  for (; total > static_cast<std::size_t>(limit); --total) {
    std::size_t best = columns_.size();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const bool may_shrink = columns_[c].shortest != 0 && result[c] > columns_[c].shortest;
      if (may_shrink && (best == columns_.size() || result[c] > result[best])) best = c;
    }
    if (best == columns_.size()) break;  // too narrow for anything: let the terminal wrap
    --result[best];
  }
  return result;
}

void Table::print(std::ostream& out, int width) const {
  const auto fitted = widths(width);
  std::vector<std::string> titles;
  for (const auto& column : columns_) titles.push_back(column.title);
  print_row(out, columns_, fitted, titles);
  for (const auto& row : rows_) print_row(out, columns_, fitted, row);
}

int output_columns() {
  if (const char* set = std::getenv("COLUMNS")) {
    const auto columns = internal::parse_int(set);
    if (columns && *columns > 0 && *columns < 100000) return static_cast<int>(*columns);
  }
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 0;
}

}  // namespace ndshare::cli
