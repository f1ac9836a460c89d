#include "lib/exec/program.h"

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/exec/promotion.h"
#include "lib/exec/text_and_time.h"

#include <algorithm>
#include <string>

namespace ndshare::internal {
namespace {

/// The dtype of a number that stands alone.
TypeId default_type(const Scalar& number) {
  switch (number.kind()) {
    case 'b':
      return TypeId::bool_;
    case 'i':
      return number.value().index() == 2 ? TypeId::uint64 : TypeId::int64;
    case 'f':
      return TypeId::float64;
    case 'c':
      return TypeId::complex128;
    default:
      throw Error(Error::DtypeMismatch, "text is no operand of arithmetic: give a number");
  }
}

/// One operand's dtype by the rule, before operands are brought together.
TypeId by_rule(const OpInfo& row, TypeId type) {
  const DType dtype(type);
  const bool exact = dtype.is_bool() || dtype.is_integer();
  if (row.rule == TypeRule::real && exact) return TypeId::float64;
  if ((row.rule == TypeRule::floats || row.rule == TypeRule::exponent) && exact) return float_for(type);
  return dtype.is_bool() && row.loops.starts_with('B') ? TypeId::int8 : type;
}

TypeId common_type(const OpInfo& row, TypeId a, TypeId b) {
  switch (row.rule) {
    case TypeRule::exponent:
      return by_rule(row, a);
    case TypeRule::floats:
      return result_type(by_rule(row, a), by_rule(row, b));
    default:
      return by_rule(row, result_type(a, b));
  }
}

TypeId require_loop(const OpInfo& row, TypeId type) {
  if (has_loop(row, type)) return type;
  throw Error(Error::DtypeMismatch,
              std::string(row.name) + " has no loop for " + DType(type).name() + ": convert an operand to another dtype first",
              {{"dtype", DType(type).name()}});
}

bool same_array(const Array& a, const Array& b) {
  return a.data() == b.data() && a.dtype() == b.dtype() && a.shape() == b.shape() && a.strides() == b.strides();
}

}  // namespace

const OpInfo& Step::row() const noexcept {
  return kind == Kind::unary ? info(static_cast<UnaryOp>(op)) : info(static_cast<BinaryOp>(op));
}

ValueId Program::add_value(Value value) {
  if (values_.size() == kMaxValues) {
    throw Error(Error::NotSupported, "an expression of over " + std::to_string(kMaxValues) +
                                         " values: evaluate a part of it into an array first");
  }
  values_.push_back(std::move(value));
  return static_cast<ValueId>(values_.size() - 1);
}

ValueId Program::add_step(Step step, TypeId type, const Shape& shape) {
  step.result = static_cast<ValueId>(values_.size());
  const auto id = add_value({Value::Kind::step, type, static_cast<std::uint16_t>(steps_.size()), shape});
  steps_.push_back(step);
  return id;
}

ValueId Program::leaf(const Array& array) {
  require_numeric("an expression", array.dtype());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].kind == Value::Kind::leaf && same_array(leaves_[values_[i].index], array)) return static_cast<ValueId>(i);
  }
  leaves_.push_back(array);
  return add_value({Value::Kind::leaf, array.dtype().id(), static_cast<std::uint16_t>(leaves_.size() - 1), array.shape()});
}

ValueId Program::literal(const Scalar& value, TypeId type) {
  literals_.push_back(scalar_array(value, DType(type)));
  return add_value({Value::Kind::literal, type, static_cast<std::uint16_t>(literals_.size() - 1), {}});
}

ValueId Program::weak(const Scalar& value) {
  weak_.push_back(value);
  return add_value({Value::Kind::weak, default_type(value), static_cast<std::uint16_t>(weak_.size() - 1), {}});
}

TypeId Program::type_next_to(ValueId x, ValueId other) const {
  const Value& value = values_[x];
  if (value.kind != Value::Kind::weak || values_[other].kind == Value::Kind::weak) return value.type;
  return weak_type(weak_[value.index], values_[other].type);
}

ValueId Program::cast(ValueId x, TypeId type) {
  const Value& value = values_[x];
  if (value.kind == Value::Kind::weak) return literal(weak_[value.index], type);
  if (value.type == type) return x;
  const Step step{.kind = Step::Kind::cast, .loop = value.type, .in = {x}};
  return add_step(step, type, Shape(value.shape));
}

ValueId Program::unary(UnaryOp op, ValueId x) {
  const OpInfo& row = info(op);
  const TypeId loop = require_loop(row, by_rule(row, values_[x].type));
  const ValueId in = cast(x, loop);
  const Step step{.kind = Step::Kind::unary, .op = static_cast<std::uint8_t>(op), .loop = loop, .in = {in}};
  return add_step(step, result_of(row, loop), Shape(values_[in].shape));
}

bool Program::is_weak(ValueId x, double number) const {
  const Value& value = values_[x];
  if (value.kind != Value::Kind::weak) return false;
  const Scalar& scalar = weak_[value.index];
  return (scalar.kind() == 'i' || scalar.kind() == 'f') && scalar.as<double>() == number;
}

ValueId Program::binary(BinaryOp op, ValueId a, ValueId b) {
  const OpInfo& row = info(op);
  if (op == BinaryOp::pow && is_weak(b, 2) && !DType(values_[a].type).is_bool()) {
    const bool to_double = DType(values_[a].type).is_integer() && weak_[values_[b].index].kind() == 'f';
    return unary(UnaryOp::square, to_double ? cast(a, TypeId::float64) : a);
  }
  const TypeId a_type = type_next_to(a, b), b_type = type_next_to(b, a);
  const TypeId common = common_type(row, a_type, b_type);
  if (is_comparison(op) && DType(common).is_floating() && DType(a_type).is_integer() && DType(b_type).is_integer()) {
    return compare_signs(op, cast(a, a_type), cast(b, b_type));
  }
  const TypeId loop = require_loop(row, common);
  if (row.rule == TypeRule::exponent && !DType(b_type).is_integer() && !DType(b_type).is_bool()) {
    throw Error(Error::DtypeMismatch, std::string(row.name) + ": x2 is an integer, not " + DType(b_type).name());
  }
  if (row.rule == TypeRule::exponent) b = small_exponent(cast(b, b_type));
  const Shape shape = values_[a].shape == values_[b].shape ? values_[a].shape : broadcast_shapes(values_[a].shape, values_[b].shape);
  const Step step{.kind = Step::Kind::binary,
                  .op = static_cast<std::uint8_t>(op),
                  .loop = loop,
                  .in = {cast(a, loop), cast(b, row.rule == TypeRule::exponent ? TypeId::int32 : loop)}};
  return add_step(step, result_of(row, loop), shape);
}

/// An exponent as int32: beyond ±100 000 every float has long become 0 or infinite.
ValueId Program::small_exponent(ValueId x) {
  constexpr std::int64_t kMost = 100'000;
  const TypeId type = values_[x].type;
  if (can_cast(type, TypeId::int32, Casting::safe)) return x;
  if (DType(type).is_signed_integer()) x = binary(BinaryOp::maximum, x, literal(-kMost, type));
  return binary(BinaryOp::minimum, x, literal(kMost, type));
}

/// A signed integer and a uint64 have no dtype in common that holds both exactly: below 0 the answer is known, else both are
/// compared as uint64.
ValueId Program::compare_signs(BinaryOp op, ValueId a, ValueId b) {
  const bool a_signed = DType(values_[a].type).is_signed_integer();
  const ValueId with_sign = a_signed ? a : b;
  const ValueId negative = binary(BinaryOp::less, with_sign, literal(0, values_[with_sign].type));
  const ValueId exact = binary(op, cast(a, TypeId::uint64), cast(b, TypeId::uint64));
  const bool below_says = op == BinaryOp::not_equal || (a_signed ? op == BinaryOp::less || op == BinaryOp::less_equal
                                                                 : op == BinaryOp::greater || op == BinaryOp::greater_equal);
  if (below_says) return binary(BinaryOp::logical_or, negative, exact);
  return binary(BinaryOp::logical_and, unary(UnaryOp::logical_not, negative), exact);
}

ValueId Program::select(ValueId mask, ValueId a, ValueId b) {
  const TypeId type = result_type(type_next_to(a, b), type_next_to(b, a));
  const Shape& mask_shape = values_[mask].shape;
  const std::array shapes = {mask_shape, values_[a].shape, values_[b].shape};
  const Shape shape = broadcast_shapes(shapes);
  const Step step{.kind = Step::Kind::select,
                  .loop = type,
                  .in = {cast(mask, TypeId::bool_), cast(a, type), cast(b, type)}};
  return add_step(step, type, shape);
}

std::vector<const Step*> Program::casts_of_leaves() const {
  std::vector<const Step*> out;
  for (const Step& step : steps_) {
    if (step.kind == Step::Kind::cast && values_[step.in[0]].kind == Value::Kind::leaf) out.push_back(&step);
  }
  return out;
}

}  // namespace ndshare::internal
