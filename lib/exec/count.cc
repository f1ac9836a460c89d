// Truth values along the reduced axes: how many, and whether one or all, which ends at the first block that says so.
#include "lib/exec/reduction.h"

#include <ndshare/create.h>

#include "lib/exec/parallel.h"

#include <algorithm>
#include <atomic>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kCountBlock = 8192;  // elements
constexpr std::int64_t kCountTask = 16;     // blocks of a task
constexpr std::int64_t kGlances[] = {8, 256};  // elements that are looked at before anything is set up

/// Calls body(first element, elements) for the blocks of a run, until one gives false.
template <class Body>
void for_blocks(std::int64_t low, std::int64_t n, int threads, const Body& body) {
  const std::int64_t blocks = (n + kCountBlock - 1) / kCountBlock;
  std::atomic<bool> ended{false};  // relaxed: whoever sees it late does work for nothing
  const auto task = [&](std::size_t index) {
    const std::int64_t first = static_cast<std::int64_t>(index) * kCountTask;
    for (std::int64_t i = first; i < std::min(blocks, first + kCountTask) && !ended.load(std::memory_order_relaxed); ++i) {
      if (!body(low + i * kCountBlock, std::min(kCountBlock, n - i * kCountBlock))) ended.store(true, std::memory_order_relaxed);
    }
  };
  if (blocks <= kCountTask) return task(0);
  parallel_blocks(static_cast<std::size_t>((blocks + kCountTask - 1) / kCountTask), threads, task);
}

std::int64_t count_block(const Evaluation& from, std::int64_t low, std::int64_t n) {
  alignas(64) std::byte room[kCountBlock];
  const auto count = static_cast<std::size_t>(n);
  const auto* x = reinterpret_cast<const std::uint8_t*>(from.fetch(low, count, room));
  return static_cast<std::int64_t>(kernels().count_true(x, count));
}

std::vector<int> kept_then_reduced(const Program& program, ValueId value, const ReduceShape& shape) {
  std::vector<int> order = shape.kept_axes;
  const std::vector<int> reduced = run_order(program, value, shape);
  order.insert(order.end(), reduced.begin(), reduced.end());
  return order;
}

}  // namespace

Array count_runs(const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags) {
  const Array result = empty(shape.kept, int64);
  const Evaluation from(program, value, program.shape(value), kept_then_reduced(program, value, shape), flags);
  const auto out = result.as_span<std::int64_t>();
  for_each_result(result.size(), shape.length, threads, [&](std::int64_t i, int inner_threads) {
    std::atomic<std::int64_t> total{0};  // relaxed: the loop's end orders it
    for_blocks(i * shape.length, shape.length, inner_threads, [&](std::int64_t low, std::int64_t n) {
      total.fetch_add(count_block(from, low, n), std::memory_order_relaxed);
      return true;
    });
    out[static_cast<std::size_t>(i)] = total.load(std::memory_order_relaxed);
  });
  return result;
}

Array any_runs(bool wanted, const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags) {
  const Array result = empty(shape.kept, bool_);
  const Evaluation from(program, value, program.shape(value), kept_then_reduced(program, value, shape), flags);
  auto* out = reinterpret_cast<std::uint8_t*>(result.mutable_data());
  for_each_result(result.size(), shape.length, threads, [&](std::int64_t i, int inner_threads) {
    std::atomic<bool> found{false};  // relaxed: the loop's end orders it
    const auto look = [&](std::int64_t low, std::int64_t n) {
      const std::int64_t count = count_block(from, low, n);
      if (wanted ? count != 0 : count != n) found.store(true, std::memory_order_relaxed);
      // What errstate wants to know is counted to the end.
      return flags != nullptr || !found.load(std::memory_order_relaxed);
    };
    for (const std::int64_t few : kGlances) {
      if (flags == nullptr && shape.length > few) look(i * shape.length, few);
      if (found.load(std::memory_order_relaxed)) break;
    }
    if (!found.load(std::memory_order_relaxed)) for_blocks(i * shape.length, shape.length, inner_threads, look);
    out[i] = found.load(std::memory_order_relaxed) == wanted ? 1 : 0;
  });
  return result;
}

}  // namespace ndshare::internal
