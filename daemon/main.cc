// ndshared: serves one store.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "daemon/activation.h"
#include "daemon/metrics_server.h"
#include "daemon/notify.h"
#include "daemon/one_line.h"
#include "daemon/options.h"
#include "daemon/server.h"
#include "daemon/version_text.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/shm/segment.h"

namespace ndshare::internal {
namespace {

/// The starter's end of --ready-fd: told once.
class ReadyPipe {
 public:
  explicit ReadyPipe(int fd) : fd_(fd) {
    if (fd >= 0) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ~ReadyPipe() { tell("error " + std::to_string(static_cast<int>(ErrorCode::Internal)) + " ndshared ended while starting"); }
  ReadyPipe(const ReadyPipe&) = delete;
  ReadyPipe& operator=(const ReadyPipe&) = delete;

  bool asked() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void tell(std::string line) noexcept {
    if (fd_ < 0) return;
    std::replace(line.begin(), line.end(), '\n', ' ');
    line += '\n';
    static_cast<void>(!::write(fd_, line.data(), line.size()));  // a starter that left does not care
    ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

/// The starter is told even of a command line that cannot be read: its descriptor is looked for first.
int find_ready_fd(int argc, char** argv) {
  int fd = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == std::string_view("--ready-fd")) fd = static_cast<int>(parse_int(argv[i + 1]).value_or(-1));
  }
  return fd >= 0 && ::fcntl(fd, F_GETFD) >= 0 ? fd : -1;
}

/// A background daemon holds no terminal, pipe or folder of its starter.
void detach_from_starter() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    ::close(null);
  }
  static_cast<void>(!::chdir("/"));
}

/// Nothing that is opened later may stand where standard streams are written: a log line must not end up in a segment.
void occupy_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));  // takes the lowest that is free: fd
  }
}

/// What the starter left open is not ours to hold, but what it passed on purpose: its locks and pipes would live as long as the store.
void close_inherited(int passed_fd) {
  const auto keep = static_cast<unsigned>(passed_fd);
  if (passed_fd <= STDERR_FILENO) {
    static_cast<void>(::close_range(STDERR_FILENO + 1, ~0U, 0));
    return;
  }
  if (keep > STDERR_FILENO + 1) static_cast<void>(::close_range(STDERR_FILENO + 1, keep - 1, 0));
  static_cast<void>(::close_range(keep + 1, ~0U, 0));
}

/// Every client is a connection and a pidfd: take what the hard limit allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void serve(DaemonOptions& options, ReadyPipe& ready) {
  if (ready.asked()) ::setsid();  // Ctrl-C at the starter's terminal is not meant for the store
  if (!options.log.file.empty()) options.log.file = std::filesystem::absolute(options.log.file);
  if (!options.engine.pool_dir.empty()) options.engine.pool_dir = std::filesystem::absolute(options.engine.pool_dir);
  log_start(options.log);
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();

  if (!options.metrics.empty()) check_endpoint_free(options.metrics);
  if (options.activated) check_activated(segment_paths(::geteuid(), options.engine.store, options.engine.pool_dir).socket);
  Server server(options, Engine::open(options.engine));
  log_info("ndshared " + std::string(kVersionText) + " serves store '" + options.engine.store + "', " +
           format_bytes(server.engine().header().pool_bytes.load()) + (server.engine().adopted() ? ", adopted" : ", new"));
  std::optional<MetricsServer> metrics;
  if (!options.metrics.empty()) {
    metrics.emplace(server, options.metrics);
    log_info("metrics at " + metrics->url());
  }
  const bool background = ready.asked();
  ready.tell("ready");
  if (background) detach_from_starter();
  notify_manager("READY=1");
  server.run();
  notify_manager("STOPPING=1");
}

int run(int argc, char** argv) {
  occupy_standard_streams();
  try {
    ReadyPipe ready(find_ready_fd(argc, argv));
    const bool activated = take_activation();
    close_inherited(activated ? kActivatedFd : ready.fd());
    try {
      auto options = parse_options(argc, argv);
      options.activated = options.engine.keeps_socket = activated;
      if (options.help || options.version || options.man) {
        const auto text = options.help ? help_text() : options.man ? man_page() : std::string("ndshared ") + kVersionText + "\n";
        std::fputs(text.c_str(), stdout);
        return 0;
      }
      serve(options, ready);
      log_info("ended");
      return 0;
    } catch (const Error& error) {
      log_error(one_line(error.message()));
      ready.tell("error " + std::to_string(static_cast<int>(error.code())) + " " + error.message());
      throw;
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "ndshared: %s\n", error.what());
    return error_exit_status(error.code());
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "ndshared: %s\n", failure.what());
    return 1;
  }
}

}  // namespace
}  // namespace ndshare::internal

int main(int argc, char** argv) { return ndshare::internal::run(argc, argv); }
