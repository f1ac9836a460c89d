// Acquiring claims; the argument is in claim_protocol.h. Included by it and by nothing else.
#pragma once

#include <atomic>

namespace ndshare::internal {

// ---- acquire

template <class Sys>
void ClaimProtocol<Sys>::fill(Entry& entry, const Wish& wish) noexcept {
  // Release: who pairs these fields (a scanner the rows, the daemon array_gen) with the word of the entry's last use has that
  // use's end before it, too.
  entry.array_gen.store(wish.array_gen, std::memory_order_release);
  entry.lo.store(static_cast<std::uint64_t>(wish.range.lo), std::memory_order_release);
  entry.hi.store(static_cast<std::uint64_t>(wish.range.hi), std::memory_order_release);
  entry.tid.store(wish.tid, std::memory_order_relaxed);
  entry.since_ns.store(sys_.coarse_now_ns(), std::memory_order_relaxed);
  // Release: whoever sees the word sees the fields. Before the mutex, so that a sweep knows which mutex to free.
  entry.word.store(claim_word(ClaimState::trying, wish.range.mode, 0, wish.array), std::memory_order_release);
}

template <class Sys>
Verdict ClaimProtocol<Sys>::acquire(Entry& entry, Entry* waiting, const Wish& wish, Patience& patience, Grant& grant,
                                    Blocker& blocker) {
  const auto words = sys_.array(wish.array);
  const bool other_entry = waiting != nullptr && waiting != &entry;
  Entry& queue = waiting != nullptr ? *waiting : entry;
  fill(entry, wish);
  if (other_entry) fill(*waiting, wish);
  if (!lock(words, patience, blocker)) {
    withdraw(entry, queue, words, false);
    return Verdict::timeout;
  }
  mark(words, wish.range.mode, other_entry);
  auto verdict = look(entry, wish, UINT64_MAX, patience, grant, blocker);
  const bool queued = verdict == Verdict::blocked && waiting != nullptr;
  if (verdict == Verdict::blocked) verdict = queued ? wait_in_line(entry, queue, wish, patience, grant, blocker) : Verdict::queue;
  if (verdict == Verdict::timeout || verdict == Verdict::deadlock) return verdict;  // withdrawn, the mutex is not ours
  if (verdict != Verdict::granted) {
    unlock(words);
    withdraw(entry, queue, words, queued);
    return verdict;
  }
  const auto flags = static_cast<std::uint16_t>((grant.copying ? kClaimCopying : 0) | (grant.may_share ? kClaimClean : 0));
  // Release is enough: scanners read it under the mutex, and for the daemon TRYING pinned the version already.
  entry.word.store(claim_word(ClaimState::granted, wish.range.mode, flags, wish.array), std::memory_order_release);
  if (other_entry) queue.word.store(free_word(queue), std::memory_order_release);
  unlock(words);
  // A WAITING entry that leaves the queue may have been all that stood before somebody else.
  if (queued) wake(words);
  return verdict;
}

/// With the mutex held: takes a ticket, and looks and sleeps by turns. The mutex is held afterwards but for `timeout` and
/// `deadlock`, where the entries are withdrawn.
template <class Sys>
Verdict ClaimProtocol<Sys>::wait_in_line(Entry& entry, Entry& queue, const Wish& wish, Patience& patience, Grant& grant,
                                         Blocker& blocker) {
  const auto words = sys_.array(wish.array);
  const bool early = Sys::rule(ClaimRule::event_before_scan);
  const std::uint64_t ticket = words.ticket->load(std::memory_order_relaxed) + 1;
  words.ticket->store(ticket, std::memory_order_relaxed);
  queue.ticket.store(ticket, std::memory_order_relaxed);
  queue.word.store(claim_word(ClaimState::waiting, wish.range.mode, 0, wish.array), std::memory_order_release);
  while (true) {
    // seq_cst: pairs with release(), which frees its entry and then looks at the event.
    std::uint32_t event = early ? words.event->fetch_or(1, std::memory_order_seq_cst) | 1U : 0;
    auto verdict = look(entry, wish, ticket, patience, grant, blocker);
    if (verdict != Verdict::blocked) return verdict;
    if (!early) event = words.event->fetch_or(1, std::memory_order_seq_cst) | 1U;
    unlock(words);
    verdict = sleep(entry, queue, wish, words, event, patience, blocker);
    if (verdict != Verdict::blocked) return verdict;
    if (!lock(words, patience, blocker)) {
      withdraw(entry, queue, words, true);
      return Verdict::timeout;
    }
    // While this thread slept, a writer may have found no granted view in this slot, and cleared its bit.
    if (Sys::rule(ClaimRule::bits_after_sleep)) mark(words, wish.range.mode, &queue != &entry);
  }
}

/// The entry names its version: seq_cst, then root is looked at again (seq_cst), point 5 of the argument. It is the word that has
/// to be stored so: the daemon skips an entry whose word it sees FREE, whatever version stands there.
template <class Sys>
void ClaimProtocol<Sys>::pin(Entry& entry, std::uint64_t version) noexcept {
  entry.version.store(version, std::memory_order_release);
  entry.word.store(entry.word.load(std::memory_order_relaxed), std::memory_order_seq_cst);
}

/// The entry names array, rows and `known`'s version already. A grant that does not hold is taken back like any other: a
/// writer may have begun to wait for it.
template <class Sys>
inline bool ClaimProtocol<Sys>::acquire_unlocked(Entry& entry, const ArrayWords<Atomics>& words, ClaimMode mode, const Ref& known) noexcept {
  entry.word.store(claim_word(ClaimState::granted, mode, 0, known.array), std::memory_order_seq_cst);
  const auto* bitmap = words.writers;
  const std::uint32_t count = sys_.bitmap_words();
  const auto is_free = [&](ClaimRule look) {
    std::uint64_t writers = 0;
    for (std::uint32_t i = 0; i < count; ++i) writers |= bitmap[i].load(std::memory_order_seq_cst);
    return writers == 0 || !Sys::rule(look) || !Sys::rule(ClaimRule::unlocked_sees_writers);
  };
  const auto is_marked = [&] {
    const auto& own = (mode == ClaimMode::view ? words.holders : words.claimants)[slot_ / 64];
    return (own.load(std::memory_order_seq_cst) >> (slot_ % 64) & 1) != 0 || !Sys::rule(ClaimRule::unlocked_is_marked);
  };
  // At the writers twice: that the own bit is set now does not say that it was set all the time. Where a writer found it clear,
  // another had cleared it, whom the first look sees, or another thread of ours set it since, and the second sees that writer.
  if (is_free(ClaimRule::unlocked_looks_before) && is_marked() && is_free(ClaimRule::unlocked_looks_again) &&
      (sys_.is_current(known) || !Sys::rule(ClaimRule::unlocked_is_current))) {
    return true;
  }
  release(entry, false);
  return false;
}

/// One look under the mutex: at the current version, and at everybody in the way.
template <class Sys>
Verdict ClaimProtocol<Sys>::look(Entry& entry, const Wish& wish, std::uint64_t ticket, Patience& patience, Grant& grant,
                                 Blocker& blocker) noexcept {
  const auto words = sys_.array(wish.array);
  while (true) {
    if (!sys_.read_ref(wish.array, grant.ref) || grant.ref.array_gen != wish.array_gen) return Verdict::gone;
    if (Sys::rule(ClaimRule::pin_before_validate)) pin(entry, grant.ref.version);
    grant.copying = grant.may_share = false;
    if (wish.range.mode == ClaimMode::write) {
      grant.may_share = grant.ref.floor != 0 || any_bit(words.holders);
      grant.copying = grant.may_share && shares_edges(wish, grant.ref);
    }
    const auto verdict = scan(words, entry, wish, grant.copying, ticket, patience, blocker);
    if (Sys::rule(ClaimRule::validate_version) && !sys_.is_current(grant.ref)) continue;
    if (!Sys::rule(ClaimRule::pin_before_validate)) pin(entry, grant.ref.version);
    return verdict;
  }
}

/// Sleeps on the event until it changes or a slice is over. `blocked`: look again.
template <class Sys>
Verdict ClaimProtocol<Sys>::sleep(Entry& entry, Entry& queue, const Wish& wish, const Words& words, std::uint32_t event,
                                  Patience& patience, Blocker& blocker) {
  const auto left = patience.left_ns();
  if (left <= 0) {
    withdraw(entry, queue, words, true);
    return Verdict::timeout;
  }
  const auto slice = blocker.state == ClaimState::waiting ? kQueueSlice_ns : kSleepSlice_ns;
  sys_.wait(*words.event, event, left < slice ? left : slice);
  const auto verdict = patience.waited(wish, queue, blocker);
  if (verdict != Verdict::blocked) withdraw(entry, queue, words, true);
  return verdict;
}

/// Both entries are nobody's. Where they stood in the queue others may go on: what a release does.
template <class Sys>
void ClaimProtocol<Sys>::withdraw(Entry& entry, Entry& queue, const Words& words, bool queued) noexcept {
  if (&queue != &entry) queue.word.store(free_word(queue), std::memory_order_seq_cst);
  entry.word.store(free_word(entry), std::memory_order_seq_cst);
  if (queued) wake(words);
}

}  // namespace ndshare::internal
