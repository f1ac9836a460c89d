// ndshare log: what the daemon wrote down, with or without a daemon.
#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <thread>

#include <ndshare/error.h>
#include <ndshare/telemetry.h>

#include "lib/base/text.h"
#include "lib/base/wall_clock.h"
#include "tools/cli/describe.h"
#include "tools/cli/since.h"
#include "tools/cli/telemetry.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(100);

struct LogFlags {
  std::uint32_t lines = 0;  ///< 0: all
  std::string since;
  std::vector<std::string> events;
  bool follow = false;
};

Json event_json(const admin::EventInfo& event) {
  Json json = {{"sequence", event.sequence}, {"unix_ns", event.unix_ns}, {"time", format_time(event.unix_ns)}, {"event", event.event}};
  json["client"] = event.slot ? Json(*event.slot) : Json();
  json["pid"] = event.pid ? Json(*event.pid) : Json();
  for (const auto& [name, value] : event.numbers) json[name] = value;
  json["text"] = event.text;
  return json;
}

std::string number_text(const std::string& name, std::uint64_t value) {
  std::string label = name;
  for (char& letter : label) letter = letter == '_' ? ' ' : letter;
  if (name == "error") return "error " + std::string(error_name(static_cast<ErrorCode>(value)));
  if (!name.ends_with("_bytes")) return label + " " + std::to_string(value);
  return label.substr(0, label.size() - 6) + " " + internal::format_bytes(value);
}

/// "2026-11-23 02:15:00  sweep      #3 pid 4711  claims 2, freed 1.5 MiB: python3".
std::string event_line(const admin::EventInfo& event) {
  std::string kind = event.event;
  kind.resize(std::max<std::size_t>(kind.size(), 9), ' ');
  std::string line = format_time(event.unix_ns) + "  " + kind + " ";
  if (event.slot) line += " #" + std::to_string(*event.slot);
  if (event.pid) line += " pid " + std::to_string(*event.pid);
  std::string numbers;
  for (const auto& [name, value] : event.numbers) {
    if (value == 0) continue;  // what did not happen needs no words
    numbers += (numbers.empty() ? "  " : ", ") + number_text(name, value);
  }
  line += numbers;
  if (!event.text.empty()) line += (numbers.empty() ? "  " : ": ") + one_line(event.text);
  return line;
}

void check_kinds(const std::vector<std::string>& kinds) {
  const auto& known = admin::event_kinds();
  for (const auto& kind : kinds) {
    if (std::ranges::find(known, kind) != known.end()) continue;
    std::string all;
    for (const auto& name : known) all += (all.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::Usage, "log: no event is called '" + internal::printable(kind) + "'; there are " + all);
  }
}

class LogPrinter {
 public:
  LogPrinter(const LogFlags& flags, Context& context) : flags_(flags), context_(context) {
    check_kinds(flags.events);
    if (!flags.since.empty()) since_ns_ = parse_since(flags.since, internal::unix_now_ns());
  }

  int run() {
    const auto reader = with_way_to_start(context_, [&] { return admin::EventReader(context_.store); });
    auto events = wanted(reader.read());
    if (flags_.lines != 0 && events.size() > flags_.lines) {
      events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(flags_.lines));
    }
    print(events);
    return flags_.follow ? follow(reader) : 0;
  }

 private:
  /// Those that were asked for; remembers the last number of all.
  std::vector<admin::EventInfo> wanted(std::vector<admin::EventInfo> events) {
    if (!events.empty()) last_ = events.back().sequence;
    std::erase_if(events, [&](const admin::EventInfo& event) {
      const bool other = !flags_.events.empty() && std::ranges::find(flags_.events, event.event) == flags_.events.end();
      return other || event.unix_ns < since_ns_;
    });
    return events;
  }

  void print(const std::vector<admin::EventInfo>& events) {
    if (context_.json && !flags_.follow) {
      Json list = Json::array();
      for (const auto& event : events) list.push_back(event_json(event));
      return print_json(context_.out, list);
    }
    for (const auto& event : events) {
      if (context_.json) {
        print_json(context_.out, event_json(event));
      } else {
        context_.out << event_line(event) << '\n';
      }
    }
    context_.out.flush();
  }

  /// Until the store's memory is removed, or nobody reads.
  int follow(const admin::EventReader& reader) {
    while (context_.out.good()) {
      const bool exists = reader.exists();  // ahead of the last look: what was written before the end is seen
      print(wanted(reader.read(last_)));
      if (!exists) {
        context_.err << "ndshare: the store's memory was removed\n";
        return 0;
      }
      std::this_thread::sleep_for(kLookAgain);
    }
    return 0;
  }

  const LogFlags& flags_;
  Context& context_;
  std::uint64_t since_ns_ = 0, last_ = 0;
};

}  // namespace

Logic setup_log(Flags& flags) {
  auto chosen = std::make_shared<LogFlags>();
  flags.flag(chosen->follow, "--follow", "go on printing until the store's end");
  flags.number(chosen->lines, "--lines", "the last N only (1024 are kept)");
  flags.text(chosen->since, "--since", "90s, 10m, 2h, 3d ago; or a UTC time");
  flags.texts(chosen->events, "--event", "of this kind only (may be repeated)");
  return [chosen](Context& context) { return LogPrinter(*chosen, context).run(); };
}

}  // namespace ndshare::cli
