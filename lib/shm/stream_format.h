/// Structs of the sync segment for streams: the ring of one stream. Clients and daemon write it; nobody trusts it. See
/// format.h, and stream_protocol.h for who may change which word when.
///
/// A stream is found by name in the catalog: an array without rows called kStreamPrefix + name, whose attributes name
/// the ring
/// ("ring") and the arrays of its batches ("batches"). Those are ordinary arrays called kBatchPrefix + name + "/" +
/// number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/shm/format_base.h"

namespace ndshare::internal {

inline constexpr std::uint32_t kMaxStreams = 64;       ///< rings of a store: a bit each in SlotClaims::streams
inline constexpr std::uint32_t kMaxStreamDepth = 256;  ///< batches of a stream
inline constexpr std::uint32_t kMaxCursors = 64;       ///< consumers of a broadcast stream: a bit each in `pending`
inline constexpr std::uint32_t kMaxBatchAttrs = 256;   ///< bytes of a batch's attributes, as JSON text
inline constexpr std::uint32_t kMaxDeliveries = 31;    ///< the count in the word stays there
inline constexpr std::uint32_t kSlotWords = 64;        ///< of a bitmap of slots: kMaxClientsLimit of them
inline constexpr std::string_view kStreamPrefix = ".stream/", kBatchPrefix = ".batch/";

inline std::string stream_array_name(std::string_view stream) { return std::string(kStreamPrefix).append(stream); }
inline std::string batch_array_name(std::string_view stream, std::uint64_t number) {
  return std::string(kBatchPrefix).append(stream).append("/").append(std::to_string(number));
}
/// Names of streams' own arrays: hidden from lists, and nobody else's to make, rename or remove.
inline bool is_stream_name(std::string_view name) noexcept {
  return name.starts_with(kStreamPrefix) || name.starts_with(kBatchPrefix);
}

enum class RingState : std::uint32_t { free = 0, open = 1, removing = 2 };

/// free: nobody's. loaned: a producer fills it. ready: published. taken: a consumer of a queue reads it. dead:
/// delivered max_deliveries times and never done; an operator's.
enum class BatchState : std::uint8_t { free = 0, loaned = 1, ready = 2, taken = 3, dead = 4 };

// The word of a batch: state:4 | deliveries:5 | generation of the owner's slot:19 | slot + 1:12 | low bits of the
// sequence:24.
inline constexpr std::uint64_t kSequenceMask = 0xFF'FFFF;
constexpr std::uint64_t batch_owner(std::uint32_t slot, std::uint64_t gen) {
  return (gen & 0x7FFFF) << 12 | ((slot + 1) & 0xFFF);
}
constexpr std::uint64_t batch_word(BatchState state, std::uint64_t owner, std::uint32_t deliveries,
                                   std::uint64_t sequence) {
  return static_cast<std::uint64_t>(state) << 60 | std::uint64_t{deliveries & 0x1F} << 55 | owner << 24 |
         (sequence & kSequenceMask);
}
constexpr BatchState batch_state(std::uint64_t word) { return static_cast<BatchState>(word >> 60); }
constexpr std::uint32_t batch_deliveries(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 55) & 0x1F; }
constexpr std::uint64_t batch_owner(std::uint64_t word) { return (word >> 24) & 0x7FFF'FFFF; }
constexpr std::uint32_t owner_slot(std::uint64_t owner) { return static_cast<std::uint32_t>(owner & 0xFFF) - 1; }
constexpr std::uint64_t batch_sequence(std::uint64_t word) { return word & kSequenceMask; }

/// A consumer of a broadcast stream.
struct StreamCursor {
  a64 owner;   ///< batch_owner() of its slot; 0 free
  a64 missed;  ///< batches that were overwritten before it took them
};

/// What a batch says of itself; written by its owner before it is ready.
struct BatchMeta {
  a64 sequence;  ///< in full
  a64 rows, published_unix_ns;
  a64 attrs_bytes;
  std::byte attrs[kMaxBatchAttrs];  ///< JSON text; shared_bytes.h
  std::byte pad[32];
};
static_assert(sizeof(BatchMeta) == 320);

/// The ring of one stream. Words that different processes wait for stand in different cache lines.
struct StreamSync {
  a64 stream;    ///< array_gen of the stream's array; the daemon's to store
  a32 state;     ///< RingState; the daemon's to store
  a32 closed;    ///< 1: no more input
  a32 produced;  ///< 1: some producer was there
  std::byte pad0[44];
  alignas(64) a32 ready_event;  ///< consumers: bit 0 somebody may sleep; changes with whatever they wait for
  std::byte pad1[60];
  alignas(64) a32 room_event;  ///< producers
  std::byte pad2[60];
  alignas(64) a64 next_sequence;
  std::byte pad3[56];
  alignas(64) a64 cursors;  ///< broadcast: bit i: cursor[i] is somebody's
  a32 returned;             ///< queue: changes after a batch came back, was retried, or became a dead letter
  std::byte pad4[52];
  a64 producers[kSlotWords];  ///< bit a slot: it has loaned, and has the stream open
  a64 draining[kSlotWords];   ///< bit a slot: waits in take() after close()
  StreamCursor cursor[kMaxCursors];
  a64 word[kMaxStreamDepth];
  a64 pending[kMaxStreamDepth];   ///< broadcast: bit a cursor: has not done it yet
  a64 readers[kMaxStreamDepth];   ///< broadcast: bit a cursor: reads it now
  BatchMeta meta[kMaxStreamDepth];
};
static_assert(offsetof(StreamSync, producers) == 320 && sizeof(StreamSync) % 64 == 0);
inline constexpr std::uint64_t kStreamStride = (sizeof(StreamSync) + kPage - 1) / kPage * kPage;

}  // namespace ndshare::internal
