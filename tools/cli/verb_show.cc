// ndshare show: values, as NumPy's print() shows them.
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>

#include <ndshare/error.h>
#include <ndshare/index.h>

#include "tools/cli/formula.h"
#include "tools/cli/reader.h"

namespace ndshare::cli {
namespace {

struct ShowFlags {
  std::string text;
  std::uint32_t limit = std::numeric_limits<std::uint32_t>::max();
};

/// An array with fields and slices, which needs no daemon; anything else in brackets is an expression: a mask, an index array.
Array chosen(const ShowFlags& flags, Context& context) {
  std::optional<Expression> expression;
  try {
    return Reader(context).array(flags.text);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::IndexSyntax && error.code() != ErrorCode::NoSuchArray) throw;
    if (flags.text.find_first_of("[(") == std::string::npos) throw;
    try {
      expression = only_expression(flags.text, "show");
    } catch (const Error&) {
    }
    if (!expression || expression->is_part()) throw;
  }
  Store store = context.connect(Role::read_only);
  return compute(store, *expression, context);
}

int show(const ShowFlags& flags, Context& context) {
  const Array array = chosen(flags, context);
  const bool cut = array.ndim() > 0 && array.shape()[0] > std::int64_t{flags.limit};
  print_value(cut ? array(slice(std::int64_t{flags.limit})) : array, context);
  if (cut && !context.json) {
    context.out << "(" << flags.limit << " of " << array.shape()[0] << " rows: --limit)\n";
  }
  return 0;
}

}  // namespace

Logic setup_show(Flags& flags) {
  auto chosen = std::make_shared<ShowFlags>();
  flags.word(chosen->text, "NAME[INDEX]", "'a', 'a[0:10, ::2]', 'a.field[-1]', 'a[a.delay > 300]'");
  flags.number(chosen->limit, "--limit", "so many rows at most");
  return [chosen](Context& context) { return show(*chosen, context); };
}

}  // namespace ndshare::cli
