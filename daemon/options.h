/// What ndshared was told on its command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/engine.h"
#include "lib/base/log.h"

namespace ndshare::internal {

struct DaemonOptions {
  EngineOptions engine;
  std::vector<std::uint32_t> write_gids;      ///< members of these groups get the write role
  std::vector<std::uint32_t> read_only_gids;  ///< members of these the read-only role
  LogOptions log;
  int ready_fd = -1;                          ///< told once whether the daemon serves, then closed
  std::chrono::seconds idle_exit{10};         ///< an ephemeral store that nobody came to ends after this
  std::string metrics;                        ///< checked ADDRESS:PORT to serve metrics at; empty: nowhere
  bool activated = false;                     ///< the supervisor listens already: activation.h
  bool help = false, version = false, man = false;         ///< print and leave
};

/// Reads the words after the program's name.   Errors: Usage (the option and what it takes), Name.
DaemonOptions parse_options(int argc, char** argv);

/// The text of --help.
std::string help_text();
/// The manual page (man_page.cc), in man(7)'s macros.
std::string man_page();

/// An option as help and manual tell it.
struct OptionText {
  const char *name, *argument, *help;  ///< argument: null for a flag
};
std::vector<OptionText> option_texts();

}  // namespace ndshare::internal
