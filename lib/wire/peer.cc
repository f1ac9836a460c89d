#include "lib/wire/peer.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <ndshare/error.h>

namespace ndshare::internal {
namespace {

constexpr int kPeerPidfd = 77;      ///< SO_PEERPIDFD, Linux 6.5; newer than some headers
constexpr int kStartField = 20;     ///< fields after the command's ')' up to starttime: proc(5), field 22

[[noreturn]] void fail(const char* what, int error) {
  const auto code = error == EMFILE || error == ENFILE ? ErrorCode::TooManyDescriptors : ErrorCode::Io;
  throw Error(code, std::string(what) + ": " + std::strerror(error));  // NOLINT(concurrency-mt-unsafe)
}

[[noreturn]] void gone() { throw Error(ErrorCode::Disconnected, "the process at the other end is gone"); }

std::string process_file(std::uint64_t pid, const char* name) { return "/proc/" + std::to_string(pid) + "/" + name; }

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool has_ended(int pidfd) {
  pollfd entry{pidfd, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

OwnedFd pidfd_of(std::uint64_t pid) {
  return OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
}

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
  auto out = pidfd_of(pid);
  if (!out && errno == ESRCH) gone();
  if (!out) fail("cannot watch the peer's process", errno);
  return out;
}

}  // namespace

std::optional<std::uint64_t> process_start(std::uint64_t pid) {
  const auto text = read_text(process_file(pid, "stat"));
  const auto end = text.rfind(')');  // the command may contain anything, parentheses included
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end + 1));
  std::string field;
  for (int i = 0; i < kStartField; ++i) {
    if (!(fields >> field)) return std::nullopt;
  }
  return std::strtoull(field.c_str(), nullptr, 10);
}

OwnedFd open_process(std::uint64_t pid, std::uint64_t start) {
  auto out = pidfd_of(pid);
  if (!out) {
    if (errno == ESRCH || errno == EINVAL) return out;
    fail("cannot watch a client's process", errno);
  }
  if (process_start(pid) != start || has_ended(out.get())) out.reset();
  return out;
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
  const auto start = process_start(out.pid);
  struct stat info {};
  if (::stat(process_file(out.pid, "ns/pid").c_str(), &info) == 0) out.pid_namespace = info.st_ino;
  out.command = read_text(process_file(out.pid, "comm"));
  while (!out.command.empty() && out.command.back() == '\n') out.command.pop_back();
  // What /proc said belongs to this process only if it still lives: its pid cannot have been reused.
  if (!start || has_ended(out.pidfd.get())) gone();
  out.start = *start;
  return out;
}

}  // namespace ndshare::internal
