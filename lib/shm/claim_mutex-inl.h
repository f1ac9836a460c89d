// The claims' short mutex and the bitmaps that it protects. Included by claim_protocol.h and by nothing else.
#pragma once

#include <atomic>

namespace ndshare::internal {

inline constexpr std::uint32_t kMutexContended = 1U << 31;
inline constexpr int kMutexSpins = 40;                           // about 1 µs
inline constexpr std::int64_t kSleepSlice_ns = 100'000'000;      // a wake that was lost with its sender costs this much
inline constexpr std::int64_t kMutexMoment_ns = 2'000'000;
inline constexpr std::int64_t kQueueSlice_ns = 10'000'000;       // where only WAITING entries block: one may be stopped

// ---- the short mutex

template <class Sys>
bool ClaimProtocol<Sys>::lock(const Words& words, Patience& patience, Blocker& blocker) noexcept {
  std::uint32_t expected = 0;
  // Acquire pairs with unlock()'s release: what the last owner stored under the mutex is seen.
  if (words.mutex->compare_exchange_strong(expected, owner_, std::memory_order_acquire)) return true;
  return lock_slowly(words, patience, blocker);
}

template <class Sys>
bool ClaimProtocol<Sys>::lock_slowly(const Words& words, Patience& patience, Blocker& blocker) noexcept {
  auto& mutex = *words.mutex;
  for (int spin = 0; spin < Sys::kSpins; ++spin) {
    std::uint32_t expected = 0;
    if (mutex.load(std::memory_order_relaxed) == 0 &&
        mutex.compare_exchange_strong(expected, owner_, std::memory_order_acquire)) {
      return true;
    }
    sys_.pause();
  }
  // From here on the word is taken as contended: others may sleep, and only a wake at unlock tells them.
  for (bool tried = false;; tried = true) {
    std::uint32_t word = mutex.load(std::memory_order_relaxed);
    if (word == 0) {
      if (mutex.compare_exchange_strong(word, owner_ | kMutexContended, std::memory_order_acquire)) return true;
      continue;
    }
    if ((word & kMutexContended) == 0) {
      const std::uint32_t marked = word | kMutexContended;
      if (!mutex.compare_exchange_strong(word, marked, std::memory_order_relaxed)) continue;
      word = marked;
    }
    mutex_blocker(word, blocker);
    const auto left = patience.left_ns();
    if (left <= 0 && tried) return false;  // even "now or never" waits once for a mutex that is held for a moment
    const auto slice = left <= 0 ? kMutexMoment_ns : left;
    sys_.wait(mutex, word, slice < kSleepSlice_ns ? slice : kSleepSlice_ns);
    // Take-over: the owner is proven dead, and the word still names it (its generation stops ABA).
    if (mutex.load(std::memory_order_relaxed) == word && sys_.owner_dead(word & ~kMutexContended) &&
        mutex.compare_exchange_strong(word, owner_ | kMutexContended, std::memory_order_acquire)) {
      return true;
    }
  }
}

template <class Sys>
void ClaimProtocol<Sys>::mutex_blocker(std::uint32_t word, Blocker& blocker) noexcept {
  blocker = {};
  blocker.found = blocker.is_mutex = true;
  blocker.slot = (word & 0xFFF) - 1;
}

template <class Sys>
void ClaimProtocol<Sys>::unlock(const Words& words) noexcept {
  // Release: pairs with the acquire of the next owner.
  if ((words.mutex->exchange(0, std::memory_order_release) & kMutexContended) != 0) sys_.wake(*words.mutex, false);
}

// ---- bitmaps: written under the mutex only

template <class Sys>
void ClaimProtocol<Sys>::set_bit(typename Atomics::U64* bitmap) noexcept {
  auto& word = bitmap[slot_ / 64];
  const std::uint64_t bit = std::uint64_t{1} << (slot_ % 64), old = word.load(std::memory_order_relaxed);
  if ((old & bit) == 0) word.store(old | bit, std::memory_order_seq_cst);  // before our scan: point 8
}

template <class Sys>
bool ClaimProtocol<Sys>::any_bit(const typename Atomics::U64* bitmap) const noexcept {
  for (std::uint32_t i = 0; i < sys_.bitmap_words(); ++i) {
    if (bitmap[i].load(std::memory_order_seq_cst) != 0) return true;  // point 8
  }
  return false;
}

template <class Sys>
void ClaimProtocol<Sys>::mark(const Words& words, ClaimMode mode, bool queued) noexcept {
  if (!Sys::rule(ClaimRule::bits_before_scan)) return;
  if (mode == ClaimMode::view) set_bit(words.holders);
  if (mode != ClaimMode::view || queued) set_bit(words.claimants);
  if (mode == ClaimMode::write || mode == ClaimMode::update) set_bit(words.writers);
}

}  // namespace ndshare::internal
