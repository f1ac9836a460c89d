#include "client/stream_state.h"

#include <algorithm>
#include <utility>

#include "client/wait.h"
#include "lib/base/text.h"
#include "lib/wire/attrs.h"

namespace ndshare::internal {
namespace {

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

ErrorCode code_of(Outlook outlook) {
  if (outlook == Outlook::more) return ErrorCode::Timeout;
  return outlook == Outlook::ended ? ErrorCode::EndOfStream : ErrorCode::ProducersGone;
}

SlotClaims& claims_of(ClientSession& session) { return session.system().claims(session.slot()); }

}  // namespace

std::optional<FoundStream> find_stream(const CatalogView& catalog, std::string_view name) {
  FoundStream found;
  std::vector<std::byte> scratch;
  if (!catalog.find_into(stream_array_name(name), found.copy, scratch)) return std::nullopt;
  if ((found.copy.ref.flags & kArrayStream) == 0 || (found.copy.ref.flags & kArrayBuilding) != 0) return std::nullopt;
  found.spec = StreamSpec::parse(decode_attrs(found.copy.attrs));
  if (found.spec.ring >= kMaxStreams) throw Error(ErrorCode::Damaged, "stream '" + printable(name) + "' names no ring");
  return found;
}

void no_such_stream(const std::string& store, std::string_view name) {
  throw Error(ErrorCode::NoSuchStream,
              "store '" + store + "' has no stream '" + printable(name) + "'; `ndshare streams ls` shows what is there",
              {{"stream", std::string(name)}, {"store", store}});
}

std::shared_ptr<StreamState> StreamState::open(const std::shared_ptr<ClientSession>& session, std::string_view name) {
  const auto deadline = session->deadline({});
  while (true) {
    auto found = find_stream(session->catalog(), name);
    if (!found) no_such_stream(session->name(), name);
    const auto ring = found->spec.ring;
    const auto ref = found->copy.ref;
    session->stream_uses().open(ring, claims_of(*session));
    try {
      auto state = std::make_shared<StreamState>(session, std::move(*found));
      // The slot lists the ring: from here on the stream is not removed, unless that is under way.
      const bool open = state->sync().state.load() == static_cast<std::uint32_t>(RingState::open) &&
                        state->sync().stream.load() == ref.array_gen;
      if (open && session->catalog().is_current(ref)) return state;
    } catch (...) {
      session->stream_uses().close(ring, claims_of(*session));
      throw;
    }
    session->check();
    if (time_left(deadline).count() == 0) {
      throw Error(
          ErrorCode::Timeout,
          "stream '" + printable(name) + "' is being removed, or its ring is damaged: 'ndshare start' mends that",
          {{"stream", std::string(name)}});
    }
    nap(deadline);
  }
}

/// REQUIRES: the ring is listed; the state gives that back.
StreamState::StreamState(const std::shared_ptr<ClientSession>& session, FoundStream found)
    : session_(session),
      lease_(session),
      name_(found.copy.name.substr(kStreamPrefix.size())),
      dtype_(catalog_dtype(found.copy.dtype)) {
  const auto& spec = found.spec;
  const Shape shape{Dims(found.copy.shape)};
  row_shape_ = Shape(Dims(std::span(found.copy.shape).subspan(1)));
  options_ = options_of(spec);
  options_.row_shape = row_shape_;
  row_bytes_ = static_cast<std::int64_t>(found.copy.row_bytes);
  array_ = found.copy.ref.array, gen_ = found.copy.ref.array_gen, ring_number_ = spec.ring;
  root_.store(found.copy.ref.root);
  sync_ = &session->stream_sync(spec.ring);
  ring_ = ring_of(*sync_, spec.ring_options, session->slot(), session->hello().gen);
  places_ = std::make_unique<Place[]>(spec.ring_options.depth);
  set_places(spec);
}

StreamState::~StreamState() {
  if (session_->forked()) return;
  if (joined()) ring_.leave(cursor());
  if (producing_.load()) session_->stream_uses().stop_producing(ring_number_, ring_);
  session_->stream_uses().close(ring_number_, claims_of(*session_));
}

Shape StreamState::shape(std::int64_t rows) const {
  std::vector<std::int64_t> dims = {rows};
  dims.insert(dims.end(), row_shape_.begin(), row_shape_.end());
  return Shape(Dims(dims));
}

void StreamState::set_places(const StreamSpec& spec) {
  for (std::uint32_t i = 0; i < spec.ring_options.depth; ++i) {
    auto& place = places_[i];
    if (place.array == spec.batches[i].first && place.gen == spec.batches[i].second) continue;
    place.array = spec.batches[i].first, place.gen = spec.batches[i].second, place.offset = UINT64_MAX;
    for (auto& data : place.data) data.store(nullptr);
    place.keep = {};
  }
}

FoundStream StreamState::found() const {
  auto found = find_stream(session_->catalog(), name_);
  if (!found || found->copy.ref.array_gen != gen_) no_such_stream(session_->name(), name_);
  return std::move(*found);
}

void StreamState::reload() {
  const std::lock_guard lock(mutex_);
  const auto now = found();
  if (now.spec.batches.size() != ring_.options().depth)
    throw Error(ErrorCode::Damaged, "stream '" + printable(name_) + "' changed its depth");
  set_places(now.spec);
  root_.store(now.copy.ref.root);
}

std::byte* StreamState::data(std::uint32_t number, bool writable) {
  if (session_->catalog().record(array_).root.load(std::memory_order_seq_cst) != root_.load()) reload();
  auto& place = places_[number];
  auto* data = place.data[writable ? 1 : 0].load(std::memory_order_acquire);
  return data != nullptr ? data : locate(place, writable);
}

std::byte* StreamState::locate(Place& place, bool writable) {
  const std::lock_guard lock(mutex_);
  const auto copy = session_->catalog().read(place.array);
  const auto need = static_cast<std::uint64_t>(options_.rows) * static_cast<std::uint64_t>(row_bytes_);
  if (!copy || copy->ref.array_gen != place.gen || copy->nbytes != need) {
    throw Error(ErrorCode::Damaged,
                "a batch of stream '" + printable(name_) + "' has no array, or one of another size");
  }
  const auto access = writable ? Mapping::Access::read_write : Mapping::Access::read_only;
  auto bytes = session_->pool().locate(copy->extents, copy->nbytes, place.gen, copy->ref.version, access);
  place.keep[writable ? 1 : 0] = std::move(bytes.keep);
  place.offset = bytes.place;
  place.data[writable ? 1 : 0].store(bytes.data, std::memory_order_release);
  return bytes.data;
}

Origin StreamState::origin(std::uint32_t number) {
  const auto& place = places_[number];
  const auto store = session_->hello().store_id;
  if (place.offset != UINT64_MAX) return {store, place.offset};
  return {store ^ (place.gen * 0x9E37'79B9'7F4A'7C15ULL), 0};
}

void StreamState::give_back(std::uint32_t number, bool loaned) noexcept {
  if (session_->forked()) return;
  if (loaned) {
    ring_.discard(number);
  } else {
    ring_.put_back(number, cursor());
  }
}

void StreamState::join() {
  if (!broadcast() || joined()) return;
  const std::lock_guard lock(mutex_);
  if (joined()) return;
  const int place = ring_.join();
  if (place < 0) {
    throw Error(
        ErrorCode::TooManyStreams,
        "stream '" + printable(name_) + "' has " + std::to_string(kMaxCursors) + " consumers, all that it has room for",
        {{"limit", std::to_string(kMaxCursors)}});
  }
  cursor_.store(place);
}

// ---- waits

/// Looks again and again for as long as `wait` says.
template <class Look>
int StreamState::spin(const StreamWait& wait, Deadline deadline, Look&& look) {
  if (wait.spin.count() <= 0) return -1;
  const auto end = std::min(deadline, std::chrono::steady_clock::now() + wait.spin);
  do {
    for (int i = 0; i < 16; ++i) {
      if (const int found = look(); found != -1) return found;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return -1;
}

int StreamState::loan(const StreamWait& wait, bool now, ErrorCode& code) {
  session_->check_writer();
  if (!producing_.load(std::memory_order_relaxed) && !producing_.exchange(true))
    session_->stream_uses().produce(ring_number_, ring_);
  const auto look = [&] { return ring_.loan(hint_.load(std::memory_order_relaxed)); };
  int found = look();
  if (found == -1 && !(now && !wait.timeout && wait.spin.count() == 0)) {
    const auto deadline =
        now && !wait.timeout ? std::chrono::steady_clock::now() + wait.spin : session_->guard_deadline(wait.timeout);
    found = spin(wait, deadline, look);
    while (found == -1) {
      const auto seen = announce_waiter(sync_->room_event);
      if (found = look(); found != -1 || time_left(deadline).count() == 0) break;
      sleep_on(sync_->room_event, seen, deadline);
      session_->check();
    }
  }
  if (found >= 0) {
    hint_.store(static_cast<std::uint32_t>(found) + 1, std::memory_order_relaxed);
    return found;
  }
  code = found == -2 ? ErrorCode::StreamClosed : ErrorCode::Timeout;
  return -1;
}

/// One thread at a time remembers what it saw; the others look for themselves.
int StreamState::take_now(std::uint32_t cursor) noexcept {
  if (ahead_used_.test_and_set(std::memory_order_acquire)) return ring_.take(cursor);
  const int batch = ring_.take(cursor, ahead_);
  ahead_used_.clear(std::memory_order_release);
  return batch;
}

int StreamState::take(const StreamWait& wait, bool now, ErrorCode& code) {
  session_->check();
  join();
  const auto cursor = this->cursor();
  // Not −1 where the stream is closed: there may be nothing more to look for.
  const auto look = [&] {
    const int batch = take_now(cursor);
    return batch == -1 && sync_->closed.load(std::memory_order_relaxed) != 0 ? -2 : batch;
  };
  int found = look();
  if (found >= 0) return found;
  const bool no_wait = now && !wait.timeout;
  const auto deadline = no_wait ? std::chrono::steady_clock::now() + wait.spin : session_->guard_deadline(wait.timeout);
  if (found == -1) found = spin(wait, deadline, look);
  bool drains = false;
  while (found < 0) {
    const auto seen = announce_waiter(sync_->ready_event);
    if (drains && ring_.has_ready()) ring_.end_drain(), drains = false;
    if (found = drains ? -1 : look(); found >= 0) break;
    const auto outlook = ring_.outlook(cursor);
    code = code_of(outlook);
    if (outlook != Outlook::more || no_wait || time_left(deadline).count() == 0) break;
    if (!broadcast() && sync_->closed.load() != 0) {
      const bool first = !std::exchange(drains, true);
      ring_.begin_drain();  // the first time it changes the event: everybody looks again, and so does this loop
      if (first) continue;
    }
    sleep_on(sync_->ready_event, seen, deadline);
    session_->check();
  }
  if (drains) ring_.end_drain();
  return found;
}

}  // namespace ndshare::internal
