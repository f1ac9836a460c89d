#include "client/start.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/address.h"
#include "lib/base/text.h"
#include "lib/wire/owned_fd.h"

#ifndef NDSHARE_INSTALL_BINDIR
#define NDSHARE_INSTALL_BINDIR "/usr/local/bin"
#endif

namespace ndshare {
namespace {

namespace fs = std::filesystem;
using internal::OwnedFd;

constexpr const char* kProgram = "ndshared";

/// Folder of the shared library (or program) that this code was linked into.
fs::path own_library_folder() {
  Dl_info info{};
  const auto here = reinterpret_cast<void*>(&own_library_folder);  // NOLINT: dladdr's interface
  if (::dladdr(here, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  return fs::weakly_canonical(info.dli_fname, ignored).parent_path();
}

/// Where an ndshared may be, in the order in which it is looked for.
std::vector<fs::path> candidates() {
  std::vector<fs::path> places;
  std::error_code ignored;
  if (const auto self = fs::read_symlink("/proc/self/exe", ignored); !self.empty()) places.push_back(self.parent_path() / kProgram);
  if (const auto library = own_library_folder(); !library.empty()) {
    places.push_back(library.parent_path() / "bin" / kProgram);
    places.push_back(library.parent_path().parent_path() / "bin" / kProgram);  // lib/<multiarch>/libndshare.so
  }
  places.emplace_back(fs::path(NDSHARE_INSTALL_BINDIR) / kProgram);
  std::string_view path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  while (!path.empty()) {
    const auto part = path.substr(0, path.find(':'));
    if (!part.empty()) places.push_back(fs::path(part) / kProgram);
    path.remove_prefix(std::min(part.size() + 1, path.size()));
  }
  return places;
}

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

/// In the child of the child: becomes the daemon. Only async-signal-safe calls; `argv` was made before the fork.
[[noreturn]] void become_daemon(char* const* argv, int report) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(report, STDERR_FILENO);  // what it says before it serves; then it lets go of it
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execv(argv[0], argv);
  constexpr std::string_view kFailed = "error 16 cannot run the ndshared program\n";
  static_cast<void>(!::write(report, kFailed.data(), kFailed.size()));
  ::_exit(127);
}

/// Runs `words` as a grandchild, so that it is init's to reap. Returns the end of the pipe that the daemon reports to.
OwnedFd spawn(std::vector<std::string> words) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw Error(errno == EMFILE || errno == ENFILE ? ErrorCode::TooManyDescriptors : ErrorCode::Io,
                std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  OwnedFd read_end(ends[0]), write_end(ends[1]);
  ::fcntl(write_end.get(), F_SETFD, 0);  // the daemon inherits it, under the same number
  words.insert(words.end(), {"--ready-fd", std::to_string(write_end.get())});
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw Error(ErrorCode::Io, std::string("cannot start a process: ") + std::strerror(errno));
  if (child == 0) {
    if (::fork() == 0) become_daemon(argv.data(), write_end.get());
    ::_exit(0);
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return read_end;
}

/// The error in the daemon's line "error NUMBER message", or in the last thing it said before it ended.
Error refusal(std::string_view line) {
  auto code = ErrorCode::Internal;
  if (line.starts_with("error ")) {
    line.remove_prefix(6);
    const auto number = internal::parse_int(line.substr(0, line.find(' ')));
    code = error_from_number(static_cast<std::uint64_t>(number.value_or(1)));
    line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
  } else if (line.starts_with("ndshared: ")) {
    code = ErrorCode::Usage;  // it did not get beyond its command line
    line.remove_prefix(10);
  }
  return {code, line.empty() ? "the ndshared program ended without a word" : std::string(line)};
}

/// Reads the daemon's lines until it serves.   Errors: what it refuses with; Timeout.
void await_ready(int fd, internal::Deadline deadline) {
  std::string text, last;
  std::array<char, 1024> buffer{};
  while (true) {
    internal::wait_readable(fd, deadline);
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      const auto line = text.substr(0, end);
      text.erase(0, end + 1);
      if (line == "ready") return;
      if (line.starts_with("error ")) throw refusal(line);
      last = line;
    }
    if (got <= 0) throw refusal(text.empty() ? last : text);
  }
}

}  // namespace

namespace internal {

void start_daemon(const admin::DaemonOptions& options) {
  const auto pipe = spawn(admin::daemon_command(options));
  try {
    await_ready(pipe.get(), deadline_after(options.timeout, options.timeout));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Timeout) throw;
    throw Error(ErrorCode::Timeout, "the daemon of store '" + options.store + "' did not serve within " +
                                        format_seconds(std::chrono::duration<double>(options.timeout).count()));
  }
}

}  // namespace internal

namespace admin {

std::string daemon_program() {
  if (const char* set = std::getenv("NDSHARE_DAEMON"); set != nullptr && *set != '\0') {
    if (is_program(set)) return set;
    throw Error(ErrorCode::NotSupported, "NDSHARE_DAEMON names '" + internal::printable(set) + "', which is not a program");
  }
  std::vector<std::string> looked;
  for (const auto& place : candidates()) {
    if (is_program(place)) return place.string();
    looked.push_back(place.string());
  }
  throw Error(ErrorCode::NotSupported,
              "the ndshared program was not found; set NDSHARE_DAEMON to its path. Looked for: " + joined(looked));
}

std::vector<std::string> daemon_command(const DaemonOptions& options) {
  const auto address = internal::resolve_address(options.store);
  if (address.uid != internal::own_uid()) {
    throw Error(ErrorCode::Permission, "store '" + internal::address_text(address) + "' is another user's: only they start it");
  }
  std::vector<std::string> words = {daemon_program(), "--store", address.name};
  const auto add = [&](const char* option, const std::string& value) { words.insert(words.end(), {option, value}); };
  if (options.capacity_bytes != 0) add("--capacity", std::to_string(options.capacity_bytes));
  if (options.max_clients != 0) add("--max-clients", std::to_string(options.max_clients));
  if (options.max_arrays != 0) add("--max-arrays", std::to_string(options.max_arrays));
  if (!options.pool_dir.empty()) add("--pool-dir", options.pool_dir);
  if (!options.log_file.empty()) add("--log-file", options.log_file);
  if (!options.log_level.empty()) add("--log-level", options.log_level);
  if (!options.metrics.empty()) add("--metrics", options.metrics);
  for (const auto& group : options.allow_gids) add("--allow-gid", group);
  for (const auto& group : options.read_only_gids) add("--read-only-gid", group);
  if (options.ephemeral) words.emplace_back("--ephemeral");
  return words;
}

}  // namespace admin
}  // namespace ndshare
