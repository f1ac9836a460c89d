// tril and triu: rows are copied as far as they are kept, and zeroed for the rest.
#include <ndshare/build.h>
#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/array/strided.h"
#include "lib/select/build.h"

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
  /// The first so many columns of a row are kept in a lower triangle, and all from there on in an upper one.
  [[nodiscard]] std::int64_t edge(std::int64_t row, std::int64_t columns) const {
    return std::clamp<std::int64_t>(row + k + (lower ? 1 : 0), 0, columns);
  }
};

/// Writes rows of a triangle; `to` and `from` are seen so that a row is what lies close together.
class TriangleRows {
 public:
  TriangleRows(const Array& to, const Array& from, const Triangle& kept)
      : to_(to), from_(from), kept_(kept), row_(to.ndim() - 2), column_(to.ndim() - 1), zero_(zeros({}, to.dtype())) {
    none_ = to.strides();
    std::fill(none_.begin(), none_.end(), 0);
  }

  [[nodiscard]] std::int64_t height() const { return to_.shape()[row_]; }

  /// Row by row through every batch, by any number of threads.
  void write(std::int64_t row, int threads) const {
    const Run keep = kept_run(row), drop = dropped_run(keep);
    const Array line = part_of_axis(to_, row_, row, 1), source = part_of_axis(from_, row_, row, 1);
    place(part_of_axis(line, column_, keep.start, keep.count), part_of_axis(source, column_, keep.start, keep.count),
          threads);
    place_zero(part_of_axis(line, column_, drop.start, drop.count), threads);
  }

  /// The same in the calling thread, of one dtype, without a view for every part: most rows are short.
  void write_short(std::int64_t row) const {
    const Run keep = kept_run(row), drop = dropped_run(keep);
    const auto at = [&](const Array& x, const Run& run) {
      return row * x.strides()[row_] + run.start * x.strides()[column_];
    };
    std::byte* const to = to_.mutable_data();
    copy_strided(to + at(to_, keep), to_.strides(), from_.data() + at(from_, keep), from_.strides(), shape_of(keep),
                 to_.dtype());
    copy_strided(to + at(to_, drop), to_.strides(), zero_.data(), none_, shape_of(drop), to_.dtype());
  }

 private:
  struct Run {
    std::int64_t start = 0, count = 0;
  };
  [[nodiscard]] std::int64_t width() const { return to_.shape()[column_]; }
  [[nodiscard]] Run kept_run(std::int64_t row) const {
    const std::int64_t edge = kept_.edge(row, width());
    return kept_.lower ? Run{0, edge} : Run{edge, width() - edge};
  }
  [[nodiscard]] Run dropped_run(const Run& keep) const { return {kept_.lower ? keep.count : 0, width() - keep.count}; }
  [[nodiscard]] Shape shape_of(const Run& run) const {
    Shape shape = to_.shape();
    shape[row_] = 1, shape[column_] = run.count;
    return shape;
  }

  Array to_, from_;
  Triangle kept_;
  int row_, column_;
  Array zero_;
  Strides none_;  // of one item that stands for all
};

void fill_triangle(const Array& to, const Array& from, const Triangle& kept, int threads) {
  const int row = to.ndim() - 2, column = to.ndim() - 1;
  const bool across = std::abs(to.strides()[row]) < std::abs(to.strides()[column]);
  const TriangleRows rows(across ? to.swapaxes(row, column) : to, across ? from.swapaxes(row, column) : from,
                  across ? kept.transposed() : kept);
  constexpr std::int64_t kFewRows = 32, kLarge = std::int64_t{64} << 10;
  const std::int64_t row_bytes = to.nbytes() / rows.height();
  if (row_bytes >= kLarge && rows.height() < kFewRows) {  // of a large batch: each is worth all threads
    for (std::int64_t i = 0; i < rows.height(); ++i) rows.write(i, threads);
    return;
  }
  const bool moves = to.dtype() == from.dtype();
  parallel_ranges(rows.height(), row_bytes, threads, [&](std::int64_t low, std::int64_t high) {
    for (std::int64_t i = low; i < high; ++i) moves ? rows.write_short(i) : rows.write(i, threads);
  });
}

Array triangle(std::string_view what, const Array& x, bool lower, std::int64_t k, const BuildOptions& options) {
  if (x.ndim() < 2) {
    throw Error(Error::Axis,
                std::string(what) + " takes the last two axes; shape " + x.shape().str() + " has " +
                    std::to_string(x.ndim()) + ": reshape it first",
                {{"shape", x.shape().str()}});
  }
  // Beyond the corners nothing changes, and sums with k cannot overflow.
  const Triangle kept{lower, std::clamp(k, -x.shape()[x.ndim() - 2], x.shape()[x.ndim() - 1])};
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
