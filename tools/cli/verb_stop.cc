// ndshare stop: ends the daemon; the store's memory goes with it unless it is kept.
#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>

#include <ndshare/admin.h>
#include <ndshare/error.h>

#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct StopFlags {
  bool force = false, keep = false;
};

int stop(const StopFlags& flags, Context& context) {
  // Asked first, for the store's full name in the answer. What is damaged or of another layout cannot tell: --force removes it.
  const char* const named = std::getenv("NDSHARE_STORE");
  std::string store = !context.store.empty() ? context.store : named != nullptr && *named != '\0' ? named : "default";
  try {
    store = admin::status(context.store, context.timeout()).store;
  } catch (const Error&) {
    if (!flags.force) throw;
  }
  admin::stop(context.store, flags.force, flags.keep, context.timeout());
  if (context.json) {
    print_json(context.out, {{"store", store}, {"stopped", true}, {"kept", flags.keep}});
  } else {
    context.out << "store " << store << " stopped, its memory "
                << (flags.keep ? "kept for the next start" : "removed") << '\n';
  }
  return 0;
}

}  // namespace

Logic setup_stop(Flags& flags) {
  auto chosen = std::make_shared<StopFlags>();
  flags.flag(chosen->force, "--force", "even with clients attached or persistent arrays");
  flags.flag(chosen->keep, "--keep", "leave arrays in memory for the next start");
  flags.exclude("--force", "--keep");
  return [chosen](Context& context) { return stop(*chosen, context); };
}

}  // namespace ndshare::cli
