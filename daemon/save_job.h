/// The save that a daemon has done for a client of another version: by the command-line tool of its own version.
///
/// That program is opened when the daemon starts and kept open: an upgrade that replaces the files cannot take it away. It runs
/// as the daemon's user, takes a slot like any client, and writes below a folder that the asker opened.
///   Threads: the loop's.   Errors: NotSupported (no such program at the start), Protocol, Io.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

#include "daemon/loop.h"
#include "lib/wire/owned_fd.h"

namespace ndshare::internal {

class Session;

/// The `ndshare` beside this program or, where there is none, at the place of the installation; nothing where neither is.
OwnedFd open_own_cli();

/// A program that saves; watched until it ends.
struct SaveJob {
  pid_t pid = -1;
  OwnedFd pidfd;
  Loop::Watch watch;
  std::weak_ptr<Session> session;
  std::uint64_t sequence = 0;
};

/// Runs `cli` to save `store` as `name` in `folder`; what it writes goes to `text`. Returns its pid.
pid_t spawn_save(int cli, const std::string& store, const std::string& name, std::uint64_t wait_ms, int folder, int text);

}  // namespace ndshare::internal
