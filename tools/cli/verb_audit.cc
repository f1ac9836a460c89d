// ndshare audit: which copies an expression makes, by reason.
#include <memory>
#include <ostream>

#include <ndshare/ledger.h>

#include "tools/cli/describe.h"
#include "tools/cli/formula.h"
#include "tools/cli/table.h"

namespace ndshare::cli {
namespace {

int audit(const std::string& text, Context& context) {
  CopyTotals totals;
  if (text.empty()) {
    context.err
        << "ndshare: copies are counted in the process that makes them, a store keeps no totals: give an expression\n";
  } else {
    const Expression expression = only_expression(text, "audit");
    Store store = context.connect(Role::read_only);
    const CopyAudit made;
    static_cast<void>(compute(store, expression, context));
    totals = made.totals();
  }
  Json out = Json::array();
  Table table({{"reason"}, {"copies", true}, {"bytes", true}, {"meaning", false, 20}});
  for (std::size_t i = 0; i < kCopyReasons; ++i) {
    const auto reason = static_cast<CopyReason>(i);
    const auto& line = totals[reason];
    if (line.copies == 0) continue;
    out.push_back({{"reason", copy_reason_name(reason)}, {"copies", line.copies}, {"bytes", line.bytes}});
    table.add({std::string(copy_reason_name(reason)), std::to_string(line.copies), std::to_string(line.bytes),
               std::string(copy_reason_meaning(reason))});
  }
  if (context.json) {
    print_json(context.out, out);
  } else {
    table.print(context.out, context.width);
  }
  return 0;
}

}  // namespace

Logic setup_audit(Flags& flags) {
  auto text = std::make_shared<std::string>();
  flags.optional_word(*text, "EXPRESSION", "as of plan; it is computed, and its result dropped");
  return [text](Context& context) { return audit(*text, context); };
}

}  // namespace ndshare::cli
