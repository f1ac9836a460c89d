// ndshare show: values, as NumPy's print() shows them.
#include <memory>
#include <ostream>

#include <ndshare/print.h>

#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

int show(const std::string& argument, Context& context) {
  const auto array = Reader(context).array(argument);
  if (context.json) {
    print_json(context.out, {{"dtype", array.dtype().to_string()},
                             {"shape", std::vector<std::int64_t>(array.shape().begin(), array.shape().end())},
                             {"values", to_json_values(array)}});
  } else {
    context.out << to_string(array) << '\n';
  }
  return 0;
}

}  // namespace

Logic setup_show(Flags& flags) {
  auto argument = std::make_shared<std::string>();
  flags.word(*argument, "NAME[INDEX]", "'a', 'a[0:10, ::2]', 'a.field[-1]', 'a[\"field\"]'");
  return [argument](Context& context) { return show(*argument, context); };
}

}  // namespace ndshare::cli
