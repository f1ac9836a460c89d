// ndshare version.
#include <ostream>

#include <ndshare/version.h>

#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

int show_version(Context& context) {
  if (context.json) {
    print_json(context.out, {{"version", version()}, {"compiler", compiler()}});
  } else {
    context.out << "ndshare " << version() << " (" << compiler() << ")\n";
  }
  return 0;
}

}  // namespace

Logic setup_version(Flags& /*flags*/) { return show_version; }

}  // namespace ndshare::cli
