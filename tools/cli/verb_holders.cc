// ndshare holders: who holds an array, and who waits for it.
#include <memory>

#include <ndshare/admin.h>

#include "lib/base/text.h"
#include "tools/cli/claims.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct HoldersFlags {
  std::string name;
  bool wide = false;
};

int holders(const HoldersFlags& flags, Context& context) {
  internal::check_array_name(flags.name);
  const auto inspector = inspect(context);
  print_claims(inspector.claims(flags.name), /*with_array=*/false, flags.wide, context);
  return 0;
}

}  // namespace

Logic setup_holders(Flags& flags) {
  auto chosen = std::make_shared<HoldersFlags>();
  flags.word(chosen->name, "NAME", "of the array");
  flags.flag(chosen->wide, "--wide", "nothing is cut (else to the terminal, or to 80)");
  return [chosen](Context& context) { return holders(*chosen, context); };
}

}  // namespace ndshare::cli
