#include "lib/array/strided.h"

#include "lib/array/dtype_record.h"

#include <algorithm>
#include <cstring>

namespace ndshare::internal {

namespace {

/// A walk over two strided operands, axes sorted so that the target's closest neighbours are innermost.
struct Walk {
  Shape shape{};
  Strides target{};
  Strides source{};
};

// Drops axes of length 1, orders the rest by the target's stride, and joins neighbours that are one axis in both
// operands.
Walk coalesce(const Shape& shape, const Strides& target, const Strides& source) {
  Dims order;
  for (int axis = 0; axis < shape.ndim(); ++axis) {
    if (shape[axis] != 1) order.push_back(axis);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return std::abs(target[static_cast<int>(a)]) > std::abs(target[static_cast<int>(b)]);
  });
  Walk walk;
  for (const std::int64_t entry : order) {
    const int axis = static_cast<int>(entry);
    const int last = walk.shape.ndim() - 1;
    if (last >= 0 && walk.target[last] == target[axis] * shape[axis] &&
        walk.source[last] == source[axis] * shape[axis]) {
      walk.shape[last] *= shape[axis];
      walk.target[last] = target[axis];
      walk.source[last] = source[axis];
    } else {
      walk.shape.push_back(shape[axis]);
      walk.target.push_back(target[axis]);
      walk.source.push_back(source[axis]);
    }
  }
  return walk;
}

template <std::size_t kSize>
void copy_row(std::byte* target, std::int64_t target_step, const std::byte* source, std::int64_t source_step,
              std::int64_t count) {
  if (source_step == 0) {  // a fill: one load; the packed form lets the compiler use whole vectors
    std::byte item[kSize];
    std::memcpy(item, source, kSize);
    if (target_step == static_cast<std::int64_t>(kSize)) {
      for (std::int64_t i = 0; i < count; ++i) std::memcpy(target + i * static_cast<std::int64_t>(kSize), item, kSize);
    } else {
      for (std::int64_t i = 0; i < count; ++i) std::memcpy(target + i * target_step, item, kSize);
    }
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) std::memcpy(target + i * target_step, source + i * source_step, kSize);
}

void copy_row(std::byte* target, std::int64_t target_step, const std::byte* source, std::int64_t source_step,
              std::int64_t count, std::int64_t nbytes) {
  if (target_step == nbytes && source_step == nbytes) {
    std::memmove(target, source, static_cast<std::size_t>(count * nbytes));
    return;
  }
  switch (nbytes) {
    case 1:
      return copy_row<1>(target, target_step, source, source_step, count);
    case 2:
      return copy_row<2>(target, target_step, source, source_step, count);
    case 4:
      return copy_row<4>(target, target_step, source, source_step, count);
    case 8:
      return copy_row<8>(target, target_step, source, source_step, count);
    case 16:
      return copy_row<16>(target, target_step, source, source_step, count);
    default:
      for (std::int64_t i = 0; i < count; ++i) {
        std::memmove(target + i * target_step, source + i * source_step, static_cast<std::size_t>(nbytes));
      }
  }
}

void copy_axis(std::byte* target, const std::byte* source, const Walk& walk, int axis, std::int64_t nbytes) {
  if (walk.shape.empty()) {
    std::memmove(target, source, static_cast<std::size_t>(nbytes));
    return;
  }
  if (axis == walk.shape.ndim() - 1) {
    copy_row(target, walk.target[axis], source, walk.source[axis], walk.shape[axis], nbytes);
    return;
  }
  for (std::int64_t i = 0; i < walk.shape[axis]; ++i) {
    copy_axis(target + i * walk.target[axis], source + i * walk.source[axis], walk, axis + 1, nbytes);
  }
}

}  // namespace

void copy_strided(std::byte* target, const Strides& target_strides, const std::byte* source,
                  const Strides& source_strides, const Shape& shape, const DType& dtype) {
  if (shape.count() == 0) return;
  const Walk walk = coalesce(shape, target_strides, source_strides);
  for (const ByteRun& run : data_runs(dtype)) copy_axis(target + run.offset, source + run.offset, walk, 0, run.nbytes);
}

}  // namespace ndshare::internal
