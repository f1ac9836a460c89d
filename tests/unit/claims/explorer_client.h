/// A client of the model: takes claims as the product's clients do, and looks at what it was promised.
///   Threads: one.   Between explorer_client.cc, explorer_shapes.cc and explorer_unlocked.cc only.
#pragma once

#include "tests/unit/claims/explorer_model.h"

namespace ndshare::internal::model {

struct Claimed {
  Entry* entry = nullptr;
  ModelProtocol::Grant grant;
  Wish wish;
  std::uint32_t since = 0;  ///< of the history when it was asked for
};

class Client {
 public:
  Client(int thread, const Script& script);

  void run(const Op& op);
  void finish();
  /// All that a client knows between two operations.
  std::uint64_t knows() const;

 private:
  // ---- claims
  /// Anything but a grant leaves nothing behind. `out.entry` may be a parked one.
  Verdict take(ClaimMode mode, std::int64_t lo, std::int64_t hi, Claimed& out);
  void give(Entry& entry, bool changed);
  void put_away(Entry* entry);
  Wish wish_for(ClaimMode mode, std::int64_t lo, std::int64_t hi) const;
  /// The rows of the claim that its version has.
  static int end_of(const Claimed& claim, int hi);
  static bool is_torn(const Claimed& claim, int lo, int hi);

  // ---- what a script does
  void look(ClaimMode mode, const Op& op, bool keep);
  void look_at(const Claimed& claim, const Op& op, bool keep);
  void read_twice(const Op& op);
  void upgrade(const Op& op);
  void write(const Op& op);
  void update(const Op& op);
  void append(int more);
  void shrink(int rows);
  void snapshot();
  void remove();
  int unshare(const Claimed& claim, int lo, int hi);
  bool is_copied(const Claimed& claim, int grain, int lo, int hi);
  static int drop(const Publish& change);
  int copy_grain(int table, int grain, int rows);
  int end_for(const ModelRef& ref, int row);
  std::uint8_t next_value() { return static_cast<std::uint8_t>(0x40 + tid_ * 0x20 + values_++); }

  // ---- without the mutex (explorer_unlocked.cc)
  void look_again(ClaimMode mode, const Op& op);
  bool take_unlocked(ClaimMode mode, const Op& op, Claimed& out);
  void fill(Entry& entry, const Wish& wish);
  Entry*& parked(ClaimMode mode) { return parked_[mode == ClaimMode::view ? 1 : 0]; }

  int slot_;
  std::uint32_t tid_;
  ModelSystem system_;
  ModelPatience patience_;
  ModelProtocol protocol_;
  std::uint64_t wish_gen_ = 1;  ///< the array that there is at the beginning
  int kept_count_ = 0;
  std::uint32_t values_ = 0;
  Entry* kept_[2] = {};
  int kept_hold_[2] = {};
  ModelRef known_;         ///< of the last grant that can be had again without the mutex; version 0: none
  Entry* parked_[2] = {};  ///< a lock and a view entry that stay this thread's
};

/// A free entry of the slot: what lib/shm/claim_table.h is in the product.
Entry* take_entry(int slot, bool view);

}  // namespace ndshare::internal::model
