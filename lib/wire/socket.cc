#include "lib/wire/socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

constexpr std::size_t kMaxDescriptors = 8;  ///< in one packet; no message has more than 3
constexpr auto kFullQueueNap = std::chrono::milliseconds(2);

std::string words(int error) { return std::strerror(error); }  // NOLINT(concurrency-mt-unsafe): glibc's is per thread

[[noreturn]] void fail(const std::string& what, int error) {
  if (error == EMFILE || error == ENFILE) {
    throw Error(ErrorCode::TooManyDescriptors, what + ": " + words(error) + " (raise `ulimit -n`)");
  }
  throw Error(ErrorCode::Io, what + ": " + words(error), {{"errno", std::to_string(error)}});
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    throw Error(ErrorCode::Name, "the socket path '" + printable(path) + "' has " + std::to_string(path.size()) + " bytes; " +
                                     std::to_string(sizeof(address.sun_path) - 1) + " are allowed: use a shorter store name");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

OwnedFd new_socket() {
  OwnedFd out(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out) fail("cannot make a socket", errno);
  return out;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the interface of sockets
}

/// Removes what a dead daemon left at `path`; refuses anything that is not our socket.
void remove_stale(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return;
  if (!S_ISSOCK(info.st_mode) || info.st_uid != ::geteuid()) {
    throw Error(ErrorCode::Squatted,
                "'" + printable(path) + "' is " + (S_ISSOCK(info.st_mode) ? "a socket" : "not a socket") + " of uid " +
                    std::to_string(info.st_uid) + ": remove it, or use another store name",
                {{"path", path}, {"uid", std::to_string(info.st_uid)}});
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("cannot remove the stale socket '" + printable(path) + "'", errno);
}

void wait_for(int fd, short events, Deadline deadline) {
  pollfd entry{fd, events, 0};
  while (true) {
    timespec left{};
    const timespec* limit = nullptr;
    if (deadline != kForever) {
      const auto ns = std::max<std::int64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - std::chrono::steady_clock::now()).count(), 0);
      left = {static_cast<std::time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
      limit = &left;
    }
    const int ready = ::ppoll(&entry, 1, limit, nullptr);
    if (ready > 0) return;
    if (ready == 0) throw Error(ErrorCode::Timeout, "the daemon did not answer before the deadline");
    if (errno != EINTR) fail("cannot wait for the daemon's socket", errno);
  }
}

/// Takes the descriptors out of the control data, so that every path from here closes them.
std::vector<OwnedFd> take_descriptors_of(msghdr& header) {
  std::vector<OwnedFd> out;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
      out.emplace_back(fd);
    }
  }
  return out;
}

bool means_hang_up(int error) { return error == ECONNRESET || error == EPIPE || error == ENOTCONN; }

}  // namespace

OwnedFd connect_socket(const std::string& path, Deadline deadline) {
  const auto address = address_of(path);
  auto out = new_socket();
  while (::connect(out.get(), as_sockaddr(address), sizeof(address)) != 0) {
    const int error = errno;
    if (error == EINTR) continue;
    if (error == ENOENT || error == ECONNREFUSED) {
      throw Error(ErrorCode::NoSuchStore, "nobody listens at '" + printable(path) + "' (" + words(error) +
                                              "): start the store with `ndshare start`", {{"path", path}});
    }
    if (error == EACCES || error == EPERM) {
      throw Error(ErrorCode::Permission, "may not connect to '" + printable(path) +
                                             "': the store's owner lets others in with --allow-gid or --read-only-gid");
    }
    if (error != EAGAIN) fail("cannot connect to '" + printable(path) + "'", error);
    // The listener's queue is full: the daemon is busy or stopped.
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error(ErrorCode::Timeout, "the daemon did not accept a connection before the deadline");
    }
    std::this_thread::sleep_for(kFullQueueNap);
  }
  return out;
}

OwnedFd listen_socket(const std::string& path, std::uint32_t mode) {
  const auto address = address_of(path);
  remove_stale(path);
  auto out = new_socket();
  // The mode holds from the first moment: bind() applies the mask.
  const auto mask = ::umask(static_cast<mode_t>(0777U & ~mode));
  const int bound = ::bind(out.get(), as_sockaddr(address), sizeof(address));
  const int error = errno;
  ::umask(mask);
  if (bound != 0 && error == EADDRINUSE) {
    throw Error(ErrorCode::Squatted, "'" + printable(path) + "' was taken by somebody else just now");
  }
  if (bound != 0) fail("cannot bind '" + printable(path) + "'", error);
  if (::listen(out.get(), SOMAXCONN) != 0) fail("cannot listen at '" + printable(path) + "'", errno);
  return out;
}

Received receive_packet(int fd, std::span<std::uint8_t> buffer, bool take_descriptors) {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  iovec piece{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  if (take_descriptors) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
  ssize_t got = 0;
  do {
    got = ::recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  Received out;
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return out;
    if (!means_hang_up(errno)) fail("cannot receive", errno);
  }
  if (got <= 0) {
    out.arrival = Arrival::hang_up;
    return out;
  }
  out.arrival = Arrival::packet;
  out.bytes = static_cast<std::size_t>(got);
  out.descriptors = take_descriptors_of(header);
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    throw Error(ErrorCode::Protocol, "message: a packet of more than " + std::to_string(buffer.size()) + " bytes");
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) {
    throw Error(take_descriptors ? ErrorCode::TooManyDescriptors : ErrorCode::Protocol,
                take_descriptors ? "descriptors of a reply were lost: this process is at its limit (raise `ulimit -n`)"
                                 : "message: descriptors beside a request");
  }
  return out;
}

bool send_packet(int fd, std::span<const std::uint8_t> packet, std::span<const int> descriptors) {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  iovec piece{const_cast<std::uint8_t*>(packet.data()), packet.size()};  // NOLINT: sendmsg does not write
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    if (descriptors.size() > kMaxDescriptors) throw Error(ErrorCode::Internal, "too many descriptors in one packet");
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(item), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) return false;
    if (means_hang_up(error)) throw Error(ErrorCode::Disconnected, "the other end of the connection went away");
    fail("cannot send", error);
  }
  return true;
}

void wait_readable(int fd, Deadline deadline) { wait_for(fd, POLLIN, deadline); }
void wait_writable(int fd, Deadline deadline) { wait_for(fd, POLLOUT, deadline); }

}  // namespace ndshare::internal
