// Arithmetic on arrays: add, subtract, multiply, divide, the operators + − × ÷, and sum.
//
// Operands broadcast and mix dtypes as in NumPy 2 (NEP 50): the dtypes decide, never the values; a C++ number takes the
// array's dtype within its kind. Large work is spread over threads; the results have the same bits for any number of
// them and on every instruction set. Operands and `out` may overlap in any way: the result is as if they did not.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>
#include <ndshare/export.h>
#include <ndshare/scalar.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>

namespace ndshare {

/// Options of functions that produce an array, given last: `nd::add(a, b, {.out = c})`.
struct OpOptions {
  /// Written and returned instead of a new array. It has the result's shape (it is never broadcast), is writable, and
  /// the result's dtype casts to its own by same_kind.
  std::optional<Array> out{};
  int threads = 0;  ///< at most so many; 0: the process's setting
};

// Errors of the four functions and operators: ShapeMismatch (operands that do not broadcast: axis, both shapes and a
// reshape that works; `out` of another shape), DtypeMismatch (not numbers; no loop for the dtype; `out` cannot take the
// result), ReadOnly (`out`), Overflow (an integer literal that its dtype cannot hold), MemoryGuard (a result over half
// of the memory available, before anything is allocated), Memory, Usage (negative threads). On an error `out` is
// unchanged.
// Threads: safe; parallel inside for large arrays.
// Memory: operands of other strides or dtypes are converted in small blocks, never as a whole.

/// x1 + x2, element by element.
///   Dtypes: all numeric; integers wrap; bool is "or".   Accuracy: correctly rounded (complex: each part).
NDSHARE_API Array add(const Array& x1, const Array& x2, const OpOptions& options);
/// x1 − x2, element by element.
///   Dtypes: numeric but bool; integers wrap.   Accuracy: correctly rounded (complex: each part).
NDSHARE_API Array subtract(const Array& x1, const Array& x2, const OpOptions& options);
/// x1 × x2, element by element.
///   Dtypes: all numeric; integers wrap; bool is "and".   Accuracy: correctly rounded; complex (ac − bd) + (ad + bc)i.
NDSHARE_API Array multiply(const Array& x1, const Array& x2, const OpOptions& options);
/// x1 ÷ x2, true division, element by element. x/0 is ±inf or NaN.
///   Dtypes: all numeric; integers and bool are divided as float64.
///   Accuracy: correctly rounded; complex by Smith's method.
NDSHARE_API Array divide(const Array& x1, const Array& x2, const OpOptions& options);

// A number on either side is weak: `a * 2` keeps a's dtype, `int_array * 2.5` is float64.
#define NDSHARE_DECLARE_BINARY(name)                                                        \
  NDSHARE_API Array name(const Array& x1, const Scalar& x2, const OpOptions& options = {}); \
  NDSHARE_API Array name(const Scalar& x1, const Array& x2, const OpOptions& options = {}); \
  [[nodiscard]] inline Array name(const Array& x1, const Array& x2) { return name(x1, x2, OpOptions{}); }
NDSHARE_DECLARE_BINARY(add)
NDSHARE_DECLARE_BINARY(subtract)
NDSHARE_DECLARE_BINARY(multiply)
NDSHARE_DECLARE_BINARY(divide)
#undef NDSHARE_DECLARE_BINARY

#define NDSHARE_DECLARE_OPERATOR(symbol, name)                                                           \
  [[nodiscard]] inline Array operator symbol(const Array& x1, const Array& x2) { return name(x1, x2); }  \
  [[nodiscard]] inline Array operator symbol(const Array& x1, const Scalar& x2) { return name(x1, x2); } \
  [[nodiscard]] inline Array operator symbol(const Scalar& x1, const Array& x2) { return name(x1, x2); }
NDSHARE_DECLARE_OPERATOR(+, add)
NDSHARE_DECLARE_OPERATOR(-, subtract)
NDSHARE_DECLARE_OPERATOR(*, multiply)
NDSHARE_DECLARE_OPERATOR(/, divide)
#undef NDSHARE_DECLARE_OPERATOR

/// The axes of a reduction: all (the default), one (`{.axis = 0}`) or several (`{.axis = {0, -1}}`).
class Axes {
 public:
  Axes() = default;
  template <std::integral T>
  Axes(T axis) : all_(false), values_{static_cast<std::int64_t>(axis)} {}
  Axes(std::initializer_list<std::int64_t> axes) : all_(false), values_(axes) {}
  explicit Axes(const Dims& axes) : all_(false), values_(axes) {}

  [[nodiscard]] bool is_all() const noexcept { return all_; }
  [[nodiscard]] const Dims& values() const noexcept { return values_; }

 private:
  bool all_ = true;
  Dims values_{};
};

/// Options of reductions: `nd::sum(a, {.axis = 0, .keepdims = true})`.
struct ReduceOptions {
  Axes axis{};                   ///< negative ones count from the end; no axes at all, `Axes(Dims{})`, reduces nothing
  std::optional<DType> dtype{};  ///< to add in, and of the result; x must cast to it by same_kind
  bool keepdims = false;         ///< keep reduced axes, with length 1
  std::optional<Array> out{};    ///< as in OpOptions
  int threads = 0;               ///< as in OpOptions
};

/// Sums `x` over axes.
///   Shapes: x (d0…dn-1) → x without the axes (length 1 with keepdims). The sum of nothing is 0.
///   Dtypes: bool and small integers → 64 bits of their kind (bool: int64), wrapping; floats and complex unchanged;
///     float16 is added in float32 and rounded once.
///   Memory: any strides; `out` may overlap x.   Threads: safe; parallel inside.
///   Accuracy: pairwise on every axis, error ≤ log2(n)·eps·Σ|x|; same bits for any number of threads, on every target.
///   Errors: Axis (out of range, named twice), DtypeMismatch, ShapeMismatch and ReadOnly for `out`, MemoryGuard, Memory.
///   Source: Higham, Accuracy and Stability of Numerical Algorithms, ch. 4.
NDSHARE_API Array sum(const Array& x, const ReduceOptions& options = {});

}  // namespace ndshare
