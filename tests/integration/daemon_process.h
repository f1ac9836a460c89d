/// A real ndshared under a store name of its own, and raw connections to it. Gone with all its files when the object goes.
#pragma once

#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/wire/channel.h"

namespace ndshare::test {

struct DaemonOptions {
  std::vector<std::string> words{};                      ///< further options
  std::vector<std::pair<std::string, std::string>> env{};
  std::string store{};                                   ///< empty: a unique name
  std::uint64_t max_descriptors = 0;                     ///< RLIMIT_NOFILE of the daemon; 0: as inherited
};

inline DaemonOptions with(std::vector<std::string> words) { return {.words = std::move(words)}; }

inline constexpr std::int64_t kMiB = 1 << 20;

/// A child's exit status where the machine does not allow what the test needs.
inline constexpr int kNotAllowed = 77;

/// A watchdog for waits that should end at once.
internal::Deadline watchdog();

class DaemonProcess {
 public:
  explicit DaemonProcess(DaemonOptions options = {});
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  const std::string& store() const { return options_.store; }
  pid_t pid() const { return pid_; }
  /// What it wrote to --ready-fd, without the line's end: "ready" or "error CODE MESSAGE".
  const std::string& line() const { return line_; }
  /// Starts it again on what it left.
  void start();
  /// Sends the signal (0: none) and waits for the end: exit status, 128 + signal, or nothing where a watchdog had to kill it.
  std::optional<int> end(int signal);

  internal::OwnedFd connect() const;
  /// Paths of the store's files that exist.
  std::vector<std::string> files() const;
  std::string socket_path() const;

 private:
  DaemonOptions options_;
  pid_t pid_ = -1;
  std::string line_;
};

/// A greeted connection.
class RawClient {
 public:
  explicit RawClient(const DaemonProcess& daemon, const std::string& purpose = "client", bool read_only = false);
  RawClient(const DaemonProcess& daemon, const internal::HelloRequest& request);

  template <class Request>
  internal::ReplyOf<Request> call(const Request& request) {
    return channel_.call(request, ++sequence_, watchdog());
  }
  internal::Channel& channel() { return channel_; }
  const internal::HelloReply& hello() const { return hello_; }
  std::vector<internal::OwnedFd>& descriptors() { return descriptors_; }
  std::uint64_t sequence() const { return sequence_; }
  /// Makes and publishes an array of that many bytes.
  void make(const std::string& name, std::int64_t bytes, bool session = false);
  internal::CreateReply create(const std::string& name, std::int64_t bytes, bool session = false);

 private:
  internal::Channel channel_;
  std::uint64_t sequence_ = 0;
  std::vector<internal::OwnedFd> descriptors_;
  internal::HelloReply hello_;
};

/// The greeting of a client of this build.
internal::HelloRequest greeting(const std::string& purpose = "client");

internal::StatusReply status_of(const DaemonProcess& daemon);
/// Asks again until `good` holds; false when the watchdog comes first.
bool wait_until(const std::function<bool()>& good);
/// The same of the store's status.
bool wait_status(const DaemonProcess& daemon, const std::function<bool(const internal::StatusReply&)>& good);

}  // namespace ndshare::test
