/// The daemon's own record, its writer: events into the ring of the catalog, times of requests into histograms.
///   Threads: the loop's.   Errors: none: what is written down never stops what is done.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "daemon/catalog_writer.h"
#include "lib/shm/sync_format.h"
#include "lib/shm/telemetry_format.h"

namespace ndshare::internal {

struct Event {
  EventKind kind{};
  std::uint64_t slot = kNoEventSlot, pid = 0;
  std::array<std::uint64_t, kEventNumbers> numbers{};
  std::string_view text{};           ///< cut to kEventText bytes, at a character
};

class EventLog {
 public:
  /// Goes on behind the last entry that is there.
  explicit EventLog(CatalogWriter& writer);

  void record(const Event& event) noexcept;
  /// A request of this type was answered. REQUIRES: type < kMaxRequestTypes.
  void answered(std::uint64_t type, std::chrono::nanoseconds took, bool failed) noexcept;
  /// Stages the counters of a slot that is swept into the sums of those that left: once, however often the sweep is begun.
  void count_left(Transaction& change, std::uint32_t slot, std::uint64_t gen, const SlotClaims& claims) const;

 private:
  Telemetry& telemetry_;
  std::uint64_t last_ = 0;
};

}  // namespace ndshare::internal
