/// READ and VIEW of an array that this thread has read before, in a dozen loads and two atomic exchanges.
///
/// Each thread remembers, for the last few arrays, under which root word it was granted and where the bytes are; a root's value is
/// never used twice, so an equal root means that everything else is as remembered. And it keeps one lock and one view entry of one
/// store parked (lib/shm/claim_table.h), whose fields often are right already. What is not that simple goes the ordinary way,
/// which also fills the memory.
///
/// A parked entry is used without a read-modify-write of private words. The store may be closed by another thread meanwhile, and
/// its slot become another process's: so the user marks the entry busy, then looks at `closed`; close() sets `closed`, then has
/// the kernel run a barrier in every thread of the process (membarrier), then looks at what is busy. Either the user sees
/// `closed`, and touches nothing, or close() sees it busy and leaves the slot to the last one to go.
///   Threads: any; what is remembered is the thread's own.   Errors: none.   No system call, no allocation.
#pragma once

#include "client/shared_state.h"

namespace ndshare::internal {

/// Fills `core` with all rows of the array; false: take the ordinary way.
bool fast_take(const SharedState& state, ClaimMode mode, GuardCore& core) noexcept;
/// Ends what fast_take() gave.
void fast_end(GuardCore& core) noexcept;

/// After an ordinary grant of all rows through the map of the whole pool: remembered by this thread. REQUIRES: the claim is held.
void remember(const std::shared_ptr<const SharedState>& state, const RefCopy& ref, const GuardCore& core) noexcept;
/// An ended READ or VIEW entry is parked with this thread, or goes back to the table.
void park_or_give_back(ClientSession& session, Claim* entry) noexcept;

/// The handle's state behind a guard that fast_take() filled: as remembered, or read from the version that the claim pins.
std::shared_ptr<const SharedState> state_of(const GuardCore& core);

/// Whether the kernel can run a barrier in every thread of this process; without it nothing is parked.
bool barriers_available() noexcept;
void run_barriers() noexcept;

}  // namespace ndshare::internal
