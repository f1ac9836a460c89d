// The pages of `top`: rows, their order, and what keys do to the view of them.
#include <algorithm>
#include <cmath>

#include "lib/base/text.h"
#include "tools/cli/claims.h"
#include "tools/cli/top_frame.h"

namespace ndshare::cli {
namespace {

using internal::format_bytes;

std::string rate(double value) { return internal::format_count(static_cast<std::uint64_t>(std::llround(value))); }

/// A filter without * and ? may stand anywhere in the text.
bool passes(const std::string& filter, const std::string& text) {
  if (filter.empty()) return true;
  const bool pattern = filter.find_first_of("*?") != std::string::npos;
  return pattern ? internal::glob_match(filter, text) : text.find(filter) != std::string::npos;
}

/// Puts rows in order by a number, the largest first, equal ones as they were.
template <class Row, class Key>
void order_by(std::vector<const Row*>& rows, const Key& key) {
  std::stable_sort(rows.begin(), rows.end(), [&](const Row* a, const Row* b) { return key(*a) > key(*b); });
}
template <class Row, class Key>
void order_by_text(std::vector<const Row*>& rows, const Key& key) {
  std::stable_sort(rows.begin(), rows.end(), [&](const Row* a, const Row* b) { return key(*a) < key(*b); });
}

void order(std::vector<const TopClient*>& rows, const std::string& key) {
  if (key == "pid") return order_by_text(rows, [](const TopClient& row) { return row.info.pid; });
  if (key == "command") return order_by_text(rows, [](const TopClient& row) { return row.info.command; });
  order_by(rows, [&](const TopClient& row) {
    if (key == "bytes") return static_cast<double>(row.info.bytes);
    if (key == "claims") return static_cast<double>(row.info.claims);
    if (key == "views") return static_cast<double>(row.info.views);
    if (key == "waits") return row.rates.waits + static_cast<double>(row.waiting);
    if (key == "copied") return row.rates.copied_bytes;
    return row.rates.claims();
  });
}

void order(std::vector<const TopArray*>& rows, const std::string& key) {
  if (key == "name") return order_by_text(rows, [](const TopArray& row) { return row.activity.info.name; });
  order_by(rows, [&](const TopArray& row) {
    if (key == "size") return static_cast<double>(row.activity.info.nbytes);
    if (key == "claims") return static_cast<double>(row.activity.claims);
    return row.heat();
  });
}

void order(std::vector<const admin::ClaimInfo*>& rows, const std::string& key) {
  if (key == "array") return order_by_text(rows, [](const admin::ClaimInfo& row) { return row.array; });
  if (key == "pid") return order_by_text(rows, [](const admin::ClaimInfo& row) { return row.pid; });
  order_by(rows, [&](const admin::ClaimInfo& row) {
    return key == "waiting" ? (row.waiting ? 1e12 : 0) + row.since_s : row.since_s;
  });
}

void order(std::vector<const TopStream*>& rows, const std::string& key) {
  if (key == "name") return order_by_text(rows, [](const TopStream& row) { return row.info.name; });
  order_by(rows, [&](const TopStream& row) {
    if (key == "ready") return static_cast<double>(row.info.ready);
    if (key == "dead") return static_cast<double>(row.info.dead);
    if (key == "rate") return row.published_per_s;
    if (key == "published") return static_cast<double>(row.info.published);
    return static_cast<double>(row.info.lag);
  });
}

TopTable clients_table(const TopData& data, const TopView& view) {
  std::vector<const TopClient*> rows;
  for (const auto& client : data.clients)
    if (passes(view.filter, client.info.command) || passes(view.filter, std::to_string(client.info.pid)))
      rows.push_back(&client);
  order(rows, view.sort_key());
  if (view.reversed) std::reverse(rows.begin(), rows.end());
  TopTable out;
  out.columns = {{"PID", 7, true},  {"STATE", 7},       {"BYTES", 8, true},  {"CLAIMS", 6, true}, {"VIEWS", 5, true},
                 {"WAIT", 4, true}, {"OPS/S", 9, true}, {"COPY/S", 8, true}, {"COMMAND"}};
  for (const auto* row : rows) {
    const auto& info = row->info;
    out.rows.push_back({std::to_string(info.pid),
                        info.dead           ? "dead"
                        : info.stopped      ? "stopped"
                        : row->waiting != 0 ? "waits"
                                            : "runs",
                        format_bytes(info.bytes), std::to_string(info.claims), std::to_string(info.views),
                        std::to_string(row->waiting), rate(row->rates.claims()),
                        format_bytes(static_cast<std::uint64_t>(row->rates.copied_bytes)), one_line(info.command)});
    out.arrays.emplace_back();
    out.pids.push_back(info.pid);
  }
  return out;
}

TopTable arrays_table(const TopData& data, const TopView& view) {
  std::vector<const TopArray*> rows;
  for (const auto& array : data.arrays)
    if (passes(view.filter, array.activity.info.name)) rows.push_back(&array);
  order(rows, view.sort_key());
  if (view.reversed) std::reverse(rows.begin(), rows.end());
  TopTable out;
  out.columns = {{"SIZE", 8, true}, {"HEAT", 7, true}, {"CHG/S", 7, true}, {"CLAIMS", 6, true},
                 {"WAIT", 4, true}, {"STATE", 8},      {"SHAPE", 14},      {"NAME"}};
  for (const auto* row : rows) {
    const auto& [info, revision, tickets, claims, waiting] = row->activity;
    out.rows.push_back({format_bytes(static_cast<std::uint64_t>(info.nbytes)), rate(row->heat()),
                        rate(row->changes_per_s), std::to_string(claims), std::to_string(waiting),
                        std::string(state_name(info)), info.shape.str(), one_line(info.name)});
    out.arrays.push_back(info.name);
    out.pids.push_back(0);
  }
  return out;
}

bool is_of(const admin::ClaimInfo& claim, const TopView& view) {
  if (!view.array.empty()) return claim.array == view.array;
  return view.pid == 0 || claim.pid == view.pid;
}

TopTable claims_table(const TopData& data, const TopView& view) {
  std::vector<const admin::ClaimInfo*> rows;
  for (const auto& claim : data.claims)
    if (is_of(claim, view) &&
        (view.is_drilled() || passes(view.filter, claim.array) || passes(view.filter, claim.command)))
      rows.push_back(&claim);
  const bool own_page = view.page == TopPage::claims && !view.is_drilled();
  order(rows, own_page ? view.sort_key() : "age");
  if (view.reversed) std::reverse(rows.begin(), rows.end());
  TopTable out;
  out.columns = {{"MODE", 6}, {"PID", 7, true}, {"SINCE", 8, true}, {"STATE", 20}, {"ROWS", 12}, {"ARRAY"}};
  for (const auto* row : rows) {
    out.rows.push_back({row->mode, std::to_string(row->pid), internal::format_seconds(row->since_s), claim_state(*row),
                        rows_text(row->rows), one_line(row->array)});
    out.arrays.push_back(row->array);
    out.pids.push_back(row->pid);
  }
  return out;
}

TopTable streams_table(const TopData& data, const TopView& view) {
  std::vector<const TopStream*> rows;
  for (const auto& stream : data.streams)
    if (passes(view.filter, stream.info.name)) rows.push_back(&stream);
  order(rows, view.sort_key());
  if (view.reversed) std::reverse(rows.begin(), rows.end());
  TopTable out;
  out.columns = {{"MODE", 5},      {"DTYPE", 7},      {"ROWSxDEPTH", 10, true}, {"RDY", 3, true},
                 {"LOA", 3, true}, {"TAK", 3, true},  {"DEA", 3, true},         {"LAG", 3, true},
                 {"P/C", 5, true}, {"IN/S", 6, true}, {"PUBLISHED", 9, true},   {"NAME"}};
  for (const auto* row : rows) {
    const auto& info = row->info;
    out.rows.push_back(
        {info.options.mode == StreamMode::queue ? "queue" : "bcast", one_line(compact_dtype(info.dtype)),
         std::to_string(info.options.rows) + "x" + std::to_string(info.options.depth), std::to_string(info.ready),
         std::to_string(info.loaned), std::to_string(info.taken), std::to_string(info.dead), std::to_string(info.lag),
         std::to_string(info.producers) + "/" + std::to_string(info.consumers),
         info.closed ? "closed" : rate(row->published_per_s), std::to_string(info.published), one_line(info.name)});
    out.arrays.emplace_back();
    out.pids.push_back(0);
  }
  return out;
}

void drill(const TopData& data, TopView& view) {
  const auto table = page_table(data, view);
  if (table.rows.empty()) return;
  const auto row = std::min(view.selected, table.rows.size() - 1);
  if (table.arrays[row].empty() && table.pids[row] == 0) return;  // a stream: there is no more to see
  if (view.is_drilled()) {                                        // from a client's claims to an array, and back again
    const bool to_array = view.array.empty();
    view.array = to_array ? table.arrays[row] : "";
    view.pid = to_array ? 0 : table.pids[row];
  } else if (!table.arrays[row].empty()) {
    view.array = table.arrays[row];
  } else {
    view.pid = table.pids[row];
  }
  view.selected = 0;
}

void next_sort(TopView& view) {
  const auto keys = sort_keys(view.page);
  const auto at = std::find(keys.begin(), keys.end(), view.sort_key());
  view.sort[static_cast<int>(view.page)] = at == keys.end() || at + 1 == keys.end() ? keys.front() : *(at + 1);
}

void show_page(TopView& view, int page) {
  view.page = static_cast<TopPage>(page % kTopPages);
  view.array.clear();
  view.pid = 0;
  view.selected = 0;
}

void go_back(TopView& view) {
  if (view.is_drilled()) return show_page(view, static_cast<int>(view.page));
  view.filter.clear();
}

void select(TopKey key, std::size_t rows, TopView& view, int height) {
  const auto page = static_cast<std::size_t>(std::max(height - 8, 1));
  const auto last = rows == 0 ? 0 : rows - 1;
  auto at = std::min(view.selected, last);
  if (key == TopKey::up && at > 0) --at;
  if (key == TopKey::down) ++at;
  if (key == TopKey::page_up) at -= std::min(at, page);
  if (key == TopKey::page_down) at += page;
  if (key == TopKey::home) at = 0;
  if (key == TopKey::end) at = last;
  view.selected = std::min(at, last);
}

}  // namespace

std::string_view page_name(TopPage page) {
  switch (page) {
    case TopPage::clients:
      return "clients";
    case TopPage::arrays:
      return "arrays";
    case TopPage::claims:
      return "claims";
    case TopPage::streams:
      return "streams";
  }
  return "?";
}

std::vector<std::string> sort_keys(TopPage page) {
  switch (page) {
    case TopPage::clients:
      return {"ops", "bytes", "claims", "views", "waits", "copied", "pid", "command"};
    case TopPage::arrays:
      return {"heat", "size", "claims", "name"};
    case TopPage::claims:
      return {"age", "waiting", "array", "pid"};
    case TopPage::streams:
      return {"lag", "ready", "dead", "rate", "published", "name"};
  }
  return {};
}

TopTable page_table(const TopData& data, const TopView& view) {
  if (view.is_drilled()) return claims_table(data, view);
  switch (view.page) {
    case TopPage::clients:
      return clients_table(data, view);
    case TopPage::arrays:
      return arrays_table(data, view);
    case TopPage::claims:
      return claims_table(data, view);
    case TopPage::streams:
      return streams_table(data, view);
  }
  return {};
}

bool apply(TopKey key, const TopData& data, TopView& view, int height) {
  if (key == TopKey::none) return true;
  if (view.help && key != TopKey::quit) return view.help = false, true;
  switch (key) {
    case TopKey::quit:
      return false;
    case TopKey::next_page:
      return show_page(view, static_cast<int>(view.page) + 1), true;
    case TopKey::page_1:
    case TopKey::page_2:
    case TopKey::page_3:
    case TopKey::page_4:
      return show_page(view, static_cast<int>(key) - static_cast<int>(TopKey::page_1)), true;
    case TopKey::sort:
      return next_sort(view), true;
    case TopKey::reverse:
      return view.reversed = !view.reversed, true;
    case TopKey::filter:
      return view.typing = true, view.filter.clear(), true;
    case TopKey::pause:
      return view.paused = !view.paused, true;
    case TopKey::enter:
      return drill(data, view), true;
    case TopKey::back:
      return go_back(view), true;
    case TopKey::help:
      return view.help = true, true;
    case TopKey::faster:
      return view.delay_s = std::max(view.delay_s / 2, 0.1), true;
    case TopKey::slower:
      return view.delay_s = std::min(view.delay_s * 2, 60.0), true;
    default:
      return select(key, page_table(data, view).rows.size(), view, height), true;
  }
}

void type(TopView& view, char character) {
  constexpr char kBackspace = 8, kEnter = '\n', kEscape = 27, kDelete = 127;
  if (character == kEnter || character == '\r') {
    view.typing = false;
  } else if (character == kEscape) {
    view.typing = false;
    view.filter.clear();
  } else if (character == kBackspace || character == kDelete) {
    if (!view.filter.empty()) view.filter.pop_back();
  } else if (static_cast<unsigned char>(character) >= ' ') {
    view.filter += character;
  }
  view.selected = 0;
}

}  // namespace ndshare::cli
