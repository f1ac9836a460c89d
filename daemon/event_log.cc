#include "daemon/event_log.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "daemon/crash_point.h"
#include "lib/base/wall_clock.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kMostCounted = 1ULL << 56;  ///< of one client: what it says of itself is not trusted

/// The bytes of `text` that fit, without half a character at their end.
std::size_t fitting_bytes(std::string_view text) noexcept {
  if (text.size() <= kEventText) return text.size();
  std::size_t bytes = kEventText;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return bytes;
}

/// There is one writer: a load and a store are enough.
void add(a64& word, std::uint64_t value) noexcept {
  word.store(word.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
}

}  // namespace

EventLog::EventLog(CatalogWriter& writer) : telemetry_(writer.telemetry()) {
  for (const auto& entry : telemetry_.events) last_ = std::max(last_, entry.sequence.load(std::memory_order_relaxed));
}

void EventLog::record(const Event& event) noexcept {
  std::array<std::uint64_t, kEventText / 8> text{};
  if (!event.text.empty()) std::memcpy(text.data(), event.text.data(), fitting_bytes(event.text));  // an empty one may be null
  const auto number = ++last_;
  auto& entry = telemetry_.events[(number - 1) % kEvents];
  // The order and the release of each store pair with the acquires of read_event().
  const auto store = [](a64& word, std::uint64_t value) { word.store(value, std::memory_order_release); };
  store(entry.sequence, 0);
  crash_point("event.begun");
  store(entry.unix_ns, unix_now_ns()), store(entry.kind, static_cast<std::uint64_t>(event.kind));
  store(entry.slot, event.slot), store(entry.pid, event.pid);
  for (std::uint32_t i = 0; i < kEventNumbers; ++i) store(entry.numbers[i], event.numbers[i]);
  for (std::size_t i = 0; i < text.size(); ++i) store(entry.text[i], text[i]);
  crash_point("event.filled");
  store(entry.sequence, number);
  add(telemetry_.event_counts[static_cast<std::uint32_t>(event.kind)], 1);
}

void EventLog::answered(std::uint64_t type, std::chrono::nanoseconds took, bool failed) noexcept {
  auto& stats = telemetry_.requests[type];
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, took.count()));
  const auto* bound = std::lower_bound(std::begin(kLatencyBounds), std::end(kLatencyBounds), ns);
  add(stats.buckets[bound - std::begin(kLatencyBounds)], 1);
  add(stats.sum_ns, ns);
  if (failed) add(stats.errors, 1);
}

void EventLog::count_left(Transaction& change, std::uint32_t slot, std::uint64_t gen, const SlotClaims& claims) const {
  const auto name = std::uint64_t{slot} << 32 | (gen & 0xFFFF'FFFFU);
  if (telemetry_.counted.load(std::memory_order_relaxed) == name) return;
  const auto stage = [&](std::span<const a64> from, std::span<const a64> to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      const auto counted = std::min(from[i].load(std::memory_order_relaxed), kMostCounted);
      if (counted != 0) change.store(to[i], to[i].load(std::memory_order_relaxed) + counted);
    }
  };
  stage(claims.counters, telemetry_.left);
  stage(claims.waits, telemetry_.left_waits);
  change.store(telemetry_.counted, name);
}

}  // namespace ndshare::internal
