#include "daemon/stream_table.h"

#include <algorithm>

#include "lib/base/log.h"

namespace ndshare::internal {
namespace {

bool lists(const SlotClaims& claims, std::uint32_t ring) noexcept { return (claims.streams.load() >> ring & 1) != 0; }

}  // namespace

std::uint64_t StreamTable::count() const noexcept {
  return static_cast<std::uint64_t>(std::ranges::count_if(rings_, [](const Known& known) { return known.gen != 0; }));
}

std::vector<SlotRef> StreamTable::users(std::uint32_t ring, std::span<const SlotRef> slots) const {
  std::vector<SlotRef> out;
  std::ranges::copy_if(slots, std::back_inserter(out),
                       [&](const SlotRef& slot) { return lists(sync_.claims(slot.index), ring); });
  return out;
}

std::uint32_t StreamTable::free_ring(std::span<const SlotRef> slots) const {
  std::uint32_t ring = 0;
  while (ring < kMaxStreams && (rings_[ring].gen != 0 || !users(ring, slots).empty())) ++ring;
  return ring;
}

void StreamTable::start(std::uint32_t ring, std::uint64_t gen) noexcept {
  auto* words = reinterpret_cast<a64*>(&sync_.stream(ring));  // NOLINT: zeros of every word, whatever it is
  for (std::size_t i = 0; i < sizeof(StreamSync) / 8; ++i) words[i].store(0, std::memory_order_relaxed);
  sync_.stream(ring).stream.store(gen);
  set_state(ring, RingState::open);
}

void StreamTable::removed(std::uint32_t ring) noexcept {
  rings_[ring] = {};
  set_state(ring, RingState::free);
  sync_.stream(ring).stream.store(0);
}

void StreamTable::mend() noexcept {
  for (std::uint32_t ring = 0; ring < kMaxStreams; ++ring) {
    if (rings_[ring].gen == 0) continue;
    sync_.stream(ring).stream.store(rings_[ring].gen);
    set_state(ring, RingState::open);
  }
}

void StreamTable::adopt(std::uint32_t ring, Known known) noexcept {
  auto& sync = sync_.stream(ring);
  sync.stream.store(known.gen);
  set_state(ring, RingState::open);  // a removal that was not finished did not happen
  std::uint64_t broken = 0;
  for (std::uint32_t i = 0; i < known.spec.ring_options.depth; ++i) {
    const auto word = sync.word[i].load();
    const auto state = batch_state(word);
    const bool rows_fit = sync.meta[i].rows.load() <= known.spec.rows;
    const bool content = state == BatchState::ready || state == BatchState::taken || state == BatchState::dead;
    if (state <= BatchState::dead && (!content || rows_fit)) continue;
    sync.word[i].store(batch_word(BatchState::free, 0, 0, word));
    ++broken;
  }
  if (broken != 0)
    log_warn("stream ring " + std::to_string(ring) + ": " + std::to_string(broken) +
             " batches were damaged and count as free");
  if (const auto [batch, sequence] = known.spec.kept; batch < known.spec.ring_options.depth) {
    // Kept, and its consumer could not be told: what stands in its place now is nothing that was published.
    const auto word = sync.word[batch].load();
    if (batch_state(word) == BatchState::taken && batch_sequence(word) == (sequence & kSequenceMask)) kept(ring, batch);
  }
  rings_[ring] = std::move(known);
}

void StreamTable::sweep(SlotRef slot) noexcept {
  auto& list = sync_.claims(slot.index).streams;
  for (std::uint32_t ring = 0; ring < kMaxStreams; ++ring) {
    if ((list.load() >> ring & 1) == 0) continue;
    if (rings_[ring].gen != 0)
      ring_of(sync_.stream(ring), rings_[ring].spec.ring_options, slot.index, slot.gen).sweep(slot.index, slot.gen);
    list.fetch_and(~(std::uint64_t{1} << ring));  // last: a sweep that was killed comes again
  }
}

bool StreamTable::is_taken(std::uint32_t ring, std::uint32_t batch, SlotRef slot) const noexcept {
  const auto word = sync_.stream(ring).word[batch].load();
  return batch_state(word) == BatchState::taken && batch_owner(word) == batch_owner(slot.index, slot.gen);
}

void StreamTable::kept(std::uint32_t ring, std::uint32_t batch) noexcept {
  auto& sync = sync_.stream(ring);
  sync.word[batch].store(batch_word(BatchState::free, 0, 0, sync.word[batch].load()));
  for (auto* event : {&sync.room_event, &sync.ready_event}) {
    event->fetch_add(2);
    event->fetch_and(~1U);
    FutexWake{}(*event);
  }
}

}  // namespace ndshare::internal
