/// The one place that changes the catalog: a transaction collects absolute 64-bit stores and applies them through the
/// redo record.
///
/// A commit is: fill the redo record (stores, whose request, CRC) → state = COMMITTED, the commit point → apply the
/// stores in order → state = EMPTY. Killed before COMMITTED, nothing has changed; killed after it, recover() applies
/// the same stores again (absolute, so twice is once). The slot's last sequence and result ride in the same record, so
/// a retried request finds them. What no reader can reach yet (blocks in the heap, the ref of a record that root does
/// not point to) is written before, outside.
///   Threads: the engine's. Readers are other processes; they pair with the seq_cst stores of roots (lib/shm/claims.h).
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "daemon/step_reserver.h"
#include "lib/shm/format.h"

namespace ndshare::internal {

/// The writable catalog: typed access to its parts. REQUIRES: the header was verified against `bytes`.
class CatalogWriter {
 public:
  CatalogWriter(std::byte* base, std::uint64_t bytes, int fd);

  CatalogHeader& header() const noexcept { return *header_; }
  Slot& slot(std::uint32_t index) const noexcept { return at<Slot>(header_->slots_offset)[index]; }
  ArrayRecord& record(std::uint32_t index) const noexcept { return at<ArrayRecord>(header_->records_offset)[index]; }
  Grant& grant(std::uint32_t index) const noexcept { return at<Grant>(header_->grants_offset)[index]; }
  Telemetry& telemetry() const noexcept { return *at<Telemetry>(header_->telemetry_offset); }
  Redo& redo() const noexcept { return *at<Redo>(header_->redo_offset); }
  /// Bytes of the heap; `offset` counts from the heap's start.
  template <class T>
  T* heap_at(std::uint64_t offset) const noexcept {
    return at<T>(header_->heap_offset + offset);
  }
  std::uint64_t bytes() const noexcept { return bytes_; }

  /// Makes the pages behind these real memory. Errors: SystemMemory.
  void reserve_records(std::uint64_t from, std::uint64_t to);
  void reserve_grant(std::uint32_t index) {
    reserver_.ensure(header_->grants_offset + std::uint64_t{index} * sizeof(Grant), sizeof(Grant));
  }
  void reserve_heap(std::uint64_t offset, std::uint64_t bytes) {
    reserver_.ensure(header_->heap_offset + offset, bytes);
  }
  void reserve_redo();

  /// Finishes a committed redo record whose CRC is right; empties it. True where there was one. Errors: Damaged.
  bool recover();
  /// Records whose root recover() stored: whoever watches them is told once more.
  const std::vector<std::uint32_t>& recovered() const noexcept { return recovered_; }

 private:
  friend class Transaction;
  template <class T>
  T* at(std::uint64_t offset) const noexcept {
    return reinterpret_cast<T*>(base_ + offset);  // NOLINT: shared bytes have no other type
  }
  std::uint64_t offset_of(const a64& word) const noexcept;
  bool may_change(std::uint64_t offset) const noexcept;
  bool is_root(std::uint64_t offset) const noexcept;
  void apply(const RedoStore& store) noexcept;

  std::byte* base_;
  std::uint64_t bytes_;
  CatalogHeader* header_;
  StepReserver reserver_;
  std::vector<std::uint32_t> recovered_;
  std::vector<RedoStore> scratch_;  ///< of the transaction under way: its memory is kept
};

/// What a record's root will point to.
struct RefValues {
  std::uint64_t array_gen = 0, block = 0, meta = 0, flags = 0, floor = 0, torn = 0;
};

class Transaction {
 public:
  explicit Transaction(CatalogWriter& writer);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void store(const a64& word, std::uint64_t value);
  /// As store(), and load() of the same word answers `value` from now on.
  void store_seen(const a64& word, std::uint64_t value);
  std::uint64_t load(const a64& word) const;

  /// A version number that was never given out (once committed).
  std::uint64_t new_version();
  /// The number that the next new_version() or set_ref() of an existing record will take.
  std::uint64_t next_version() const noexcept { return version_ + 1; }
  /// Gives record `index` a new version: fills the ref that root does not point to and stores root. Once a record and
  /// transaction.
  std::uint64_t set_ref(std::uint32_t index, const RefValues& values);
  void clear_ref(std::uint32_t index) { store(writer_.record(index).root, 0); }

  /// Whose request this is; it is answered by `result` when it comes again.
  void answers(std::uint32_t slot, std::uint64_t gen, std::uint64_t sequence, std::uint64_t result0 = 0,
               std::uint64_t result1 = 0);

  /// Applies everything or, where it throws, nothing. Errors: Usage (too many stores).
  void commit();

 private:
  CatalogWriter& writer_;
  std::vector<RedoStore>& stores_;
  std::unordered_map<std::uint64_t, std::uint64_t> seen_;
  std::uint64_t version_;
  std::uint64_t slot_ = ~0ULL, gen_ = 0, sequence_ = 0, result_[2] = {0, 0};
};

}  // namespace ndshare::internal
