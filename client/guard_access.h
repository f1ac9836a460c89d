/// How guards and views come about and end: the claim first, then what it pins, then the bytes.
///
/// take_guard() is the fast path: for READ and VIEW, and for WRITE where nothing is shared, it makes no system call, no request
/// and (but for VIEW's Array) no allocation.
///   Threads: safe.   Errors: as SharedArray's; on one nothing is held.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "client/shared_state.h"

namespace ndshare::internal {

using StatePtr = std::shared_ptr<const SharedState>;

struct Access {
  ClaimMode mode = ClaimMode::read;
  Rows rows{};
  Timeout timeout{};
  bool overwrite = false;
  bool repair = false;    ///< torn rows are what it is for
  bool lock_only = false; ///< (WRITE) nothing is written: nothing is unshared, and a sweep marks nothing
  bool now = false;       ///< no wait but what `timeout` says; the verdict is returned, not thrown
};

/// An entry of this process that goes free, and back to the table, unless kept.
class HeldClaim {
 public:
  HeldClaim(ClientSession& session, bool view) : session_(session), entry_(&session.take_entry(view)) {}
  ~HeldClaim();
  HeldClaim(const HeldClaim&) = delete;
  HeldClaim& operator=(const HeldClaim&) = delete;
  Claim& entry() noexcept { return *entry_; }
  Claim* keep() noexcept { return std::exchange(entry_, nullptr); }

 private:
  ClientSession& session_;
  Claim* entry_;
};

/// Takes rows [lo, hi) of an array in `held`; hi may be kAllRows.   Errors: Timeout, WouldDeadlock, Deadlock, NoSuchArray.
Claims::Grant acquire(const SharedState& state, HeldClaim& held, ClaimMode mode, std::int64_t lo, std::int64_t hi, Deadline deadline);
/// The same, telling a verdict that is not `granted` by value.
Verdict try_acquire(const SharedState& state, HeldClaim& held, const Wish& wish, Deadline deadline, Claims::Grant& grant,
                    Blocker& blocker);
[[noreturn]] void throw_verdict(const SharedState& state, const Wish& wish, Verdict verdict, const Blocker& blocker);
Wish wish_for(const SharedState& state, ClaimMode mode, std::int64_t lo, std::int64_t hi) noexcept;

/// The rows of a granted version that were asked for, checked.   Errors: IndexBounds.
struct RowRange {
  std::int64_t lo = 0, hi = 0;
};
RowRange checked_rows(const SharedState& state, const Rows& rows, std::int64_t count);

/// Refuses what the version that was granted does not allow: Sealed, Torn, NoSuchArray (being filled by somebody else), Damaged.
void check_granted(const SharedState& state, const RefCopy& ref, const Access& access, const RowRange& rows);

/// Ok, or with `access.now` the code of what is in the way. `update`: for UPDATE, where its copy goes.
ErrorCode take_guard(const StatePtr& state, const Access& access, GuardCore& core, std::shared_ptr<UpdateState>* update = nullptr);
/// Ends the claim whatever happens. For WRITE: an array being filled is published by its last writer, repaired rows are whole.
///   Errors: of those requests.
void end_guard(GuardCore& core, ClaimMode mode);
/// The same where nobody can be told.
void drop_guard(GuardCore& core, ClaimMode mode) noexcept;
/// Ends a WRITE whose rows are half written: they are marked torn.
void abandon_guard(GuardCore& core) noexcept;
/// The rows of a guard as an Array, whose buffer owns the claim from now on.
Array array_of(GuardCore& core, ClaimMode mode, std::shared_ptr<UpdateState> update = nullptr);

/// The rows of a VIEW, whose claim goes to the array.
Array view_of(const StatePtr& state, GuardCore& core);

/// Grains of a granted WRITE that views or snapshots share are copied and published; `ref` then names the new version.
/// `overwrite`: what the rows cover in full is not copied.   Errors: Capacity, SystemMemory, Disconnected, Timeout.
void unshare(const SharedState& state, Claim& entry, const RowRange& rows, bool overwrite, RefCopy& ref, Deadline deadline);

/// One step of a copy between stretches of maps.
struct CopyStep {
  std::byte* to = nullptr;
  const std::byte* from = nullptr;
  std::uint64_t bytes = 0;
};
/// Pairs up two lists of pieces of the same total length and copies, by all cores where it is much.
void copy_pieces(const std::vector<ArrayPiece>& to, const std::vector<ArrayPiece>& from);

/// The private copy of an update guard.
struct UpdateState {
  StatePtr state;
  std::vector<ExtentInfo> extents;      ///< granted; empty once committed or returned
  std::uint64_t at = 0, bytes = 0;      ///< where they go in the array's data
  std::int64_t lo = 0, hi = 0;          ///< rows of the guard
  std::shared_ptr<const void> map;
  ~UpdateState();
};
/// Fills core and `update` for a granted UPDATE.
void make_copy(const StatePtr& state, const RefCopy& ref, const RowRange& rows, bool overwrite, Deadline deadline, GuardCore& core,
               std::shared_ptr<UpdateState>& update);
std::uint64_t commit_update(GuardCore& core, UpdateState& update);

/// Copies an array that lies in many pieces into one, where nobody is in the way. True where that was worth while.
bool move_home(const StatePtr& state) noexcept;

void append_rows(const SharedState& state, const Array& rows, const Timeout& timeout);
void resize_rows(const SharedState& state, std::int64_t rows, const Timeout& timeout);
void revert_to(const SharedState& state, std::string_view snapshot, const Timeout& timeout);

/// How much to ask for, so that it may stand at `at` of an array's data: only a whole array fits a slab piece.
std::uint64_t memory_for(std::uint64_t at, std::uint64_t bytes) noexcept;
std::vector<Extent> to_extents(const std::vector<ExtentInfo>& extents);

/// The members of guards that the library works on.
class GuardAccess {
 public:
  template <class G>
  static GuardCore& core(G& guard) noexcept {
    return guard.core_;
  }
  static std::shared_ptr<UpdateState>& update(UpdateGuard& guard) noexcept { return guard.update_; }
  static StatePtr state(const SharedArray& array) {
    array.state();  // throws for a handle to nothing
    return array.state_;
  }
};

}  // namespace ndshare::internal
