#include "lib/shm/metrics.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include <ndshare/error.h>

#include "lib/shm/claims.h"
#include "lib/shm/stream_look.h"
#include "lib/shm/stream_spec.h"
#include "lib/shm/sync_layout.h"
#include "lib/shm/telemetry.h"

namespace ndshare::internal {
namespace {

using admin::MetricInfo;
using admin::MetricKind;
using admin::MetricSample;
using Labels = std::vector<std::pair<std::string, std::string>>;

enum class Metric : std::uint8_t {
#define NDSHARE_METRIC(id, kind, unit, help, panel) id,
#include <ndshare/metric_list.inc>
#undef NDSHARE_METRIC
};

std::vector<MetricInfo> empty_list() {
  return {
#define NDSHARE_METRIC(id, kind, unit, help, panel) MetricInfo{"ndshare_" #id, help, MetricKind::kind, {}},
#include <ndshare/metric_list.inc>
#undef NDSHARE_METRIC
  };
}

constexpr std::array kModes = {"read", "view", "update", "write"};  // by ClaimMode

std::uint64_t load(const a64& word) { return word.load(std::memory_order_relaxed); }

class Collector {
 public:
  explicit Collector(const MetricSource& source) : source_(source), header_(source.view->header()), telemetry_(source.view->telemetry()) {}

  std::vector<MetricInfo> run() {
    daemon();
    memory();
    arrays();
    streams();
    slots();
    requests();
    return std::move(out_);
  }

 private:
  void add(Metric metric, std::uint64_t value, Labels labels = {}) {
    out_[static_cast<std::size_t>(metric)].samples.push_back({std::move(labels), static_cast<double>(value), {}, {}, 0});
  }

  void add_histogram(Metric metric, std::span<const std::uint64_t> buckets, std::span<const std::uint64_t> bounds_ns, std::uint64_t sum_ns,
                     Labels labels) {
    MetricSample sample{.labels = std::move(labels), .value = 0, .bounds = {}, .cumulative = {}, .sum = static_cast<double>(sum_ns) / 1e9};
    std::uint64_t seen = 0;
    for (const auto count : buckets) sample.cumulative.push_back(seen += count);
    for (const auto bound : bounds_ns) sample.bounds.push_back(static_cast<double>(bound) / 1e9);
    out_[static_cast<std::size_t>(metric)].samples.push_back(std::move(sample));
  }

  void daemon() {
    add(Metric::up, source_.daemon_runs ? 1 : 0);
    add(Metric::build_info, 1, {{"version", std::string(source_.version)}});
    add(Metric::created_timestamp_seconds, header_.created_unix_ns / 1'000'000'000);
#define NDSHARE_EVENT(number, name, first, second, third, meaning) \
  add(Metric::events_total, load(telemetry_.event_counts[number]), {{"event", #name}});
#include "lib/shm/event_list.inc"
#undef NDSHARE_EVENT
    add(Metric::sweeps_total, load(telemetry_.event_counts[static_cast<std::uint32_t>(EventKind::sweep)]));
  }

  void memory() {
    const auto used = load(header_.used_bytes), live = load(header_.live_bytes);
    const auto free = load(header_.free_bytes), warm = load(header_.warm_bytes);
    const auto rest = [](std::uint64_t all, std::uint64_t part) { return all > part ? all - part : 0; };  // of two moments, perhaps
    add(Metric::capacity_bytes, load(header_.pool_bytes));
    add(Metric::memory_bytes, live, {{"state", "live"}});
    add(Metric::memory_bytes, rest(used, live), {{"state", "overhead"}});
    add(Metric::memory_bytes, warm, {{"state", "warm"}});
    add(Metric::memory_bytes, rest(free, warm), {{"state", "cold"}});
    add(Metric::largest_free_bytes, load(header_.largest_free_bytes));
  }

  void arrays() {
    std::uint64_t open = 0, sealed = 0, snapshots = 0, torn = 0, building = 0;
    const auto high = std::min<std::uint64_t>(load(header_.records_high), header_.max_arrays);
    RefCopy ref;
    for (std::uint32_t i = 0; i < high; ++i) {
      if (!source_.view->read_ref_into(i, ref)) continue;
      auto& count = (ref.flags & kArrayBuilding) != 0   ? building
                    : ref.torn != 0                     ? torn
                    : (ref.flags & kArraySnapshot) != 0 ? snapshots
                    : (ref.flags & kArraySealed) != 0   ? sealed
                                                        : open;
      ++count;
      if ((ref.flags & (kArrayStream | kArrayBuilding)) == kArrayStream) stream_records_.push_back(i);
    }
    const std::pair<const char*, std::uint64_t> states[] = {
        {"open", open}, {"sealed", sealed}, {"snapshot", snapshots}, {"torn", torn}, {"building", building}};
    for (const auto& [state, count] : states) add(Metric::arrays, count, {{"state", state}});
    add(Metric::versions_total, load(header_.next_version));
  }

  struct NamedStream {
    std::string name;
    StreamSpec spec;
  };
  /// Nothing where it is gone meanwhile or damaged: the others are counted all the same.
  std::optional<NamedStream> read_stream(std::uint32_t record) const {
    try {
      const auto copy = source_.view->read(record);
      if (!copy || !copy->name.starts_with(kStreamPrefix)) return std::nullopt;
      NamedStream out{copy->name.substr(kStreamPrefix.size()), StreamSpec::parse(source_.decode_attrs(copy->attrs))};
      if (out.spec.ring < kMaxStreams) return out;
    } catch (const Error&) {
      return std::nullopt;
    }
    return std::nullopt;
  }

  void streams() {
    std::uint64_t open = 0, closed = 0;
    const SyncLayout layout(header_.max_clients, header_.max_arrays);
    for (const auto record : stream_records_) {
      const auto found = read_stream(record);
      if (!found) continue;
      StreamLook look;
      if (source_.sync != nullptr)
        look = look_at_stream(*source_.view, layout.stream(source_.sync, found->spec.ring), found->spec.ring_options);
      ++(look.closed ? closed : open);
      stream(*found, look);
    }
    add(Metric::streams, open, {{"state", "open"}});
    add(Metric::streams, closed, {{"state", "closed"}});
  }

  void stream(const NamedStream& found, const StreamLook& look) {
    const auto& [name, spec] = found;
    const auto& ring = spec.ring_options;
    add(Metric::stream_depth, ring.depth, {{"stream", name}, {"mode", ring.broadcast ? "broadcast" : "queue"}});
    for (std::size_t state = 0; state < look.counts.size(); ++state)
      add(Metric::stream_batches, look.counts[state], {{"stream", name}, {"state", kBatchStateNames[state]}});
    add(Metric::stream_lag, look.lag, {{"stream", name}});
    add(Metric::stream_clients, look.producers, {{"stream", name}, {"role", "producer"}});
    add(Metric::stream_clients, look.consumers, {{"stream", name}, {"role", "consumer"}});
    add(Metric::stream_missed, look.missed, {{"stream", name}});
    add(Metric::stream_published_total, look.published, {{"stream", name}});
  }

  void slots() {
    std::array<std::uint64_t, kSlotCounters> counters{};
    std::vector<ClaimCopy> claims;
    std::uint64_t roles[2] = {0, 0};
    for (std::uint32_t i = 0; i < kSlotCounters; ++i) counters[i] = load(telemetry_.left[i]);
    std::array<std::uint64_t, kWaitBuckets + 1> waits{};
    for (std::uint32_t i = 0; i <= kWaitBuckets; ++i) waits[i] = load(telemetry_.left_waits[i]);
    const SyncLayout layout(header_.max_clients, header_.max_arrays);
    for (std::uint32_t i = 0; i < header_.max_clients; ++i) {
      const auto& slot = source_.view->slot(i);
      if (slot_state(slot.id.load(std::memory_order_acquire)) == SlotState::free) continue;
      ++roles[(load(slot.uid_role) & 0xFF) != 0 ? 1 : 0];
      if (source_.sync == nullptr) continue;
      const auto& shared = reinterpret_cast<const SlotClaims*>(source_.sync + layout.claims_offset)[i];  // NOLINT: shared bytes
      for (std::uint32_t c = 0; c < kSlotCounters; ++c) counters[c] += load(shared.counters[c]);
      for (std::uint32_t w = 0; w <= kWaitBuckets; ++w) waits[w] += load(shared.waits[w]);
      collect_claims(shared, claims);
    }
    add(Metric::clients, roles[0], {{"role", "read_write"}});
    add(Metric::clients, roles[1], {{"role", "read_only"}});
    add(Metric::max_clients, header_.max_clients);
    count_claims(claims);
    operations(counters);
    add_histogram(Metric::wait_seconds, std::span(waits).first(kWaitBuckets), kWaitBounds, waits[kWaitBuckets], {});
  }

  void count_claims(const std::vector<ClaimCopy>& claims) {
    std::uint64_t counts[kModes.size()][2] = {};
    for (const auto& claim : claims) {
      const auto mode = static_cast<std::size_t>(claim.mode);
      if (mode < kModes.size()) ++counts[mode][claim.state == ClaimState::granted ? 0 : 1];
    }
    for (std::size_t mode = 0; mode < kModes.size(); ++mode) {
      add(Metric::claims, counts[mode][0], {{"mode", kModes[mode]}, {"state", "granted"}});
      add(Metric::claims, counts[mode][1], {{"mode", kModes[mode]}, {"state", "waiting"}});
    }
  }

  void operations(const std::array<std::uint64_t, kSlotCounters>& counters) {
    const auto of = [&](SlotCounter counter) { return counters[static_cast<std::size_t>(counter)]; };
    const std::pair<const char*, SlotCounter> modes[] = {
        {"read", SlotCounter::reads}, {"view", SlotCounter::views}, {"update", SlotCounter::updates}, {"write", SlotCounter::writes}};
    for (const auto& [mode, counter] : modes) add(Metric::claims_total, of(counter), {{"mode", mode}});
    add(Metric::waits_total, of(SlotCounter::waits));
    const std::pair<const char*, SlotCounter> reasons[] = {{"unshared", SlotCounter::unshared_bytes},
                                                           {"updated", SlotCounter::updated_bytes},
                                                           {"moved", SlotCounter::moved_bytes},
                                                           {"appended", SlotCounter::appended_bytes}};
    for (const auto& [reason, counter] : reasons) add(Metric::copied_bytes_total, of(counter), {{"reason", reason}});
  }

  void requests() {
    std::uint64_t commits = 0;
    for (std::uint64_t type = 0; type < kMaxRequestTypes; ++type) {
      const auto& stats = telemetry_.requests[type];
      std::array<std::uint64_t, kLatencyBuckets> buckets{};
      for (std::uint32_t i = 0; i < kLatencyBuckets; ++i) buckets[i] = load(stats.buckets[i]);
      const auto seen = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
      if (seen == 0) continue;
      const auto errors = load(stats.errors);
      if (type == source_.commit_type) commits = seen > errors ? seen - errors : 0;
      const Labels labels = {{"request", source_.request_name(type)}};
      add(Metric::request_errors_total, errors, labels);
      add_histogram(Metric::request_seconds, buckets, kLatencyBounds, load(stats.sum_ns), labels);
    }
    add(Metric::commits_total, commits);
  }

  const MetricSource& source_;
  const CatalogHeader& header_;
  const Telemetry& telemetry_;
  std::vector<std::uint32_t> stream_records_;
  std::vector<MetricInfo> out_ = empty_list();
};

}  // namespace

std::vector<MetricInfo> collect_metrics(const MetricSource& source) { return Collector(source).run(); }

}  // namespace ndshare::internal
