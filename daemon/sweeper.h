/// The part of a sweep that touches shared words: clearing every entry of a dead slot and waking whoever waited for it.
///
/// CLAIMS.md, "Sweep of a dead slot", step 3. Restartable: every store is absolute or a wake too many. Nothing read
/// from the sync segment is trusted: indices are range-checked, no loop depends on a value that a client may change
/// meanwhile.
///   Threads: the engine's.   Errors: none.
#pragma once

#include <cstdint>

#include "daemon/engine.h"
#include "lib/shm/claim_system.h"

namespace ndshare::internal {

/// Clears the entries of `slot`. Arrays of index `records_high` and above were never used: they are left alone.
void sweep_entries(ClaimSystem& system, SlotRef slot, std::uint32_t records_high);

/// Bumps a notify word by 2, clears "somebody may sleep", and wakes all: always, or only where that bit was set.
void bump_and_wake(a32& word, bool always) noexcept;

/// The next generation of a slot: 19 bits (the mutex word's share), never 0.
constexpr std::uint64_t next_gen(std::uint64_t gen) noexcept { return gen % 0x7FFFF + 1; }

}  // namespace ndshare::internal
