// Giving claims back: by their holder, and by the sweep of a dead one. Included by claim_protocol.h and by nothing else.
#pragma once

#include <atomic>

namespace ndshare::internal {

// ---- release

template <class Sys>
inline std::uint64_t ClaimProtocol<Sys>::free_word(const Entry& entry) const noexcept {
  const auto array = claim_array(entry.word.load(std::memory_order_relaxed));
  return claim_word(ClaimState::free, ClaimMode::read, 0, Sys::rule(ClaimRule::free_keeps_array) ? array : 0);
}

template <class Sys>
inline void ClaimProtocol<Sys>::wake(const Words& words) noexcept {
  // seq_cst: pairs with a waiter's announcement before its scan (point 4).
  std::uint32_t event = words.event->load(std::memory_order_seq_cst);
  while ((event & 1) != 0 && Sys::rule(ClaimRule::release_wakes)) {
    if (!words.event->compare_exchange_weak(event, event + 1, std::memory_order_seq_cst)) continue;
    return sys_.wake(*words.event, true);
  }
}

template <class Sys>
inline void ClaimProtocol<Sys>::release(Entry& entry, bool changed) noexcept {
  const auto words = sys_.array(claim_array(entry.word.load(std::memory_order_relaxed)));
  if (changed) words.revision->fetch_add(1, std::memory_order_seq_cst);
  entry.word.store(free_word(entry), std::memory_order_seq_cst);  // also publishes what was written under the claim
  wake(words);
}

template <class Sys>
void ClaimProtocol<Sys>::finish_copying(Entry& entry) noexcept {
  const std::uint64_t word = entry.word.load(std::memory_order_relaxed);
  entry.word.store(claim_word(ClaimState::granted, ClaimMode::write, 0, claim_array(word)), std::memory_order_seq_cst);
  if ((claim_flags(word) & kClaimCopying) != 0) wake(sys_.array(claim_array(word)));
}

template <class Sys>
void ClaimProtocol<Sys>::mark_clean(Entry& entry) noexcept {
  const auto array = claim_array(entry.word.load(std::memory_order_relaxed));
  entry.word.store(claim_word(ClaimState::granted, ClaimMode::write, kClaimClean, array), std::memory_order_release);
}

template <class Sys>
void ClaimProtocol<Sys>::mark_unwritten(Entry& entry) noexcept {
  const std::uint64_t word = entry.word.load(std::memory_order_relaxed);
  entry.word.store(word & ~(std::uint64_t{kClaimClean} << 32), std::memory_order_release);
}

// ---- the sweep's part. The mutex first: whoever gets it next must not be woken into one that a dead process holds. Then the
// entries, then the events: a waiter that looks again after its event changed finds no entry of the dead any more.

template <class Sys>
template <class F>
void ClaimProtocol<Sys>::sweep(std::uint32_t slot, std::uint64_t gen, std::uint32_t arrays, F&& before_wake) noexcept {
  const auto entries = sys_.slot(slot);
  const auto dead = static_cast<std::uint32_t>((gen & 0x7FFFF) << 12 | (slot + 1));
  const auto each = [&](auto&& body) {
    for (std::uint32_t i = 0; i < entries.lock_high; ++i) body(entries.lock[i]);
    for (std::uint32_t i = 0; i < entries.view_high; ++i) body(entries.view[i]);
  };
  std::uint32_t last = UINT32_MAX;  // neighbouring entries often name one array
  const auto each_array = [&](auto&& body) {
    last = UINT32_MAX;
    each([&](Entry& entry) {
      const auto array = claim_array(entry.word.load(std::memory_order_relaxed));
      if (array >= arrays || array == last) return;
      last = array;
      body(sys_.array(array));
    });
  };
  each_array([&](const Words& words) {
    if (!Sys::rule(ClaimRule::sweep_frees_mutex)) return;
    for (const std::uint32_t contended : {0U, kMutexContended}) {
      auto expected = dead | contended;
      words.mutex->compare_exchange_strong(expected, 0, std::memory_order_seq_cst);
    }
    sys_.wake(*words.mutex, true);
  });
  each([&](Entry& entry) { entry.word.store(free_word(entry), std::memory_order_seq_cst); });
  before_wake();
  each_array([&](const Words& words) {
    if (!Sys::rule(ClaimRule::sweep_wakes)) return;
    // The bit is cleared by the bump: cleared after it, a waiter's announcement in between would go with it, no release would wake
    // that waiter, and it would sleep all the same if another one's set the bit again.
    const bool clears = Sys::rule(ClaimRule::sweep_bump_clears);
    words.event->fetch_or(clears ? 1U : 0U, std::memory_order_seq_cst);
    words.event->fetch_add(clears ? 1U : 2U, std::memory_order_seq_cst);
    if (!clears) words.event->fetch_and(~1U, std::memory_order_seq_cst);
    sys_.wake(*words.event, true);
  });
}

}  // namespace ndshare::internal
