// What copies tell the ledger (include/ndshare/ledger.h).
#pragma once

#include <ndshare/ledger.h>

#include <cstdint>

namespace ndshare::internal {

/// Notes a copy of so many bytes, before it is made.
///   Errors: CopyForbidden for a whole copy that nobody asked for (reshape, overlap), where the thread forbids those.
///   Threads: safe.
void note_copy(CopyReason reason, std::int64_t bytes);

}  // namespace ndshare::internal
