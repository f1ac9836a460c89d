// ndshare join: two structured arrays side by side, row by row where their keys are equal.
#include <memory>

#include <ndshare/table.h>

#include "tools/cli/formula.h"

namespace ndshare::cli {
namespace {

struct JoinFlags {
  std::string left, right, on, how = "inner";
  Into into;
};

int join(const JoinFlags& flags, Context& context) {
  const auto keys = comma_words(flags.on, "--on");
  Store store = context.connect(flags.into.role());
  const Array left = compute(store, only_expression(flags.left, "join"), context);
  const Array right = compute(store, only_expression(flags.right, "join"), context);
  const JoinHow how = flags.how == "left" ? JoinHow::left : flags.how == "outer" ? JoinHow::outer : JoinHow::inner;
  const Array made = join_by(left, right, keys, {.how = how});
  flags.into.put(store, made, context);
  return 0;
}

}  // namespace

Logic setup_join(Flags& flags) {
  auto chosen = std::make_shared<JoinFlags>();
  flags.word(chosen->left, "A", "a structured array, or a part of one");
  flags.word(chosen->right, "B", "another: the smaller one, best");
  flags.required_text(chosen->on, "--on", "key fields that both have: origin,day");
  flags.choice(chosen->how, "--how", {"inner", "left", "outer"}, "which rows without a partner stay");
  chosen->into.declare(flags, "keep the result under this name");
  return [chosen](Context& context) { return join(*chosen, context); };
}

}  // namespace ndshare::cli
