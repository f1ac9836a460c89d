#include "daemon/metrics_server.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <ndshare/error.h>

#include "daemon/server.h"
#include "daemon/version_text.h"
#include "lib/base/text.h"
#include "lib/shm/metrics.h"
#include "lib/wire/attrs.h"
#include "lib/wire/fields.h"
#include "lib/wire/owned_fd.h"

namespace ndshare::internal {
namespace {

using admin::MetricInfo;
using admin::MetricKind;

constexpr auto kPatience = std::chrono::seconds(1);
constexpr char kFirstThreads[] = "2";  ///< scrapes at a time

struct AddressText {
  std::string host, port;
};

/// The parts of "HOST:PORT" or "[HOST]:PORT"; empty where it is neither.
AddressText split_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return {};
  auto host = text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  if (!in_brackets && host.find(':') != std::string::npos) return {};
  return {host, text.substr(colon + 1)};
}

struct FreeAddress {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};
using Address = std::unique_ptr<addrinfo, FreeAddress>;

/// Nothing where the text is no numeric address and port.
Address resolve(const std::string& text) {
  const auto parts = split_endpoint(text);
  const auto port = parse_int(parts.port);
  if (parts.host.empty() || !port || *port < 0 || *port > 65535) return {};
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  if (::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &wanted, &found) != 0) return {};
  return Address(found);
}

prometheus::ClientMetric to_prometheus(const admin::MetricSample& sample, MetricKind kind) {
  prometheus::ClientMetric out;
  for (const auto& [name, value] : sample.labels) out.label.push_back({name, value});
  out.counter.value = out.gauge.value = sample.value;
  if (kind != MetricKind::histogram) return out;
  for (std::size_t i = 0; i < sample.cumulative.size(); ++i) {
    const bool has_bound = i < sample.bounds.size();
    out.histogram.bucket.push_back({sample.cumulative[i], has_bound ? sample.bounds[i] : std::numeric_limits<double>::infinity()});
  }
  out.histogram.sample_count = sample.cumulative.empty() ? 0 : sample.cumulative.back();
  out.histogram.sample_sum = sample.sum;
  return out;
}

std::vector<prometheus::MetricFamily> to_prometheus(const std::vector<MetricInfo>& metrics) {
  std::vector<prometheus::MetricFamily> out;
  for (const auto& metric : metrics) {
    prometheus::MetricFamily family;
    family.name = metric.name, family.help = metric.help;
    family.type = metric.kind == MetricKind::counter ? prometheus::MetricType::Counter
                  : metric.kind == MetricKind::gauge ? prometheus::MetricType::Gauge
                                                     : prometheus::MetricType::Histogram;
    for (const auto& sample : metric.samples) family.metric.push_back(to_prometheus(sample, metric.kind));
    if (!family.metric.empty()) out.push_back(std::move(family));
  }
  return out;
}

std::vector<MetricInfo> read_metrics(Server& server) {
  server.mend_sync();
  const auto segments = server.engine().segments();
  const CatalogView view(segments.catalog, segments.catalog_bytes);
  return collect_metrics({.view = &view,
                          .sync = segments.sync,
                          .daemon_runs = true,
                          .version = kVersionText,
                          .request_name = message_name,
                          .commit_type = MessageOf<CommitRequest>::kType,
                          .decode_attrs = decode_attrs});
}

class LoopMetrics final : public prometheus::Collectable {
 public:
  explicit LoopMetrics(Server& server) : server_(server) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    try {
      auto promise = std::make_shared<std::promise<std::vector<MetricInfo>>>();
      auto answer = promise->get_future();
      server_.loop().post([&server = server_, promise] {
        try {
          promise->set_value(read_metrics(server));
        } catch (...) {
          promise->set_exception(std::current_exception());
        }
      });
      promise.reset();  // the loop's alone: if it ends first, the wait does too
      if (answer.wait_for(kPatience) == std::future_status::ready) return to_prometheus(answer.get());
    } catch (const std::exception&) {
      // Nothing to tell: Prometheus sees an empty page.
    }
    return {};
  }

 private:
  Server& server_;
};

}  // namespace

std::string parse_endpoint(const std::string& text) {
  if (resolve(text)) return text;
  throw Error(ErrorCode::Usage, "--metrics takes a numeric address and a port, as 127.0.0.1:9464 or [::1]:0, not '" + printable(text) + "'");
}

/// The library says no more than that it failed: a bind of our own says why.
void check_endpoint_free(const std::string& endpoint) {
  const auto address = resolve(endpoint);
  const OwnedFd socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (socket) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool bound = socket && ::bind(socket.get(), address->ai_addr, address->ai_addrlen) == 0;
  if (bound && ::listen(socket.get(), 1) == 0) return;
  throw Error(ErrorCode::Io, "--metrics cannot listen at " + endpoint + ": " + std::strerror(errno) +
                                 (errno == EADDRINUSE ? "; choose another port, or 0 for any that is free" : ""),
              {{"endpoint", endpoint}});
}

struct MetricsServer::State {
  State(Server& server, const std::string& endpoint)
      : host(endpoint.substr(0, endpoint.rfind(':'))),
        metrics(std::make_shared<LoopMetrics>(server)),
        exposer({"listening_ports", endpoint, "num_threads", kFirstThreads}) {
    exposer.RegisterCollectable(metrics);
  }
  std::string host;
  std::shared_ptr<LoopMetrics> metrics;  // the library keeps a weak one
  prometheus::Exposer exposer;
};

MetricsServer::MetricsServer(Server& server, const std::string& endpoint) {
  try {
    state_ = std::make_unique<State>(server, endpoint);
  } catch (const std::exception& failure) {
    throw Error(ErrorCode::Io, "--metrics cannot serve at " + endpoint + ": " + failure.what(), {{"endpoint", endpoint}});
  }
}

MetricsServer::~MetricsServer() = default;

std::string MetricsServer::url() const {
  const auto ports = state_->exposer.GetListeningPorts();
  return "http://" + state_->host + ":" + (ports.empty() ? "?" : std::to_string(ports.front())) + "/metrics";
}

}  // namespace ndshare::internal
