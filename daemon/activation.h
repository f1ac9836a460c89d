/// Socket activation: the descriptor on which systemd listens already (sd_listen_fds(3)).
#pragma once

#include <string>

#include "lib/wire/owned_fd.h"

namespace ndshare::internal {

inline constexpr int kActivatedFd = 3;  ///< SD_LISTEN_FDS_START

/// Whether LISTEN_PID and LISTEN_FDS say that descriptors were passed to this process (the first one counts); the words are taken out of the
/// environment, so that no child takes them for its own.   REQUIRES: one thread yet.
bool take_activation() noexcept;

/// The passed descriptor as the listener of `path`, not blocking and closed on exec.
///   Errors: Usage (no listening Unix SOCK_SEQPACKET socket, or another path: clients would not find it).
OwnedFd activated_listener(const std::string& path);

}  // namespace ndshare::internal
