#include "daemon/sweeper.h"

#include <climits>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/crash_point.h"
#include "lib/shm/claims.h"

namespace ndshare::internal {
namespace {

void wake_all(a32& word) noexcept { syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

}  // namespace

void bump_and_wake(a32& word, bool always) noexcept {
  const bool sleeper = (word.fetch_add(2) & 1) != 0;
  if (!sleeper && !always) return;
  word.fetch_and(~1U);
  wake_all(word);
}

void sweep_entries(ClaimSystem& system, SlotRef slot, std::uint32_t records_high) {
  ClaimProtocol<ClaimSystem> claims(system, slot.index, slot.gen);
  crash_point("sweep.mutex");
  claims.sweep(slot.index, slot.gen, records_high, [] { crash_point("sweep.cleared"); });
  crash_point("sweep.woken");
  clear_claims(system.claims(slot.index));  // entries forget their arrays only now: a sweep that died before wakes them again
}

}  // namespace ndshare::internal
