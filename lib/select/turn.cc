// roll, and the views that turn an array: flip and rot90.
#include <ndshare/build.h>
#include <ndshare/error.h>

#include "lib/select/build.h"

#include <algorithm>
#include <string>

namespace ndshare {
namespace internal {
namespace {

/// How far each axis moves on, 0 ≤ … < its length (0 for no length).
void add_shift(std::int64_t& total, std::int64_t shift, std::int64_t length) {
  if (length == 0) return;
  const std::int64_t by = shift % length;  // length ≥ 1: no overflow
  const std::int64_t forward = by < 0 ? by + length : by;
  total = total >= length - forward ? total - (length - forward) : total + forward;
}

Dims shifts_of(const Array& x, const std::vector<std::int64_t>& shifts, const Dims& axes) {
  const std::size_t pairs = shifts.size() == 1 ? axes.size() : shifts.size();
  if (axes.size() != pairs && axes.size() != 1) {
    throw Error(Error::ShapeMismatch,
                "roll: " + std::to_string(shifts.size()) + " shifts for " + std::to_string(axes.size()) +
                    " axes: give as many of each, or one of either",
                {{"shifts", std::to_string(shifts.size())}, {"axes", std::to_string(axes.size())}});
  }
  Dims out(x.shape());
  std::fill(out.begin(), out.end(), 0);
  for (const std::int64_t axis : axes) static_cast<void>(normalize_axis(axis, x.ndim()));
  for (std::size_t i = 0; i < pairs; ++i) {
    const int axis = normalize_axis(axes[axes.size() == 1 ? 0 : i], x.ndim());
    add_shift(out[axis], shifts[shifts.size() == 1 ? 0 : i], x.shape()[axis]);
  }
  return out;
}

/// Each axis that moves is two parts; all of them together are rectangles, no more than there are elements.
void place_rolled(const Array& to, const Array& from, const Dims& by, int axis, int threads) {
  while (axis < from.ndim() && by[axis] == 0) ++axis;
  if (axis == from.ndim()) return place(to, from, threads);
  const std::int64_t shift = by[axis], rest = from.shape()[axis] - shift;
  place_rolled(part_of_axis(to, axis, shift, rest), part_of_axis(from, axis, 0, rest), by, axis + 1, threads);
  place_rolled(part_of_axis(to, axis, 0, shift), part_of_axis(from, axis, rest, shift), by, axis + 1, threads);
}

}  // namespace
}  // namespace internal

Array roll(const Array& x, const Integers& shifts, const RollOptions& options) {
  const bool flat = options.axis.is_all();
  Dims by{0};
  if (flat) {
    for (const std::int64_t shift : shifts.values()) internal::add_shift(by[0], shift, x.size());
  } else {
    by = internal::shifts_of(x, shifts.values(), options.axis.values());
  }
  const internal::Build plan{.what = "roll",
                             .shape = x.shape(),
                             .dtype = x.dtype(),
                             .operands = std::span(&x, 1),
                             .out = options.out,
                             .threads = options.threads,
                             .flattens = flat,
                             .flat_out = flat};
  return internal::build(plan, [&](const Array& to) {
    if (!flat) return internal::place_rolled(to, x, by, 0, options.threads);
    internal::place_rolled(to.reshape({-1}, Copy::never), internal::flat_of(x), by, 0, options.threads);
  });
}

Array flip(const Array& x, const Axes& axis) {
  if (!axis.is_all() && axis.values().empty()) return x.with_layout(x.layout());  // for a layout, no axes are all axes
  return x.with_layout(flip(x.layout(), axis.values()));
}

Array rot90(const Array& x, std::int64_t k, const Dims& axes) {
  if (axes.ndim() != 2) {
    throw Error(Error::Axis, "rot90 turns in a plane of two axes, " + std::to_string(axes.ndim()) + " were given",
                {{"axes", axes.str()}});
  }
  const int first = normalize_axis(axes[0], x.ndim()), second = normalize_axis(axes[1], x.ndim());
  if (first == second) {
    throw Error(Error::Axis,
                "rot90: axis " + std::to_string(axes[1]) + " is named twice: give two different axes of shape " +
                    x.shape().str(),
                {{"axes", axes.str()}});
  }
  Layout layout = x.layout();
  const std::int64_t turns = ((k % 4) + 4) % 4;
  if (turns == 1) layout = flip(layout, Dims{second});
  if (turns == 2) layout = flip(layout, Dims{first, second});
  if (turns % 2 == 1) layout = swapaxes(layout, first, second);
  if (turns == 3) layout = flip(layout, Dims{second});
  return x.with_layout(layout);
}

}  // namespace ndshare
