// Two arrays that are to be compared with each other, brought to one dtype.
#pragma once

#include <ndshare/array.h>

#include <string_view>
#include <utility>

namespace ndshare::internal {

/// Both in the dtype that both cast to, C-contiguous: numbers promoted, text of one kind in the longer length.
///   Errors: DtypeMismatch for arrays of different kinds, naming both.
[[nodiscard]] std::pair<Array, Array> to_common_dtype(std::string_view what, const Array& a, const Array& b);

/// Positions in `sorted`, as searchsorted gives them.   REQUIRES: one dtype, dense; `sorter` int64, dense, in bounds.
[[nodiscard]] Array search_sorted(const Array& sorted, const Array& values, bool right, const Array* sorter,
                                  int threads);

}  // namespace ndshare::internal
