#include "lib/shm/claim_system.h"

#include <algorithm>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/shm/fork_count.h"
#include "lib/shm/process.h"
#include "lib/shm/wait_graph.h"

namespace ndshare::internal {
namespace {

using std::chrono::milliseconds;

constexpr auto kWarnAfter = milliseconds(10'000);
constexpr auto kCircleAfter = milliseconds(50);  // a wait shorter than this is nobody's deadlock
constexpr auto kCircleAgain = milliseconds(10);  // seen twice at this distance, a circle is real
constexpr auto kIdleFor = milliseconds(10);      // a waiter that nothing blocks for so long is stopped

}  // namespace

template class ClaimProtocol<ClaimSystem>;

std::uint32_t thread_id() noexcept {
  struct Known {
    std::uint64_t forks = fork_count();
    std::uint32_t id = static_cast<std::uint32_t>(::gettid());
  };
  thread_local Known known;
  if (known.forks != fork_count()) known = {};
  return known.id;
}

ClaimSystem::ClaimSystem(const CatalogView& catalog, std::byte* sync) noexcept : catalog_(&catalog) {
  const auto& header = catalog.header();
  const SyncLayout layout(header.max_clients, header.max_arrays);
  claims_ = reinterpret_cast<SlotClaims*>(sync + layout.claims_offset);  // NOLINT: shared bytes have no other type
  arrays_ = sync + layout.arrays_offset;
  stride_ = layout.array_stride;
  max_clients_ = header.max_clients;
  words_ = static_cast<std::uint32_t>(internal::bitmap_words(max_clients_));
}

SlotEntries<StdAtomics> ClaimSystem::slot(std::uint32_t index) const noexcept {
  if (index >= max_clients_) return {};  // a bit that no rule set
  auto& claims = claims_[index];
  return {claims.lock, claims.view, std::min(claims.lock_high.load(std::memory_order_seq_cst), kLockEntries),
          std::min(claims.view_high.load(std::memory_order_seq_cst), kViewEntries)};
}

std::uint64_t ClaimSystem::oldest_birth(const RefCopy& ref, std::uint64_t grain, const RowGeometry& geometry) const noexcept {
  return catalog_->oldest_birth(ref, grain * geometry.grain, (grain + 1) * geometry.grain);
}

/// Most claims are held for less than a sleep and a wake-up take (some 50 µs in a virtual machine): looks at the word for a while.
/// True where it changed.
bool ClaimSystem::spins(const a32& word, std::uint32_t value) const noexcept {
  const auto end = std::chrono::steady_clock::now() + kSpinFor;
  do {
    for (int i = 0; i < 8; ++i) {
      if (word.load(std::memory_order_relaxed) != value) return true;  // who looks again orders what it reads
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

void ClaimSystem::wait(a32& word, std::uint32_t value, std::int64_t ns) const noexcept {
  if (spins(word, value)) return;
  const timespec limit{static_cast<std::time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  // Not FUTEX_PRIVATE: the waker is another process. Every outcome means "look again".
  static_cast<void>(::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT, value, &limit, nullptr, 0));
}

void ClaimSystem::wake(a32& word, bool all) const noexcept {
  static_cast<void>(::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE, all ? INT32_MAX : 1, nullptr, nullptr, 0));
}

void ClaimSystem::pause() const noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

bool ClaimSystem::owner_dead(std::uint32_t mutex_word) const noexcept {
  const std::uint32_t index = (mutex_word & 0xFFF) - 1;
  if (index >= max_clients_) return true;  // no slot has this number: nobody who keeps to the rules wrote it
  const auto& slot = catalog_->slot(index);
  const std::uint64_t id = slot.id.load(std::memory_order_acquire);
  if ((slot_gen(id) & 0x7FFFF) != mutex_word >> 12 || slot_state(id) == SlotState::free) return true;  // swept already
  if (slot.pid_namespace.load(std::memory_order_relaxed) != own_pid_namespace()) return false;  // the daemon's to decide
  try {
    return !process_alive(slot.pid.load(std::memory_order_relaxed), slot.start.load(std::memory_order_relaxed)) &&
           slot.id.load(std::memory_order_acquire) == id;
  } catch (...) {
    return false;  // no memory to look with: not proven
  }
}

std::uint64_t ClaimSystem::coarse_now_ns() const noexcept {
  // From the vDSO, a few milliseconds exact: enough for "held since".
  ::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(now.tv_nsec);
}

// ---- patience

std::int64_t ClaimPatience::left_ns() const noexcept {
  if (deadline_ == kForever) return INT64_MAX;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(deadline_ - Clock::now()).count();
}

bool ClaimPatience::passes(std::uint64_t ticket) const noexcept {
  const auto end = passed_.begin() + static_cast<std::ptrdiff_t>(std::min(passed_count_, passed_.size()));
  return std::find(passed_.begin(), end, ticket) != end;
}

Verdict ClaimPatience::waited(const Wish& wish, const Claim& queue, const Blocker& blocker) {
  const auto now = Clock::now();
  if (started_ == Clock::time_point{}) started_ = now;
  pass_over(blocker, now);
  if (!warned_ && warn_ != nullptr && *warn_ && now - started_ >= kWarnAfter) {
    warned_ = true;
    (*warn_)(blocker);
  }
  return now - started_ >= kCircleAfter && must_give_way(wish, queue, now) ? Verdict::deadlock : Verdict::blocked;
}

/// The queue's head neither goes on nor is held up by a grant: its process is stopped, or about to look. Two looks tell.
void ClaimPatience::pass_over(const Blocker& blocker, Clock::time_point now) noexcept {
  if (!blocker.idle || blocker.ticket != idle_ticket_) {
    idle_ticket_ = blocker.idle ? blocker.ticket : 0;
    idle_since_ = now;
    return;
  }
  if (now - idle_since_ < kIdleFor) return;
  passed_[passed_count_++ % passed_.size()] = idle_ticket_;
  if (passed_count_ > passed_.size()) passed_count_ = passed_.size() + passed_count_ % passed_.size();
}

bool ClaimPatience::must_give_way(const Wish& wish, const Claim& queue, Clock::time_point now) {
  if (now - circle_at_ < kCircleAgain) return false;
  circle_at_ = now;
  try {
    const auto circle = find_circle(sys_, {slot_, wish.tid, queue.ticket.load(std::memory_order_relaxed)});
    auto tickets = circle.tickets;
    const bool again = !tickets.empty() && tickets == circle_;
    circle_ = std::move(tickets);
    return again && circle.we_are_youngest;
  } catch (...) {
    return false;  // no memory to look with
  }
}

}  // namespace ndshare::internal
