// Sums along an axis whose neighbours in memory are kept: whole rows are added, as a tree.
#pragma once

#include "lib/exec/stage.h"

#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

/// `rows` sub-arrays, `row_stride` bytes apart, to be added element by element.
struct RowSum {
  const std::byte* data;
  TypeId type, loop;  ///< of the data; of the additions and of `out`
  std::int64_t rows, row_stride;
  const Space& kept;  ///< the elements of one sub-array
  const Strides& kept_strides;
  std::byte* out;
  const Strides& out_strides;
};

/// Adds the rows: a tree over row numbers, the same for any number of threads.
void sum_rows(const RowSum& task, int threads);

}  // namespace ndshare::internal
