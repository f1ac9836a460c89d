// What copies tell the ledger (include/ndshare/ledger.h).
#pragma once

#include <ndshare/array.h>
#include <ndshare/ledger.h>

#include <cstdint>
#include <optional>

namespace ndshare::internal {

/// Notes a copy of so many bytes, before it is made.
///   Errors: CopyForbidden for a whole copy that nobody asked for (reshape, overlap), where the thread forbids those.
///   Threads: safe.
void note_copy(CopyReason reason, std::int64_t bytes);

/// Copies elements between arrays of one dtype and shape by all threads. lib/exec sets it when it is linked; this folder has just
/// one thread.   Threads: of set: before main(); of copy_elements: safe.
using CopyEngine = void (*)(const Array& dst, const Array& src);
void set_copy_engine(CopyEngine engine) noexcept;

/// The number that has as many bytes as an item, to move elements as; nothing for items that are not one.
[[nodiscard]] std::optional<DType> word_of(const DType& dtype);

/// dst[...] = src.   REQUIRES: the same dtype and shape, dst writable, memory apart.
void copy_elements(const Array& dst, const Array& src);

}  // namespace ndshare::internal
