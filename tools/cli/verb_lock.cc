// ndshare lock: a command that runs while rows of an array are claimed, as flock(1) does it with files.
#include <memory>
#include <ostream>
#include <variant>

#include <ndshare/error.h>

#include "tools/cli/child.h"
#include "tools/cli/reader.h"
#include "tools/cli/row_argument.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct LockFlags {
  std::string argument;
  bool read = false, view = false, update = false, write = false;
};

/// A claim that lasts as long as this; a view's is the array's.
using Held = std::variant<ReadGuard, Array, UpdateGuard, WriteGuard>;

Held claim(SharedArray& array, const LockFlags& flags, const Rows& rows, std::chrono::nanoseconds timeout) {
  if (flags.read) return array.read({.rows = rows, .timeout = timeout});
  if (flags.view) return array.view({.rows = rows, .timeout = timeout});
  if (flags.update) return array.update({.rows = rows, .timeout = timeout});
  return array.write({.rows = rows, .timeout = timeout, .lock_only = true});
}

int lock(const LockFlags& flags, Context& context) {
  if (context.command.empty())
    throw Error(ErrorCode::Usage, "lock: no command; write it behind '--': ndshare lock NAME -- CMD...");
  if (flags.read + flags.view + flags.update + flags.write > 1)
    throw Error(ErrorCode::Usage, "lock: choose one of --read, --view, --update and --write");
  Store store = context.connect(flags.read || flags.view ? Role::read_only : Role::read_write);
  const auto wanted =
      parse_array_argument(flags.argument, [&](const std::string& name) { return contains(store, name); });
  SharedArray array = store.open(wanted.name);
  const Held held = claim(array, flags, rows_of(wanted, array.shape(), flags.argument), context.timeout());
  context.out.flush();
  return run_child(context.command, {"NDSHARE_STORE", store.name()});
}

}  // namespace

Logic setup_lock(Flags& flags) {
  auto chosen = std::make_shared<LockFlags>();
  flags.word(chosen->argument, "NAME[ROWS]", "'a', or rows of it: 'a[10:20]', 'a[-1]'");
  flags.flag(chosen->read, "--read", "others may read, nobody may write");
  flags.flag(chosen->view, "--view", "keeps the version; nobody waits for it");
  flags.flag(chosen->update, "--update", "one at a time, while others read");
  flags.flag(chosen->write, "--write", "nobody else reads or writes (default)");
  return [chosen](Context& context) { return lock(*chosen, context); };
}

}  // namespace ndshare::cli
