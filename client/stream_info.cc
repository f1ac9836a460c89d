// What operators see of a stream, and why a wait ended without a batch.
#include <algorithm>
#include <set>

#include "client/stream_state.h"
#include "lib/base/text.h"
#include "lib/shm/shared_bytes.h"
#include "lib/shm/stream_look.h"
#include "lib/wire/attrs.h"

namespace ndshare::internal {
namespace {

/// One batch; nothing of it is believed that is out of its range.
BatchInfo batch_info(const StreamSpec& spec, const StreamSync& sync, const BatchLook& look, std::uint32_t number) {
  BatchInfo out;
  out.number = number, out.deliveries = batch_deliveries(look.word), out.pid = look.pid;
  out.state = kBatchStateNames[static_cast<std::size_t>(look.state)];
  if (look.state == BatchState::free || look.state == BatchState::loaned) return out;
  const auto& meta = sync.meta[number];
  out.sequence = meta.sequence.load(), out.published_unix_ns = meta.published_unix_ns.load();
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
  info.created_unix_ns = found.copy.created_unix_ns;
  const auto look = look_at_stream(catalog, sync, found.spec.ring_options);
  info.closed = look.closed, info.published = look.published, info.lag = look.lag, info.missed = look.missed;
  info.producers = look.producers, info.consumers = look.consumers;
  info.free = look.count(BatchState::free), info.loaned = look.count(BatchState::loaned);
  info.ready = look.count(BatchState::ready), info.taken = look.count(BatchState::taken);
  info.dead = look.count(BatchState::dead);
  for (std::uint32_t i = 0; i < look.batches.size(); ++i)
    info.batches.push_back(batch_info(found.spec, sync, look.batches[i], i));
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
