/// `ndshared --metrics ADDRESS:PORT`: the store's numbers over HTTP, for Prometheus. The one place that names prometheus-cpp.
///
/// The library answers on threads of its own. They ask the loop for the numbers and wait a second at most: the engine has one
/// thread, and a daemon that does not get to answer is one whose numbers nobody has.
#pragma once

#include <memory>
#include <string>

namespace ndshare::internal {

class Server;

/// `text` as it is.   Errors: Usage unless it is a numeric address of this machine and a port, as "127.0.0.1:9464" or "[::1]:0".
std::string parse_endpoint(const std::string& text);

/// Asked before the store is opened, so that a refusal leaves nothing behind. REQUIRES: parse_endpoint() took it.
///   Errors: Io (the port is taken, the address is not this machine's: says which and the way out).
void check_endpoint_free(const std::string& endpoint);

class MetricsServer {
 public:
  /// Listens at once.   Errors: Io.
  MetricsServer(Server& server, const std::string& endpoint);
  ~MetricsServer();  ///< waits for answers that are under way
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  /// "http://127.0.0.1:9464/metrics", with the port that it really is.
  std::string url() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ndshare::internal
