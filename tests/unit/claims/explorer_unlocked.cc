// READ and VIEW without the mutex: what client/fast_claims.cc is in the product.
#include "tests/unit/claims/explorer_client.h"

namespace ndshare::internal::model {

/// What a scanner or the daemon may read of the entry, before its word is stored. What is as it was is not stored.
void Client::fill(Entry& entry, const Wish& wish) {
  const auto put = [](auto& field, auto value, std::memory_order order) {
    if (field.peek() != value) field.store(value, order);
  };
  // Release (claims_relacy_test has what is wrong without): who still saw the word of the last claim, and these fields.
  put(entry.array_gen, wish.array_gen, std::memory_order_release);
  put(entry.lo, static_cast<std::uint64_t>(wish.range.lo), std::memory_order_release);
  put(entry.hi, static_cast<std::uint64_t>(wish.range.hi), std::memory_order_release);
  put(entry.tid, wish.tid, std::memory_order_relaxed);
  put(entry.version, known_.version, std::memory_order_release);
}

/// The grant counts from the moment that acquire_unlocked says so: the word that it may take back counts for nothing.
bool Client::take_unlocked(ClaimMode mode, const Op& op, Claimed& out) {
  out.entry = parked(mode);
  if (known_.version == 0 || out.entry == nullptr) return false;
  out.since = world.ghost.history_count - 1;
  search().observe(out.since);
  out.wish = wish_for(mode, op.lo, op.hi);
  fill(*out.entry, out.wish);
  auto& tentative = tentative_of(*out.entry);
  tentative.active = 1;
  const bool granted = protocol_.acquire_unlocked(*out.entry, system_.array(kArray), mode, known_);
  tentative.active = 0;
  if (granted) check_unlocked_grant(*out.entry);
  tentative.queue = 0, tentative.granted = 0;
  if (!granted) {
    if (claim_state(out.entry->word.peek()) != ClaimState::free) search().fail("a grant is not taken back");
    return false;
  }
  out.grant.ref = known_;
  return true;
}

void Client::look_again(ClaimMode mode, const Op& op) {
  Claimed claim;
  if (!take_unlocked(mode, op, claim)) {
    if (parked(mode) == nullptr) parked(mode) = take_entry(slot_, mode == ClaimMode::view);
    claim.entry = parked(mode);
    if (take(mode, op.lo, op.hi, claim) != Verdict::granted) return;
    known_ = claim.grant.ref.torn == 0 ? claim.grant.ref : ModelRef{};
  }
  look_at(claim, op, false);
}

}  // namespace ndshare::internal::model
