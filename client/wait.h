/// Sleeping on a word of shared memory until somebody changes it, and short naps.
///   Threads: safe.   No thread of this process may be the only one to wake it: sleeps end by themselves after 100 ms.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "client/address.h"
#include "lib/shm/format.h"

namespace ndshare::internal {

/// Says in the word that somebody may sleep (bit 0) and returns the value to sleep on. Look at what the word stands for after
/// this call and before sleep_on(): then no change is slept through (pairs with the writer's change, then its wake).
std::uint32_t announce_waiter(a32& word) noexcept;

/// Sleeps while the word has that value, at most 100 ms and not past the deadline.   Source: futex(2).
void sleep_on(a32& word, std::uint32_t value, Deadline deadline) noexcept;

/// Sleeps until one of the words no longer has its value: through futex_waitv where the kernel has it (at most 128 words), else by
/// short naps. At most 100 ms and not past the deadline.   Source: futex2(7).
void sleep_on_any(std::span<const std::pair<a32*, std::uint32_t>> words, Deadline deadline) noexcept;

/// Sleeps some milliseconds, not past the deadline.
void nap(Deadline deadline) noexcept;

}  // namespace ndshare::internal
