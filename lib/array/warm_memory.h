// Large private memory that arrays gave back, kept for the next that fits: fresh pages cost more than most of what is computed
// into them. The kernel may take the pages back whenever memory is short (madvise(2), MADV_FREE): what lies in them is lost by then.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

/// Pages of their own.
struct Pages {
  std::byte* data = nullptr;
  std::size_t size = 0;  ///< bytes, whole pages
  bool reused = false;   ///< not fresh: from take_warm
};

/// Kept pages of at least `bytes`, and of no more than a quarter above, with anything in them; null where there are none.
///   Threads: safe, never wait: where another is at it, there are none.
[[nodiscard]] Pages take_warm(std::size_t bytes) noexcept;
/// Keeps pages from mmap(2), or unmaps them; the oldest give way where more than the limit would be kept.   Threads: safe.
void give_warm(Pages pages) noexcept;
/// Unmaps what is kept.   Threads: safe; waits for another's turn, which is short, some time.
void drop_warm() noexcept;
/// Bytes of pages that take_warm gave and that have not come back. The kernel goes on counting them as memory that is free for others,
/// until it looks at them: whoever reads what is available subtracts them.   Threads: safe.
[[nodiscard]] std::int64_t reused_bytes() noexcept;
/// How much is kept at most, in bytes; what is beyond goes at once. Gives the limit before.   Threads: as drop_warm.
std::int64_t set_warm_limit(std::int64_t bytes) noexcept;

}  // namespace ndshare::internal
