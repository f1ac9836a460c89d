// What operators and the daemon do with a ring; the argument is in stream_protocol.h. Included by it and by nothing
// else.
#pragma once

namespace ndshare::internal {

template <class A, class Wake, class Rules>
int StreamRing<A, Wake, Rules>::take_dead() noexcept {
  for (std::uint32_t i = 0; i < options_.depth; ++i) {
    const auto now = word(i);
    if (batch_state(now) != BatchState::dead) continue;
    if (swap(i, now, batch_word(BatchState::taken, owner_, batch_deliveries(now), now))) return static_cast<int>(i);
  }
  return -1;
}

template <class A, class Wake, class Rules>
bool StreamRing<A, Wake, Rules>::retry(std::uint32_t batch) noexcept {
  const auto now = word(batch);
  if (batch_state(now) != BatchState::dead || !swap(batch, now, batch_word(BatchState::ready, 0, 0, now))) return false;
  ring_.returned->fetch_add(1, kSeq);
  notify(ring_.ready_event);
  return true;
}

template <class A, class Wake, class Rules>
bool StreamRing<A, Wake, Rules>::clear_bit(typename A::U64* bitmap, std::uint32_t slot) noexcept {
  const auto bit = std::uint64_t{1} << (slot % 64);
  return (bitmap[slot / 64].load(kSeq) & bit) != 0 && (bitmap[slot / 64].fetch_and(~bit, kSeq) & bit) != 0;
}

/// The bit among the living goes first: a batch that is published from here on does not wait for this consumer. The
/// owner goes last: until then a second sweep finds the cursor.
template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::drop_cursor(std::uint32_t cursor) noexcept {
  const auto bit = std::uint64_t{1} << cursor;
  ring_.cursors->fetch_and(~bit, kSeq);
  for (std::uint32_t i = 0; i < options_.depth; ++i) {
    if ((ring_.pending[i].load(kSeq) & bit) != 0) ring_.pending[i].fetch_and(~bit, kSeq);
    if ((ring_.readers[i].load(kSeq) & bit) != 0) ring_.readers[i].fetch_and(~bit, kSeq);
  }
  ring_.cursor_owner[cursor * ring_.cursor_step].store(0, kSeq);
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::sweep_batch(std::uint32_t batch, std::uint64_t owner, bool& found) noexcept {
  const auto now = word(batch);
  if (batch_owner(now) != owner) return;
  if (batch_state(now) == BatchState::loaned && Rules::rule(StreamRule::sweep_loaned)) {
    if (options_.broadcast) count_missed(batch);
    swap(batch, now, batch_word(BatchState::free, 0, 0, now));
  } else if (batch_state(now) == BatchState::taken && Rules::rule(StreamRule::sweep_taken)) {
    give_back(batch, now);
  }
  found = true;
}

template <class A, class Wake, class Rules>
void StreamRing<A, Wake, Rules>::sweep_cursors(std::uint64_t owner, bool& found) noexcept {
  for (std::uint32_t c = 0; c < kMaxCursors; ++c) {
    if (ring_.cursor_owner[c * ring_.cursor_step].load(kSeq) != owner) continue;
    drop_cursor(c);
    found = true;
  }
}

template <class A, class Wake, class Rules>
bool StreamRing<A, Wake, Rules>::sweep(std::uint32_t slot, std::uint64_t gen) noexcept {
  const auto owner = batch_owner(slot, gen);
  bool found = false;
  for (std::uint32_t i = 0; i < options_.depth; ++i) sweep_batch(i, owner, found);
  if (options_.broadcast) sweep_cursors(owner, found);
  found = clear_bit(ring_.producers, slot) || found;
  found = clear_bit(ring_.draining, slot) || found;
  // Always, and to all: a waker may have died before its wake, and who gave a batch back before it said so.
  ring_.returned->fetch_add(1, kSeq);
  for (auto* event : {ring_.ready_event, ring_.room_event}) {
    event->fetch_or(1, kSeq);
    notify(event);
  }
  return found;
}

}  // namespace ndshare::internal
