#include <ndshare/lazy.h>

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/promotion.h"

#include <utility>

namespace ndshare {
namespace internal {
namespace {

using NodePtr = std::shared_ptr<const LazyNode>;

Lazy make(LazyNode node) { return Lazy(std::make_shared<const LazyNode>(std::move(node))); }

/// Settles dtypes and shapes now, so that a mistake is told where it is written.
Lazy checked(LazyNode node) {
  const Lazy made = make(std::move(node));
  Program program;
  static_cast<void>(LazyCompiler(program).add(*made.node()));
  return made;
}

Lazy unary(UnaryOp op, const Lazy& x) {
  return checked({.kind = LazyNode::Kind::unary, .op = static_cast<std::uint8_t>(op), .in = {x.node()}});
}
Lazy binary(BinaryOp op, const Lazy& x1, const Lazy& x2) {
  return checked({.kind = LazyNode::Kind::binary, .op = static_cast<std::uint8_t>(op), .in = {x1.node(), x2.node()}});
}

}  // namespace

ValueId LazyCompiler::add(const LazyNode& node) {
  if (const auto found = made_.find(&node); found != made_.end()) return found->second;
  const ValueId id = make(node);
  made_.emplace(&node, id);
  return id;
}

ValueId LazyCompiler::make(const LazyNode& node) {
  const auto in = [&](std::size_t i) { return add(*node.in[i]); };
  switch (node.kind) {
    case LazyNode::Kind::array:
      plan_only_ = plan_only_ || node.without_memory;
      return program_.leaf(*node.array);
    case LazyNode::Kind::number:
      return program_.weak(*node.number);
    case LazyNode::Kind::unary:
      return program_.unary(static_cast<UnaryOp>(node.op), in(0));
    case LazyNode::Kind::binary: {
      const ValueId a = in(0);
      return program_.binary(static_cast<BinaryOp>(node.op), a, in(1));
    }
    case LazyNode::Kind::select: {
      const ValueId mask = in(0), a = in(1);
      return program_.select(mask, a, in(2));
    }
    case LazyNode::Kind::cast:
      return program_.cast(in(0), node.type);
  }
  return 0;
}

ValueId compile(const Lazy& expression, Program& program) {
  LazyCompiler compiler(program);
  const ValueId id = compiler.add(*expression.node());
  if (compiler.is_plan_only()) {
    throw Error(Error::Usage, "an operand is a shape without memory (shape_only): such an expression can be planned, not computed");
  }
  return program.value(id).kind == Value::Kind::weak ? program.cast(id, program.type(id)) : id;
}

}  // namespace internal

using internal::LazyNode;

Lazy::Lazy(const Array& array) : node_(std::make_shared<const LazyNode>(LazyNode{.kind = LazyNode::Kind::array, .array = array})) {
  internal::require_numeric("a lazy expression", array.dtype());
}

Lazy Lazy::of_number(const Scalar& number) { return internal::make({.kind = LazyNode::Kind::number, .number = number}); }

Shape Lazy::shape() const {
  internal::Program program;
  const auto id = internal::LazyCompiler(program).add(*node_);
  return program.shape(id);
}

DType Lazy::dtype() const {
  internal::Program program;
  const auto id = internal::LazyCompiler(program).add(*node_);
  return DType(program.type(id));
}

Array Lazy::eval(const OpOptions& options) const {
  internal::Program program;
  const internal::ValueId value = internal::compile(*this, program);
  return internal::evaluate(program, value,
                            {.what = "an expression",
                             .out = options.out,
                             .where = options.where,
                             .fill = options.fill,
                             .threads = options.threads});
}

Lazy Lazy::astype(const DType& dtype) const {
  internal::require_numeric("astype", dtype);
  return internal::make({.kind = LazyNode::Kind::cast, .in = {node_}, .type = dtype.id()});
}

Lazy shape_only(const Shape& shape, const DType& dtype) {
  internal::require_numeric("shape_only", dtype);
  static_cast<void>(shape.nbytes(dtype.itemsize()));
  const Array array = zeros({}, dtype).broadcast_to(shape);
  return internal::make({.kind = LazyNode::Kind::array, .array = array, .without_memory = true});
}

#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc) \
  Lazy name(const Lazy& x) { return internal::unary(internal::UnaryOp::name, x); }
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) \
  Lazy name(const Lazy& x1, const Lazy& x2) { return internal::binary(internal::BinaryOp::name, x1, x2); }
#include <ndshare/op_list.inc>

Lazy where(const Lazy& condition, const Lazy& x1, const Lazy& x2) {
  return internal::checked({.kind = LazyNode::Kind::select, .in = {condition.node(), x1.node(), x2.node()}});
}

Lazy clip(const Lazy& x, const Lazy& low, const Lazy& high) { return minimum(maximum(x, low), high); }

}  // namespace ndshare
