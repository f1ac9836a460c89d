/// The command line: global options, verbs, help, and what an error becomes.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "tools/cli/verb.h"

namespace ndshare::cli {

/// Runs one command line (without the program's name) and returns its exit status: 0 done, 1 failed, 2 wrong usage, 3
/// no such store or array, 4 timed out. Never throws. `context` carries the streams and their width.
int run_cli(std::vector<std::string> words, Context& context);

}  // namespace ndshare::cli
