// ndshare ls: what arrays there are.
#include <memory>
#include <ostream>

#include "lib/base/text.h"
#include "tools/cli/claims.h"
#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/table.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct ListFlags {
  std::string pattern = "*";
  bool wide = false;
};

int ls(const ListFlags& flags, Context& context) {
  const auto arrays = Reader(context).list(flags.pattern);
  if (context.json) {
    Json list = Json::array();
    for (const auto& info : arrays) list.push_back(to_json(info));
    print_json(context.out, list);
    return 0;
  }
  // A pipe gets whole names: its reader may look for them.
  const bool terminal = context.width > 0;
  Table table({{.title = "NAME", .shortest = terminal ? 12U : 0U},
               {.title = "DTYPE", .shortest = 8},
               {.title = "SHAPE", .shortest = 8},
               {.title = "SIZE", .right = true},
               {.title = "STATE"},
               {.title = "VERSION", .right = true}});
  for (const auto& info : arrays) {
    table.add({one_line(info.name), one_line(compact_dtype(info.dtype)), info.shape.str(),
               internal::format_bytes(static_cast<std::uint64_t>(info.nbytes)), std::string(state_name(info)),
               std::to_string(info.version)});
  }
  print_fitted(table, flags.wide, context);
  return 0;
}

}  // namespace

Logic setup_ls(Flags& flags) {
  auto chosen = std::make_shared<ListFlags>();
  flags.optional_word(chosen->pattern, "PATTERN", "'*' stands for any text, '/' too; '?' for a letter");
  flags.flag(chosen->wide, "--wide", "nothing is cut (else to the terminal, or to 80)");
  return [chosen](Context& context) { return ls(*chosen, context); };
}

}  // namespace ndshare::cli
