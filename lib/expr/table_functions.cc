// What expressions can call on structured arrays: group_by, join_by and their fields.
#include <ndshare/create.h>
#include <ndshare/table.h>

#include "lib/expr/interpret.h"

namespace ndshare::internal {
namespace {

/// Names at a position: one, or several in a list.
std::vector<std::string> names(Call& call, const std::string& argument, std::size_t position) {
  const auto given = call.take(argument, position);
  if (!given) call.fail("needs " + argument + ": names of fields");
  if (const auto* word = std::get_if<std::string>(&*given)) return {*word};
  if (const auto* words = std::get_if<Words>(&*given)) return *words;
  call.fail("takes names in quotes as " + argument + ": [\"day\", \"origin\"]");
}

/// The least table of a dtype, to learn another's dtype from: plans do not look at rows.
Array no_rows(const Array& like) { return zeros({0}, like.dtype()); }

Result call_group_by(Call& call) {
  call.need(2, 3);
  const auto keys = names(call, "by", 1);
  std::vector<Aggregation> aggregates;
  for (const std::string& word : names(call, "agg", 2)) aggregates.push_back(parse_aggregation(word));
  call.done();
  const Array table = call.array(0);
  const DType dtype = group_by(no_rows(table), keys, aggregates).dtype();
  return call.gives({table.size()}, dtype, [&] { return group_by(table, keys, aggregates); });
}

Result call_join_by(Call& call) {
  call.need(3, 3);
  const auto keys = names(call, "on", 2);
  JoinOptions options;
  if (const auto how = call.take("how")) {
    const auto* word = std::get_if<std::string>(&*how);
    if (word == nullptr || (*word != "inner" && *word != "left" && *word != "outer")) call.fail("takes \"inner\", \"left\" or \"outer\" as how");
    options.how = *word == "left" ? JoinHow::left : *word == "outer" ? JoinHow::outer : JoinHow::inner;
  }
  call.done();
  const Array left = call.array(0), right = call.array(1);
  if (!call.interpreter().is_planning()) return join_by(left, right, keys, options);
  call.fail("gives as many rows as there are pairs: that is not known before it runs");
}

Result call_drop_fields(Call& call) {
  call.need(2, 2);
  const auto gone = names(call, "names", 1);
  call.done();
  const Array table = call.array(0);
  return call.gives(table.shape(), drop_fields(no_rows(table), gone).dtype(), [&] { return drop_fields(table, gone); });
}

constexpr Entry kTableFunctions[] = {{"group_by", call_group_by}, {"join_by", call_join_by}, {"drop_fields", call_drop_fields}};

}  // namespace

std::span<const Entry> table_functions() { return kTableFunctions; }

}  // namespace ndshare::internal
