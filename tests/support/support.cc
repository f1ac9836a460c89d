#include "tests/support/support.h"

#include <gtest/gtest.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace ndshare::test {
namespace {

using Clock = std::chrono::steady_clock;

/// Both ends of a pipe, closed with the object.
struct Pipe {
  std::array<int, 2> fd{-1, -1};
  Pipe() {
    if (::pipe2(fd.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  }
  ~Pipe() { close_end(0), close_end(1); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(std::size_t end) {
    if (fd[end] >= 0) ::close(fd[end]);
    fd[end] = -1;
  }
};

[[noreturn]] void exec_child(const std::vector<std::string>& command, const RunOptions& options) {
  for (const auto& [key, value] : options.env) ::setenv(key.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  std::fprintf(stderr, "cannot run %s: %s\n", argv[0], std::strerror(errno));
  ::_exit(127);
}

int status_of(int raw) { return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw); }

/// Moves bytes between the pipes and the result until both outputs are closed or time is up.
void pump(Pipe& in, Pipe& out, Pipe& err, const RunOptions& options, Finished& result, Clock::time_point deadline) {
  std::size_t written = 0;
  if (options.input.empty()) in.close_end(1);
  std::array<char, 65536> buffer{};
  while (out.fd[0] >= 0 || err.fd[0] >= 0) {
    std::array<pollfd, 3> fds{{{out.fd[0], POLLIN, 0}, {err.fd[0], POLLIN, 0}, {in.fd[1], POLLOUT, 0}}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return;
    if (::poll(fds.data(), fds.size(), static_cast<int>(std::min<long long>(left, 200))) < 0 && errno != EINTR) return;
    const auto take = [&](Pipe& pipe, short events, std::string& text) {
      if ((events & (POLLIN | POLLHUP | POLLERR)) == 0) return;
      const auto n = ::read(pipe.fd[0], buffer.data(), buffer.size());
      if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) pipe.close_end(0);
    };
    take(out, fds[0].revents, result.out);
    take(err, fds[1].revents, result.err);
    if ((fds[2].revents & (POLLOUT | POLLERR)) != 0) {
      const auto n = ::write(in.fd[1], options.input.data() + written, options.input.size() - written);
      written += n > 0 ? static_cast<std::size_t>(n) : 0;
      if ((n < 0 && errno != EINTR) || written == options.input.size()) in.close_end(1);
    }
  }
}

}  // namespace

std::string unique_store_name(std::string_view hint) {
  static std::atomic<unsigned> counter{0};
  const auto now = static_cast<unsigned long long>(Clock::now().time_since_epoch().count());
  return "test-" + std::string(hint) + "-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + "-" +
         std::to_string(now % 1000000);
}

ScratchDir::ScratchDir() {
  auto pattern = (std::filesystem::temp_directory_path() / "ndshare-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Finished run(const std::vector<std::string>& command, const RunOptions& options) {
  Pipe in, out, err;
  const auto deadline = Clock::now() + options.watchdog;
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) {
    ::dup2(in.fd[0], 0), ::dup2(out.fd[1], 1), ::dup2(err.fd[1], 2);
    exec_child(command, options);
  }
  in.close_end(0), out.close_end(1), err.close_end(1);
  std::signal(SIGPIPE, SIG_IGN);
  Finished result;
  pump(in, out, err, options, result, deadline);
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(deadline - Clock::now());
  const auto status = wait_child(pid, std::max(left, std::chrono::seconds(1)));
  result.timed_out = !status.has_value();
  result.status = status.value_or(128 + SIGKILL);
  return result;
}

Finished run_numpy(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"/usr/bin/python3", "-c", program};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command, {.input = {}, .env = {{"NPY_PROMOTION_STATE", "weak"}}, .watchdog = std::chrono::seconds(120)});
}

pid_t fork_child(const std::function<int()>& body) {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  int status = 99;
  try {
    status = body();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "child: %s\n", failure.what());
  }
  std::fflush(nullptr);
  ::_exit(status);
}

std::optional<int> wait_child(pid_t pid, std::chrono::seconds watchdog) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd poll_fd{fd, POLLIN, 0};
  int ready = 0;
  const auto deadline = Clock::now() + watchdog;
  do {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    ready = ::poll(&poll_fd, 1, static_cast<int>(std::max<long long>(left, 0)));
  } while (ready < 0 && errno == EINTR);
  ::close(fd);
  if (ready <= 0) ::kill(pid, SIGKILL);
  int raw = 0;
  while (::waitpid(pid, &raw, 0) < 0 && errno == EINTR) {
  }
  return ready > 0 ? std::optional<int>(status_of(raw)) : std::nullopt;
}

std::string program(std::string_view name) {
  if (const char* bin = std::getenv("NDSHARE_TEST_BIN")) return std::string(bin) + "/" + std::string(name);
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

ErrorCode code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::Ok;
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.message();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

void expect_error(ErrorCode code, std::initializer_list<const char*> words, const std::function<void()>& body) {
  const std::string message = message_of(body);
  EXPECT_EQ(code_of(body), code) << message;
  for (const char* word : words) EXPECT_NE(message.find(word), std::string::npos) << "no '" << word << "' in: " << message;
}

}  // namespace ndshare::test
