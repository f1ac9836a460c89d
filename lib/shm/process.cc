#include "lib/shm/process.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string_view>

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kCommandBytes = 47;  // fits Slot::command with its NUL

std::string proc_path(std::uint64_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

/// The start of a file, at most `limit` bytes; empty where it cannot be read.
std::string read_start(const std::string& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary);
  std::string text(limit, '\0');
  file.read(text.data(), static_cast<std::streamsize>(limit));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::uint64_t namespace_inode(const std::string& path) {
  struct ::stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

std::optional<std::uint64_t> process_start(std::uint64_t pid) {
  const std::string text = read_start(proc_path(pid, "stat"), 4096);
  // Field 2 is the command in parentheses, which may itself hold spaces and parentheses: fields count from the last
  // ')'.
  std::size_t at = text.rfind(')');
  if (at == std::string::npos) return std::nullopt;
  for (int field = 2; field < 22; ++field) {
    at = text.find(' ', at + 1);
    if (at == std::string::npos) return std::nullopt;
  }
  std::uint64_t start = 0;
  const char* first = text.data() + at + 1;
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), start);
  return error == std::errc() && end != first ? std::optional(start) : std::nullopt;
}

std::uint64_t pid_namespace(std::uint64_t pid) { return namespace_inode(proc_path(pid, "ns/pid")); }

std::uint64_t own_pid_namespace() { return namespace_inode("/proc/self/ns/pid"); }

int open_pidfd(std::uint64_t pid) {
  if (pid == 0 || pid > 0x7FFF'FFFF) return errno = ESRCH, -1;
  return static_cast<int>(::syscall(SYS_pidfd_open, static_cast<::pid_t>(pid), 0));
}

bool process_alive(std::uint64_t pid, std::uint64_t start) {
  const int fd = open_pidfd(pid);
  if (fd < 0 && errno == ESRCH) return false;
  // The order matters: the pidfd first holds on to one process, then its start is read, then the pidfd says whether
  // that process lived all the while.
  const auto now = process_start(pid);
  // No descriptor left to look with (or a kernel without pidfds and no /proc): only the pid can be asked.
  if (fd < 0 && !now) return ::kill(static_cast<::pid_t>(pid), 0) == 0 || errno == EPERM;
  bool alive = start == 0 || !now || *now == start;
  if (fd < 0) return alive;
  pollfd poll_fd{fd, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&poll_fd, 1, 0);
  } while (ready < 0 && errno == EINTR);
  if (ready > 0) alive = false;
  ::close(fd);
  return alive;
}

std::string process_command(std::uint64_t pid) {
  std::string text = read_start(proc_path(pid, "cmdline"), kCommandBytes);
  while (!text.empty() && text.back() == '\0') text.pop_back();
  for (char& byte : text) {
    if (byte == '\0') byte = ' ';
    if (byte < ' ' || byte > '~') byte = '?';
  }
  return text;
}

std::array<std::uint64_t, 2> boot_id() {
  const std::string text = read_start("/proc/sys/kernel/random/boot_id", 64);
  std::array<std::uint64_t, 2> id{};
  std::size_t digits = 0;
  for (const char byte : text) {
    std::uint64_t value = 0;
    if (digits == 32 || std::from_chars(&byte, &byte + 1, value, 16).ec != std::errc()) continue;
    auto& half = id[digits++ / 16];
    half = half << 4 | value;
  }
  return id;
}

}  // namespace ndshare::internal
