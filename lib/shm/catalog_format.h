/// Structs of the catalog segment. Only the daemon writes it; clients map it read-only. See format.h for the rules.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/shm/format_base.h"

namespace ndshare::internal {

/// First page of the catalog. The first block is fixed when the store is made; the second changes.
struct CatalogHeader {
  std::uint64_t magic, layout_hash;
  std::uint32_t format_version, uid;
  std::uint32_t max_clients, max_arrays;
  std::uint64_t store_id;                    ///< random; the sync segment carries the same
  std::uint64_t boot_id[2];                  ///< of the machine's boot that made the segments
  std::uint64_t catalog_bytes, sync_bytes;   ///< mapped sizes (sparse files)
  std::uint64_t slots_offset, telemetry_offset, redo_offset, grants_offset, records_offset, heap_offset, heap_bytes;
  std::uint64_t created_unix_ns;
  char pool_dir[512];                        ///< folder of the pool where it is not /dev/shm, NUL-terminated

  a64 pool_bytes;                            ///< capacity: size of the pool file and budget of array bytes
  a64 daemon_pid, daemon_start;              ///< of the process that serves, 0 where none; start as in /proc/PID/stat
  a64 ephemeral;                             ///< 1: the store ends with its last client
  a64 index_root;                            ///< heap offset of the name index | log2(buckets); 64-byte units leave 6 low bits
  a64 records_high;                          ///< array records ever used: scans stop here
  a64 next_version;                          ///< store-wide counter; the last number given out
  a64 live_arrays;
  a64 used_bytes, live_bytes, warm_bytes;    ///< statistics for readers: in extents, in arrays, resident but free
  a64 largest_free_bytes, free_bytes;
  a64 publishing;                            ///< (slot + 1) << 32 | low 32 bits of its gen: what that slot has ready becomes
                                             ///< visible, in several redo records; 0 where no such thing is under way
};
static_assert(sizeof(CatalogHeader) <= kPage);

enum class SlotState : std::uint32_t { free = 0, live = 1, dying = 2 };

/// A client process's place. Only the daemon writes; `id` is stored last on attach and first on the way out.
struct Slot {
  a64 id;                            ///< gen << 8 | SlotState; gen 19 bits, never 0 for a slot once used
  a64 pid, start, pid_namespace;
  a64 uid_role;                      ///< uid << 8 | role (0 read_write, 1 read_only)
  a64 since_unix_ns;
  a64 last_sequence;                 ///< last request applied, and what it answered
  a64 last_result[2];
  a64 kicked;                        ///< 1: an operator asks this client to leave
  char command[48];                  ///< for people; NUL-terminated, valid once `id` says live
};
static_assert(sizeof(Slot) == 128);
constexpr std::uint64_t slot_id(std::uint64_t gen, SlotState state) { return gen << 8 | static_cast<std::uint64_t>(state); }
constexpr SlotState slot_state(std::uint64_t id) { return static_cast<SlotState>(id & 0xFF); }
constexpr std::uint64_t slot_gen(std::uint64_t id) { return id >> 8; }

/// One absolute store of the redo record: catalog word at `offset` (a multiple of 8) becomes `value`.
struct RedoStore {
  std::uint64_t offset, value;
};

/// The redo record: every mutating request is prepared here, committed by one store of `state`, applied, and emptied.
/// A daemon killed before COMMITTED has changed nothing; one killed after it is finished at the next start (the stores are
/// absolute, so applying them twice is the same as once).
struct Redo {
  a64 state;                         ///< kRedoEmpty or kRedoCommitted
  std::uint64_t slot, gen, sequence; ///< whose request; slot is max for the daemon's own
  std::uint64_t result[2];
  std::uint32_t count, crc;          ///< crc32c of the words above but `state`, `count`, and of the stores
  std::uint64_t pad;
  RedoStore stores[kMaxRedoStores];
};
inline constexpr std::uint64_t kRedoEmpty = 0, kRedoCommitted = 0x4554'494d'4d4f'43ULL;
static_assert(sizeof(RedoStore) == 16 && offsetof(Redo, stores) == 64);

/// Extents handed to a slot that no version names yet. A grant is a root of the mark-and-sweep.
struct Grant {
  a64 owner;                         ///< 0 free; else (slot + 1) << 32 | low 32 bits of the slot's gen
  a64 offset, bytes;
  a64 sequence;                      ///< of the request that it answers: a retried one finds it
};
static_assert(sizeof(Grant) == 32);

/// What a record's root points to: small, so that a reader copies it between two reads of `root`.
struct VersionRef {
  a64 version, array_gen, block, meta, flags;  ///< block, meta: heap offsets; flags: kArray… bits
  a64 floor;                                   ///< highest version that a living snapshot of the array names; 0 for none
  a64 torn;                                    ///< heap offset of its TornBlock; 0 where no row is torn
};

inline constexpr std::uint64_t kArraySealed = 1;    ///< never changes again
inline constexpr std::uint64_t kArraySession = 2;   ///< removed with the slot that made it
inline constexpr std::uint64_t kArrayBuilding = 4;  ///< only its creator sees it; removed when the creator dies
inline constexpr std::uint64_t kArrayReady = 32;    ///< building, and complete: visible with all that its creator has ready
inline constexpr std::uint64_t kArraySealLater = 64;  ///< ready, and sealed from the moment it is visible
inline constexpr std::uint64_t kArraySnapshot = 16; ///< of another array: shares its extents, sealed from the start
inline constexpr std::uint64_t kArrayStream = 128;  ///< a stream's own array: names its ring and its batches
inline constexpr std::uint64_t kArrayBatch = 256;   ///< of a stream: its bytes are whose the batch's word says
inline constexpr std::uint64_t kArrayReplaces = 8;  ///< building, not in the index: takes the name at publish

/// One array: root = version << 1 | which of the two refs; 0 where there is no array. Refs are A/B: the daemon writes the one
/// that root does not point to, then stores root (through the redo record).
struct ArrayRecord {
  a64 root;
  VersionRef ref[2];
  a64 pad;
};
static_assert(sizeof(VersionRef) == 56 && sizeof(ArrayRecord) == 128);
constexpr std::uint64_t make_root(std::uint64_t version, std::uint64_t which) { return version << 1 | which; }

/// A bucket of the name index: hash's upper 32 bits | record index + 1; 0 empty, kIndexTombstone removed. Linear probing.
using IndexEntry = a64;
inline constexpr std::uint64_t kIndexTombstone = 0xFFFF'FFFFULL;
constexpr std::uint64_t make_index_entry(std::uint64_t hash, std::uint32_t record) {
  return (hash & 0xFFFF'FFFF'0000'0000ULL) | (std::uint64_t{record} + 1);
}
constexpr std::uint64_t make_index_root(std::uint64_t heap_offset, std::uint32_t log2_buckets) { return heap_offset | log2_buckets; }

struct Extent {
  std::uint64_t offset, bytes;       ///< in the pool; bytes of data it can hold (page multiple, or a slab class)
  std::uint64_t birth;               ///< version that first wrote it; kept for ever
};

/// One version of one array: immutable once published. Followed by shape[ndim] (int64), Extent[extent_count], dtype text.
struct VersionBlock {
  std::uint32_t magic, crc;          ///< crc32c of everything after it up to `bytes`
  std::uint32_t bytes, array;        ///< of this block with its tail; index of the record
  std::uint64_t array_gen, version;
  std::uint64_t nbytes, grain;       ///< data bytes; copy-on-write unit
  std::uint64_t row_bytes;           ///< of one row of the slowest axis, whatever the number of rows
  std::uint32_t extent_count, ndim, dtype_bytes, order;  ///< order: 0 C, 1 Fortran
  std::uint64_t source_gen, source_version;  ///< of a snapshot: the array (by array_gen) and version that it names
};
static_assert(sizeof(VersionBlock) == 88 && sizeof(Extent) == 24);

/// Rows that an in-place writer left when it died. Immutable: a change writes a new one.
struct TornRange {
  std::int64_t lo, hi;               ///< rows [lo, hi)
  std::uint64_t pid, unix_ns;        ///< whose writer it was, and when it was swept
};
inline constexpr std::uint32_t kMaxTornRanges = 8;  ///< beyond that neighbours are merged into their hull
struct TornBlock {
  std::uint32_t magic, crc;          ///< crc32c of everything after it up to `bytes`
  std::uint32_t bytes, array;
  std::uint64_t count;
  TornRange ranges[kMaxTornRanges];
};
static_assert(sizeof(TornBlock) == 24 + 32 * kMaxTornRanges);

/// What a version does not say: name, owner, attributes. Immutable; a rename writes a new one. Followed by name, attrs (JSON).
struct MetaBlock {
  std::uint32_t magic, crc;          ///< crc32c of everything after it up to `bytes`
  std::uint32_t bytes, array;
  std::uint64_t created_unix_ns;
  std::uint32_t owner_slot, owner_gen, uid, pid;
  std::uint32_t name_bytes, attrs_bytes;
};
static_assert(sizeof(MetaBlock) == 48);

}  // namespace ndshare::internal
