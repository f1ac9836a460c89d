#include "lib/shm/claims.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

void collect_table(const Claim* table, std::uint32_t high, std::vector<ClaimCopy>& out) {
  for (std::uint32_t i = 0; i < high; ++i) {
    const Claim& claim = table[i];
    const std::uint64_t word = claim.word.load(std::memory_order_seq_cst);
    const ClaimState state = claim_state(word);
    if (state == ClaimState::free || state > ClaimState::granted || claim_mode(word) > ClaimMode::write) continue;
    ClaimCopy copy;
    copy.state = state, copy.mode = claim_mode(word), copy.flags = claim_flags(word), copy.array = claim_array(word);
    copy.tid = claim.tid.load(std::memory_order_acquire);
    copy.array_gen = claim.array_gen.load(std::memory_order_acquire);
    copy.version = claim.version.load(std::memory_order_seq_cst);  // pairs with the grant's store before its last look at root
    copy.ticket = claim.ticket.load(std::memory_order_acquire);
    copy.since_ns = claim.since_ns.load(std::memory_order_acquire);
    copy.lo = static_cast<std::int64_t>(claim.lo.load(std::memory_order_acquire));
    copy.hi = static_cast<std::int64_t>(claim.hi.load(std::memory_order_acquire));
    out.push_back(copy);
  }
}

void clear_table(Claim* table, std::uint32_t high) noexcept {
  for (std::uint32_t i = 0; i < high; ++i) {
    const auto array = claim_array(table[i].word.load(std::memory_order_relaxed));
    table[i].word.store(claim_word(ClaimState::free, ClaimMode::read, 0, array), std::memory_order_seq_cst);
  }
}

std::uint32_t lock_high(const SlotClaims& shared) noexcept {
  return std::min(shared.lock_high.load(std::memory_order_seq_cst), kLockEntries);
}
std::uint32_t view_high(const SlotClaims& shared) noexcept {
  return std::min(shared.view_high.load(std::memory_order_seq_cst), kViewEntries);
}

}  // namespace

void collect_claims(const SlotClaims& shared, std::vector<ClaimCopy>& out) {
  collect_table(shared.lock, lock_high(shared), out);
  collect_table(shared.view, view_high(shared), out);
}

void clear_claims(SlotClaims& shared) noexcept {
  clear_table(shared.lock, lock_high(shared));
  clear_table(shared.view, view_high(shared));
  shared.lock_high.store(0, std::memory_order_seq_cst);
  shared.view_high.store(0, std::memory_order_seq_cst);
  shared.given_up.store(0, std::memory_order_seq_cst), shared.changing.store(0, std::memory_order_seq_cst);
}

std::int64_t row_count(const ArrayCopy& copy) noexcept {
  if (copy.shape.empty()) return 1;
  return copy.order == 0 ? copy.shape.front() : copy.shape.back();
}

RowGeometry geometry_of(const ArrayCopy& copy) noexcept {
  const std::int64_t rows = row_count(copy);
  RowGeometry out;
  out.grain = std::max<std::uint64_t>(copy.grain, 1);
  out.row_bytes = std::max<std::uint64_t>(copy.row_bytes, 1);
  if (rows > 0 && copy.row_bytes == 0) out.row_bytes = std::max<std::uint64_t>(copy.nbytes / static_cast<std::uint64_t>(rows), 1);
  return out;
}

}  // namespace ndshare::internal
