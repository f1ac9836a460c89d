/// How many forks lie between this process and the first of its line: what was made under another count is a parent's.
///
/// Counted by a child handler of pthread_atfork, so a load is all it costs. A child made by a bare clone(2) is not seen;
/// the store's connections have a word of their own for that (MADV_WIPEONFORK).
///   Threads: safe.   Errors: none.
#pragma once

#include <cstdint>

namespace ndshare::internal {

std::uint64_t fork_count() noexcept;

}  // namespace ndshare::internal
