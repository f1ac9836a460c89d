// ndshare rm: takes names away.
#include <algorithm>
#include <memory>
#include <ostream>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

/// The names that the words stand for. A word with '*' or '?' is a pattern: names have neither.
///   Errors: NoSuchArray, before anything is removed.
std::vector<std::string> resolve(const std::vector<std::string>& words, const Store& store) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {  // two words may stand for the same array
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& word : words) {
    bool any = false;
    if (word.find_first_of("*?") == std::string::npos) {
      internal::check_array_name(word);
      any = contains(store, word);
      if (any) add(word);
    } else {
      for (const auto& info : store.list(word)) {
        add(info.name);
        any = true;
      }
    }
    if (!any)
      throw Error(ErrorCode::NoSuchArray,
                  "no array '" + internal::printable(word) + "'; nothing was removed (ndshare ls shows what is there)",
                  {{"name", word}});
  }
  return names;
}

int rm(const std::vector<std::string>& words, Context& context) {
  Store store = context.connect();
  const auto names = resolve(words, store);
  for (const auto& name : names) store.remove(name);
  if (context.json) print_json(context.out, {{"removed", names}});
  return 0;
}

}  // namespace

Logic setup_rm(Flags& flags) {
  auto words = std::make_shared<std::vector<std::string>>();
  flags.words(*words, "NAME", "arrays, or patterns with '*' and '?'");
  return [words](Context& context) { return rm(*words, context); };
}

}  // namespace ndshare::cli
