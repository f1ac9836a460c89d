// Updates: a private copy of some grains, published at once; and what is made of the same: append, resize, revert, moving home.
#include <algorithm>
#include <cstring>

#include "client/guard_access.h"
#include "lib/base/checked.h"
#include "lib/base/text.h"
#include "lib/exec/parallel_memory.h"

namespace ndshare::internal {
namespace {

constexpr std::size_t kManyRuns = 1024;  ///< after a commit that leaves more pieces than this the array is moved home

/// Pages of granted memory that may be written while it lives (NDSHARE_GUARD_PAGES).
std::vector<std::unique_ptr<OpenPages>> open_pieces(ClientSession& session, const std::vector<ArrayPiece>& pieces) {
  std::vector<std::unique_ptr<OpenPages>> open;
  if (!session.guard_pages().enabled()) return open;
  for (const auto& piece : pieces) {
    open.push_back(std::make_unique<OpenPages>(session.guard_pages(), piece.data, static_cast<std::int64_t>(piece.bytes)));
  }
  return open;
}

VersionBlock head_of(const SharedState& state, const RefCopy& ref) {
  VersionBlock head;
  if (!state.session->catalog().pinned_head(ref, head)) throw Error(ErrorCode::Damaged, "the store's catalog is damaged: a version's block");
  return head;
}

std::uint64_t bytes_of(const std::vector<ExtentInfo>& extents) {
  std::uint64_t total = 0;
  for (const auto& extent : extents) total += extent.bytes;
  return total;
}

/// Copies bytes [from, to) of a version into granted memory, `skip` bytes into it.
void copy_old(ClientSession& session, const RefCopy& ref, const std::vector<Extent>& fresh, std::uint64_t skip, std::uint64_t from,
              std::uint64_t to, SlotCounter counter) {
  if (from >= to) return;
  const auto target = session.pool().pieces(fresh, skip, skip + (to - from), Mapping::Access::read_write);
  const auto open = open_pieces(session, target);
  copy_pieces(target, session.pool().pieces(session.catalog().pinned_extents(ref), from, to, Mapping::Access::read_only));
  session.table().count(counter, to - from);
}

}  // namespace

UpdateState::~UpdateState() {
  if (state != nullptr) state->session->return_memory(std::move(extents));
}

void make_copy(const StatePtr& state, const RefCopy& ref, const RowRange& rows, bool overwrite, Deadline deadline, GuardCore& core,
               std::shared_ptr<UpdateState>& update) {
  auto& session = *state->session;
  const auto head = head_of(*state, ref);
  auto made = std::make_shared<UpdateState>();
  made->state = state;
  made->lo = rows.lo, made->hi = rows.hi;
  const auto lo = static_cast<std::uint64_t>(rows.lo) * head.row_bytes, hi = static_cast<std::uint64_t>(rows.hi) * head.row_bytes;
  made->at = round_down(lo, head.grain);
  const auto end = std::min(round_up(hi, head.grain), head.nbytes);
  made->bytes = lo < hi ? end - made->at : 0;
  if (made->bytes > 0) {
    const auto wait = std::min(deadline, session.deadline({}));
    made->extents = session.request_memory(MemoryRequest{state->id(), memory_for(made->at, made->bytes)}, wait).extents;
    const auto fresh = to_extents(made->extents);
    if (overwrite) {
      copy_old(session, ref, fresh, 0, made->at, lo, SlotCounter::updated_bytes);
      copy_old(session, ref, fresh, hi - made->at, hi, end, SlotCounter::updated_bytes);
    } else {
      copy_old(session, ref, fresh, 0, made->at, end, SlotCounter::updated_bytes);
    }
    auto bytes = session.pool().locate(fresh, lo - made->at, hi - made->at, {fresh.front().offset, ~std::uint64_t{0}},
                                       Mapping::Access::read_write);
    core.data = bytes.data;
    core.place = bytes.place;
    made->map = std::move(bytes.keep);
    session.guard_pages().open(core.data, static_cast<std::int64_t>(hi - lo));
  } else {
    core.data = session.pool().locate({}, 0, 0, {}, Mapping::Access::read_write).data;
  }
  core.nbytes = static_cast<std::int64_t>(hi - lo);
  update = std::move(made);
}

std::uint64_t commit_update(GuardCore& core, UpdateState& update) {
  auto& session = *update.state->session;
  session.check();
  CommitRequest request{update.state->id(), update.extents, {}, -1, true, update.lo, update.hi};
  const auto room = bytes_of(update.extents);
  if (room > 0) request.changes.push_back({update.at, room});
  const auto version = session.request(request, session.deadline({})).version;
  update.extents.clear();
  const auto state = update.state;
  drop_guard(core, ClaimMode::update);
  const auto copy = session.catalog().read(state->array);
  if (copy && copy->ref.array_gen == state->array_gen && coalesce(copy->extents).size() > kManyRuns) move_home(state);
  return version;
}

bool move_home(const StatePtr& state) noexcept {
  try {
    auto& session = *state->session;
    HeldClaim held(session, false);
    Claims::Grant grant;
    Blocker blocker;
    const auto wish = wish_for(*state, ClaimMode::update, 0, kAllRows);
    if (try_acquire(*state, held, wish, Deadline{}, grant, blocker) != Verdict::granted) return false;
    const auto head = head_of(*state, grant.ref);
    const auto runs = coalesce(session.catalog().pinned_extents(grant.ref)).size();
    if (head.nbytes == 0 || runs < 2 || (grant.ref.flags & kArraySealed) != 0) return false;
    auto granted = session.request_memory(MemoryRequest{state->id(), head.nbytes}, session.deadline({}));
    UpdateState memory;  // returns it where something fails
    memory.state = state;
    memory.extents = std::move(granted.extents);
    const auto fresh = to_extents(memory.extents);
    if (coalesce(fresh).size() * 2 > runs) return false;
    copy_old(session, grant.ref, fresh, 0, 0, head.nbytes, SlotCounter::moved_bytes);
    session.request(CommitRequest{state->id(), memory.extents, {{0, bytes_of(memory.extents)}}, -1, false, 0, 0}, session.deadline({}));
    memory.extents.clear();
    return true;
  } catch (const std::exception&) {
    return false;  // it stays where it is
  }
}

namespace {

/// An UPDATE claim from the first row of the last grain on, taken anew where the array grew or shrank while it was waited for.
struct TailClaim {
  std::unique_ptr<HeldClaim> held;
  RefCopy ref;
  VersionBlock head{};
  std::int64_t rows = 0;
};

/// `keep_rows`: the claim starts no later than at that row's grain (a resize to fewer rows).
TailClaim claim_tail(const SharedState& state, std::int64_t keep_rows, Deadline deadline) {
  auto& session = *state.session;
  while (true) {
    TailClaim out;
    const auto rows = state.rows_of(state.shape());
    const auto last = std::max<std::int64_t>(std::min(rows, keep_rows) - 1, 0);
    const auto grain = static_cast<std::uint64_t>(last) * state.geometry.row_bytes / state.geometry.grain;
    const auto lo = static_cast<std::int64_t>(grain * state.geometry.grain / state.geometry.row_bytes);
    out.held = std::make_unique<HeldClaim>(session, false);
    out.ref = acquire(state, *out.held, ClaimMode::update, lo, kAllRows, deadline).ref;
    out.head = head_of(state, out.ref);
    out.rows = state.rows_of(session.catalog().pinned_shape(out.ref));
    if (out.rows != rows) continue;
    check_granted(state, out.ref, {.mode = ClaimMode::update, .repair = true}, {lo, out.rows});
    return out;
  }
}

/// What comes behind the data: bytes to copy, or zeros.
void write_tail(ClientSession& session, const std::vector<ArrayPiece>& pieces, const std::byte* from) {
  const auto open = open_pieces(session, pieces);
  if (from == nullptr) {
    for (const auto& piece : pieces) parallel_zero(piece.data, piece.bytes);
    return;
  }
  std::uint64_t total = 0;
  for (const auto& piece : pieces) total += piece.bytes;
  copy_pieces(pieces, {{const_cast<std::byte*>(from), total, nullptr}});
}

/// Makes the array `more` rows longer: from `from`, or zeros where that is null.
void grow(const SharedState& state, const std::byte* from, std::int64_t more, Deadline deadline, const TailClaim& tail) {
  auto& session = *state.session;
  const auto wait = std::min(deadline, session.deadline({}));
  const auto bytes = checked_mul(static_cast<std::uint64_t>(more), tail.head.row_bytes).value_or(kMaxBytes);
  const auto granted = session.request_memory(ExtendRequest{state.id(), bytes}, wait);
  try {
    const auto begin = tail.head.nbytes, end = begin + bytes;
    const auto fresh = to_extents(granted.extents);
    const auto room = bytes_of(granted.extents);
    // Behind the data in the pages that the array has already, then in the granted ones.
    const auto inside = std::min(std::max(granted.at, begin), end);
    if (inside > begin) {
      write_tail(session, session.pool().pieces(session.catalog().pinned_extents(tail.ref), begin, inside, Mapping::Access::read_write), from);
    }
    if (granted.at < begin) copy_old(session, tail.ref, fresh, 0, granted.at, begin, SlotCounter::appended_bytes);
    if (end > inside) {
      const auto* rest = from == nullptr ? nullptr : from + (inside - begin);
      write_tail(session, session.pool().pieces(fresh, inside - granted.at, end - granted.at, Mapping::Access::read_write), rest);
    }
    CommitRequest commit{state.id(), granted.extents, {}, tail.rows + more, true, 0, 0};
    if (room > 0) commit.changes.push_back({granted.at, room});
    session.request(commit, wait);
  } catch (...) {
    session.return_memory(granted.extents);
    throw;
  }
  session.table().count(SlotCounter::appended_bytes, bytes);
}

void check_growable(const SharedState& state, const char* what) {
  const bool fortran = state.opened.order == Order::F && state.opened.shape.ndim() > 1;
  if (state.opened.shape.ndim() > 0 && !fortran) return;
  throw Error(ErrorCode::Usage, std::string(what) + ": array '" + printable(state.name) +
                                    (fortran ? "' is Fortran-ordered: its rows are not contiguous" : "' has no axes") +
                                    "; make a new one with create and replace");
}

}  // namespace

void append_rows(const SharedState& state, const Array& rows, const Timeout& timeout) {
  auto& session = *state.session;
  session.check_writer();
  check_growable(state, "append");
  const auto& is = state.opened;
  if (rows.dtype() != is.dtype) {
    throw Error(ErrorCode::DtypeMismatch, "append: rows of " + rows.dtype().to_string() + " to array '" + printable(state.name) + "' of " +
                                              is.dtype.to_string() + ": convert them with astype()");
  }
  const bool one = rows.ndim() == is.shape.ndim() - 1;
  const int skip = one ? 0 : 1;
  bool fits = one || rows.ndim() == is.shape.ndim();
  for (int axis = 1; fits && axis < is.shape.ndim(); ++axis) fits = rows.shape()[axis - 1 + skip] == is.shape[axis];
  if (!fits) {
    throw Error(ErrorCode::ShapeMismatch, "append: rows of shape " + rows.shape().str() + " to array '" + printable(state.name) +
                                              "' of shape " + is.shape.str() + ": all axes but the first must be equal");
  }
  const auto count = one ? 1 : rows.shape()[0];
  if (count == 0) return;
  const Array flat = rows.is_c_contiguous() ? rows : rows.copy();
  const auto deadline = session.guard_deadline(timeout);
  const auto tail = claim_tail(state, INT64_MAX, deadline);
  grow(state, flat.data(), count, deadline, tail);
}

void resize_rows(const SharedState& state, std::int64_t rows, const Timeout& timeout) {
  auto& session = *state.session;
  session.check_writer();
  check_growable(state, "resize");
  if (rows < 0) throw Error(ErrorCode::Shape, "resize: " + std::to_string(rows) + " rows; give 0 or more");
  const auto deadline = session.guard_deadline(timeout);
  const auto tail = claim_tail(state, rows, deadline);
  if (rows > tail.rows) return grow(state, nullptr, rows - tail.rows, deadline, tail);
  if (rows == tail.rows) return;
  session.request(CommitRequest{state.id(), {}, {}, rows, true, 0, 0}, std::min(deadline, session.deadline({})));
}

void revert_to(const SharedState& state, std::string_view snapshot, const Timeout& timeout) {
  auto& session = *state.session;
  session.check_writer();
  const auto deadline = session.guard_deadline(timeout);
  HeldClaim held(session, false);
  acquire(state, held, ClaimMode::update, 0, kAllRows, deadline);
  session.request(RevertRequest{state.id(), std::string(snapshot)}, std::min(deadline, session.deadline({})));
}

}  // namespace ndshare::internal
