// The public functions: each operation of the op list by its name, and what is put together from them.
#include <ndshare/ops.h>

#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/threads.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/promotion.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace ndshare {
namespace {

using internal::BinaryOp;
using internal::Program;
using internal::UnaryOp;
using internal::ValueId;

internal::Target target_of(std::string_view what, const OpOptions& options) {
  return {.what = what, .out = options.out, .where = options.where, .fill = options.fill, .threads = options.threads};
}

ValueId add(Program& program, const Operand& operand) {
  return operand.array() ? program.leaf(*operand.array()) : program.weak(*operand.number());
}

Array scaled(std::string_view what, const Array& x, double factor, const OpOptions& options) {
  internal::require_numeric(what, x.dtype());
  Program program;
  const TypeId own = x.dtype().id();
  const TypeId type = x.dtype().is_integer() || x.dtype().is_bool() ? internal::float_for(own) : own;
  const ValueId value = program.cast(program.leaf(x), type);
  return internal::evaluate(program, program.binary(BinaryOp::multiply, value, program.weak(factor)), target_of(what, options));
}

/// The largest finite number of a float dtype.
double largest(TypeId type) {
  if (type == TypeId::float16) return 65504;
  return type == TypeId::float32 ? double{std::numeric_limits<float>::max()} : std::numeric_limits<double>::max();
}

}  // namespace

#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc)                                         \
  Array name(const Array& x) { return internal::run_unary(UnaryOp::name, x, {}); }                                    \
  Array name(const Array& x, const OpOptions& options) { return internal::run_unary(UnaryOp::name, x, options); }
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc)                           \
  Array name(const Array& x1, const Array& x2) { return internal::run_binary(BinaryOp::name, x1, x2, {}); }           \
  Array name(const Array& x1, const Array& x2, const OpOptions& options) {                                            \
    return internal::run_binary(BinaryOp::name, x1, x2, options);                                                     \
  }                                                                                                                   \
  Array name(const Array& x1, const Scalar& x2, const OpOptions& options) {                                           \
    return internal::run_binary(BinaryOp::name, x1, x2, options);                                                     \
  }                                                                                                                   \
  Array name(const Scalar& x1, const Array& x2, const OpOptions& options) {                                           \
    return internal::run_binary(BinaryOp::name, x1, x2, options);                                                     \
  }
#include <ndshare/op_list.inc>

Array where(const Array& condition, const Operand& x1, const Operand& x2, const OpOptions& options) {
  Program program;
  const ValueId mask = program.leaf(condition), a = add(program, x1);
  return internal::evaluate(program, program.select(mask, a, add(program, x2)), target_of("where", options));
}

Array clip(const Array& x, const std::optional<Operand>& low, const std::optional<Operand>& high, const OpOptions& options) {
  if (!low && !high) throw Error(Error::Usage, "clip without a bound: give `low`, `high` or both");
  Program program;
  ValueId value = program.leaf(x);
  if (low) value = program.binary(BinaryOp::maximum, value, add(program, *low));
  if (high) value = program.binary(BinaryOp::minimum, value, add(program, *high));
  return internal::evaluate(program, value, target_of("clip", options));
}

Array deg2rad(const Array& x, const OpOptions& options) { return scaled("deg2rad", x, std::numbers::pi / 180, options); }
Array rad2deg(const Array& x, const OpOptions& options) { return scaled("rad2deg", x, 180 / std::numbers::pi, options); }

Array isclose(const Array& x1, const Array& x2, const CloseOptions& close, const OpOptions& options) {
  const ErrState quiet{.over = Err::ignore, .invalid = Err::ignore};
  Program program;
  const ValueId a = program.leaf(x1), b = program.leaf(x2);
  const auto wide = [&](ValueId x) {  // integers and bool as float64: no wrap-around in the difference
    const DType dtype(program.type(x));
    return dtype.is_integer() || dtype.is_bool() ? program.cast(x, TypeId::float64) : x;
  };
  const ValueId difference = program.unary(UnaryOp::abs, program.binary(BinaryOp::subtract, wide(a), wide(b)));
  const ValueId relative = program.binary(BinaryOp::multiply, program.unary(UnaryOp::abs, wide(b)), program.weak(close.rtol));
  const ValueId near = program.binary(BinaryOp::less_equal, difference,
                                      program.binary(BinaryOp::add, relative, program.weak(close.atol)));
  const ValueId finite = program.unary(UnaryOp::isfinite, b);
  ValueId value = program.binary(BinaryOp::logical_or, program.binary(BinaryOp::logical_and, near, finite),
                                 program.binary(BinaryOp::equal, a, b));
  if (close.equal_nan) {
    const ValueId both = program.binary(BinaryOp::logical_and, program.unary(UnaryOp::isnan, a), program.unary(UnaryOp::isnan, b));
    value = program.binary(BinaryOp::logical_or, value, both);
  }
  return internal::evaluate(program, value, target_of("isclose", options));
}

bool allclose(const Array& x1, const Array& x2, const CloseOptions& close) {
  const Array close_ones = isclose(x1, x2, close).ravel();
  for (const bool is_close : close_ones.as_span<const bool>()) {
    if (!is_close) return false;
  }
  return true;
}

Array nan_to_num(const Array& x, const NanOptions& replace, const OpOptions& options) {
  internal::require_numeric("nan_to_num", x.dtype());
  Program program;
  ValueId value = program.leaf(x);
  if (x.dtype().is_complex()) {
    throw Error(Error::DtypeMismatch, "nan_to_num takes real numbers, not " + x.dtype().name() + ": do the parts apart");
  }
  if (x.dtype().is_floating()) {
    const double most = largest(x.dtype().id());
    const auto number = [&](double to) { return program.weak(to); };
    const ValueId low = program.literal(-most, program.type(value)), high = program.literal(most, program.type(value));
    const ValueId original = value;
    value = program.select(program.binary(BinaryOp::greater, original, high), number(replace.posinf.value_or(most)), value);
    value = program.select(program.binary(BinaryOp::less, original, low), number(replace.neginf.value_or(-most)), value);
    value = program.select(program.unary(UnaryOp::isnan, original), number(replace.nan), value);
  }
  return internal::evaluate(program, value, target_of("nan_to_num", options));
}

std::string_view simd_target() noexcept { return internal::kernels().name; }

}  // namespace ndshare
