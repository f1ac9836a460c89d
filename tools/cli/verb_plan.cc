// ndshare plan: what an expression would take, before it runs.
#include <map>
#include <memory>
#include <ostream>

#include <ndshare/lazy.h>

#include "tools/cli/describe.h"
#include "tools/cli/formula.h"
#include "tools/cli/reader.h"

namespace ndshare::cli {
namespace {

int plan_expression(const std::string& text, Context& context) {
  const Expression expression = only_expression(text, "plan");
  const Reader reader(context);
  std::map<std::string, Array> seen;  // one version of each
  const Plan made = expression.plan([&](const std::string& name) {
    const auto found = seen.find(name);
    return found != seen.end() ? found->second : seen.emplace(name, reader.outline(name)).first->second;
  });
  if (!context.json) {
    context.out << made.text();
    return 0;
  }
  Json copies = Json::array();
  for (const auto& copy : made.copies) {
    copies.push_back({{"reason", copy_reason_name(copy.reason)}, {"bytes", copy.bytes}, {"what", copy.text}});
  }
  Json out = {{"shape", std::vector<std::int64_t>(made.shape.begin(), made.shape.end())},
              {"dtype", made.dtype.to_string()},
              {"nbytes", made.nbytes},
              {"temporaries", made.temporaries},
              {"operations", made.operations},
              {"copies", std::move(copies)}};
  out["refusal"] = made.refusal.empty() ? Json() : Json(made.refusal);
  print_json(context.out, out);
  return 0;
}

}  // namespace

Logic setup_plan(Flags& flags) {
  auto text = std::make_shared<std::string>();
  flags.word(*text, "EXPRESSION", "as of eval, without '='; nothing is computed");
  return [text](Context& context) { return plan_expression(*text, context); };
}

}  // namespace ndshare::cli
