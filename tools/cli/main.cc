// ndshare: the command-line tool.
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "tools/cli/app.h"
#include "tools/cli/table.h"

int main(int argc, char** argv) {
  // A reader that goes away (`ndshare ls | head -1`) is an error of writing, not a death in the middle of something.
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  std::cerr << std::unitbuf;
  ndshare::cli::Context context{.out = std::cout,
                                .err = std::cerr,
                                .width = ndshare::cli::output_columns(),
                                .progress = ::isatty(STDERR_FILENO) == 1,
                                .store = {},
                                .command = {}};
  return ndshare::cli::run_cli(std::vector<std::string>(argv + 1, argv + argc), context);
}
