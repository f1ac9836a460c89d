// tril and triu: rows are copied as far as they are kept, and zeroed for the rest.
#include <ndshare/build.h>
#include <ndshare/error.h>

#include "lib/exec/build.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace ndshare {
namespace internal {
namespace {

/// A part of the last two axes.
struct Triangle {
  bool lower = true;
  std::int64_t k = 0;

  /// Seen with rows and columns exchanged.
  [[nodiscard]] Triangle transposed() const { return {!lower, -k}; }
  /// Columns of row i that are kept: the first so many for a lower triangle, all from there on for an upper one.
  [[nodiscard]] std::int64_t edge(std::int64_t row, std::int64_t columns) const {
    return std::clamp<std::int64_t>(row + k + (lower ? 1 : 0), 0, columns);
  }
};

void fill_triangle(Array to, Array from, Triangle kept, int threads) {
  const int rows = to.ndim() - 2, columns = to.ndim() - 1;
  if (std::abs(to.strides()[rows]) < std::abs(to.strides()[columns])) {  // along the rows as they lie in memory
    to = to.swapaxes(rows, columns), from = from.swapaxes(rows, columns), kept = kept.transposed();
  }
  const std::int64_t height = to.shape()[rows], width = to.shape()[columns];
  const auto range = [&](std::int64_t low, std::int64_t high) {
    for (std::int64_t row = low; row < high; ++row) {
      const Array line = part_of_axis(to, rows, row, 1), source = part_of_axis(from, rows, row, 1);
      const std::int64_t edge = kept.edge(row, width), start = kept.lower ? 0 : edge,
                         count = kept.lower ? edge : width - edge;
      place(part_of_axis(line, columns, start, count), part_of_axis(source, columns, start, count), threads);
      place_zero(part_of_axis(line, columns, kept.lower ? edge : 0, width - count), threads);
    }
  };
  constexpr std::int64_t kFewRows = 32;  // of a large batch: each is worth all threads
  if (height < kFewRows) return range(0, height);
  parallel_ranges(height, to.nbytes() / height, threads, range);
}

Array triangle(std::string_view what, const Array& x, bool lower, std::int64_t k, const BuildOptions& options) {
  if (x.ndim() < 2) {
    throw Error(Error::Axis,
                std::string(what) + " takes the last two axes; shape " + x.shape().str() + " has " +
                    std::to_string(x.ndim()) + ": reshape it first",
                {{"shape", x.shape().str()}});
  }
  // Beyond the corners nothing changes, and sums with k cannot overflow.
  const Triangle kept{lower, std::clamp(k, -x.shape()[x.ndim() - 2] - 1, x.shape()[x.ndim() - 1] + 1)};
  const Build plan{.what = what,
                   .shape = x.shape(),
                   .dtype = x.dtype(),
                   .operands = std::span(&x, 1),
                   .out = options.out,
                   .threads = options.threads,
                   .in_place = true};
  return build(plan, [&](const Array& to) { fill_triangle(to, x, kept, options.threads); });
}

}  // namespace
}  // namespace internal

Array tril(const Array& x, std::int64_t k, const BuildOptions& options) {
  return internal::triangle("tril", x, true, k, options);
}
Array triu(const Array& x, std::int64_t k, const BuildOptions& options) {
  return internal::triangle("triu", x, false, k, options);
}

}  // namespace ndshare
