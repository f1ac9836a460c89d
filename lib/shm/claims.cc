#include "lib/shm/claims.h"

#include <algorithm>
#include <utility>

#include <time.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "lib/shm/fork_count.h"

namespace ndshare::internal {
namespace {

/// Nanoseconds of the coarse monotonic clock: read from the vDSO, a few milliseconds exact, enough for "held since".
std::uint64_t coarse_now_ns() noexcept {
  ::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(now.tv_nsec);
}

/// Asked of the kernel once a thread, and once more in a forked child.
std::uint32_t thread_id() noexcept {
  struct Known {
    std::uint64_t forks = fork_count();
    std::uint32_t id = static_cast<std::uint32_t>(::gettid());
  };
  thread_local Known known;
  if (known.forks != fork_count()) known = {};
  return known.id;
}

/// Fills a free entry and grants it: from the last store on, a scan counts it.
void grant(Claim& claim, const RefCopy& ref, ClaimMode mode, std::int64_t lo, std::int64_t hi) noexcept {
  claim.array_gen.store(ref.array_gen, std::memory_order_release);
  claim.lo.store(static_cast<std::uint64_t>(lo), std::memory_order_release);
  claim.hi.store(static_cast<std::uint64_t>(hi), std::memory_order_release);
  claim.version.store(ref.version, std::memory_order_release);
  claim.ticket.store(0, std::memory_order_release);
  claim.tid.store(thread_id(), std::memory_order_release);
  claim.since_ns.store(coarse_now_ns(), std::memory_order_release);
  claim.word.store(claim_word(ClaimState::granted, mode, 0, ref.array), std::memory_order_seq_cst);
}

/// The entry is nobody's; its array number stays, so that a sweep knows whom to wake.
void withdraw(Claim& claim) noexcept {
  const std::uint64_t word = claim.word.load(std::memory_order_relaxed);
  claim.word.store(claim_word(ClaimState::free, ClaimMode::read, 0, claim_array(word)), std::memory_order_seq_cst);
}

void collect_table(const Claim* table, std::uint32_t high, std::vector<ClaimCopy>& out) {
  for (std::uint32_t i = 0; i < high; ++i) {
    const Claim& claim = table[i];
    const std::uint64_t word = claim.word.load(std::memory_order_seq_cst);
    const ClaimState state = claim_state(word);
    if (state == ClaimState::free || state > ClaimState::granted || claim_mode(word) > ClaimMode::write) continue;
    ClaimCopy copy;
    copy.state = state, copy.mode = claim_mode(word), copy.array = claim_array(word);
    copy.tid = claim.tid.load(std::memory_order_acquire);
    copy.array_gen = claim.array_gen.load(std::memory_order_acquire);
    copy.version = claim.version.load(std::memory_order_acquire);
    copy.since_ns = claim.since_ns.load(std::memory_order_acquire);
    copy.lo = static_cast<std::int64_t>(claim.lo.load(std::memory_order_acquire));
    copy.hi = static_cast<std::int64_t>(claim.hi.load(std::memory_order_acquire));
    out.push_back(copy);
  }
}

std::uint32_t lock_high(const SlotClaims& shared) noexcept {
  return std::min(shared.lock_high.load(std::memory_order_seq_cst), kLockEntries);
}
std::uint32_t view_high(const SlotClaims& shared) noexcept {
  return std::min(shared.view_high.load(std::memory_order_seq_cst), kViewEntries);
}

}  // namespace

ClaimTable::Entry ClaimTable::take(bool view) {
  const std::lock_guard lock(mutex_);
  FreeList& list = view ? view_ : lock_;
  if (!list.free.empty()) {
    Claim* claim = list.free.back();
    list.free.pop_back();
    return {claim, view};
  }
  const std::uint32_t limit = view ? kViewEntries : kLockEntries;
  if (list.used == limit) {
    throw Error(ErrorCode::TooManyClaims,
                "this process holds " + std::to_string(limit) + (view ? " views" : " guards") +
                    ", all that its place in the store has room for. Let some go, or copy what is to be kept",
                {{"limit", std::to_string(limit)}});
  }
  if (list.free.capacity() <= list.used)
    list.free.reserve(std::min(limit, list.used * 2 + 16));  // give_back never allocates
  Claim& claim = view ? shared_->view[list.used] : shared_->lock[list.used];
  withdraw(claim);  // whatever an earlier owner left there is not ours
  ++list.used;
  (view ? shared_->view_high : shared_->lock_high).store(list.used, std::memory_order_seq_cst);
  return {&claim, view};
}

void ClaimTable::give_back(Entry entry) noexcept {
  const std::lock_guard lock(mutex_);
  (entry.is_view ? view_ : lock_).free.push_back(entry.claim);
}

Pin::Pin(Pin&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)), entry_(std::exchange(other.entry_, {})), ref_(other.ref_) {}

Pin& Pin::operator=(Pin&& other) noexcept {
  if (this == &other) return *this;
  release();
  table_ = std::exchange(other.table_, nullptr);
  entry_ = std::exchange(other.entry_, {});
  ref_ = other.ref_;
  return *this;
}

Pin::~Pin() { release(); }

void Pin::release() noexcept {
  if (entry_.claim == nullptr) return;
  withdraw(*entry_.claim);
  table_->give_back(std::exchange(entry_, {}));
}

std::optional<Pin> pin_version(ClaimTable& table, const CatalogView& catalog, RefCopy ref, ClaimMode mode,
                               std::int64_t lo, std::int64_t hi) {
  const std::uint64_t array_gen = ref.array_gen;
  Pin pin;
  pin.entry_ = table.take(mode == ClaimMode::view);
  pin.table_ = &table;
  while (true) {
    grant(*pin.entry_.claim, ref, mode, lo, hi);
    if (catalog.is_current(ref)) break;
    withdraw(*pin.entry_.claim);
    const auto now = catalog.read_ref(ref.array);
    if (!now || now->array_gen != array_gen) return std::nullopt;
    ref = *now;
  }
  pin.ref_ = ref;
  return pin;
}

void collect_claims(const SlotClaims& shared, std::vector<ClaimCopy>& out) {
  collect_table(shared.lock, lock_high(shared), out);
  collect_table(shared.view, view_high(shared), out);
}

void clear_claims(SlotClaims& shared) noexcept {
  for (std::uint32_t i = 0; i < lock_high(shared); ++i) withdraw(shared.lock[i]);
  for (std::uint32_t i = 0; i < view_high(shared); ++i) withdraw(shared.view[i]);
  shared.lock_high.store(0, std::memory_order_seq_cst);
  shared.view_high.store(0, std::memory_order_seq_cst);
}

}  // namespace ndshare::internal
