// ndshare start: a daemon in the background, or in this process's place.
#include <cerrno>
#include <cstring>
#include <memory>
#include <ostream>

#include <unistd.h>

#include <ndshare/admin.h>
#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct StartFlags {
  admin::DaemonOptions options;
  std::string capacity;
  bool foreground = false;
};

/// Becomes the daemon: for supervisors, which want to be its parent.
[[noreturn]] void become_daemon(const admin::DaemonOptions& options) {
  auto words = admin::daemon_command(options);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  throw Error(ErrorCode::Io, "cannot run " + words[0] + ": " + std::strerror(errno));
}

int start(const StartFlags& flags, Context& context) {
  auto options = flags.options;
  options.store = context.store;
  options.timeout = context.timeout();
  options.capacity_bytes = parse_capacity(flags.capacity);
  if (flags.foreground) {
    context.out.flush();
    become_daemon(options);
  }
  const auto status = admin::start(options);
  if (context.json) {
    describe(status).print(context);
    return 0;
  }
  context.out << "store " << status.store << ": pid " << status.pid << ", capacity "
              << internal::format_bytes(status.pool.capacity_bytes) << ", " << (status.adopted ? "adopted " : "")
              << internal::format_count(status.arrays) << (status.arrays == 1 ? " array" : " arrays") << '\n';
  return 0;
}

}  // namespace

Logic setup_start(Flags& flags) {
  auto chosen = std::make_shared<StartFlags>();
  auto& options = chosen->options;
  flags.flag(chosen->foreground, "--foreground", "stay, as supervisors like it");
  flags.text(chosen->capacity, "--capacity", "for arrays: 64M, 4G (default: half of the memory)");
  flags.number(options.max_clients, "--max-clients", "client slots (default 512, at most 4095)");
  flags.number(options.max_arrays, "--max-arrays", "array records (default 4194304)");
  flags.text(options.pool_dir, "--pool-dir", "tmpfs or hugetlbfs folder (default /dev/shm)");
  flags.text(options.log_file, "--log-file", "rotating log (default: standard error)");
  flags.choice(options.log_level, "--log-level", {"trace", "debug", "info", "warn", "error", "off"}, "how much to log");
  flags.text(options.metrics, "--metrics", "ADDRESS:PORT of numbers for Prometheus");
  flags.texts(options.allow_gids, "--allow-gid", "group that may read and write (may be repeated)");
  flags.texts(options.read_only_gids, "--read-only-gid", "group that may read (may be repeated)");
  flags.flag(options.ephemeral, "--ephemeral", "end, with the memory, when the last client leaves");
  return [chosen](Context& context) { return start(*chosen, context); };
}

}  // namespace ndshare::cli
