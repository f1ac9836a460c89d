/// The daemon's own record in the catalog: its last events, and how long requests took. Written by the daemon only.
///
/// An entry's `sequence` is 0 while it is written. The writer stores 0, then the words, each with release, then the number; a
/// reader loads number, words, number, each with acquire. Who sees a word of the newer entry sees the 0 (or a later number)
/// behind it, and takes the entry only if both numbers are the same: a number is used once (as in shared_bytes.h, no fence).
/// Killed between two of these stores, the daemon leaves an entry of number 0, which readers skip and the next one fills.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/shm/format_base.h"
#include "lib/shm/sync_format.h"

namespace ndshare::internal {

inline constexpr std::uint32_t kEvents = 1024;        ///< entries of the ring; event n is at (n - 1) % kEvents
inline constexpr std::uint32_t kEventNumbers = 3, kEventText = 192;
inline constexpr std::uint32_t kMaxEventKinds = 64;
inline constexpr std::uint32_t kMaxRequestTypes = 128;
inline constexpr std::uint64_t kNoEventSlot = ~0ULL;  ///< an event of no client

enum class EventKind : std::uint32_t {
#define NDSHARE_EVENT(number, name, first, second, third, meaning) name = number,
#include "lib/shm/event_list.inc"
#undef NDSHARE_EVENT
};

struct EventEntry {
  a64 sequence;                      ///< 0: empty, or being written
  a64 unix_ns, kind, slot, pid;      ///< slot kNoEventSlot, pid 0: of no client
  a64 numbers[kEventNumbers];        ///< what they are: event_list.inc
  a64 text[kEventText / 8];          ///< UTF-8, cut, filled up with NULs
};
static_assert(sizeof(EventEntry) == 256);

/// Upper bounds of the buckets, in nanoseconds; the last bucket has none.
inline constexpr std::uint64_t kLatencyBounds[] = {10'000,      30'000,      100'000,     300'000,       1'000'000,     3'000'000,
                                                   10'000'000, 30'000'000, 100'000'000, 1'000'000'000, 10'000'000'000};
inline constexpr std::uint32_t kLatencyBuckets = sizeof(kLatencyBounds) / sizeof(kLatencyBounds[0]) + 1;

/// Of one type of request: from its last packet's arrival to its reply.
struct RequestStats {
  a64 buckets[kLatencyBuckets];      ///< not cumulative
  a64 sum_ns, errors;
  a64 pad[2];
};
static_assert(sizeof(RequestStats) == 128);

inline constexpr std::uint32_t kSlotCounters = 13;    ///< of SlotClaims::counters

struct Telemetry {
  EventEntry events[kEvents];
  a64 event_counts[kMaxEventKinds];  ///< since the store was made, by kind
  a64 counted;                       ///< slot << 32 | low half of its gen: the last swept slot that is in `left`
  a64 left[kSlotCounters];           ///< sums of the counters of slots that were swept
  a64 left_waits[kWaitBuckets + 1];  ///< and of SlotClaims::waits
  a64 pad[7];
  RequestStats requests[kMaxRequestTypes];  ///< by the number of the message
};
static_assert(sizeof(Telemetry) == 256 * kEvents + 8 * (kMaxEventKinds + 14 + kWaitBuckets + 1 + 7) + 128 * kMaxRequestTypes);

}  // namespace ndshare::internal
