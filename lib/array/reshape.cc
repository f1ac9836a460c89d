// Reshaping and broadcasting: the layout functions that relate two shapes.
#include <ndshare/error.h>
#include <ndshare/layout.h>

#include "lib/base/checked.h"

#include <algorithm>

namespace ndshare {

Shape resolve_reshape(const Shape& shape, std::int64_t count) {
  int unknown = -1;
  Shape known = shape;
  for (int axis = 0; axis < shape.ndim(); ++axis) {
    if (shape[axis] != -1) continue;
    if (unknown >= 0)
      throw Error(ErrorCode::Shape, "shape " + shape.str() + " has two -1: only one length can be worked out");
    unknown = axis;
    known[axis] = 1;
  }
  const std::int64_t rest = known.count();
  if (unknown >= 0 && rest > 0 && count % rest == 0) {
    known[unknown] = count / rest;
    return known;
  }
  if (unknown >= 0 || rest != count) {
    throw Error(
        ErrorCode::ShapeMismatch,
        "cannot reshape " + std::to_string(count) + " elements into " + shape.str() +
            (unknown >= 0 ? (rest == 0 ? ": -1 cannot be worked out next to a length of 0"
                                       : ": " + std::to_string(count) + " is no multiple of " + std::to_string(rest))
                          : ", which has " + std::to_string(rest)),
        {{"elements", std::to_string(count)}, {"shape", shape.str()}});
  }
  return known;
}

namespace {

// Gives the strides of new axes [first, last) over old axes that are C-ordered with `step` bytes at the innermost.
void spread_strides(Layout& result, int first, int last, std::int64_t step) {
  for (int axis = last - 1; axis >= first; --axis) {
    result.strides[axis] = step;
    step *= result.shape[axis];
  }
}

bool is_c_ordered(const Shape& shape, const Strides& strides, int first, int last) {
  for (int axis = first; axis + 1 < last; ++axis) {
    const auto expected = internal::checked_mul(shape[axis + 1], strides[axis + 1]);
    if (!expected || strides[axis] != *expected) return false;
  }
  return true;
}

}  // namespace

std::optional<Layout> reshape_view(const Layout& layout, const Shape& shape, std::int64_t itemsize) {
  const Shape target = resolve_reshape(shape, layout.count());
  Layout result = Layout::contiguous(target, itemsize, Order::C, layout.offset);
  if (layout.is_empty()) return result;

  Layout old = layout;  // without axes of length 1: their strides mean nothing
  for (int axis = old.ndim() - 1; axis >= 0; --axis) {
    if (old.shape[axis] != 1) continue;
    old.shape.erase(axis);
    old.strides.erase(axis);
  }
  int old_first = 0;
  int new_first = 0;
  while (old_first < old.ndim()) {
    int old_last = old_first + 1;
    int new_last = new_first + 1;
    std::int64_t old_product = old.shape[old_first];
    std::int64_t new_product = target[new_first];
    while (old_product != new_product) {
      if (old_product < new_product) {
        old_product *= old.shape[old_last++];
      } else {
        new_product *= target[new_last++];
      }
    }
    if (!is_c_ordered(old.shape, old.strides, old_first, old_last)) return std::nullopt;
    spread_strides(result, new_first, new_last, old.strides[old_last - 1]);
    old_first = old_last;
    new_first = new_last;
  }
  return result;  // what is left of the new axes has length 1
}

namespace {

// "(3, 4) and (3,): axis 1 ...; a.reshape((3, 1)) would fit": a way out where one length of `small` stands at the wrong
// end.
std::string reshape_hint(const Shape& small, const Shape& large) {
  for (int shift = 1; shift + small.ndim() <= large.ndim(); ++shift) {
    Shape moved = small;
    for (int i = 0; i < shift; ++i) moved.push_back(1);
    bool fits = true;
    for (int back = 1; back <= moved.ndim(); ++back) {
      const std::int64_t a = moved[moved.ndim() - back];
      const std::int64_t b = large[large.ndim() - back];
      fits = fits && (a == b || a == 1 || b == 1);
    }
    if (fits) return "; reshape " + small.str() + " to " + moved.str() + " to line them up";
  }
  return "; lengths must be equal or 1, counted from the last axis";
}

[[noreturn]] void throw_broadcast(const Shape& a, const Shape& b, int axis, std::int64_t la, std::int64_t lb) {
  const Shape& small = a.ndim() <= b.ndim() ? a : b;
  const Shape& large = a.ndim() <= b.ndim() ? b : a;
  throw Error(ErrorCode::ShapeMismatch,
              "shapes " + a.str() + " and " + b.str() + " do not broadcast: axis " + std::to_string(axis) + " is " +
                  std::to_string(la) + " in one and " + std::to_string(lb) + " in the other" +
                  reshape_hint(small, large),
              {{"axis", std::to_string(axis)}, {"shape_a", a.str()}, {"shape_b", b.str()}});
}

}  // namespace

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  Shape result = a.ndim() >= b.ndim() ? a : b;
  const int ndim = result.ndim();
  for (int back = 1; back <= std::min(a.ndim(), b.ndim()); ++back) {
    const std::int64_t la = a[a.ndim() - back];
    const std::int64_t lb = b[b.ndim() - back];
    if (la != lb && la != 1 && lb != 1) throw_broadcast(a, b, ndim - back, la, lb);
    result[ndim - back] = la == 1 ? lb : la;
  }
  static_cast<void>(result.count());
  return result;
}

Shape broadcast_shapes(std::span<const Shape> shapes) {
  Shape result;
  for (const Shape& shape : shapes) result = broadcast_shapes(result, shape);
  return result;
}

Layout broadcast_to(const Layout& layout, const Shape& shape) {
  static_cast<void>(shape.count());
  const int extra = shape.ndim() - layout.ndim();
  if (extra < 0) {
    throw Error(ErrorCode::ShapeMismatch, "cannot broadcast " + layout.shape.str() + " to " + shape.str() +
                                              ", which has fewer axes: squeeze or index the array first");
  }
  Layout result{shape, Strides(shape), layout.offset};
  for (int axis = 0; axis < shape.ndim(); ++axis) {
    const int source = axis - extra;
    if (source >= 0 && layout.shape[source] == shape[axis]) {
      result.strides[axis] = layout.strides[source];
    } else if (source < 0 || layout.shape[source] == 1) {
      result.strides[axis] = 0;
    } else {
      throw_broadcast(layout.shape, shape, axis, layout.shape[source], shape[axis]);
    }
  }
  return result;
}

}  // namespace ndshare
