#include "client/fast_claims.h"

#include <array>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kRemembered = 16;

/// One array as a thread knows it. Valid for a session by id, an array_gen and a root.
struct Known {
  std::uint64_t session_id = 0, array_gen = 0;
  RefCopy ref;
  ArrayWords<StdAtomics> words;
  std::byte* data = nullptr;
  std::int64_t nbytes = 0, rows = 0;
  std::uint64_t place = 0;
  TypeId type{};
  bool is_time = false;
};

/// A parked entry and what its fields say.
struct Parked {
  Claim* entry = nullptr;
  std::atomic<std::uint8_t>* busy = nullptr;
  std::uint64_t array_gen = 0, version = 0;
};

/// What every take looks at: of trivial type, so that it is reached without a check whether it was made.
struct Thread {
  std::uint64_t session_id = 0;
  Parked lock, view;
  std::array<Known, kRemembered> known{};
};
constinit thread_local Thread t_thread;

/// What is needed at a thread's end, and for arrays of guards.
struct ThreadEnd {
  std::array<std::weak_ptr<const SharedState>, kRemembered> states;
  bool used = false;
  ~ThreadEnd() { give_back(); }
  /// The parked entries go back to their table, if the session still lives.
  static void give_back() noexcept {
    for (auto* parked : {&t_thread.lock, &t_thread.view}) {
      if (parked->entry == nullptr) continue;
      if (const auto session = ClientSession::find(t_thread.session_id)) session->give_back_parked(parked->entry);
      *parked = {};
    }
  }
};
thread_local ThreadEnd t_end;

Parked& parked_for(Thread& thread, ClaimMode mode) noexcept { return mode == ClaimMode::view ? thread.view : thread.lock; }

/// What a scanner or the daemon may read of the entry; before its word is stored.
void fill(Parked& parked, const Known& known, std::uint64_t now_ns) noexcept {
  auto& entry = *parked.entry;
  entry.since_ns.store(now_ns, std::memory_order_relaxed);
  if (parked.array_gen == known.array_gen && parked.version == known.ref.version) return;
  entry.array_gen.store(known.array_gen, std::memory_order_release);  // as in ClaimProtocol::fill()
  entry.lo.store(0, std::memory_order_release);
  entry.hi.store(static_cast<std::uint64_t>(kAllRows), std::memory_order_release);
  entry.tid.store(thread_id(), std::memory_order_relaxed);
  entry.version.store(known.ref.version, std::memory_order_release);
  parked.array_gen = known.array_gen, parked.version = known.ref.version;
}

bool register_barriers() noexcept {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

}  // namespace

bool barriers_available() noexcept {
  static const bool available = register_barriers();
  return available;
}

void run_barriers() noexcept {
  if (barriers_available()) ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

bool fast_take(const SharedState& state, ClaimMode mode, GuardCore& core) noexcept {
  auto& session = *state.session;
  auto& thread = t_thread;
  auto& known = thread.known[state.array % kRemembered];
  if (known.array_gen != state.array_gen || known.session_id != session.id() || thread.session_id != session.id()) return false;
  auto& parked = parked_for(thread, mode);
  if (parked.entry == nullptr || session.must_refuse() || parked.busy->load(std::memory_order_acquire) != 0) return false;
  parked.busy->store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // the rest of the fence is close()'s membarrier
  if (session.is_closed()) {
    parked.busy->store(0, std::memory_order_release);
    return false;
  }
  fill(parked, known, session.system().coarse_now_ns());
  if (!session.claims().acquire_unlocked(*parked.entry, known.words, mode, known.ref)) {
    parked.busy->store(0, std::memory_order_release);
    if (session.is_closed()) session.leave_if_unused();
    return false;
  }
  core.session = &session;
  core.claim = parked.entry;
  core.data = known.data;
  core.nbytes = known.nbytes;
  core.version = known.ref.version;
  core.rows = known.rows;
  core.place = known.place;
  core.type = known.type;
  core.is_time = known.is_time;
  core.parked = true;
  session.table().count(mode == ClaimMode::view ? SlotCounter::views : SlotCounter::reads);
  return true;
}

void fast_end(GuardCore& core) noexcept {
  auto& session = *core.session;
  auto* entry = static_cast<Claim*>(core.claim);
  core.claim = nullptr;
  core.data = nullptr;
  core.parked = false;
  if (session.forked()) return;
  session.claims().release(*entry, false);
  session.table().busy(entry).store(0, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (session.is_closed()) session.leave_if_unused();
}

void remember(const std::shared_ptr<const SharedState>& state, const RefCopy& ref, const GuardCore& core) noexcept {
  auto& session = *state->session;
  auto& known = t_thread.known[state->array % kRemembered];
  const bool building = (ref.flags & kArrayBuilding) != 0;
  if (core.map != nullptr || core.place == UINT64_MAX || ref.torn != 0 || building || !barriers_available()) return;
  known.session_id = session.id(), known.array_gen = state->array_gen;
  known.ref = ref;
  known.words = session.system().array(state->array);
  known.data = core.data, known.nbytes = core.nbytes, known.rows = core.rows, known.place = core.place;
  known.type = core.type, known.is_time = core.is_time;
  t_end.states[state->array % kRemembered] = state;
}

void park_or_give_back(ClientSession& session, Claim* entry) noexcept {
  const bool view = session.table().is_view(entry);
  auto& thread = t_thread;
  auto& parked = view ? thread.view : thread.lock;
  const bool other = parked.entry != nullptr && thread.session_id == session.id();
  if (other || !barriers_available() || session.is_closed()) return session.give_back(entry);
  if (thread.session_id != session.id()) {
    if (ClientSession::find(thread.session_id)) return session.give_back(entry);  // of another store: it stays that one's
    ThreadEnd::give_back();
    thread.session_id = session.id();
  }
  t_end.used = true;  // made now: its end gives the entry back
  parked = {entry, &session.table().busy(entry), 0, 0};
  parked.busy->store(0, std::memory_order_seq_cst);
  if (session.is_closed()) session.leave_if_unused();
}

std::shared_ptr<const SharedState> state_of(const GuardCore& core) {
  if (core.state != nullptr) return core.state;
  auto& session = *core.session;
  const auto& entry = *static_cast<const Claim*>(core.claim);
  const auto array = claim_array(entry.word.load(std::memory_order_relaxed));
  const auto array_gen = entry.array_gen.load(std::memory_order_relaxed);
  const auto& known = t_thread.known[array % kRemembered];
  if (known.session_id == session.id() && known.array_gen == array_gen) {
    if (auto state = t_end.states[array % kRemembered].lock()) return state;
  }
  auto made = std::make_shared<SharedState>();
  RefCopy ref;  // the array may have been removed: then the remembered version is all that tells
  const bool current = session.catalog().read_ref_into(array, ref) && ref.array_gen == array_gen;
  if (!current) ref = known.ref;
  const auto copy = session.catalog().read_version(ref);
  made->session = session.shared_from_this();
  made->name = copy.name;
  made->array = array, made->array_gen = array_gen;
  made->opened = version_info(copy);
  made->geometry = geometry_of(copy);
  made->opened_changed();
  return made;
}

}  // namespace ndshare::internal
