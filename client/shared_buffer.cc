#include <algorithm>

#include "client/shared_state.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

/// Byte range of rows of a version: its first byte, bytes a row.
struct RowRange {
  std::int64_t lo = 0, hi = 0, row_bytes = 0, count = 0;  ///< count: rows of the array
};

RowRange row_range(const VersionInfo& info, const Rows& rows) {
  RowRange range;
  const bool whole = rows.first == 0 && rows.last == -1;
  if (info.order == Order::F && info.shape.ndim() > 1) {
    if (!whole) {
      throw Error(ErrorCode::Usage, "rows of a Fortran-ordered array are not contiguous: take the whole array, or make it in C order");
    }
    range.count = info.shape.back();
  } else {
    range.count = info.shape.ndim() == 0 ? 1 : info.shape[0];
  }
  range.hi = rows.last == -1 ? range.count : rows.last;
  range.lo = rows.first;
  const bool scalar_part = info.shape.ndim() == 0 && range.hi - range.lo != 1;
  if (range.lo < 0 || range.hi < range.lo || range.hi > range.count || scalar_part) {
    throw Error(ErrorCode::IndexBounds,
                "rows " + std::to_string(rows.first) + " to " + std::to_string(rows.last) + " of an array that has " +
                    std::to_string(range.count),
                {{"first", std::to_string(rows.first)}, {"last", std::to_string(rows.last)}, {"rows", std::to_string(range.count)}});
  }
  range.row_bytes = range.count == 0 ? 0 : info.nbytes / range.count;
  return range;
}

/// The version that the pin names: the one the handle was opened with, or read anew into `other`.
const VersionInfo& pinned_version(const SharedState& state, const Pin& pin, VersionInfo& other) {
  if (pin.ref().version == state.opened.version) return state.opened;
  auto copy = state.session->catalog().read_version(pin.ref());
  copy.ref = pin.ref();
  other = version_info(copy);
  return other;
}

/// Refuses what the array's state forbids to this mode.
void check_state(const SharedState& state, std::uint64_t flags, bool to_write) {
  const bool building = (flags & kArrayBuilding) != 0;
  if (building && !state.ours) {
    const auto copy = state.session->catalog().read(state.array);
    if (!copy || copy->ref.array_gen != state.array_gen) state.removed();
    if ((copy->ref.flags & kArrayBuilding) != 0) still_building(*copy);
  }
  if (!to_write || building) return;
  if ((flags & kArraySealed) != 0) {
    throw Error(ErrorCode::Sealed, "array '" + printable(state.name) +
                                       "' is sealed: it never changes again; create with replace publishes a new one");
  }
  throw Error(ErrorCode::NotSupported, "array '" + printable(state.name) +
                                           "' is visible to others, and such arrays are read-only in this version; make a new "
                                           "one with create and replace: readers of this one keep what they have");
}

/// Gives the ticket back unless it was handed on.
struct TicketGuard {
  BuildTable& builds;
  std::uint64_t array_gen, ticket;
  ~TicketGuard() {
    if (ticket != 0) builds.finish(array_gen, ticket);
  }
};

Layout rows_layout(const VersionInfo& info, const RowRange& range) {
  auto layout = Layout::contiguous(info.shape, info.dtype.itemsize(), info.order);
  if (range.hi - range.lo != range.count && info.shape.ndim() > 0) layout.shape[0] = range.hi - range.lo;
  return layout;
}

}  // namespace

GuardState pin_rows(const SharedState& state, const Access& access) {
  const bool writes = access.mode == ClaimMode::write;
  Lease lease(state.session);
  if (writes) lease->check_writer();
  const auto seen = state.current();
  const auto flags = seen.flags;
  check_state(state, flags, writes);
  const auto range = row_range(state.opened, access.rows);
  TicketGuard ticket{lease->builds(), state.array_gen, 0};
  if ((flags & kArrayBuilding) != 0) {
    ticket.ticket = lease->builds().acquire(state.array_gen, {range.lo, range.hi, writes}, lease->deadline(access.timeout));
  }
  auto pin = pin_version(lease->claims(), lease->catalog(), seen, access.mode, range.lo, range.hi);
  if (!pin) state.removed();
  check_state(state, pin->ref().flags, writes);  // it may have been published while we waited
  VersionInfo other;
  const auto& info = pinned_version(state, *pin, other);
  const auto rows = &info == &state.opened ? range : row_range(info, access.rows);
  const auto map = writes ? Mapping::Access::read_write : Mapping::Access::read_only;
  auto bytes = lease->pool().locate(info.extents, static_cast<std::uint64_t>(info.nbytes), state.array_gen, info.version, map);
  const auto skip = rows.lo * rows.row_bytes;
  // One extent: its place in the pool. Several: a space of their own, the same for every map of this version.
  const auto store = lease->hello().store_id;
  const Origin origin = info.extents.size() == 1
                            ? Origin{store, info.extents[0].offset + static_cast<std::uint64_t>(skip)}
                            : Origin{store ^ (info.version * 0x9E37'79B9'7F4A'7C15ULL), static_cast<std::uint64_t>(skip)};
  SharedBuffer::Parts parts{std::move(lease), std::move(*pin), std::move(bytes.keep), ticket.ticket, writes,
                            access.timeout.value_or(state.session->timeout())};
  auto buffer = std::make_shared<SharedBuffer>(std::move(parts), bytes.data + skip, (rows.hi - rows.lo) * rows.row_bytes, origin);
  ticket.ticket = 0;
  return {Array(info.dtype, rows_layout(info, rows), buffer, writes), buffer};
}

long GuardState::borrowed() const noexcept { return buffer.use_count() - 2; }  // the guard's own: buffer, and array's

SharedBuffer::SharedBuffer(Parts parts, std::byte* data, std::int64_t nbytes, Origin origin)
    : Buffer(data, nbytes, parts.writes, origin), parts_(std::move(parts)) {}

SharedBuffer::~SharedBuffer() {
  if (parts_.lease->forked()) {
    static_cast<void>(new Pin(std::move(parts_.pin)));  // the parent's claim: not this process's to give back
    return;
  }
  try {
    finish();
  } catch (const std::exception&) {
    // Nobody to tell: release() of the guard tells.
  }
}

void SharedBuffer::finish() {
  if (done_) return;
  done_ = true;
  if (!parts_.writes || parts_.build_ticket == 0) return give_back();
  try {
    if (parts_.lease->builds().begin_release(parts_.pin.ref().array_gen, parts_.build_ticket)) publish();
  } catch (...) {
    give_back();
    throw;
  }
  give_back();
}

void SharedBuffer::publish() {
  auto& session = *parts_.lease;
  const auto& ref = parts_.pin.ref();
  PublishRequest request;
  request.arrays.push_back({ref.array, ref.array_gen});
  session.request(request, session.deadline(parts_.timeout));
}

void SharedBuffer::abandon() noexcept {
  if (done_) return;
  done_ = true;
  parts_.writes = false;  // no change is counted
  give_back();
}

void SharedBuffer::give_back() noexcept {
  const auto& ref = parts_.pin.ref();
  if (parts_.writes) parts_.lease->array_sync(ref.array).revision.fetch_add(1, std::memory_order_release);
  const auto array_gen = ref.array_gen;
  parts_.pin.release();
  if (parts_.build_ticket != 0) parts_.lease->builds().finish(array_gen, parts_.build_ticket);
}

}  // namespace ndshare::internal
