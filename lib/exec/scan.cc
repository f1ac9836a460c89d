// cumsum and cumprod: the plan; scan_rows.cc carries it out.
#include "lib/exec/scan.h"

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/index.h>
#include <ndshare/reduce.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/promotion.h"
#include "lib/exec/reduction.h"

#include <algorithm>
#include <string>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

constexpr std::int64_t kFewColumns = 16;  // shorter rows are walked line by line

TypeId scan_type(std::string_view what, TypeId own, const ScanOptions& options) {
  const DType dtype(own);
  if (!options.dtype) return dtype.is_integer() || dtype.is_bool() ? sum_loop(own) : own;
  require_numeric(what, *options.dtype);
  if (can_cast(own, options.dtype->id(), Casting::same_kind)) return options.dtype->id();
  throw Error(Error::DtypeMismatch, std::string(what) + ": " + dtype.name() + " does not cast to " + options.dtype->name() +
                                        " by same_kind: choose a dtype of its kind or above");
}

class ScanCall {
 public:
  ScanCall(std::string_view what, bool product, const Lazy& x, const ScanOptions& options)
      : what_(what), product_(product), options_(options), value_(compile(x, program_)), shape_(program_.shape(value_)),
        reduce_(reduce_shape(shape_, options.axis ? Axes(*options.axis) : Axes())),
        result_shape_(options.axis ? shape_ : Shape{shape_.count()}), result_(scan_type(what, program_.type(value_), options)) {
    check_threads(options.threads);
    if (options.out) check_out(what, *options.out, result_shape_, result_);
    if (!options.out) check_result_memory(what, result_shape_, DType(sum_loop(result_)).itemsize(), program_.leaves());
    value_ = program_.cast(value_, sum_loop(result_));
    choose_order();
  }

  [[nodiscard]] TypeId result() const noexcept { return result_; }

  Array run() {
    const bool direct = options_.out && may_be_direct(*options_.out);
    Array scanned = direct ? *options_.out : empty(scanned_shape(), DType(sum_loop(result_)));
    if (shape_.count() != 0) compute(scanned);
    if (direct) return scanned;
    if (options_.axis) scanned = scanned.transpose(back());
    if (result_ == TypeId::float16) {
      const Array rounded = ndshare::astype(scanned, float16, {.casting = Casting::unsafe});
      check_rounding(what_, scanned.copy(), rounded.copy());
      scanned = rounded;
    }
    if (!options_.out && scanned.dtype().id() == result_ && (scanned.is_c_contiguous() || columns_ != 0)) return scanned;
    const Array out = options_.out ? *options_.out : empty(result_shape_, DType(result_));
    assign_cast(out, scanned, options_.threads);
    return out;
  }

 private:
  /// The scanned axis last; or, where rows of other axes lie closer together, all axes as they lie in memory.
  void choose_order() {
    if (!options_.axis) {
      for (int axis = 0; axis < shape_.ndim(); ++axis) order_.push_back(axis);
      return;
    }
    const int scanned = reduce_.reduced_axes.front();
    std::vector<int> lies = memory_order(program_, value_);
    const auto at = std::find(lies.begin(), lies.end(), scanned);
    std::int64_t columns = 1;
    for (auto axis = at + 1; axis != lies.end() && shape_.count() != 0; ++axis) columns *= shape_[*axis];
    if (columns >= kFewColumns) {
      columns_ = columns;
      order_ = lies;
      return;
    }
    order_ = reduce_.kept_axes;
    order_.push_back(scanned);
  }
  [[nodiscard]] Shape scanned_shape() const {
    if (!options_.axis) return result_shape_;
    Shape moved;
    for (const int axis : order_) moved.push_back(shape_[axis]);
    return moved;
  }
  /// The way from `order_` back to 0, 1, 2 …
  [[nodiscard]] Dims back() const {
    Dims places;
    for (int axis = 0; axis < shape_.ndim(); ++axis) places.push_back(std::find(order_.begin(), order_.end(), axis) - order_.begin());
    return places;
  }

  /// Whether `out` may be written at once: nothing that is still to be read lies there, and nothing can fail on the way.
  [[nodiscard]] bool may_be_direct(const Array& out) const {
    const ErrorFlags flags;
    const auto raises = [&](const Step& step) { return flags.may_raise(step, program_.type(step.result)); };
    const ErrSettings settings = err_settings();
    return out.dtype().id() == sum_loop(result_) && out.is_c_contiguous() && out.is_aligned() &&
           std::is_sorted(order_.begin(), order_.end()) && settings.over != Err::raise && settings.invalid != Err::raise &&
           std::none_of(program_.steps().begin(), program_.steps().end(), raises) &&
           std::none_of(program_.leaves().begin(), program_.leaves().end(), [&](const Array& leaf) { return may_share_memory(leaf, out); });
  }

  void compute(const Array& scanned) const {
    ErrorFlags flags;
    const Evaluation from(program_, value_, shape_, order_, wants_flags(program_, flags) ? &flags : nullptr);
    if (columns_ != 0) {
      scan_rows(from, product_, reduce_.length, columns_, scanned.mutable_data(), options_.threads);
    } else {
      scan_lines(from, product_, reduce_.length, scanned.mutable_data(), options_.threads);
    }
    flags.check(what_), flags.report(what_);
    // What is not finite once is not finite to the end.
    const Array lines = options_.axis ? scanned.transpose(back()) : scanned;
    std::vector<Index> last(static_cast<std::size_t>(lines.ndim()), all);
    last[static_cast<std::size_t>(options_.axis ? reduce_.reduced_axes.front() : 0)] = reduce_.length - 1;
    check_overflow(what_, product_ ? Join::prod : Join::sum, program_, value_, reduce_, lines.view(last).copy(), options_.threads);
  }

  std::string_view what_;
  bool product_;
  const ScanOptions& options_;
  Program program_;
  ValueId value_;
  Shape shape_;
  ReduceShape reduce_;
  Shape result_shape_;
  TypeId result_;
  std::vector<int> order_;
  std::int64_t columns_ = 0;  // of a row; 0: line by line
};

/// Integers whose overflows are looked at: both ways into memory of their own, then what stands to `out`.
Array fitted_scan(std::string_view what, bool product, const Lazy& x, const ScanOptions& options, TypeId result) {
  ScanOptions apart{.axis = options.axis, .dtype = DType(sum_loop(result)), .threads = options.threads};
  const Array wrapped = ScanCall(what, product, x, apart).run().copy();
  Array rough;
  {
    const RoughScope again;
    apart.dtype = float64;
    rough = ScanCall(what, product, x, apart).run().copy();
  }
  fit_integers(what, wrapped, rough, result);
  if (!options.out) return ndshare::astype(wrapped, DType(result), {.casting = Casting::unsafe, .copy = false});
  assign_cast(*options.out, wrapped, options.threads);
  return *options.out;
}

Array scan(std::string_view what, bool product, const Lazy& x, const ScanOptions& options) {
  ScanCall call(what, product, x, options);
  return looks_at_integers(call.result()) ? fitted_scan(what, product, x, options, call.result()) : call.run();
}

}  // namespace
}  // namespace internal

Array cumsum(const Lazy& x, const ScanOptions& options) { return internal::scan("cumsum", false, x, options); }
Array cumprod(const Lazy& x, const ScanOptions& options) { return internal::scan("cumprod", true, x, options); }

}  // namespace ndshare
