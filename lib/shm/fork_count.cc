#include "lib/shm/fork_count.h"

#include <atomic>

#include <pthread.h>

namespace ndshare::internal {
namespace {

std::atomic<std::uint64_t> forks{0};

void in_child() noexcept { forks.fetch_add(1, std::memory_order_relaxed); }

/// Fails only where there is no memory for one entry; then a child's maps are let go as if they were its own.
[[maybe_unused]] const int registered = ::pthread_atfork(nullptr, nullptr, in_child);

}  // namespace

std::uint64_t fork_count() noexcept { return forks.load(std::memory_order_relaxed); }

}  // namespace ndshare::internal
