#include <ndshare/layout.h>

#include <ndshare/error.h>

#include "lib/array/wide.h"
#include "lib/base/checked.h"

#include <algorithm>
#include <limits>

namespace ndshare {

using internal::Int128;

Strides contiguous_strides(const Shape& shape, std::int64_t itemsize, Order order) {
  static_cast<void>(shape.nbytes(
      itemsize));  // lengths and bytes are checked here, so the products below fit where there are elements
  Strides strides(shape);
  std::int64_t step = itemsize;
  const int ndim = shape.ndim();
  for (int i = 0; i < ndim; ++i) {
    const int axis = order == Order::C ? ndim - 1 - i : i;
    strides[axis] = step;
    // Only an empty shape can overflow here, and its strides are never walked.
    if (shape[axis] > 1) step = internal::checked_mul(step, shape[axis]).value_or(step);
  }
  return strides;
}

Layout Layout::contiguous(const Shape& shape, std::int64_t itemsize, Order order, std::int64_t offset) {
  return {shape, contiguous_strides(shape, itemsize, order), offset};
}

bool Layout::is_empty() const noexcept {
  return std::any_of(shape.begin(), shape.end(), [](std::int64_t length) { return length == 0; });
}

bool Layout::is_c_contiguous(std::int64_t itemsize) const noexcept {
  if (is_empty()) return true;
  std::int64_t expected = itemsize;
  for (int axis = ndim() - 1; axis >= 0; --axis) {
    if (shape[axis] == 1) continue;
    if (strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

bool Layout::is_f_contiguous(std::int64_t itemsize) const noexcept {
  if (is_empty()) return true;
  std::int64_t expected = itemsize;
  for (int axis = 0; axis < ndim(); ++axis) {
    if (shape[axis] == 1) continue;
    if (strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

Layout::Bounds Layout::bounds(std::int64_t itemsize) const noexcept {
  if (is_empty()) return {offset, offset};
  // 128 bits: a layout made by hand may reach past 64; 32 axes of at most 2^126 each could reach past 128, so clip as
  // we go.
  constexpr Int128 kLow = std::numeric_limits<std::int64_t>::min();
  constexpr Int128 kHigh = std::numeric_limits<std::int64_t>::max();
  Int128 low = offset;
  Int128 high = static_cast<Int128>(offset) + itemsize;
  for (int axis = 0; axis < ndim(); ++axis) {
    const Int128 reach = static_cast<Int128>(shape[axis] - 1) * strides[axis];
    (reach < 0 ? low : high) += reach;
    low = std::max(low, kLow);
    high = std::min(high, kHigh);
  }
  return {static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)};
}

namespace {

Dims inverse_or_throw(std::span<const std::int64_t> axes, int ndim) {
  if (axes.size() != static_cast<std::size_t>(ndim)) {
    throw Error(ErrorCode::Axis, "transpose of " + std::to_string(ndim) + " axes needs as many axes, got " +
                                     std::to_string(axes.size()));
  }
  return internal::distinct_axes(axes, ndim);
}

}  // namespace

namespace internal {

Dims distinct_axes(std::span<const std::int64_t> axes, int ndim) {
  Dims result;
  for (const std::int64_t axis : axes) {
    const int normal = normalize_axis(axis, ndim);
    if (std::find(result.begin(), result.end(), normal) != result.end()) {
      throw Error(ErrorCode::Axis, "axis " + std::to_string(axis) + " is named twice: name each axis once",
                  {{"axis", std::to_string(axis)}});
    }
    result.push_back(normal);
  }
  return result;
}

}  // namespace internal

Layout transpose(const Layout& layout, std::span<const std::int64_t> axes) {
  Layout result = layout;
  if (axes.empty()) {
    std::reverse(result.shape.begin(), result.shape.end());
    std::reverse(result.strides.begin(), result.strides.end());
    return result;
  }
  const Dims order = inverse_or_throw(axes, layout.ndim());
  for (std::size_t i = 0; i < order.size(); ++i) {
    result.shape[i] = layout.shape[static_cast<std::size_t>(order[i])];
    result.strides[i] = layout.strides[static_cast<std::size_t>(order[i])];
  }
  return result;
}

Layout swapaxes(const Layout& layout, std::int64_t a, std::int64_t b) {
  Layout result = layout;
  const int first = normalize_axis(a, layout.ndim());
  const int second = normalize_axis(b, layout.ndim());
  std::swap(result.shape[first], result.shape[second]);
  std::swap(result.strides[first], result.strides[second]);
  return result;
}

Layout moveaxis(const Layout& layout, std::span<const std::int64_t> source, std::span<const std::int64_t> destination) {
  if (source.size() != destination.size()) {
    throw Error(ErrorCode::Axis, "moveaxis from " + std::to_string(source.size()) + " axes to " +
                                     std::to_string(destination.size()) + " places: give as many of each");
  }
  const Dims from = internal::distinct_axes(source, layout.ndim());
  const Dims to = internal::distinct_axes(destination, layout.ndim());
  Dims order;
  for (int axis = 0; axis < layout.ndim(); ++axis) {
    if (std::find(from.begin(), from.end(), axis) == from.end()) order.push_back(axis);
  }
  // Placing from left to right keeps the places already taken.
  for (int place = 0; place < layout.ndim(); ++place) {
    const auto* hit = std::find(to.begin(), to.end(), place);
    if (hit != to.end()) order.insert(place, from[static_cast<std::size_t>(hit - to.begin())]);
  }
  return layout.ndim() == 0 ? layout : transpose(layout, order);
}

Layout expand_dims(const Layout& layout, std::span<const std::int64_t> axes) {
  const auto total = static_cast<std::int64_t>(layout.ndim()) + static_cast<std::int64_t>(axes.size());
  if (total > kMaxAxes) {
    throw Error(ErrorCode::Shape, std::to_string(total) + " axes; an array has at most " + std::to_string(kMaxAxes));
  }
  Dims places = internal::distinct_axes(axes, static_cast<int>(total));
  std::sort(places.begin(), places.end());
  Layout result = layout;
  for (const std::int64_t place : places) {
    result.shape.insert(static_cast<int>(place), 1);
    result.strides.insert(static_cast<int>(place), 0);
  }
  return result;
}

Layout squeeze(const Layout& layout, std::span<const std::int64_t> axes) {
  Dims drop;
  if (axes.empty()) {
    for (int axis = 0; axis < layout.ndim(); ++axis) {
      if (layout.shape[axis] == 1) drop.push_back(axis);
    }
  } else {
    drop = internal::distinct_axes(axes, layout.ndim());
    std::sort(drop.begin(), drop.end());
  }
  Layout result = layout;
  for (std::size_t i = drop.size(); i-- > 0;) {
    const int axis = static_cast<int>(drop[i]);
    if (layout.shape[axis] != 1) {
      throw Error(ErrorCode::ShapeMismatch, "cannot squeeze axis " + std::to_string(axis) + " of shape " +
                                                layout.shape.str() + ": its length is not 1");
    }
    result.shape.erase(axis);
    result.strides.erase(axis);
  }
  return result;
}

Layout flip(const Layout& layout, std::span<const std::int64_t> axes) {
  Layout result = layout;
  Dims chosen = internal::distinct_axes(axes, layout.ndim());
  if (axes.empty()) {
    for (int axis = 0; axis < layout.ndim(); ++axis) chosen.push_back(axis);
  }
  for (const std::int64_t axis : chosen) {
    const int at = static_cast<int>(axis);
    if (!layout.is_empty()) result.offset += (layout.shape[at] - 1) * layout.strides[at];
    result.strides[at] = -layout.strides[at];
  }
  return result;
}

Layout diagonal(const Layout& layout, std::int64_t k, std::int64_t axis1, std::int64_t axis2) {
  if (layout.ndim() < 2) {
    throw Error(ErrorCode::Axis,
                "a diagonal needs two axes; shape " + layout.shape.str() + " has " + std::to_string(layout.ndim()));
  }
  const Dims pair = internal::distinct_axes(Dims{axis1, axis2}, layout.ndim());
  const int rows = static_cast<int>(pair[0]);
  const int columns = static_cast<int>(pair[1]);
  const Int128 height = static_cast<Int128>(layout.shape[rows]) + std::min<Int128>(k, 0);
  const Int128 width = static_cast<Int128>(layout.shape[columns]) - std::max<Int128>(k, 0);
  const auto length = static_cast<std::int64_t>(std::max<Int128>(0, std::min(height, width)));
  Layout result = layout;
  if (length > 0 && !layout.is_empty())
    result.offset += k >= 0 ? k * layout.strides[columns] : -k * layout.strides[rows];
  result.shape.erase(std::max(rows, columns));
  result.shape.erase(std::min(rows, columns));
  result.strides.erase(std::max(rows, columns));
  result.strides.erase(std::min(rows, columns));
  result.shape.push_back(length);
  // Without elements the strides are never walked, and their sum may not fit.
  result.strides.push_back(layout.strides[rows] + (layout.is_empty() ? 0 : layout.strides[columns]));
  return result;
}

Layout sliding_window(const Layout& layout, const Shape& window, std::span<const std::int64_t> axes) {
  Dims chosen;
  for (const std::int64_t axis : axes) chosen.push_back(normalize_axis(axis, layout.ndim()));
  if (axes.empty()) {
    for (int axis = 0; axis < layout.ndim(); ++axis) chosen.push_back(axis);
  }
  if (chosen.size() != window.size()) {
    throw Error(ErrorCode::ShapeMismatch, "window " + window.str() + " has " + std::to_string(window.size()) +
                                              " lengths for " + std::to_string(chosen.size()) + " axes: give one each");
  }
  Layout result = layout;
  for (std::size_t i = 0; i < window.size(); ++i) {
    const int axis = static_cast<int>(chosen[i]);
    if (window[i] < 1 || window[i] > result.shape[axis]) {
      throw Error(ErrorCode::ShapeMismatch, "a window of " + std::to_string(window[i]) + " does not fit axis " +
                                                std::to_string(axis) + " of shape " + layout.shape.str() +
                                                ": use 1 to " + std::to_string(result.shape[axis]));
    }
    result.shape[axis] -= window[i] - 1;
    result.shape.push_back(window[i]);
    result.strides.push_back(layout.strides[axis]);
  }
  static_cast<void>(result.shape.count());  // windows multiply the element count
  return result;
}

}  // namespace ndshare
