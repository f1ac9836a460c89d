/// The claims' protocol over Relacy's atomics: weak memory, with data races, deadlocks and lost wakes detected.
///
/// Relacy's macros replace words of the language (new, delete, memory_order_…); they are taken back right here, so this
/// header comes last. A futex is Relacy's own: it sleeps until it is woken, compares the newest value, and knows no
/// time.
///   Threads: Relacy's.
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/shm/claim_protocol.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <relacy/relacy.hpp>
#pragma GCC diagnostic pop

#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno

namespace ndshare::internal::weak {

/// What a word is for, so that a test can weaken the operations on it.
enum class Role : std::uint8_t { other, mutex, event, word, version, gen, field, root, writers, claimants, holders };

/// Orders that a mutant does without: operations on words of this role that are as strong as `from` become `to`.
struct Weaken {
  Role role = Role::other;
  bool loads = false, stores = false;
  std::memory_order from = std::memory_order_seq_cst, to = std::memory_order_seq_cst;
};
inline Weaken weaken;

constexpr rl::memory_order translated(std::memory_order order) noexcept {
  switch (order) {
    case std::memory_order_relaxed:
      return rl::mo_relaxed;
    case std::memory_order_consume:
      return rl::mo_consume;
    case std::memory_order_acquire:
      return rl::mo_acquire;
    case std::memory_order_release:
      return rl::mo_release;
    case std::memory_order_acq_rel:
      return rl::mo_acq_rel;
    case std::memory_order_seq_cst:
      return rl::mo_seq_cst;
  }
  return rl::mo_seq_cst;
}

template <class T>
class WeakAtomic {
 public:
  T load(std::memory_order order) const { return impl_.load(used(order, weaken.loads), $); }
  void store(T value, std::memory_order order) { impl_.store(value, used(order, weaken.stores), $); }
  T exchange(T value, std::memory_order order) { return impl_.exchange(value, used(order, weaken.stores), $); }
  bool compare_exchange_strong(T& expected, T value, std::memory_order order) {
    return impl_.compare_exchange_strong(expected, value, used(order, weaken.stores), $);
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order order) {
    return impl_.compare_exchange_weak(expected, value, used(order, weaken.stores), $);
  }
  T fetch_add(T by, std::memory_order order) { return impl_.fetch_add(by, used(order, weaken.stores), $); }
  T fetch_or(T bits, std::memory_order order) { return impl_.fetch_or(bits, used(order, weaken.stores), $); }
  T fetch_and(T bits, std::memory_order order) { return impl_.fetch_and(bits, used(order, weaken.stores), $); }

  void set_up(Role role) {
    role_ = role;
    impl_.store(0, rl::mo_relaxed, $);
  }
  /// The kernel compares the newest value, under a lock of its own, and queues the thread before anybody can wake.
  void futex_wait(T value) {
    if (impl_.debug_value() == value) impl_.wait(rl::ctx(), false, false, $);
  }
  void futex_wake(bool all) { impl_.wake(rl::ctx(), all ? 16 : 1, $); }
  T newest() const { return impl_.debug_value(); }

 private:
  rl::memory_order used(std::memory_order order, bool weakened) const noexcept {
    return translated(weakened && weaken.role == role_ && order == weaken.from ? weaken.to : order);
  }
  mutable rl::atomic<T> impl_;
  Role role_ = Role::other;
};

struct WeakAtomics {
  using U32 = WeakAtomic<std::uint32_t>;
  using U64 = WeakAtomic<std::uint64_t>;
};

inline constexpr std::uint32_t kSlots = 3, kEntries = 2;

/// One array, and the entries of a few slots.
struct Memory {
  struct Slot {
    BasicClaim<WeakAtomics> lock[kEntries], view[1];
  };
  Slot slots[kSlots];
  WeakAtomic<std::uint32_t> mutex, event;
  WeakAtomic<std::uint64_t> ticket, revision, writers, claimants, holders, root;
  std::uint64_t floor = 0;   ///< of every version
  bool is_replaced = false;  ///< every root is a new array under the same name: its version is its array_gen

  void set_up() {
    const auto clear = [](BasicClaim<WeakAtomics>& entry) {
      entry.word.set_up(Role::word), entry.version.set_up(Role::version), entry.array_gen.set_up(Role::gen);
      for (auto* field : {&entry.lo, &entry.hi, &entry.ticket, &entry.since_ns}) field->set_up(Role::field);
      entry.tid.set_up(Role::field), entry.pad.set_up(Role::other);
    };
    for (auto& slot : slots) {
      for (auto& entry : slot.lock) clear(entry);
      for (auto& entry : slot.view) clear(entry);
    }
    mutex.set_up(Role::mutex), event.set_up(Role::event);
    ticket.set_up(Role::other), revision.set_up(Role::other);
    writers.set_up(Role::writers), claimants.set_up(Role::claimants), holders.set_up(Role::holders);
    root.set_up(Role::root);
    root.store(1, std::memory_order_relaxed);
  }
};

struct WeakRef {
  std::uint64_t version = 0, array_gen = 1, floor = 0;
  std::uint32_t array = 0;
};

class WeakPatience {
 public:
  std::int64_t left_ns() const noexcept { return INT64_MAX; }
  bool passes(std::uint64_t) const noexcept { return false; }
  Verdict waited(const Wish&, const BasicClaim<WeakAtomics>&, const Blocker&) const noexcept {
    return Verdict::blocked;
  }
};

class WeakSystem {
 public:
  using Atomics = WeakAtomics;
  using Ref = WeakRef;
  using Patience = WeakPatience;
  static constexpr int kSpins = 1;
  static constexpr bool rule(ClaimRule) noexcept { return true; }

  explicit WeakSystem(Memory& memory) noexcept : memory_(&memory) {}
  std::uint32_t bitmap_words() const noexcept { return 1; }
  ArrayWords<WeakAtomics> array(std::uint32_t) const noexcept {
    auto& m = *memory_;
    return {&m.mutex, &m.event, &m.ticket, &m.revision, &m.writers, &m.claimants, &m.holders};
  }
  SlotEntries<WeakAtomics> slot(std::uint32_t index) const noexcept {
    return {memory_->slots[index].lock, memory_->slots[index].view, kEntries, 1};
  }
  bool read_ref(std::uint32_t, WeakRef& out) const {
    const std::uint64_t version = memory_->root.load(std::memory_order_seq_cst);
    out = {version, memory_->is_replaced ? version : 1, memory_->floor, 0};
    return out.version != 0;
  }
  bool is_current(const WeakRef& ref) const { return memory_->root.load(std::memory_order_seq_cst) == ref.version; }
  std::uint64_t oldest_birth(const WeakRef&, std::uint64_t, const RowGeometry&) const noexcept { return 1; }
  void wait(WeakAtomic<std::uint32_t>& word, std::uint32_t value, std::int64_t) const { word.futex_wait(value); }
  void wake(WeakAtomic<std::uint32_t>& word, bool all) const { word.futex_wake(all); }
  void pause() const { rl::yield(1, $); }
  bool owner_dead(std::uint32_t) const noexcept { return false; }
  std::uint64_t coarse_now_ns() const noexcept { return 0; }

 private:
  Memory* memory_;
};

using WeakProtocol = ClaimProtocol<WeakSystem>;

}  // namespace ndshare::internal::weak
