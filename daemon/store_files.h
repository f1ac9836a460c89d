/// The files of one store on this machine: lock, catalog, sync and pool, made new or verified before they are adopted.
///
/// The lock file is flocked for as long as the daemon lives (the kernel lets go of it at any death) and holds its pid.
/// Segments get their names in the order pool, sync, catalog, and lose them in the opposite one: where there is no
/// catalog, the others are leftovers that no data depends on.
///   Threads: the engine's.   Errors: StoreExists, Squatted, LayoutVersion, Damaged, SystemMemory, Io, Name, Usage.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/engine.h"
#include "daemon/sync_guard.h"
#include "lib/shm/format.h"
#include "lib/shm/segment.h"
#include "lib/shm/sync_layout.h"

namespace ndshare::internal {

struct StoreFiles {
  SegmentPaths paths;
  Descriptor lock, catalog, catalog_read_only, sync, pool, pool_read_only;
  Mapping catalog_map, sync_map;
  SyncGuard sync_guard;  ///< of sync_map: goes before it
  bool adopted = false;
};

StoreFiles open_store_files(const EngineOptions& options);

/// Writes what the first page of the sync segment says of a store, and returns whether anything else stood there.
bool write_sync_header(std::byte* base, const CatalogHeader& catalog) noexcept;

/// Unlinks every name of the store, the lock's last.
void unlink_store_files(const SegmentPaths& paths, bool keep_socket) noexcept;

/// The sync segment as the daemon computes it: nothing is read from there but the claims and words themselves.
struct SyncSegment {
  SyncSegment(std::byte* start, std::uint32_t max_clients, std::uint32_t max_arrays) noexcept
      : base(start), layout(max_clients, max_arrays) {}
  std::byte* base;
  SyncLayout layout;
  SyncHeader& header() const noexcept { return *reinterpret_cast<SyncHeader*>(base); }  // NOLINT: shared bytes
  SlotClaims& claims(std::uint32_t slot) const noexcept {
    return reinterpret_cast<SlotClaims*>(base + layout.claims_offset)[slot];  // NOLINT: shared bytes
  }
  ArraySync& array(std::uint32_t index) const noexcept {
    return *reinterpret_cast<ArraySync*>(base + layout.arrays_offset +
                                         index * layout.array_stride);  // NOLINT: shared bytes
  }
  StreamSync& stream(std::uint32_t ring) const noexcept { return layout.stream(base, ring); }
};

}  // namespace ndshare::internal
