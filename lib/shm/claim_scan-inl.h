// Who stands in the way of a claim, and what a writer shares with views. Included by claim_protocol.h and by nothing else.
#pragma once

#include <atomic>

namespace ndshare::internal {

/// Whether the first or last grain is covered only in part and shared with a view or a snapshot.
template <class Sys>
bool ClaimProtocol<Sys>::shares_edges(const Wish& wish, const Ref& ref) noexcept {
  const auto& range = wish.range;
  const auto grains = grains_of(range.lo, range.hi, wish.geometry);
  const auto shared = [&](std::uint64_t grain) {
    const std::uint64_t views = view_floor(wish, {grain, grain + 1}, true);
    return sys_.oldest_birth(ref, grain, wish.geometry) <= (views > ref.floor ? views : ref.floor);
  };
  if (grains.first == grains.last) return false;
  const bool first_in_part = static_cast<std::uint64_t>(range.lo) * wish.geometry.row_bytes % wish.geometry.grain != 0;
  if (first_in_part && shared(grains.first)) return true;
  if (range.hi == kAllRows) return false;
  const bool last_in_part = static_cast<std::uint64_t>(range.hi) * wish.geometry.row_bytes % wish.geometry.grain != 0;
  const bool same = first_in_part && grains.first + 1 == grains.last;
  return last_in_part && !same && shared(grains.last - 1);
}

template <class Sys>
std::uint64_t ClaimProtocol<Sys>::view_floor(const Wish& wish, GrainRange grains, bool clear_stale) noexcept {
  const auto words = sys_.array(wish.array);
  std::uint64_t floor = 0;
  for (std::uint32_t i = 0; i < sys_.bitmap_words(); ++i) {
    std::uint64_t bits = words.holders[i].load(std::memory_order_seq_cst), stale = 0;
    for (; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<std::uint32_t>(__builtin_ctzll(bits));
      const auto entries = sys_.slot(i * 64 + bit);
      bool found = false;
      for (std::uint32_t at = 0; at < entries.view_high; ++at) {
        const auto& view = entries.view[at];
        const std::uint64_t word = view.word.load(std::memory_order_seq_cst);
        if (claim_array(word) != wish.array || claim_state(word) != ClaimState::granted) continue;
        found = true;
        const auto lo = static_cast<std::int64_t>(view.lo.load(std::memory_order_acquire));
        const auto hi = static_cast<std::int64_t>(view.hi.load(std::memory_order_acquire));
        const auto theirs = grains_of(lo, hi, wish.geometry);
        if (theirs.first >= grains.last || grains.first >= theirs.last) continue;
        const std::uint64_t version = view.version.load(std::memory_order_acquire);
        floor = version > floor ? version : floor;
      }
      if (!found) stale |= std::uint64_t{1} << bit;
    }
    if (clear_stale && stale != 0) {
      words.holders[i].store(words.holders[i].load(std::memory_order_relaxed) & ~stale, std::memory_order_release);
    }
  }
  return floor;
}

/// Everybody in the way, in the slots that the bitmap names.
template <class Sys>
Verdict ClaimProtocol<Sys>::scan(const Words& words, const Entry& self, const Wish& wish, bool copying, std::uint64_t ticket,
                                 Patience& patience, Blocker& blocker) noexcept {
  blocker = {};
  auto* bitmap = wish.range.mode == ClaimMode::write ? words.claimants : words.writers;
  for (std::uint32_t i = 0; i < sys_.bitmap_words(); ++i) {
    std::uint64_t bits = bitmap[i].load(std::memory_order_seq_cst), stale = 0;
    for (; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<std::uint32_t>(__builtin_ctzll(bits));
      if (!scan_slot(i * 64 + bit, self, wish, copying, ticket, patience, blocker)) stale |= std::uint64_t{1} << bit;
    }
    if (stale != 0) bitmap[i].store(bitmap[i].load(std::memory_order_relaxed) & ~stale, std::memory_order_release);
  }
  if (!blocker.found) return Verdict::granted;
  const bool by_grant = blocker.state == ClaimState::granted;
  if (by_grant && blocker.slot == slot_ && blocker.tid == wish.tid) return Verdict::would_deadlock;
  if (by_grant) return Verdict::blocked;
  if ((wish.range.mode == ClaimMode::read || wish.range.mode == ClaimMode::view) && own_read_covers(wish)) return Verdict::granted;
  blocker.idle = !grant_blocks(words, wish, blocker);
  return Verdict::blocked;
}

/// False where the slot has no entry of the array that this bitmap is about. A grant in the way counts more than a waiter, and
/// one of the same thread most.
template <class Sys>
bool ClaimProtocol<Sys>::scan_slot(std::uint32_t slot, const Entry& self, const Wish& wish, bool copying, std::uint64_t ticket,
                                   Patience& patience, Blocker& blocker) noexcept {
  const auto entries = sys_.slot(slot);
  // The own entry is TRYING until it is granted, and its bit is needed from before that on.
  const bool own_bit = wish.range.mode == ClaimMode::write || wish.range.mode == ClaimMode::update;
  bool needed = Sys::rule(ClaimRule::keep_needed_bits) && slot == slot_ && own_bit;
  for (std::uint32_t at = 0; at < entries.lock_high; ++at) {
    const Entry& other = entries.lock[at];
    // seq_cst: after our announcement in the event, so that the release that we do not see here sees us (point 4).
    const std::uint64_t word = other.word.load(std::memory_order_seq_cst);
    if (claim_array(word) != wish.array) continue;
    const auto state = claim_state(word);
    if (state != ClaimState::granted && state != ClaimState::waiting) continue;
    const auto mode = claim_mode(word);
    const bool writer = mode == ClaimMode::write || mode == ClaimMode::update;
    if (Sys::rule(ClaimRule::keep_needed_bits) && (writer || wish.range.mode == ClaimMode::write)) needed = true;
    if (&other == &self) continue;
    const std::uint64_t theirs = other.ticket.load(std::memory_order_relaxed);
    if (state == ClaimState::waiting && (theirs >= ticket || !Sys::rule(ClaimRule::ticket_order) || patience.passes(theirs))) continue;
    const ClaimRange range{mode, (claim_flags(word) & kClaimCopying) != 0,
                           static_cast<std::int64_t>(other.lo.load(std::memory_order_acquire)),
                           static_cast<std::int64_t>(other.hi.load(std::memory_order_acquire))};
    const ClaimRange ours{wish.range.mode, copying, wish.range.lo, wish.range.hi};
    if (!conflicts<Sys>(ours, range, wish.geometry)) continue;
    const std::uint32_t tid = other.tid.load(std::memory_order_relaxed);
    const bool own = slot == slot_ && tid == wish.tid && state == ClaimState::granted;
    const bool worse = !blocker.found || own || (state == ClaimState::granted && blocker.state == ClaimState::waiting);
    if (!worse) continue;
    blocker = {true, false, false, slot, tid, state, range, theirs, other.since_ns.load(std::memory_order_relaxed)};
    if (own) return true;
  }
  return needed;
}

/// Whether a granted entry stands before the waiter that stands before us.
template <class Sys>
bool ClaimProtocol<Sys>::grant_blocks(const Words& words, const Wish& wish, const Blocker& waiter) noexcept {
  for (std::uint32_t i = 0; i < sys_.bitmap_words(); ++i) {
    for (std::uint64_t bits = words.claimants[i].load(std::memory_order_relaxed); bits != 0; bits &= bits - 1) {
      const auto entries = sys_.slot(i * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits)));
      for (std::uint32_t at = 0; at < entries.lock_high; ++at) {
        const Entry& other = entries.lock[at];
        const std::uint64_t word = other.word.load(std::memory_order_acquire);
        if (claim_array(word) != wish.array || claim_state(word) != ClaimState::granted) continue;
        const ClaimRange range{claim_mode(word), (claim_flags(word) & kClaimCopying) != 0,
                               static_cast<std::int64_t>(other.lo.load(std::memory_order_relaxed)),
                               static_cast<std::int64_t>(other.hi.load(std::memory_order_relaxed))};
        if (conflicts<Sys>(waiter.range, range, wish.geometry)) return true;
      }
    }
  }
  return false;
}

template <class Sys>
bool ClaimProtocol<Sys>::own_read_covers(const Wish& wish) noexcept {
  const auto entries = sys_.slot(slot_);
  for (std::uint32_t at = 0; at < entries.lock_high; ++at) {
    const Entry& mine = entries.lock[at];
    const std::uint64_t word = mine.word.load(std::memory_order_acquire);
    if (word != claim_word(ClaimState::granted, ClaimMode::read, 0, wish.array)) continue;
    if (mine.tid.load(std::memory_order_relaxed) != wish.tid) continue;
    if (static_cast<std::int64_t>(mine.lo.load(std::memory_order_relaxed)) <= wish.range.lo &&
        static_cast<std::int64_t>(mine.hi.load(std::memory_order_relaxed)) >= wish.range.hi) {
      return true;
    }
  }
  return false;
}

}  // namespace ndshare::internal
