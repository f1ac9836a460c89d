// diff: neighbours along an axis subtracted, n times.
#include <ndshare/build.h>
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/select/build.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/promotion.h"

#include <algorithm>
#include <string>

namespace ndshare {
namespace {

/// What is joined to x: an array as it is, or one element stretched to length 1 along the axis.
Array border_of(const Array& x, const Operand& border, int axis) {
  const Array value =
      border.array() ? *border.array()
                     : scalar_array(*border.number(), DType(internal::weak_type(*border.number(), x.dtype().id())));
  if (value.ndim() != 0) return value;
  Shape shape = x.shape();
  shape[axis] = 1;
  return value.broadcast_to(shape);
}

Array with_borders(const Array& x, int axis, const DiffOptions& options) {
  if (!options.prepend && !options.append) return x;
  std::vector<Array> parts;
  if (options.prepend) parts.push_back(border_of(x, *options.prepend, axis));
  parts.push_back(x);
  if (options.append) parts.push_back(border_of(x, *options.append, axis));
  return concat(parts, {.axis = axis, .threads = options.threads});
}

Array step(const Array& x, int axis, const OpOptions& options) {
  const std::int64_t length = std::max<std::int64_t>(0, x.shape()[axis] - 1);
  const Array high = internal::part_of_axis(x, axis, std::min<std::int64_t>(1, x.shape()[axis]), length);
  const Array low = internal::part_of_axis(x, axis, 0, length);
  return x.dtype().is_bool() ? not_equal(high, low, options) : subtract(high, low, options);
}

/// The dtype and shape of the result are known ahead of any work.
void check_result(const Array& x, int axis, const DiffOptions& options) {
  Shape shape = x.shape();
  std::vector<TypeId> types{x.dtype().id()};
  for (const auto& border : {options.prepend, options.append}) {
    if (!border) continue;
    const Array value = border_of(x, *border, axis);
    internal::require_numeric("diff", value.dtype());
    types.push_back(value.dtype().id());
    if (value.ndim() == shape.ndim()) shape[axis] = internal::add_sizes("diff", shape[axis], value.shape()[axis]);
  }
  shape[axis] = options.n > shape[axis] ? 0 : shape[axis] - options.n;
  const TypeId type = internal::result_type(types);
  if (options.out) return internal::check_out("diff", *options.out, shape, type);
  internal::check_result_memory("diff", shape, DType(type).itemsize(), std::span(&x, 1));
}

}  // namespace

Array diff(const Array& x, const DiffOptions& options) {
  internal::check_threads(options.threads);
  internal::require_numeric("diff", x.dtype());
  if (options.n < 0) throw Error(Error::Usage, "diff: n = " + std::to_string(options.n) + ": give 0 or more");
  const int axis = normalize_axis(options.axis, x.ndim());
  if (options.n == 0)
    return options.out ? concat({x}, {.axis = axis, .out = options.out, .threads = options.threads}) : x;
  check_result(x, axis, options);
  Array now = with_borders(x, axis, options);
  // Once nothing is left, nothing changes.
  const std::int64_t times = std::clamp<std::int64_t>(options.n, 1, std::max<std::int64_t>(1, now.shape()[axis]));
  for (std::int64_t i = 1; i < times; ++i) now = step(now, axis, {.threads = options.threads});
  return step(now, axis, {.out = options.out, .threads = options.threads});
}

}  // namespace ndshare
