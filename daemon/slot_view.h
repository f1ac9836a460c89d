/// The slot table as it lies in the catalog, for what the engine's interface does not repeat.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/shm/format.h"

namespace ndshare::internal {

/// Slot `index` of the catalog that starts with `header`. REQUIRES: index < header.max_clients.
inline const Slot& slot_of(const CatalogHeader& header, std::uint32_t index) {
  const auto* base = reinterpret_cast<const std::byte*>(&header);  // NOLINT: shared bytes have no other type
  return reinterpret_cast<const Slot*>(base + header.slots_offset)[index];  // NOLINT
}

}  // namespace ndshare::internal
