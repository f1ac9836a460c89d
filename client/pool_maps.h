/// The pool in this process: one read-only map of all of it, one writable from the first write on, and assembled arrays.
///
/// Page tables stay warm from array to array because bytes in one run of the pool are used through the map of the whole pool.
/// Only what spans several runs is assembled into one contiguous map, once a version, shared by its views and guards; the last
/// few are kept, and where only the kept copy of an older version of the same array is left, it is turned into the new one by
/// mapping what changed. Where the address space is limited (RLIMIT_AS) every array is mapped by itself.
///   Threads: safe.   Errors: MapLimit, Memory (says the limit), Permission (writable through a read-only role), Damaged.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <tuple>
#include <vector>

#include "lib/shm/extent_map.h"
#include "lib/shm/segment.h"

namespace ndshare::internal {

/// Where an array's bytes are in this process; `keep` (may be null) must live as long as they are used.
struct ArrayBytes {
  std::byte* data = nullptr;
  std::shared_ptr<const void> keep;
  std::uint64_t place = UINT64_MAX;  ///< in the pool, where it is one run
};

/// A stretch of an array's bytes that is contiguous in this process.
struct ArrayPiece {
  std::byte* data = nullptr;
  std::uint64_t bytes = 0;
  std::shared_ptr<const void> keep;
};

/// One table of extents: what maps are shared by.
struct TableKey {
  std::uint64_t array_gen = 0, version = 0;
};

class GuardPages;

class PoolMaps {
 public:
  /// Maps the pool read-only. `reopen` gives the pool's descriptor anew where this process lost it (closefrom()).
  PoolMaps(Descriptor pool, std::uint64_t pool_bytes, bool may_write, std::function<Descriptor()> reopen = {});

  /// Writable maps are kept closed by `pages` from now on. Before the first one is made.
  void guard(GuardPages& pages) noexcept { pages_ = &pages; }

  /// Bytes [from, to) of the data of a version with these extents, contiguous. No system call for bytes of one run in a map
  /// that exists.
  ArrayBytes locate(std::span<const Extent> extents, std::uint64_t from, std::uint64_t to, const TableKey& key, Mapping::Access access);
  /// All of it.
  ArrayBytes locate(std::span<const Extent> extents, std::uint64_t nbytes, std::uint64_t array_gen, std::uint64_t version,
                    Mapping::Access access) {
    return locate(extents, 0, nbytes, {array_gen, version}, access);
  }
  /// The same bytes run by run: nothing is assembled.
  std::vector<ArrayPiece> pieces(std::span<const Extent> extents, std::uint64_t from, std::uint64_t to, Mapping::Access access);

 private:
  /// Maps of the whole pool of one access. A pool that grew gets another map: pointers into the older ones stay good.
  struct Whole {
    std::atomic<const Mapping*> current{nullptr};
    std::deque<Mapping> maps;
    bool refused = false;  ///< the address space has no room for it
  };
  using Key = std::tuple<std::uint64_t, std::uint64_t, Mapping::Access>;
  struct Kept {
    Key key;
    std::shared_ptr<ExtentMap> map;
  };

  Whole& whole(Mapping::Access access) noexcept { return access == Mapping::Access::read_only ? read_ : write_; }
  void check_access(Mapping::Access access) const;
  std::byte* in_whole(std::uint64_t offset, std::uint64_t bytes, Mapping::Access access);
  bool map_whole(Mapping::Access access, std::uint64_t need_bytes);
  std::shared_ptr<ExtentMap> assemble(std::span<const Extent> extents, const Key& key);
  std::shared_ptr<ExtentMap> rebuilt(std::span<const ExtentRun> runs, const Key& key);
  int pool_fd();

  Descriptor pool_;
  std::uint64_t device_ = 0, inode_ = 0;  ///< of the pool's file: a descriptor may become another file's
  bool may_write_;
  std::function<Descriptor()> reopen_;
  GuardPages* pages_ = nullptr;
  std::mutex mutex_;  ///< of all below but Whole::current
  Whole read_, write_;
  std::map<Key, std::weak_ptr<ExtentMap>> assembled_;
  std::list<Kept> recent_;
};

}  // namespace ndshare::internal
