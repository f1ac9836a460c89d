/// A client process that tests kill.
#pragma once

#include <array>
#include <csignal>
#include <functional>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

#include "tests/integration/daemon_process.h"
#include "tests/support/support.h"

namespace ndshare::test {

/// A child with a greeted connection that does `body`, says so, and then waits to be killed.
class Victim {
 public:
  Victim(const DaemonProcess& daemon, const std::function<void(RawClient&)>& body) {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    pid_ = fork_child([&] {
      RawClient client(daemon);
      body(client);
      if (::write(ends_[1], "x", 1) != 1) return 1;
      while (true) ::pause();
    });
    char byte = 0;
    ::close(ends_[1]);
    started_ = ::read(ends_[0], &byte, 1) == 1;
  }
  ~Victim() {
    kill();
    ::close(ends_[0]);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  bool started() const { return started_; }
  pid_t pid() const { return pid_; }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_child(pid_);
    pid_ = -1;
  }

 private:
  std::array<int, 2> ends_{};
  pid_t pid_ = -1;
  bool started_ = false;
};

}  // namespace ndshare::test
