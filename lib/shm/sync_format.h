/// Structs of the sync segment: claims and per-array words. Clients and daemon write it; nobody trusts it. See format.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/shm/format_base.h"

namespace ndshare::internal {

struct SyncHeader {
  std::uint64_t magic, layout_hash, store_id, sync_bytes;
  std::uint64_t claims_offset, arrays_offset, array_stride;
  std::uint32_t max_clients, max_arrays;
  a32 names_event;                   ///< bit 0: somebody may sleep; the rest counts changes of the set of visible names
  a32 pad;
};
static_assert(sizeof(SyncHeader) <= kPage);

enum class ClaimState : std::uint8_t { free = 0, trying = 1, waiting = 2, granted = 3 };
enum class ClaimMode : std::uint8_t { read = 0, view = 1, update = 2, write = 3 };
inline constexpr std::uint16_t kClaimCopying = 1;  ///< compares whole grains until what it shares is copied and published
inline constexpr std::uint16_t kClaimClean = 2;    ///< has stored no data yet: a sweep does not mark its rows torn
inline constexpr std::int64_t kAllRows = INT64_MAX;  ///< as `hi`: to the end, wherever that is

/// The atomics of the shared structs below. The claims' source also runs over a model checker's atomics.
struct StdAtomics {
  using U32 = a32;
  using U64 = a64;
};

/// One lock or pin. `word` is the single store that counts; the daemon reads every field and trusts none.
template <class A>
struct BasicClaim {
  typename A::U64 word;              ///< state << 56 | mode << 48 | flags << 32 | array index; free keeps the array index
  typename A::U64 array_gen, lo, hi, version, ticket;
  typename A::U32 tid, pad;
  typename A::U64 since_ns;          ///< CLOCK_MONOTONIC_COARSE
};
using Claim = BasicClaim<StdAtomics>;
static_assert(sizeof(Claim) == 64);
constexpr std::uint64_t claim_word(ClaimState state, ClaimMode mode, std::uint16_t flags, std::uint32_t array) {
  return static_cast<std::uint64_t>(state) << 56 | static_cast<std::uint64_t>(mode) << 48 | std::uint64_t{flags} << 32 | array;
}
constexpr ClaimState claim_state(std::uint64_t word) { return static_cast<ClaimState>(word >> 56); }
constexpr ClaimMode claim_mode(std::uint64_t word) { return static_cast<ClaimMode>((word >> 48) & 0xFF); }
constexpr std::uint16_t claim_flags(std::uint64_t word) { return static_cast<std::uint16_t>(word >> 32); }
constexpr std::uint32_t claim_array(std::uint64_t word) { return static_cast<std::uint32_t>(word); }

/// What a client counts of itself, for `top` and `audit`: indices of SlotClaims::counters.
enum class SlotCounter : std::uint32_t { reads, views, writes, updates, waits, unshared_bytes, updated_bytes, moved_bytes, appended_bytes };

/// Upper bounds of the buckets of waits for claims, in nanoseconds; the last bucket has none. The clock is the coarse one: 4 ms.
inline constexpr std::uint64_t kWaitBounds[] = {10'000'000,    30'000'000,    100'000'000,    300'000'000,    1'000'000'000,
                                                3'000'000'000, 10'000'000'000, 30'000'000'000, 100'000'000'000};
inline constexpr std::uint32_t kWaitBuckets = sizeof(kWaitBounds) / sizeof(kWaitBounds[0]) + 1;

/// The claims of one slot. Only its owner writes; the high-water marks bound every scan (and are range-checked by it).
struct SlotClaims {
  a32 lock_high, view_high;          ///< entries ever used by this owner; stored before the entry's word
  a64 counters[13];                  ///< SlotCounter
  a64 given_up;                      ///< the last request that its client waits for no more; daemon/changing.h has the rule
  a64 changing;                      ///< the request that the daemon is changing an array for (its store); 0: none
  a64 waits[kWaitBuckets + 1];       ///< claims that waited, by how long (not cumulative); last: nanoseconds together
  a64 streams;                       ///< bit i: this client has the stream of ring i open; set before it looks at the ring
  std::byte pad[kPage - 136 - 8 * (kWaitBuckets + 1)];
  Claim lock[kLockEntries];
  Claim view[kViewEntries];
};
static_assert(sizeof(SlotClaims) == kPage + sizeof(Claim) * (kLockEntries + kViewEntries));

/// Per-array words; followed by the bitmaps writers[NW], claimants[NW], holders[NW] (a64 each), NW = (max_clients + 63) / 64.
struct ArraySync {
  a32 mutex;                         ///< contended:1 | gen:19 | slot + 1:12
  a32 event;                         ///< bit 0: somebody may sleep; changes with every release
  a64 ticket, revision;
};
static_assert(sizeof(ArraySync) == 24);
constexpr std::uint64_t bitmap_words(std::uint32_t max_clients) { return (max_clients + 63) / 64; }
constexpr std::uint64_t array_sync_stride(std::uint32_t max_clients) { return (24 + 24 * bitmap_words(max_clients) + 63) & ~63ULL; }

}  // namespace ndshare::internal
