/// The bytes that processes share: the catalog (written by the daemon only), the sync segment (written by everyone), the pool.
///
/// Rules (DESIGN, "Segments"): standard-layout structs of fixed-width integers and lock-free atomics; no pointers, only offsets
/// from the segment's start; sizes and offsets asserted below and folded into kLayoutHash, so that two builds that disagree
/// refuse each other instead of misreading. Words that change after their struct is published are atomics; structs that never
/// change (version blocks, meta blocks) are plain, carry a CRC and are read under the record's root word.
///
///   catalog: CatalogHeader | Slot[max_clients] | Redo | Grant[kMaxGrants] | ArrayRecord[max_arrays] | heap
///   heap:    index table, VersionBlock, MetaBlock in 64-byte units (sparse, reserved before use)
///   sync:    SyncHeader | SlotClaims[max_clients] | ArraySync[max_arrays] (stride depends on max_clients)
///   pool:    array bytes: page extents, and 64 KiB slabs for arrays below 4 KiB
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

using a32 = std::atomic<std::uint32_t>;
using a64 = std::atomic<std::uint64_t>;
static_assert(a32::is_always_lock_free && a64::is_always_lock_free && sizeof(a64) == 8 && sizeof(a32) == 4);

inline constexpr std::uint64_t kCatalogMagic = 0x3147'4c54'4353'444eULL;  // "NDSCTLG1"
inline constexpr std::uint64_t kSyncMagic = 0x3131'434e'5953'444eULL;     // "NDSYNC11"
inline constexpr std::uint32_t kVersionMagic = 0x4e4f'4956;               // "VION"
inline constexpr std::uint32_t kMetaMagic = 0x4154'454d;                  // "META"
inline constexpr std::uint32_t kFormatVersion = 1;

inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kHugePage = 2ULL << 20;    ///< extents of this size and more start at a multiple of it
inline constexpr std::uint64_t kSlabBytes = 64ULL << 10;  ///< a slab: 64 KiB-aligned, pieces of one size class
inline constexpr std::uint64_t kSlabLimit = 4096;         ///< arrays below live in slabs
inline constexpr std::uint64_t kHeapUnit = 64;            ///< blocks of the catalog's heap start at multiples of this
inline constexpr std::uint32_t kMaxClientsLimit = 4095;
inline constexpr std::uint32_t kLockEntries = 128;        ///< lock entries a slot
inline constexpr std::uint32_t kViewEntries = 8192;       ///< view entries a slot
inline constexpr std::uint32_t kMaxGrants = 65536;
inline constexpr std::uint32_t kMaxAxes = 32;
inline constexpr std::uint32_t kMaxExtents = 4096;        ///< extents a version
inline constexpr std::uint32_t kMaxDtypeBytes = 4096;
inline constexpr std::uint32_t kMaxAttrsBytes = 32768;
inline constexpr std::uint32_t kMaxRedoStores = 65536;

// ---- catalog -----------------------------------------------------------------------------------------------------------------

/// First page of the catalog. The first block is fixed when the store is made; the second changes.
struct CatalogHeader {
  std::uint64_t magic, layout_hash;
  std::uint32_t format_version, uid;
  std::uint32_t max_clients, max_arrays;
  std::uint64_t store_id;                    ///< random; the sync segment carries the same
  std::uint64_t boot_id[2];                  ///< of the machine's boot that made the segments
  std::uint64_t catalog_bytes, sync_bytes;   ///< mapped sizes (sparse files)
  std::uint64_t slots_offset, redo_offset, grants_offset, records_offset, heap_offset, heap_bytes;
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
  char command[56];                  ///< for people; NUL-terminated, valid once `id` says live
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
  a64 pad;
};
static_assert(sizeof(Grant) == 32);

/// What a record's root points to: small, so that a reader copies it between two reads of `root`.
struct VersionRef {
  a64 version, array_gen, block, meta, flags;  ///< block, meta: heap offsets; flags: kArray… bits
};

inline constexpr std::uint64_t kArraySealed = 1;    ///< never changes again
inline constexpr std::uint64_t kArraySession = 2;   ///< removed with the slot that made it
inline constexpr std::uint64_t kArrayBuilding = 4;  ///< only its creator sees it; removed when the creator dies
inline constexpr std::uint64_t kArrayReplaces = 8;  ///< building, not in the index: takes the name at publish

/// One array: root = version << 1 | which of the two refs; 0 where there is no array. Refs are A/B: the daemon writes the one
/// that root does not point to, then stores root (through the redo record).
struct ArrayRecord {
  a64 root;
  VersionRef ref[2];
  a64 pad[5];
};
static_assert(sizeof(VersionRef) == 40 && sizeof(ArrayRecord) == 128);
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
  std::uint32_t extent_count, ndim, dtype_bytes, order;  ///< order: 0 C, 1 Fortran
};
static_assert(sizeof(VersionBlock) == 64 && sizeof(Extent) == 24);

/// What a version does not say: name, owner, attributes. Immutable; a rename writes a new one. Followed by name, attrs (JSON).
struct MetaBlock {
  std::uint32_t magic, crc;          ///< crc32c of everything after it up to `bytes`
  std::uint32_t bytes, array;
  std::uint64_t created_unix_ns;
  std::uint32_t owner_slot, owner_gen, uid, pid;
  std::uint32_t name_bytes, attrs_bytes;
};
static_assert(sizeof(MetaBlock) == 48);

// ---- sync --------------------------------------------------------------------------------------------------------------------

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
inline constexpr std::uint16_t kClaimCopying = 1;

/// One lock or pin. `word` is the single store that counts; the daemon reads every field and trusts none.
struct Claim {
  a64 word;                          ///< state << 56 | mode << 48 | flags << 32 | array index; free keeps the array index
  a64 array_gen, lo, hi, version, ticket;
  a32 tid, pad;
  a64 since_ns;                      ///< CLOCK_MONOTONIC_COARSE
};
static_assert(sizeof(Claim) == 64);
constexpr std::uint64_t claim_word(ClaimState state, ClaimMode mode, std::uint16_t flags, std::uint32_t array) {
  return static_cast<std::uint64_t>(state) << 56 | static_cast<std::uint64_t>(mode) << 48 | std::uint64_t{flags} << 32 | array;
}
constexpr ClaimState claim_state(std::uint64_t word) { return static_cast<ClaimState>(word >> 56); }
constexpr ClaimMode claim_mode(std::uint64_t word) { return static_cast<ClaimMode>((word >> 48) & 0xFF); }
constexpr std::uint32_t claim_array(std::uint64_t word) { return static_cast<std::uint32_t>(word); }

/// The claims of one slot. Only its owner writes; the high-water marks bound every scan (and are range-checked by it).
struct SlotClaims {
  a32 lock_high, view_high;          ///< entries ever used by this owner; stored before the entry's word
  a64 counters[15];                  ///< operations and copied bytes by reason, for `top` and `audit`
  std::byte pad[kPage - 128];
  Claim lock[kLockEntries];
  Claim view[kViewEntries];
};
static_assert(sizeof(SlotClaims) == kPage + sizeof(Claim) * (kLockEntries + kViewEntries));

/// Per-array words; followed by the bitmaps writers[NW], claimants[NW], holders[NW] (a64 each), NW = (max_clients + 63) / 64.
struct ArraySync {
  a32 mutex;                         ///< contended:1 | gen:19 | slot + 1:12
  a32 event;                         ///< bit 0: somebody may sleep
  a64 ticket, revision;
};
static_assert(sizeof(ArraySync) == 24);
constexpr std::uint64_t bitmap_words(std::uint32_t max_clients) { return (max_clients + 63) / 64; }
constexpr std::uint64_t array_sync_stride(std::uint32_t max_clients) { return (24 + 24 * bitmap_words(max_clients) + 63) & ~63ULL; }

/// Changes whenever a struct or a limit above changes: segments and peers of another layout are refused by it.
constexpr std::uint64_t layout_hash() {
  const std::uint64_t parts[] = {kFormatVersion, sizeof(CatalogHeader), sizeof(Slot), offsetof(Redo, stores), kMaxRedoStores,
                                 sizeof(Grant), kMaxGrants, sizeof(ArrayRecord), sizeof(VersionBlock), sizeof(MetaBlock),
                                 sizeof(Extent), sizeof(SyncHeader), sizeof(Claim), sizeof(SlotClaims), sizeof(ArraySync),
                                 kLockEntries, kViewEntries, kSlabBytes, kSlabLimit, kHeapUnit,
                                 offsetof(CatalogHeader, pool_bytes), offsetof(CatalogHeader, index_root)};
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325ULL;  // FNV-1a, 64 bits
  for (const auto part : parts) {
    for (int i = 0; i < 8; ++i) hash = (hash ^ ((part >> (8 * i)) & 0xFF)) * 0x0000'0100'0000'01b3ULL;
  }
  return hash;
}
inline constexpr std::uint64_t kLayoutHash = layout_hash();

}  // namespace ndshare::internal
