// ndshare mv: another name for an array.
#include <memory>
#include <ostream>

#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct MoveFlags {
  std::string from, to;
  bool replace = false;
};

int mv(const MoveFlags& flags, Context& context) {
  context.connect().rename(flags.from, flags.to, flags.replace);
  if (context.json) print_json(context.out, {{"from", flags.from}, {"to", flags.to}});
  return 0;
}

}  // namespace

Logic setup_mv(Flags& flags) {
  auto chosen = std::make_shared<MoveFlags>();
  flags.word(chosen->from, "FROM", "the array");
  flags.word(chosen->to, "TO", "its new name");
  flags.flag(chosen->replace, "--replace", "take the name from the array that has it");
  return [chosen](Context& context) { return mv(*chosen, context); };
}

}  // namespace ndshare::cli
