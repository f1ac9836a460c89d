/// Where the parts of the sync segment lie, computed from the limits in the (read-only) catalog: every process may write
/// the sync segment, so what its header says of offsets is never used.
#pragma once

#include <cstdint>

#include "lib/base/checked.h"
#include "lib/shm/format.h"

namespace ndshare::internal {

struct SyncLayout {
  /// REQUIRES: both limits were checked (max_clients up to kMaxClientsLimit, so that nothing overflows).
  explicit SyncLayout(std::uint32_t max_clients, std::uint32_t max_arrays) noexcept
      : claims_offset(kPage),
        arrays_offset(kPage + sizeof(SlotClaims) * std::uint64_t{max_clients}),
        array_stride(array_sync_stride(max_clients)),
        streams_offset(round_up(arrays_offset + array_stride * max_arrays, kPage)),
        bytes(streams_offset + kStreamStride * kMaxStreams) {}
  std::uint64_t claims_offset, arrays_offset, array_stride, streams_offset, bytes;

  /// REQUIRES: ring < kMaxStreams; `sync` is the whole segment.
  StreamSync& stream(std::byte* sync, std::uint32_t ring) const noexcept {
    return *reinterpret_cast<StreamSync*>(sync + streams_offset + ring * kStreamStride);  // NOLINT: shared bytes have no other type
  }
  const StreamSync& stream(const std::byte* sync, std::uint32_t ring) const noexcept {
    return *reinterpret_cast<const StreamSync*>(sync + streams_offset + ring * kStreamStride);  // NOLINT
  }
};

}  // namespace ndshare::internal
