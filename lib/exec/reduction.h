// Reductions over a program's value: the plan, and the two ways through memory that carry it out.
//
// Runs: the reduced axes lie closest, each result is one run of elements, cut into blocks. Rows: a kept axis lies closer, whole
// rows are joined as a tree. Which one, and what is joined to what, depends on shapes and strides alone: never on threads.
#pragma once

#include <ndshare/reduce.h>

#include "lib/exec/error_flags.h"
#include "lib/exec/evaluation.h"
#include "lib/exec/parallel.h"
#include "lib/exec/program.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace ndshare::internal {

enum class Join : std::uint8_t { sum, prod, min, max, any, all };  // any and all: bool, over rows only

/// Which axes go, and what is left.
struct ReduceShape {
  std::bitset<kMaxAxes> reduced{};
  Shape kept{}, keepdims{};            // of the result, without and with the reduced axes
  std::int64_t length = 1;             // elements that make one result
  std::vector<int> kept_axes{}, reduced_axes{};
};
/// An option that the function has no use for would be ignored without a word: Usage, which names the functions that take it.
void refuse(std::string_view what, bool given, std::string_view option, std::string_view takers);
void refuse_acc(std::string_view what, const ReduceOptions& options);
void refuse_ddof(std::string_view what, const ReduceOptions& options);
void refuse_initial(std::string_view what, const ReduceOptions& options);
void refuse_dtype(std::string_view what, const ReduceOptions& options);

/// Errors: Axis.
[[nodiscard]] ReduceShape reduce_shape(const Shape& shape, const Axes& axes);

/// The dtype that sums and products are made in, for a result of dtype `result`: the widest integer of its kind, float32 for
/// float16.
[[nodiscard]] TypeId sum_loop(TypeId result) noexcept;

/// Joins the value's elements along the reduced axes, in the value's dtype, which has kernels for it; C-contiguous, of shape `kept`.
///   REQUIRES: length ≥ 1; not prefers_runs for any and all.
[[nodiscard]] Array join(Join op, const Program& program, ValueId value, const ReduceShape& shape, int threads,
                         ErrorFlags* flags);

/// rows × columns flat elements of `from`, joined row to row, into `out` (columns elements).
void join_rows(Join op, const Evaluation& from, std::int64_t rows, std::int64_t columns, std::byte* out, int threads);

/// Double-double sums of a float64 value, likewise; float64.
[[nodiscard]] Array sum_dd(const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags);

/// How many elements of a bool value are true, int64; and whether one is (`wanted`), or none is false (not `wanted`), bool:
/// this ends early where no flags are asked for. Over runs: the better way where `prefers_runs`; count_rows where not, for rows of some hundred elements.
[[nodiscard]] Array count_rows(const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags);
[[nodiscard]] Array count_runs(const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags);
[[nodiscard]] Array any_runs(bool wanted, const Program& program, ValueId value, const ReduceShape& shape, int threads,
                             ErrorFlags* flags);

/// Whether errstate wants to know anything that a step of the program could show.
[[nodiscard]] bool wants_flags(const Program& program, const ErrorFlags& flags) noexcept;

/// Tells errstate of sums and products (`joined`, C-contiguous, of shape `kept`) that are infinite or NaN though no element was:
/// NumPy's flags of a reduction. Only then are the elements read again.   Errors: Arithmetic.
void check_overflow(std::string_view what, Join op, const Program& program, ValueId value, const ReduceShape& shape,
                    const Array& joined, int threads);
/// Tells errstate of finite values that a narrower dtype made infinite.   Errors: Arithmetic.
void check_rounding(std::string_view what, const Array& exact, const Array& rounded);

/// Whether OnOverflow asks about sums and products of this integer dtype.
[[nodiscard]] bool looks_at_integers(TypeId result) noexcept;
/// Does what OnOverflow says to 64-bit sums and products that the dtype `result` does not hold. `wrapped` is of its kind, `rough`
/// the same joined in float64; both C-contiguous.   Errors: Overflow.
void fit_integers(std::string_view what, const Array& wrapped, const Array& rough, TypeId result);
/// The settings under which `rough` is made: nothing is told twice.
class RoughScope {
 public:
  RoughScope();

 private:
  ErrScope scope_;
};

/// Calls body(result, threads that it may use): threads share the results, or each result where they are few and long.
void for_each_result(std::int64_t results, std::int64_t length, int threads,
                     const std::function<void(std::int64_t, int)>& body);

/// Whether the runs lie across memory, so that tiles of several are the way to read them.
[[nodiscard]] bool lies_across(const Evaluation& from, std::int64_t length) noexcept;
inline constexpr std::size_t kMostTileRows = 64;

/// Reads runs that lie across, several at a time: `piece(state, run, first element, elements, n)` for each piece of each run, in
/// order, then `done(state, run)`. A run is one task's from its first piece to its last, and so is its state.
template <class State, class Piece, class Done>
void for_tiles(const Evaluation& from, std::int64_t length, int threads, const Piece& piece, const Done& done) {
  const Space& space = from.space();
  const std::int64_t group = space.sizes[space.sizes.ndim() - 2], itemsize = DType(from.type()).itemsize();  // runs along one axis
  const std::int64_t high = from.tile_rows(), wide = from.tile_columns(), bands = (group + high - 1) / high;
  parallel_blocks(static_cast<std::size_t>(space.count / length / group * bands), threads, [&](std::size_t task) {
    const auto index = static_cast<std::int64_t>(task);
    const std::int64_t first = index / bands * group + index % bands * high, rows = std::min(high, group - index % bands * high);
    alignas(64) std::byte room[2 * kBlockBytes];
    std::array<State, kMostTileRows> states{};
    for (std::int64_t column = 0; column < length; column += wide) {
      const Tile tile{first, rows, column, std::min(wide, length - column)};
      from.store_tile(tile, room);
      for (std::int64_t row = 0; row < rows; ++row) {
        piece(states[static_cast<std::size_t>(row)], first + row, column, room + row * tile.columns * itemsize,
              static_cast<std::size_t>(tile.columns));
      }
    }
    for (std::int64_t row = 0; row < rows; ++row) done(states[static_cast<std::size_t>(row)], first + row);
  });
}

/// Whether runs over the reduced axes are the better way for the value's largest leaf.
[[nodiscard]] bool prefers_runs(const Program& program, ValueId value, const ReduceShape& shape);

/// All axes, as the value's largest leaf lies in memory: falling strides. And the reduced ones.
[[nodiscard]] std::vector<int> memory_order(const Program& program, ValueId value);
[[nodiscard]] std::vector<int> run_order(const Program& program, ValueId value, const ReduceShape& shape);

}  // namespace ndshare::internal
