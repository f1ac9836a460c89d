/// Places where a test may kill the daemon: every store that decides what a restart finds is followed by one. And places
/// where a test may have the machine run out of memory.
#pragma once

#include <string_view>

namespace ndshare::internal {

/// Ends the process by SIGKILL where NDSHARE_CRASH_AT is "name" or "name:n" (at the n-th time); does nothing otherwise.
///   Threads: the engine's.
void crash_point(std::string_view name) noexcept;

/// Throws SystemMemory where NDSHARE_FAIL_AT is "name" or "name:n" (the first n times); does nothing otherwise.
///   Threads: any.
void fail_point(std::string_view name);

/// Reads NDSHARE_CRASH_AT and NDSHARE_FAIL_AT again; called when a store is opened.
void load_crash_point() noexcept;

}  // namespace ndshare::internal
