// The memory guard: a result that would take too much memory is refused before a byte is allocated.
#pragma once

#include <ndshare/array.h>
#include <ndshare/limits.h>

#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <string_view>

namespace ndshare::internal {

/// Bytes that this process could still take: what the machine has available, and what its control group (v1 or v2) has
/// left. 2^63-1 where neither says.   Threads: safe; reads files, tens of microseconds.
[[nodiscard]] std::int64_t available_memory();

/// Throws unless a result of `shape` fits the limits in force (ndshare/limits.h); by default half of `available_memory()`.
/// Counts in 128 bits, so no shape wraps. Small results pass without a look at the system. `operands`: for the message, and
/// for the expansion ratio.
///   Errors: MemoryGuard with the function, the operands' shapes, which operand grew along which axis, the bytes asked
///   and allowed.
void check_result_memory(std::string_view what, const Shape& shape, std::int64_t itemsize, std::span<const Array> operands);

/// Whether a small new result that is no larger than an operand passes, for calls that have no time for more; else
/// `check_result_memory` says why not.   Threads: safe; no lock unless limits were set.
[[nodiscard]] bool limits_allow_small(std::int64_t elements, std::int64_t bytes) noexcept;

/// Throws ShapeMismatch where the `ranks` limit forbids stretching these operands to `shape`.
void check_ranks(std::string_view what, const Shape& shape, std::span<const Shape> operands);

/// Bytes that a result may take now.
[[nodiscard]] std::int64_t allowed_bytes();

/// Throws Memory: `what` found no memory for what it keeps beside its result.
[[noreturn]] void throw_no_scratch(std::string_view what);

/// Runs `body`, whose own tables and copies are no results and so known to no limit; where there is no memory for them, Memory.
template <class Body>
decltype(auto) with_scratch(std::string_view what, const Body& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    throw_no_scratch(what);
  } catch (const std::length_error&) {  // more than a vector could ever hold
    throw_no_scratch(what);
  }
}

}  // namespace ndshare::internal
