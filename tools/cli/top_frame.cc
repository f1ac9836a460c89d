#include "tools/cli/top_frame.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lib/base/text.h"
#include "tools/cli/table.h"

namespace ndshare::cli {
namespace {

using internal::format_bytes;
using internal::format_seconds;

constexpr int kHeadRows = 5;  ///< summary and titles above a table's rows
constexpr int kFootRows = 1;

std::string padded(const std::string& text, int width, bool right) {
  const auto wide = static_cast<std::size_t>(std::max(width, 1));
  const auto cut = cut_text(text, wide);
  const std::string padding(wide - text_width(cut), ' ');
  return right ? padding + cut : cut + padding;
}

std::string row_text(const std::vector<TopTable::Column>& columns, const std::vector<std::string>& cells, int width) {
  int fixed = 0;
  for (const auto& column : columns) fixed += column.width + 1;
  std::string out;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const int room = columns[c].width != 0 ? columns[c].width : std::max(width - fixed, 8);
    out += (c == 0 ? "" : " ") + padded(cells[c], room, columns[c].right);
  }
  return out;
}

/// Memory in a row of cells: '#' live, '+' held by somebody though removed or old, ':' free but warm, '.' free.
std::string memory_bar(const admin::PoolInfo& pool, int cells) {
  const auto part = [&](std::uint64_t bytes) {
    if (pool.capacity_bytes == 0) return 0;
    return static_cast<int>(std::lround(static_cast<double>(bytes) / static_cast<double>(pool.capacity_bytes) * cells));
  };
  const auto pending = std::min(pool.pending_bytes, pool.used_bytes);
  std::string bar(static_cast<std::size_t>(std::clamp(part(pool.used_bytes - pending), 0, cells)), '#');
  const auto grow = [&](int count, char c) {
    bar += std::string(static_cast<std::size_t>(std::clamp(count, 0, cells - static_cast<int>(bar.size()))), c);
  };
  grow(part(pending), '+');
  grow(part(pool.warm_bytes), ':');
  grow(cells, '.');
  return "[" + bar + "]";
}

std::string rate_text(double value) {
  if (value >= 1e6) return internal::format_count(static_cast<std::uint64_t>(value / 1e3)) + "k";
  return internal::format_count(static_cast<std::uint64_t>(std::llround(value)));
}

std::string pids_text(const std::vector<std::uint64_t>& pids) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(pids.size(), 4); ++i)
    text += (i == 0 ? "" : ",") + std::to_string(pids[i]);
  return pids.size() > 4 ? text + ",…" : text;
}

std::string counted(std::uint64_t count, const std::string& what) {
  return internal::format_count(count) + " " + what + (count == 1 ? "" : "s");
}

TopLine title_line(const TopData& data, const TopView& view) {
  const auto& status = data.status;
  std::string text = "ndshare top" + std::string(view.paused ? "  PAUSED" : "") + "  store " + status.store;
  if (!data.note.empty()) text += "  " + data.note;
  if (data.note.empty()) text += "  daemon " + std::to_string(status.pid) + ", up " + format_seconds(status.uptime_s);
  text += "  " + counted(status.arrays, "array") + "  " + counted(data.clients.size(), "client");
  return {text, data.note.empty() ? TopStyle::title : TopStyle::alarm};
}

TopLine table_title(const TopView& view) {
  std::string text;
  if (!view.array.empty()) {
    text = "array '" + one_line(view.array) + "'  (Esc: back)";
  } else if (view.pid != 0) {
    text = "client " + std::to_string(view.pid) + "  (Esc: back)";
  } else {
    for (int page = 0; page < kTopPages; ++page) {
      const auto name = std::to_string(page + 1) + " " + std::string(page_name(static_cast<TopPage>(page)));
      text += page == static_cast<int>(view.page) ? "[" + name + "] " : " " + name + "  ";
    }
    text += "  by " + view.sort_key() + (view.reversed ? " (reversed)" : "");
  }
  if (view.typing || (!view.filter.empty() && !view.is_drilled()))
    text += "  filter: " + one_line(view.filter) + (view.typing ? "_" : "");
  return {text, TopStyle::title};
}

std::vector<TopLine> help_lines() {
  return {{"1-" + std::to_string(kTopPages) + ", Tab      page                 Enter      into the selected row"},
          {"s             sort by the next key  Esc        back, or drop the filter"},
          {"r             reverse               /          filter: text, or a pattern (* ?)"},
          {"Space         pause                 + -        slower, faster"},
          {"arrows, PgUp, PgDn, Home, End       q, Ctrl-C  leave"},
          {"memory: # live, + removed or old but still held, : free and warm, . free"},
          {"HEAT: changes, claims through the lock a second, and claims now"},
          {"RDY LOA TAK DEA: batches ready, loaned, taken, dead letters; bcast: broadcast"},
          {"LAG: batches before the slowest consumer; P/C: producers, consumers"},
          {"any key goes on", TopStyle::faint}};
}

/// Facts of what is drilled into; its claims are the table below.
std::vector<TopLine> drill_lines(const TopData& data, const TopView& view) {
  for (const auto& row : data.arrays) {
    const auto& info = row.activity.info;
    if (view.array.empty() || info.name != view.array) continue;
    return {{one_line(compact_dtype(info.dtype)) + " " + info.shape.str() + ", " +
             format_bytes(static_cast<std::uint64_t>(info.nbytes)) + " in " + std::to_string(info.extents) +
             " extents, " + std::string(state_name(info))},
            {"version " + std::to_string(info.version) + ", revision " + std::to_string(row.activity.revision) + ", " +
             rate_text(row.changes_per_s) + " changes/s, made by " + std::to_string(info.pid) + " " +
             format_time(info.created_unix_ns)}};
  }
  for (const auto& row : data.clients) {
    const auto& info = row.info;
    if (view.pid == 0 || info.pid != view.pid) continue;
    return {{one_line(info.command) + "  uid " + std::to_string(info.uid) +
             (info.stopped ? ", stopped"
              : info.dead  ? ", dead"
                           : "") +
             ", holds " + format_bytes(info.bytes)},
            {"per s: " + rate_text(row.rates.reads) + " reads, " + rate_text(row.rates.views) + " views, " +
             rate_text(row.rates.writes) + " writes, " + rate_text(row.rates.updates) + " updates, " +
             rate_text(row.rates.waits) + " waits, copies " +
             format_bytes(static_cast<std::uint64_t>(row.rates.copied_bytes))},
            {"copied in all: unshared " + format_bytes(info.unshared_bytes) + ", updated " +
             format_bytes(info.updated_bytes) + ", appended " + format_bytes(info.appended_bytes) + ", moved " +
             format_bytes(info.moved_bytes)}};
  }
  return {{"it is gone", TopStyle::alarm}};
}

TopLine foot_line(const TopView& view) {
  if (view.typing) return {"type the filter, Enter to keep it, Esc to drop it", TopStyle::faint};
  return {
      "q quit  1-" + std::to_string(kTopPages) + " page  s sort  r reverse  / filter  Space pause  Enter into  h help",
      TopStyle::faint};
}

void add_table(const TopTable& table, const TopView& view, int width, int rows, std::vector<TopLine>& out) {
  std::vector<std::string> titles;
  for (const auto& column : table.columns) titles.push_back(column.title);
  out.push_back({row_text(table.columns, titles, width), TopStyle::header});
  const auto shown = static_cast<std::size_t>(std::max(rows, 0));
  const auto selected = std::min(view.selected, table.rows.empty() ? 0 : table.rows.size() - 1);
  const auto first = selected < shown ? 0 : selected - shown + 1;
  for (std::size_t i = first; i < std::min(table.rows.size(), first + shown); ++i)
    out.push_back(
        {row_text(table.columns, table.rows[i], width), i == selected ? TopStyle::selected : TopStyle::plain});
}

}  // namespace

std::string TopView::sort_key() const {
  const auto& chosen = sort[static_cast<int>(page)];
  return chosen.empty() ? sort_keys(page).front() : chosen;
}

std::vector<TopLine> summary(const TopData& data, const TopView& view, int width) {
  const auto& pool = data.status.pool;
  const auto& rates = data.rates;
  std::vector<TopLine> out = {title_line(data, view)};
  out.push_back({"memory " + memory_bar(pool, std::clamp(width - 40, 8, 60)) + " " + format_bytes(pool.used_bytes) +
                 " of " + format_bytes(pool.capacity_bytes)});
  out.push_back({"live " + format_bytes(pool.live_bytes) + "  warm " + format_bytes(pool.warm_bytes) + "  free " +
                 format_bytes(pool.free_bytes) + " (largest " + format_bytes(pool.largest_free_bytes) + ")  pinned " +
                 format_bytes(pool.pending_bytes) +
                 (data.pinned_by.empty() ? "" : " by " + pids_text(data.pinned_by))});
  out.push_back({"per s: " + rate_text(rates.reads) + " reads  " + rate_text(rates.views) + " views  " +
                     rate_text(rates.writes) + " writes  " + rate_text(rates.updates) + " updates  " +
                     rate_text(rates.waits) + " waits  copied " +
                     format_bytes(static_cast<std::uint64_t>(rates.copied_bytes)),
                 rates.waits > 0 ? TopStyle::alarm : TopStyle::plain});
  return out;
}

std::vector<TopLine> frame(const TopData& data, const TopView& view, int width, int height) {
  if (width < kTopMinColumns || height < kTopMinRows) {
    std::vector<TopLine> small(static_cast<std::size_t>(std::max(height, 1)));
    small[0] = {cut_text("too small", static_cast<std::size_t>(std::max(width, 1))), TopStyle::alarm};
    return small;
  }
  auto out = summary(data, view, width);
  out.push_back(table_title(view));
  if (view.help) {
    for (auto& line : help_lines()) out.push_back(std::move(line));
  } else {
    if (view.is_drilled()) {
      for (auto& line : drill_lines(data, view)) out.push_back(std::move(line));
    }
    const int room = height - static_cast<int>(out.size()) - 1 - kFootRows;
    add_table(page_table(data, view), view, width, room, out);
  }
  out.resize(static_cast<std::size_t>(height - kFootRows));
  out.push_back(foot_line(view));
  for (auto& line : out) line.text = cut_text(line.text, static_cast<std::size_t>(width));
  return out;
}

}  // namespace ndshare::cli
