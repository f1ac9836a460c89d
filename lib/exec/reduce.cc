// The public reductions: programs around a value, then a join (lib/exec/reduction.h).
#include <ndshare/reduce.h>

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/promotion.h"
#include "lib/exec/reduce_small.h"
#include "lib/exec/reduction.h"

#include <complex>
#include <limits>
#include <string>

namespace ndshare {
namespace internal {
namespace {

/// The dtype that the elements are converted to first; NumPy's rules for sums, or what the caller says.
TypeId asked_type(std::string_view what, TypeId own, const ReduceOptions& options, TypeId by_default) {
  if (!options.dtype) return by_default;
  require_numeric(what, *options.dtype);
  if (can_cast(own, options.dtype->id(), Casting::same_kind)) return options.dtype->id();
  throw Error(Error::DtypeMismatch,
              std::string(what) + ": " + DType(own).name() + " does not cast to " + options.dtype->name() +
                  " by same_kind: choose a dtype of its kind or above",
              {{"from", DType(own).name()}, {"to", options.dtype->name()}});
}

/// A reduction on its way: the expression, what was asked, and the shapes.
class Reduction {
 public:
  Reduction(std::string_view what, const Lazy& x, const ReduceOptions& options) : what_(what), options_(options) {
    value_ = compile(x, program_);
    whole_ = program_.shape(value_);
    shape_ = reduce_shape(whole_, options.axis);
    check_threads(options.threads);
    if (options.where) add_mask(*options.where);
  }

  Program& program() { return program_; }
  ValueId value() const { return value_; }
  void set_value(ValueId value) { value_ = value; }
  TypeId type() const { return program_.type(value_); }
  const ReduceShape& shape() const { return shape_; }
  const ReduceOptions& options() const { return options_; }
  std::string_view what() const { return what_; }
  bool is_empty() const { return shape_.length == 0; }

  /// Fails before anything is computed.
  void plan(TypeId result) const {
    const Shape& shape = options_.keepdims ? shape_.keepdims : shape_.kept;
    if (options_.out) return check_out(what_, *options_.out, shape, result);
    check_result_memory(what_, shape, DType(result).itemsize(), program_.leaves());
  }

  /// Where the mask is false the identity stands, in the value's dtype.
  void mask_with(const Scalar& identity) {
    if (mask_) value_ = program_.select(*mask_, value_, program_.literal(identity, type()));
  }
  bool is_masked() const { return mask_.has_value(); }
  ValueId mask() const { return *mask_; }

  /// What `make(flags)` gives; of nothing: `identity` everywhere.   Errors: what errstate raises.
  template <class Make>
  Array run(const DType& dtype, const Scalar& identity, const Make& make) {
    if (is_empty()) return full(shape_.kept, identity, dtype);
    ErrorFlags flags;
    Array out = make(wants_flags(program_, flags) ? &flags : nullptr);
    flags.check(what_), flags.report(what_);
    return out;
  }
  /// The joined values, in the value's dtype; of nothing: `identity`.
  Array join_all(Join op, const Scalar& identity) {
    return run(DType(type()), identity, [&](ErrorFlags* flags) {
      Array out = join(op, program_, value_, shape_, options_.threads, flags);
      if (op == Join::sum || op == Join::prod) check_overflow(what_, op, program_, value_, shape_, out, options_.threads);
      return out;
    });
  }
  /// Converts to the result's dtype, and puts it where it was asked for.
  Array finish(Array result, TypeId type) const {
    if (options_.keepdims) result = result.reshape(shape_.keepdims);
    if (result.dtype().id() != type) {
      const Array exact = result;
      result = ndshare::astype(exact, DType(type), {.casting = Casting::unsafe});
      if (!is_exact(type)) check_rounding(what_, exact, result);
    }
    if (!options_.out) return result;
    assign_cast(*options_.out, result, options_.threads);
    return *options_.out;
  }

 private:
  void add_mask(const Array& mask) {
    if (!mask.dtype().is_bool()) {
      throw Error(Error::DtypeMismatch, std::string(what_) + ": where is a mask of bool, not " + mask.dtype().to_string());
    }
    static_cast<void>(broadcast_to(mask.layout(), whole_));  // throws where it does not fit
    mask_ = program_.leaf(mask.broadcast_to(whole_));
  }

  std::string_view what_;
  const ReduceOptions& options_;
  Program program_;
  ValueId value_ = 0;
  Shape whole_;
  ReduceShape shape_;
  std::optional<ValueId> mask_;
};

/// float64 or complex128 where asked for.
TypeId accumulator(TypeId loop, const ReduceOptions& options) {
  if (options.acc == Accumulate::own || is_exact(loop)) return loop;
  return DType(loop).is_complex() ? TypeId::complex128 : TypeId::float64;
}

constexpr std::int64_t kCountedRow = 256;  // elements; shorter rows are joined as numbers, several at a time

/// How many elements of a bool value are true, int64.
Array count_true(Program& program, ValueId value, const ReduceShape& shape, int threads, ErrorFlags* flags) {
  if (prefers_runs(program, value, shape)) return count_runs(program, value, shape, threads, flags);
  if (shape.kept.count() >= kCountedRow) return count_rows(program, value, shape, threads, flags);
  return join(Join::sum, program, program.cast(value, TypeId::int64), shape, threads, flags);
}

Array sum_value(Reduction& work, TypeId loop) {
  const bool exactly = work.options().acc == Accumulate::dd && !is_exact(loop);
  if (exactly && DType(loop).is_complex()) {
    throw Error(Error::Usage, std::string(work.what()) + ": dd adds real numbers: add the parts apart");
  }
  // Bytes of 0 and 1 are counted, not added.
  if (work.type() == TypeId::bool_ && loop == TypeId::int64) {
    work.mask_with(false);
    return work.run(int64, 0, [&](ErrorFlags* flags) {
      return count_true(work.program(), work.value(), work.shape(), work.options().threads, flags);
    });
  }
  work.set_value(work.program().cast(work.value(), accumulator(loop, work.options())));
  work.mask_with(0);
  if (!exactly) return work.join_all(Join::sum, 0);
  return work.run(float64, 0, [&](ErrorFlags* flags) {
    Array out = sum_dd(work.program(), work.value(), work.shape(), work.options().threads, flags);
    check_overflow(work.what(), Join::sum, work.program(), work.value(), work.shape(), out, work.options().threads);
    return out;
  });
}

Array with_initial(const Array& result, BinaryOp op, const std::optional<Scalar>& initial) {
  if (!initial) return result;
  Array out = run_binary(op, result, *initial, {});
  return out.dtype() == result.dtype() ? out : ndshare::astype(out, result.dtype(), {.casting = Casting::unsafe});
}

Array sum_or_prod(std::string_view what, Join op, const Lazy& x, const ReduceOptions& options);

/// Whether no sum of so many elements of the dtype leaves 64 bits.
bool sums_fit(TypeId own, TypeId result, std::int64_t length) {
  const bool wide = result == TypeId::int64 || result == TypeId::uint64;
  return wide && DType(own).itemsize() <= 4 && length < (std::int64_t{1} << 31);
}

/// The sum or product of integers, `initial` included, as OnOverflow says.
Array fitted(const Reduction& work, Join op, const Lazy& x, const Array& joined, TypeId result) {
  const ReduceOptions& options = work.options();
  Array wrapped, rough;
  {
    const ErrState wrapping{.overflow = OnOverflow::wrap};
    wrapped = with_initial(joined, op == Join::sum ? BinaryOp::add : BinaryOp::multiply, options.initial);
  }
  if (op == Join::sum && !options.initial && sums_fit(x.dtype().id(), result, work.shape().length)) return wrapped;
  {
    const RoughScope again;
    rough = sum_or_prod(work.what(), op, x, {.axis = options.axis, .dtype = float64, .where = options.where,
                                             .initial = options.initial, .threads = options.threads});
  }
  fit_integers(work.what(), wrapped, rough, result);
  return wrapped;
}

Array sum_or_prod(std::string_view what, Join op, const Lazy& x, const ReduceOptions& options) {
  Reduction work(what, x, options);
  const TypeId own = work.type();
  const TypeId result = asked_type(what, own, options, is_exact(own) ? sum_loop(own) : own);
  refuse_ddof(what, options);
  refuse(what, op == Join::prod && options.acc == Accumulate::dd, "acc = dd", "sum and mean do");
  work.plan(result);
  Array joined;
  if (op == Join::sum) {
    joined = sum_value(work, sum_loop(result));
  } else {
    work.set_value(work.program().cast(work.value(), accumulator(sum_loop(result), options)));
    work.mask_with(1);
    joined = work.join_all(Join::prod, 1);
  }
  if (looks_at_integers(result)) return work.finish(fitted(work, op, x, joined, result), result);
  joined = with_initial(joined, op == Join::sum ? BinaryOp::add : BinaryOp::multiply, options.initial);
  return work.finish(joined, result);
}

/// What changes no other value: the far end of the dtype.
Scalar far_end(TypeId type, bool largest) {
  const double far = largest ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  Scalar out = far;
  if (DType(type).is_complex()) out = std::complex<double>(far, far);
  visit_numeric(type, [&]<class T>() {
    if constexpr (std::is_integral_v<T>) out = largest ? std::numeric_limits<T>::max() : std::numeric_limits<T>::lowest();
  });
  return out;
}

Array extreme(std::string_view what, Join op, const Lazy& x, const ReduceOptions& options) {
  refuse_acc(what, options), refuse_ddof(what, options);
  Reduction work(what, x, options);
  const TypeId result = asked_type(what, work.type(), options, work.type());
  work.plan(result);
  const TypeId loop = result == TypeId::bool_ ? TypeId::uint8 : result == TypeId::float16 ? TypeId::float32 : result;
  if ((work.is_empty() || work.is_masked()) && !options.initial && work.shape().kept.count() != 0) {
    throw Error(Error::Usage,
                std::string(what) + (work.is_empty() ? " of nothing (shape " + work.program().shape(work.value()).str() + ")"
                                                     : std::string(" with a mask, which may leave nothing")) +
                    " has no value: give `initial`");
  }
  work.set_value(work.program().cast(work.value(), loop));
  const bool smallest = op == Join::min;
  if (work.is_masked()) work.mask_with(far_end(loop, smallest));
  Array joined = work.join_all(op, options.initial.value_or(0));
  joined = with_initial(joined, smallest ? BinaryOp::minimum : BinaryOp::maximum, options.initial);
  return work.finish(joined, result);
}

Array any_or_all(std::string_view what, bool all, const Lazy& x, const ReduceOptions& options) {
  refuse_initial(what, options), refuse_dtype(what, options), refuse_acc(what, options), refuse_ddof(what, options);
  Reduction work(what, x, options);
  work.plan(TypeId::bool_);
  work.set_value(work.program().cast(work.value(), TypeId::bool_));
  work.mask_with(all);
  if (prefers_runs(work.program(), work.value(), work.shape())) {
    const Array out = work.run(bool_, all, [&](ErrorFlags* flags) {
      return any_runs(!all, work.program(), work.value(), work.shape(), options.threads, flags);
    });
    return work.finish(out, TypeId::bool_);
  }
  const Array joined = work.join_all(all ? Join::all : Join::any, all);
  // Memory from elsewhere may have bytes beyond 0 and 1.
  return work.finish(run_binary(BinaryOp::logical_or, joined, joined, {.out = joined}), TypeId::bool_);
}

/// How many elements make each result; of a mask: how many it lets through.
Array counts(Reduction& work) {
  if (!work.is_masked()) return full(work.shape().kept, static_cast<double>(work.shape().length), float64);
  Program program;
  const Array mask = work.program().leaves()[work.program().value(work.mask()).index];
  const ValueId through = program.leaf(mask);
  if (work.is_empty()) return zeros(work.shape().kept, float64);
  return count_true(program, through, work.shape(), work.options().threads, nullptr);
}

TypeId mean_type(std::string_view what, TypeId own, const ReduceOptions& options) {
  const TypeId type = asked_type(what, own, options, is_exact(own) ? TypeId::float64 : own);
  return is_exact(type) ? TypeId::float64 : type;
}

Array mean_value(Reduction& work, TypeId result) {
  const Array total = sum_value(work, sum_loop(result));
  const Array n = ndshare::astype(counts(work), DType(part_of(total.dtype().id())), {.casting = Casting::unsafe});
  return run_binary(BinaryOp::divide, total, n, {});
}

/// |x|²: of complex numbers without a root on the way.
ValueId squared_length(Program& program, ValueId x) {
  if (!DType(program.type(x)).is_complex()) return program.unary(UnaryOp::square, x);
  const ValueId re = program.unary(UnaryOp::square, program.unary(UnaryOp::real, x));
  return program.binary(BinaryOp::add, re, program.unary(UnaryOp::square, program.unary(UnaryOp::imag, x)));
}

/// Two passes: the mean, then the squares of what is left.
Array variance(std::string_view what, const Lazy& x, const ReduceOptions& options, bool root) {
  refuse_initial(what, options);
  const TypeId own = x.dtype().id();
  const TypeId type = mean_type(what, own, options), loop = accumulator(sum_loop(type), options);
  ReduceOptions inner = options;
  inner.out.reset(), inner.dtype.reset(), inner.initial.reset(), inner.keepdims = true;
  Reduction work(what, x, options);
  work.plan(part_of(type));
  Reduction first(what, x, inner);
  first.set_value(first.program().cast(first.value(), loop));
  const Array middle = mean_value(first, loop).reshape(first.shape().keepdims);
  Program& program = work.program();
  ValueId left = program.binary(BinaryOp::subtract, program.cast(work.value(), loop), program.leaf(middle));
  work.set_value(squared_length(program, left));
  const Array squares = sum_value(work, part_of(loop));
  const Array n = run_binary(BinaryOp::maximum, run_binary(BinaryOp::subtract, counts(work), Scalar(options.ddof), {}), Scalar(0.0), {});
  Array result = run_binary(BinaryOp::divide, squares, ndshare::astype(n, squares.dtype(), {.casting = Casting::unsafe}), {});
  if (root) result = run_unary(UnaryOp::sqrt, result, {});
  return work.finish(result, part_of(type));
}

}  // namespace
}  // namespace internal

Array sum(const Lazy& x, const ReduceOptions& options) {
  if (auto few = internal::reduce_few(internal::Few::sum, x, options)) return *std::move(few);
  return internal::sum_or_prod("sum", internal::Join::sum, x, options);
}
Array prod(const Lazy& x, const ReduceOptions& options) { return internal::sum_or_prod("prod", internal::Join::prod, x, options); }
Array min(const Lazy& x, const ReduceOptions& options) {
  if (auto few = internal::reduce_few(internal::Few::min, x, options)) return *std::move(few);
  return internal::extreme("min", internal::Join::min, x, options);
}
Array max(const Lazy& x, const ReduceOptions& options) {
  if (auto few = internal::reduce_few(internal::Few::max, x, options)) return *std::move(few);
  return internal::extreme("max", internal::Join::max, x, options);
}

Array ptp(const Lazy& x, const ReduceOptions& options) {
  internal::refuse_initial("ptp", options), internal::refuse_acc("ptp", options), internal::refuse_ddof("ptp", options);
  internal::refuse("ptp", options.where.has_value(), "where", "max and min do");
  ReduceOptions inner = options;
  inner.out.reset();
  return subtract(max(x, inner), min(x, inner), {.out = options.out, .threads = options.threads});
}

Array mean(const Lazy& x, const ReduceOptions& options) {
  if (auto few = internal::reduce_few(internal::Few::mean, x, options)) return *std::move(few);
  internal::refuse_initial("mean", options), internal::refuse_ddof("mean", options);
  internal::Reduction work("mean", x, options);
  const TypeId result = internal::mean_type("mean", work.type(), options);
  work.plan(result);
  return work.finish(internal::mean_value(work, result), result);
}

Array var(const Lazy& x, const ReduceOptions& options) {
  if (auto few = internal::reduce_few(internal::Few::var, x, options)) return *std::move(few);
  return internal::variance("var", x, options, false);
}
Array stddev(const Lazy& x, const ReduceOptions& options) {
  if (auto few = internal::reduce_few(internal::Few::stddev, x, options)) return *std::move(few);
  return internal::variance("stddev", x, options, true);
}

Array any(const Lazy& x, const ReduceOptions& options) {
  if (auto few = internal::reduce_few(internal::Few::any, x, options)) return *std::move(few);
  return internal::any_or_all("any", false, x, options);
}
Array AllIndex::operator()(const Lazy& x) const { return (*this)(x, {}); }
Array AllIndex::operator()(const Lazy& x, const ReduceOptions& options) const {
  if (auto few = internal::reduce_few(internal::Few::all, x, options)) return *std::move(few);
  return internal::any_or_all("all", true, x, options);
}

Array count_nonzero(const Lazy& x, const ReduceOptions& options) {
  internal::refuse_initial("count_nonzero", options), internal::refuse_dtype("count_nonzero", options);
  internal::refuse_acc("count_nonzero", options), internal::refuse_ddof("count_nonzero", options);
  ReduceOptions inner = options;
  inner.dtype = int64;
  return sum(x.astype(bool_), inner);
}

}  // namespace ndshare
