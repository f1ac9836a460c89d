/// The hash table from names to records that clients search without the daemon (format.h, IndexEntry;
/// lib/shm/catalog_view.h).
///
/// Linear probing in the catalog's heap, at most half full, tombstones counted. Every change is a store of one bucket
/// within the caller's transaction. A full table is replaced: a new one is built in the heap and made current by one
/// store of index_root; the old one is freed after it (readers that were in it see another index_root and look again).
///   Threads: the engine's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/catalog_heap.h"
#include "daemon/catalog_writer.h"

namespace ndshare::internal {

class NameIndex {
 public:
  NameIndex(CatalogWriter& writer, CatalogHeap& heap) : writer_(writer), heap_(heap) {}

  /// Makes the first table of a new store.
  void format();
  /// Takes the place of the table in the heap and counts its buckets. Errors: Damaged.
  void adopt();

  /// The record whose current name this is (building arrays included).
  std::optional<std::uint32_t> find(std::string_view name) const;

  /// Makes room for `more` names; may replace the table in a transaction of its own. Call before the transaction that
  /// inserts.
  void reserve(std::uint64_t more);
  void insert(Transaction& change, std::string_view name, std::uint32_t record);
  /// REQUIRES: the record is in the index under this name.
  void remove(Transaction& change, std::string_view name, std::uint32_t record);
  /// `record` takes over the bucket of `old`: no reader finds the name missing in between.
  void replace(Transaction& change, std::string_view name, std::uint32_t old, std::uint32_t record);
  /// The transaction was committed: its changes count from now on.
  void committed() noexcept;
  /// The transaction was dropped.
  void dropped() noexcept { pending_used_ = pending_live_ = 0; }

  std::uint64_t buckets() const noexcept { return mask_ + 1; }
  std::uint64_t live() const noexcept { return live_; }

 private:
  IndexEntry* table() const noexcept;
  void rebuild(std::uint64_t buckets);
  std::uint64_t bucket_of(const Transaction& change, std::uint64_t hash, std::uint32_t record) const;

  CatalogWriter& writer_;
  CatalogHeap& heap_;
  std::uint64_t offset_ = 0, mask_ = 0;
  std::uint64_t used_ = 0, live_ = 0;                 ///< buckets that are not empty, and those that name a record
  std::int64_t pending_used_ = 0, pending_live_ = 0;  ///< of the transaction under way
};

}  // namespace ndshare::internal
