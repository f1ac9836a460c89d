/// A catalog made by hand, written from the format's description and not with the daemon's code.
///
/// Blocks are written into a ring of places that are used again soon, so that readers meet blocks that change under
/// them.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include "lib/base/crc32c.h"
#include "lib/shm/catalog_view.h"
#include "lib/shm/format.h"
#include "lib/shm/shared_bytes.h"

namespace ndshare::test {

struct FakeArray {
  std::string name, dtype = "<f8", attrs;
  std::vector<std::int64_t> shape;
  std::vector<internal::Extent> extents;
  std::uint64_t nbytes = 0, grain = 65536, row_bytes = 0;
  std::uint64_t floor = 0;     ///< of the reference
  std::uint32_t order = 0;
  std::uint32_t ndim_lie = 0;  ///< written instead of the real number of axes where it is not 0
};

class FakeCatalog {
 public:
  static constexpr std::uint32_t kArrays = 64, kBuckets = 128;
  static constexpr std::uint64_t kIndexAt = 64, kBlocksAt = 64 + 8 * kBuckets, kBlockRoom = 2048, kBlocks = 160;

  FakeCatalog() {
    internal::CatalogHeader fixed{};
    fixed.slots_offset = internal::kPage;
    fixed.telemetry_offset = fixed.slots_offset + 4 * sizeof(internal::Slot);
    fixed.redo_offset = fixed.telemetry_offset + sizeof(internal::Telemetry);
    fixed.grants_offset = fixed.redo_offset + sizeof(internal::Redo);
    fixed.records_offset = fixed.grants_offset + internal::kMaxGrants * sizeof(internal::Grant);
    fixed.heap_offset = fixed.records_offset + kArrays * sizeof(internal::ArrayRecord);
    fixed.heap_bytes = kBlocksAt + kBlocks * kBlockRoom;
    bytes_ = fixed.heap_offset + fixed.heap_bytes;
    void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base_ = static_cast<std::byte*>(memory);
    auto& head = header();
    head.magic = internal::kCatalogMagic, head.layout_hash = internal::kLayoutHash;
    head.format_version = internal::kFormatVersion;
    head.max_clients = 4, head.max_arrays = kArrays;
    head.catalog_bytes = bytes_;
    head.slots_offset = fixed.slots_offset, head.telemetry_offset = fixed.telemetry_offset, head.redo_offset = fixed.redo_offset,
    head.grants_offset = fixed.grants_offset;
    head.records_offset = fixed.records_offset, head.heap_offset = fixed.heap_offset,
    head.heap_bytes = fixed.heap_bytes;
    head.index_root.store(internal::make_index_root(kIndexAt, 7));
  }
  ~FakeCatalog() { ::munmap(base_, bytes_); }
  FakeCatalog(const FakeCatalog&) = delete;
  FakeCatalog& operator=(const FakeCatalog&) = delete;

  internal::CatalogHeader& header() { return *reinterpret_cast<internal::CatalogHeader*>(base_); }
  internal::CatalogView view() { return {base_, bytes_}; }
  std::byte* heap(std::uint64_t offset) { return base_ + header().heap_offset + offset; }
  internal::ArrayRecord& record(std::uint32_t i) {
    return reinterpret_cast<internal::ArrayRecord*>(base_ + header().records_offset)[i];
  }

  internal::Slot& slot(std::uint32_t i) { return reinterpret_cast<internal::Slot*>(base_ + header().slots_offset)[i]; }

  /// A new array in a free record, or a new version of the one that is there.
  void put(std::uint32_t i, const FakeArray& array) {
    auto& words = record(i);
    const std::uint64_t root = words.root.load(), which = root == 0 ? 0 : 1 - (root & 1), version = ++versions_;
    const std::uint64_t gen = root == 0 ? version : words.ref[root & 1].array_gen.load();
    auto& ref = words.ref[which];
    ref.version.store(version, std::memory_order_release);
    ref.array_gen.store(gen, std::memory_order_release);
    ref.block.store(write_version(i, gen, version, array), std::memory_order_release);
    ref.meta.store(write_meta(i, array), std::memory_order_release);
    ref.flags.store(0, std::memory_order_release);
    ref.floor.store(array.floor, std::memory_order_release);
    ref.torn.store(0, std::memory_order_release);
    words.root.store(internal::make_root(version, which));
    if (root == 0) index(array.name, i, false);
    if (i >= header().records_high.load()) header().records_high.store(i + 1);
  }

  void remove(std::uint32_t i, std::string_view name) {
    index(name, i, true);
    record(i).root.store(0);
  }

  /// The next put() writes its blocks at these two places of the ring (n and the one after it).
  void use_blocks(std::uint64_t n) { next_block_ = n; }

  void set_gen(std::uint32_t i, std::uint64_t gen) { record(i).ref[record(i).root.load() & 1].array_gen.store(gen); }

  /// Overwrites one of the words that readers look at.
  void scribble(std::uint64_t position, std::uint64_t value) {
    const std::uint64_t record_words = 9 * sizeof(internal::ArrayRecord) / 8,
                        heap_words = (kBlocksAt + 16 * kBlockRoom) / 8;
    const std::uint64_t tail_at = offsetof(internal::CatalogHeader, pool_bytes) / 8;
    const std::uint64_t tail_words = sizeof(internal::CatalogHeader) / 8 - tail_at;
    std::uint64_t at = position % (record_words * 4 + heap_words + tail_words);
    auto* start = reinterpret_cast<internal::a64*>(base_);
    if (at < record_words * 4) {
      start[header().records_offset / 8 + at % record_words].store(value);
    } else if ((at -= record_words * 4) < heap_words) {
      start[header().heap_offset / 8 + at].store(value);
    } else {
      start[tail_at + at - heap_words].store(value);
    }
  }

 private:
  void index(std::string_view name, std::uint32_t i, bool remove) {
    auto* buckets = reinterpret_cast<internal::IndexEntry*>(heap(kIndexAt));
    const std::uint64_t hash = internal::name_hash(name), entry = internal::make_index_entry(hash, i);
    for (std::uint64_t probe = hash;; ++probe) {
      auto& bucket = buckets[probe % kBuckets];
      if (remove ? bucket.load() == entry : bucket.load() == 0)
        return bucket.store(remove ? internal::kIndexTombstone : entry);
    }
  }

  /// Puts magic, checksum and length before `rest` and `tail`, and stores the block in the next place of the ring.
  template <class Block>
  std::uint64_t write_block(Block block, const std::string& tail) {
    block.bytes = static_cast<std::uint32_t>(sizeof block + tail.size());
    std::string bytes(reinterpret_cast<const char*>(&block), sizeof block);
    bytes += tail;
    const std::uint32_t crc = internal::crc32c(bytes.data() + 8, bytes.size() - 8);
    std::memcpy(bytes.data() + 4, &crc, 4);
    const std::uint64_t offset = kBlocksAt + (next_block_++ % kBlocks) * kBlockRoom;
    internal::store_shared(heap(offset), bytes.data(), bytes.size());
    return offset;
  }

  std::uint64_t write_version(std::uint32_t i, std::uint64_t gen, std::uint64_t version, const FakeArray& array) {
    internal::VersionBlock block{};
    block.magic = internal::kVersionMagic;
    block.array = i, block.array_gen = gen, block.version = version;
    block.nbytes = array.nbytes, block.grain = array.grain, block.order = array.order;
    block.row_bytes = array.row_bytes;
    block.extent_count = static_cast<std::uint32_t>(array.extents.size());
    block.ndim = array.ndim_lie != 0 ? array.ndim_lie : static_cast<std::uint32_t>(array.shape.size());
    block.dtype_bytes = static_cast<std::uint32_t>(array.dtype.size());
    std::string tail(reinterpret_cast<const char*>(array.shape.data()), array.shape.size() * 8);
    tail.append(reinterpret_cast<const char*>(array.extents.data()), array.extents.size() * sizeof(internal::Extent));
    return write_block(block, tail + array.dtype);
  }

  std::uint64_t write_meta(std::uint32_t i, const FakeArray& array) {
    internal::MetaBlock block{};
    block.magic = internal::kMetaMagic;
    block.array = i;
    block.name_bytes = static_cast<std::uint32_t>(array.name.size());
    block.attrs_bytes = static_cast<std::uint32_t>(array.attrs.size());
    return write_block(block, array.name + array.attrs);
  }

  std::byte* base_ = nullptr;
  std::uint64_t bytes_ = 0, versions_ = 0, next_block_ = 0;
};

}  // namespace ndshare::test
