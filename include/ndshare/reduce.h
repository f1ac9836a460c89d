// Reductions: axes of an array become one value each; and running sums and products along an axis.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>
#include <ndshare/export.h>
#include <ndshare/lazy.h>
#include <ndshare/scalar.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>

namespace ndshare {

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

/// What sums, means and variances are added in.
enum class Accumulate : std::uint8_t {
  own,  ///< the dtype of the result (float16: float32), pairwise
  f64,  ///< float64 (complex128), pairwise; the result is rounded to its dtype
  dd,   ///< double-double, about 106 bits: sum and mean of real numbers
};

/// Options of reductions: `nd::sum(a, {.axis = 0, .keepdims = true})`.
struct ReduceOptions {
  Axes axis{};                   ///< negative ones count from the end; no axes at all, `Axes(Dims{})`, reduces nothing
  std::optional<DType> dtype{};  ///< to reduce in, and of the result; x must cast to it by same_kind
  bool keepdims = false;         ///< keep reduced axes, with length 1
  std::optional<Array> out{};    ///< as in OpOptions
  std::optional<Array> where{};  ///< a mask of bool that broadcasts to x: elements that it leaves out do not count
  std::optional<Scalar> initial{};  ///< joined with each result; what min and max of nothing give
  Accumulate acc = Accumulate::own;  ///< sum, prod, mean, var, stddev
  double ddof = 0;                   ///< var and stddev divide by n − ddof
  int threads = 0;  ///< as in OpOptions
};

// Shapes: x (d0…dn-1) → x without the axes (length 1 with keepdims).
// Arguments: an array, or a lazy expression, which is then computed and reduced in one pass with no temporaries.
// Memory: any strides; `out` may overlap x.   Threads: safe; parallel inside; the same bits for any number of them and on every
//   target.
// Errors: Axis (out of range, named twice), DtypeMismatch, ShapeMismatch and ReadOnly for `out` and `where`, MemoryGuard, Memory,
//   Overflow (integers, where OnOverflow says raise), Usage (min, max, argmin, argmax of nothing without `initial`; dd of complex
//   numbers; an option that the function has no use for). On an error `out` is unchanged.

/// Sums: pairwise on every axis, error ≤ log2(n)·eps·Σ|x|. The sum of nothing is 0.
///   Dtypes: bool and small integers → 64 bits of their kind (bool: int64), which wraps unless OnOverflow (errstate.h) says
///     otherwise; floats and complex unchanged; float16 is added in float32 and rounded once.
///   Source: Higham, Accuracy and Stability of Numerical Algorithms, ch. 4.
NDSHARE_API Array sum(const Lazy& x, const ReduceOptions& options = {});
/// Products, likewise. The product of nothing is 1.
NDSHARE_API Array prod(const Lazy& x, const ReduceOptions& options = {});
/// The smallest and the largest; NaN if one is. Complex numbers in lexicographic order.   Dtypes: unchanged.
NDSHARE_API Array min(const Lazy& x, const ReduceOptions& options = {});
NDSHARE_API Array max(const Lazy& x, const ReduceOptions& options = {});
/// max − min.
NDSHARE_API Array ptp(const Lazy& x, const ReduceOptions& options = {});
/// Σx/n; NaN of nothing.   Dtypes: integers and bool → float64; others unchanged (float16 in float32).
NDSHARE_API Array mean(const Lazy& x, const ReduceOptions& options = {});
/// Σ|x − mean|²/(n − ddof), in two passes; and its square root (NumPy's std: the name is the standard library's here).
///   Dtypes: as mean; complex → its real dtype.
NDSHARE_API Array var(const Lazy& x, const ReduceOptions& options = {});
NDSHARE_API Array stddev(const Lazy& x, const ReduceOptions& options = {});
/// Whether one, or each (`nd::all`, below), differs from 0; NaN does. Of nothing: false, true.   Dtypes: → bool.
NDSHARE_API Array any(const Lazy& x, const ReduceOptions& options = {});
/// How many differ from 0.   Dtypes: → int64.
NDSHARE_API Array count_nonzero(const Lazy& x, const ReduceOptions& options = {});
/// The index of the first smallest or largest along one axis, or of the flattened array; the first NaN is both.
///   Dtypes: → int64.   Options: axis (one or all), keepdims, out, threads.
NDSHARE_API Array argmin(const Lazy& x, const ReduceOptions& options = {});
NDSHARE_API Array argmax(const Lazy& x, const ReduceOptions& options = {});

/// Options of running sums and products.
struct ScanOptions {
  std::optional<std::int64_t> axis{};  ///< none: over the flattened array
  std::optional<DType> dtype{};
  std::optional<Array> out{};
  int threads = 0;
};
/// out[i] = x[0] + … + x[i] along an axis; the product likewise.
///   Shapes: x's; flattened without an axis.   Dtypes: as sum.   Accuracy: each block of 4096 elements
///     in order, then what the blocks before came to: error ≤ (4096 + n/4096)·eps·Σ|x|.   Errors, threads, memory: as above.
NDSHARE_API Array cumsum(const Lazy& x, const ScanOptions& options = {});
NDSHARE_API Array cumprod(const Lazy& x, const ScanOptions& options = {});

}  // namespace ndshare
