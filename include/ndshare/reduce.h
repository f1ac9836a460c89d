// Reductions: arrays along some of their axes become one value each.
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
