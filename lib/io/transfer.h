// Moves elements between a contiguous block and an array of any strides, in C order, a block at a time.
#pragma once

#include <ndshare/layout.h>
#include <ndshare/shape.h>

#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

/// A place in an array that moves forward in C order.
/// REQUIRES: every element of `layout` over `memory` is valid memory; in all, at most layout.count() elements are
/// moved.
class Transfer {
 public:
  Transfer(const Layout& layout, std::int64_t itemsize);

  /// Copies the next `count` elements of the array at `memory` (the start of its buffer) to `block`.
  void gather(const std::byte* memory, std::byte* block, std::int64_t count) noexcept;
  /// Copies `count` elements from `block` to the next places of the array.
  void scatter(std::byte* memory, const std::byte* block, std::int64_t count) noexcept;

 private:
  template <class Move>
  void walk(std::int64_t count, Move&& move) noexcept;
  void advance(std::int64_t run) noexcept;

  std::int64_t itemsize_;
  Dims lengths_{},
      strides_{};  ///< without axes of length 1, neighbours merged where they are one run; at least one axis
  Dims position_{};
  std::int64_t offset_;  ///< of the current element, bytes
};

}  // namespace ndshare::internal
