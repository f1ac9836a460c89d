/// Completion of command lines: one hidden verb that knows everything, and a thin script a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/verb.h"

namespace ndshare::cli {

/// `ndshare __complete WORD...`: prints what the last of the words may become, one a line; ":files" where it is a file. Asks no
/// daemon and changes nothing; errors print nothing. Returns 0.
int complete(std::vector<std::string> words, Context& context);

/// The script of "bash", "zsh" or "fish"; empty for another shell.
[[nodiscard]] std::string_view completion_script(std::string_view shell);

}  // namespace ndshare::cli
