#include "client/pool_maps.h"

#include <algorithm>

#include <sys/stat.h>

#include <ndshare/error.h>

#include "client/guard_pages.h"

namespace ndshare::internal {
namespace {

constexpr std::size_t kKeptAssemblies = 8;

/// What an array without bytes points to: aligned as every array is, never read.
alignas(64) std::byte g_nothing[64];

std::span<const ExtentRun> only(const ExtentRun& run) { return {&run, 1}; }

}  // namespace

PoolMaps::PoolMaps(Descriptor pool, std::uint64_t pool_bytes, bool may_write, std::function<Descriptor()> reopen)
    : pool_(std::move(pool)), may_write_(may_write), reopen_(std::move(reopen)) {
  struct ::stat info {};
  if (::fstat(pool_.get(), &info) == 0) device_ = info.st_dev, inode_ = info.st_ino;
  const std::lock_guard lock(mutex_);
  map_whole(Mapping::Access::read_only, pool_bytes);
}

/// The pool's descriptor; asked for anew where somebody closed it behind our back, or put another file in its place.
int PoolMaps::pool_fd() {
  struct ::stat info {};
  const bool ours = ::fstat(pool_.get(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
  if (ours || !reopen_) return pool_.get();
  static_cast<void>(pool_.release());  // not ours to close any more
  pool_ = reopen_();
  return pool_.get();
}

/// Maps the whole pool if that holds `need_bytes`; false where the address space forbids it.   REQUIRES: mutex_ held.
bool PoolMaps::map_whole(Mapping::Access access, std::uint64_t need_bytes) {
  auto& map = whole(access);
  const auto* current = map.current.load(std::memory_order_relaxed);
  if (current != nullptr && current->bytes() >= need_bytes) return true;
  if (map.refused) return false;
  const int fd = pool_fd();
  const auto bytes = file_bytes(fd);
  if (bytes < need_bytes) {
    throw Error(ErrorCode::Damaged, "an array reaches to byte " + std::to_string(need_bytes) + " of a pool of " +
                                        std::to_string(bytes) + " bytes");
  }
  if (bytes == 0) return false;
  try {
    map.maps.emplace_back(fd, 0, bytes, access);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Memory && error.code() != ErrorCode::MapLimit) throw;
    map.refused = true;
    return false;
  }
  if (access == Mapping::Access::read_write && pages_ != nullptr) pages_->cover(map.maps.back().data(), bytes);
  map.current.store(&map.maps.back(), std::memory_order_release);
  return true;
}

void PoolMaps::check_access(Mapping::Access access) const {
  if (access == Mapping::Access::read_write && !may_write_) {
    throw Error(ErrorCode::Permission, "this client is read-only: it has no writable map of the store's memory");
  }
}

/// The bytes in the map of the whole pool; null where there can be none.
std::byte* PoolMaps::in_whole(std::uint64_t offset, std::uint64_t bytes, Mapping::Access access) {
  const auto end = offset + bytes;
  if (end < offset) throw Error(ErrorCode::Damaged, "an extent of an array reaches beyond 2^64 bytes");
  auto& map = whole(access);
  const auto* current = map.current.load(std::memory_order_acquire);
  if (current != nullptr && end <= current->bytes()) return current->data() + offset;
  const std::lock_guard lock(mutex_);
  return map_whole(access, end) ? map.current.load(std::memory_order_relaxed)->data() + offset : nullptr;
}

ArrayBytes PoolMaps::locate(std::span<const Extent> extents, std::uint64_t from, std::uint64_t to, const TableKey& key,
                            Mapping::Access access) {
  check_access(access);
  if (from == to || extents.empty()) return {g_nothing, nullptr, 0};
  // The run that holds the first byte: neighbours in data and pool are one.
  std::uint64_t at = 0;
  std::size_t i = 0;
  for (; i < extents.size() && at + extents[i].bytes <= from; ++i) at += extents[i].bytes;
  if (i == extents.size()) throw Error(ErrorCode::Damaged, "an array is longer than its extents");
  const std::uint64_t offset = extents[i].offset + (from - at);
  std::uint64_t end = at + extents[i].bytes;
  for (auto next = i + 1; end < to && next < extents.size(); ++next) {
    if (extents[next - 1].offset + extents[next - 1].bytes != extents[next].offset) break;
    end += extents[next].bytes;
  }
  if (end >= to) {
    if (auto* data = in_whole(offset, to - from, access)) return {data, nullptr, offset};
  }
  const std::lock_guard lock(mutex_);
  auto map = assemble(extents, {key.array_gen, key.version, access});
  if (map->bytes() < to) throw Error(ErrorCode::Damaged, "an array is longer than its extents");
  auto* data = map->data() + from;
  return {data, std::move(map), UINT64_MAX};
}

std::vector<ArrayPiece> PoolMaps::pieces(std::span<const Extent> extents, std::uint64_t from, std::uint64_t to, Mapping::Access access) {
  check_access(access);
  std::vector<ArrayPiece> out;
  std::uint64_t at = 0;
  for (const auto& run : coalesce(extents)) {
    const auto first = std::max(at, from), last = std::min(at + run.bytes, to);
    if (first < last) {
      const ExtentRun part{run.offset + (first - at), last - first};
      if (auto* data = in_whole(part.offset, part.bytes, access)) {
        out.push_back({data, part.bytes, nullptr});
      } else {
        const std::lock_guard lock(mutex_);
        auto map = std::make_shared<ExtentMap>(pool_fd(), only(part), access, false);
        out.push_back({map->data(), part.bytes, map});
      }
    }
    at += run.bytes;
  }
  if (at < to && from < to) throw Error(ErrorCode::Damaged, "an array is longer than its extents");
  return out;
}

/// REQUIRES: mutex_ held.
std::shared_ptr<ExtentMap> PoolMaps::assemble(std::span<const Extent> extents, const Key& key) {
  auto map = assembled_[key].lock();
  if (map == nullptr) {
    const auto runs = coalesce(extents);
    map = rebuilt(runs, key);
    const bool populate = std::get<Mapping::Access>(key) == Mapping::Access::read_only;
    if (map == nullptr) map = std::make_shared<ExtentMap>(pool_fd(), runs, std::get<Mapping::Access>(key), populate);
    if (!populate && pages_ != nullptr) pages_->cover(map->data(), map->bytes());
    assembled_[key] = map;
    std::erase_if(assembled_, [&](const auto& row) { return row.first != key && row.second.expired(); });
  }
  recent_.remove_if([&](const Kept& kept) { return kept.map == map; });
  recent_.push_front({key, map});
  if (recent_.size() > kKeptAssemblies) recent_.pop_back();
  return map;
}

/// The kept map of another version of the same array that nobody uses any more, turned into this one. Null where there is none.
std::shared_ptr<ExtentMap> PoolMaps::rebuilt(std::span<const ExtentRun> runs, const Key& key) {
  const auto access = std::get<Mapping::Access>(key);
  const auto found = std::ranges::find_if(recent_, [&](const Kept& kept) {
    return std::get<0>(kept.key) == std::get<0>(key) && std::get<Mapping::Access>(kept.key) == access && kept.map.use_count() == 1;
  });
  if (found == recent_.end()) return nullptr;
  const auto map = found->map;
  assembled_.erase(found->key);
  recent_.erase(found);
  return map->rebuild(pool_fd(), runs, access, access == Mapping::Access::read_only) ? map : nullptr;
}

}  // namespace ndshare::internal
