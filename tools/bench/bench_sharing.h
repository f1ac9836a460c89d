// What the benchmarks of sharing have in common: a private store, other processes, and times taken in turn.
#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ndshare/admin.h>
#include <ndshare/store.h>

namespace sharing_bench {

namespace nd = ndshare;
using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC: the same in every process

constexpr std::int64_t kMiB = 1 << 20, kGiB = 1 << 30;
constexpr auto kPatience = std::chrono::seconds(60);

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

inline double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}
inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

template <class F>
double seconds_of(F&& body) {
  const auto start = Clock::now();
  body();
  return seconds_since(start);
}

/// A store that ends with the benchmark.
class PrivateStore {
 public:
  explicit PrivateStore(std::int64_t capacity_bytes)
      : name_("bench-" + std::to_string(::getpid()) + "-s" + std::to_string(counter_++)) {
    start(capacity_bytes);
  }
  ~PrivateStore() {
    try {
      nd::admin::stop(name_, true, false, kPatience);
    } catch (const nd::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
  }
  PrivateStore(const PrivateStore&) = delete;
  PrivateStore& operator=(const PrivateStore&) = delete;
  /// 0 bytes: takes over what a killed daemon left.
  void start(std::int64_t capacity_bytes = 0) const {
    const auto bytes = static_cast<std::uint64_t>(capacity_bytes);
    nd::admin::start({.store = name_, .capacity_bytes = bytes, .log_level = "error", .timeout = kPatience});
  }
  nd::Store connect(const nd::ConnectOptions& options = {.timeout = kPatience}) const {
    return nd::Store::connect(name_, options);
  }
  nd::admin::StatusInfo status() const { return nd::admin::status(name_, kPatience); }
  double used_bytes() const { return static_cast<double>(status().pool.used_bytes); }
  const std::string& name() const { return name_; }

 private:
  static inline int counter_ = 0;
  std::string name_;
};

/// Values passed between two processes. The process ends when nobody is there any more.
class Line {
 public:
  explicit Line(int fd) : fd_(fd) {}
  template <class T>
  void say(const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (::send(fd_, &value, sizeof value, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof value)) ::_exit(1);
  }
  /// False when the other side has gone.
  template <class T>
  bool hear(T& value) const {
    return ::recv(fd_, &value, sizeof value, MSG_WAITALL) == static_cast<ssize_t>(sizeof value);
  }
  template <class T>
  T wait_for() const {
    T value{};
    if (!hear(value)) ::_exit(1);
    return value;
  }

 protected:
  int fd_;
};

/// Another process, forked: it runs `body(Line)` and ends; at the latest when this object or this process goes.
/// Bodies must connect themselves and must not use the library's threads: they did not come along.
class Child : public Line {
 public:
  template <class F>
  explicit Child(F&& body) : Line(-1) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ < 0) std::abort();
    if (pid_ == 0) {
      ::close(ends[0]);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      run(std::forward<F>(body), Line(ends[1]));
    }
    ::close(ends[1]);
    fd_ = ends[0];
  }
  Child(Child&& other) noexcept : Line(std::exchange(other.fd_, -1)), pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (fd_ >= 0)
      ::shutdown(fd_, SHUT_RDWR), ::close(fd_);  // later children hold copies: closing alone would tell nothing
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  template <class F>
  [[noreturn]] static void run(F&& body, Line line) {
    try {
      body(line);
      ::_exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "a process of the benchmark: %s\n", error.what());
      ::_exit(1);
    }
  }
  pid_t pid_ = -1;
};

}  // namespace sharing_bench
