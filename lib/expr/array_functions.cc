// What expressions can call on whole arrays: selection, order, and what puts arrays together. Each says the shape that it gives
// before it computes anything, for plans and the memory guard.
#include <ndshare/build.h>
#include <ndshare/cast.h>
#include <ndshare/error.h>
#include <ndshare/layout.h>
#include <ndshare/select.h>

#include "lib/exec/promotion.h"
#include "lib/expr/interpret.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

/// Numbers by position or name: a number, or several in a list or tuple.
Dims integers(Call& call, const std::string& name, std::size_t position) {
  const auto given = call.take(name, position);
  if (!given) call.fail("needs " + name);
  Dims out;
  const auto add = [&](const Scalar& number) {
    if (number.kind() != 'i') call.fail("takes whole numbers as " + name);
    out.push_back(number.as<std::int64_t>());
  };
  if (const auto* number = std::get_if<Scalar>(&*given)) {
    add(*number);
  } else if (const auto* tuple = std::get_if<Tuple>(&*given)) {
    if (tuple->size() > static_cast<std::size_t>(kMaxAxes)) call.fail("takes at most 32 numbers as " + name);
    for (const Scalar& each : *tuple) add(each);
  } else if (const auto* array = std::get_if<Array>(&*given); array != nullptr && array->dtype().is_integer() && array->size() <= kMaxAxes) {
    for (std::int64_t i = 0; i < array->size(); ++i) out.push_back(array->ravel().at<std::int64_t>(i));
  } else {
    call.fail("takes a whole number, or several, as " + name);
  }
  return out;
}
Integers as_integers(const Dims& values) {
  return values.ndim() == 1 ? Integers(values[0]) : Integers(std::vector<std::int64_t>(values.begin(), values.end()));
}

Result call_take(Call& call) {
  call.need(2, 3);
  TakeOptions options{.axis = call.take_integer("axis", 2)};
  if (const auto mode = call.take("mode")) {
    const auto* word = std::get_if<std::string>(&*mode);
    if (word == nullptr || (*word != "raise" && *word != "wrap" && *word != "clip")) call.fail("takes \"raise\", \"wrap\" or \"clip\" as mode");
    options.mode = *word == "wrap" ? TakeMode::wrap : *word == "clip" ? TakeMode::clip : TakeMode::raise;
  }
  call.done();
  const Array x = call.array(0), indices = call.array(1);
  Shape shape;
  const int axis = options.axis ? normalize_axis(*options.axis, x.ndim()) : 0;
  for (int i = 0; options.axis && i < axis; ++i) shape.push_back(x.shape()[i]);
  for (const std::int64_t length : indices.shape()) shape.push_back(length);
  for (int i = axis + 1; options.axis && i < x.ndim(); ++i) shape.push_back(x.shape()[i]);
  return call.gives(shape, x.dtype(), [&] { return take(x, indices, options); });
}

Result call_compress(Call& call) {
  call.need(2, 3);
  const TakeOptions options{.axis = call.take_integer("axis", 2)};
  call.done();
  const Array condition = call.array(0), x = call.array(1);
  Shape shape = options.axis ? x.shape() : Shape{x.size()};
  shape[options.axis ? normalize_axis(*options.axis, x.ndim()) : 0] = condition.size();
  return call.gives(shape, x.dtype(), [&] { return compress(condition, x, options); });
}

Result call_flatnonzero(Call& call) {
  call.need(1, 1), call.done();
  const Lazy x = call.operand(0);
  return call.gives({x.shape().count()}, int64, [&] { return flatnonzero(x); });
}
Result call_argwhere(Call& call) {
  call.need(1, 1), call.done();
  const Lazy x = call.operand(0);
  return call.gives({x.shape().count(), x.shape().ndim()}, int64, [&] { return argwhere(x); });
}

DType joined_dtype(const Call& call, const Arrays& arrays) {
  if (arrays.empty()) call.fail("needs an array at least");
  DType out = arrays[0].dtype();
  for (const Array& array : arrays) {
    const bool numbers = out.is_numeric() && array.dtype().is_numeric();
    if (numbers) out = ndshare::result_type({TypeOperand(out), TypeOperand(array.dtype())});
    if (!numbers && array.itemsize() > out.itemsize()) out = array.dtype();
  }
  return out;
}

Result call_concat(Call& call) {
  call.need(1, 2);
  const std::int64_t given = call.take_integer("axis", 1).value_or(0);
  call.done();
  const Arrays arrays = call.arrays(0);
  const DType dtype = joined_dtype(call, arrays);
  Shape shape = arrays[0].shape();
  if (shape.empty()) call.fail("joins arrays along an axis: numbers alone have none");
  const int axis = normalize_axis(given, shape.ndim());
  for (std::size_t i = 1; i < arrays.size(); ++i) shape[axis] += arrays[i].ndim() == shape.ndim() ? arrays[i].shape()[axis] : 0;
  return call.gives(shape, dtype, [&] { return concat(arrays, {.axis = given}); });
}

Result call_stack(Call& call) {
  call.need(1, 2);
  const std::int64_t axis = call.take_integer("axis", 1).value_or(0);
  call.done();
  const Arrays arrays = call.arrays(0);
  const DType dtype = joined_dtype(call, arrays);
  Shape shape = arrays[0].shape();
  shape.insert(normalize_axis(axis, shape.ndim() + 1), static_cast<std::int64_t>(arrays.size()));
  return call.gives(shape, dtype, [&] { return stack(arrays, {.axis = axis}); });
}

/// A length so many times, at most 2^63-1: then the guard refuses it. Negative times are told by the function.
std::int64_t times_length(std::int64_t length, std::int64_t times) {
  std::int64_t out = 0;
  return __builtin_mul_overflow(length, std::max<std::int64_t>(times, 0), &out) ? INT64_MAX : out;
}

Result call_tile(Call& call) {
  call.need(2, 2);
  const Dims times = integers(call, "reps", 1);
  call.done();
  const Array x = call.array(0);
  Shape shape;
  const int ndim = std::max(x.ndim(), times.ndim());
  for (int axis = 0; axis < ndim; ++axis) {
    const int own = axis - (ndim - x.ndim()), time = axis - (ndim - times.ndim());
    shape.push_back(times_length(own < 0 ? 1 : x.shape()[own], time < 0 ? 1 : times[time]));
  }
  return call.gives(shape, x.dtype(), [&] { return tile(x, as_integers(times)); });
}

Result call_repeat(Call& call) {
  call.need(2, 3);
  const auto count = call.take_integer("repeats", 1);
  const RepeatOptions options{.axis = call.take_integer("axis", 2)};
  call.done();
  if (!count) call.fail("needs a number of repeats: repeat(a, 3)");
  const Array x = call.array(0);
  Shape shape = options.axis ? x.shape() : Shape{x.size()};
  const int axis = options.axis ? normalize_axis(*options.axis, x.ndim()) : 0;
  shape[axis] = times_length(shape[axis], *count);
  return call.gives(shape, x.dtype(), [&] { return repeat(x, Integers(*count), options); });
}

Result call_roll(Call& call) {
  call.need(2, 3);
  const Dims shifts = integers(call, "shift", 1);
  RollOptions options;
  if (call.given() > 2) options.axis = call.take_axes(2);
  if (call.given() <= 2) options.axis = call.take_axes(Call::kByNameOnly);
  call.done();
  const Array x = call.array(0);
  return call.gives(x.shape(), x.dtype(), [&] { return roll(x, as_integers(shifts), options); });
}

Result call_flip(Call& call) {
  call.need(1, 2);
  const Axes axes = call.take_axes(1);
  call.done();
  return flip(call.array(0), axes);
}

Result call_diff(Call& call) {
  call.need(1, 3);
  const DiffOptions options{.n = call.take_integer("n", 1).value_or(1), .axis = call.take_integer("axis", 2).value_or(-1)};
  call.done();
  const Array x = call.array(0);
  Shape shape = x.shape();
  const int axis = normalize_axis(options.axis, x.ndim());
  shape[axis] = std::max<std::int64_t>(0, shape[axis] - std::max<std::int64_t>(0, options.n));
  return call.gives(shape, x.dtype(), [&] { return diff(x, options); });
}

template <Array (*kFunction)(const Array&, std::int64_t, const BuildOptions&)>
Result call_triangle(Call& call) {
  call.need(1, 2);
  const std::int64_t k = call.take_integer("k", 1).value_or(0);
  call.done();
  const Array x = call.array(0);
  return call.gives(x.shape(), x.dtype(), [&] { return kFunction(x, k, {}); });
}

Result call_reshape(Call& call) {
  call.need(2, 2);
  const Dims dims = integers(call, "shape", 1);
  call.done();
  const Array x = call.array(0);
  const Shape shape = resolve_reshape(Shape(dims), x.size());
  if (reshape_view(x.layout(), shape, x.itemsize())) return x.reshape(shape);
  return call.gives(shape, x.dtype(), [&] { return x.reshape(shape); });
}
Result call_ravel(Call& call) {
  call.need(1, 1), call.done();
  const Array x = call.array(0);
  if (reshape_view(x.layout(), {x.size()}, x.itemsize())) return x.ravel();
  return call.gives({x.size()}, x.dtype(), [&] { return x.ravel(); });
}

constexpr Entry kArrayFunctions[] = {{"take", call_take},
                                {"compress", call_compress},
                                {"flatnonzero", call_flatnonzero},
                                {"argwhere", call_argwhere},
                                {"concat", call_concat},
                                {"concatenate", call_concat},
                                {"stack", call_stack},
                                {"tile", call_tile},
                                {"repeat", call_repeat},
                                {"roll", call_roll},
                                {"flip", call_flip},
                                {"diff", call_diff},
                                {"tril", call_triangle<tril>},
                                {"triu", call_triangle<triu>},
                                {"reshape", call_reshape},
                                {"ravel", call_ravel}};

}  // namespace

std::span<const Entry> array_functions() { return kArrayFunctions; }

}  // namespace ndshare::internal
