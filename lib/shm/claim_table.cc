#include "lib/shm/claim_table.h"

#include <bit>

namespace ndshare::internal {
namespace {

/// Raises a high-water mark; before the entry's first word is stored, so that no scan overlooks it.
void raise(a32& mark, std::uint32_t to) noexcept {
  std::uint32_t now = mark.load(std::memory_order_acquire);  // another thread's raise counts for us: it comes before our word
  while (now < to && !mark.compare_exchange_weak(now, to, std::memory_order_seq_cst)) {
  }
}

template <class Busy>
bool none_busy(const Busy& busy, std::uint32_t high) noexcept {
  for (std::uint32_t i = 0; i < high; ++i) {
    if (busy[i].load(std::memory_order_seq_cst) != 0) return false;
  }
  return true;
}

template <class Bits>
std::uint32_t zeros(const Bits& bits) noexcept {
  int count = 0;
  for (const auto& word : bits) count += 64 - std::popcount(word.load(std::memory_order_relaxed));
  return static_cast<std::uint32_t>(count);
}

}  // namespace

ClaimTable::ClaimTable(SlotClaims* shared) noexcept : shared_(shared) {
  for (auto& word : lock_) word.store(~std::uint64_t{0}, std::memory_order_relaxed);
  for (auto& word : view_) word.store(~std::uint64_t{0}, std::memory_order_relaxed);
}

template <std::size_t N>
int ClaimTable::take_bit(Bits<N>& bits, std::atomic<std::uint32_t>& hint) noexcept {
  const std::uint32_t first = hint.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < N; ++i) {
    const std::uint32_t at = (first + i) % N;
    std::uint64_t free = bits[at].load(std::memory_order_relaxed);
    while (free != 0) {
      const std::uint64_t bit = free & (~free + 1);
      const std::uint64_t old = bits[at].fetch_and(~bit, std::memory_order_seq_cst);
      if ((old & bit) != 0) {
        if (at != first) hint.store(at, std::memory_order_relaxed);
        return static_cast<int>(at * 64 + static_cast<std::uint32_t>(std::countr_zero(bit)));
      }
      free = old & ~bit;  // another thread was faster
    }
  }
  return -1;
}

Claim* ClaimTable::try_take(bool view) noexcept {
  const int index = view ? take_bit(view_, view_hint_) : take_bit(lock_, lock_hint_);
  if (index < 0) return nullptr;
  raise(view ? shared_->view_high : shared_->lock_high, static_cast<std::uint32_t>(index) + 1);
  Claim* claim = view ? &shared_->view[index] : &shared_->lock[index];
  busy(claim).store(1, std::memory_order_seq_cst);
  return claim;
}

void ClaimTable::give_back(Claim* claim) noexcept {
  const bool view = claim >= shared_->view;
  const auto index = static_cast<std::uint32_t>(claim - (view ? shared_->view : shared_->lock));
  auto& hint = view ? view_hint_ : lock_hint_;
  if (index / 64 < hint.load(std::memory_order_relaxed)) hint.store(index / 64, std::memory_order_relaxed);
  busy(claim).store(0, std::memory_order_seq_cst);
  auto& word = view ? view_[index / 64] : lock_[index / 64];
  word.fetch_or(std::uint64_t{1} << (index % 64), std::memory_order_seq_cst);
}

bool ClaimTable::all_idle() const noexcept { return none_busy(lock_busy_, kLockEntries) && none_busy(view_busy_, kViewEntries); }

std::uint32_t ClaimTable::in_use(bool view) const noexcept { return view ? zeros(view_) : zeros(lock_); }

}  // namespace ndshare::internal
