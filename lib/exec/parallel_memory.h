// Copy and fill large memory by all threads, past the caches where it is too large for them.
#pragma once

#include <cstddef>

namespace ndshare::internal {

/// Outputs from this size on are written with stream stores: they would push everything else out of the caches, and a
/// plain store first reads the line it is to overwrite. An eighth of the last-level cache, 8 MiB at least: what is smaller
/// stays there, and is read from there.   Source: sysconf(3), _SC_LEVEL3_CACHE_SIZE.
[[nodiscard]] std::size_t stream_bytes() noexcept;

/// memcpy by up to `threads` threads (0: the default). The ranges may not overlap. All is visible to whoever the caller
/// tells.
///   Threads: safe.   Memory: allocates nothing. Small sizes are a plain memcpy.
void parallel_copy(void* dst, const void* src, std::size_t bytes, int threads = 0);

/// memset by up to `threads` threads (0: the default), likewise.
void parallel_fill(void* dst, unsigned char value, std::size_t bytes, int threads = 0);
inline void parallel_zero(void* dst, std::size_t bytes, int threads = 0) { parallel_fill(dst, 0, bytes, threads); }

}  // namespace ndshare::internal
