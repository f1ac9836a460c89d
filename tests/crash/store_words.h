/// The shared words of a store, mapped as its daemon's owner may: so that a test sees, after every instruction of somebody
/// else, whether what others see has changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "lib/shm/format.h"
#include "lib/shm/segment.h"
#include "lib/shm/sync_layout.h"

namespace ndshare::test {

/// Of a small store (--max-clients and --max-arrays of a few): the first entries of every slot, the first arrays' words, and of
/// the catalog its counters, slots, redo record, grants and records.
class StoreWords {
 public:
  explicit StoreWords(const std::string& store) {
    using internal::Mapping;
    const auto paths = internal::segment_paths(::geteuid(), store);
    const auto map = [](const std::string& path) {
      const auto fd = internal::open_segment(path, ::geteuid(), Mapping::Access::read_only);
      return Mapping(fd.get(), 0, internal::file_bytes(fd.get()), Mapping::Access::read_only);
    };
    catalog_ = map(paths.catalog), sync_ = map(paths.sync);
    const internal::SyncLayout layout(header().max_clients, header().max_arrays);
    for (std::uint32_t slot = 0; slot < header().max_clients; ++slot) {
      const auto* claims = sync_.at<internal::SlotClaims>(layout.claims_offset + slot * sizeof(internal::SlotClaims));
      watch(claims, 8), watch(&claims->lock[0], 8 * sizeof(internal::Claim)), watch(&claims->view[0], 4 * sizeof(internal::Claim));
    }
    watch(sync_.data() + layout.arrays_offset, 8 * layout.array_stride);
    watch(&header().daemon_pid, sizeof(internal::CatalogHeader) - offsetof(internal::CatalogHeader, daemon_pid));
    watch(catalog_.data() + header().slots_offset, header().max_clients * sizeof(internal::Slot));
    watch(catalog_.data() + header().redo_offset, 64 + 32 * sizeof(internal::RedoStore));
    watch(catalog_.data() + header().grants_offset, 16 * sizeof(internal::Grant));
    watch(catalog_.data() + header().records_offset, 8 * sizeof(internal::ArrayRecord));
  }

  const internal::CatalogHeader& header() const { return *catalog_.at<internal::CatalogHeader>(0); }
  std::uint64_t used_bytes() const { return header().used_bytes.load(); }
  /// Slots that are not free: living clients, and dead ones that were not swept to the end.
  unsigned slots_in_use() const {
    unsigned count = 0;
    for (std::uint32_t i = 0; i < header().max_clients; ++i) {
      const auto* slot = catalog_.at<internal::Slot>(header().slots_offset + i * sizeof(internal::Slot));
      count += internal::slot_state(slot->id.load()) != internal::SlotState::free ? 1U : 0U;
    }
    return count;
  }

  /// Whether a word differs from what it was at the last call.
  bool changed() {
    bool any = false;
    std::size_t at = 0;
    for (const auto& [data, bytes] : watched_) {
      if (std::memcmp(seen_.data() + at, data, bytes) != 0) {
        std::memcpy(seen_.data() + at, data, bytes);
        any = true;
      }
      at += bytes;
    }
    return any;
  }

 private:
  void watch(const void* data, std::size_t bytes) {
    watched_.emplace_back(data, bytes);
    seen_.resize(seen_.size() + bytes);
  }
  internal::Mapping catalog_, sync_;
  std::vector<std::pair<const void*, std::size_t>> watched_;
  std::vector<std::byte> seen_;
};

}  // namespace ndshare::test
