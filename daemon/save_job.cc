#include "daemon/save_job.h"

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "daemon/handlers.h"
#include "daemon/server.h"
#include "lib/base/log.h"

#ifndef NDSHARE_INSTALL_BINDIR
#define NDSHARE_INSTALL_BINDIR "/usr/local/bin"
#endif

extern char** environ;

namespace ndshare::internal {
namespace {

constexpr int kFolderFd = 3;     // in the program
constexpr auto kLookAgain = std::chrono::milliseconds(100);
constexpr int kLeastCliFd = 10;  // so that the descriptors above do not take its place

/// How the program is started: nothing of the daemon's but its environment.
class SpawnPlan {
 public:
  SpawnPlan(int folder, int text) {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files_, text, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files_, text, STDERR_FILENO);
    ::posix_spawn_file_actions_adddup2(&files_, folder, kFolderFd);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, defaults;
    ::sigemptyset(&none);
    ::sigemptyset(&defaults);
    for (const int signal : {SIGPIPE, SIGHUP}) ::sigaddset(&defaults, signal);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  pid_t run(const std::string& program, std::vector<std::string> words) const {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, program.c_str(), &files_, &attributes_, argv.data(), environ);
    if (error != 0) throw Error(ErrorCode::Io, std::string("cannot run the ndshare that saves: ") + std::strerror(error));
    return pid;
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

void check_name(const std::string& name) {
  const bool bad = name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
                   name.find('\0') != std::string::npos;
  if (bad) throw Error(ErrorCode::Usage, "SaveRequest.name must be the name of a folder in the folder that is passed");
}

/// The exit status as a shell tells it; nothing while it runs.
std::optional<std::uint64_t> exit_status(pid_t pid) {
  int status = 0;
  const auto ended = ::waitpid(pid, &status, WNOHANG);
  if (ended == 0) return std::nullopt;
  if (ended < 0) return 1;
  return static_cast<std::uint64_t>(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

OwnedFd open_own_cli() {
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  for (const auto& folder : {self.parent_path(), std::filesystem::path(NDSHARE_INSTALL_BINDIR)}) {
    const OwnedFd found(::open((folder / "ndshare").c_str(), O_PATH | O_CLOEXEC));
    if (found) return OwnedFd(::fcntl(found.get(), F_DUPFD_CLOEXEC, kLeastCliFd));
  }
  return {};
}

pid_t spawn_save(int cli, const std::string& store, const std::string& name, std::uint64_t wait_ms, int folder, int text) {
  const SpawnPlan plan(folder, text);
  const auto wait = std::to_string(wait_ms / 1000) + "." + std::to_string(1000 + wait_ms % 1000).substr(1);
  return plan.run("/proc/self/fd/" + std::to_string(cli), {"ndshare", "--store", store, "--timeout", wait, "save",
                                                           "/proc/self/fd/" + std::to_string(kFolderFd) + "/" + name});
}

std::optional<SaveReply> handle(Server& server, Session& session, std::uint64_t sequence, SaveRequest request) {
  const auto passed = session.take_descriptors();
  if (passed.size() != 2) throw Error(ErrorCode::Protocol, "SaveRequest: a folder and a file must ride along");
  check_name(request.name);
  if (server.own_cli() < 0) {
    throw Error(ErrorCode::NotSupported, "there was no `ndshare` beside this daemon when it was started: use the one of its version");
  }
  SaveJob job;
  job.pid = spawn_save(server.own_cli(), server.options().engine.store, request.name, request.wait_ms, passed[0].get(), passed[1].get());
  job.pidfd = OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, job.pid, 0U)));
  job.session = session.weak_from_this();
  job.sequence = sequence;
  log_info("pid " + std::to_string(session.peer().pid) + " asked for a save: pid " + std::to_string(job.pid) + " does it");
  session.defer();
  server.start_save(std::move(job));
  return std::nullopt;
}

void Server::start_save(SaveJob started) {
  saves_.push_back(std::move(started));
  const auto job = std::prev(saves_.end());
  if (!job->pidfd) return look_at_save(job);
  job->watch = Loop::Watch(loop_, job->pidfd.get());
  job->watch.readable([this, job] { look_at_save(job); });
}

/// Answers if it has ended; else looks again later: where there is no pidfd (an old kernel, or no descriptor left).
void Server::look_at_save(std::list<SaveJob>::iterator job) {
  const auto status = exit_status(job->pid);
  if (!status) return loop_.after(kLookAgain, [this, job] { look_at_save(job); });
  const auto session = job->session.lock();
  const auto sequence = job->sequence;
  engine_->events().record({EventKind::save, kNoEventSlot, static_cast<std::uint64_t>(job->pid), {*status}, {}});
  saves_.erase(job);
  if (!session || session->closed()) return;  // whoever asked has gone: the save is there all the same
  session->reply<SaveRequest>(sequence, {*status});
  session->resume_requests();
}

}  // namespace ndshare::internal
