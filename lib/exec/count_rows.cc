// Truth values counted down the columns of rows that lie one behind the other: bytes take up 255 rows before they are widened.
#include "lib/exec/reduction.h"

#include <ndshare/create.h>

#include "lib/exec/parallel.h"
#include "lib/kernels/cast.h"

#include <algorithm>
#include <cstring>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kColumns = 2048;  // of a task: its counts, and a row of them, stay in the first-level cache
constexpr std::int64_t kByteRows = 255;  // more do not fit a byte
constexpr std::int64_t kBandRows = 4 * kByteRows;

/// Counts of some columns.
class Counts {
 public:
  explicit Counts(const Evaluation& from)
      : from_(from), truth_(kernels().find(BinaryOp::logical_or, TypeId::uint8).vv),
        add_bytes_(kernels().find(BinaryOp::add, TypeId::uint8).vv), widen_(find_cast(TypeId::uint8, TypeId::int64)),
        add_(kernels().find(BinaryOp::add, TypeId::int64).vv) {}

  /// out = how many of rows [first, end) are true in columns [low, low + n).   REQUIRES: n ≤ kColumns.
  void run(std::int64_t first, std::int64_t end, std::int64_t columns, std::int64_t low, std::size_t n, std::int64_t* out) const {
    alignas(64) std::byte few[kColumns];
    alignas(64) std::int64_t wide[kColumns];
    std::fill_n(out, n, 0);
    for (; first < end; first += kByteRows) {
      std::memset(few, 0, n);
      for (std::int64_t row = first; row < std::min(end, first + kByteRows); ++row) add_row(row * columns + low, n, few);
      widen_(few, wide, n);
      add_(out, wide, out, n);
    }
  }

 private:
  void add_row(std::int64_t low, std::size_t n, std::byte* few) const {
    alignas(64) std::byte room[kColumns];
    const std::byte* row = from_.fetch(low, n, room);
    truth_(row, row, room, n);  // memory from elsewhere, and what a choice moved of it, may have bytes beyond 0 and 1
    add_bytes_(few, room, few, n);
  }

  const Evaluation& from_;
  BinaryKernel truth_, add_bytes_;
  CastKernel widen_;
  BinaryKernel add_;
};

}  // namespace

Array count_rows(const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags) {
  const Array result = empty(shape.kept, int64);
  const std::int64_t rows = shape.length, columns = result.size();
  if (columns == 0) return result;
  std::vector<int> order = run_order(program, value, shape);
  order.insert(order.end(), shape.kept_axes.begin(), shape.kept_axes.end());
  const Evaluation from(program, value, program.shape(value), order, flags);
  const Counts counts(from);
  const std::int64_t bands = (rows + kBandRows - 1) / kBandRows, chunks = (columns + kColumns - 1) / kColumns;
  const Array partial = bands == 1 ? result : empty({bands, columns}, int64);
  auto* out = partial.as_span<std::int64_t>().data();
  parallel_blocks(static_cast<std::size_t>(bands * chunks), threads, [&](std::size_t task) {
    const std::int64_t band = static_cast<std::int64_t>(task) / chunks, low = static_cast<std::int64_t>(task) % chunks * kColumns;
    counts.run(band * kBandRows, std::min(rows, (band + 1) * kBandRows), columns, low,
               static_cast<std::size_t>(std::min(kColumns, columns - low)), out + band * columns + low);
  });
  if (bands == 1) return result;
  Program sums;
  const ValueId counted = sums.leaf(partial);
  join_rows(Join::sum, Evaluation(sums, counted, partial.shape()), bands, columns, result.mutable_data(), threads);
  return result;
}

}  // namespace ndshare::internal
