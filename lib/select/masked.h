// Masks over leading axes, the common case: rows where they are true, moved to the front or spread from it.
#pragma once

#include <ndshare/array.h>

namespace ndshare::internal {

/// Whether `x[mask]` is rows of contiguous memory, picked one by one.
[[nodiscard]] bool is_row_mask(const Array& x, const Array& mask) noexcept;

/// x[mask].   REQUIRES: is_row_mask.   Errors: MemoryGuard, Memory.
[[nodiscard]] Array masked_rows(const Array& x, const Array& mask);

/// x[mask] = value, by all threads, one pass, nothing but x in memory.   REQUIRES: numbers; value 0-d of x's dtype; the mask has the
/// lengths of x's leading axes.
void fill_masked(const Array& x, const Array& mask, const Array& value);

}  // namespace ndshare::internal
