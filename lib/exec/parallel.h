// Parallel loops: the one place that names oneTBB.
#pragma once

#include <cstddef>
#include <functional>

namespace ndshare::internal {

/// The threads a call may use: `asked` (an option; 0: not given), the process's limit, and the caller's arena. At
/// least 1.
[[nodiscard]] int thread_limit(int asked) noexcept;

/// Calls `body(block)` once for each block 0 … blocks-1, by up to `thread_limit(asked)` threads of the caller's arena,
/// and returns when all are done. Blocks are handed out in ascending order as threads become free, so which thread runs
/// a block is chance: results must depend on the block alone. `worker_done` runs in every thread that took part, after
/// its last block (a fence for stream stores goes there).
///   Threads: safe, nests. In a child forked once threads run, all is done by the caller.   Errors: what `body` throws.
void parallel_blocks(std::size_t blocks, int asked, const std::function<void(std::size_t)>& body,
                     const std::function<void()>& worker_done = {});

}  // namespace ndshare::internal
