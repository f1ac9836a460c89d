// ndshare eval: NumPy's expressions over stored arrays, in one pass; results are printed, or kept under a name.
#include <memory>
#include <optional>

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

/// The rows that an index touches, and the index within them: only these are copied on write.
Rows rows_of(std::vector<Index>& index, std::int64_t length) {
  if (index.empty()) return {};
  if (const auto* at = std::get_if<std::int64_t>(&index[0].value())) {
    const std::int64_t row = *at < 0 ? *at + length : *at;
    if (row < 0 || row >= length) return {};  // told by the view
    index[0] = Index(0);
    return {row, row + 1};
  }
  const auto* range = std::get_if<Slice>(&index[0].value());
  if (range == nullptr) return {};
  const SliceRange found = resolve_slice(*range, length);
  if (found.step != 1 || found.count == 0) return {};
  index[0] = Index(Slice{});
  return {found.start, found.start + found.count};
}

Lazy combined(const Lazy& left, const std::string& op, const Lazy& right) {
  using Operator = Lazy (*)(const Lazy&, const Lazy&);
  const std::pair<std::string_view, Operator> all[] = {{"+", add}, {"-", subtract}, {"*", multiply}, {"/", divide}, {"//", floor_divide},
                                                       {"%", remainder}, {"**", pow}, {"&", bitwise_and}, {"|", bitwise_or},
                                                       {"^", bitwise_xor}, {"<<", bitwise_left_shift}, {">>", bitwise_right_shift}};
  for (const auto& [mark, function] : all) {
    if (mark == op) return function(left, right);
  }
  throw Error(ErrorCode::Usage, "'" + op + "=' is no assignment: use = += -= *= /= //= %= **= &= |= ^= <<= >>=");
}

/// x[i] = e, x += e, x[i] += e: in place, published at once.
void change(Store& store, StoredNames& names, const Statement& statement, Context& context) {
  SharedArray array = store.open(statement.target);
  auto index = statement.index;
  const Shape shape = array.shape();
  const Rows rows = shape.empty() ? Rows{} : rows_of(index, shape[0]);
  // The value first: a mistake in it copies nothing.
  const Lazy value = statement.value.lazy(names.resolver());
  auto guard = array.update({.rows = rows, .timeout = context.timeout()});
  {
    const Array target = guard.array().view(index);
    if (!statement.op.empty()) {
      combined(target, statement.op, value).eval({.out = target});
    } else if (value.shape() == target.shape()) {
      value.eval({.out = target});
    } else {
      lazy(value.eval().broadcast_to(target.shape())).eval({.out = target});
    }
  }
  guard.commit();
  names.forget(statement.target);
}

/// x = e: a new array, or a new version of the one there is; who holds the old one keeps it.
void assign(Store& store, StoredNames& names, const Statement& statement, Context& context) {
  if (contains(store, statement.target) && store.open(statement.target).sealed()) {
    throw Error(ErrorCode::Sealed, "'" + internal::printable(statement.target) + "' is sealed, it never changes again: choose another name",
                {{"array", statement.target}});
  }
  const Lazy value = statement.value.lazy(names.resolver());
  if (const Plan made = plan(value); !made.refusal.empty()) static_cast<void>(value.eval());  // throws, with the numbers
  SharedArray array = store.create(statement.target, value.dtype(), value.shape(), {.replace = true, .timeout = context.timeout()});
  auto guard = array.write({.timeout = context.timeout(), .overwrite = true});
  value.eval({.out = guard.array()});
  guard.release();
  names.forget(statement.target);
}

int eval(const EvalFlags& flags, Context& context) {
  const auto statements = parse(flags.text);
  if (statements.empty()) throw Error(ErrorCode::Usage, "nothing to evaluate: give an expression, as 'mean(flights.delay)'");
  std::optional<Limits> cap;
  if (!flags.max_bytes.empty()) cap.emplace(static_cast<std::int64_t>(parse_size(flags.max_bytes, "--max-bytes")));
  set_threads(static_cast<int>(flags.threads));
  Store store = context.connect();
  StoredNames names(store);
  for (const Statement& statement : statements) {
    if (statement.target.empty()) {
      print_value(statement.value.evaluate(names.resolver()), context);
    } else if (statement.indexed || !statement.op.empty()) {
      change(store, names, statement, context);
    } else {
      assign(store, names, statement, context);
    }
  }
  return 0;
}

}  // namespace

Logic setup_eval(Flags& flags) {
  auto chosen = std::make_shared<EvalFlags>();
  flags.word(chosen->text, "EXPRESSION", "'sqrt(a*a + b*b)', 'a[0:10] += 1; max(a)'");
  flags.text(chosen->max_bytes, "--max-bytes", "refuse results over this size (64M, 2G)");
  flags.number(chosen->threads, "--threads", "at most so many threads");
  return [chosen](Context& context) { return eval(*chosen, context); };
}

}  // namespace ndshare::cli
