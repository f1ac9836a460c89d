/// The pool in this process: one read-only map of all of it, one writable from the first write on, and assembled arrays.
///
/// Page tables stay warm from array to array because an array in one extent is used through the map of the whole pool. An
/// array of several extents is assembled into one contiguous map, once a version, shared by its views and guards; the last few
/// are kept for the next reader. Where the address space is limited (RLIMIT_AS) every array is mapped by itself.
///   Threads: safe.   Errors: MapLimit, Memory (says the limit), Permission (writable through a read-only role), Damaged.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <tuple>

#include "lib/shm/extent_map.h"
#include "lib/shm/segment.h"

namespace ndshare::internal {

/// Where an array's bytes are in this process; `keep` (may be null) must live as long as they are used.
struct ArrayBytes {
  std::byte* data = nullptr;
  std::shared_ptr<const void> keep;
};

class PoolMaps {
 public:
  /// Maps the pool read-only.
  PoolMaps(Descriptor pool, std::uint64_t pool_bytes, bool may_write);

  /// The bytes of a version with these extents. No system call for one extent in a map that exists.
  ArrayBytes locate(std::span<const Extent> extents, std::uint64_t nbytes, std::uint64_t array_gen, std::uint64_t version,
                    Mapping::Access access);

 private:
  /// Maps of the whole pool of one access. A pool that grew gets another map: pointers into the older ones stay good.
  struct Whole {
    std::atomic<const Mapping*> current{nullptr};
    std::deque<Mapping> maps;
    bool refused = false;  ///< the address space has no room for it
  };
  using Key = std::tuple<std::uint64_t, std::uint64_t, Mapping::Access>;

  Whole& whole(Mapping::Access access) noexcept { return access == Mapping::Access::read_only ? read_ : write_; }
  bool map_whole(Mapping::Access access, std::uint64_t need_bytes);
  std::shared_ptr<const ExtentMap> assemble(std::span<const Extent> extents, const Key& key);

  Descriptor pool_;
  bool may_write_;
  std::mutex mutex_;  ///< of all below but Whole::current
  Whole read_, write_;
  std::map<Key, std::weak_ptr<const ExtentMap>> assembled_;
  std::list<std::shared_ptr<const ExtentMap>> recent_;
};

}  // namespace ndshare::internal
