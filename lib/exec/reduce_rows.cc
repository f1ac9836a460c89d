#include "lib/exec/reduce_rows.h"

#include <ndshare/buffer.h>

#include "lib/exec/parallel.h"
#include "lib/kernels/registry.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kChunk = static_cast<std::int64_t>(kStageElements);  // columns that a task adds at once
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

// One level: rows × columns → blocks × columns. Rows are cut into blocks whose size depends on the number of columns
// alone.
class Level {
 public:
  Level(const std::byte* data, TypeId type, TypeId loop, std::int64_t rows, std::int64_t row_stride, const Space& kept,
        const Strides& kept_strides)
      : space_(with_rows(rows, kept)),
        reader_(data, with_stride(row_stride, kept_strides), type, space_, loop),
        add_(kernels().find(BinaryOp::add, loop).vv),
        itemsize_(DType(loop).itemsize()),
        rows_(rows),
        columns_(kept.count),
        inner_(kept.inner()),
        block_rows_(columns_ < kNarrow ? bit_ceil(kNarrowElements / columns_) : kWideRows) {}

  [[nodiscard]] std::int64_t blocks() const noexcept { return (rows_ + block_rows_ - 1) / block_rows_; }

  // Adds every block; `store(block, first column, columns, values)` takes the sums.
  template <class Store>
  void run(int threads, const Store& store) const {
    const bool by_inner = inner_ >= 64;  // chunks end where the inner axis does, so that rows are used where they lie
    const std::int64_t period = columns_ < kNarrow ? columns_ : by_inner ? inner_ : columns_;
    const std::int64_t per_period = (period + kChunk - 1) / kChunk;
    const std::int64_t chunks = columns_ / period * per_period;
    parallel_blocks(static_cast<std::size_t>(blocks() * chunks), rows_ * columns_ < kNarrowElements ? 1 : threads,
                    [&](std::size_t task) {
                      const auto index = static_cast<std::int64_t>(task);
                      const std::int64_t block = index / chunks, chunk = index % chunks;
                      const std::int64_t within = chunk % per_period * kChunk;
                      const std::int64_t low = chunk / per_period * period + within;
                      run_task(block, low, std::min(kChunk, period - within), store);
                    });
  }

 private:
  static Space with_rows(std::int64_t rows, const Space& kept) {
    Space space = kept;
    space.sizes.insert(0, rows);
    space.count *= rows;
    return space;
  }
  static Strides with_stride(std::int64_t row_stride, const Strides& kept) {
    Strides strides = kept;
    strides.insert(0, row_stride);
    return strides;
  }

  // Scratch of a task: one row of results, one row for each level of its tree, and (narrow, not packed) a copy of the
  // block.
  template <class Store>
  void run_task(std::int64_t block, std::int64_t low, std::int64_t n, const Store& store) const {
    const std::int64_t first = block * block_rows_, rows = std::min(block_rows_, rows_ - first);
    const auto room = make_heap_buffer((static_cast<std::int64_t>(kLevels) + 1) * kChunk * itemsize_, false);
    std::byte* sums = room->data();
    std::byte* scratch = sums + kChunk * itemsize_;
    if (columns_ >= kNarrow) {
      add_rows(first, rows, low, n, sums, scratch);
      return store(block, low, n, sums);
    }
    std::shared_ptr<Buffer> copy;
    const std::byte* packed = packed_rows(first);
    if (packed == nullptr) {
      copy = make_heap_buffer(rows * columns_ * itemsize_, false);
      reader_.stage(first * columns_, static_cast<std::size_t>(rows * columns_), copy->data());
      packed = copy->data();
    }
    add_narrow(packed, rows, sums, scratch);
    store(block, low, n, sums);
  }

  // out = Σ rows [first, first + rows), columns [low, low + n): the left half has a power of two rows.
  void add_rows(std::int64_t first, std::int64_t rows, std::int64_t low, std::int64_t n, std::byte* out,
                std::byte* scratch) const noexcept {
    const auto count = static_cast<std::size_t>(n);
    const std::int64_t at = first * columns_ + low;
    const std::byte* lies = reader_.direct(at, count);
    if (rows == 1) {
      if (lies == nullptr) return reader_.stage(at, count, out);
      std::memcpy(out, lies, count * static_cast<std::size_t>(itemsize_));
      return;
    }
    if (rows == 2 && lies != nullptr) {
      if (const std::byte* next = reader_.direct(at + columns_, count)) {
        static_cast<void>(add_(lies, next, out, count));
        return;
      }
    }
    const std::int64_t left = bit_floor(rows - 1);
    add_rows(first, left, low, n, out, scratch);
    add_rows(first + left, rows - left, low, n, scratch, scratch + kChunk * itemsize_);
    add_(out, scratch, out, count);
  }

  // Where row `first` lies, if all rows lie one behind the other.
  [[nodiscard]] const std::byte* packed_rows(std::int64_t first) const noexcept {
    const std::byte* row = reader_.direct(first * columns_, static_cast<std::size_t>(columns_));
    if (row == nullptr || rows_ == 1) return row;
    const std::int64_t other = first + 1 < rows_ ? first + 1 : first - 1;
    const std::byte* neighbour = reader_.direct(other * columns_, static_cast<std::size_t>(columns_));
    return neighbour == row + (other - first) * columns_ * itemsize_ ? row : nullptr;
  }

  // The same over packed rows of n elements.
  void add_packed(const std::byte* x, std::int64_t rows, std::int64_t n, std::byte* out,
                  std::byte* scratch) const noexcept {
    const auto count = static_cast<std::size_t>(n);
    if (rows == 1) {
      std::memcpy(out, x, count * static_cast<std::size_t>(itemsize_));
      return;
    }
    if (rows == 2) {
      add_(x, x + n * itemsize_, out, count);
      return;
    }
    const std::int64_t left = bit_floor(rows - 1);
    add_packed(x, left, n, out, scratch);
    add_packed(x + left * n * itemsize_, rows - left, n, scratch, scratch + n * itemsize_);
    add_(out, scratch, out, count);
  }

  // Few columns: `group` rows at a time are one wide row; the wide sum is then folded in halves.
  void add_narrow(const std::byte* x, std::int64_t rows, std::byte* out, std::byte* scratch) const noexcept {
    const std::int64_t group = bit_ceil((kChunk / 2 + columns_ - 1) / columns_);  // group × columns ≤ kChunk
    const std::int64_t wide = rows / group, rest = rows % group;
    const auto count = static_cast<std::size_t>(columns_);
    if (wide == 0) return add_packed(x, rest, columns_, out, scratch);
    add_packed(x, wide, group * columns_, out, scratch);
    for (std::int64_t half = group / 2; half >= 1; half /= 2) {
      add_(out, out + half * columns_ * itemsize_, out, static_cast<std::size_t>(half * columns_));
    }
    if (rest == 0) return;
    add_packed(x + wide * group * columns_ * itemsize_, rest, columns_, scratch, scratch + kChunk * itemsize_);
    add_(out, scratch, out, count);
  }

  Space space_;  // (rows, columns …)
  Reader reader_;
  BinaryKernel add_;
  std::int64_t itemsize_, rows_, columns_, inner_, block_rows_;
};

}  // namespace

void sum_rows(const RowSum& task, int threads) {
  const std::int64_t itemsize = DType(task.loop).itemsize();
  const Writer out(task.out, task.out_strides, task.loop, task.kept, task.loop);
  const auto finish = [&](std::int64_t, std::int64_t low, std::int64_t n, const std::byte* sums) {
    out.put(low, static_cast<std::size_t>(n), sums);
  };
  const Level first(task.data, task.type, task.loop, task.rows, task.row_stride, task.kept, task.kept_strides);
  if (first.blocks() == 1) return first.run(threads, finish);

  const Space flat{.sizes = {task.kept.count}, .count = task.kept.count};
  const std::int64_t row_bytes = task.kept.count * itemsize;
  const auto partials = [&](const Level& level) {
    std::shared_ptr<Buffer> sums = make_heap_buffer(level.blocks() * row_bytes, false);
    level.run(threads, [&](std::int64_t block, std::int64_t low, std::int64_t n, const std::byte* values) {
      std::memcpy(sums->data() + block * row_bytes + low * itemsize, values, static_cast<std::size_t>(n * itemsize));
    });
    return sums;
  };
  std::int64_t rows = first.blocks();
  std::shared_ptr<Buffer> sums = partials(first);
  for (;;) {
    const Level level(sums->data(), task.loop, task.loop, rows, row_bytes, flat, {itemsize});
    if (level.blocks() == 1) return level.run(threads, finish);
    rows = level.blocks();
    sums = partials(level);
  }
}

}  // namespace ndshare::internal
