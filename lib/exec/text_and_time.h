// Operations on text and times, which kernels, who know numbers, do not do: comparisons of both, and the arithmetic of times.
//
// Times of one unit are worked on as their int64 counts; NaT is before and after nothing, differs from itself, and stays.
#pragma once

#include <ndshare/array.h>
#include <ndshare/lazy.h>
#include <ndshare/ops.h>

#include "lib/kernels/registry.h"

#include <string>

namespace ndshare::internal {

[[nodiscard]] constexpr bool is_comparison(BinaryOp op) noexcept {
  return op >= BinaryOp::equal && op <= BinaryOp::greater_equal;
}

/// Comparison of text with text, element by element, by code points; NULs at the end do not count.
///   Errors: DtypeMismatch (bytes with str), ShapeMismatch, MemoryGuard.
[[nodiscard]] Array compare_text(BinaryOp op, const Array& a, const Array& b);
/// Comparison of times.   Errors: DtypeMismatch unless the dtypes are the same, ShapeMismatch.
[[nodiscard]] Lazy compare_times(BinaryOp op, const Array& a, const Array& b);
/// Where a time is NaT.   Errors: DtypeMismatch (no time).
[[nodiscard]] Lazy is_nat(const Array& x);

/// The dtype of a sum or difference of times.   Errors: DtypeMismatch (another operation, units that differ, a sum of dates).
[[nodiscard]] DType time_result(BinaryOp op, const DType& a, const DType& b);

/// Text as an element of `like`'s dtype: as long as it is, a date read.   Errors: Format; DtypeMismatch for numbers.
[[nodiscard]] Array text_like(const std::string& text, const DType& like);

/// An eager call where an operand is no number.   Errors: as ops.h; DtypeMismatch where there is no such operation.
[[nodiscard]] Array run_text_or_time(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options);
/// A literal next to such an array: text, or a date in quotes.   Errors: Format; DtypeMismatch for all else.
[[nodiscard]] Array text_or_time_like(BinaryOp op, const Scalar& value, const DType& like);

}  // namespace ndshare::internal
