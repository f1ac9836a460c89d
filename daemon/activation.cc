#include "daemon/activation.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

[[noreturn]] void refuse(const std::string& why, const std::string& path) {
  throw Error(ErrorCode::Usage, "socket activation: " + why + "; the unit needs one ListenSequentialPacket=" + path, {{"path", path}});
}

int option_of(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

bool take_activation() noexcept {
  const char* pid = std::getenv("LISTEN_PID");   // NOLINT(concurrency-mt-unsafe)
  const char* count = std::getenv("LISTEN_FDS");  // NOLINT(concurrency-mt-unsafe)
  const bool ours = pid != nullptr && count != nullptr && parse_int(pid) == static_cast<std::int64_t>(::getpid()) &&
                    parse_int(count).value_or(0) > 0;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
  return ours;
}

void check_activated(const std::string& path) {
  const int fd = kActivatedFd;
  if (option_of(fd, SO_DOMAIN) != AF_UNIX || option_of(fd, SO_TYPE) != SOCK_SEQPACKET) {
    refuse("descriptor 3 is no Unix SOCK_SEQPACKET socket", path);
  }
  if (option_of(fd, SO_ACCEPTCONN) != 1) refuse("descriptor 3 does not listen", path);
  sockaddr_un address{};
  socklen_t size = sizeof address;
  const bool named = ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;  // NOLINT: the interface of sockets
  const std::string found = named && size > offsetof(sockaddr_un, sun_path) ? address.sun_path : "";
  if (found != path) refuse("it listens at '" + printable(found) + "'", path);
}

OwnedFd activated_listener() {
  ::fcntl(kActivatedFd, F_SETFD, FD_CLOEXEC);
  ::fcntl(kActivatedFd, F_SETFL, ::fcntl(kActivatedFd, F_GETFL) | O_NONBLOCK);
  return OwnedFd(kActivatedFd);
}

}  // namespace ndshare::internal
