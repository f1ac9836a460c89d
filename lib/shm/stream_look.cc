#include "lib/shm/stream_look.h"

#include <algorithm>
#include <bit>
#include <set>

namespace ndshare::internal {
namespace {

std::uint64_t owner_pid(const CatalogView& catalog, std::uint64_t owner) {
  const auto slot = owner_slot(owner);
  if (slot >= catalog.header().max_clients) return 0;
  const auto& words = catalog.slot(slot);
  return (slot_gen(words.id.load()) & 0x7FFFF) == owner >> 12 ? words.pid.load() : 0;
}

BatchLook look_at_batch(const CatalogView& catalog, const StreamSync& sync, const RingOptions& options,
                        std::uint32_t number) {
  BatchLook out;
  out.word = sync.word[number].load();
  out.state = batch_state(out.word) <= BatchState::dead ? batch_state(out.word) : BatchState::free;
  out.pending = options.broadcast ? sync.pending[number].load() & sync.cursors.load() : 0;
  // What nobody awaits any more is room for the next loan.
  if (options.broadcast && out.state == BatchState::ready && out.pending == 0 && sync.readers[number].load() == 0)
    out.state = BatchState::free;
  out.pid = owner_pid(catalog, batch_owner(out.word));
  return out;
}

void look_at_cursors(const StreamSync& sync, StreamLook& out) {
  const auto live = sync.cursors.load();
  out.consumers = static_cast<std::uint64_t>(std::popcount(live));
  for (std::uint32_t c = 0; c < kMaxCursors; ++c) {
    if ((live >> c & 1) == 0) continue;
    out.missed += sync.cursor[c].missed.load();
    const auto before = std::ranges::count_if(out.batches, [&](const BatchLook& batch) {
      return batch.state == BatchState::ready && (batch.pending >> c & 1) != 0;
    });
    out.lag = std::max(out.lag, static_cast<std::uint64_t>(before));
  }
}

}  // namespace

StreamLook look_at_stream(const CatalogView& catalog, const StreamSync& sync, const RingOptions& options) {
  StreamLook out;
  out.closed = sync.closed.load() != 0;
  out.published = sync.next_sequence.load();
  std::set<std::uint64_t> takers;
  for (std::uint32_t i = 0; i < options.depth; ++i) {
    out.batches.push_back(look_at_batch(catalog, sync, options, i));
    const auto& batch = out.batches.back();
    ++out.counts[static_cast<std::size_t>(batch.state)];
    if (batch.state == BatchState::taken) takers.insert(batch.pid);
  }
  for (const auto& word : sync.producers) out.producers += static_cast<std::uint64_t>(std::popcount(word.load()));
  if (options.broadcast) {
    look_at_cursors(sync, out);
  } else {
    out.consumers = takers.size(), out.lag = out.count(BatchState::ready);
  }
  return out;
}

}  // namespace ndshare::internal
