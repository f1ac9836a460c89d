// Arithmetic on numbers alone, as Python's: its results are still weak, they take the dtype of the array beside them.
#pragma once

#include <ndshare/scalar.h>

#include <string_view>

namespace ndshare::internal {

/// a op b.   Errors: Usage (division by 0, a negative shift, complex numbers in order); Overflow (an integer beyond 64
/// bits, a real one beyond float64).   REQUIRES: numbers; an operator of syntax.h's binary nodes.
[[nodiscard]] Scalar combine_constants(std::string_view op, const Scalar& a, const Scalar& b);

/// -a, +a, ~a (of a bool: not a).   Errors: as above; Usage for ~ of what is no integer.
[[nodiscard]] Scalar apply_to_constant(std::string_view op, const Scalar& a);

}  // namespace ndshare::internal
