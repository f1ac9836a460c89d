// ndshare trim: memory that is free but still resident goes back to the system.
#include <memory>
#include <ostream>

#include <ndshare/admin.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

int trim(const std::string& keep, Context& context) {
  const auto bytes = admin::trim(context.store, parse_size(keep, "--keep"), context.timeout());
  if (context.json) {
    print_json(context.out, {{"trimmed_bytes", bytes}});
  } else {
    context.out << internal::format_bytes(bytes) << " given back to the system\n";
  }
  return 0;
}

}  // namespace

Logic setup_trim(Flags& flags) {
  auto keep = std::make_shared<std::string>();
  flags.text(*keep, "--keep", "leave so much of it resident: 256M (default 0)");
  return [keep](Context& context) { return trim(*keep, context); };
}

}  // namespace ndshare::cli
