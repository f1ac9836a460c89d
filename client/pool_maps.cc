#include "client/pool_maps.h"

#include <algorithm>

#include <ndshare/error.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kKeptAssemblies = 8;

/// What an array without bytes points to: aligned as every array is, never read.
alignas(64) std::byte g_nothing[64];

}  // namespace

PoolMaps::PoolMaps(Descriptor pool, std::uint64_t pool_bytes, bool may_write) : pool_(std::move(pool)), may_write_(may_write) {
  const std::lock_guard lock(mutex_);
  map_whole(Mapping::Access::read_only, pool_bytes);
}

/// Maps the whole pool if that holds `need_bytes`; false where the address space forbids it.   REQUIRES: mutex_ held.
bool PoolMaps::map_whole(Mapping::Access access, std::uint64_t need_bytes) {
  auto& map = whole(access);
  const auto* current = map.current.load(std::memory_order_relaxed);
  if (current != nullptr && current->bytes() >= need_bytes) return true;
  if (map.refused) return false;
  const auto bytes = file_bytes(pool_.get());
  if (bytes < need_bytes) {
    throw Error(ErrorCode::Damaged, "an array reaches to byte " + std::to_string(need_bytes) + " of a pool of " +
                                        std::to_string(bytes) + " bytes");
  }
  if (bytes == 0) return false;
  try {
    map.maps.emplace_back(pool_.get(), 0, bytes, access);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Memory && error.code() != ErrorCode::MapLimit) throw;
    map.refused = true;
    return false;
  }
  map.current.store(&map.maps.back(), std::memory_order_release);
  return true;
}

ArrayBytes PoolMaps::locate(std::span<const Extent> extents, std::uint64_t nbytes, std::uint64_t array_gen,
                            std::uint64_t version, Mapping::Access access) {
  if (nbytes == 0 || extents.empty()) return {g_nothing, nullptr};
  if (access == Mapping::Access::read_write && !may_write_) {
    throw Error(ErrorCode::Permission, "this client is read-only: it has no writable map of the store's memory");
  }
  if (extents.size() == 1) {
    const auto offset = extents[0].offset;
    const auto end = offset + nbytes;
    if (end < offset || extents[0].bytes < nbytes) throw Error(ErrorCode::Damaged, "an array is longer than its extent");
    const auto* map = whole(access).current.load(std::memory_order_acquire);
    if (map != nullptr && end <= map->bytes()) return {map->data() + offset, nullptr};
    const std::lock_guard lock(mutex_);
    if (map_whole(access, end)) return {whole(access).current.load(std::memory_order_relaxed)->data() + offset, nullptr};
  }
  const std::lock_guard lock(mutex_);
  auto map = assemble(extents, {array_gen, version, access});
  if (map->bytes() < nbytes) throw Error(ErrorCode::Damaged, "an array is longer than its extents");
  auto* data = map->data();
  return {data, std::move(map)};
}

/// REQUIRES: mutex_ held.
std::shared_ptr<const ExtentMap> PoolMaps::assemble(std::span<const Extent> extents, const Key& key) {
  auto& known = assembled_[key];
  auto map = known.lock();
  if (map == nullptr) {
    const auto runs = coalesce(extents);
    map = std::make_shared<const ExtentMap>(pool_.get(), runs, std::get<Mapping::Access>(key), true);
    known = map;
    std::erase_if(assembled_, [&](const auto& row) { return row.first != key && row.second.expired(); });
  }
  recent_.remove(map);
  recent_.push_front(map);
  if (recent_.size() > kKeptAssemblies) recent_.pop_back();
  return map;
}

}  // namespace ndshare::internal
