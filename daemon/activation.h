/// Socket activation: the descriptor on which systemd listens already (sd_listen_fds(3)).
#pragma once

#include <string>

#include "lib/wire/owned_fd.h"

namespace ndshare::internal {

inline constexpr int kActivatedFd = 3;  ///< SD_LISTEN_FDS_START

/// Whether LISTEN_PID and LISTEN_FDS say that descriptors were passed to this process (the first one counts); the words are taken out of the
/// environment, so that no child takes them for its own.   REQUIRES: one thread yet.
bool take_activation() noexcept;

/// Asked before the store is opened, so that a refusal leaves nothing behind.
///   Errors: Usage (no listening Unix SOCK_SEQPACKET socket, or one of another path than `path`: clients would not find it).
void check_activated(const std::string& path);

/// The passed descriptor, not blocking and closed on exec. REQUIRES: it was checked.
OwnedFd activated_listener();

}  // namespace ndshare::internal
