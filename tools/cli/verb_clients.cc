// ndshare clients: who is attached.
#include <chrono>
#include <memory>
#include <ostream>
#include <thread>
#include <vector>

#include <ndshare/admin.h>
#include <ndshare/error.h>

#include "lib/base/text.h"
#include "lib/base/wall_clock.h"
#include "tools/cli/claims.h"
#include "tools/cli/leaks.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

double seconds_since(std::uint64_t unix_ns) {
  const auto now = internal::unix_now_ns();
  return now > unix_ns ? static_cast<double>(now - unix_ns) / 1e9 : 0;
}

Json client_json(const admin::ClientInfo& client) {
  return {{"id", client.slot},
          {"pid", client.pid},
          {"command", client.command},
          {"uid", client.uid},
          {"bytes", client.bytes},
          {"claims", client.claims},
          {"views", client.views},
          {"role", client.role == Role::read_only ? "read_only" : "read_write"},
          {"since_unix_ns", client.since_unix_ns},
          {"since_s", seconds_since(client.since_unix_ns)},
          {"stopped", client.stopped},
          {"dead", client.dead},
          {"outdated", client.outdated},
          {"waits", client.waits_made},
          {"copied_bytes", client.copied_bytes()}};
}

struct ClientsFlags {
  bool wide = false, leaks = false;
  std::string interval = "10", age = "600";
};

std::string per_minute(double bytes) {
  return bytes == 0 ? "-" : internal::format_bytes(static_cast<std::uint64_t>(bytes));
}

void print_leaks(const LeakReport& report, const ClientsFlags& flags, Context& context) {
  context.out << "what only grew in " << internal::format_seconds(report.interval_s) << ", a minute:\n";
  Table growing({{.title = "PID", .right = true},
                 {.title = "BYTES", .right = true},
                 {.title = "HELD/MIN", .right = true},
                 {.title = "MADE/MIN", .right = true},
                 {.title = "VIEWS/MIN", .right = true},
                 {.title = "COMMAND", .shortest = 8}});
  for (const auto& row : report.clients)
    growing.add({std::to_string(row.info.pid), internal::format_bytes(row.info.bytes), per_minute(row.bytes_per_minute),
                 per_minute(row.made_bytes_per_minute),
                 std::to_string(static_cast<std::uint64_t>(row.views_per_minute)), one_line(row.info.command)});
  print_fitted(growing, flags.wide, context);
  context.out << "\narrays that nobody touched meanwhile, older than "
              << internal::format_seconds(parse_seconds(flags.age, "--age")) << ":\n";
  Table idle({{.title = "SIZE", .right = true},
              {.title = "AGE", .right = true},
              {.title = "MADE BY", .right = true},
              {.title = "MAKER"},
              {.title = "NAME", .shortest = 8}});
  for (const auto& row : report.arrays)
    idle.add({internal::format_bytes(static_cast<std::uint64_t>(row.info.nbytes)), internal::format_seconds(row.age_s),
              std::to_string(row.info.pid), row.maker_attached ? "attached" : "gone", one_line(row.info.name)});
  print_fitted(idle, flags.wide, context);
}

/// Several looks within the interval: what falls between two of them does not only grow.
int leaks(const ClientsFlags& flags, Context& context) {
  constexpr int kLooks = 6;
  const double interval_s = parse_seconds(flags.interval, "--interval"), age_s = parse_seconds(flags.age, "--age");
  if (interval_s <= 0) throw Error(ErrorCode::Usage, "--interval: more than 0 seconds");
  static_cast<void>(inspect(context));
  std::vector<TopLook> looks;
  for (int i = 0; i < kLooks; ++i) {
    if (i != 0) std::this_thread::sleep_for(std::chrono::duration<double>(interval_s / (kLooks - 1)));
    looks.push_back(look(context.store));
  }
  const auto report = find_leaks(looks, age_s, internal::unix_now_ns());
  if (context.json) return print_json(context.out, to_json(report)), 0;
  print_leaks(report, flags, context);
  return 0;
}

int clients(bool wide, Context& context) {
  const auto list = inspect(context).clients();
  if (context.json) {
    Json json = Json::array();
    for (const auto& client : list) json.push_back(client_json(client));
    print_json(context.out, json);
    return 0;
  }
  Table table({{.title = "ID", .right = true},
               {.title = "PID", .right = true},
               {.title = "UID", .right = true},
               {.title = "ROLE"},
               {.title = "SINCE", .right = true},
               {.title = "BYTES", .right = true},
               {.title = "CLAIMS", .right = true},
               {.title = "VIEWS", .right = true},
               {.title = "STATE"},
               {.title = "COMMAND", .shortest = 8}});
  for (const auto& client : list) {
    table.add({std::to_string(client.slot), std::to_string(client.pid), std::to_string(client.uid),
               client.role == Role::read_only ? "read" : "write",
               internal::format_seconds(seconds_since(client.since_unix_ns)), internal::format_bytes(client.bytes),
               std::to_string(client.claims), std::to_string(client.views),
               client.dead      ? "dead"
               : client.stopped ? "stopped"
                                : "runs",
               one_line(client.command)});
  }
  print_fitted(table, wide, context);
  return 0;
}

}  // namespace

Logic setup_clients(Flags& flags) {
  auto chosen = std::make_shared<ClientsFlags>();
  flags.flag(chosen->wide, "--wide", "nothing is cut (else to the terminal, or to 80)");
  flags.flag(chosen->leaks, "--leaks", "who only grows, and arrays that nobody touches");
  flags.text(chosen->interval, "--interval", "seconds to look for, with --leaks (10)");
  flags.text(chosen->age, "--age", "of untouched arrays: seconds at least (600)");
  return
      [chosen](Context& context) { return chosen->leaks ? leaks(*chosen, context) : clients(chosen->wide, context); };
}

}  // namespace ndshare::cli
