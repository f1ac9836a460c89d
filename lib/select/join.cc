// concat, stack, and what takes arrays apart: split, unstack, meshgrid.
#include <ndshare/build.h>
#include <ndshare/cast.h>
#include <ndshare/error.h>
#include <ndshare/index.h>
#include <ndshare/ledger.h>

#include "lib/array/copies.h"
#include "lib/select/build.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"

#include <algorithm>
#include <string>

namespace ndshare {
namespace internal {
namespace {

/// The arrays' shape, with what they have along `axis` added up.
Shape joined_shape(std::string_view what, std::span<const Array> arrays, int axis) {
  Shape shape = arrays[0].shape();
  shape[axis] = 0;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    Shape rest = arrays[i].shape(), first = arrays[0].shape();
    if (rest.ndim() == first.ndim())
      shape[axis] = add_sizes(what, shape[axis], rest[axis]), rest[axis] = first[axis] = 0;
    if (rest == first) continue;
    throw Error(Error::ShapeMismatch,
                std::string(what) + " along axis " + std::to_string(axis) + ": array " + std::to_string(i) +
                    " has shape " + arrays[i].shape().str() + ", array 0 has " + arrays[0].shape().str() +
                    ": they must be equal but for that axis; reshape, broadcast_to or pad one first",
                {{"axis", std::to_string(axis)},
                 {"array", std::to_string(i)},
                 {"shape", arrays[i].shape().str()},
                 {"first", arrays[0].shape().str()}});
  }
  return shape;
}

/// With an `out` it is its dtype that every array must cast to.
void check_casts(std::string_view what, std::span<const Array> arrays, const Array& out) {
  for (const Array& array : arrays) {
    const DType &from = array.dtype(), &to = out.dtype();
    if (can_cast(from, to, Casting::same_kind) ||
        (from.is_text() && from.id() == to.id() && from.length() <= to.length()))
      continue;
    throw Error(Error::DtypeMismatch,
                std::string(what) + ": an array of " + from.to_string() + " does not cast to out's " + to.to_string() +
                    " by same_kind: convert it with astype first",
                {{"from", from.to_string()}, {"out", to.to_string()}});
  }
}

/// Puts arrays one after another along `axis` of `to`, each in its own shape where that axis is the only one.
void place_all(std::span<const Array> arrays, const Array& to, std::optional<int> axis, int threads) {
  std::vector<std::int64_t> starts{0};
  std::int64_t widened = 0, narrowed = 0;
  for (const Array& array : arrays) {
    starts.push_back(starts.back() + (axis ? array.shape()[*axis] : array.size()));
    if (to.itemsize() > array.itemsize()) widened += array.size() * to.itemsize();
    if (to.itemsize() < array.itemsize()) narrowed += array.size() * to.itemsize();
  }
  if (widened != 0) note_copy(CopyReason::upcast, widened);
  if (narrowed != 0) note_copy(CopyReason::downcast, narrowed);
  const auto put = [&](std::size_t i) {
    const Array part = part_of_axis(to, axis.value_or(0), starts[i], starts[i + 1] - starts[i]);
    place(axis ? part : part.reshape(arrays[i].shape(), Copy::never), arrays[i], threads);
  };
  // Many small ones are as much work as a large one.
  parallel_blocks(arrays.size(), to.nbytes() < (std::int64_t{512} << 10) ? 1 : threads, put);
}

Array join(std::string_view what, std::span<const Array> arrays, std::optional<int> axis,
           const std::optional<Array>& out, int threads) {
  Build plan{.what = what, .dtype = joined_dtype(what, arrays), .operands = arrays, .out = out, .threads = threads};
  if (axis) {
    plan.shape = joined_shape(what, arrays, *axis);
  } else {
    plan.shape = Shape{0};
    for (const Array& array : arrays) plan.shape[0] = add_sizes(what, plan.shape[0], array.size());
  }
  if (out) check_casts(what, arrays, *out), plan.any_cast = true;
  return build(plan, [&](const Array& to) { place_all(arrays, to, axis, threads); });
}

}  // namespace
}  // namespace internal

Array concat(const std::vector<Array>& arrays, const ConcatOptions& options) {
  std::optional<int> axis;
  if (options.axis) axis = normalize_axis(*options.axis, arrays.empty() ? kMaxAxes : arrays[0].ndim());
  return internal::join("concat", arrays, axis, options.out, options.threads);
}

Array stack(const std::vector<Array>& arrays, const StackOptions& options) {
  if (arrays.empty()) throw Error(Error::Usage, "stack of no arrays: give at least one");
  std::vector<Array> wide;
  for (const Array& array : arrays) {
    if (array.shape() != arrays[0].shape()) {
      throw Error(
          Error::ShapeMismatch,
          "stack: array " + std::to_string(wide.size()) + " has shape " + array.shape().str() + ", array 0 has " +
              arrays[0].shape().str() + ": they must be equal; concat joins along an axis that they have",
          {{"array", std::to_string(wide.size())}, {"shape", array.shape().str()}, {"first", arrays[0].shape().str()}});
    }
    wide.push_back(array.with_layout(expand_dims(array.layout(), Dims{options.axis})));
  }
  return internal::join("stack", wide, normalize_axis(options.axis, wide[0].ndim()), options.out, options.threads);
}

namespace {

/// A handle takes memory too: a million parts of one axis are half a gigabyte.
void check_handles(std::string_view what, std::int64_t count) {
  internal::check_result_memory(what, Shape{count}, static_cast<std::int64_t>(sizeof(Array)), {});
}

std::vector<Array> equal_parts(const Array& x, std::int64_t parts, int axis) {
  const std::int64_t length = x.shape()[axis];
  if (parts < 1) throw Error(Error::Usage, "split into " + std::to_string(parts) + " parts: give 1 or more");
  if (length % parts != 0) {
    throw Error(Error::ShapeMismatch,
                "split: axis " + std::to_string(axis) + " of shape " + x.shape().str() + " has " +
                    std::to_string(length) + " elements, which do not make " + std::to_string(parts) +
                    " equal parts (" + std::to_string(length % parts) +
                    " are left over): give indices to cut at, split(x, {…})",
                {{"axis", std::to_string(axis)}, {"length", std::to_string(length)}, {"parts", std::to_string(parts)}});
  }
  check_handles("split", parts);
  std::vector<Array> out;
  for (std::int64_t i = 0; i < parts; ++i)
    out.push_back(internal::part_of_axis(x, axis, i * (length / parts), length / parts));
  return out;
}

}  // namespace

std::vector<Array> split(const Array& x, const Integers& parts, std::int64_t axis_asked) {
  const int axis = normalize_axis(axis_asked, x.ndim());
  if (parts.is_one()) return equal_parts(x, parts.values()[0], axis);
  check_handles("split", static_cast<std::int64_t>(parts.values().size()) + 1);
  std::vector<Array> out;
  const auto cut = [&](std::int64_t start, std::optional<std::int64_t> stop) {
    const SliceRange range = resolve_slice(slice(start, stop), x.shape()[axis]);
    out.push_back(internal::part_of_axis(x, axis, range.start, range.count));
  };
  std::int64_t start = 0;
  for (const std::int64_t stop : parts.values()) cut(start, stop), start = stop;
  cut(start, std::nullopt);
  return out;
}

std::vector<Array> unstack(const Array& x, std::int64_t axis_asked) {
  const int axis = normalize_axis(axis_asked, x.ndim());
  check_handles("unstack", x.shape()[axis]);
  Layout layout = x.layout();
  layout.shape.erase(axis), layout.strides.erase(axis);
  std::vector<Array> out;
  for (std::int64_t i = 0; i < x.shape()[axis]; ++i) {
    if (!layout.is_empty()) layout.offset = x.layout().offset + i * x.strides()[axis];
    out.push_back(x.with_layout(layout));
  }
  return out;
}

std::vector<Array> meshgrid(const std::vector<Array>& arrays, const GridOptions& options) {
  Shape shape;
  for (const Array& array : arrays) {
    if (array.ndim() > 1) {
      throw Error(Error::ShapeMismatch,
                  "meshgrid: array " + std::to_string(shape.ndim()) + " has shape " + array.shape().str() +
                      ": coordinates have one axis each; ravel() it first",
                  {{"array", std::to_string(shape.ndim())}, {"shape", array.shape().str()}});
    }
    shape.push_back(array.size());
  }
  const bool swaps = options.indexing == GridOptions::xy && arrays.size() >= 2;
  if (swaps) std::swap(shape[0], shape[1]);
  std::vector<Array> out;
  for (int i = 0; i < shape.ndim(); ++i) {
    const int axis = swaps && i < 2 ? 1 - i : i;
    const Array& array = arrays[static_cast<std::size_t>(i)];
    Layout layout{Shape{}, Strides{}, array.layout().offset};
    for (int k = 0; k < shape.ndim(); ++k)
      layout.shape.push_back(k == axis ? array.size() : 1), layout.strides.push_back(0);
    if (array.ndim() == 1) layout.strides[axis] = array.strides()[0];
    const Array line = array.with_layout(layout);
    out.push_back(options.sparse ? line : line.broadcast_to(shape));
  }
  return out;
}

}  // namespace ndshare
