// Expressions that were read, computed: lazy as far as they go.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/parse.h>
#include <ndshare/reduce.h>

#include "lib/exec/lazy_node.h"
#include "lib/exec/syntax.h"

#include <map>
#include <optional>
#include <variant>

namespace ndshare {
namespace internal {
namespace {

using Node = SyntaxNode;

/// What a part of an expression comes to: an array of any dtype, a lazy expression, a number, text, or a tuple.
struct None {};
using Tuple = std::vector<Scalar>;
using Result = std::variant<None, Array, Lazy, Scalar, std::string, Tuple>;

[[noreturn]] void wrong(const std::string& what) { throw Error(Error::Usage, what); }

class Interpreter {
 public:
  explicit Interpreter(const Expression::Resolve& resolve) : resolve_(resolve) {}
  Result result(const Node& node);
  Lazy lazily(const Node& node) { return to_lazy(result(node)); }

  static Lazy to_lazy(const Result& value) {
    if (const auto* array = std::get_if<Array>(&value)) return Lazy(*array);
    if (const auto* lazy = std::get_if<Lazy>(&value)) return *lazy;
    if (const auto* number = std::get_if<Scalar>(&value)) return Lazy(*number);
    if (std::holds_alternative<std::string>(value)) wrong("text is no operand of arithmetic here");
    wrong("a tuple or None is no operand");
  }
  static Array to_array(const Result& value) {
    if (const auto* array = std::get_if<Array>(&value)) return *array;
    return to_lazy(value).eval();
  }

 private:
  friend class Call;
  Result operation(const Node& node);
  Result unary(const Node& node);

  const Expression::Resolve& resolve_;
};

/// A call and its arguments: by position, then by name; what is left over is a mistake.
class Call {
 public:
  Call(const Node& node, Interpreter& interpreter) : node_(node), interpreter_(interpreter) {
    for (const auto& argument : node.in) values_.push_back(interpreter.result(*argument));
    for (const auto& [name, value] : node.named) {
      if (!named_.emplace(name, interpreter.result(*value)).second) wrong(node.word + ": '" + name + "' is given twice");
    }
  }

  [[nodiscard]] const std::string& name() const { return node_.word; }
  [[nodiscard]] std::size_t given() const { return values_.size(); }
  void need(std::size_t least, std::size_t most) const {
    if (values_.size() >= least && values_.size() <= most) return;
    wrong(node_.word + " takes " + std::to_string(least) + (most == least ? "" : " to " + std::to_string(most)) + " operands, not " +
          std::to_string(values_.size()));
  }
  [[nodiscard]] Lazy operand(std::size_t i) const { return Interpreter::to_lazy(values_[i]); }
  [[nodiscard]] Array array(std::size_t i) const { return Interpreter::to_array(values_[i]); }
  [[nodiscard]] const Result& value(std::size_t i) const { return values_[i]; }

  /// Takes an argument by name.
  std::optional<Result> take(const std::string& name) {
    const auto found = named_.find(name);
    if (found == named_.end()) return std::nullopt;
    auto out = std::move(found->second);
    named_.erase(found);
    if (std::holds_alternative<None>(out)) return std::nullopt;
    return out;
  }
  std::optional<Scalar> take_number(const std::string& name) {
    const auto given = take(name);
    if (!given) return std::nullopt;
    if (const auto* number = std::get_if<Scalar>(&*given)) return *number;
    wrong(node_.word + ": " + name + " is a number");
  }
  bool take_flag(const std::string& name) {
    const auto given = take_number(name);
    return given && given->kind() == 'b' && given->as<bool>();
  }
  Axes take_axes() {
    const auto given = take("axis");
    if (!given) return {};
    if (const auto* number = std::get_if<Scalar>(&*given)) return Axes(number->as<std::int64_t>());
    const auto* tuple = std::get_if<Tuple>(&*given);
    if (tuple == nullptr) wrong(node_.word + ": axis is a number or a tuple");
    Dims axes;
    for (const Scalar& number : *tuple) axes.push_back(number.as<std::int64_t>());
    return Axes(axes);
  }
  std::optional<DType> take_dtype() {
    const auto given = take("dtype");
    if (!given) return std::nullopt;
    return dtype_of(*given);
  }
  DType dtype_of(const Result& given) const {
    if (const auto* text = std::get_if<std::string>(&given)) return DType::parse(*text);
    wrong(node_.word + ": a dtype is text: \"f4\"");
  }
  void done() const {
    if (!named_.empty()) wrong(node_.word + " has no argument '" + named_.begin()->first + "'");
  }

 private:
  const Node& node_;
  Interpreter& interpreter_;
  std::vector<Result> values_;
  std::map<std::string, Result> named_;
};

using Function = Result (*)(Call&);

template <Lazy (*kFunction)(const Lazy&)>
Result call_unary(Call& call) {
  call.need(1, 1), call.done();
  return kFunction(call.operand(0));
}
template <Lazy (*kFunction)(const Lazy&, const Lazy&)>
Result call_binary(Call& call) {
  call.need(2, 2), call.done();
  return kFunction(call.operand(0), call.operand(1));
}
using Reduce = Array (*)(const Lazy&, const ReduceOptions&);
Array all_of(const Lazy& x, const ReduceOptions& options) { return all(x, options); }

template <Reduce kFunction>
Result call_reduce(Call& call) {
  call.need(1, 1);
  ReduceOptions options{.axis = call.take_axes(), .dtype = call.take_dtype(), .keepdims = call.take_flag("keepdims")};
  options.initial = call.take_number("initial");
  if (const auto ddof = call.take_number("ddof")) options.ddof = ddof->as<double>();
  if (const auto mask = call.take("where")) options.where = Interpreter::to_array(*mask);
  call.done();
  return kFunction(call.operand(0), options);
}
template <Array (*kFunction)(const Lazy&, const ScanOptions&)>
Result call_scan(Call& call) {
  call.need(1, 1);
  ScanOptions options{.dtype = call.take_dtype()};
  if (const auto axis = call.take_number("axis")) options.axis = axis->as<std::int64_t>();
  call.done();
  return kFunction(call.operand(0), options);
}

Result call_where(Call& call) {
  call.need(3, 3), call.done();
  return where(call.operand(0), call.operand(1), call.operand(2));
}
Result call_clip(Call& call) {
  call.need(3, 3), call.done();
  return clip(call.operand(0), call.operand(1), call.operand(2));
}
Result call_astype(Call& call) {
  call.need(2, 2), call.done();
  return call.operand(0).astype(call.dtype_of(call.value(1)));
}
Result call_isclose(Call& call) {
  call.need(2, 2);
  CloseOptions close;
  if (const auto rtol = call.take_number("rtol")) close.rtol = rtol->as<double>();
  if (const auto atol = call.take_number("atol")) close.atol = atol->as<double>();
  close.equal_nan = call.take_flag("equal_nan");
  call.done();
  return isclose(call.array(0), call.array(1), close);
}
template <Array (*kFunction)(const Array&, const OpOptions&)>
Result call_eager(Call& call) {
  call.need(1, 1), call.done();
  return kFunction(call.array(0), {});
}
Array without_nan(const Array& x, const OpOptions& options) { return nan_to_num(x, {}, options); }

Scalar number_of(const Call& call, std::size_t i) {
  if (const auto* number = std::get_if<Scalar>(&call.value(i))) return *number;
  wrong(call.name() + ": argument " + std::to_string(i + 1) + " is a number");
}
Shape shape_of(const Call& call, std::size_t i) {
  Shape out;
  if (const auto* number = std::get_if<Scalar>(&call.value(i))) {
    out.push_back(number->as<std::int64_t>());
  } else if (const auto* tuple = std::get_if<Tuple>(&call.value(i))) {
    for (const Scalar& length : *tuple) out.push_back(length.as<std::int64_t>());
  } else {
    wrong(call.name() + ": a shape is a number or a tuple");
  }
  return out;
}
Result call_arange(Call& call) {
  call.need(1, 3), call.done();
  if (call.given() == 1) return arange(number_of(call, 0));
  return arange(number_of(call, 0), number_of(call, 1), call.given() == 3 ? number_of(call, 2) : Scalar(1));
}
Result call_linspace(Call& call) {
  call.need(2, 3), call.done();
  return linspace(number_of(call, 0).as<double>(), number_of(call, 1).as<double>(),
                  call.given() == 3 ? number_of(call, 2).as<std::int64_t>() : 50);
}
Result call_zeros(Call& call) {
  call.need(1, 1);
  const DType dtype = call.take_dtype().value_or(float64);
  call.done();
  return call.name() == "zeros" ? zeros(shape_of(call, 0), dtype) : ones(shape_of(call, 0), dtype);
}
Result call_full(Call& call) {
  call.need(2, 2);
  const DType dtype = call.take_dtype().value_or(float64);
  call.done();
  return full(shape_of(call, 0), number_of(call, 1), dtype);
}

const std::map<std::string, Function, std::less<>>& functions() {
  static const std::map<std::string, Function, std::less<>> all = {
#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc) {#name, call_unary<name>},
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) {#name, call_binary<name>},
#include <ndshare/op_list.inc>
      {"round", call_unary<round>}, {"power", call_binary<power>}, {"where", call_where}, {"clip", call_clip},
      {"astype", call_astype}, {"isclose", call_isclose}, {"deg2rad", call_eager<deg2rad>}, {"rad2deg", call_eager<rad2deg>},
      {"nan_to_num", call_eager<without_nan>}, {"sum", call_reduce<sum>}, {"prod", call_reduce<prod>}, {"min", call_reduce<min>},
      {"max", call_reduce<max>}, {"ptp", call_reduce<ptp>}, {"mean", call_reduce<mean>}, {"var", call_reduce<var>},
      {"std", call_reduce<stddev>}, {"any", call_reduce<any>}, {"all", call_reduce<all_of>},
      {"count_nonzero", call_reduce<count_nonzero>}, {"argmin", call_reduce<argmin>}, {"argmax", call_reduce<argmax>},
      {"cumsum", call_scan<cumsum>}, {"cumprod", call_scan<cumprod>}, {"arange", call_arange}, {"linspace", call_linspace},
      {"zeros", call_zeros}, {"ones", call_zeros}, {"full", call_full}};
  return all;
}

Result Interpreter::unary(const Node& node) {
  const Result value = result(*node.in[0]);
  if (const auto* number = std::get_if<Scalar>(&value); number != nullptr && node.word != "~") {
    if (node.word == "+") return *number;
    if (number->kind() == 'i' && number->value().index() == 1) return Scalar(-number->as<std::int64_t>());
    if (number->kind() == 'i' && number->as<std::uint64_t>() == std::uint64_t{1} << 63) return Scalar(INT64_MIN);
    if (number->kind() == 'f') return Scalar(-number->as<double>());
    if (number->kind() == 'c') return Scalar(-number->as<std::complex<double>>());
  }
  const Lazy x = to_lazy(value);
  return node.word == "-" ? negative(x) : node.word == "~" ? bitwise_invert(x) : positive(x);
}

Result Interpreter::operation(const Node& node) {
  using Operator = Lazy (*)(const Lazy&, const Lazy&);
  static const std::map<std::string, Operator, std::less<>> all = {
      {"+", add}, {"-", subtract}, {"*", multiply}, {"/", divide}, {"//", floor_divide}, {"%", remainder}, {"**", pow},
      {"&", bitwise_and}, {"|", bitwise_or}, {"^", bitwise_xor}, {"<<", bitwise_left_shift}, {">>", bitwise_right_shift},
      {"<", less}, {"<=", less_equal}, {">", greater}, {">=", greater_equal}, {"==", equal}, {"!=", not_equal}};
  const Lazy left = lazily(*node.in[0]);
  return all.at(node.word)(left, lazily(*node.in[1]));
}

Result Interpreter::result(const Node& node) {
  switch (node.kind) {
    case Node::Kind::number:
      return node.number;
    case Node::Kind::text:
      return node.word;
    case Node::Kind::none:
      return None{};
    case Node::Kind::name:
      return resolve_(node.word);
    case Node::Kind::field:
      return to_array(result(*node.in[0]))[node.word];
    case Node::Kind::index:
      return to_array(result(*node.in[0])).view(node.index);
    case Node::Kind::unary:
      return unary(node);
    case Node::Kind::binary:
      return operation(node);
    case Node::Kind::tuple: {
      Tuple out;
      for (const auto& in : node.in) {
        const Result value = result(*in);
        const auto* number = std::get_if<Scalar>(&value);
        if (number == nullptr) wrong("a tuple holds numbers here");
        out.push_back(*number);
      }
      return out;
    }
    case Node::Kind::call: {
      const auto found = functions().find(node.word);
      if (found == functions().end()) wrong("no function is called '" + node.word + "'");
      Call call(node, *this);
      return found->second(call);
    }
  }
  wrong("an expression that cannot be computed");
}

}  // namespace
}  // namespace internal

Array Expression::evaluate(const Resolve& resolve, const OpOptions& options) const {
  const auto value = internal::Interpreter(resolve).result(*node_);
  if (const auto* array = std::get_if<Array>(&value); array != nullptr && !options.out) return *array;
  return internal::Interpreter::to_lazy(value).eval(options);
}

Lazy Expression::lazy(const Resolve& resolve) const { return internal::Interpreter(resolve).lazily(*node_); }

}  // namespace ndshare
