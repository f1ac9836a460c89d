/// Reading the daemon's record (telemetry_format.h) without it: no lock, no wait, torn entries are skipped.
///   Threads: safe.   Errors: none but std::bad_alloc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/shm/telemetry_format.h"

namespace ndshare::internal {

struct EventCopy {
  std::uint64_t sequence = 0, unix_ns = 0, kind = 0, slot = kNoEventSlot, pid = 0;
  std::array<std::uint64_t, kEventNumbers> numbers{};
  std::string text;
};

/// What event_list.inc says of a kind.
struct EventRow {
  std::string_view name;
  std::array<std::string_view, kEventNumbers> numbers;  ///< empty where there is none
  std::string_view meaning;
};

/// A kind that this build does not know is "event".
const EventRow& event_row(std::uint64_t kind) noexcept;

/// False where the entry is empty, is being written, or changes under the copy.
bool read_event(const EventEntry& entry, EventCopy& out);
/// Those after number `after`, by number.
std::vector<EventCopy> read_events(const Telemetry& telemetry, std::uint64_t after = 0);

}  // namespace ndshare::internal
