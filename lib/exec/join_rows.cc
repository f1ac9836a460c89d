// Rows joined element by element, as a tree over row numbers: the same for any number of threads.
#include "lib/exec/reduction.h"

#include <ndshare/buffer.h>
#include <ndshare/create.h>

#include "lib/exec/parallel.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kChunk = 1024;    // most columns that are joined at once
constexpr std::int64_t kFewRows = 32;    // of so few that lie across memory a task's columns stay in the first-level cache
constexpr std::int64_t kNearBytes = std::int64_t{32} << 10;
constexpr std::int64_t kNarrow = 256;    // rows of fewer columns are taken together as wide ones
constexpr std::int64_t kWideRows = 256;  // rows of a block; a narrow block has kNarrowElements instead
constexpr std::int64_t kNarrowElements = std::int64_t{64} << 10;
constexpr std::size_t kLevels = 20;  // depth of a block's tree, rounded up

std::int64_t bit_ceil(std::int64_t n) noexcept {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n)));
}
std::int64_t bit_floor(std::int64_t n) noexcept {
  return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(n)));
}

/// Of any and all the joined bytes are 0 or not, as the elements are: the larger, the smaller.
BinaryKernel joiner(Join op, TypeId type) noexcept {
  constexpr BinaryOp kOps[] = {BinaryOp::add,     BinaryOp::multiply, BinaryOp::minimum,
                               BinaryOp::maximum, BinaryOp::maximum,  BinaryOp::minimum};
  return kernels().find(kOps[static_cast<std::size_t>(op)], type == TypeId::bool_ ? TypeId::uint8 : type).vv;
}

/// One level: rows × columns → blocks × columns. Rows are cut into blocks whose size depends on the number of columns alone.
class Level {
 public:
  Level(Join op, const Evaluation& from, std::int64_t rows, std::int64_t columns)
      : from_(from), join_(joiner(op, from.type())), itemsize_(DType(from.type()).itemsize()), rows_(rows), columns_(columns),
        block_rows_(columns < kNarrow ? bit_ceil(kNarrowElements / columns) : kWideRows) {
    // Every row is read through the same cache lines.
    const bool across = from.is_leaf() && rows <= kFewRows && from.lies(0, static_cast<std::size_t>(columns)) == nullptr;
    if (!across || columns < kNarrow) return;
    chunk_ = std::clamp<std::int64_t>(kNearBytes / (rows * itemsize_) / 32 * 32, 64, kChunk);
    task_ = std::max(kChunk, bit_floor(kNarrowElements / rows));
  }

  [[nodiscard]] std::int64_t blocks() const noexcept { return (rows_ + block_rows_ - 1) / block_rows_; }

  /// Block b's results go to out + b · columns.
  void run(int threads, std::byte* out) const {
    // Chunks end where the inner axis does, so that rows are used where they lie.
    const std::int64_t inner = from_.space().inner();
    const std::int64_t period = columns_ < kNarrow || inner < 64 || inner > columns_ ? columns_ : inner;
    const std::int64_t per_period = (period + task_ - 1) / task_, chunks = columns_ / period * per_period;
    parallel_blocks(static_cast<std::size_t>(blocks() * chunks), rows_ * columns_ < kNarrowElements ? 1 : threads,
                    [&](std::size_t task) {
                      const auto index = static_cast<std::int64_t>(task);
                      const std::int64_t block = index / chunks, chunk = index % chunks, within = chunk % per_period * task_;
                      const std::int64_t low = chunk / per_period * period + within;
                      run_task(block, low, std::min(task_, period - within), out + (block * columns_ + low) * itemsize_);
                    });
  }

 private:
  [[nodiscard]] std::size_t bytes(std::int64_t elements) const noexcept { return static_cast<std::size_t>(elements * itemsize_); }

  /// Scratch of a task: a row for each level of its tree, and (narrow) the block itself where it does not lie in one piece.
  void run_task(std::int64_t block, std::int64_t low, std::int64_t n, std::byte* out) const {
    const std::int64_t first = block * block_rows_, rows = std::min(block_rows_, rows_ - first);
    const auto room = make_heap_buffer((static_cast<std::int64_t>(kLevels) + 1) * kChunk * itemsize_, false);
    for (std::int64_t at = 0; at < n && columns_ >= kNarrow; at += chunk_) {
      join_wide(first, rows, low + at, std::min(chunk_, n - at), out + bytes(at), room->data());
    }
    if (columns_ >= kNarrow) return;
    std::shared_ptr<Buffer> copy;
    const std::byte* packed = from_.lies(first * columns_, static_cast<std::size_t>(rows * columns_));
    if (packed == nullptr) {
      copy = make_heap_buffer(rows * columns_ * itemsize_, false);
      packed = from_.fetch(first * columns_, static_cast<std::size_t>(rows * columns_), copy->data());
    }
    join_narrow(packed, rows, out, room->data());
  }

  /// out = rows [first, first + rows), columns [low, low + n): the left half has a power of two rows.
  void join_wide(std::int64_t first, std::int64_t rows, std::int64_t low, std::int64_t n, std::byte* out, std::byte* scratch) const {
    const auto count = static_cast<std::size_t>(n);
    const std::byte* lies = rows <= 2 ? from_.fetch(first * columns_ + low, count, out) : nullptr;
    if (rows == 1) {
      if (lies != out) std::memcpy(out, lies, bytes(n));
      return;
    }
    if (rows == 2) {
      join_(lies, from_.fetch((first + 1) * columns_ + low, count, scratch), out, count);
      return;
    }
    const std::int64_t left = bit_floor(rows - 1);
    join_wide(first, left, low, n, out, scratch);
    join_wide(first + left, rows - left, low, n, scratch, scratch + bytes(kChunk));
    join_(out, scratch, out, count);
  }

  /// The same over packed rows of n elements.
  void join_packed(const std::byte* x, std::int64_t rows, std::int64_t n, std::byte* out, std::byte* scratch) const noexcept {
    const auto count = static_cast<std::size_t>(n);
    if (rows == 1) {
      std::memcpy(out, x, bytes(n));
      return;
    }
    if (rows == 2) {
      join_(x, x + bytes(n), out, count);
      return;
    }
    const std::int64_t left = bit_floor(rows - 1);
    join_packed(x, left, n, out, scratch);
    join_packed(x + bytes(left * n), rows - left, n, scratch, scratch + bytes(n));
    join_(out, scratch, out, count);
  }

  /// Few columns: `group` rows at a time are one wide row; the wide result is then folded in halves.
  void join_narrow(const std::byte* x, std::int64_t rows, std::byte* out, std::byte* scratch) const noexcept {
    const std::int64_t group = bit_ceil((kChunk / 2 + columns_ - 1) / columns_);  // group × columns ≤ kChunk
    const std::int64_t wide = rows / group, rest = rows % group;
    std::byte* joined = scratch;
    scratch += bytes(kChunk);
    if (wide == 0) {
      join_packed(x, rest, columns_, joined, scratch);
    } else {
      join_packed(x, wide, group * columns_, joined, scratch);
      for (std::int64_t half = group / 2; half >= 1; half /= 2) {
        join_(joined, joined + bytes(half * columns_), joined, static_cast<std::size_t>(half * columns_));
      }
      if (rest != 0) {
        join_packed(x + bytes(wide * group * columns_), rest, columns_, scratch, scratch + bytes(kChunk));
        join_(joined, scratch, joined, static_cast<std::size_t>(columns_));
      }
    }
    std::memcpy(out, joined, bytes(columns_));
  }

  const Evaluation& from_;
  BinaryKernel join_;
  std::int64_t itemsize_, rows_, columns_, block_rows_;
  std::int64_t task_ = kChunk, chunk_ = kChunk;  // columns of a task, and of these that are joined at once
};

}  // namespace

void join_rows(Join op, const Evaluation& from, std::int64_t rows, std::int64_t columns, std::byte* out, int threads) {
  const Level level(op, from, rows, columns);
  if (level.blocks() == 1) return level.run(threads, out);
  const Array partial = empty({level.blocks(), columns}, DType(from.type()));
  level.run(threads, partial.mutable_data());
  Program program;
  const ValueId value = program.leaf(partial);
  join_rows(op, Evaluation(program, value, partial.shape()), level.blocks(), columns, out, threads);
}

}  // namespace ndshare::internal
