#include "daemon/name_index.h"

#include <algorithm>
#include <bit>
#include <string>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "lib/shm/catalog_view.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kFirstBuckets = 1024;

bool names_record(std::uint64_t entry) noexcept { return entry != 0 && entry != kIndexTombstone; }
std::uint32_t record_of(std::uint64_t entry) noexcept { return static_cast<std::uint32_t>(entry) - 1; }

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorCode::Damaged, "the name index " + what + "; remove the store with `ndshare stop --force`");
}

/// The current meta block of a record; nothing where the record is free.
const MetaBlock* current_meta(const CatalogWriter& writer, const CatalogHeap& heap, std::uint32_t record) noexcept {
  const auto& words = writer.record(record);
  const auto root = words.root.load(std::memory_order_relaxed);
  if (root == 0) return nullptr;
  return &heap.meta(words.ref[root & 1].meta.load(std::memory_order_relaxed));
}

}  // namespace

IndexEntry* NameIndex::table() const noexcept { return writer_.heap_at<IndexEntry>(offset_); }

void NameIndex::format() { rebuild(kFirstBuckets); }

void NameIndex::adopt() {
  const auto root = writer_.header().index_root.load();
  const auto log2 = root & (kHeapUnit - 1);
  offset_ = root - log2;
  if (log2 < 3 || log2 > 40 || offset_ == 0 || offset_ >= writer_.header().heap_bytes ||
      (8ULL << log2) > writer_.header().heap_bytes - offset_) {
    damaged("lies outside of the catalog's heap");
  }
  mask_ = (1ULL << log2) - 1;
  heap_.adopt_raw(offset_, 8ULL << log2);
  used_ = live_ = 0;
  for (std::uint64_t i = 0; i <= mask_; ++i) {
    const auto entry = table()[i].load(std::memory_order_relaxed);
    used_ += entry != 0;
    if (!names_record(entry)) continue;
    ++live_;
    if (record_of(entry) >= writer_.header().records_high.load()) damaged("names a record that was never used");
  }
  if (used_ > mask_) damaged("has no empty bucket");  // every probe ends at one
}

std::optional<std::uint32_t> NameIndex::find(std::string_view name) const {
  const auto hash = name_hash(name);
  for (auto i = hash & mask_;; i = (i + 1) & mask_) {
    const auto entry = table()[i].load(std::memory_order_relaxed);
    if (entry == 0) return std::nullopt;
    if (entry == kIndexTombstone || ((entry ^ hash) >> 32) != 0) continue;
    const auto* meta = current_meta(writer_, heap_, record_of(entry));
    if (meta != nullptr && name_of(*meta) == name) return record_of(entry);
  }
}

void NameIndex::reserve(std::uint64_t more) {
  if ((used_ + more) * 2 <= mask_ + 1) return;
  // Four times what is live: the next rebuild is at least as many inserts or removals away as there are names.
  rebuild(std::max(kFirstBuckets, std::bit_ceil((live_ + more) * 4)));
}

void NameIndex::rebuild(std::uint64_t buckets) {
  const auto offset = heap_.allocate(buckets * sizeof(IndexEntry));
  auto* fresh = writer_.heap_at<IndexEntry>(offset);
  for (std::uint64_t i = 0; i < buckets; ++i) fresh[i].store(0, std::memory_order_relaxed);
  for (std::uint64_t i = 0; offset_ != 0 && i <= mask_; ++i) {
    const auto entry = table()[i].load(std::memory_order_relaxed);
    if (!names_record(entry)) continue;
    const auto* meta = current_meta(writer_, heap_, record_of(entry));
    if (meta == nullptr) continue;
    auto at = name_hash(name_of(*meta)) & (buckets - 1);
    while (fresh[at].load(std::memory_order_relaxed) != 0) at = (at + 1) & (buckets - 1);
    fresh[at].store(entry, std::memory_order_relaxed);
  }
  crash_point("index.built");
  Transaction change(writer_);
  change.store(writer_.header().index_root,
               make_index_root(offset, static_cast<std::uint32_t>(std::countr_zero(buckets))));
  try {
    change.commit();
  } catch (...) {
    heap_.free_raw(offset, buckets * sizeof(IndexEntry));
    throw;
  }
  if (offset_ != 0) heap_.free_raw(offset_, (mask_ + 1) * sizeof(IndexEntry));
  offset_ = offset, mask_ = buckets - 1, used_ = live_;
}

void NameIndex::insert(Transaction& change, std::string_view name, std::uint32_t record) {
  const auto hash = name_hash(name);
  for (auto i = hash & mask_;; i = (i + 1) & mask_) {
    const auto entry = change.load(table()[i]);
    if (names_record(entry)) continue;
    change.store_seen(table()[i], make_index_entry(hash, record));
    pending_used_ += entry == 0;
    ++pending_live_;
    return;
  }
}

std::uint64_t NameIndex::bucket_of(const Transaction& change, std::uint64_t hash, std::uint32_t record) const {
  const auto wanted = make_index_entry(hash, record);
  for (auto i = hash & mask_;; i = (i + 1) & mask_) {
    const auto entry = change.load(table()[i]);
    if (entry == wanted) return i;
    if (entry == 0) throw Error(ErrorCode::Internal, "record " + std::to_string(record) + " is not in the name index");
  }
}

void NameIndex::remove(Transaction& change, std::string_view name, std::uint32_t record) {
  auto at = bucket_of(change, name_hash(name), record);
  --pending_live_;
  if (change.load(table()[(at + 1) & mask_]) != 0) return change.store_seen(table()[at], kIndexTombstone);
  // Nothing comes after it: no probe needs to pass here, nor over the tombstones just before.
  for (int run = 0; run < 64; ++run) {
    change.store_seen(table()[at], 0);
    --pending_used_;
    at = (at - 1) & mask_;
    if (change.load(table()[at]) != kIndexTombstone) return;
  }
}

void NameIndex::replace(Transaction& change, std::string_view name, std::uint32_t old, std::uint32_t record) {
  const auto hash = name_hash(name);
  change.store_seen(table()[bucket_of(change, hash, old)], make_index_entry(hash, record));
}

void NameIndex::committed() noexcept {
  used_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(used_) + pending_used_);
  live_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(live_) + pending_live_);
  dropped();
}

}  // namespace ndshare::internal
