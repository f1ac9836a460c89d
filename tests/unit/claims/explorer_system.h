/// What the claims' protocol stands on in the model: the world's words, a futex without time, no clock.
#pragma once

#include <cstdint>

#include "tests/unit/claims/explorer_world.h"

namespace ndshare::internal::model {

inline int dropped_rule = -1;        ///< the ClaimRule that this search does without; -1: none
inline bool owners_can_die = false;  ///< mutexes of dead owners may be taken over

/// Waits for ever, unless the search lets the deadline pass. Slices, stopped processes and deadlocks are tested with
/// the real one.
class ModelPatience {
 public:
  std::int64_t left_ns() const noexcept { return search().timed_out() ? 0 : INT64_MAX; }
  bool passes(std::uint64_t) const noexcept { return false; }
  Verdict waited(const Wish&, const Entry&, const Blocker&) const noexcept { return Verdict::blocked; }
};

class ModelSystem {
 public:
  using Atomics = ModelAtomics;
  using Ref = ModelRef;
  using Patience = ModelPatience;
  static constexpr int kSpins = 0;
  static bool rule(ClaimRule rule) noexcept { return static_cast<int>(rule) != dropped_rule; }

  std::uint32_t bitmap_words() const noexcept { return 1; }
  ArrayWords<ModelAtomics> array(std::uint32_t index) const {
    if (index >= kArrays) search().fail("no such array");
    auto& one = world.arrays[index];
    return {&one.mutex, &one.event, &one.ticket, &one.revision, &one.writers, &one.claimants, &one.holders};
  }
  SlotEntries<ModelAtomics> slot(std::uint32_t index) const {
    if (index >= kSlots) return {};
    auto& one = world.slots[index];
    return {one.lock, one.view, one.lock_high.load(std::memory_order_seq_cst),
            one.view_high.load(std::memory_order_seq_cst)};
  }

  // What root leads to does not change: one step reads it all. (Copies of a reference that is written over are
  // catalog_view's.)
  bool read_ref(std::uint32_t array, ModelRef& out) const {
    const auto version = world.arrays[array].root.load(std::memory_order_seq_cst);
    if (version == 0) return false;
    out = world.ref_of(array, version);
    return true;
  }
  bool is_current(const ModelRef& ref) const {
    return world.arrays[ref.array].root.load(std::memory_order_seq_cst) == ref.version;
  }
  std::uint64_t oldest_birth(const ModelRef& ref, std::uint64_t grain, const RowGeometry&) const {
    const auto& table = world.tables[ref.table];
    if (table.alive == 0) search().fail("the table of a freed version is read");
    return grain < table.grains ? world.extents[table.extent[grain]].birth : UINT64_MAX;
  }

  void wait(ModelAtomic<std::uint32_t>& word, std::uint32_t value, std::int64_t) const {
    search().point();
    search().observe(word.peek());
    if (word.peek() != value) return;
    search().trace("sleeps");
    search().sleep(&word);
    search().trace("is awake");
  }
  void wake(ModelAtomic<std::uint32_t>& word, bool all) const {
    search().point();
    search().wake(&word, all);
  }
  void pause() const noexcept {}
  bool owner_dead(std::uint32_t mutex_word) const {
    const auto slot = (mutex_word & 0xFFF) - 1;
    const bool dead = owners_can_die && slot < kSlots &&
                      (world.slots[slot].dead != 0 || world.slots[slot].generation + 1U != mutex_word >> 12);
    search().observe(dead ? 1 : 0);
    return dead;
  }
  std::uint64_t coarse_now_ns() const noexcept { return 0; }
};

using ModelProtocol = ClaimProtocol<ModelSystem>;

}  // namespace ndshare::internal::model
