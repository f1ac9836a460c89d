// ndshare group: rows of a structured array put together by key; the result is printed, or kept under a name.
#include <memory>

#include <ndshare/table.h>

#include "tools/cli/formula.h"

namespace ndshare::cli {
namespace {

struct GroupFlags {
  std::string text, by, aggregates = "count";
  Into into;
};

int group(const GroupFlags& flags, Context& context) {
  std::vector<Aggregation> aggregates;
  for (const std::string& word : comma_words(flags.aggregates, "--agg")) aggregates.push_back(parse_aggregation(word));
  const auto keys = comma_words(flags.by, "--by");
  Store store = context.connect(flags.into.role());
  const Array made = group_by(compute(store, only_expression(flags.text, "group"), context), keys, aggregates);
  flags.into.put(store, made, context);
  return 0;
}

}  // namespace

Logic setup_group(Flags& flags) {
  auto chosen = std::make_shared<GroupFlags>();
  flags.word(chosen->text, "NAME", "a structured array, or a part of one");
  flags.required_text(chosen->by, "--by", "key fields: origin,day");
  flags.text(chosen->aggregates, "--agg", "count, sum:F, mean:F, min:F, max:F");
  chosen->into.declare(flags, "keep the result under this name");
  return [chosen](Context& context) { return group(*chosen, context); };
}

}  // namespace ndshare::cli
