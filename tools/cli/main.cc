// ndshare: the command-line tool.
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "tools/cli/app.h"
#include "tools/cli/color.h"
#include "tools/cli/table.h"

namespace {

/// A caller may have closed standard streams (`ndshare ls >&-`). Whatever is opened next would take their numbers, and
/// output would go into the store's socket or segments: something harmless takes them first. Writing to a closed output
/// stays an error.
void occupy_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest free number is this one: those below are taken by now.
    static_cast<void>(::open("/dev/null", stream == STDOUT_FILENO ? O_RDONLY : O_RDWR));
  }
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  // A reader that goes away (`ndshare ls | head -1`) is an error of writing, not a death in the middle of something.
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  std::cerr << std::unitbuf;
  ndshare::cli::Context context{.out = std::cout,
                                .err = std::cerr,
                                .width = ndshare::cli::output_columns(),
                                .progress = ::isatty(STDERR_FILENO) == 1,
                                .color = ndshare::cli::output_has_colors(),
                                .store = {},
                                .command = {}};
  return ndshare::cli::run_cli(std::vector<std::string>(argv + 1, argv + argc), context);
}
