// Evaluation: a program bound to an order of its elements, computed block by block. The one place where kernels of element-wise
// operations are called.
#pragma once

#include "lib/exec/error_flags.h"
#include "lib/exec/program.h"
#include "lib/exec/stage.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace ndshare::internal {

/// Bytes of one value in a block: a few of them stay in the first-level cache.
inline constexpr std::size_t kBlockBytes = 8192;

/// One value of a program, over its elements in a chosen order.
///
/// The elements have the shape `shape` (the value's, or one that it broadcasts to) with its axes taken in `order`, outermost
/// first: flat index i counts in C order over them. With the reduced axes last, each result of a reduction is a run of flat
/// indices; with them first, each is a column.
///   Memory: leaves are read where they lie or staged block by block; one scratch a thread, kept.
///   Threads: fetch() is const and safe from several threads.
class Evaluation {
 public:
  /// `order` empty: 0, 1, 2 …   `flags`: what errstate wants to know is added there; null: nothing is looked for.
  ///   REQUIRES: the program, and `flags`, outlive this; the value broadcasts to `shape`.
  Evaluation(const Program& program, ValueId value, const Shape& shape, std::span<const int> order = {},
             ErrorFlags* flags = nullptr);

  [[nodiscard]] TypeId type() const noexcept { return type_; }
  [[nodiscard]] std::int64_t count() const noexcept { return space_.count; }
  /// The length of the innermost axis, after axes that can be walked as one were merged: runs that end where it does are
  /// the cheap ones.
  [[nodiscard]] std::int64_t inner() const noexcept { return space_.inner(); }

  /// The elements with flat indices [low, low + n), contiguous, in type(): where they lie already, or put into `room`, which
  /// has space for them. Valid until this thread's next fetch.
  const std::byte* fetch(std::int64_t low, std::size_t n, std::byte* room) const;

 private:
  struct Operand {
    const std::byte* data = nullptr;
    bool scalar = false;  ///< one element stands for all
  };
  class Block;

  void assign_registers(const Program& program, ValueId value);

  const Program& program_;
  ValueId value_;
  TypeId type_;
  ErrorFlags* flags_;
  Space space_;
  std::vector<Strides> strides_;  // of the leaves
  std::vector<Reader> readers_;
  std::vector<std::uint16_t> registers_;  // of values
  std::vector<ValueId> used_;             // leaves and steps that the value needs, in order
  std::size_t register_count_ = 0;
  std::size_t block_elements_ = 0;
};

}  // namespace ndshare::internal
