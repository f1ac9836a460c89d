/// Reading the catalog without the daemon: find a name, copy a record, walk them all. Used by clients and by the daemon
/// itself.
///
/// Every read is validated by the record's root word: copy what root points to, copy the blocks, check their CRC, and
/// take it only if root is still the same (a root value is never used twice). A daemon that dies at any point leaves
/// root valid, so a reader never waits for it. All offsets and lengths are range-checked: a damaged catalog gives
/// Damaged, never a fault. Heap offsets (index_root, block, meta) count from heap_offset and are multiples of
/// kHeapUnit. The daemon's stores to a ref's words and to blocks come before its store of root, with release: a
/// reader's loads of them are acquire (shared_bytes.h).
///   Threads: safe.   Memory: no allocation in find() and read_ref(); no system call anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/shm/format.h"

namespace ndshare::internal {

/// The hash of the name index: upper 32 bits tag the bucket, the lower ones choose it.
std::uint64_t name_hash(std::string_view name) noexcept;

/// A consistent copy of a record's current reference.
struct RefCopy {
  std::uint32_t array = 0;
  std::uint64_t root = 0, version = 0, array_gen = 0, block = 0, meta = 0, flags = 0, floor = 0, torn = 0;
};

/// A consistent copy of everything the catalog says of one array.
struct ArrayCopy {
  RefCopy ref;
  std::string name, dtype, attrs;
  std::vector<std::int64_t> shape;
  std::vector<Extent> extents;
  std::uint64_t nbytes = 0, grain = 0, row_bytes = 0, created_unix_ns = 0;
  std::uint64_t block_version = 0;                   ///< of the table: the version that was committed last
  std::uint64_t source_gen = 0, source_version = 0;  ///< of a snapshot: what it names
  std::uint32_t order = 0, owner_slot = 0, owner_gen = 0, uid = 0, pid = 0;
  std::vector<TornRange> torn;
};

class CatalogView {
 public:
  CatalogView() = default;
  /// `base`: the mapped catalog, `bytes` long. Errors: Damaged, LayoutVersion (both sides and the way out).
  CatalogView(const std::byte* base, std::uint64_t bytes);

  const CatalogHeader& header() const noexcept { return *header_; }
  /// REQUIRES (both): index is below the header's maximum.
  const Slot& slot(std::uint32_t index) const noexcept;
  const ArrayRecord& record(std::uint32_t index) const noexcept;
  /// The daemon's own record: see telemetry.h.
  const Telemetry& telemetry() const noexcept { return *telemetry_; }

  /// The array of this name, whatever its flags; nothing where there is none.   Cost: one hash, a few cache lines.
  std::optional<RefCopy> find(std::string_view name) const;
  /// Everything about the array of this name in one look, into memory that is used again; false where there is none.
  bool find_into(std::string_view name, ArrayCopy& copy, std::vector<std::byte>& scratch) const;
  /// The current reference of record `index`; nothing where the record is free.
  std::optional<RefCopy> read_ref(std::uint32_t index) const noexcept;
  /// The same without the optional, for the claims; false where the record is free.
  bool read_ref_into(std::uint32_t index, RefCopy& out) const noexcept;
  /// Everything about the array; nothing where the record is free. Retries while it changes (lock-free against one
  /// writer).
  std::optional<ArrayCopy> read(std::uint32_t index) const;
  /// The same into memory that is used again and again (no allocation once it is warm); false where the record is free.
  bool read_into(std::uint32_t index, ArrayCopy& copy, std::vector<std::byte>& scratch) const;
  /// As read(), but of the version that `ref` names, for a holder of a claim on it. Errors: Damaged.
  ArrayCopy read_version(const RefCopy& ref) const;
  /// The version block that `ref` names, read in place: it does not change while an entry pins the version. False (nothing)
  /// where its head is not that of such a block. REQUIRES: an entry of the caller pins ref's version.
  bool pinned_head(const RefCopy& ref, VersionBlock& head) const noexcept;
  std::span<const Extent> pinned_extents(const RefCopy& ref) const noexcept;
  std::span<const std::int64_t> pinned_shape(const RefCopy& ref) const noexcept;
  /// The lowest birth among the extents that overlap bytes [from, to) of the data. Also for a version that is not certainly
  /// pinned: the answer then counts only if `ref` is current afterwards.
  std::uint64_t oldest_birth(const RefCopy& ref, std::uint64_t from, std::uint64_t to) const noexcept;
  /// The torn ranges that `ref` names; nothing where `ref` is not current any more (look again).   Errors: Damaged.
  std::optional<std::vector<TornRange>> torn_ranges(const RefCopy& ref) const;
  /// The name in `ref`'s meta block equals `name` and root is unchanged.
  bool has_name(const RefCopy& ref, std::string_view name) const noexcept;
  /// Calls `each` for every array of which it can get a consistent copy.
  void for_each(const std::function<void(const ArrayCopy&)>& each) const;
  /// Whether the current root of ref.array is still ref.root (seq_cst: pairs with the daemon's root store, see
  /// claims.h); never where root is 0.
  bool is_current(const RefCopy& ref) const noexcept {
    // A free record's root is 0: no reference to it is current, not even one that was never filled.
    return ref.root != 0 && ref.array < max_arrays_ && records_[ref.array].root.load(std::memory_order_seq_cst) == ref.root;
  }

 private:
  /// Where index_root points, checked; no buckets where it is damaged.
  struct Index {
    const IndexEntry* buckets = nullptr;
    std::uint64_t count = 0;
  };
  Index index_at(std::uint64_t index_root) const noexcept;
  /// Walks the buckets whose tag is the name's. `look(record)` says whether that record is it, is not, or just changed.
  enum class Look : std::uint8_t { match, other, changed };
  template <class F>
  bool probe(std::string_view name, F&& look) const;
  /// The record's reference while root is `root`; nothing where it changes meanwhile.
  bool copy_ref(std::uint32_t index, std::uint64_t root, RefCopy& out) const noexcept;
  /// Copies a heap block of magic and CRC and at most `limit` bytes; false where it is not one.
  bool copy_block(std::uint64_t offset, std::uint32_t magic, std::uint64_t limit, std::vector<std::byte>& out) const;
  bool copy_version(const RefCopy& ref, ArrayCopy& out, std::vector<std::byte>& scratch) const;
  bool copy_meta(const RefCopy& ref, ArrayCopy& out, std::vector<std::byte>& scratch) const;
  bool copy_torn(const RefCopy& ref, std::vector<TornRange>& out, std::vector<std::byte>& scratch) const;

  // The geometry is checked once and kept here, so that it cannot change under a reader.
  const CatalogHeader* header_ = nullptr;
  const Slot* slots_ = nullptr;
  const ArrayRecord* records_ = nullptr;
  const Telemetry* telemetry_ = nullptr;
  const std::byte* heap_ = nullptr;
  std::uint64_t heap_bytes_ = 0;
  std::uint32_t max_arrays_ = 0;
};

}  // namespace ndshare::internal
