/// `top`: from data and what the user chose to lines of text. Knows no terminal, so that frames can be tested.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/top_data.h"

namespace ndshare::cli {

inline constexpr int kTopMinColumns = 40, kTopMinRows = 10;

/// The pages, in the order of their keys 1, 2, …. A further page is a row here and a case in page_table().
enum class TopPage : std::uint8_t { clients, arrays, claims, streams };
inline constexpr int kTopPages = 4;
[[nodiscard]] std::string_view page_name(TopPage page);
/// What a page can be sorted by; the first is its default.
[[nodiscard]] std::vector<std::string> sort_keys(TopPage page);

/// What the user chose.
struct TopView {
  TopPage page = TopPage::clients;
  std::string sort[kTopPages];  ///< empty: the page's default
  bool reversed = false;
  std::string filter;   ///< text that a row's name or command must have, or a pattern with * and ?
  bool typing = false;  ///< the filter is being typed
  bool paused = false, help = false;
  std::string array;         ///< drilled into; empty: none
  std::uint64_t pid = 0;     ///< drilled into; 0: none
  std::size_t selected = 0;  ///< row
  double delay_s = 1;

  [[nodiscard]] bool is_drilled() const noexcept { return !array.empty() || pid != 0; }
  [[nodiscard]] std::string sort_key() const;
};

/// A key's meaning, by what ncurses calls it.
enum class TopKey : std::uint8_t {
  none,
  quit,
  next_page,
  page_1,
  page_2,
  page_3,
  page_4,
  sort,
  reverse,
  filter,
  pause,
  enter,
  back,
  up,
  down,
  page_up,
  page_down,
  home,
  end,
  help,
  faster,
  slower
};

/// A page's rows: filtered, in order.
struct TopTable {
  struct Column {
    std::string title;
    int width = 0;  ///< 0: what the others leave
    bool right = false;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> arrays;  ///< of each row; empty where it has none
  std::vector<std::uint64_t> pids;  ///< likewise, 0
};
[[nodiscard]] TopTable page_table(const TopData& data, const TopView& view);

enum class TopStyle : std::uint8_t { plain, title, header, selected, alarm, faint };
struct TopLine {
  std::string text;
  TopStyle style = TopStyle::plain;
};
/// Exactly `height` lines, none wider than `width`.
[[nodiscard]] std::vector<TopLine> frame(const TopData& data, const TopView& view, int width, int height);
/// The lines about the store and its memory, as wide as they need to be up to `width`.
[[nodiscard]] std::vector<TopLine> summary(const TopData& data, const TopView& view, int width);

/// What a key does; false: leave.
[[nodiscard]] bool apply(TopKey key, const TopData& data, TopView& view, int height);
/// What a character does while the filter is typed.
void type(TopView& view, char character);

}  // namespace ndshare::cli
