/// Who is at the other end of a Unix socket: the kernel's word, taken when the connection was made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/wire/owned_fd.h"

namespace ndshare::internal {

struct PeerCredentials {
  std::uint64_t pid = 0;
  std::uint64_t start = 0;          ///< start time in clock ticks since boot, as in /proc/PID/stat
  std::uint64_t pid_namespace = 0;  ///< inode of its pid namespace; 0 where it may not be read
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;///< supplementary
  OwnedFd pidfd;                    ///< readable once the process has ended
  std::string command;              ///< name as in /proc/PID/comm
};

/// Reads the credentials of a connected socket's peer (SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD or pidfd_open).
///   Errors: Disconnected (the process is gone), Permission (a process that cannot be seen from here: another pid namespace),
///   TooManyDescriptors, Io.
PeerCredentials peer_credentials(int fd);

/// Start time of a process; nothing where there is no such process.
std::optional<std::uint64_t> process_start(std::uint64_t pid);

/// A pidfd of the process that has this pid and start time; empty where it is gone (another process of that pid included).
///   Errors: TooManyDescriptors, Io.
OwnedFd open_process(std::uint64_t pid, std::uint64_t start);

}  // namespace ndshare::internal
