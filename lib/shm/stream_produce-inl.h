// Events, and what producers do with a ring; the argument is in stream_protocol.h. Included by it and by nothing else.
#pragma once

namespace ndshare::internal {

// ---- events

/// After a change of a word (seq_cst): whoever announced itself in the event before it looked is woken.
template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::notify(typename A::U32* event) noexcept {
  auto value = event->load(kSeq);
  while ((value & 1) != 0) {
    // The value changes and loses its bit in one store: who read the old one does not fall asleep any more.
    if (event->compare_exchange_strong(value, (value & ~1U) + 2, kSeq)) {
      wake_(*event);
      return;
    }
  }
}

/// Room for producers; and where nothing more is coming, consumers wait for what others hold: point 5.
template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::consumed() noexcept {
  notify(ring_.room_event);
  if (ring_.closed->load(kSeq) != 0) return notify(ring_.ready_event);
  // Only where somebody sleeps are the producers looked through.
  if ((ring_.ready_event->load(kSeq) & 1) != 0 && !has_producer()) notify(ring_.ready_event);
}

// ---- producers

template <class A, class Wake, class Rules>
int StreamRing<A, Wake, Rules>::loan(std::uint32_t hint) noexcept {
  if (ring_.closed->load(kSeq) != 0) return -2;
  int found = loan_free(hint);
  if (found < 0 && options_.broadcast) found = loan_ready(false);
  if (found < 0 && options_.broadcast && options_.skip) found = loan_ready(true);
  if (found < 0 || !Rules::rule(StreamRule::closed_after_loan)) return found;
  // Pairs with close() and the look at all words by a consumer that saw it: point 4.
  if (ring_.closed->load(kSeq) == 0) return found;
  discard(static_cast<std::uint32_t>(found));
  return -2;
}

template <class A, class Wake, class Rules>
int StreamRing<A, Wake, Rules>::loan_free(std::uint32_t hint) noexcept {
  for (std::uint32_t n = 0, i = hint < options_.depth ? hint : 0; n < options_.depth;
       ++n, i = i + 1 == options_.depth ? 0 : i + 1) {
    const auto before = word(i);
    if (batch_state(before) != BatchState::free) continue;
    if (options_.broadcast) {
      if (try_reuse(i, before)) return static_cast<int>(i);
    } else if (swap(i, before, batch_word(BatchState::loaned, owner_, 0, before))) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

/// (Broadcast) takes the word, and gives it back where somebody reads the batch: point 7.
template <class A, class Wake, class Rules>
bool StreamRing<A, Wake, Rules>::try_reuse(std::uint32_t batch, std::uint64_t before) noexcept {
  if (ring_.readers[batch].load(kSeq) != 0) return false;  // cheap; the look that counts comes below
  const auto loaned = batch_word(BatchState::loaned, owner_, 0, before);
  if (!swap(batch, before, loaned)) return false;
  if (!Rules::rule(StreamRule::readers_after_loan) || ring_.readers[batch].load(kSeq) == 0) {
    count_missed(batch);
    return true;
  }
  swap(batch, loaned, before);
  notify(ring_.ready_event);  // a consumer may have looked meanwhile and found nothing
  return false;
}

/// (Broadcast) the oldest ready batch that nobody waits for; or, to `steal`, the oldest that nobody reads.
template <class A, class Wake, class Rules>
int StreamRing<A, Wake, Rules>::loan_ready(bool steal) noexcept {
  std::uint64_t refused[kMaxStreamDepth / 64] = {};  // as a bit each
  for (std::uint32_t tries = 0; tries < options_.depth; ++tries) {
    const auto live = ring_.cursors->load(kSeq);
    int oldest = -1;
    std::uint64_t oldest_word = 0;
    for (std::uint32_t i = 0; i < options_.depth; ++i) {
      const auto now = word(i);
      if (batch_state(now) != BatchState::ready || (refused[i / 64] >> (i % 64) & 1) != 0) continue;
      if (!steal && (ring_.pending[i].load(kSeq) & live) != 0) continue;
      if (oldest < 0 || is_older(now, oldest_word)) oldest = static_cast<int>(i), oldest_word = now;
    }
    if (oldest < 0) return -1;
    const auto i = static_cast<std::uint32_t>(oldest);
    if (try_reuse(i, oldest_word)) return oldest;
    refused[i / 64] |= std::uint64_t{1} << (i % 64);
  }
  return -1;
}

/// Who has not done a batch that is now somebody's to fill will not see it. (Killed in between, a consumer is told of
/// one that it missed twice.)
template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::count_missed(std::uint32_t batch) noexcept {
  const auto pending = ring_.pending[batch].load(kSeq), live = ring_.cursors->load(kSeq);
  for (std::uint32_t c = 0; c < kMaxCursors && pending >> c != 0; ++c) {
    const auto bit = std::uint64_t{1} << c;
    if ((pending & live & bit) != 0) ring_.cursor_missed[c * ring_.cursor_step].fetch_add(1, std::memory_order_relaxed);
    if ((pending & bit) != 0) ring_.pending[batch].fetch_and(~bit, kSeq);
  }
}

template <class A, class Wake, class Rules>
std::uint64_t StreamRing<A, Wake, Rules>::publish(std::uint32_t batch) noexcept {
  const auto sequence = ring_.next_sequence->fetch_add(1, kSeq);
  ring_.sequence[batch * ring_.sequence_step].store(sequence, std::memory_order_relaxed);
  if (options_.broadcast) ring_.pending[batch].store(ring_.cursors->load(kSeq), kSeq);
  if (!Rules::rule(StreamRule::ready_before_event)) notify(ring_.ready_event);
  // seq_cst: pairs with a consumer that announced itself and then looks; whoever sees ready sees all that its owner
  // stored.
  ring_.word[batch].store(batch_word(BatchState::ready, 0, 0, sequence), kSeq);
  if (Rules::rule(StreamRule::wake_after_ready) && Rules::rule(StreamRule::ready_before_event))
    notify(ring_.ready_event);
  return sequence;
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::discard(std::uint32_t batch) noexcept {
  ring_.word[batch].store(batch_word(BatchState::free, 0, 0, word(batch)), kSeq);
  consumed();
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::enter_producer() noexcept {
  ring_.producers[slot_ / 64].fetch_or(std::uint64_t{1} << (slot_ % 64), kSeq);
  ring_.produced->store(1, kSeq);  // after the bit: who sees that there was one sees that there is one
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::leave_producer() noexcept {
  clear_bit(ring_.producers, slot_);
  notify(ring_.ready_event);
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::close() noexcept {
  ring_.closed->store(1, kSeq);
  notify(ring_.ready_event);
  notify(ring_.room_event);
}

}  // namespace ndshare::internal
