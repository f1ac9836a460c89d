// Double-double sums: each partial sum is a pair of doubles, its value and what was rounded away.
// Source: Knuth, The Art of Computer Programming 4.2.2 (the exact error of an addition); Ogita, Rump, Oishi, Accurate sum and dot
// product, SIAM J. Sci. Comput. 26 (2005).
#include "lib/exec/reduction.h"

#include <ndshare/create.h>

#include "lib/exec/parallel.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kSumBlock = 1024;            // elements of a block, joined in eight chains
constexpr std::size_t kChains = 8;
constexpr std::int64_t kSumTask = 64;               // blocks of a task

struct Pair {
  double high = 0, low = 0;
};

Pair add(Pair sum, double x) noexcept {
  const double high = sum.high + x, part = high - sum.high;
  const double error = (sum.high - (high - part)) + (x - part);
  return {high, sum.low + error};
}
Pair add(Pair a, Pair b) noexcept {
  Pair sum = add(a, b.high);
  sum.low += b.low;
  return sum;
}

/// The errors of an infinite or NaN sum are NaN: they say nothing.
double value_of(Pair sum) noexcept { return std::isfinite(sum.high) ? sum.high + sum.low : sum.high; }

Pair sum_block(const double* x, std::int64_t n) noexcept {
  Pair chains[kChains];
  for (std::int64_t i = 0; i < n; ++i) {
    Pair& chain = chains[static_cast<std::size_t>(i) % kChains];
    chain = add(chain, x[i]);
  }
  Pair all = chains[0];
  for (std::size_t i = 1; i < kChains; ++i) all = add(all, chains[i]);
  return all;
}

double sum_run(const Evaluation& from, std::int64_t low, std::int64_t n, int threads) {
  const std::int64_t blocks = (n + kSumBlock - 1) / kSumBlock;
  std::vector<Pair> partial(static_cast<std::size_t>(blocks));
  parallel_blocks(static_cast<std::size_t>((blocks + kSumTask - 1) / kSumTask), blocks < kSumTask ? 1 : threads, [&](std::size_t task) {
    alignas(64) double room[kSumBlock];
    const std::int64_t first = static_cast<std::int64_t>(task) * kSumTask;
    for (std::int64_t i = first; i < std::min(blocks, first + kSumTask); ++i) {
      const std::int64_t count = std::min(kSumBlock, n - i * kSumBlock);
      const auto* x = reinterpret_cast<const double*>(
          from.fetch(low + i * kSumBlock, static_cast<std::size_t>(count), reinterpret_cast<std::byte*>(room)));
      partial[static_cast<std::size_t>(i)] = sum_block(x, count);
    }
  });
  Pair all;
  for (const Pair& part : partial) all = add(all, part);
  return value_of(all);
}

}  // namespace

Array sum_dd(const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags) {
  Array result = empty(shape.kept, float64);
  std::vector<int> order = shape.kept_axes;
  const auto reduced = run_order(program, value, shape);
  order.insert(order.end(), reduced.begin(), reduced.end());
  const Evaluation from(program, value, program.shape(value), order, flags);
  const auto out = result.as_span<double>();
  if (!out.empty() && lies_across(from, shape.length)) {
    for_tiles<Pair>(
        from, shape.length, threads,
        [](Pair& sum, std::int64_t, std::int64_t, const std::byte* x, std::size_t n) {
          sum = add(sum, sum_block(reinterpret_cast<const double*>(x), static_cast<std::int64_t>(n)));
        },
        [&](const Pair& sum, std::int64_t run) { out[static_cast<std::size_t>(run)] = value_of(sum); });
    return result;
  }
  for_each_result(result.size(), shape.length, threads, [&](std::int64_t i, int inner) {
    out[static_cast<std::size_t>(i)] = sum_run(from, i * shape.length, shape.length, inner);
  });
  return result;
}

}  // namespace ndshare::internal
