#include "lib/exec/reduction.h"

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/exec/parallel.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kTaskElements = std::int64_t{64} << 10;  // a task's share when there are many results
constexpr std::int64_t kShortRun = 32;                          // shorter runs are joined as rows: a call for each costs more

ReduceKernel kernel_of(Join op, TypeId type) noexcept {
  const KernelTable& table = kernels();
  const auto at = static_cast<std::size_t>(type);
  switch (op) {
    case Join::sum:
      return table.sum[at];
    case Join::prod:
      return table.prod[at];
    case Join::min:
      return table.min[at];
    default:
      return table.max[at];
  }
}

/// How the value would lie: as the first array that has its whole shape; where all are stretched, in C order, as the eager result
/// that is then reduced.
Strides strides_of(const Program& program, ValueId value) {
  const Shape& shape = program.shape(value);
  for (const Array& leaf : program.leaves()) {
    if (leaf.shape() == shape) return leaf.strides();
  }
  return contiguous_strides(shape, DType(program.type(value)).itemsize());
}

std::int64_t smallest_step(const Shape& shape, const Strides& strides, const std::vector<int>& axes) {
  std::int64_t smallest = INT64_MAX;
  for (const int axis : axes) {
    if (shape[axis] > 1 && strides[axis] != 0) smallest = std::min(smallest, std::abs(strides[axis]));
  }
  return smallest;
}

/// Elements [low, low + n) as a tree: blocks, then what they came to, and so on.
class Runs {
 public:
  Runs(Join op, const Evaluation& from)
      : from_(from), kernel_(kernel_of(op, from.type())), itemsize_(DType(from.type()).itemsize()),
        block_(static_cast<std::int64_t>(reduce_block_elements(static_cast<std::size_t>(itemsize_)))) {}

  void run(std::int64_t low, std::int64_t n, int threads, std::byte* out) const {
    if (n <= block_) return one(low, n, out);
    const std::int64_t blocks = (n + block_ - 1) / block_;
    std::vector<std::byte> partial(static_cast<std::size_t>(blocks * itemsize_));
    const std::int64_t step = std::max<std::int64_t>(1, kTaskElements * 2 / block_);
    parallel_blocks(static_cast<std::size_t>((blocks + step - 1) / step), threads, [&](std::size_t task) {
      const std::int64_t first = static_cast<std::int64_t>(task) * step;
      for (std::int64_t i = first; i < std::min(blocks, first + step); ++i) {
        one(low + i * block_, std::min(block_, n - i * block_), partial.data() + i * itemsize_);
      }
    });
    fold(partial, blocks, out);
  }

 private:
  void one(std::int64_t low, std::int64_t n, std::byte* out) const {
    alignas(64) std::byte room[32768];
    kernel_(from_.fetch(low, static_cast<std::size_t>(n), room), static_cast<std::size_t>(n), out);
  }
  void fold(std::vector<std::byte>& partial, std::int64_t count, std::byte* out) const {
    while (count > block_) {
      const std::int64_t blocks = (count + block_ - 1) / block_;
      for (std::int64_t i = 0; i < blocks; ++i) {
        const auto n = static_cast<std::size_t>(std::min(block_, count - i * block_));
        kernel_(partial.data() + i * block_ * itemsize_, n, partial.data() + i * itemsize_);
      }
      count = blocks;
    }
    kernel_(partial.data(), static_cast<std::size_t>(count), out);
  }

  const Evaluation& from_;
  ReduceKernel kernel_;
  std::int64_t itemsize_, block_;
};

void join_runs(Join op, const Evaluation& from, std::int64_t results, std::int64_t length, std::byte* out, int threads) {
  const Runs runs(op, from);
  const std::int64_t itemsize = DType(from.type()).itemsize();
  for_each_result(results, length, threads,
                  [&](std::int64_t i, int inner) { runs.run(i * length, length, inner, out + i * itemsize); });
}

}  // namespace

void refuse(std::string_view what, bool given, std::string_view option, std::string_view takers) {
  if (given) throw Error(Error::Usage, std::string(what) + " takes no `" + std::string(option) + "`: " + std::string(takers));
}
void refuse_acc(std::string_view what, const ReduceOptions& options) {
  refuse(what, options.acc != Accumulate::own, "acc", "sum, prod, mean, var and stddev do");
}
void refuse_ddof(std::string_view what, const ReduceOptions& options) {
  refuse(what, options.ddof != 0, "ddof", "var and stddev do");
}
void refuse_initial(std::string_view what, const ReduceOptions& options) {
  refuse(what, options.initial.has_value(), "initial", "sum, prod, min and max do");
}
void refuse_dtype(std::string_view what, const ReduceOptions& options) {
  refuse(what, options.dtype.has_value(), "dtype", "sum, prod, mean, var, stddev, min, max and ptp do");
}

ReduceShape reduce_shape(const Shape& shape, const Axes& axes) {
  ReduceShape out;
  for (int axis = 0; axis < shape.ndim() && axes.is_all(); ++axis) out.reduced.set(static_cast<std::size_t>(axis));
  for (const std::int64_t given : axes.values()) {
    const auto axis = static_cast<std::size_t>(normalize_axis(given, shape.ndim()));
    if (out.reduced.test(axis)) {
      throw Error(Error::Axis, "axis " + std::to_string(given) + " is named twice in " + axes.values().str(),
                  {{"axis", std::to_string(given)}});
    }
    out.reduced.set(axis);
  }
  const bool empty = std::any_of(shape.begin(), shape.end(), [](std::int64_t length) { return length == 0; });
  for (int axis = 0; axis < shape.ndim(); ++axis) {
    const bool gone = out.reduced.test(static_cast<std::size_t>(axis));
    if (gone && (shape[axis] == 0 || !empty)) out.length *= shape[axis];  // lengths next to a 0 may multiply past 2^63
    if (!gone) out.kept.push_back(shape[axis]);
    out.keepdims.push_back(gone ? 1 : shape[axis]);
    (gone ? out.reduced_axes : out.kept_axes).push_back(axis);
  }
  return out;
}

TypeId sum_loop(TypeId result) noexcept {
  const DType dtype(result);
  if (dtype.is_bool() || dtype.is_signed_integer()) return TypeId::int64;
  if (dtype.is_unsigned_integer()) return TypeId::uint64;
  return result == TypeId::float16 ? TypeId::float32 : result;
}

void for_each_result(std::int64_t results, std::int64_t length, int threads,
                     const std::function<void(std::int64_t, int)>& body) {
  if (results < 16 && length > kTaskElements) {
    for (std::int64_t i = 0; i < results; ++i) body(i, threads);
    return;
  }
  const std::int64_t step = std::max<std::int64_t>(1, kTaskElements / std::max<std::int64_t>(1, length));
  parallel_blocks(static_cast<std::size_t>((results + step - 1) / step), threads, [&](std::size_t task) {
    const std::int64_t first = static_cast<std::int64_t>(task) * step;
    for (std::int64_t i = first; i < std::min(results, first + step); ++i) body(i, 1);
  });
}

bool lies_across(const Evaluation& from, std::int64_t length) noexcept {
  return from.prefers_tiles() && from.space().inner() == length && from.tile_rows() <= static_cast<std::int64_t>(kMostTileRows);
}

bool prefers_runs(const Program& program, ValueId value, const ReduceShape& shape) {
  const Shape& whole = program.shape(value);
  const Strides strides = strides_of(program, value);
  const std::int64_t kept = shape.kept.count();
  if (kept == 1) return true;
  if (shape.length < kShortRun && kept >= kShortRun) return false;
  return smallest_step(whole, strides, shape.reduced_axes) <= smallest_step(whole, strides, shape.kept_axes);
}

std::vector<int> memory_order(const Program& program, ValueId value) {
  const Strides strides = strides_of(program, value);
  std::vector<int> order(static_cast<std::size_t>(program.shape(value).ndim()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return std::abs(strides[a]) > std::abs(strides[b]); });
  return order;
}

std::vector<int> run_order(const Program& program, ValueId value, const ReduceShape& shape) {
  std::vector<int> order = memory_order(program, value);
  std::erase_if(order, [&](int axis) { return !shape.reduced.test(static_cast<std::size_t>(axis)); });
  return order;
}

Array join(Join op, const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags) {
  const Array result = empty(shape.kept, DType(program.type(value)));
  const std::int64_t results = result.size();
  if (results == 0) return result;
  std::vector<int> reduced = run_order(program, value, shape), order;
  const bool runs = prefers_runs(program, value, shape);
  order = runs ? shape.kept_axes : reduced;
  const std::vector<int>& rest = runs ? reduced : shape.kept_axes;
  order.insert(order.end(), rest.begin(), rest.end());
  const Evaluation from(program, value, program.shape(value), order, flags);
  if (runs) {
    join_runs(op, from, results, shape.length, result.mutable_data(), threads);
  } else {
    join_rows(op, from, shape.length, results, result.mutable_data(), threads);
  }
  return result;
}

}  // namespace ndshare::internal
