// ndshare top: what a store does, live; or one frame of it for scripts.
#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <thread>

#include <ndshare/error.h>

#include "tools/cli/claims.h"
#include "tools/cli/table.h"
#include "tools/cli/top_data.h"
#include "tools/cli/top_frame.h"
#include "tools/cli/top_screen.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct TopFlags {
  bool once = false;
  std::string page = "clients", sort, filter, delay = "1";
};

/// Errors: Usage: a key that the page does not have.
TopView view_of(const TopFlags& flags) {
  TopView view;
  view.delay_s = parse_seconds(flags.delay, "--delay");
  if (view.delay_s < 0.05) throw Error(ErrorCode::Usage, "--delay: at least 0.05 s, not " + flags.delay);
  view.filter = flags.filter;
  for (int page = 0; page < kTopPages; ++page)
    if (page_name(static_cast<TopPage>(page)) == flags.page) view.page = static_cast<TopPage>(page);
  if (flags.sort.empty()) return view;
  const auto keys = sort_keys(view.page);
  if (std::find(keys.begin(), keys.end(), flags.sort) == keys.end()) {
    std::string known;
    for (const auto& key : keys) known += (known.empty() ? "" : ", ") + key;
    throw Error(ErrorCode::Usage, "--sort: " + flags.page + " are sorted by " + known + ", not '" + flags.sort + "'");
  }
  view.sort[static_cast<int>(view.page)] = flags.sort;
  return view;
}

void print_page(const TopData& data, TopView view, TopPage page, Context& context) {
  view.page = page;
  const auto table = page_table(data, view);
  std::vector<Column> columns;
  for (const auto& column : table.columns)
    columns.push_back({.title = column.title, .right = column.right, .shortest = column.width == 0 ? 8U : 0U});
  Table out(columns);
  for (const auto& row : table.rows) out.add(row);
  context.out << '\n';
  print_fitted(out, false, context);
}

/// Two looks, so that there are rates, and every page below one another.
int print_once(const TopView& view, Context& context) {
  const auto before = look(context.store);
  std::this_thread::sleep_for(std::chrono::duration<double>(view.delay_s));
  const auto data = compare(before, look(context.store));
  if (context.json) return print_json(context.out, to_json(data)), 0;
  for (const auto& line : summary(data, view, context.width > 0 ? context.width : 80)) context.out << line.text << '\n';
  for (int page = 0; page < kTopPages; ++page) print_page(data, view, static_cast<TopPage>(page), context);
  return 0;
}

/// Looks again; a store that is gone for a moment (its daemon is restarted) leaves the last picture, with a note.
void look_again(const Context& context, TopLook& last, TopData& data) {
  try {
    auto now = look(context.store);
    data = compare(last, now);
    last = std::move(now);
  } catch (const Error& error) {
    data.note = error.message();
  }
}

void handle(const TopScreen::Pressed& pressed, const TopData& data, TopView& view, int height, bool& leave) {
  if (view.typing && pressed.character != 0) return type(view, pressed.character);
  if (!view.typing) leave = !apply(pressed.key, data, view, height);
}

int run_live(TopView view, Context& context) {
  auto last = look(context.store);
  auto data = compare(last, last);
  TopScreen screen;
  auto next = Clock::now() + std::chrono::milliseconds(200);  // the first rates soon
  bool leave = false;
  while (!leave && !TopScreen::is_interrupted()) {
    screen.draw(frame(data, view, screen.width(), screen.height()));
    const double left = std::chrono::duration<double>(next - Clock::now()).count();
    handle(screen.wait_key(std::clamp(left, 0.0, 60.0)), data, view, screen.height(), leave);
    if (Clock::now() < next) continue;
    if (!view.paused) look_again(context, last, data);
    next = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(view.delay_s));
  }
  return 0;
}

std::vector<std::string> page_names() {
  std::vector<std::string> names;
  for (int page = 0; page < kTopPages; ++page) names.emplace_back(page_name(static_cast<TopPage>(page)));
  return names;
}

int top(const TopFlags& flags, Context& context) {
  const auto view = view_of(flags);
  if (context.json && !flags.once) throw Error(ErrorCode::Usage, "top: --json is for one frame: add --once");
  static_cast<void>(inspect(context));  // no such store: with the way to start one
  return flags.once ? print_once(view, context) : run_live(view, context);
}

}  // namespace

Logic setup_top(Flags& flags) {
  auto chosen = std::make_shared<TopFlags>();
  flags.flag(chosen->once, "--once", "print one frame, all pages, and end");
  flags.choice(chosen->page, "--page", page_names(), "the page to begin with");
  flags.text(chosen->sort, "--sort", "key of that page, as bytes, heat, age");
  flags.text(chosen->filter, "--filter", "text, or pattern, in names and commands");
  flags.text(chosen->delay, "--delay", "seconds between two looks (1)");
  return [chosen](Context& context) { return top(*chosen, context); };
}

}  // namespace ndshare::cli
