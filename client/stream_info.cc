// What operators see of a stream, and why a wait ended without a batch.
#include <algorithm>
#include <bit>
#include <set>

#include "client/stream_state.h"
#include "lib/base/text.h"
#include "lib/shm/shared_bytes.h"
#include "lib/wire/attrs.h"

namespace ndshare::internal {
namespace {

constexpr std::array<const char*, 5> kStateNames = {"free", "loaned", "ready", "taken", "dead"};

std::uint64_t pid_of(const CatalogView& catalog, std::uint64_t owner) {
  const auto slot = owner_slot(owner);
  if (slot >= catalog.header().max_clients) return 0;
  const auto& words = catalog.slot(slot);
  return (slot_gen(words.id.load()) & 0x7FFFF) == owner >> 12 ? words.pid.load() : 0;
}

std::uint64_t& count_of(StreamInfo& info, BatchState state) {
  switch (state) {
    case BatchState::loaned:
      return info.loaned;
    case BatchState::ready:
      return info.ready;
    case BatchState::taken:
      return info.taken;
    case BatchState::dead:
      return info.dead;
    case BatchState::free:
      break;
  }
  return info.free;
}

/// One batch; nothing of it is believed that is out of its range.
BatchInfo batch_info(const CatalogView& catalog, const StreamSpec& spec, const StreamSync& sync, std::uint32_t number,
                     StreamInfo& info) {
  const auto word = sync.word[number].load();
  auto state = batch_state(word) <= BatchState::dead ? batch_state(word) : BatchState::free;
  const auto waited = sync.pending[number].load() & sync.cursors.load();
  // What nobody awaits any more is room for the next loan.
  if (spec.ring_options.broadcast && state == BatchState::ready && waited == 0 && sync.readers[number].load() == 0)
    state = BatchState::free;
  ++count_of(info, state);
  BatchInfo out;
  out.number = number, out.deliveries = batch_deliveries(word),
  out.state = kStateNames[static_cast<std::size_t>(state)];
  out.pid = pid_of(catalog, batch_owner(word));
  if (state == BatchState::free || state == BatchState::loaned) return out;
  const auto& meta = sync.meta[number];
  out.sequence = sync.sequence[number].load(), out.published_unix_ns = meta.published_unix_ns.load();
  out.rows = static_cast<std::int64_t>(std::min(meta.rows.load(), spec.rows));
  try {
    out.attrs = attrs_of(meta);
  } catch (const Error&) {
    out.attrs.clear();  // overwritten while it was read, or nonsense
  }
  return out;
}

}  // namespace

Attrs attrs_of(const BatchMeta& meta) {
  const auto bytes = std::min<std::uint64_t>(meta.attrs_bytes.load(), kMaxBatchAttrs);
  if (bytes == 0) return {};
  std::string text(bytes, '\0');
  load_shared(text.data(), meta.attrs, bytes);
  return decode_attrs(text);
}

StreamOptions options_of(const StreamSpec& spec) {
  StreamOptions out;
  out.rows = static_cast<std::int64_t>(spec.rows), out.depth = spec.ring_options.depth;
  out.mode = spec.ring_options.broadcast ? StreamMode::broadcast : StreamMode::queue;
  out.slow = spec.ring_options.skip ? SlowConsumer::skip : SlowConsumer::hold;
  out.max_deliveries = spec.ring_options.max_deliveries;
  return out;
}

StreamInfo stream_info(const CatalogView& catalog, const FoundStream& found, const StreamSync& sync) {
  StreamInfo info;
  info.name = found.copy.name.substr(kStreamPrefix.size());
  info.dtype = catalog_dtype(found.copy.dtype);
  info.row_shape = Shape(Dims(std::span(found.copy.shape).subspan(1)));
  info.options = options_of(found.spec);
  info.options.row_shape = info.row_shape;
  info.closed = sync.closed.load() != 0;
  info.published = sync.next_sequence.load();
  info.created_unix_ns = found.copy.created_unix_ns;
  std::set<std::uint64_t> takers;
  for (std::uint32_t i = 0; i < found.spec.ring_options.depth; ++i) {
    info.batches.push_back(batch_info(catalog, found.spec, sync, i, info));
    if (info.batches.back().state == "taken") takers.insert(info.batches.back().pid);
  }
  for (const auto& word : sync.producers) info.producers += static_cast<std::uint64_t>(std::popcount(word.load()));
  info.consumers = takers.size(), info.lag = info.ready;
  if (!found.spec.ring_options.broadcast) return info;
  const auto live = sync.cursors.load();
  info.consumers = static_cast<std::uint64_t>(std::popcount(live)), info.lag = 0;
  for (std::uint32_t c = 0; c < kMaxCursors; ++c) {
    if ((live >> c & 1) == 0) continue;
    info.missed += sync.cursor[c].missed.load();
    std::uint64_t before = 0;
    for (std::uint32_t i = 0; i < found.spec.ring_options.depth; ++i) {
      before += batch_state(sync.word[i].load()) == BatchState::ready && (sync.pending[i].load() >> c & 1) != 0;
    }
    info.lag = std::max(info.lag, before);
  }
  return info;
}

/// "3 ready, 5 taken by processes 12, 17".
std::string StreamState::why_full() {
  const auto info = stream_info(session_->catalog(), found(), *sync_);
  std::set<std::uint64_t> pids;
  for (const auto& batch : info.batches) {
    if (batch.pid != 0) pids.insert(batch.pid);
  }
  std::string text = std::to_string(info.options.depth) + " batches: " + std::to_string(info.ready) + " ready, " +
                     std::to_string(info.loaned) + " being filled, " + std::to_string(info.taken) + " being read, " +
                     std::to_string(info.dead) + " dead letters";
  if (!pids.empty()) {
    text += "; held by process";
    for (const auto pid : pids) text += " " + std::to_string(pid);
  }
  return text;
}

void StreamState::refuse(ErrorCode code, bool loaned) {
  const auto name = "stream '" + printable(name_) + "'";
  const Error::Details details = {{"stream", name_}};
  if (code == ErrorCode::StreamClosed) throw Error(code, name + " was closed: it takes no more input", details);
  if (code == ErrorCode::EndOfStream) throw Error(code, name + " was closed, and everything in it is done", details);
  if (code == ErrorCode::ProducersGone) {
    throw Error(code, name + " is empty, and every process that produced into it died or went away without close()",
                details);
  }
  throw Error(code,
              (loaned ? "no batch of " + name + " came free before the deadline: "
                      : "nothing came through " + name + " before the deadline: ") +
                  why_full(),
              details);
}

}  // namespace ndshare::internal
