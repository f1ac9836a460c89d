// ndshare eval: NumPy's expressions over stored arrays, in one pass; results are printed, or kept under a name.
#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <variant>

#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/guards.h>
#include <ndshare/lazy.h>
#include <ndshare/limits.h>
#include <ndshare/threads.h>

#include "lib/base/text.h"
#include "tools/cli/formula.h"
#include "tools/cli/reader.h"

namespace ndshare::cli {
namespace {

struct EvalFlags {
  std::string text, max_bytes;
  std::uint32_t threads = 0;
};

/// x[i] = e, x += e, x[i] += e: in a private copy of the rows, published at once.
void change(Store& store, const Statement& statement, Context& context) {
  SharedArray array = open_named(store, statement.target);
  if (array.sealed()) refuse_sealed(statement.target);
  const ArrayInfo info = array.info();
  const auto read = statement.names();
  std::int64_t length = info.shape.empty() ? 1 : info.shape[0];
  const auto touched = statement.touched(length);
  // Other orders than C have no rows to claim; what is read is read whole.
  const bool all = info.shape.empty() || info.order != Order::C || touched.count == length ||
                   std::ranges::find(read, statement.target) != read.end();
  const Rows wanted = all ? Rows{} : Rows{touched.first, touched.first + touched.count};
  Claims claims(store, read, context.timeout(),
                Claims::Changed{array, wanted, touched.overwritten && (!all || touched.count == length)});
  {
    const Array rows = claims.changed();
    if (all && rows.ndim() > 0) length = rows.shape()[0];  // it may have grown
    statement.write(rows, wanted.first, length, claims.resolver());
  }
  claims.commit();
}

/// x = e: a new array, or a new version of the one there is; who holds the old one keeps it.
void assign(Store& store, const Statement& statement, Context& context) {
  if (contains(store, statement.target) && store.open(statement.target).sealed()) refuse_sealed(statement.target);
  const Claims claims(store, statement.value.names(), context.timeout());
  const auto value = statement.value.value(claims.resolver());
  if (const auto* array = std::get_if<Array>(&value)) return keep(store, statement.target, *array, true, context);
  const Lazy& lazy = std::get<Lazy>(value);
  if (!plan(lazy).refusal.empty())
    static_cast<void>(lazy.eval());  // throws, with the numbers, before anything is made
  keep(store, statement.target, lazy.dtype(), lazy.shape(), true, context,
       [&](const Array& out) { static_cast<void>(lazy.eval({.out = out})); });
}

int eval(const EvalFlags& flags, Context& context) {
  const auto statements = parse(flags.text);
  if (statements.empty())
    throw Error(ErrorCode::Usage, "nothing to evaluate: give an expression, as 'mean(flights.delay)'");
  std::optional<Limits> cap;
  if (!flags.max_bytes.empty()) cap.emplace(static_cast<std::int64_t>(parse_size(flags.max_bytes, "--max-bytes")));
  set_threads(static_cast<int>(std::min<std::uint32_t>(flags.threads, 1U << 16U)));
  const bool only_reads =
      std::ranges::all_of(statements, [](const Statement& statement) { return statement.target.empty(); });
  Store store = context.connect(only_reads ? Role::read_only : Role::read_write);
  for (const Statement& statement : statements) {
    if (statement.target.empty()) {
      print_value(compute(store, statement.value, context), context);
    } else if (statement.in_place) {
      change(store, statement, context);
    } else {
      assign(store, statement, context);
    }
  }
  return 0;
}

}  // namespace

Logic setup_eval(Flags& flags) {
  auto chosen = std::make_shared<EvalFlags>();
  flags.word(chosen->text, "EXPRESSION", "as 'sqrt(a*a + b*b)' or 'x[0:9] += 1; max(x)'");
  flags.text(chosen->max_bytes, "--max-bytes", "refuse results over this size (64M, 2G)");
  flags.number(chosen->threads, "--threads", "at most so many threads");
  return [chosen](Context& context) { return eval(*chosen, context); };
}

}  // namespace ndshare::cli
