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
  bool help = false, version = false;         ///< print and leave
};

/// Reads the words after the program's name.   Errors: Usage (the option and what it takes), Name.
DaemonOptions parse_options(int argc, char** argv);

/// The text of --help.
std::string help_text();

}  // namespace ndshare::internal
