// Streams: made, removed, and a batch of one kept. What goes on in a ring otherwise is its clients' business.
#include <algorithm>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "lib/base/text.h"
#include "lib/wire/attrs.h"

namespace ndshare::internal {
namespace {

Error wrong(const std::string& what) { return {ErrorCode::Usage, "the request does not make a stream: " + what}; }

std::string stream_of(std::string_view array_name) { return std::string(array_name.substr(kStreamPrefix.size())); }

}  // namespace

std::vector<SlotRef> EngineImpl::slots_in_use() const {
  std::vector<SlotRef> out;
  for (std::uint32_t i = 0; i < header().max_clients; ++i) {
    const auto id = writer_.slot(i).id.load();
    if (slot_state(id) != SlotState::free) out.push_back({i, slot_gen(id)});
  }
  return out;
}

std::uint64_t EngineImpl::rewrite_meta(const Current& array, std::string_view name, std::string_view attrs) {
  const auto& before = heap_.meta(array.meta);
  if (attrs.size() > kMaxAttrsBytes)
    throw wrong("its attributes would have " + std::to_string(attrs.size()) + " bytes");
  return heap_.write_meta(
      {array.index, before.owner_slot, before.owner_gen, before.uid, before.pid, before.created_unix_ns, name, attrs});
}

/// Checks what a MakeStreamRequest names. The batches come in the order of their numbers.
StreamSpec EngineImpl::check_stream(SlotRef slot, const MakeStreamRequest& request) const {
  const auto stream = find_id(slot, request.stream);
  const auto name = name_of(heap_.meta(stream.meta));
  if (!name.starts_with(kStreamPrefix)) throw wrong("'" + printable(name) + "' is no stream's name");
  auto spec = StreamSpec::parse(decode_attrs(attrs_of(heap_.meta(stream.meta))));
  if (spec.ring_options.depth != request.batches.size()) {
    throw wrong(std::to_string(request.batches.size()) + " batches for a depth of " +
                std::to_string(spec.ring_options.depth));
  }
  for (std::size_t i = 0; i < request.batches.size(); ++i) {
    const auto batch = find_id(slot, request.batches[i]);
    const bool named = name_of(heap_.meta(batch.meta)) == batch_array_name(stream_of(name), i);
    if (!batch.building() || !named) throw wrong("array " + std::to_string(i) + " is not its batch");
    spec.batches.emplace_back(batch.index, batch.array_gen);
  }
  if (!stream.building()) throw wrong("it is there already");
  return spec;
}

void EngineImpl::make_stream(SlotRef slot, std::uint64_t sequence, const MakeStreamRequest& request) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  auto spec = check_stream(slot, request);
  spec.ring = streams_.free_ring(slots_in_use());
  if (spec.ring == kMaxStreams) {
    throw Error(ErrorCode::TooManyStreams,
                "all " + std::to_string(kMaxStreams) + " streams of the store are taken: remove one",
                {{"max_streams", std::to_string(kMaxStreams)}});
  }
  check_sync_file();
  sync_reserver_.ensure(sync_.layout.streams_offset + spec.ring * kStreamStride, kStreamStride);
  streams_.start(spec.ring, request.stream.array_gen);
  crash_point("stream.started");
  auto ids = request.batches;
  ids.push_back(request.stream);
  const auto all = check_batch(slot, ids);
  const auto& stream = all.at(static_cast<std::uint32_t>(request.stream.array));
  const auto meta = rewrite_meta(stream, name_of(heap_.meta(stream.meta)), encode_attrs(spec.attrs()));
  try {
    Transaction change(writer_);
    for (const auto& [index, array] : all) {
      auto values = array.values();
      values.flags =
          (values.flags & ~(kArrayBuilding | kArraySession)) | (index == stream.index ? kArrayStream : kArrayBatch);
      if (index == stream.index) values.meta = meta;
      change.set_ref(index, values);
    }
    change.answers(slot.index, slot.gen, sequence);
    commit(change);
  } catch (...) {
    heap_.free_block(meta);
    throw;
  }
  reclaimer_.add_meta(stream.index, stream.array_gen, stream.version(), stream.meta);
  const auto ring = spec.ring;
  streams_.made(ring, {stream.index, stream.array_gen, std::move(spec)});
  crash_point("stream.made");
  published(slot, all);
}

void EngineImpl::no_such_stream(std::string_view name) {
  throw Error(ErrorCode::NoSuchStream, "no stream '" + printable(name) + "' in this store: see `ndshare streams ls`",
              {{"stream", std::string(name)}});
}

/// Whoever opens it from now on finds that it is being removed; whoever has it open keeps it.
void EngineImpl::refuse_users(std::uint32_t ring, std::string_view name) {
  streams_.set_state(ring, RingState::removing);
  const auto users = streams_.users(ring, slots_in_use());
  if (users.empty()) return;
  streams_.set_state(ring, RingState::open);
  std::string pids;
  for (const auto& user : users)
    pids += (pids.empty() ? "" : ", ") + std::to_string(writer_.slot(user.index).pid.load());
  throw Error(ErrorCode::Busy,
              "stream '" + printable(name) + "' is open in " + (users.size() == 1 ? "process " : "processes ") + pids +
                  ": end them, or let them close it",
              {{"stream", std::string(name)}, {"pids", pids}});
}

void EngineImpl::remove_stream(SlotRef slot, std::uint64_t sequence, std::string_view name) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  const auto found = index_.find(stream_array_name(name));
  if (!found || (current(*found).flags & kArrayStream) == 0) no_such_stream(name);
  const auto stream = current(*found);
  const auto spec = StreamSpec::parse(decode_attrs(attrs_of(heap_.meta(stream.meta))));
  refuse_users(spec.ring, name);
  std::vector<Current> gone = {stream};
  for (const auto& [index, gen] : spec.batches) {
    if (index >= header().records_high.load()) continue;
    const auto batch = current(index);
    if (batch.root != 0 && batch.array_gen == gen && (batch.flags & kArrayBatch) != 0) gone.push_back(batch);
  }
  crash_point("stream.removing");
  Transaction change(writer_);
  for (const auto& array : gone) retire(change, array, true);
  change.answers(slot.index, slot.gen, sequence);
  commit(change);
  for (const auto& array : gone) retired(array);
  streams_.removed(spec.ring);
  names_changed();
  update_statistics();
}

void EngineImpl::keep_batch(SlotRef slot, std::uint64_t sequence, const KeepBatchRequest& request) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  check_array_name(request.name);
  const auto stream = find_id(slot, request.stream);
  if ((stream.flags & kArrayStream) == 0) throw Error(ErrorCode::NoSuchStream, "the array named is no stream's");
  auto spec = StreamSpec::parse(decode_attrs(attrs_of(heap_.meta(stream.meta))));
  const auto number = static_cast<std::uint32_t>(std::min<std::uint64_t>(request.batch, kMaxStreamDepth));
  if (spec.ring_options.broadcast || number >= spec.ring_options.depth || !streams_.is_taken(spec.ring, number, slot)) {
    throw Error(ErrorCode::Permission,
                "batch " + std::to_string(request.batch) + " of the stream is not this client's to keep");
  }
  if (request.rows > spec.rows)
    throw Error(ErrorCode::ShapeMismatch,
                "a batch of " + std::to_string(spec.rows) + " rows has no " + std::to_string(request.rows));
  if (index_.find(request.name) || coming_.contains(request.name) || is_stream_name(request.name)) {
    throw Error(ErrorCode::NameTaken, "'" + request.name + "' exists already: remove it, or choose another name",
                {{"name", request.name}});
  }
  const auto fresh = find_id(slot, request.fresh);
  if (!fresh.building() || (fresh.flags & kArrayReplaces) == 0)
    throw Error(ErrorCode::Usage, "nothing to put in the batch's place");
  commit_kept(slot, sequence, request, stream, fresh, std::move(spec));
}

/// The stores of a keep: the batch's array under its new name and as long as it was filled, the fresh one in its place,
/// and the stream's list of both; what was kept is in that list too, for a start that finds the batch still taken.
void EngineImpl::commit_kept(SlotRef slot, std::uint64_t sequence, const KeepBatchRequest& request,
                             const Current& stream, const Current& fresh, StreamSpec spec) {
  const auto number = static_cast<std::uint32_t>(request.batch);
  const auto batch = current(spec.batches[number].first);
  const auto batch_name = std::string(name_of(heap_.meta(batch.meta)));
  spec.batches[number] = {fresh.index, fresh.array_gen};
  spec.kept = {number, sync_.stream(spec.ring).meta[number].sequence.load()};
  index_.reserve(2);
  const auto meta = rewrite_meta(batch, request.name, {});
  std::uint64_t list = 0;
  std::optional<NextVersion> next;
  try {
    list = rewrite_meta(stream, name_of(heap_.meta(stream.meta)), encode_attrs(spec.attrs()));
    Transaction change(writer_);
    const auto extents = extents_of(heap_.version(batch.block));
    next = write_next(batch, change.next_version(), static_cast<std::int64_t>(request.rows),
                      ExtentTable(extents.begin(), extents.end()), {});
    auto named = batch.values(), in_place = fresh.values(), listed = stream.values();
    named.block = next->block, named.meta = meta, named.flags &= ~kArrayBatch;
    in_place.flags = kArrayBatch, listed.meta = list;
    index_.insert(change, request.name, batch.index);
    change.set_ref(batch.index, named);
    index_.replace(change, batch_name, batch.index, fresh.index);
    change.set_ref(fresh.index, in_place);
    change.set_ref(stream.index, listed);
    change.answers(slot.index, slot.gen, sequence);
    commit(change);
  } catch (...) {
    index_.dropped();
    heap_.free_block(meta), heap_.free_block(list);
    if (next) drop_next(batch, *next);
    throw;
  }
  crash_point("stream.kept");
  superseded(batch, *next);
  reclaimer_.add_meta(batch.index, batch.array_gen, batch.version(), batch.meta);
  reclaimer_.add_meta(stream.index, stream.array_gen, stream.version(), stream.meta);
  published(slot, {{fresh.index, fresh}});
  const auto ring = spec.ring;
  streams_.made(ring, {stream.index, stream.array_gen, std::move(spec)});
  streams_.kept(ring, number);
}

/// A stream's array and the ring that it names. A damaged one is no stream any more, and its ring nobody's.
void EngineImpl::adopt_streams() {
  for (std::uint32_t i = 0; i < records_high_; ++i) {
    const auto array = current(i);
    if (array.root == 0 || (array.flags & kArrayStream) == 0 || array.building()) continue;
    auto spec = StreamSpec::parse(decode_attrs(attrs_of(heap_.meta(array.meta))));
    if (spec.ring >= kMaxStreams) throw Error(ErrorCode::Damaged, "a stream of the catalog names no ring");
    const auto ring = spec.ring;
    sync_reserver_.ensure(sync_.layout.streams_offset + ring * kStreamStride, kStreamStride);
    streams_.adopt(ring, {i, array.array_gen, std::move(spec)});
  }
}

}  // namespace ndshare::internal
