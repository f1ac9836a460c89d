// ndshare info: one array, every field.
#include <memory>
#include <ostream>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

int info(const std::string& name, Context& context) {
  const auto array = Reader(context).info(name);
  if (context.json) {
    auto json = to_json(array);
    json["grain"] = array.grain;
    json["uid"] = array.uid;
    json["pid"] = array.pid;
    print_json(context.out, json);
    return 0;
  }
  Record record;
  record.add_text("name", array.name);
  record.add_text("dtype", array.dtype.to_string());
  record.add_text("shape", array.shape.str());
  record.add_text("order", array.order == Order::C ? "C" : "F");
  record.add_bytes("size", static_cast<std::uint64_t>(array.nbytes));
  record.add_bytes("in_the_pool", static_cast<std::uint64_t>(array.extent_bytes));
  record.add_count("extents", static_cast<std::uint64_t>(array.extents));
  record.add_bytes("grain", static_cast<std::uint64_t>(array.grain));
  record.add_text("state", std::string(state_name(array)));
  if (array.snapshot) record.add_text("snapshot_of", "version " + internal::format_count(array.source_version));
  for (const auto& range : array.torn)
    record.add_text("torn rows", rows_text(range.rows) + ", by pid " + std::to_string(range.pid) + ", noticed " +
                                     format_time(range.unix_ns) + " (ndshare repair)");
  record.add_count("version", array.version);
  record.add_text("lifetime", array.lifetime == Lifetime::persistent ? "persistent" : "session");
  record.add_text("created", format_time(array.created_unix_ns));
  record.add_text("by", "pid " + std::to_string(array.pid) + ", uid " + std::to_string(array.uid));
  for (const auto& [key, value] : array.attrs)
    record.add("attr " + one_line(key), value, value.empty() ? "''" : one_line(value));
  record.print(context);
  return 0;
}

}  // namespace

Logic setup_info(Flags& flags) {
  auto name = std::make_shared<std::string>();
  flags.word(*name, "NAME", "of the array");
  return [name](Context& context) { return info(*name, context); };
}

}  // namespace ndshare::cli
