#include "tools/cli/formula.h"

#include <ostream>

#include <ndshare/error.h>
#include <ndshare/print.h>

#include "tools/cli/describe.h"

namespace ndshare::cli {

Array StoredNames::find(const std::string& name) {
  const auto found = seen_.find(name);
  if (found != seen_.end()) return found->second;
  return seen_.emplace(name, store_.open(name).view()).first->second;
}

Expression only_expression(const std::string& text, std::string_view verb) {
  auto statements = parse(text);
  if (statements.size() == 1 && statements[0].target.empty()) return statements[0].value;
  throw Error(ErrorCode::Usage, std::string(verb) + " takes one expression, without '=': ndshare eval assigns");
}

void print_value(const Array& value, Context& context) {
  if (context.json) {
    print_json(context.out, {{"dtype", value.dtype().to_string()},
                             {"shape", std::vector<std::int64_t>(value.shape().begin(), value.shape().end())},
                             {"values", to_json_values(value)}});
  } else {
    context.out << to_string(value) << '\n';
  }
}

}  // namespace ndshare::cli
