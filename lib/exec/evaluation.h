// Evaluation: a program bound to an order of its elements, computed block by block. The one place where kernels of
// element-wise operations are called.
#pragma once

#include "lib/exec/error_flags.h"
#include "lib/exec/program.h"
#include "lib/exec/stage.h"
#include "lib/exec/step_pair.h"

#include <cstddef>
#include <span>
#include <vector>

namespace ndshare::internal {

/// Bytes of one value in a block: a few of them stay in the first-level cache.
inline constexpr std::size_t kBlockBytes = 8192;

/// One value of a program, over its elements in a chosen order.
///
/// The elements have the shape `shape` (the value's, or one that it broadcasts to) with its axes taken in `order`,
/// outermost first: flat index i counts in C order over them. With the reduced axes last, each result of a reduction is a
/// run of flat indices; with them first, each is a column.
///   Memory: leaves are read where they lie or staged block by block; one scratch a thread, kept.
///   Threads: constant use is safe from several threads.
class Evaluation {
 public:
  /// `order` empty: 0, 1, 2 …   `flags`: what errstate wants to know is added there; null: nothing is looked for.
  /// `out_strides`: those of an output along `order`'s axes; rewritten to fit space().
  ///   REQUIRES: the program and `flags` outlive this; the value broadcasts to `shape`.
  Evaluation(const Program& program, ValueId value, const Shape& shape, std::span<const int> order = {},
             ErrorFlags* flags = nullptr, Strides* out_strides = nullptr);
  ~Evaluation();
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  [[nodiscard]] TypeId type() const noexcept { return program_.type(value_); }
  [[nodiscard]] std::int64_t count() const noexcept { return space_.count; }
  [[nodiscard]] const Space& space() const noexcept { return space_; }
  /// Whether the value is an array itself.
  [[nodiscard]] bool is_leaf() const noexcept { return program_.value(value_).kind == Value::Kind::leaf; }
  /// Whether every leaf lies as the flat order walks it: then pieces of any length are one kernel call where there is one step (and
  /// its results are not staged on their way past the caches).
  [[nodiscard]] bool is_contiguous() const noexcept { return contiguous_; }
  /// The leaves and literals that the value needs.
  [[nodiscard]] std::span<const ValueId> inputs() const noexcept { return needed_leaves_; }
  /// Bytes of an input that are staged because of how it lies; for the ledger, and for plans.
  [[nodiscard]] std::int64_t staged_bytes(ValueId input) const noexcept;
  /// Scratch of one thread.
  [[nodiscard]] std::size_t scratch_bytes() const noexcept { return registers_ * kBlockBytes; }

  /// The elements with flat indices [low, low + n), contiguous, in type(): where they lie already, or put into `room`, which
  /// has space for them. Valid until this thread's next call.   Errors: Memory.
  const std::byte* fetch(std::int64_t low, std::size_t n, std::byte* room) const;
  /// Where they lie in memory already, or null.
  [[nodiscard]] const std::byte* lies(std::int64_t low, std::size_t n) const noexcept;
  /// Puts them into `to` in any case; past the caches where `stream` (the thread must fence).
  void store(std::int64_t low, std::size_t n, std::byte* to, bool stream) const;

  /// Whether some leaf lies across the space, so that tiles are the way to read it. Then a tile's size:
  [[nodiscard]] bool prefers_tiles() const noexcept { return tile_rows_ != 0; }
  [[nodiscard]] std::int64_t tile_rows() const noexcept { return tile_rows_; }
  [[nodiscard]] std::int64_t tile_columns() const noexcept { return static_cast<std::int64_t>(block_elements_) / tile_rows_; }
  /// A tile, row by row, in `to`.   REQUIRES: prefers_tiles(), at most its size, rows along one axis.
  void store_tile(const Tile& tile, std::byte* to) const;

 private:
  struct Operand {
    const std::byte* data = nullptr;
    bool scalar = false;  ///< one element stands for all
  };
  struct Run;      // a step, ready to be called
  struct Scratch;  // a thread's
  struct Needs;
  struct Piece {   // of the elements: a run of flat indices, or a tile
    std::int64_t low = 0;
    std::size_t n = 0;
    const Tile* tile = nullptr;
  };

  void bind_leaves(const Shape& shape, std::span<const int> order, Strides* out_strides);
  void choose_tiles() noexcept;
  void assign_registers();
  static bool writes_past_caches(const Run& run) noexcept;
  void prepare(const Step& step, std::uint16_t out_register);
  [[nodiscard]] std::size_t piece_length(std::int64_t low, std::size_t n, bool staged) const noexcept;
  [[nodiscard]] bool is_step() const noexcept { return program_.value(value_).kind == Value::Kind::step; }
  Operand load(ValueId id, const Piece& piece, std::byte* registers) const noexcept;
  void compute(const Piece& piece, std::byte* to, bool stream) const;
  bool call(const Run& run, const Operand* operands, std::byte* to, std::size_t n, bool stream) const noexcept;
  bool call_pair(const Run& second, Operand* operands, std::byte* to, std::size_t n, bool stream) const noexcept;
  void call_binary(const Run& run, Operand a, Operand b, std::byte* to, std::size_t n, bool stream,
                   Looked mask) const noexcept;
  void call_select(const Run& run, Operand mask, Operand a, Operand b, std::byte* to, std::size_t n) const noexcept;

  const Program& program_;
  ValueId value_;
  ErrorFlags* flags_;
  Space space_;
  std::vector<Reader> readers_;           // of the leaves
  std::vector<Run> runs_;                 // the steps that the value needs, in order
  std::vector<ValueId> needed_leaves_;    // and literals
  std::vector<std::uint16_t> leaf_registers_;
  std::size_t registers_ = 0, block_elements_ = 0, itemsize_ = 0;
  std::int64_t tile_rows_ = 0;
  bool contiguous_ = false;
  static constexpr std::uint16_t kNoRegister = 0xffff;
  std::uint16_t staging_ = kNoRegister;  ///< of the last step's blocks, where it cannot write past the caches itself
};

}  // namespace ndshare::internal
