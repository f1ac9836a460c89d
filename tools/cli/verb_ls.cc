// ndshare ls: what arrays there are.
#include <memory>
#include <ostream>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/table.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

int ls(const std::string& pattern, Context& context) {
  const auto arrays = Reader(context).list(pattern);
  if (context.json) {
    Json list = Json::array();
    for (const auto& info : arrays) list.push_back(to_json(info));
    print_json(context.out, list);
    return 0;
  }
  Table table({{.title = "NAME", .shortest = 12},
               {.title = "DTYPE", .shortest = 8},
               {.title = "SHAPE", .shortest = 8},
               {.title = "SIZE", .right = true},
               {.title = "STATE"},
               {.title = "VERSION", .right = true}});
  for (const auto& info : arrays) {
    table.add({one_line(info.name), one_line(info.dtype.to_string()), info.shape.str(),
               internal::format_bytes(static_cast<std::uint64_t>(info.nbytes)), std::string(state_name(info)),
               std::to_string(info.version)});
  }
  table.print(context.out, context.width);
  return 0;
}

}  // namespace

Logic setup_ls(Flags& flags) {
  auto pattern = std::make_shared<std::string>("*");
  flags.optional_word(*pattern, "PATTERN", "as in a shell; '*' also matches '/'");
  return [pattern](Context& context) { return ls(*pattern, context); };
}

}  // namespace ndshare::cli
