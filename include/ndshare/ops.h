// Element-wise functions: every one of op_list.inc by its name, the operators, and what is put together from them.
//
// Operands broadcast and mix dtypes as in NumPy 2 (NEP 50): the dtypes decide, never the values; a C++ number takes the array's
// dtype within its kind. Large work is spread over threads; results have the same bits for any number of them (and, but for
// transcendentals, on every instruction set). Operands and `out` may overlap in any way: the result is as if they did not.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>
#include <ndshare/errstate.h>
#include <ndshare/export.h>
#include <ndshare/scalar.h>

#include <cstdint>
#include <optional>

namespace ndshare {

/// Options of functions that produce an array, given last: `nd::add(a, b, {.out = c})`.
struct OpOptions {
  /// Written and returned instead of a new array. It has the result's shape (it is never broadcast), is writable, and
  /// the result's dtype casts to its own by same_kind.
  std::optional<Array> out{};
  /// A mask of bool that broadcasts to the result: where it is false, `out` keeps its element, or `fill` stands. It needs one of
  /// the two. Operands that are masked out raise no errstate flags.
  std::optional<Array> where{};
  std::optional<Scalar> fill{};
  int threads = 0;  ///< at most so many; 0: the process's setting
};

// Errors of all functions and operators here: ShapeMismatch (operands that do not broadcast: axis, both shapes and a reshape
// that works; `out` or `where` of another shape), DtypeMismatch (not numbers; no loop for the dtype; `out` cannot take the
// result; a mask that is not bool), ReadOnly (`out`), Overflow (an integer literal that its dtype cannot hold), MemoryGuard (over
// a limit, before anything is allocated), Memory, Usage (negative threads; `where` without `out` or `fill`; a negative power of
// integers), Arithmetic and Overflow where ErrState says raise. On an error `out` is unchanged.
// Threads: safe; parallel inside for large arrays.
// Memory: operands of other strides or dtypes are converted in small blocks, never as a whole.
// Dtypes, accuracy and meaning of each: its row in op_list.inc.
// Text and times: text compares with text by code points, times with times of their dtype; a literal is text, or a date in quotes
// (Errors: Format). Date ± span, span ± span and date − date of one unit are times. NaT is before and after nothing, differs from
// itself, and stays.

#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc) \
  [[nodiscard]] NDSHARE_API Array name(const Array& x);                       \
  NDSHARE_API Array name(const Array& x, const OpOptions& options);
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) \
  [[nodiscard]] NDSHARE_API Array name(const Array& x1, const Array& x2);                   \
  NDSHARE_API Array name(const Array& x1, const Array& x2, const OpOptions& options);       \
  NDSHARE_API Array name(const Array& x1, const Scalar& x2, const OpOptions& options = {}); \
  NDSHARE_API Array name(const Scalar& x1, const Array& x2, const OpOptions& options = {});
#include <ndshare/op_list.inc>

// The array API's other names of some of them.
[[nodiscard]] inline Array round(const Array& x) { return rint(x); }
inline Array round(const Array& x, const OpOptions& options) { return rint(x, options); }
[[nodiscard]] inline Array power(const Array& x1, const Array& x2) { return pow(x1, x2); }
inline Array power(const Array& x1, const Scalar& x2, const OpOptions& options = {}) { return pow(x1, x2, options); }

/// An operand of the functions below: an array, or a weak number.
class Operand {
 public:
  Operand(const Array& array) : array_(array) {}
  template <class T>
  requires std::constructible_from<Scalar, T> Operand(const T& number) : number_(Scalar(number)) {}
  [[nodiscard]] const std::optional<Array>& array() const noexcept { return array_; }
  [[nodiscard]] const std::optional<Scalar>& number() const noexcept { return number_; }

 private:
  std::optional<Array> array_{};
  std::optional<Scalar> number_{};
};

/// Where a time is NaT.   Dtypes: datetime64, timedelta64 → bool.
NDSHARE_API Array isnat(const Array& x, const OpOptions& options = {});
/// condition ? x1 : x2, element by element; what is not bool is true where it differs from 0.
NDSHARE_API Array where(const Array& condition, const Operand& x1, const Operand& x2, const OpOptions& options = {});
/// x, no smaller than `low` and no larger than `high` (either may be left out): minimum(maximum(x, low), high). NaN stays.
NDSHARE_API Array clip(const Array& x, const std::optional<Operand>& low, const std::optional<Operand>& high,
                       const OpOptions& options = {});
/// Degrees to radians and back: x·π/180, x·180/π in the float dtype of x.   Accuracy: 1 ULP.
NDSHARE_API Array deg2rad(const Array& x, const OpOptions& options = {});
NDSHARE_API Array rad2deg(const Array& x, const OpOptions& options = {});
/// Options of `isclose`.
struct CloseOptions {
  double rtol = 1e-5, atol = 1e-8;
  bool equal_nan = false;
};
/// |x1 − x2| ≤ atol + rtol·|x2|, and equal infinities; a bool array.
NDSHARE_API Array isclose(const Array& x1, const Array& x2, const CloseOptions& close = {}, const OpOptions& options = {});
[[nodiscard]] NDSHARE_API bool allclose(const Array& x1, const Array& x2, const CloseOptions& close = {});
/// Options of `nan_to_num`: by default 0, and the largest and smallest finite numbers of the dtype.
struct NanOptions {
  double nan = 0;
  std::optional<double> posinf{}, neginf{};
};
/// x with NaN and infinities replaced by numbers. Real dtypes.
NDSHARE_API Array nan_to_num(const Array& x, const NanOptions& replace = {}, const OpOptions& options = {});

#define NDSHARE_OPERATOR(symbol, name)                                                                   \
  [[nodiscard]] inline Array operator symbol(const Array& x1, const Array& x2) { return name(x1, x2); }  \
  [[nodiscard]] inline Array operator symbol(const Array& x1, const Scalar& x2) { return name(x1, x2); } \
  [[nodiscard]] inline Array operator symbol(const Scalar& x1, const Array& x2) { return name(x1, x2); }
// In place: the array's own elements change, for all who share them. The result must cast back by same_kind.
#define NDSHARE_ASSIGNING_OPERATOR(symbol, name)                                                                     \
  NDSHARE_OPERATOR(symbol, name)                                                                                     \
  inline const Array& operator symbol##=(const Array& x1, const Array& x2) { name(x1, x2, {.out = x1}); return x1; } \
  inline const Array& operator symbol##=(const Array& x1, const Scalar& x2) { name(x1, x2, {.out = x1}); return x1; }
#include <ndshare/operator_list.inc>
[[nodiscard]] inline Array operator-(const Array& x) { return negative(x); }
[[nodiscard]] inline Array operator~(const Array& x) { return bitwise_invert(x); }

}  // namespace ndshare
