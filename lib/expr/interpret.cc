// Expressions that were read, computed: lazy as far as they go.
#include "lib/expr/interpret.h"

#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/errstate.h>

#include "lib/exec/evaluation.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/text_and_time.h"
#include "lib/expr/constant.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

using Node = SyntaxNode;

constexpr const char* kMasksWay =
    "selection by masks and index arrays is not there yet: reduce with where=mask (mean(a, where=a > 0)), choose with "
    "where(mask, a, b), or take a slice";

/// Bytes of scratch that a block-wise pass over the expression takes, of each thread.
std::int64_t scratch_of(const Lazy& expression) {
  Program program;
  const ValueId value = compile(expression, program);
  return static_cast<std::int64_t>(Evaluation(program, value, program.shape(value)).scratch_bytes());
}

/// The shape that a reduction gives, from what it gave for an array of as many axes of length 1.
Shape reduced_shape(const Shape& x, const Axes& axes, bool keepdims) {
  std::vector<bool> gone(static_cast<std::size_t>(x.ndim()), axes.is_all());
  for (const std::int64_t axis : axes.values())
    gone[static_cast<std::size_t>(axis < 0 ? axis + x.ndim() : axis)] = true;
  Shape out;
  for (int axis = 0; axis < x.ndim(); ++axis) {
    if (!gone[static_cast<std::size_t>(axis)]) out.push_back(x[axis]);
    if (gone[static_cast<std::size_t>(axis)] && keepdims) out.push_back(1);
  }
  return out;
}

/// The operation of an operator; of `//` and `**`, which only numbers have, nothing.
std::optional<BinaryOp> operation_of(std::string_view word) {
#define NDSHARE_OPERATOR(symbol, name) \
  if (word == #symbol) return BinaryOp::name;
#include <ndshare/operator_list.inc>
  return std::nullopt;
}

}  // namespace

Array Interpreter::planned(Plan plan) const {
  const Array stand_in = zeros({}, plan.dtype).broadcast_to(plan.shape);
  stages_->push_back(std::move(plan));
  return stand_in;
}

Array Interpreter::computed(const Lazy& value) const { return is_planning() ? planned(plan(value)) : value.eval(); }

Array Interpreter::reduced(Reduce function, const Lazy& x, const ReduceOptions& options) const {
  if (!is_planning()) return function(x, options);
  const Shape shape = x.shape();
  Shape small;
  for (int axis = 0; axis < shape.ndim(); ++axis) small.push_back(1);
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  ReduceOptions some = options;
  some.where.reset();
  Plan plan = ndshare::plan(x);
  plan.dtype = function(Lazy(zeros(small, x.dtype())), some).dtype();  // checks the options too
  plan.shape = reduced_shape(shape, options.axis, options.keepdims);
  plan.nbytes = plan.shape.nbytes(plan.dtype.itemsize());
  plan.temporaries = scratch_of(x), plan.operations += 1;
  plan.refusal.clear();  // what is reduced is never in memory as a whole
  return planned(std::move(plan));
}

Lazy Interpreter::to_lazy(const Result& value, const Node& node) const {
  if (const auto* array = std::get_if<Array>(&value)) {
    if (array->dtype().is_numeric()) return Lazy(*array);
    fail(node,
         "numbers are needed here, not " + array->dtype().name() +
             (array->dtype().is_structured() ? ": pick a field" : ""),
         ErrorCode::DtypeMismatch);
  }
  if (const auto* lazy = std::get_if<Lazy>(&value)) return *lazy;
  if (const auto* number = std::get_if<Scalar>(&value)) return Lazy(*number);
  if (std::holds_alternative<std::string>(value))
    fail(node, "text is no operand here: it compares with text arrays only");
  fail(node, std::holds_alternative<Tuple>(value) ? "a tuple is no operand here" : "None is no operand here");
}

Array Interpreter::to_array(const Result& value, const Node& node) const {
  if (const auto* array = std::get_if<Array>(&value)) return *array;
  return computed(to_lazy(value, node));
}

Result Interpreter::unary(const Node& node) {
  const Result value = result(*node.in[0]);
  if (const auto* number = std::get_if<Scalar>(&value)) {
    try {
      return apply_to_constant(node.word, *number);
    } catch (const Error& error) {
      fail(node, error.message(), error.code());
    }
  }
  const Lazy x = to_lazy(value, *node.in[0]);
  return node.word == "-" ? negative(x) : node.word == "~" ? bitwise_invert(x) : positive(x);
}

/// A chain of operators may be long: it is walked in a loop, from its first operand on.
Result Interpreter::binary(const Node& node) {
  std::vector<const Node*> chain;
  const Node* first = &node;
  for (; first->kind == Node::Kind::binary; first = first->in[0].get()) chain.push_back(first);
  Result value = result(*first);
  for (auto step = chain.rbegin(); step != chain.rend(); ++step)
    value = combined(**step, value, result(*(*step)->in[1]));
  return value;
}

Result Interpreter::combined(const Node& node, const Result& left, const Result& right) const {
  if (const auto* a = std::get_if<Scalar>(&left), *b = std::get_if<Scalar>(&right); a != nullptr && b != nullptr) {
    try {
      return combine_constants(node.word, *a, *b);
    } catch (const Error& error) {
      fail(node, error.message(), error.code());
    }
  }
  if (auto made = special(node, left, right)) return *made;
  return apply_operator(node.word, to_lazy(left, *node.in[0]), to_lazy(right, *node.in[1]));
}

/// Comparisons of text and times, and the arithmetic of times.
std::optional<Result> Interpreter::special(const Node& node, const Result& left, const Result& right) const {
  const auto array_of = [](const Result& value) -> const Array* {
    const auto* array = std::get_if<Array>(&value);
    return array != nullptr && (array->dtype().is_text() || array->dtype().is_time()) ? array : nullptr;
  };
  const Array* like = array_of(left) != nullptr ? array_of(left) : array_of(right);
  const auto op = operation_of(node.word);
  if (like == nullptr || !op) return std::nullopt;
  if (!is_comparison(*op)) {
    const Array *a = array_of(left), *b = array_of(right);
    const bool times = a != nullptr && b != nullptr && a->dtype().is_time() && b->dtype().is_time();
    if (!times) return std::nullopt;
    const DType result = time_result(*op, a->dtype(), b->dtype());
    return is_planning() ? planned_whole(*a, *b, result) : run_text_or_time(*op, *a, *b, {});
  }
  const auto side = [&](const Result& value, const Node& from) {
    if (const auto* text = std::get_if<std::string>(&value)) return text_like(*text, like->dtype());
    if (const Array* array = array_of(value); array != nullptr && array->dtype().is_text() == like->dtype().is_text())
      return *array;
    fail(from,
         like->dtype().name() + " compares with " + (like->dtype().is_text() ? "text" : "times and dates in quotes") +
             " only",
         ErrorCode::DtypeMismatch);
  };
  const Array a = side(left, *node.in[0]), b = side(right, *node.in[1]);
  if (like->dtype().is_time()) return compare_times(*op, a, b);
  return is_planning() ? planned_whole(a, b, bool_) : compare_text(*op, a, b);
}

/// What stands in for one operation of two arrays.
Array Interpreter::planned_whole(const Array& a, const Array& b, const DType& dtype) const {
  Plan plan{.shape = broadcast_shapes(a.shape(), b.shape()), .dtype = dtype, .operations = 1};
  plan.nbytes = plan.shape.nbytes(dtype.itemsize());
  return planned(std::move(plan));
}

std::int64_t Interpreter::position(const Node& node) {
  const Result value = result(node);
  const auto* number = std::get_if<Scalar>(&value);
  if (number != nullptr && number->kind() == 'b') fail(node, kMasksWay, ErrorCode::NotSupported);
  if (number != nullptr && number->kind() == 'i') return number->as<std::int64_t>();
  if (number != nullptr || std::holds_alternative<std::string>(value))
    fail(node, "an index is a whole number, a slice, '...' or None", ErrorCode::IndexSyntax);
  const Array array = to_array(value, node);
  if (array.ndim() != 0 || array.dtype().is_bool()) fail(node, kMasksWay, ErrorCode::NotSupported);
  if (!array.dtype().is_integer())
    fail(node, "an index is a whole number, not " + array.dtype().name(), ErrorCode::IndexSyntax);
  return array.item<std::int64_t>();
}

Index Interpreter::entry(const Node& node) {
  switch (node.kind) {
    case Node::Kind::ellipsis:
      return ellipsis;
    case Node::Kind::none:
      return newaxis;
    case Node::Kind::slice: {
      Slice range;
      std::optional<std::int64_t>* parts[] = {&range.start, &range.stop, &range.step};
      for (std::size_t i = 0; i < 3; ++i) {
        if (node.in[i] != nullptr && node.in[i]->kind != Node::Kind::none) *parts[i] = position(*node.in[i]);
      }
      return range;
    }
    default:
      return position(node);
  }
}

std::vector<Index> Interpreter::entries(const Node& node) {
  std::vector<Index> out;
  for (std::size_t i = 1; i < node.in.size(); ++i) {
    if (node.in[i]->kind != Node::Kind::tuple) {
      out.push_back(entry(*node.in[i]));
      continue;
    }
    for (const auto& part : node.in[i]->in) out.push_back(entry(*part));  // a[(0, 1)] is a[0, 1]
  }
  return out;
}

Result Interpreter::indexed(const Node& node) {
  const Array base = to_array(result(*node.in[0]), *node.in[0]);
  if (node.in.size() == 2 && node.in[1]->kind == Node::Kind::list && !node.in[1]->in.empty() &&
      node.in[1]->in[0]->kind == Node::Kind::text) {
    std::vector<std::string> names;
    for (const auto& name : node.in[1]->in) names.push_back(name->word);
    return base.fields(names);
  }
  return base.view(entries(node));
}

Tuple Interpreter::numbers(const Node& node) {
  Tuple out;
  for (const auto& in : node.in) {
    const Result value = result(*in);
    const auto* number = std::get_if<Scalar>(&value);
    if (number == nullptr) fail(*in, "only numbers stand here");
    out.push_back(*number);
  }
  return out;
}

/// [1, 2.5]: one axis of the dtype that its numbers need.
Result Interpreter::listed(const Node& node) {
  constexpr std::string_view kKinds = "bifc";
  const DType dtypes[] = {bool_, int64, float64, complex128};
  const Tuple values = numbers(node);
  std::size_t kind = values.empty() ? 2 : 0;
  for (const Scalar& value : values) kind = std::max(kind, kKinds.find(value.kind()));
  const Array out = zeros({static_cast<std::int64_t>(values.size())}, dtypes[kind]);
  for (std::size_t i = 0; i < values.size(); ++i) fill(out(static_cast<std::int64_t>(i)), values[i]);
  return out;
}

Result Interpreter::result(const Node& node) {
  switch (node.kind) {
    case Node::Kind::number:
      return node.number;
    case Node::Kind::text:
      return node.word;
    case Node::Kind::none:
      return NoValue{};
    case Node::Kind::name:
      return resolve_(node.word);
    case Node::Kind::field:
      return to_array(result(*node.in[0]), *node.in[0])[node.word];
    case Node::Kind::index:
      return indexed(node);
    case Node::Kind::unary:
      return unary(node);
    case Node::Kind::binary:
      return binary(node);
    case Node::Kind::tuple:
      return numbers(node);
    case Node::Kind::list:
      return listed(node);
    case Node::Kind::call: {
      Call call(node, *this);
      return find_function(node.word)(call);
    }
    case Node::Kind::slice:
    case Node::Kind::ellipsis:
      break;
  }
  fail(node, "this belongs into an index");
}

}  // namespace ndshare::internal
