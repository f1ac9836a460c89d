/// Who is in the way, in words: pid, command, since when, whether it is stopped or dead.
///   Threads: safe.   Errors: as said.
#pragma once

#include <string>

#include "client/shared_state.h"

namespace ndshare::internal {

/// "rows 0 to 10 of 'a' are held for writing by process 17 (python3 etl.py) for 3.2 s".
std::string blocker_text(const SharedState& state, const Blocker& blocker);

/// Throws Torn: which rows, whose, since when, the ways out.
[[noreturn]] void throw_torn(const SharedState& state, const TornRange& range);

}  // namespace ndshare::internal
