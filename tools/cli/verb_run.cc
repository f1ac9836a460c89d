// ndshare run: a command with a store of its own.
#include <memory>
#include <ostream>
#include <random>

#include <unistd.h>

#include <ndshare/admin.h>
#include <ndshare/error.h>

#include "tools/cli/child.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct RunFlags {
  std::string capacity;
};

std::string private_name() {
  std::random_device random;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name = "run-" + std::to_string(::getpid()) + "-";
  for (int i = 0; i < 8; ++i) name += kDigits[random() % kDigits.size()];
  return name;
}

/// What earlier runs could not remove because they were killed. Never this run's problem.
void remove_orphans_quietly() {
  try {
    admin::remove_orphans();
  } catch (const Error&) {
  }
}

void end_store(const std::string& name, std::chrono::nanoseconds timeout) {
  try {
    admin::stop(name, /*force=*/true, /*keep=*/false, timeout);
  } catch (const Error&) {
    // It has ended already, or ends when this process, its last client, does.
  }
}

int run(const RunFlags& flags, Context& context) {
  if (context.command.empty())
    throw Error(ErrorCode::Usage, "run: no command; write it behind '--': ndshare run -- python3 etl.py");
  if (!context.store.empty())
    throw Error(ErrorCode::Usage, "run: the store is private and named by itself; leave --store away");
  admin::DaemonOptions options;
  options.capacity_bytes = parse_capacity(flags.capacity);
  options.ephemeral = true;
  options.timeout = context.timeout();
  options.store = private_name();
  remove_orphans_quietly();
  admin::start(options);
  context.store = options.store;
  // This client keeps the store alive between the command's processes; when it is killed, the store ends with them.
  Store store = context.connect();
  context.out.flush();
  const int status = run_child(context.command, {"NDSHARE_STORE", options.store});
  store.close();
  end_store(options.store, context.timeout());
  return status;
}

}  // namespace

Logic setup_run(Flags& flags) {
  auto chosen = std::make_shared<RunFlags>();
  flags.text(chosen->capacity, "--capacity", "for arrays: 64M, 4G (default: half of the memory)");
  return [chosen](Context& context) { return run(*chosen, context); };
}

}  // namespace ndshare::cli
