/// The bytes that processes share: the catalog (written by the daemon only), the sync segment (written by everyone), the pool.
///
/// Rules (DESIGN, "Segments"): standard-layout structs of fixed-width integers and lock-free atomics; no pointers, only offsets
/// from the segment's start; sizes and offsets asserted below and folded into kLayoutHash, so that two builds that disagree
/// refuse each other instead of misreading. Words that change after their struct is published are atomics; structs that never
/// change (version blocks, meta blocks) are plain, carry a CRC and are read under the record's root word.
///
///   catalog: CatalogHeader | Slot[max_clients] | Telemetry | Redo | Grant[kMaxGrants] | ArrayRecord[max_arrays] | heap
///   heap:    index table, VersionBlock, MetaBlock in 64-byte units (sparse, reserved before use)
///   sync:    SyncHeader | SlotClaims[max_clients] | ArraySync[max_arrays] (stride depends on max_clients) | StreamSync[kMaxStreams]
///   pool:    array bytes: page extents, and 64 KiB slabs for arrays below 4 KiB
#pragma once

#include "lib/shm/catalog_format.h"
#include "lib/shm/stream_format.h"
#include "lib/shm/sync_format.h"
#include "lib/shm/telemetry_format.h"

namespace ndshare::internal {

/// Changes whenever a struct or a limit above changes: segments and peers of another layout are refused by it.
constexpr std::uint64_t layout_hash() {
  const std::uint64_t parts[] = {kFormatVersion, sizeof(CatalogHeader), sizeof(Slot), offsetof(Redo, stores), kMaxRedoStores,
                                 sizeof(Grant), kMaxGrants, sizeof(ArrayRecord), sizeof(VersionBlock), sizeof(MetaBlock),
                                 sizeof(Extent), sizeof(TornBlock), kMaxExtents, sizeof(SyncHeader), sizeof(Claim), sizeof(SlotClaims), sizeof(ArraySync),
                                 sizeof(Telemetry), kEvents, kLockEntries, kViewEntries, kSlabBytes, kSlabLimit, kHeapUnit, sizeof(StreamSync), kMaxStreams,
                                 offsetof(CatalogHeader, pool_bytes), offsetof(CatalogHeader, index_root)};
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325ULL;  // FNV-1a, 64 bits
  for (const auto part : parts) {
    for (int i = 0; i < 8; ++i) hash = (hash ^ ((part >> (8 * i)) & 0xFF)) * 0x0000'0100'0000'01b3ULL;
  }
  return hash;
}
inline constexpr std::uint64_t kLayoutHash = layout_hash();

}  // namespace ndshare::internal
