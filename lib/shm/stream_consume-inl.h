// What consumers do with a ring; the argument is in stream_protocol.h. Included by it and by nothing else.
#pragma once

namespace ndshare::internal {

template <class A, class Wake, class Rules>
int StreamRing<A, Wake, Rules>::join() noexcept {
  for (std::uint32_t c = 0; c < kMaxCursors; ++c) {
    std::uint64_t nobody = 0;
    auto& owner = ring_.cursor_owner[c * ring_.cursor_step];
    if (owner.load(kSeq) != 0 || !owner.compare_exchange_strong(nobody, owner_, kSeq)) continue;
    ring_.cursor_missed[c * ring_.cursor_step].store(0, std::memory_order_relaxed);
    ring_.cursors->fetch_or(std::uint64_t{1} << c, kSeq);
    return static_cast<int>(c);
  }
  return -1;
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::leave(std::uint32_t cursor) noexcept {
  drop_cursor(cursor);
  consumed();
}

template <class A, class Wake, class Rules>
int StreamRing<A, Wake, Rules>::take(std::uint32_t cursor, TakeAhead& ahead) noexcept {
  return options_.broadcast ? take_broadcast(std::uint64_t{1} << cursor) : take_queue(ahead);
}

template <class A, class Wake, class Rules>
int StreamRing<A, Wake, Rules>::take_queue(TakeAhead& ahead) noexcept {
  while (true) {
    const bool returned =
        Rules::rule(StreamRule::look_after_return) && ring_.returned->load(kSeq) != ahead.returned;
    if (ahead.next == ahead.count || returned) look_ahead(ahead);
    if (ahead.count == 0) return -1;
    const auto i = ahead.place[ahead.next];
    const auto now = ahead.word[ahead.next++];
    const auto deliveries = batch_deliveries(now) == kMaxDeliveries ? kMaxDeliveries : batch_deliveries(now) + 1;
    if (swap(i, now, batch_word(BatchState::taken, owner_, deliveries, now))) {
      if (deliveries == 1) ahead.expected = (batch_sequence(now) + 1) & kSequenceMask;
      return i;
    }
    ahead.next = ahead.count;  // others take too
  }
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::look_ahead(TakeAhead& ahead) const noexcept {
  ahead.returned = ring_.returned->load(kSeq);  // before the words: what comes back while they are read is looked for again
  do {
    collect(ahead, nullptr);
    if (ahead.count == 0 || follows(ahead) || !Rules::rule(StreamRule::look_twice)) break;
    const auto newest = ahead.word[ahead.count - 1];
    collect(ahead, &newest);
  } while (ahead.count == 0);  // others took them all, and there may be younger ones
  if (ahead.count != 0) ahead.start = (ahead.place[ahead.count - 1] + 1U) % options_.depth;
}

/// By insertion.
template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::collect(TakeAhead& ahead, const std::uint64_t* newest) const noexcept {
  ahead.next = ahead.count = 0;
  for (std::uint32_t n = 0, i = ahead.start; n < options_.depth; ++n, i = i + 1 == options_.depth ? 0 : i + 1) {
    const auto now = word(i);
    if (batch_state(now) != BatchState::ready || (newest != nullptr && comes_before(*newest, now))) continue;
    auto at = ahead.count;
    if (at == TakeAhead::kMost && !comes_before(now, ahead.word[at - 1])) continue;
    if (at == TakeAhead::kMost) --at; else ++ahead.count;
    for (; at > 0 && comes_before(now, ahead.word[at - 1]); --at)
      ahead.word[at] = ahead.word[at - 1], ahead.place[at] = ahead.place[at - 1];
    ahead.word[at] = now, ahead.place[at] = static_cast<std::uint16_t>(i);
  }
}

template <class A, class Wake, class Rules>
bool StreamRing<A, Wake, Rules>::follows(const TakeAhead& ahead) noexcept {
  auto expected = ahead.expected;
  for (std::uint32_t k = 0; k < ahead.count; ++k, expected = (expected + 1) & kSequenceMask) {
    if (batch_deliveries(ahead.word[k]) != 0 || batch_sequence(ahead.word[k]) != expected) return false;
  }
  return true;
}

template <class A, class Wake, class Rules>
int StreamRing<A, Wake, Rules>::take_broadcast(std::uint64_t bit) noexcept {
  while (true) {
    int best = -1;
    std::uint64_t best_word = 0;
    for (std::uint32_t i = 0; i < options_.depth; ++i) {
      const auto now = word(i);
      if (batch_state(now) != BatchState::ready || (ring_.pending[i].load(kSeq) & bit) == 0) continue;
      if ((ring_.readers[i].load(kSeq) & bit) != 0) continue;  // another thread of this consumer has it
      if (best < 0 || is_older(now, best_word)) best = static_cast<int>(i), best_word = now;
    }
    if (best < 0) return -1;
    const auto i = static_cast<std::uint32_t>(best);
    if ((ring_.readers[i].fetch_or(bit, kSeq) & bit) != 0) continue;
    if (!Rules::rule(StreamRule::word_after_reader)) return best;
    if (word(i) == best_word && (ring_.pending[i].load(kSeq) & bit) != 0) return best;
    ring_.readers[i].fetch_and(~bit, kSeq);
    notify(ring_.room_event);  // a producer may have stepped back from it
  }
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::done(std::uint32_t batch, std::uint32_t cursor) noexcept {
  if (options_.broadcast) {
    ring_.pending[batch].fetch_and(~(std::uint64_t{1} << cursor), kSeq);
    ring_.readers[batch].fetch_and(~(std::uint64_t{1} << cursor), kSeq);
  } else {
    ring_.word[batch].store(batch_word(BatchState::free, 0, 0, word(batch)), kSeq);
  }
  consumed();
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::put_back(std::uint32_t batch, std::uint32_t cursor) noexcept {
  if (options_.broadcast) {
    ring_.readers[batch].fetch_and(~(std::uint64_t{1} << cursor), kSeq);
    notify(ring_.room_event);
  } else {
    give_back(batch, word(batch));
  }
  notify(ring_.ready_event);
}

/// A taken batch that was not done: ready again, or a dead letter.
template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::give_back(std::uint32_t batch, std::uint64_t before) noexcept {
  const auto deliveries = batch_deliveries(before);
  const bool dead = options_.max_deliveries != 0 && deliveries >= options_.max_deliveries;
  swap(batch, before, batch_word(dead ? BatchState::dead : BatchState::ready, 0, deliveries, before));
  ring_.returned->fetch_add(1, kSeq);
}

template <class A, class Wake, class Rules>
bool StreamRing<A, Wake, Rules>::has_producer() const noexcept {
  for (std::uint32_t i = 0; i < kSlotWords; ++i) {
    if (ring_.producers[i].load(kSeq) != 0) return true;
  }
  return false;
}

template <class A, class Wake, class Rules>
Outlook StreamRing<A, Wake, Rules>::outlook(std::uint32_t cursor) const noexcept {
  const bool closed = ring_.closed->load(kSeq) != 0;
  if (!closed) {
    if (ring_.produced->load(kSeq) == 0) return Outlook::more;
    if (has_producer()) return Outlook::more;
  }
  for (std::uint32_t i = 0; i < options_.depth; ++i) {
    const auto now = word(i);
    const auto slot = owner_slot(batch_owner(now));
    const bool ours = slot == slot_;
    if (batch_state(now) == BatchState::loaned && !ours) return Outlook::more;
    if (batch_state(now) == BatchState::ready &&
        (!options_.broadcast || (ring_.pending[i].load(kSeq) >> cursor & 1) != 0))
      return Outlook::more;
    if (batch_state(now) != BatchState::taken || ours || slot >= kSlotWords * 64) continue;
    const bool drains = (ring_.draining[slot / 64].load(kSeq) >> (slot % 64) & 1) != 0;
    if (!drains && Rules::rule(StreamRule::wait_for_taken)) return Outlook::more;
  }
  return closed ? Outlook::ended : Outlook::abandoned;
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::begin_drain() noexcept {
  const auto bit = std::uint64_t{1} << (slot_ % 64);
  if ((ring_.draining[slot_ / 64].fetch_or(bit, kSeq) & bit) == 0) notify(ring_.ready_event);
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::end_drain() noexcept {
  clear_bit(ring_.draining, slot_);
}

template <class A, class Wake, class Rules>
bool StreamRing<A, Wake, Rules>::has_ready() const noexcept {
  for (std::uint32_t i = 0; i < options_.depth; ++i) {
    if (batch_state(word(i)) == BatchState::ready) return true;
  }
  return false;
}

}  // namespace ndshare::internal
