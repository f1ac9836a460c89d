/// Rows of an array on the command line: `a`, `a[10:20]`, `a[-1]`.
#pragma once

#include <string_view>

#include <ndshare/shared_array.h>

#include "tools/cli/array_argument.h"

namespace ndshare::cli {

/// The rows that `wanted`, read from `text`, names of an array of `shape`: a row or a range on the first axis. Ends are
/// Python's; a range without an end reaches to the end of the array, however long it grows.
///   Errors: IndexSyntax for fields, steps and further axes; IndexBounds for no rows.
[[nodiscard]] Rows rows_of(const ArrayArgument& wanted, const Shape& shape, std::string_view text);

}  // namespace ndshare::cli
