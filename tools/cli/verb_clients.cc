// ndshare clients: who is attached.
#include <chrono>
#include <memory>

#include <ndshare/admin.h>

#include "lib/base/text.h"
#include "tools/cli/claims.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

double seconds_since(std::uint64_t unix_ns) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double seconds = std::chrono::duration<double>(now).count() - static_cast<double>(unix_ns) / 1e9;
  return seconds > 0 ? seconds : 0;
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
          {"dead", client.dead}};
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
  auto wide = std::make_shared<bool>(false);
  flags.flag(*wide, "--wide", "nothing is cut (else to the terminal, or to 80)");
  return [wide](Context& context) { return clients(*wide, context); };
}

}  // namespace ndshare::cli
