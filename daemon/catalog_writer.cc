#include "daemon/catalog_writer.h"

#include <cstddef>
#include <cstring>
#include <string>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "lib/base/crc32c.h"

namespace ndshare::internal {
namespace {

std::uint32_t redo_crc(const Redo& redo) noexcept {
  const auto head = crc32c(&redo.slot, offsetof(Redo, count) - offsetof(Redo, slot));
  const auto counted = crc32c(&redo.count, sizeof(redo.count), head);
  return crc32c(redo.stores, redo.count * sizeof(RedoStore), counted);
}

}  // namespace

CatalogWriter::CatalogWriter(std::byte* base, std::uint64_t bytes, int fd)
    : base_(base), bytes_(bytes), header_(at<CatalogHeader>(0)), reserver_(fd, bytes) {}

void CatalogWriter::reserve_records(std::uint64_t from, std::uint64_t to) {
  reserver_.ensure(header_->records_offset + from * sizeof(ArrayRecord), (to - from) * sizeof(ArrayRecord));
}

void CatalogWriter::reserve_redo() { reserver_.ensure(header_->redo_offset, sizeof(Redo)); }

std::uint64_t CatalogWriter::offset_of(const a64& word) const noexcept {
  return static_cast<std::uint64_t>(reinterpret_cast<const std::byte*>(&word) -
                                    base_);  // NOLINT: an offset in the segment
}

/// The words that stores may name: the header's second block and everything behind it but the redo record itself.
bool CatalogWriter::may_change(std::uint64_t offset) const noexcept {
  if (offset % 8 != 0 || offset < offsetof(CatalogHeader, pool_bytes) || offset > bytes_ - 8) return false;
  return offset < header_->redo_offset || offset >= header_->redo_offset + sizeof(Redo);
}

bool CatalogWriter::is_root(std::uint64_t offset) const noexcept {
  return offset >= header_->records_offset && offset < header_->heap_offset &&
         (offset - header_->records_offset) % sizeof(ArrayRecord) == offsetof(ArrayRecord, root);
}

void CatalogWriter::apply(const RedoStore& store) noexcept {
  auto& word = *at<a64>(store.offset);
  const bool is_index = store.offset == offsetof(CatalogHeader, index_root);
  word.store(store.value, is_root(store.offset) || is_index ? std::memory_order_seq_cst : std::memory_order_release);
}

bool CatalogWriter::recover() {
  auto& record = redo();
  const auto state = record.state.load(std::memory_order_acquire);
  if (state == kRedoEmpty) return false;
  const bool sane = state == kRedoCommitted && record.count <= kMaxRedoStores && record.crc == redo_crc(record);
  for (std::uint32_t i = 0; sane && i < record.count; ++i) {
    if (may_change(record.stores[i].offset)) continue;
    throw Error(ErrorCode::Damaged, "the catalog's redo record names offset " +
                                        std::to_string(record.stores[i].offset) +
                                        ", which no request changes; remove the store with `ndshare stop --force`");
  }
  if (!sane) {
    throw Error(ErrorCode::Damaged,
                "the catalog's redo record fails its check; remove the store with `ndshare stop --force`");
  }
  for (std::uint32_t i = 0; i < record.count; ++i) {
    apply(record.stores[i]);
    const auto offset = record.stores[i].offset;
    if (is_root(offset)) recovered_.push_back(static_cast<std::uint32_t>((offset - header_->records_offset) / sizeof(ArrayRecord)));
    crash_point("recover.apply");
  }
  record.state.store(kRedoEmpty, std::memory_order_seq_cst);
  crash_point("recover.empty");
  return true;
}

Transaction::Transaction(CatalogWriter& writer)
    : writer_(writer),
      stores_(writer.scratch_),
      version_(writer.header().next_version.load(std::memory_order_relaxed)) {
  stores_.clear();
}

void Transaction::store(const a64& word, std::uint64_t value) { stores_.push_back({writer_.offset_of(word), value}); }

void Transaction::store_seen(const a64& word, std::uint64_t value) {
  store(word, value);
  seen_[writer_.offset_of(word)] = value;
}

std::uint64_t Transaction::load(const a64& word) const {
  if (!seen_.empty()) {
    if (const auto it = seen_.find(writer_.offset_of(word)); it != seen_.end()) return it->second;
  }
  return word.load(std::memory_order_relaxed);
}

std::uint64_t Transaction::new_version() { return ++version_; }

std::uint64_t Transaction::set_ref(std::uint32_t index, const RefValues& values) {
  auto& record = writer_.record(index);
  const auto root = record.root.load(std::memory_order_relaxed);
  const std::uint64_t which = root == 0 ? 0 : 1 - (root & 1);
  const auto version = root == 0 ? values.array_gen : new_version();  // a root's value is never used twice
  // Release: a reader that sees one of these words also sees that root no longer points here (it validates by root).
  auto& ref = record.ref[which];
  ref.version.store(version, std::memory_order_release);
  ref.array_gen.store(values.array_gen, std::memory_order_release);
  ref.block.store(values.block, std::memory_order_release);
  ref.meta.store(values.meta, std::memory_order_release);
  ref.flags.store(values.flags, std::memory_order_release);
  ref.floor.store(values.floor, std::memory_order_release);
  ref.torn.store(values.torn, std::memory_order_release);
  store(record.root, make_root(version, which));
  return version;
}

void Transaction::answers(std::uint32_t slot, std::uint64_t gen, std::uint64_t sequence, std::uint64_t result0,
                          std::uint64_t result1) {
  slot_ = slot, gen_ = gen, sequence_ = sequence, result_[0] = result0, result_[1] = result1;
  if (sequence == 0) return;
  auto& words = writer_.slot(slot);
  store(words.last_result[0], result0);
  store(words.last_result[1], result1);
  store(words.last_sequence, sequence);
}

void Transaction::commit() {
  auto& header = writer_.header();
  if (version_ != header.next_version.load(std::memory_order_relaxed)) store(header.next_version, version_);
  if (stores_.empty()) return;
  if (stores_.size() > kMaxRedoStores) {
    throw Error(ErrorCode::Usage, "the request needs " + std::to_string(stores_.size()) +
                                      " changes of the catalog; the limit is " + std::to_string(kMaxRedoStores) +
                                      " in one request: send it in parts");
  }
  auto& redo = writer_.redo();
  redo.slot = slot_, redo.gen = gen_, redo.sequence = sequence_;
  redo.result[0] = result_[0], redo.result[1] = result_[1];
  redo.count = static_cast<std::uint32_t>(stores_.size());
  std::memcpy(redo.stores, stores_.data(), stores_.size() * sizeof(RedoStore));
  redo.crc = redo_crc(redo);
  crash_point("commit.filled");
  redo.state.store(kRedoCommitted, std::memory_order_seq_cst);
  crash_point("commit.committed");
  for (const auto& one : stores_) {
    writer_.apply(one);
    crash_point("commit.apply");
  }
  redo.state.store(kRedoEmpty, std::memory_order_seq_cst);
  crash_point("commit.empty");
}

}  // namespace ndshare::internal
