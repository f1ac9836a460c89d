// ndshare completion: scripts for shells.
#include <memory>
#include <ostream>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/completion.h"
#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {

Logic setup_completion(Flags& flags) {
  auto shell = std::make_shared<std::string>();
  flags.word(*shell, "SHELL", "bash, zsh or fish");
  return [shell](Context& context) {
    const auto script = completion_script(*shell);
    if (script.empty()) {
      throw Error(ErrorCode::Usage, "completion: there is bash, zsh and fish, not '" + internal::printable(*shell) + "'");
    }
    if (context.json) {
      print_json(context.out, {{"shell", *shell}, {"script", script}});
    } else {
      context.out << script;
    }
    return 0;
  };
}

}  // namespace ndshare::cli
