// Reductions of few elements, one behind the other, to one value with nothing else asked for: kernel calls in the calling thread,
// without a program.
#pragma once

#include <ndshare/reduce.h>

#include <optional>

namespace ndshare::internal {

enum class Few : std::uint8_t { sum, mean, var, stddev, min, max, any, all, argmin, argmax };

/// The result, to the bit what the long way gives; null where that has to be gone: other options, more elements, anything that
/// errstate might want to know.   Errors: Memory.
[[nodiscard]] std::optional<Array> reduce_few(Few what, const Lazy& x, const ReduceOptions& options);

}  // namespace ndshare::internal
