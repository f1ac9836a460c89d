// ndshare repair: rows whose writer died while writing.
#include <algorithm>
#include <memory>
#include <ostream>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/claims.h"
#include "tools/cli/reader.h"
#include "tools/cli/row_argument.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct RepairFlags {
  std::string argument, snapshot;
  bool accept = false;
};

constexpr int kTorn = 1;  ///< exit status of a listing that found something

std::string quoted(const std::string& name) { return "'" + internal::printable(name) + "'"; }

void print_ways_out(const std::string& argument, const std::string& name, Context& context) {
  const auto tool = "ndshare " + (context.store.empty() ? "" : "--store " + context.store + " ");
  context.out << "Ways out:\n"
              << "  " << tool << "repair '" << argument << "' --accept\n"
              << "      the rows are taken as they are\n"
              << "  " << tool << "repair '" << name << "' --revert SNAPSHOT\n"
              << "      the whole array becomes what a snapshot of it kept (ndshare ls lists them)\n"
              << "  SharedArray::repair() in a program writes the rows anew\n";
}

/// Those of the torn ranges that touch `rows`.
std::vector<TornRows> torn_in(const std::vector<TornRows>& torn, const Rows& rows) {
  std::vector<TornRows> out;
  for (const auto& range : torn) {
    const bool ends_before = range.rows.last >= 0 && range.rows.last <= rows.first;
    const bool begins_behind = rows.last >= 0 && range.rows.first >= rows.last;
    if (!ends_before && !begins_behind) out.push_back(range);
  }
  return out;
}

int list_torn(const RepairFlags& flags, Context& context) {
  const Reader reader(context);
  const auto wanted = reader.parse(flags.argument);
  const auto info = reader.info(wanted.name);
  const auto torn = torn_in(info.torn, rows_of(wanted, info.shape, flags.argument));
  const int status = torn.empty() ? 0 : kTorn;
  if (context.json) {
    print_json(context.out, {{"array", wanted.name}, {"torn", to_json(torn)}});
    return status;
  }
  if (torn.empty()) {
    context.out << "no row of " << quoted(flags.argument) << " is torn\n";
    return status;
  }
  Table table({{.title = "TORN ROWS"}, {.title = "WRITER", .right = true}, {.title = "NOTICED"}});
  for (const auto& range : torn)
    table.add({rows_text(range.rows), "pid " + std::to_string(range.pid), format_time(range.unix_ns)});
  print_fitted(table, false, context);
  print_ways_out(flags.argument, wanted.name, context);
  return status;
}

int accept(SharedArray array, const Rows& rows, Context& context) {
  const auto ranges = array.accept_torn(rows, context.timeout());
  if (context.json) {
    print_json(context.out, {{"array", array.name()}, {"accepted", ranges}});
  } else if (ranges == 0) {
    context.out << "no row of " << quoted(array.name()) << " was torn\n";
  } else {
    context.out << ranges << (ranges == 1 ? " torn range of " : " torn ranges of ") << quoted(array.name())
                << " taken as it is\n";
  }
  return 0;
}

int revert(SharedArray array, const std::string& snapshot, Context& context) {
  array.revert(snapshot, context.timeout());
  if (context.json) {
    print_json(context.out, {{"array", array.name()}, {"reverted_to", snapshot}, {"version", array.version()}});
  } else {
    context.out << quoted(array.name()) << " is again what " << quoted(snapshot) << " kept (version " << array.version()
                << ")\n";
  }
  return 0;
}

int repair(const RepairFlags& flags, Context& context) {
  if (!flags.accept && flags.snapshot.empty()) return list_torn(flags, context);
  Store store = context.connect();
  const auto wanted =
      parse_array_argument(flags.argument, [&](const std::string& name) { return contains(store, name); });
  SharedArray array = store.open(wanted.name);
  if (flags.accept) return accept(array, rows_of(wanted, array.shape(), flags.argument), context);
  if (!wanted.steps.empty())
    throw Error(ErrorCode::Usage, "repair: --revert takes the whole array back; leave the index away");
  return revert(array, flags.snapshot, context);
}

}  // namespace

Logic setup_repair(Flags& flags) {
  auto chosen = std::make_shared<RepairFlags>();
  flags.word(chosen->argument, "NAME[ROWS]", "lists its torn rows; 'a', 'a[10:20]'");
  flags.flag(chosen->accept, "--accept", "takes the torn rows as they are");
  flags.text(chosen->snapshot, "--revert", "name of a snapshot: NAME becomes what it kept");
  flags.exclude("--accept", "--revert");
  return [chosen](Context& context) { return repair(*chosen, context); };
}

}  // namespace ndshare::cli
