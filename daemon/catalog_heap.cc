#include "daemon/catalog_heap.h"

#include <cstring>
#include <string>
#include <vector>

#include <ndshare/error.h>

#include "lib/base/crc32c.h"
#include "lib/base/text.h"
#include "lib/shm/shared_bytes.h"

namespace ndshare::internal {
namespace {

constexpr std::size_t kCrcFrom = 8;  ///< magic and crc come first in both kinds of block
static_assert(offsetof(VersionBlock, bytes) == kCrcFrom && offsetof(MetaBlock, bytes) == kCrcFrom);

template <class Block>
const std::byte* tail(const Block& block) noexcept {
  return reinterpret_cast<const std::byte*>(&block) + sizeof(Block);  // NOLINT: the block's own bytes
}

std::uint64_t version_bytes(std::uint64_t ndim, std::uint64_t extents, std::uint64_t dtype) noexcept {
  return sizeof(VersionBlock) + ndim * 8 + extents * sizeof(Extent) + dtype;
}

/// Collects a block in private memory and copies it to the heap, checksum and magic included.
class Builder {
 public:
  void append(const void* from, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), first, first + bytes);
  }
  void finish(std::byte* to, std::uint32_t magic) {
    const std::uint32_t head[] = {magic, crc32c(bytes_.data() + kCrcFrom, bytes_.size() - kCrcFrom)};
    std::memcpy(bytes_.data(), head, sizeof(head));
    store_shared(to, bytes_.data(), bytes_.size());
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace

std::span<const std::int64_t> shape_of(const VersionBlock& block) noexcept {
  return {reinterpret_cast<const std::int64_t*>(tail(block)), block.ndim};  // NOLINT: written so by write_version
}

std::span<const Extent> extents_of(const VersionBlock& block) noexcept {
  return {reinterpret_cast<const Extent*>(tail(block) + block.ndim * 8ULL), block.extent_count};  // NOLINT: as above
}

std::string_view dtype_of(const VersionBlock& block) noexcept {
  const auto* text = tail(block) + block.ndim * 8ULL + block.extent_count * sizeof(Extent);
  return {reinterpret_cast<const char*>(text), block.dtype_bytes};  // NOLINT: as above
}

std::string_view name_of(const MetaBlock& block) noexcept {
  return {reinterpret_cast<const char*>(tail(block)), block.name_bytes};  // NOLINT: written so by write_meta
}

std::string_view attrs_of(const MetaBlock& block) noexcept {
  return {reinterpret_cast<const char*>(tail(block)) + block.name_bytes, block.attrs_bytes};  // NOLINT: as above
}

CatalogHeap::CatalogHeap(CatalogWriter& writer) : writer_(writer), ranges_(writer.header().heap_bytes, kHeapUnit) {
  ranges_.mark_used(0, kHeapUnit);  // offset 0 never is a block
}

std::uint64_t CatalogHeap::allocate(std::uint64_t bytes) {
  const auto offset = ranges_.allocate(bytes);
  if (!offset) {
    throw Error(ErrorCode::Capacity,
                "the catalog has no room for " + format_bytes(bytes) + " more of names and tables (" +
                    format_bytes(ranges_.used()) + " of " + format_bytes(ranges_.limit()) +
                    " used): remove arrays, or make the store with a larger --max-arrays",
                {{"asked_bytes", std::to_string(bytes)}, {"catalog_heap_bytes", std::to_string(ranges_.limit())}});
  }
  try {
    writer_.reserve_heap(*offset, bytes);
  } catch (...) {
    ranges_.free(*offset, bytes);
    throw;
  }
  return *offset;
}

std::uint64_t CatalogHeap::write_version(const NewVersion& values) {
  const auto bytes = version_bytes(values.shape.size(), values.extents.size(), values.dtype.size());
  const auto offset = allocate(bytes);
  const VersionBlock head{0,
                          0,
                          static_cast<std::uint32_t>(bytes),
                          values.array,
                          values.array_gen,
                          values.version,
                          values.nbytes,
                          values.grain,
                          values.row_bytes,
                          static_cast<std::uint32_t>(values.extents.size()),
                          static_cast<std::uint32_t>(values.shape.size()),
                          static_cast<std::uint32_t>(values.dtype.size()),
                          values.order,
                          values.source_gen,
                          values.source_version};
  Builder block;
  block.append(&head, sizeof(head));
  block.append(values.shape.data(), values.shape.size_bytes());
  block.append(values.extents.data(), values.extents.size_bytes());
  block.append(values.dtype.data(), values.dtype.size());
  block.finish(writer_.heap_at<std::byte>(offset), kVersionMagic);
  return offset;
}

std::uint64_t CatalogHeap::write_meta(const NewMeta& values) {
  const auto bytes = sizeof(MetaBlock) + values.name.size() + values.attrs.size();
  const auto offset = allocate(bytes);
  const MetaBlock head{0,
                       0,
                       static_cast<std::uint32_t>(bytes),
                       values.array,
                       values.created_unix_ns,
                       values.owner_slot,
                       values.owner_gen,
                       values.uid,
                       values.pid,
                       static_cast<std::uint32_t>(values.name.size()),
                       static_cast<std::uint32_t>(values.attrs.size())};
  Builder block;
  block.append(&head, sizeof(head));
  block.append(values.name.data(), values.name.size());
  block.append(values.attrs.data(), values.attrs.size());
  block.finish(writer_.heap_at<std::byte>(offset), kMetaMagic);
  return offset;
}

std::uint64_t CatalogHeap::write_torn(std::uint32_t array, std::span<const TornRange> ranges) {
  if (ranges.empty()) return 0;
  const auto offset = allocate(sizeof(TornBlock));
  TornBlock whole{0, 0, sizeof(TornBlock), array, ranges.size(), {}};
  std::copy(ranges.begin(), ranges.end(), whole.ranges);
  Builder block;
  block.append(&whole, sizeof(whole));
  block.finish(writer_.heap_at<std::byte>(offset), kTornMagic);
  return offset;
}

std::span<const TornRange> CatalogHeap::torn(std::uint64_t offset) const noexcept {
  if (offset == 0) return {};
  const auto& block = *writer_.heap_at<TornBlock>(offset);
  return {block.ranges, block.count};
}

void CatalogHeap::free_block(std::uint64_t offset) {
  if (offset == 0) return;
  const std::uint64_t bytes = version(offset).bytes;  // at the same place in both kinds
  writer_.heap_at<a64>(offset)->store(0, std::memory_order_release);
  ranges_.free(offset, bytes);
}

bool CatalogHeap::intact_version(std::uint64_t offset) const noexcept {
  const auto room = writer_.header().heap_bytes;
  if (offset % kHeapUnit != 0 || offset == 0 || offset > room - sizeof(VersionBlock)) return false;
  const auto& block = version(offset);
  return block.magic == kVersionMagic && block.bytes <= room - offset && block.ndim <= kMaxAxes &&
         block.extent_count <= kMaxExtents && block.dtype_bytes <= kMaxDtypeBytes && block.order <= 1 &&
         block.bytes == version_bytes(block.ndim, block.extent_count, block.dtype_bytes) &&
         block.crc == crc32c(&block.bytes, block.bytes - kCrcFrom);
}

bool CatalogHeap::intact_meta(std::uint64_t offset) const noexcept {
  const auto room = writer_.header().heap_bytes;
  if (offset % kHeapUnit != 0 || offset == 0 || offset > room - sizeof(MetaBlock)) return false;
  const auto& block = meta(offset);
  return block.magic == kMetaMagic && block.bytes <= room - offset && block.attrs_bytes <= kMaxAttrsBytes &&
         block.name_bytes <= 255 && block.bytes == sizeof(MetaBlock) + block.name_bytes + block.attrs_bytes &&
         block.crc == crc32c(&block.bytes, block.bytes - kCrcFrom);
}

bool CatalogHeap::intact_torn(std::uint64_t offset) const noexcept {
  const auto room = writer_.header().heap_bytes;
  if (offset % kHeapUnit != 0 || offset == 0 || offset > room - sizeof(TornBlock)) return false;
  const auto& block = *writer_.heap_at<TornBlock>(offset);
  return block.magic == kTornMagic && block.bytes == sizeof(TornBlock) && block.count <= kMaxTornRanges &&
         block.crc == crc32c(&block.bytes, block.bytes - kCrcFrom);
}

void CatalogHeap::damaged(std::uint64_t offset, const char* what) const {
  throw Error(ErrorCode::Damaged, "the catalog's heap: " + std::string(what) + " at offset " + std::to_string(offset) +
                                      "; remove the store with `ndshare stop --force`");
}

void CatalogHeap::adopt_raw(std::uint64_t offset, std::uint64_t bytes) {
  if (!ranges_.mark_used(offset, bytes)) damaged(offset, "a block overlaps another or lies outside");
}

void CatalogHeap::adopt_version(std::uint64_t offset, std::uint32_t array) {
  if (!intact_version(offset) || version(offset).array != array) damaged(offset, "a version block fails its check");
  adopt_raw(offset, version(offset).bytes);
}

void CatalogHeap::adopt_meta(std::uint64_t offset, std::uint32_t array) {
  if (!intact_meta(offset) || meta(offset).array != array) damaged(offset, "a name block fails its check");
  adopt_raw(offset, meta(offset).bytes);
}

void CatalogHeap::adopt_torn(std::uint64_t offset, std::uint32_t array) {
  if (offset == 0) return;
  if (!intact_torn(offset) || writer_.heap_at<TornBlock>(offset)->array != array) damaged(offset, "a list of torn rows fails its check");
  adopt_raw(offset, sizeof(TornBlock));
}

void CatalogHeap::scan_orphans(std::uint64_t begin, std::uint64_t end,
                               const std::function<bool(std::uint64_t, bool)>& keep) {
  for (std::uint64_t offset = std::max(begin, kHeapUnit); offset + kHeapUnit <= end; offset += kHeapUnit) {
    const auto* head = writer_.heap_at<std::uint32_t>(offset);
    if (head[0] != kVersionMagic && head[0] != kMetaMagic && head[0] != kTornMagic) continue;
    const bool is_version = head[0] == kVersionMagic;
    // Torn lists that no record names are nobody's: their readers look at root again.
    const bool intact = is_version ? intact_version(offset) : head[0] == kMetaMagic && intact_meta(offset);
    const std::uint64_t bytes = intact ? head[2] : kHeapUnit;
    if (!ranges_.mark_used(offset, bytes)) continue;  // within a block in use: its tail may look like anything
    if (intact && keep(offset, is_version)) continue;
    writer_.heap_at<a64>(offset)->store(0, std::memory_order_release);
    ranges_.free(offset, bytes);
  }
}

}  // namespace ndshare::internal
