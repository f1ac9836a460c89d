#include "lib/shm/catalog_view.h"

#include <algorithm>
#include <cstring>

#include <ndshare/error.h>

#include "lib/base/checked.h"
#include "lib/base/crc32c.h"
#include "lib/shm/shared_bytes.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kMaxNameBytes = 255;
constexpr std::uint64_t kVersionLimit =
    sizeof(VersionBlock) + kMaxAxes * 8 + kMaxExtents * sizeof(Extent) + kMaxDtypeBytes + kHeapUnit;
constexpr std::uint64_t kMetaLimit = sizeof(MetaBlock) + kMaxNameBytes + kMaxAttrsBytes + kHeapUnit;
constexpr int kTries = 1000;  // looks at a record that keeps changing
constexpr int kStill = 8;     // of them, at one that does not change and fails its checks: then it is damaged

[[noreturn]] void throw_damaged(const std::string& what) {
  throw Error(ErrorCode::Damaged, "the store's catalog is damaged: " + what +
                                      ". Stop the store with 'ndshare stop --force' and start it again");
}

/// A part of the catalog: `count` elements of `size` bytes at `offset`, wholly inside.
bool holds(std::uint64_t bytes, std::uint64_t offset, std::uint64_t count, std::uint64_t size) {
  const auto length = checked_mul(count, size);
  return offset % kHeapUnit == 0 && offset >= sizeof(CatalogHeader) && offset <= bytes && length &&
         *length <= bytes - offset;
}

/// Whether the extents are in order of use and can hold `nbytes`.
bool extents_hold(const std::vector<Extent>& extents, std::uint64_t nbytes) {
  std::uint64_t total = 0;
  for (const auto& extent : extents) {
    if (extent.bytes == 0 || extent.offset > kMaxBytes || extent.bytes > kMaxBytes - extent.offset) return false;
    if (total > kMaxBytes - extent.bytes) return false;
    total += extent.bytes;
  }
  return nbytes <= total;
}

}  // namespace

std::uint64_t name_hash(std::string_view name) noexcept {
  std::uint64_t hash =
      0xcbf2'9ce4'8422'2325ULL;  // FNV-1a, then the 64-bit finaliser of MurmurHash3 to spread every bit
  for (const char byte : name) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x0000'0100'0000'01b3ULL;
  hash = (hash ^ hash >> 33) * 0xff51'afd7'ed55'8ccdULL;
  hash = (hash ^ hash >> 33) * 0xc4ce'b9fe'1a85'ec53ULL;
  return hash ^ hash >> 33;
}

CatalogView::CatalogView(const std::byte* base, std::uint64_t bytes) {
  if (base == nullptr || bytes < kPage) throw_damaged("it is only " + std::to_string(bytes) + " bytes long");
  const auto* header = reinterpret_cast<const CatalogHeader*>(base);
  if (header->magic != kCatalogMagic) throw_damaged("it does not start with a catalog's magic");
  if (header->format_version != kFormatVersion || header->layout_hash != kLayoutHash) {
    throw Error(ErrorCode::LayoutVersion,
                "the store was made by a build with another memory layout (format " +
                    std::to_string(header->format_version) + ", this one is " + std::to_string(kFormatVersion) +
                    "). Use the ndshare of that build, or 'ndshare stop --force' to remove the store",
                {{"theirs", std::to_string(header->layout_hash)}, {"ours", std::to_string(kLayoutHash)}});
  }
  const bool sane = header->catalog_bytes <= bytes && header->max_clients >= 1 &&
                    header->max_clients <= kMaxClientsLimit && header->max_arrays >= 1 &&
                    header->max_arrays < 0xFFFF'FFF0 &&
                    holds(header->catalog_bytes, header->slots_offset, header->max_clients, sizeof(Slot)) &&
                    holds(header->catalog_bytes, header->telemetry_offset, 1, sizeof(Telemetry)) &&
                    holds(header->catalog_bytes, header->redo_offset, 1, sizeof(Redo)) &&
                    holds(header->catalog_bytes, header->grants_offset, kMaxGrants, sizeof(Grant)) &&
                    holds(header->catalog_bytes, header->records_offset, header->max_arrays, sizeof(ArrayRecord)) &&
                    holds(header->catalog_bytes, header->heap_offset, header->heap_bytes, 1);
  if (!sane) throw_damaged("its header names parts outside of its " + std::to_string(bytes) + " bytes");
  header_ = header;
  slots_ = reinterpret_cast<const Slot*>(base + header->slots_offset);
  records_ = reinterpret_cast<const ArrayRecord*>(base + header->records_offset);
  telemetry_ = reinterpret_cast<const Telemetry*>(base + header->telemetry_offset);
  heap_ = base + header->heap_offset;
  heap_bytes_ = round_down(header->heap_bytes, kHeapUnit);
  max_arrays_ = header->max_arrays;
}

const Slot& CatalogView::slot(std::uint32_t index) const noexcept { return slots_[index]; }

const ArrayRecord& CatalogView::record(std::uint32_t index) const noexcept { return records_[index]; }

CatalogView::Index CatalogView::index_at(std::uint64_t index_root) const noexcept {
  const std::uint64_t offset = round_down(index_root, kHeapUnit);
  const std::uint64_t log2 = index_root % kHeapUnit;
  if (log2 > 32 || offset > heap_bytes_ || (heap_bytes_ - offset) / sizeof(IndexEntry) < (1ULL << log2)) return {};
  return {reinterpret_cast<const IndexEntry*>(heap_ + offset), 1ULL << log2};
}

template <class F>
bool CatalogView::probe(std::string_view name, F&& look) const {
  const std::uint64_t hash = name_hash(name);
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint64_t root = header_->index_root.load(std::memory_order_acquire);
    if (root == 0) return false;
    const Index index = index_at(root);
    if (index.count == 0) throw_damaged("its name index lies outside of the heap");
    bool again = false;
    for (std::uint64_t step = 0; step < index.count; ++step) {
      const std::uint64_t entry = index.buckets[(hash + step) & (index.count - 1)].load(std::memory_order_acquire);
      if (entry == 0) break;
      if (entry == kIndexTombstone || ((entry ^ hash) >> 32) != 0) continue;
      const Look seen = look(static_cast<std::uint32_t>(entry - 1));
      if (seen == Look::match) return true;
      again = again || seen == Look::changed;  // removed, or replaced by the array that this bucket names by now
    }
    if (!again && header_->index_root.load(std::memory_order_acquire) == root) return false;
  }
  return false;
}

std::optional<RefCopy> CatalogView::find(std::string_view name) const {
  std::optional<RefCopy> ref;
  const bool found = probe(name, [&](std::uint32_t array) {
    ref = read_ref(array);
    if (!ref) return Look::changed;
    if (has_name(*ref, name)) return Look::match;
    return is_current(*ref) ? Look::other : Look::changed;
  });
  return found ? ref : std::nullopt;
}

bool CatalogView::find_into(std::string_view name, ArrayCopy& copy, std::vector<std::byte>& scratch) const {
  return probe(name, [&](std::uint32_t array) {
    if (!read_into(array, copy, scratch)) return Look::changed;
    if (copy.name == name) return Look::match;
    return is_current(copy.ref) ? Look::other : Look::changed;
  });
}

bool CatalogView::copy_ref(std::uint32_t index, std::uint64_t root, RefCopy& copy) const noexcept {
  const VersionRef& ref = records_[index].ref[root & 1];
  copy.array = index;
  copy.root = root;
  copy.version = ref.version.load(std::memory_order_acquire);
  copy.array_gen = ref.array_gen.load(std::memory_order_acquire);
  copy.block = ref.block.load(std::memory_order_acquire);
  copy.meta = ref.meta.load(std::memory_order_acquire);
  copy.flags = ref.flags.load(std::memory_order_acquire);
  copy.floor = ref.floor.load(std::memory_order_acquire);
  copy.torn = ref.torn.load(std::memory_order_acquire);
  return is_current(copy) && copy.version == root >> 1;
}

bool CatalogView::read_ref_into(std::uint32_t index, RefCopy& out) const noexcept {
  if (index >= max_arrays_) return false;
  std::uint64_t before = 0;
  for (int tries = 0, still = 0; tries < kTries && still < kStill; ++tries) {
    const std::uint64_t root = records_[index].root.load(std::memory_order_seq_cst);
    if (root == 0) return false;
    if (copy_ref(index, root, out)) return true;
    still = root == before ? still + 1 : 0;
    before = root;
  }
  return false;
}

std::optional<RefCopy> CatalogView::read_ref(std::uint32_t index) const noexcept {
  RefCopy out;
  return read_ref_into(index, out) ? std::optional(out) : std::nullopt;
}

bool CatalogView::has_name(const RefCopy& ref, std::string_view name) const noexcept {
  constexpr std::uint64_t room = sizeof(MetaBlock) + round_up(kMaxNameBytes, 8);
  if (name.size() > kMaxNameBytes || ref.meta % kHeapUnit != 0 || ref.meta > heap_bytes_) return false;
  std::byte block[room];
  const std::uint64_t bytes = sizeof(MetaBlock) + name.size();
  if (bytes > heap_bytes_ - ref.meta) return false;
  load_shared(block, heap_ + ref.meta, bytes);
  MetaBlock meta;
  std::memcpy(&meta, block, sizeof meta);
  return meta.magic == kMetaMagic && meta.array == ref.array && meta.name_bytes == name.size() &&
         std::memcmp(block + sizeof meta, name.data(), name.size()) == 0 && is_current(ref);
}

bool CatalogView::copy_block(std::uint64_t offset, std::uint32_t magic, std::uint64_t limit,
                             std::vector<std::byte>& out) const {
  struct Start {
    std::uint32_t magic, crc, bytes, array;
  } start{};
  if (offset % kHeapUnit != 0 || offset > heap_bytes_ || heap_bytes_ - offset < kHeapUnit) return false;
  load_shared(&start, heap_ + offset, sizeof start);
  if (start.magic != magic || start.bytes < sizeof start || start.bytes > limit || start.bytes > heap_bytes_ - offset)
    return false;
  out.resize(start.bytes);
  load_shared(out.data(), heap_ + offset, start.bytes);
  std::memcpy(&start, out.data(), sizeof start);
  return start.magic == magic && start.bytes == out.size() && start.crc == crc32c(out.data() + 8, out.size() - 8);
}

bool CatalogView::copy_version(const RefCopy& ref, ArrayCopy& out, std::vector<std::byte>& scratch) const {
  if (!copy_block(ref.block, kVersionMagic, kVersionLimit, scratch) || scratch.size() < sizeof(VersionBlock))
    return false;
  VersionBlock block;
  std::memcpy(&block, scratch.data(), sizeof block);
  if (block.array != ref.array || block.array_gen != ref.array_gen) return false;
  if (block.version > ref.version) return false;  // a publish or a rename gives a new version number to the same block
  if (block.ndim > kMaxAxes || block.extent_count > kMaxExtents || block.dtype_bytes > kMaxDtypeBytes ||
      block.order > 1) {
    return false;
  }
  const std::uint64_t shape_bytes = block.ndim * 8ULL, extent_bytes = block.extent_count * sizeof(Extent);
  if (sizeof block + shape_bytes + extent_bytes + block.dtype_bytes > scratch.size()) return false;
  const std::byte* tail = scratch.data() + sizeof block;
  out.shape.resize(block.ndim);
  if (shape_bytes != 0) std::memcpy(out.shape.data(), tail, shape_bytes);
  out.extents.resize(block.extent_count);
  if (extent_bytes != 0) std::memcpy(out.extents.data(), tail + shape_bytes, extent_bytes);
  out.dtype.assign(reinterpret_cast<const char*>(tail + shape_bytes + extent_bytes), block.dtype_bytes);
  out.nbytes = block.nbytes, out.grain = block.grain, out.row_bytes = block.row_bytes, out.order = block.order;
  out.block_version = block.version, out.source_gen = block.source_gen, out.source_version = block.source_version;
  const bool negative = std::any_of(out.shape.begin(), out.shape.end(), [](std::int64_t n) { return n < 0; });
  return !negative && block.nbytes <= kMaxBytes && extents_hold(out.extents, block.nbytes);
}

bool CatalogView::copy_meta(const RefCopy& ref, ArrayCopy& out, std::vector<std::byte>& scratch) const {
  if (!copy_block(ref.meta, kMetaMagic, kMetaLimit, scratch) || scratch.size() < sizeof(MetaBlock)) return false;
  MetaBlock meta;
  std::memcpy(&meta, scratch.data(), sizeof meta);
  if (meta.array != ref.array || meta.name_bytes > kMaxNameBytes || meta.attrs_bytes > kMaxAttrsBytes) return false;
  if (sizeof meta + meta.name_bytes + meta.attrs_bytes > scratch.size()) return false;
  const auto* tail = reinterpret_cast<const char*>(scratch.data() + sizeof meta);
  out.name.assign(tail, meta.name_bytes);
  out.attrs.assign(tail + meta.name_bytes, meta.attrs_bytes);
  out.created_unix_ns = meta.created_unix_ns;
  out.owner_slot = meta.owner_slot, out.owner_gen = meta.owner_gen, out.uid = meta.uid, out.pid = meta.pid;
  return true;
}

std::optional<ArrayCopy> CatalogView::read(std::uint32_t index) const {
  ArrayCopy copy;
  std::vector<std::byte> scratch;
  if (!read_into(index, copy, scratch)) return std::nullopt;
  return copy;
}

bool CatalogView::read_into(std::uint32_t index, ArrayCopy& copy, std::vector<std::byte>& scratch) const {
  for (int tries = 0, still = 0; tries < kTries && still < kStill; ++tries) {
    if (index >= max_arrays_ || records_[index].root.load(std::memory_order_acquire) == 0) return false;
    const auto ref = read_ref(index);
    if (!ref) {
      ++still;
      continue;
    }
    copy.ref = *ref;
    const bool sound = copy_version(*ref, copy, scratch) && copy_meta(*ref, copy, scratch) && copy_torn(*ref, copy.torn, scratch);
    const bool current = is_current(*ref);
    if (sound && current) return true;
    still += current ? 1 : 0;
  }
  throw_damaged("record " + std::to_string(index) + " names blocks that fail their checks");
}

ArrayCopy CatalogView::read_version(const RefCopy& ref) const {
  ArrayCopy copy;
  std::vector<std::byte> scratch;
  copy.ref = ref;
  if (!copy_version(ref, copy, scratch)) {
    throw_damaged("the block of version " + std::to_string(ref.version) + " of record " + std::to_string(ref.array) +
                  " fails its checks");
  }
  // A rename replaces the meta block, and no claim holds the old one: then the current one tells the name of today.
  RefCopy named = ref;
  for (int tries = 0; tries < kTries && !copy_meta(named, copy, scratch); ++tries) {
    const auto current = read_ref(ref.array);
    if (!current || current->array_gen != ref.array_gen) break;
    named = *current;
  }
  return copy;
}

// ---- what an entry pins is read in place

bool CatalogView::pinned_head(const RefCopy& ref, VersionBlock& head) const noexcept {
  if (ref.block % kHeapUnit != 0 || ref.block > heap_bytes_ || heap_bytes_ - ref.block < sizeof(VersionBlock)) return false;
  load_shared(&head, heap_ + ref.block, sizeof head);
  const bool sound = head.magic == kVersionMagic && head.array == ref.array && head.array_gen == ref.array_gen &&
                     head.bytes <= heap_bytes_ - ref.block && head.ndim <= kMaxAxes && head.extent_count <= kMaxExtents;
  const std::uint64_t tail = head.ndim * 8ULL + head.extent_count * sizeof(Extent) + head.dtype_bytes;
  return sound && sizeof(VersionBlock) + tail <= head.bytes;
}

std::span<const std::int64_t> CatalogView::pinned_shape(const RefCopy& ref) const noexcept {
  VersionBlock head;
  if (!pinned_head(ref, head)) return {};
  return {reinterpret_cast<const std::int64_t*>(heap_ + ref.block + sizeof head), head.ndim};  // NOLINT: shared bytes
}

std::span<const Extent> CatalogView::pinned_extents(const RefCopy& ref) const noexcept {
  VersionBlock head;
  if (!pinned_head(ref, head)) return {};
  return {reinterpret_cast<const Extent*>(heap_ + ref.block + sizeof head + head.ndim * 8ULL), head.extent_count};  // NOLINT
}

std::uint64_t CatalogView::oldest_birth(const RefCopy& ref, std::uint64_t from, std::uint64_t to) const noexcept {
  VersionBlock head;
  if (!pinned_head(ref, head)) return 0;
  // Word by word: the block may be freed and written anew while we look, and the answer is then thrown away.
  const auto* words = reinterpret_cast<const a64*>(heap_ + ref.block + sizeof head + head.ndim * 8ULL);  // NOLINT
  static_assert(sizeof(Extent) == 3 * sizeof(a64) && offsetof(Extent, bytes) == 8 && offsetof(Extent, birth) == 16);
  std::uint64_t at = 0, oldest = UINT64_MAX;
  for (std::uint32_t i = 0; i < head.extent_count && at < to; ++i) {
    const std::uint64_t bytes = words[3 * i + 1].load(std::memory_order_acquire);
    if (at + bytes > from) oldest = std::min(oldest, words[3 * i + 2].load(std::memory_order_acquire));
    at += bytes;
  }
  return oldest;
}

bool CatalogView::copy_torn(const RefCopy& ref, std::vector<TornRange>& out, std::vector<std::byte>& scratch) const {
  out.clear();
  if (ref.torn == 0) return true;
  if (!copy_block(ref.torn, kTornMagic, sizeof(TornBlock), scratch) || scratch.size() != sizeof(TornBlock)) return false;
  TornBlock block;
  std::memcpy(&block, scratch.data(), sizeof block);
  if (block.array != ref.array || block.count > kMaxTornRanges) return false;
  out.assign(block.ranges, block.ranges + block.count);
  return true;
}

std::optional<std::vector<TornRange>> CatalogView::torn_ranges(const RefCopy& ref) const {
  std::vector<TornRange> out;
  std::vector<std::byte> scratch;
  for (int tries = 0; tries < kStill; ++tries) {
    const bool copied = copy_torn(ref, out, scratch);
    if (ref.torn != 0 && !is_current(ref)) return std::nullopt;
    if (copied) return out;
  }
  throw_damaged("the list of torn rows of record " + std::to_string(ref.array) + " fails its check");
}

void CatalogView::for_each(const std::function<void(const ArrayCopy&)>& each) const {
  const std::uint64_t high =
      std::min<std::uint64_t>(header_->records_high.load(std::memory_order_acquire), max_arrays_);
  ArrayCopy copy;
  std::vector<std::byte> scratch;
  for (std::uint64_t index = 0; index < high; ++index) {
    try {
      if (!read_into(static_cast<std::uint32_t>(index), copy, scratch)) continue;
    } catch (const Error&) {
      continue;  // one damaged record hides itself, not the others
    }
    each(copy);
  }
}

}  // namespace ndshare::internal
