// Running sums and products over an evaluation: the two ways through memory.
#pragma once

#include "lib/exec/evaluation.h"

#include <cstdint>

namespace ndshare::internal {

inline constexpr std::int64_t kScanBlock = 4096;  ///< elements of a line that are added in order

/// The evaluation's flat elements are lines of `length`; each is scanned into `out`, which lies alike.
void scan_lines(const Evaluation& from, bool product, std::int64_t length, std::byte* out, int threads);

/// The evaluation is outer × length × columns; the middle axis is scanned, whole rows at a time.
void scan_rows(const Evaluation& from, bool product, std::int64_t length, std::int64_t columns, std::byte* out, int threads);

}  // namespace ndshare::internal
