#include "lib/io/transfer.h"

#include <algorithm>
#include <cstring>

namespace ndshare::internal {
namespace {

/// Copies `count` elements of kSize bytes (0: `size`) between two strides.
template <std::size_t kSize>
void copy_elements(std::byte* to, std::int64_t to_stride, const std::byte* from, std::int64_t from_stride,
                   std::int64_t count, std::size_t size) noexcept {
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * to_stride, from + i * from_stride, kSize != 0 ? kSize : size);
  }
}

void copy_strided(std::byte* to, std::int64_t to_stride, const std::byte* from, std::int64_t from_stride,
                  std::int64_t count, std::int64_t itemsize) noexcept {
  const auto size = static_cast<std::size_t>(itemsize);
  if (to_stride == itemsize && from_stride == itemsize) {
    std::memcpy(to, from, size * static_cast<std::size_t>(count));
    return;
  }
  switch (size) {
    case 1:
      return copy_elements<1>(to, to_stride, from, from_stride, count, size);
    case 2:
      return copy_elements<2>(to, to_stride, from, from_stride, count, size);
    case 4:
      return copy_elements<4>(to, to_stride, from, from_stride, count, size);
    case 8:
      return copy_elements<8>(to, to_stride, from, from_stride, count, size);
    case 16:
      return copy_elements<16>(to, to_stride, from, from_stride, count, size);
    default:
      return copy_elements<0>(to, to_stride, from, from_stride, count, size);
  }
}

}  // namespace

Transfer::Transfer(const Layout& layout, std::int64_t itemsize) : itemsize_(itemsize), offset_(layout.offset) {
  for (int axis = 0; axis < layout.ndim(); ++axis) {
    const std::int64_t length = layout.shape[axis], stride = layout.strides[axis];
    if (length == 1) continue;
    const int last = lengths_.ndim() - 1;
    if (last >= 0 && strides_[last] == length * stride) {
      lengths_[last] *= length;
      strides_[last] = stride;
    } else {
      lengths_.push_back(length);
      strides_.push_back(stride);
    }
  }
  if (lengths_.empty()) {
    lengths_.push_back(1);
    strides_.push_back(itemsize);
  }
  for (int axis = 0; axis < lengths_.ndim(); ++axis) position_.push_back(0);
}

void Transfer::advance(std::int64_t run) noexcept {
  int axis = lengths_.ndim() - 1;
  position_[axis] += run;
  offset_ += run * strides_[axis];
  for (; axis > 0 && position_[axis] == lengths_[axis]; --axis) {
    offset_ += strides_[axis - 1] - lengths_[axis] * strides_[axis];
    position_[axis] = 0;
    ++position_[axis - 1];
  }
}

template <class Move>
void Transfer::walk(std::int64_t count, Move&& move) noexcept {
  const int inner = lengths_.ndim() - 1;
  while (count > 0) {
    const std::int64_t run = std::min(count, lengths_[inner] - position_[inner]);
    if (run <= 0) return;  // an empty array has nothing to move
    move(offset_, strides_[inner], run);
    advance(run);
    count -= run;
  }
}

void Transfer::gather(const std::byte* memory, std::byte* block, std::int64_t count) noexcept {
  walk(count, [&](std::int64_t offset, std::int64_t stride, std::int64_t run) {
    copy_strided(block, itemsize_, memory + offset, stride, run, itemsize_);
    block += run * itemsize_;
  });
}

void Transfer::scatter(std::byte* memory, const std::byte* block, std::int64_t count) noexcept {
  walk(count, [&](std::int64_t offset, std::int64_t stride, std::int64_t run) {
    copy_strided(memory + offset, stride, block, itemsize_, run, itemsize_);
    block += run * itemsize_;
  });
}

}  // namespace ndshare::internal
