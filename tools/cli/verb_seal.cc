// ndshare seal: arrays that never change again.
#include <algorithm>
#include <memory>
#include <ostream>

#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

int seal(std::vector<std::string> names, Context& context) {
  Store store = context.connect();
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());  // sealing twice is an error
  std::vector<SharedArray> arrays;
  for (const auto& name : names) arrays.push_back(store.open(name));  // all must be there before one is sealed
  for (auto& array : arrays) array.seal();
  if (context.json) print_json(context.out, {{"sealed", names}});
  return 0;
}

}  // namespace

Logic setup_seal(Flags& flags) {
  auto names = std::make_shared<std::vector<std::string>>();
  flags.words(*names, "NAME", "arrays");
  return [names](Context& context) { return seal(*names, context); };
}

}  // namespace ndshare::cli
