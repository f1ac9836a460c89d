// Arguments of a call, by position and by name.
#include <ndshare/build.h>
#include <ndshare/error.h>

#include "lib/exec/guard.h"
#include "lib/expr/interpret.h"

#include <algorithm>

namespace ndshare::internal {

Call::Call(const SyntaxNode& node, Interpreter& interpreter) : node_(node), interpreter_(interpreter) {
  for (const auto& argument : node.in) values_.push_back(interpreter.result(*argument));
  for (const auto& [name, value] : node.named) {
    if (!named_.emplace(name, interpreter.result(*value)).second) fail("is given '" + name + "' twice");
  }
}

void Call::need(std::size_t least, std::size_t most) const {
  // What is missing by position may be there by name: take() and the functions look.
  if (values_.size() <= most && values_.size() + named_.size() >= least) return;
  const std::string range = std::to_string(least) + (most == least ? "" : " to " + std::to_string(most));
  fail("takes " + range + (most == 1 ? " argument" : " arguments") + " without a name, not " +
       std::to_string(values_.size()));
}

std::optional<Result> Call::take(const std::string& argument, std::size_t position) {
  std::optional<Result> out = take_or_none(argument, position);
  if (out && std::holds_alternative<NoValue>(*out)) out.reset();
  return out;
}

std::optional<Result> Call::take_or_none(const std::string& argument, std::size_t position) {
  std::optional<Result> out;
  if (position < values_.size()) out = values_[position];
  if (const auto found = named_.find(argument); found != named_.end()) {
    if (out) fail("is given '" + argument + "' twice, by position and by name");
    out = std::move(found->second);
    named_.erase(found);
  }
  return out;
}

std::optional<Scalar> Call::take_number(const std::string& argument, std::size_t position) {
  const auto given = take(argument, position);
  if (!given) return std::nullopt;
  if (const auto* number = std::get_if<Scalar>(&*given)) return *number;
  fail("takes a number as " + argument);
}

std::int64_t Call::integer(const Scalar& number, const std::string& what) const {
  if (number.kind() != 'i') fail("takes whole numbers as " + what);
  return number.as<std::int64_t>();
}

std::optional<std::int64_t> Call::take_integer(const std::string& argument, std::size_t position) {
  const auto number = take_number(argument, position);
  if (!number) return std::nullopt;
  return integer(*number, argument);
}

bool Call::take_flag(const std::string& argument, bool otherwise) {
  const auto number = take_number(argument);
  if (!number) return otherwise;
  if (number->kind() != 'b') fail("takes True or False as " + argument);
  return number->as<bool>();
}

Axes Call::take_axes(std::size_t position) {
  const auto given = take("axis", position);
  if (!given) return {};
  if (const auto* number = std::get_if<Scalar>(&*given)) return Axes(integer(*number, "axis"));
  const auto* tuple = std::get_if<Tuple>(&*given);
  if (tuple == nullptr) fail("takes a number or a tuple as axis");
  Dims axes;
  if (tuple->size() > 32) fail("has a tuple of over 32 axes");
  for (const Scalar& number : *tuple) axes.push_back(integer(number, "axis"));
  return Axes(axes);
}

std::optional<DType> Call::take_dtype(std::size_t position) {
  const auto given = take("dtype", position);
  if (!given) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&*given)) return DType::parse(*text);
  fail("takes a dtype, as f4 or \"f4\"");
}

Shape Call::take_shape(std::size_t position) {
  const auto given = take("shape", position);
  if (given && std::holds_alternative<Scalar>(*given)) return {integer(std::get<Scalar>(*given), "shape")};
  const auto* tuple = given ? std::get_if<Tuple>(&*given) : nullptr;
  if (tuple == nullptr) fail("takes a number or a tuple as shape: " + node_.word + "((2, 3))");
  if (tuple->size() > 32)
    throw Error(Error::Shape, "a shape of " + std::to_string(tuple->size()) + " axes: the limit is 32");
  Shape shape;
  for (const Scalar& length : *tuple) shape.push_back(integer(length, "shape"));
  return shape;
}

Arrays Call::arrays(std::size_t i) const {
  const Result& given = value(i);
  if (const auto* several = std::get_if<Arrays>(&given)) return *several;
  const auto* one = std::get_if<Array>(&given);
  if (one == nullptr || one->ndim() == 0) fail("takes arrays in a list: " + node_.word + "([a, b])");
  return unstack(*one);  // of numbers alone the list is an array
}

Result Call::gives(const Shape& shape, const DType& dtype, const std::function<Array()>& make) const {
  check_result_memory(node_.word, shape, dtype.itemsize(), {});
  if (!interpreter_.is_planning()) return make();
  Plan plan{.shape = shape, .dtype = dtype, .operations = 1};
  plan.nbytes = shape.nbytes(dtype.itemsize());
  return interpreter_.planned(std::move(plan));
}

void Call::done() const {
  if (!named_.empty()) fail("has no argument '" + named_.begin()->first + "'");
}

}  // namespace ndshare::internal
