// ndshare locks: every claim, held or waited for.
#include <memory>
#include <ostream>

#include <ndshare/admin.h>

#include "lib/base/text.h"
#include "tools/cli/claims.h"
#include "tools/cli/verb.h"
#include "tools/cli/wait_text.h"

namespace ndshare::cli {
namespace {

struct LocksFlags {
  std::string name;
  bool wide = false, graph = false;
};

int locks(const LocksFlags& flags, Context& context) {
  if (!flags.name.empty()) internal::check_array_name(flags.name);
  const auto inspector = inspect(context);
  if (flags.graph) {
    const auto claims = inspector.claims(flags.name);
    const WaitPicture picture(claims);
    if (context.json) {
      print_json(context.out, picture.json());
    } else {
      const auto text = picture.text();
      context.out << (text.empty() ? "nobody waits\n" : text);
    }
    return 0;
  }
  print_claims(inspector.claims(flags.name), /*with_array=*/true, flags.wide, context);
  return 0;
}

}  // namespace

Logic setup_locks(Flags& flags) {
  auto chosen = std::make_shared<LocksFlags>();
  flags.optional_word(chosen->name, "NAME", "of an array: its claims only");
  flags.flag(chosen->wide, "--wide", "nothing is cut (else to the terminal, or to 80)");
  flags.flag(chosen->graph, "--graph", "who waits for whom, as trees, and circles");
  return [chosen](Context& context) { return locks(*chosen, context); };
}

}  // namespace ndshare::cli
