// ndshare snapshot: what an array is now, under a name of its own.
#include <memory>
#include <ostream>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct SnapshotFlags {
  std::string from, to;
  std::vector<std::string> attrs;
};

int snapshot(const SnapshotFlags& flags, Context& context) {
  const auto attrs = parse_attrs(flags.attrs);
  internal::check_array_name(flags.from);  // says that an index does not belong here
  Store store = context.connect();
  const auto made = store.snapshot(flags.from, flags.to, {.attrs = attrs, .timeout = context.timeout()});
  if (context.json) print_json(context.out, to_json(made.info()));
  return 0;
}

}  // namespace

Logic setup_snapshot(Flags& flags) {
  auto chosen = std::make_shared<SnapshotFlags>();
  flags.word(chosen->from, "SRC", "name of the array");
  flags.word(chosen->to, "DST", "name of the snapshot; it shares SRC's memory");
  flags.texts(chosen->attrs, "--attr", "key=value instead of SRC's (may be repeated)");
  return [chosen](Context& context) { return snapshot(*chosen, context); };
}

}  // namespace ndshare::cli
