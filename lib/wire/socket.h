/// Unix SOCK_SEQPACKET sockets: one packet a message, descriptors beside it. Native calls, all of them non-blocking.
///
/// A packet arrives whole or not at all; a truncated one, or one whose descriptors were cut, is an Error Protocol and leaves no
/// stray descriptor behind. An empty packet cannot be told from the end of the stream and counts as a hang-up.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/wire/owned_fd.h"

namespace ndshare::internal {

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline kForever = Deadline::max();

/// Connects to the daemon's socket.
///   Errors: NoSuchStore (no socket, or nobody listens), Permission, Timeout (its queue stays full), Name (a path over 107
///   bytes), TooManyDescriptors, Io.
OwnedFd connect_socket(const std::string& path, Deadline deadline);

/// Binds and listens. A socket left by a dead daemon is replaced: the caller holds the store's lock file, so nobody serves it.
///   Errors: Squatted (the path is not a socket, or another user's), Name, Permission, TooManyDescriptors, Io.
OwnedFd listen_socket(const std::string& path, std::uint32_t mode);

enum class Arrival : std::uint8_t { packet, nothing, hang_up };

/// What one receive gave. `bytes` of the buffer are valid where `arrival` says packet.
struct Received {
  Arrival arrival = Arrival::nothing;
  std::size_t bytes = 0;
  std::vector<OwnedFd> descriptors;
};

/// Takes one packet if there is one. With `take_descriptors` false a packet that carries some is refused; they never open.
///   Errors: Protocol (larger than the buffer; descriptors cut or not wanted), Io.
Received receive_packet(int fd, std::span<std::uint8_t> buffer, bool take_descriptors);

/// Sends one packet; false where the socket's buffer is full.   Errors: Disconnected, TooManyDescriptors, Io.
bool send_packet(int fd, std::span<const std::uint8_t> packet, std::span<const int> descriptors = {});

/// Waits until `fd` can be read (or hung up), or written.   Errors: Timeout.
void wait_readable(int fd, Deadline deadline);
void wait_writable(int fd, Deadline deadline);

}  // namespace ndshare::internal
