#include "tools/cli/claims.h"

#include <ostream>

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

constexpr int kPipeColumns = 80;  ///< rows that nobody has to scroll, wherever the output goes

}  // namespace

admin::Inspector inspect(Context& context) {
  try {
    admin::Inspector inspector(context.store);
    if (inspector.status().pid == 0) context.err << "ndshare: no daemon runs; read from the segments\n";
    return inspector;
  } catch (const Error& error) {
    // Where there is no store at all, the one who would connect to it knows how to start one.
    if (error.code() == ErrorCode::NoSuchStore || error.code() == ErrorCode::Permission)
      static_cast<void>(admin::status(context.store, context.timeout()));
    throw;
  }
}

Json to_json(const admin::ClaimInfo& claim) {
  return {{"array", claim.array},
          {"mode", claim.mode},
          {"rows", rows_json(claim.rows)},
          {"pid", claim.pid},
          {"command", claim.command},
          {"since_s", claim.since_s},
          {"waiting", claim.waiting},
          {"stopped", claim.stopped},
          {"waits_for", claim.waits_for},
          {"dead", claim.dead},
          {"tid", claim.tid},
          {"client", claim.slot},
          {"version", claim.version},
          {"array_version", claim.array_version}};
}

std::string claim_state(const admin::ClaimInfo& claim) {
  std::string text = claim.dead ? "dead, " : claim.stopped ? "stopped, " : "";
  if (!claim.waiting) return text + "held";
  if (claim.waits_for.empty()) return text + "waiting";
  text += "waits for ";
  for (std::size_t i = 0; i < claim.waits_for.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(claim.waits_for[i]);
  return text;
}

void print_claims(const std::vector<admin::ClaimInfo>& claims, bool with_array, bool wide, Context& context) {
  if (context.json) {
    Json list = Json::array();
    for (const auto& claim : claims) list.push_back(to_json(claim));
    return print_json(context.out, list);
  }
  std::vector<Column> columns = {{.title = "MODE"},
                                 {.title = "ROWS", .shortest = 8},
                                 {.title = "PID", .right = true},
                                 {.title = "SINCE", .right = true},
                                 {.title = "STATE", .shortest = 16},
                                 {.title = "COMMAND", .shortest = 8}};
  if (with_array) columns.insert(columns.begin(), {.title = "ARRAY", .shortest = 8});
  Table table(columns);
  for (const auto& claim : claims) {
    std::vector<std::string> row = {
        claim.mode,         rows_text(claim.rows),  std::to_string(claim.pid), internal::format_seconds(claim.since_s),
        claim_state(claim), one_line(claim.command)};
    if (with_array) row.insert(row.begin(), one_line(claim.array));
    table.add(std::move(row));
  }
  print_fitted(table, wide, context);
}

void print_fitted(const Table& table, bool wide, Context& context) {
  table.print(context.out, wide ? 0 : context.width > 0 ? context.width : kPipeColumns);
}

}  // namespace ndshare::cli
