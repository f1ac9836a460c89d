#include "daemon/sweeper.h"

#include <algorithm>
#include <climits>
#include <vector>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/crash_point.h"
#include "lib/shm/claims.h"

namespace ndshare::internal {
namespace {

void wake_all(a32& word) noexcept { syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

/// Arrays named by entries the slot ever used, free ones included: a wake may be owed for them.
std::vector<std::uint32_t> arrays_named(const SlotClaims& claims, std::uint32_t records_high) {
  std::vector<std::uint32_t> out;
  const auto collect = [&](const Claim* entries, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto array = claim_array(entries[i].word.load());
      if (array < records_high) out.push_back(array);
    }
  };
  collect(claims.lock, std::min(claims.lock_high.load(), kLockEntries));
  collect(claims.view, std::min(claims.view_high.load(), kViewEntries));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// mutex = contended:1 | gen:19 | slot + 1:12. Freed only where it names this slot and generation.
void free_mutex(a32& mutex, SlotRef slot) noexcept {
  const auto owner = static_cast<std::uint32_t>((slot.gen & 0x7FFFF) << 12 | (slot.index + 1));
  for (const std::uint32_t contended : {0U, 1U << 31}) {
    auto expected = owner | contended;
    mutex.compare_exchange_strong(expected, 0);
  }
  wake_all(mutex);
}

}  // namespace

void bump_and_wake(a32& word, bool always) noexcept {
  const bool sleeper = (word.fetch_add(2) & 1) != 0;
  if (!sleeper && !always) return;
  word.fetch_and(~1U);
  wake_all(word);
}

void sweep_entries(const SyncSegment& sync, SlotRef slot, std::uint32_t records_high) {
  auto& claims = sync.claims(slot.index);
  const auto arrays = arrays_named(claims, records_high);
  // The mutex first: whoever gets it next must not be woken into a mutex that a dead process holds. Then the entries,
  // then the events: a waiter that looks again after its event changed finds no entry of the dead any more.
  for (const auto array : arrays) free_mutex(sync.array(array).mutex, slot);
  crash_point("sweep.mutex");
  const auto clear = [](Claim* entries, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      entries[i].word.store(claim_word(ClaimState::free, ClaimMode::read, 0, claim_array(entries[i].word.load())));
    }
  };
  clear(claims.lock, std::min(claims.lock_high.load(), kLockEntries));
  clear(claims.view, std::min(claims.view_high.load(), kViewEntries));
  crash_point("sweep.cleared");
  for (const auto array : arrays) {
    bump_and_wake(sync.array(array).event, true);
    crash_point("sweep.woken");
  }
  clear_claims(claims);  // entries forget their arrays only now: a sweep that died before this wakes them again
}

}  // namespace ndshare::internal
