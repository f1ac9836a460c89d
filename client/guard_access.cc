#include "client/guard_access.h"

#include <algorithm>
#include <cstdio>

#include "client/fast_claims.h"
#include "client/holder_text.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

constexpr Rows kWhole{};

[[noreturn]] void bad_rows(const SharedState& state, const Rows& rows, std::int64_t count) {
  throw Error(ErrorCode::IndexBounds,
              "rows " + std::to_string(rows.first) + " to " + std::to_string(rows.last) + " of array '" + printable(state.name) +
                  "' that has " + std::to_string(count),
              {{"first", std::to_string(rows.first)}, {"last", std::to_string(rows.last)}, {"rows", std::to_string(count)}});
}

/// What can be told wrong before anything is waited for.
void check_asked(const SharedState& state, const Rows& rows) {
  if (rows == kWhole) return;
  if (state.opened.order == Order::F && state.opened.shape.ndim() > 1) {
    throw Error(ErrorCode::Usage, "rows of a Fortran-ordered array are not contiguous: take the whole array, or make it in C order");
  }
  if (rows.first < 0 || rows.last < -1 || (rows.last != -1 && rows.last < rows.first)) {
    bad_rows(state, rows, state.rows_of(state.shape()));
  }
}

/// Leaves the build table unless the guard came about.
class BuildEntry {
 public:
  BuildEntry(const SharedState& state, const Access& access, Deadline deadline) : session_(*state.session), gen_(state.array_gen) {
    if (!state.ours || access.mode != ClaimMode::write) return;
    if ((state.current().flags & kArrayBuilding) == 0) return;
    session_.builds().enter(gen_, deadline);
    entered_ = true;
  }
  ~BuildEntry() {
    if (entered_ && session_.builds().leave(gen_, false)) session_.builds().published(gen_);
  }
  BuildEntry(const BuildEntry&) = delete;
  BuildEntry& operator=(const BuildEntry&) = delete;
  /// The guard counts from now on, if the array is still being filled.
  bool keep(const RefCopy& ref) noexcept {
    if (!entered_ || (ref.flags & kArrayBuilding) == 0) return false;
    entered_ = false;
    return true;
  }

 private:
  ClientSession& session_;
  std::uint64_t gen_;
  bool entered_ = false;
};

ErrorCode code_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::granted: return ErrorCode::Ok;
    case Verdict::gone: return ErrorCode::NoSuchArray;
    case Verdict::would_deadlock: return ErrorCode::WouldDeadlock;
    case Verdict::deadlock: return ErrorCode::Deadlock;
    default: return ErrorCode::Timeout;
  }
}

}  // namespace

HeldClaim::~HeldClaim() {
  if (entry_ == nullptr) return;
  if (claim_state(entry_->word.load(std::memory_order_relaxed)) != ClaimState::free) session_.claims().release(*entry_, false);
  session_.give_back(entry_);
}

Wish wish_for(const SharedState& state, ClaimMode mode, std::int64_t lo, std::int64_t hi) noexcept {
  return {state.array, thread_id(), state.array_gen, {mode, false, lo, hi}, state.geometry};
}

Verdict try_acquire(const SharedState& state, HeldClaim& held, const Wish& wish, Deadline deadline, Claims::Grant& grant,
                    Blocker& blocker) {
  auto& session = *state.session;
  const std::function<void(const Blocker&)> warn = [&state](const Blocker& in_the_way) {
    std::fprintf(stderr, "ndshare: waiting for 10 s: %s\n", blocker_text(state, in_the_way).c_str());
  };
  ClaimPatience patience(session.system(), session.slot(), deadline, &warn);
  Claim* queue = wish.range.mode == ClaimMode::view ? nullptr : &held.entry();
  auto verdict = session.claims().acquire(held.entry(), queue, wish, patience, grant, blocker);
  if (verdict == Verdict::queue) {
    HeldClaim place(session, false);  // a VIEW that waits does so in the lock table
    verdict = session.claims().acquire(held.entry(), &place.entry(), wish, patience, grant, blocker);
  }
  if (patience.has_waited()) {
    const auto now = session.system().coarse_now_ns(), since = held.entry().since_ns.load(std::memory_order_relaxed);
    session.table().count(SlotCounter::waits);
    session.table().count_wait(now > since ? now - since : 0);
  }
  return verdict;
}

Claims::Grant acquire(const SharedState& state, HeldClaim& held, ClaimMode mode, std::int64_t lo, std::int64_t hi, Deadline deadline) {
  const auto wish = wish_for(state, mode, lo, hi);
  Claims::Grant grant;
  Blocker blocker;
  const auto verdict = try_acquire(state, held, wish, deadline, grant, blocker);
  if (verdict != Verdict::granted) throw_verdict(state, wish, verdict, blocker);
  return grant;
}

RowRange checked_rows(const SharedState& state, const Rows& rows, std::int64_t count) {
  const RowRange out{rows.first, rows.last == -1 ? count : rows.last};
  const bool scalar_part = state.opened.shape.ndim() == 0 && out.hi - out.lo != 1;
  if (out.lo > count || out.hi > count || out.hi < out.lo || scalar_part) bad_rows(state, rows, count);
  return out;
}

void check_granted(const SharedState& state, const RefCopy& ref, const Access& access, const RowRange& rows) {
  if ((ref.flags & kArrayBuilding) != 0 && !state.ours) {
    const auto copy = state.session->catalog().read(state.array);
    if (!copy || copy->ref.array_gen != state.array_gen) state.removed();
    still_building(*copy);
  }
  const bool to_write = access.mode == ClaimMode::write || access.mode == ClaimMode::update;
  if (to_write && (ref.flags & kArraySealed) != 0) {
    throw Error(ErrorCode::Sealed, "array '" + printable(state.name) + "' is " +
                                       ((ref.flags & kArraySnapshot) != 0 ? "a snapshot" : "sealed") +
                                       ": it never changes; create with replace publishes a new one");
  }
  if (ref.torn == 0 || access.repair) return;
  auto seen = ref;
  auto torn = state.session->catalog().torn_ranges(seen);
  while (!torn) {  // something else of the array was published meanwhile
    seen = state.current();
    torn = state.session->catalog().torn_ranges(seen);
  }
  for (const auto& range : *torn) {
    if (range.lo < rows.hi && rows.lo < range.hi) throw_torn(state, range);
  }
}

namespace {

/// The claim is granted: what it pins is looked at, and the bytes are found.
void fill_core(const StatePtr& state, HeldClaim& held, Claims::Grant& grant, const Access& access, Deadline deadline,
               GuardCore& core, std::shared_ptr<UpdateState>* update) {
  auto& session = *state->session;
  auto& ref = grant.ref;
  const auto rows = checked_rows(*state, access.rows, state->rows_of(session.catalog().pinned_shape(ref)));
  if (ref.flags != 0 || ref.torn != 0) check_granted(*state, ref, access, rows);
  if (access.mode == ClaimMode::write && grant.may_share) {
    if (!access.lock_only) unshare(*state, held.entry(), rows, access.overwrite, ref, deadline);
    session.claims().finish_copying(held.entry());
  }
  if (access.lock_only) session.claims().mark_clean(held.entry());
  core.first = rows.lo;
  core.rows = rows.hi - rows.lo;
  core.version = ref.version;
  core.session = &session;
  core.type = state->opened.dtype.id();
  core.is_time = state->opened.dtype.is_time();
  core.repairs = access.repair;
  core.lock_only = access.lock_only;
  if (access.mode == ClaimMode::update) return make_copy(state, ref, rows, access.overwrite, deadline, core, *update);
  VersionBlock head;
  if (!session.catalog().pinned_head(ref, head)) throw Error(ErrorCode::Damaged, "the store's catalog is damaged: a version's block");
  const auto row_bytes = head.row_bytes;
  const auto from = static_cast<std::uint64_t>(rows.lo) * row_bytes, to = static_cast<std::uint64_t>(rows.hi) * row_bytes;
  const bool writes = access.mode == ClaimMode::write && !access.lock_only;
  const auto map = writes ? Mapping::Access::read_write : Mapping::Access::read_only;
  auto bytes = session.pool().locate(session.catalog().pinned_extents(ref), from, to, {ref.array_gen, head.version}, map);
  core.data = bytes.data;
  core.nbytes = static_cast<std::int64_t>(to - from);
  core.place = bytes.place;
  core.map = std::move(bytes.keep);
  if (writes) session.guard_pages().open(core.data, core.nbytes);
  const bool shared = access.mode == ClaimMode::read || access.mode == ClaimMode::view;
  if (shared && access.rows == kWhole) remember(state, ref, core);
}

constexpr SlotCounter kCounters[] = {SlotCounter::reads, SlotCounter::views, SlotCounter::updates, SlotCounter::writes};

ErrorCode take_once(const StatePtr& state, const Access& access, GuardCore& core, std::shared_ptr<UpdateState>* update) {
  auto& session = *state->session;
  const auto deadline = access.now && !access.timeout ? Deadline{} : session.guard_deadline(access.timeout);
  BuildEntry build(*state, access, deadline);
  HeldClaim held(session, access.mode == ClaimMode::view);
  const auto wish = wish_for(*state, access.mode, access.rows.first, access.rows.last == -1 ? kAllRows : access.rows.last);
  Claims::Grant grant;
  Blocker blocker;
  const auto verdict = try_acquire(*state, held, wish, deadline, grant, blocker);
  if (verdict != Verdict::granted) {
    if (access.now) return code_of(verdict);
    throw_verdict(*state, wish, verdict, blocker);
  }
  fill_core(state, held, grant, access, deadline, core, update);
  core.in_build = build.keep(grant.ref);
  core.claim = held.keep();
  core.state = state;
  session.table().count(kCounters[static_cast<std::size_t>(access.mode)]);
  return ErrorCode::Ok;
}

}  // namespace

ErrorCode take_guard(const StatePtr& state, const Access& access, GuardCore& core, std::shared_ptr<UpdateState>* update) {
  auto& session = *state->session;
  session.check();
  if (access.mode == ClaimMode::write || access.mode == ClaimMode::update) session.check_writer();
  check_asked(*state, access.rows);
  try {
    return take_once(state, access, core, update);
  } catch (const Error& error) {
    // The array is in more pieces than this process may map: one copy brings it home, if nobody is in the way.
    if (error.code() != ErrorCode::MapLimit || session.role() == Role::read_only || !move_home(state)) throw;
  }
  return take_once(state, access, core, update);
}

// ---- the end

namespace {

template <class Request>
void ask(ClientSession& session, const Request& request, std::exception_ptr& failure) noexcept {
  try {
    session.request(request, session.deadline({}));
  } catch (...) {
    failure = std::current_exception();
  }
}

}  // namespace

void end_guard(GuardCore& core, ClaimMode mode) {
  const GuardCore ended = std::exchange(core, {});
  auto* entry = static_cast<Claim*>(ended.claim);
  if (entry == nullptr) return;
  auto& session = *ended.session;
  if (session.forked()) return;  // the parent's: its memory is not here
  if (ended.parked) {
    GuardCore parked = ended;
    return fast_end(parked);
  }
  std::exception_ptr failure;
  const auto id = ended.state->id();
  const auto keep = ended.state;
  // All of it is stored: who dies between the request and the end of the claim leaves whole rows.
  if (ended.repairs || ended.in_build) session.claims().mark_clean(*entry);
  if (ended.repairs) ask(session, MendRequest{id, ended.first, ended.first + ended.rows, false}, failure);
  if (ended.in_build && session.builds().leave(id.array_gen, true)) {
    ask(session, PublishRequest{{id}, false}, failure);
    session.builds().published(id.array_gen);
  }
  const bool writes = mode == ClaimMode::write && !ended.lock_only;
  if (writes || mode == ClaimMode::update) session.guard_pages().close(ended.data, ended.nbytes);
  session.claims().release(*entry, writes);
  const bool shared = mode == ClaimMode::read || mode == ClaimMode::view;
  shared ? park_or_give_back(session, entry) : session.give_back(entry);
  if (failure) std::rethrow_exception(failure);
}

void drop_guard(GuardCore& core, ClaimMode mode) noexcept {
  try {
    end_guard(core, mode);
  } catch (const std::exception&) {
    // release() of the guard tells.
  }
}

void abandon_guard(GuardCore& core) noexcept {
  const GuardCore ended = std::exchange(core, {});
  auto* entry = static_cast<Claim*>(ended.claim);
  if (entry == nullptr) return;
  auto& session = *ended.session;
  if (session.forked()) return;
  session.guard_pages().close(ended.data, ended.nbytes);
  if (ended.in_build) {
    if (session.builds().leave(ended.state->array_gen, false)) session.builds().published(ended.state->array_gen);
  } else {
    try {
      session.request(MendRequest{ended.state->id(), ended.first, ended.first + ended.rows, true}, session.deadline({}));
    } catch (const Error& error) {
      const bool away = error.code() == ErrorCode::Disconnected || error.code() == ErrorCode::Timeout;
      if (away) return;  // the entry stays: the sweep of this process will mark its rows
    } catch (const std::exception&) {
      return;
    }
  }
  session.claims().release(*entry, !ended.in_build);
  session.give_back(entry);
}

/// Arrays over buffers that were made for them: nothing is checked again.
class ArrayMaker {
 public:
  static Array make(const DType& dtype, const Layout& layout, std::int64_t count, std::shared_ptr<SharedBuffer> buffer) {
    const bool writable = buffer->writable();
    return Array(Array::Fits{}, dtype, layout, count, std::move(buffer), writable);
  }
};

namespace {

/// `rows` rows of an array.
Array rows_array(const SharedState& state, std::int64_t rows, std::shared_ptr<SharedBuffer> buffer) {
  const auto& known = state.layout;
  const int axis = state.opened.order == Order::C ? 0 : known.ndim() - 1;
  if (known.ndim() == 0 || known.shape[axis] == rows) return ArrayMaker::make(state.opened.dtype, known, state.count, std::move(buffer));
  auto shape = known.shape;
  shape[axis] = rows;
  const auto layout = Layout::contiguous(shape, state.opened.dtype.itemsize(), state.opened.order);
  return ArrayMaker::make(state.opened.dtype, layout, shape.count(), std::move(buffer));
}

}  // namespace

Array array_of(GuardCore& core, ClaimMode mode, std::shared_ptr<UpdateState> update) {
  if (core.state == nullptr) core.state = state_of(core);
  const auto& state = *core.state;
  if (core.buffer == nullptr) {
    // One run: its place in the pool. Several: a space of their own, the same for every map of this version.
    const auto store = state.session->hello().store_id;
    const Origin origin = core.place != UINT64_MAX
                              ? Origin{store, core.place}
                              : Origin{store ^ (core.version * 0x9E37'79B9'7F4A'7C15ULL),
                                       static_cast<std::uint64_t>(core.first) * state.geometry.row_bytes};
    GuardCore owned = core;
    core.buffer = std::make_shared<SharedBuffer>(std::move(owned), mode, std::move(update), origin);
    core.claim = nullptr;  // the buffer's now
  }
  return rows_array(state, core.rows, core.buffer);
}

Array view_of(const StatePtr& state, GuardCore& core) {
  core.state = state;
  if (core.place == UINT64_MAX) return array_of(core, ClaimMode::view);
  const auto rows = core.rows;
  const Origin origin{state->session->hello().store_id, core.place};
  return rows_array(*state, rows, std::make_shared<SharedBuffer>(std::move(core), ClaimMode::view, nullptr, origin));
}

SharedBuffer::SharedBuffer(GuardCore&& core, ClaimMode mode, std::shared_ptr<UpdateState> update, Origin origin)
    : Buffer(core.data, core.nbytes, (mode == ClaimMode::write && !core.lock_only) || mode == ClaimMode::update, origin),
      core_(std::move(core)),
      mode_(mode),
      update_(std::move(update)) {}

SharedBuffer::~SharedBuffer() {
  if (core_.claim != nullptr) core_.parked ? fast_end(core_) : drop_guard(core_, mode_);
}

}  // namespace ndshare::internal
