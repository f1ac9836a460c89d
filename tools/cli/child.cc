#include "tools/cli/child.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <ndshare/error.h>

namespace ndshare::cli {
namespace {

/// The signals to forward, and SIGCHLD, blocked while this lives, so that sigwaitinfo() takes them one by one.
class BlockedSignals {
 public:
  BlockedSignals() {
    ::sigemptyset(&wanted_);
    for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCHLD}) ::sigaddset(&wanted_, signal);
    ::pthread_sigmask(SIG_BLOCK, &wanted_, &before_);
  }
  ~BlockedSignals() { restore(); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  void restore() const { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  [[nodiscard]] siginfo_t wait() const {
    siginfo_t info{};
    while (::sigwaitinfo(&wanted_, &info) < 0 && errno == EINTR) {
    }
    return info;
  }

 private:
  sigset_t wanted_{}, before_{};
};

/// Whether the program is there at all. execvp says "permission denied" for one that is nowhere, where PATH has a folder that
/// this user may not look into; shells call that not found.
bool is_somewhere(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), F_OK) == 0;
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/" + program).c_str(), F_OK) == 0) return true;
  }
  return false;
}

[[noreturn]] void become(std::vector<std::string>& command, const BlockedSignals& signals) {
  std::vector<char*> argv;
  for (auto& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::signal(SIGPIPE, SIG_DFL);  // ignored here, and ignoring survives exec
  signals.restore();
  ::execvp(argv[0], argv.data());
  const int reason = errno == EACCES && !is_somewhere(command[0]) ? ENOENT : errno;
  std::fprintf(stderr, "ndshare: cannot run '%s': %s\n", argv[0], std::strerror(reason));
  ::_exit(reason == ENOENT || reason == ENOTDIR ? 127 : 126);
}

}  // namespace

int run_child(std::vector<std::string> command, const std::pair<std::string, std::string>& variable) {
  ::setenv(variable.first.c_str(), variable.second.c_str(), 1);
  // SIGCHLD may have been inherited as ignored: then children are reaped unseen and their status is lost.
  ::signal(SIGCHLD, SIG_DFL);
  const BlockedSignals signals;
  const pid_t child = ::fork();
  if (child < 0) throw Error(ErrorCode::Io, std::string("cannot make a process: ") + std::strerror(errno));
  if (child == 0) become(command, signals);
  while (true) {
    const auto info = signals.wait();
    if (info.si_signo != SIGCHLD) {
      if (info.si_code != SI_KERNEL) ::kill(child, info.si_signo);
      continue;
    }
    int raw = 0;
    if (::waitpid(child, &raw, WNOHANG) != child) continue;  // stopped or continued, or another child
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }
}

}  // namespace ndshare::cli
