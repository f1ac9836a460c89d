// ndshare stats: smallest, largest, mean and spread of an array's values, or of each field; missing values are left
// out.
#include <limits>
#include <memory>
#include <ostream>

#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/print.h>
#include <ndshare/reduce.h>

#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/table.h"

namespace ndshare::cli {
namespace {

struct Stats {
  Json min, max, mean, std;  // null where there is no such value
  std::int64_t nulls = 0, count = 0;
};

Json number(const Array& value) { return to_json_values(value); }

Stats stats_of(const Array& x) {
  Stats out;
  out.count = x.size();
  const DType& dtype = x.dtype();
  const bool times = dtype.is_time();
  if (!times && !dtype.is_numeric()) return out;
  const Array values = times ? x.view_as(int64) : x;
  Array present;
  if (times) present = values != std::numeric_limits<std::int64_t>::min();
  if (dtype.is_floating() || dtype.is_complex()) present = ~isnan(x);
  const bool masked = times || dtype.is_floating() || dtype.is_complex();
  if (masked) out.nulls = out.count - count_nonzero(present).item<std::int64_t>();
  if (out.count == out.nulls) return out;
  ReduceOptions some;
  if (masked) some.where = present;
  if (!dtype.is_complex()) {
    ReduceOptions low = some, high = some;
    if (times) {  // the ends of the dtype change nothing: there is a value
      low.initial = std::numeric_limits<std::int64_t>::max(), high.initial = std::numeric_limits<std::int64_t>::min();
    } else if (masked) {
      low.initial = std::numeric_limits<double>::infinity(), high.initial = -std::numeric_limits<double>::infinity();
    }
    const Array least = min(values, low), most = max(values, high);
    out.min = number(times ? least.view_as(dtype) : least), out.max = number(times ? most.view_as(dtype) : most);
  }
  if (!times) out.mean = number(mean(values, some)), out.std = number(stddev(values, some));
  return out;
}

Json to_json(const Stats& stats) {
  return {{"min", stats.min}, {"max", stats.max},     {"mean", stats.mean},
          {"std", stats.std}, {"nulls", stats.nulls}, {"count", stats.count}};
}
std::string text_of(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

int stats(const std::string& argument, Context& context) {
  const Array array = Reader(context).array(argument);
  const auto fields = array.dtype().fields();
  if (context.json) {
    Json out = to_json(stats_of(array));
    for (const Field& field : fields) out["fields"][field.name] = to_json(stats_of(array[field.name]));
    print_json(context.out, out);
    return 0;
  }
  Table table({{"field", false, 6},
               {"count", true},
               {"nulls", true},
               {"min", true},
               {"max", true},
               {"mean", true},
               {"std", true}});
  const auto add = [&](const std::string& name, const Stats& of) {
    table.add({name, std::to_string(of.count), std::to_string(of.nulls), text_of(of.min), text_of(of.max),
               text_of(of.mean), text_of(of.std)});
  };
  if (fields.empty()) add(argument, stats_of(array));
  for (const Field& field : fields) add(field.name, stats_of(array[field.name]));
  table.print(context.out, context.width);
  return 0;
}

}  // namespace

Logic setup_stats(Flags& flags) {
  auto argument = std::make_shared<std::string>();
  flags.word(*argument, "NAME[INDEX]", "as of show; of a structured array each field has a line");
  return [argument](Context& context) { return stats(*argument, context); };
}

}  // namespace ndshare::cli
