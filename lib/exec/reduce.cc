// nd::sum: pairwise along any axes. Two ways through memory, chosen by strides, with the same bound on the error:
// runs (the reduced axes lie closest: each result is one run of elements, cut into blocks) and rows (a kept axis lies
// closer: whole rows are added as a tree, lib/exec/reduce_rows.*). What is added to what depends on shapes and strides
// alone.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/reduce.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/exec/promotion.h"
#include "lib/exec/reduce_rows.h"
#include "lib/exec/stage.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdlib>
#include <string>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

constexpr std::int64_t kTaskElements = std::int64_t{64} << 10;  // a task's share when there are many results

struct SumPlan {
  std::bitset<kMaxAxes> reduced{};
  TypeId loop{}, result{};
  Shape shape{}, keepdims_shape{};  // of the result, without and with the reduced axes
  std::int64_t length = 1;          // elements that make one result
};

// The dtype that sums are made in, for a result of dtype `result`: the widest integer of its kind, float32 for float16.
TypeId sum_loop(TypeId result) noexcept {
  const DType dtype(result);
  if (dtype.is_bool() || dtype.is_signed_integer()) return TypeId::int64;
  if (dtype.is_unsigned_integer()) return TypeId::uint64;
  return result == TypeId::float16 ? TypeId::float32 : result;
}

TypeId sum_result(const Array& x, const ReduceOptions& options) {
  require_numeric("sum", x.dtype());
  const TypeId own = x.dtype().id();
  if (!options.dtype) return x.dtype().is_floating() || x.dtype().is_complex() ? own : sum_loop(own);
  require_numeric("sum", *options.dtype);
  if (!options.dtype->is_bool() && can_cast(own, options.dtype->id(), Casting::same_kind)) return options.dtype->id();
  throw Error(Error::DtypeMismatch,
              "sum: " + x.dtype().name() + " does not cast to " + options.dtype->name() +
                  " by same_kind: choose a dtype of its kind or above",
              {{"from", x.dtype().name()}, {"to", options.dtype->name()}});
}

std::bitset<kMaxAxes> reduced_axes(const Axes& axes, int ndim) {
  std::bitset<kMaxAxes> reduced;
  for (int axis = 0; axis < ndim && axes.is_all(); ++axis) reduced.set(static_cast<std::size_t>(axis));
  for (const std::int64_t given : axes.values()) {
    const auto axis = static_cast<std::size_t>(normalize_axis(given, ndim));
    if (reduced.test(axis)) {
      throw Error(Error::Axis, "axis " + std::to_string(given) + " is named twice in " + axes.values().str(),
                  {{"axis", std::to_string(given)}});
    }
    reduced.set(axis);
  }
  return reduced;
}

SumPlan make_plan(const Array& x, const ReduceOptions& options) {
  SumPlan plan;
  plan.result = sum_result(x, options);
  plan.loop = sum_loop(plan.result);
  plan.reduced = reduced_axes(options.axis, x.ndim());
  for (int axis = 0; axis < x.ndim(); ++axis) {
    const bool gone = plan.reduced.test(static_cast<std::size_t>(axis));
    if (gone)
      plan.length *= x.size() == 0 ? 0 : x.shape()[axis];  // lengths next to a 0 may multiply past 2^63
    else
      plan.shape.push_back(x.shape()[axis]);
    plan.keepdims_shape.push_back(gone ? 1 : x.shape()[axis]);
  }
  check_threads(options.threads);
  const Shape& shape = options.keepdims ? plan.keepdims_shape : plan.shape;
  if (options.out) {
    check_out("sum", *options.out, shape, plan.result);
  } else {
    check_result_memory("sum", shape, DType(plan.loop).itemsize(), {});
  }
  return plan;
}

// The strides of the axes that are reduced, or of those that are kept, and their lengths.
void select(const Array& x, const std::bitset<kMaxAxes>& reduced, bool want, Shape& shape, Strides& strides) {
  for (int axis = 0; axis < x.ndim(); ++axis) {
    if (reduced.test(static_cast<std::size_t>(axis)) != want) continue;
    shape.push_back(x.shape()[axis]);
    strides.push_back(x.strides()[axis]);
  }
}

// The sum of a reader's elements [0, n): blocks, then the sum of their sums, and so on; `threads` = 1 stays in this
// thread.
void sum_run(const Reader& reader, std::int64_t n, TypeId loop, int threads, std::byte* out) {
  const std::int64_t itemsize = DType(loop).itemsize();
  const auto block = static_cast<std::int64_t>(reduce_block_elements(static_cast<std::size_t>(itemsize)));
  const ReduceKernel kernel = kernels().sum[static_cast<std::size_t>(loop)];
  const auto one = [&](std::int64_t low, std::byte* to) {
    const auto count = static_cast<std::size_t>(std::min(block, n - low));
    const std::byte* lies = reader.direct(low, count);
    alignas(64) std::byte room[32768];
    if (lies == nullptr) reader.stage(low, count, room);
    kernel(lies != nullptr ? lies : room, count, to);
  };
  if (n <= block) return one(0, out);
  const std::int64_t blocks = (n + block - 1) / block;
  std::vector<std::byte> partial(static_cast<std::size_t>(blocks * itemsize));
  const std::int64_t step = std::max<std::int64_t>(1, kTaskElements * 2 / block);
  parallel_blocks(static_cast<std::size_t>((blocks + step - 1) / step), threads, [&](std::size_t task) {
    const std::int64_t first = static_cast<std::int64_t>(task) * step;
    for (std::int64_t i = first; i < std::min(blocks, first + step); ++i) one(i * block, partial.data() + i * itemsize);
  });
  const Space space{.sizes = {blocks}, .count = blocks};
  sum_run(Reader(partial.data(), {itemsize}, loop, space, loop), blocks, loop, 1, out);
}

// One run for each result.
void sum_runs(const Array& x, const SumPlan& plan, const Array& result, int threads) {
  Shape run_shape, kept_shape;
  Strides kept;
  std::array<Strides, 1> run;
  select(x, plan.reduced, true, run_shape, run[0]);
  select(x, plan.reduced, false, kept_shape, kept);
  const Space space = make_space(run_shape, run, true);
  const std::int64_t itemsize = result.itemsize();
  std::byte* out = result.mutable_data();
  const auto one = [&](std::int64_t i, int inner_threads) {
    std::int64_t offset = 0, rest = i;
    for (int axis = kept_shape.ndim() - 1; axis >= 0; rest /= kept_shape[axis--])
      offset += rest % kept_shape[axis] * kept[axis];
    const Reader reader(x.data() + offset, run[0], x.dtype().id(), space, plan.loop);
    sum_run(reader, plan.length, plan.loop, inner_threads, out + i * itemsize);
  };
  const std::int64_t results = result.size();
  if (results < 16 && plan.length > kTaskElements) {  // few and long: threads share each
    for (std::int64_t i = 0; i < results; ++i) one(i, threads);
    return;
  }
  const std::int64_t step = std::max<std::int64_t>(1, kTaskElements / plan.length);
  parallel_blocks(static_cast<std::size_t>((results + step - 1) / step), threads, [&](std::size_t task) {
    const std::int64_t first = static_cast<std::int64_t>(task) * step;
    for (std::int64_t i = first; i < std::min(results, first + step); ++i) one(i, 1);
  });
}

// Whether rows are the better way: one reduced axis (after merging), and a kept one that lies closer.
bool choose_rows(const Array& x, const SumPlan& plan, Space& reduced, std::array<Strides, 1>& strides) {
  Shape shape, kept_shape;
  Strides kept;
  select(x, plan.reduced, true, shape, strides[0]);
  select(x, plan.reduced, false, kept_shape, kept);
  reduced = make_space(shape, strides, true);
  if (reduced.sizes.ndim() != 1) return false;
  for (int axis = 0; axis < kept_shape.ndim(); ++axis) {
    if (kept_shape[axis] > 1 && kept[axis] != 0 && std::abs(kept[axis]) < std::abs(strides[0][0])) return true;
  }
  return false;
}

Array compute(const Array& x, const SumPlan& plan, int threads) {
  if (x.size() == 0 || plan.length == 0) return zeros(plan.shape, DType(plan.loop));
  const Array result = empty(plan.shape, DType(plan.loop));
  if (plan.length == 1) {  // nothing to add: the elements themselves
    Dims gone;
    for (int axis = 0; axis < x.ndim(); ++axis) {
      if (plan.reduced.test(static_cast<std::size_t>(axis))) gone.push_back(axis);
    }
    assign_cast(result, gone.empty() ? x : x.with_layout(squeeze(x.layout(), gone)), threads);
    return result;
  }
  Space reduced;
  std::array<Strides, 1> strides;
  if (!choose_rows(x, plan, reduced, strides)) {
    sum_runs(x, plan, result, threads);
    return result;
  }
  Shape kept_shape;
  std::array<Strides, 2> kept = {Strides{}, result.strides()};
  select(x, plan.reduced, false, kept_shape, kept[0]);
  const Space space = make_space(kept_shape, kept, true);
  sum_rows({.data = x.data(),
            .type = x.dtype().id(),
            .loop = plan.loop,
            .rows = reduced.count,
            .row_stride = strides[0][0],
            .kept = space,
            .kept_strides = kept[0],
            .out = result.mutable_data(),
            .out_strides = kept[1]},
           threads);
  return result;
}

}  // namespace
}  // namespace internal

Array sum(const Array& x, const ReduceOptions& options) {
  const internal::SumPlan plan = internal::make_plan(x, options);
  Array result = internal::compute(x, plan, options.threads);
  if (options.keepdims) result = result.reshape(plan.keepdims_shape);
  if (plan.result != plan.loop && !(options.out && options.out->dtype().id() == plan.result)) {
    const Array narrowed = empty(result.shape(), DType(plan.result));  // before `out`, which may be wider again
    internal::assign_cast(narrowed, result, options.threads);
    result = narrowed;
  }
  if (!options.out) return result;
  internal::assign_cast(*options.out, result, options.threads);
  return *options.out;
}

}  // namespace ndshare
