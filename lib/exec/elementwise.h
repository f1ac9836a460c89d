// Element-wise calls: a program's value written to an array, new or given, block by block over all threads.
#pragma once

#include <ndshare/array.h>
#include <ndshare/ledger.h>
#include <ndshare/ops.h>

#include "lib/exec/evaluation.h"
#include "lib/exec/program.h"

#include <string_view>
#include <vector>

namespace ndshare::internal {

/// Where a value goes, and what else is asked.
struct Target {
  std::string_view what;                 ///< the function, for messages
  std::optional<Array> out{}, where{};   ///< as in OpOptions
  std::optional<Scalar> fill{};
  int threads = 0;
  bool is_noted = false;                 ///< the ledger has been told of the conversion that the call is
};

/// What evaluating a value into a new array copies of its operands: the ledger's lines, and the plan's.
struct OperandCopy {
  CopyReason reason{};
  std::int64_t bytes = 0;
  ValueId operand = 0;
  TypeId to{};  ///< the dtype it is read in
};
[[nodiscard]] std::vector<OperandCopy> operand_copies(const Program& program, const Evaluation& evaluation);
/// The order of the axes in which a new array for the value lies, outermost first.
[[nodiscard]] std::vector<int> new_order(const Program& program, const Shape& shape);

/// Computes a value into `target.out`, or into a new array: checks, limits, the ledger, errstate, overlaps.
///   Errors: as ops.h says.
[[nodiscard]] Array evaluate(Program& program, ValueId value, const Target& target);

/// Eager calls.
[[nodiscard]] Array run_unary(UnaryOp op, const Array& x, const OpOptions& options);
[[nodiscard]] Array run_binary(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options);
[[nodiscard]] Array run_binary(BinaryOp op, const Array& x1, const Scalar& x2, const OpOptions& options);
[[nodiscard]] Array run_binary(BinaryOp op, const Scalar& x1, const Array& x2, const OpOptions& options);

/// dst[...] = src in dst's dtype (unsafe casts included), block by block.   REQUIRES: src broadcasts to dst, numeric, dst
/// writable, and memory that is apart or exactly the same.
void assign_cast(const Array& dst, const Array& src, int threads);

/// Throws unless `out` can take a result of this shape and dtype: ShapeMismatch, DtypeMismatch, ReadOnly.
void check_out(std::string_view what, const Array& out, const Shape& shape, TypeId type);
/// The same of a result that is moved, not cast: `out` has its dtype.
void check_same_out(std::string_view what, const Array& out, const Shape& shape, const DType& dtype);
/// Throws Usage for a negative number of threads.
void check_threads(int threads);

/// Whether writing `out` element by element would change elements of `operand` that are still to be read.
[[nodiscard]] bool spoils(const Array& operand, const Array& out);

}  // namespace ndshare::internal
