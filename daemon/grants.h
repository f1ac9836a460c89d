/// Extents handed to a slot that no version names yet: a table in the catalog, changed within the caller's transaction.
///
/// A grant is a root of the rebuild, so extents in a client's hands survive a restart; a sweep frees what its slot
/// still holds.
///   Threads: the engine's.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/catalog_writer.h"
#include "daemon/engine.h"
#include "daemon/range_allocator.h"

namespace ndshare::internal {

class Grants {
 public:
  explicit Grants(CatalogWriter& writer) : writer_(writer) {}

  /// Lists extents under `slot`. Errors: Capacity (the table is full: says the limit), SystemMemory.
  void add(Transaction& change, SlotRef slot, std::uint64_t sequence, const std::vector<ByteRange>& extents);
  /// What was granted to the request of this sequence, in the order it was given.
  std::vector<ByteRange> of_request(SlotRef slot, std::uint64_t sequence) const;
  /// Takes extents off the list: a publish names them now, or they were returned. Errors: Permission (not this slot's
  /// grant).
  void take(Transaction& change, SlotRef slot, const std::vector<ByteRange>& extents);
  /// Takes all of the slot's extents off the list and returns them.
  std::vector<ByteRange> take_all(Transaction& change, SlotRef slot);
  /// Every grant with its owner (rebuild).
  struct Owned {
    SlotRef slot;
    ByteRange extent;
  };
  std::vector<Owned> all() const;

  /// Whether anything is listed under `slot`.
  bool holds(SlotRef slot) const noexcept;

  /// A new store's table is empty; after a restart its high-water mark is looked for, in the resident parts of the
  /// catalog's file alone: reading a hole would take memory that the machine may not have.
  void format() noexcept { high_ = 0; }
  void adopt(int catalog_fd);

 private:
  static std::uint64_t owner(SlotRef slot) noexcept {
    return (std::uint64_t{slot.index} + 1) << 32 | (slot.gen & 0xFFFF'FFFF);
  }
  CatalogWriter& writer_;
  std::uint32_t high_ = 0;  ///< entries ever used: scans stop here
};

}  // namespace ndshare::internal
