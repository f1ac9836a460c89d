#include "lib/wire/peer.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <ndshare/error.h>

namespace ndshare::internal {
namespace {

constexpr int kPeerPidfd = 77;  ///< SO_PEERPIDFD, Linux 6.5; newer than some headers

[[noreturn]] void fail(const char* what, int error) {
  const auto code = error == EMFILE || error == ENFILE ? ErrorCode::TooManyDescriptors : ErrorCode::Io;
  throw Error(code, std::string(what) + ": " + std::strerror(error));  // NOLINT(concurrency-mt-unsafe)
}

[[noreturn]] void gone() { throw Error(ErrorCode::Disconnected, "the process at the other end is gone"); }

std::vector<std::uint32_t> groups_of(int fd) {
  std::vector<gid_t> groups(64);
  socklen_t bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  int status = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
  if (status != 0 && errno == ERANGE) {  // `bytes` says how many there are
    groups.resize(bytes / sizeof(gid_t));
    status = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
  }
  if (status != 0) bytes = 0;  // no groups are known: the role follows from uid and gid alone
  groups.resize(bytes / sizeof(gid_t));
  return {groups.begin(), groups.end()};
}

OwnedFd peer_pidfd(int fd, std::uint64_t pid) {
  int pidfd = -1;
  socklen_t bytes = sizeof(pidfd);
  if (::getsockopt(fd, SOL_SOCKET, kPeerPidfd, &pidfd, &bytes) == 0) return OwnedFd(pidfd);
  if (errno == EMFILE || errno == ENFILE) fail("cannot watch the peer's process", errno);
  if (errno == ESRCH) gone();
  // An older kernel. The pid may have been given to another process since connect(); its socket then hangs up in a moment.
  OwnedFd out(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
  if (!out && errno == ESRCH) gone();
  if (!out) fail("cannot watch the peer's process", errno);
  return out;
}

}  // namespace

bool process_ended(int pidfd) noexcept {
  pollfd entry{pidfd, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

PeerCredentials peer_credentials(int fd) {
  ucred credentials{};
  socklen_t bytes = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) fail("cannot read the peer's credentials", errno);
  if (credentials.pid <= 0) {
    throw Error(ErrorCode::Permission, "the client's process cannot be seen from the daemon's pid namespace: run both in one");
  }
  PeerCredentials out;
  out.pid = static_cast<std::uint64_t>(credentials.pid);
  out.uid = credentials.uid;
  out.gid = credentials.gid;
  out.groups = groups_of(fd);
  out.pidfd = peer_pidfd(fd, out.pid);
  return out;
}

}  // namespace ndshare::internal
