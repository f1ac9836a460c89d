// How many threads the library's functions may use.
#pragma once

#include <ndshare/export.h>

namespace ndshare {

/// Lets functions of this process use at most `count` threads each; 0 is the default again: NDSHARE_THREADS where it is a
/// positive number, else every core that the process may run on. A function's `.threads` option goes before this.
///   Threads: safe; calls that already run keep what they have. Work runs in the caller's oneTBB arena.   Errors: Usage below 0.
NDSHARE_API void set_threads(int count);

/// The threads that a function called now may use, at least 1. Results do not depend on it.
[[nodiscard]] NDSHARE_API int threads() noexcept;

}  // namespace ndshare
