/// A command as a child: signals forwarded to it, its end as a shell reports it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ndshare::cli {

/// Runs `command` (found through PATH) with `variable` added to its environment, and returns its exit status, or 128 +
/// the signal that ended it; 127 where it is not found and 126 where it cannot be run. SIGTERM, SIGHUP, SIGINT and
/// SIGQUIT that somebody sends to this process go to the command; those of the terminal reach it anyway.
///   Threads: to be called from the only thread.   Errors: Io when no process can be made.
[[nodiscard]] int run_child(std::vector<std::string> command, const std::pair<std::string, std::string>& variable);

}  // namespace ndshare::cli
