// Reductions over a program's value: the plan, and the two ways through memory that carry it out.
//
// Runs: the reduced axes lie closest, each result is one run of elements, cut into blocks. Rows: a kept axis lies closer, whole
// rows are joined as a tree. Which one, and what is joined to what, depends on shapes and strides alone: never on threads.
#pragma once

#include <ndshare/reduce.h>

#include "lib/exec/error_flags.h"
#include "lib/exec/evaluation.h"
#include "lib/exec/program.h"

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ndshare::internal {

enum class Join : std::uint8_t { sum, prod, min, max };

/// Which axes go, and what is left.
struct ReduceShape {
  std::bitset<kMaxAxes> reduced{};
  Shape kept{}, keepdims{};            // of the result, without and with the reduced axes
  std::int64_t length = 1;             // elements that make one result
  std::vector<int> kept_axes{}, reduced_axes{};
};
/// Errors: Axis.
[[nodiscard]] ReduceShape reduce_shape(const Shape& shape, const Axes& axes);

/// The dtype that sums and products are made in, for a result of dtype `result`: the widest integer of its kind, float32 for
/// float16.
[[nodiscard]] TypeId sum_loop(TypeId result) noexcept;

/// Joins the value's elements along the reduced axes, in the value's dtype, which has kernels for it; C-contiguous, of shape `kept`.
///   REQUIRES: length ≥ 1.
[[nodiscard]] Array join(Join op, const Program& program, ValueId value, const ReduceShape& shape, int threads,
                         ErrorFlags* flags);

/// rows × columns flat elements of `from`, joined row to row, into `out` (columns elements).
void join_rows(Join op, const Evaluation& from, std::int64_t rows, std::int64_t columns, std::byte* out, int threads);

/// Double-double sums of a float64 value, likewise; float64.
[[nodiscard]] Array sum_dd(const Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags);

/// Whether runs over the reduced axes are the better way for the value's largest leaf.
[[nodiscard]] bool prefers_runs(const Program& program, ValueId value, const ReduceShape& shape);

/// The reduced axes, and in which order they are best walked.
[[nodiscard]] std::vector<int> run_order(const Program& program, ValueId value, const ReduceShape& shape);

}  // namespace ndshare::internal
