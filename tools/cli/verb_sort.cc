// ndshare sort: the elements of an array in order, in place or under another name.
#include <algorithm>
#include <memory>

#include <ndshare/guards.h>
#include <ndshare/sort.h>

#include "tools/cli/formula.h"

namespace ndshare::cli {
namespace {

struct SortFlags {
  std::string text, order;
  bool descending = false;
  Into into;
};

int sort_verb(const SortFlags& flags, Context& context) {
  SortOptions options{.descending = flags.descending};
  if (!flags.order.empty()) options.order = comma_words(flags.order, "--order");
  Store store = context.connect();
  if (!flags.into.name.empty()) {
    const Array value = compute(store, only_expression(flags.text, "sort"), context);
    flags.into.put(store, sort(value, options), context);
    return 0;
  }
  SharedArray array = open_named(store, flags.text);
  if (array.sealed()) refuse_sealed(flags.text);
  auto guard = array.update({.timeout = context.timeout(), .overwrite = false});
  sort_in_place(guard.array(), options);
  guard.commit();
  return 0;
}

}  // namespace

Logic setup_sort(Flags& flags) {
  auto chosen = std::make_shared<SortFlags>();
  flags.word(chosen->text, "NAME", "an array; with --into a part of one too");
  flags.text(chosen->order, "--order", "fields to sort by, the first one first: date,delay");
  flags.flag(chosen->descending, "--descending", "the largest first");
  chosen->into.declare(flags, "leave NAME as it is, and keep the result under this name");
  return [chosen](Context& context) { return sort_verb(*chosen, context); };
}

}  // namespace ndshare::cli
