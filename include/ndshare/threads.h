// How many threads the library's functions may use, and what they run on.
#pragma once

#include <ndshare/export.h>

#include <string_view>

namespace ndshare {

/// Lets functions of this process use at most `count` threads each; 0 is the default again: NDSHARE_THREADS where it is
/// a positive number, else every core that the process may run on. A function's `.threads` option goes before this.
///   Threads: safe; calls that already run keep what they have. Work runs in the caller's oneTBB arena.   Errors: Usage
///   below 0.
NDSHARE_API void set_threads(int count);

/// The threads that a function called now may use, at least 1. Results do not depend on it.
[[nodiscard]] NDSHARE_API int threads() noexcept;

/// The instruction set that kernels use on this machine: "AVX3" (AVX-512), "AVX2", "SSE4", "NEON", or a plain "SCALAR".
[[nodiscard]] NDSHARE_API std::string_view simd_target() noexcept;

}  // namespace ndshare
