/// Versions that nothing names any more but that somebody may hold: they wait here until no claim pins them.
///
/// The argument is that of lib/shm/claims.h: the root was stored (seq_cst) before a version was added here, and run()
/// scans the entries (seq_cst) after it, so a pin that validated is seen. One scan of the live slots' entries serves
/// all that waits.
///   READ, VIEW: keep the version they name.   WRITE, UPDATE: keep it and every later one of the same array_gen.
///   An array's index is used again only when no entry at all names it (its ArraySync is never reset).
///   Threads: the engine's.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "daemon/catalog_heap.h"
#include "daemon/pool_allocator.h"
#include "lib/shm/claims.h"

namespace ndshare::internal {

/// What waits: a version block with its extents, a name block, the record's index, or all of them.
struct Waiting {
  std::uint32_t array = 0;
  std::uint64_t array_gen = 0, from = 0,
                to = 0;  ///< version numbers under which it was current; gen 0: any entry of the array pins
  std::uint64_t block = 0, meta = 0;  ///< heap offsets; 0 for none
  std::uint32_t uid = kUnknownUid;    ///< who wrote them
  bool frees_record = false;
};

/// The entries of all live slots, sorted by array. Nothing in them is trusted: they are only compared.
class ClaimScan {
 public:
  explicit ClaimScan(std::vector<ClaimCopy> claims);
  /// Some entry pins a version of [from, to].
  bool pins(std::uint32_t array, std::uint64_t array_gen, std::uint64_t from, std::uint64_t to) const noexcept;
  /// Some entry names the array's index.
  bool names(std::uint32_t array) const noexcept;

 private:
  std::vector<ClaimCopy> claims_;
};

class Reclaimer {
 public:
  Reclaimer(CatalogHeap& heap, PoolAllocator& pool) : heap_(heap), pool_(pool) {}

  void add(const Waiting& waiting);
  /// A name block or a list of torn rows that was current up to root `to`: any claim of the array may still read it.
  void add_meta(std::uint32_t array, std::uint64_t array_gen, std::uint64_t to, std::uint64_t block) {
    add({array, array_gen, array_gen, to, 0, block, kUnknownUid, false});
  }
  /// The waiting block that was current as `version`; 0 where none waits.
  std::uint64_t block_of(std::uint32_t array, std::uint64_t array_gen, std::uint64_t version) const noexcept;
  /// Whether something that waits will take back the index of `array`.
  bool frees_record(std::uint32_t array) const noexcept;
  bool empty() const noexcept { return waiting_.empty(); }
  std::uint64_t count() const noexcept { return waiting_.size(); }
  /// Whether memory of the pool may come back once claims end.
  bool holds_memory() const noexcept { return blocks_ != 0; }
  /// Bytes that nothing but versions which wait here holds: they come back once the claims on those end.
  std::uint64_t pending_bytes() const;
  /// A removed snapshot whose memory nobody sees any more: what it was taken of.
  struct GoneSnapshot {
    std::uint64_t source_gen, source_version;
  };
  /// Those that run() freed since the last call.
  std::vector<GoneSnapshot> take_gone_snapshots() { return std::exchange(gone_snapshots_, {}); }
  /// Frees what no entry of `scan` keeps; `free_record` takes back an index. Returns the bytes freed.
  std::uint64_t run(const ClaimScan& scan, const std::function<void(std::uint32_t)>& free_record);

 private:
  std::uint64_t free_memory(Waiting& waiting);

  CatalogHeap& heap_;
  PoolAllocator& pool_;
  std::vector<Waiting> waiting_;
  std::vector<GoneSnapshot> gone_snapshots_;
  std::uint64_t blocks_ = 0;  ///< of those that wait and have a version's block
};

}  // namespace ndshare::internal
