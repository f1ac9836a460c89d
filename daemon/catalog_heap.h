/// Blocks of the catalog's heap: what a version and its name are, written before the root that makes them visible.
///
/// A block is complete and checksummed before any record names it, never changes afterwards, and loses its magic when
/// it is freed: so whatever still carries one at a restart was either named by a record, is held by a claim, or was
/// never committed.
///   Threads: the engine's.   Errors: Capacity where the heap is full, SystemMemory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/catalog_writer.h"
#include "daemon/range_allocator.h"

namespace ndshare::internal {

/// What a new version block says.
struct NewVersion {
  std::uint32_t array = 0;
  std::uint64_t array_gen = 0, version = 0, nbytes = 0, grain = 0, row_bytes = 0;
  std::uint32_t order = 0;
  std::span<const std::int64_t> shape;
  std::span<const Extent> extents;
  std::string_view dtype;
  std::uint64_t source_gen = 0, source_version = 0;  ///< of a snapshot
};

/// What a new meta block says.
struct NewMeta {
  std::uint32_t array = 0, owner_slot = 0, owner_gen = 0, uid = 0, pid = 0;
  std::uint64_t created_unix_ns = 0;
  std::string_view name, attrs;
};

class CatalogHeap {
 public:
  explicit CatalogHeap(CatalogWriter& writer);

  std::uint64_t write_version(const NewVersion& values);
  std::uint64_t write_meta(const NewMeta& values);
  /// 0 for no ranges.   REQUIRES: at most kMaxTornRanges.
  std::uint64_t write_torn(std::uint32_t array, std::span<const TornRange> ranges);
  /// Bytes that are reserved but hold anything. Errors: Capacity, SystemMemory.
  std::uint64_t allocate(std::uint64_t bytes);
  void free_raw(std::uint64_t offset, std::uint64_t bytes) { ranges_.free(offset, bytes); }
  /// Frees a version or meta block; its magic is gone first. Does nothing for 0.
  void free_block(std::uint64_t offset);

  const VersionBlock& version(std::uint64_t offset) const noexcept { return *writer_.heap_at<VersionBlock>(offset); }
  const MetaBlock& meta(std::uint64_t offset) const noexcept { return *writer_.heap_at<MetaBlock>(offset); }
  std::span<const TornRange> torn(std::uint64_t offset) const noexcept;  ///< nothing for 0

  // ---- rebuild
  /// Takes the place of what a record names. Errors: Damaged (out of range, magic, checksum, sizes, overlap).
  void adopt_version(std::uint64_t offset, std::uint32_t array);
  void adopt_meta(std::uint64_t offset, std::uint32_t array);
  void adopt_torn(std::uint64_t offset, std::uint32_t array);
  void adopt_raw(std::uint64_t offset, std::uint64_t bytes);
  /// Calls `keep` for every intact version and name block in memory that is not in use; takes its magic away unless kept.
  /// [begin, end): a resident part of the heap.
  void scan_orphans(std::uint64_t begin, std::uint64_t end, const std::function<bool(std::uint64_t offset, bool is_version)>& keep);
  bool intact_version(std::uint64_t offset) const noexcept;
  bool intact_meta(std::uint64_t offset) const noexcept;
  bool intact_torn(std::uint64_t offset) const noexcept;

 private:
  [[noreturn]] void damaged(std::uint64_t offset, const char* what) const;
  CatalogWriter& writer_;
  RangeAllocator ranges_;
};

/// The tail of a version block. REQUIRES: an intact block.
std::span<const std::int64_t> shape_of(const VersionBlock& block) noexcept;
std::span<const Extent> extents_of(const VersionBlock& block) noexcept;
std::string_view dtype_of(const VersionBlock& block) noexcept;
std::string_view name_of(const MetaBlock& block) noexcept;
std::string_view attrs_of(const MetaBlock& block) noexcept;

}  // namespace ndshare::internal
