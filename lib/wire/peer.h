/// Who is at the other end of a Unix socket: the kernel's word, taken when the connection was made.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/wire/owned_fd.h"

namespace ndshare::internal {

struct PeerCredentials {
  std::uint64_t pid = 0;
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;  ///< supplementary
  OwnedFd pidfd;                      ///< readable once the process has ended
};

/// Reads the credentials of a connected socket's peer (SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD or pidfd_open).
///   Errors: Disconnected (the process is gone), Permission (a process that cannot be seen from here: another pid namespace),
///   TooManyDescriptors, Io.
PeerCredentials peer_credentials(int fd);

/// Whether the process of a pidfd has ended.
bool process_ended(int pidfd) noexcept;

}  // namespace ndshare::internal
