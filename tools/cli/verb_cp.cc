// ndshare cp: an array, or a part of one, as a new array.
#include <memory>
#include <ostream>

#include <ndshare/create.h>

#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct CopyFlags {
  std::string from, to;
  bool seal = false, replace = false;
};

int cp(const CopyFlags& flags, Context& context) {
  Store store = context.connect();
  const auto wanted = parse_array_argument(flags.from, [&](const std::string& name) { return contains(store, name); });
  const SharedArray source = store.open(wanted.name);
  const auto info = source.info();
  const Array part = apply_steps(source.view(), wanted.steps);
  SharedArray copy = store.create(flags.to, part.dtype(), part.shape(),
                                  {.fill = Fill::empty,
                                   .attrs = info.attrs,
                                   .order = wanted.steps.empty() ? info.order : Order::C,
                                   .replace = flags.replace});
  auto guard = copy.write({.overwrite = true});
  try {
    copyto(guard.array(), part);
    guard.release();
  } catch (...) {
    guard.abandon();
    throw;
  }
  if (flags.seal) copy.seal();
  if (context.json) print_json(context.out, to_json(copy.info()));
  return 0;
}

}  // namespace

Logic setup_cp(Flags& flags) {
  auto chosen = std::make_shared<CopyFlags>();
  flags.word(chosen->from, "SRC[INDEX]", "'a', 'a[0:10, ::2]', 'a.field'");
  flags.word(chosen->to, "DST", "name of the copy");
  flags.flag(chosen->seal, "--seal", "make the copy immutable at once");
  flags.flag(chosen->replace, "--replace", "take the name over from the array that has it");
  return [chosen](Context& context) { return cp(*chosen, context); };
}

}  // namespace ndshare::cli
