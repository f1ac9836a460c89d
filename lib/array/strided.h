// Walking memory by shape and strides: copies between layouts, and visits of element pairs.
#pragma once

#include <ndshare/dtype.h>
#include <ndshare/layout.h>

#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

/// Copies every item of `shape` from `source` to `target` (both point at element (0, …, 0)); padding of structured
/// items is left alone. REQUIRES: no overlap between the two, or the very same elements.
void copy_strided(std::byte* target, const Strides& target_strides, const std::byte* source,
                  const Strides& source_strides, const Shape& shape, const DType& dtype);

/// Calls visit(a_item, b_item) for every element in C order until it returns false; says whether all returned true.
template <class Visit>
bool visit_pairs(const std::byte* a, const Strides& a_strides, const std::byte* b, const Strides& b_strides,
                 const Shape& shape, Visit visit) {
  const std::int64_t count = shape.count();
  Dims position(shape);
  for (std::int64_t& at : position) at = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!visit(a, b)) return false;
    for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
      a += a_strides[axis];
      b += b_strides[axis];
      if (++position[axis] < shape[axis]) break;
      a -= a_strides[axis] * shape[axis];
      b -= b_strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return true;
}

}  // namespace ndshare::internal
