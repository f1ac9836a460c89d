/// Whether a process is stopped: what people ask about somebody who holds a lock and does not go on.
///   Threads: safe.   Errors: none.   Source: proc(5).
#pragma once

#include <cstdint>

namespace ndshare::internal {

/// Whether the process was stopped (SIGSTOP, ^Z) or stands still under a debugger. Not where it cannot be read.
bool process_stopped(std::uint64_t pid);

}  // namespace ndshare::internal
