// Layouts against a naive model: a view is the list of element numbers that its indices reach.
#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>
#include <ndshare/layout.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/support/support.h"

namespace ndshare {
namespace {

using Numbers = std::vector<std::int64_t>;

/// The model: a shape and, for every multi-index in C order, the element's byte.
struct Model {
  Numbers shape;
  Numbers bytes;
};

std::int64_t product(const Numbers& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

Numbers index_of(std::int64_t flat, const Numbers& shape) {
  Numbers index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return index;
}

std::int64_t flat_of(const Numbers& index, const Numbers& shape) {
  std::int64_t flat = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) flat = flat * shape[axis] + index[axis];
  return flat;
}

Model model_of(const Layout& layout) {
  Model model{Numbers(layout.shape.begin(), layout.shape.end()), {}};
  for (std::int64_t flat = 0; flat < product(model.shape); ++flat) {
    const Numbers index = index_of(flat, model.shape);
    std::int64_t byte = layout.offset;
    for (std::size_t axis = 0; axis < index.size(); ++axis) byte += index[axis] * layout.strides[axis];
    model.bytes.push_back(byte);
  }
  return model;
}

/// Makes the model of a view from where each of its indices comes from.
template <class Source>
Model map_model(const Model& from, Numbers shape, Source source) {
  Model result{std::move(shape), {}};
  for (std::int64_t flat = 0; flat < product(result.shape); ++flat) {
    result.bytes.push_back(
        from.bytes[static_cast<std::size_t>(flat_of(source(index_of(flat, result.shape)), from.shape))]);
  }
  return result;
}

bool operator==(const Model& a, const Model& b) { return a.shape == b.shape && a.bytes == b.bytes; }

constexpr std::int64_t kItem = 4;

Numbers gen_shape(int most_axes, std::int64_t least = 0) {
  return *rc::gen::resize(most_axes, rc::gen::container<Numbers>(rc::gen::inRange<std::int64_t>(least, 5)));
}

/// A layout that a few random views of a contiguous array give: negative, zero and odd strides, offsets.
Layout gen_layout() {
  Layout layout = Layout::contiguous(Shape(gen_shape(4)), kItem, *rc::gen::element(Order::C, Order::F),
                                     *rc::gen::inRange(0, 3) * kItem);
  for (int axis = 0; axis < layout.ndim(); ++axis) {
    if (*rc::gen::inRange(0, 3) != 0) continue;
    std::vector<Index> index(static_cast<std::size_t>(axis), Index(all));
    index.push_back(slice(none, none, *rc::gen::element<std::int64_t>(-2, -1, 2)));
    layout = index_layout(layout, index);
  }
  if (layout.ndim() > 1 && *rc::gen::arbitrary<bool>()) layout = swapaxes(layout, 0, -1);
  return layout;
}

std::optional<std::int64_t> gen_end() {
  if (*rc::gen::inRange(0, 4) == 0) return none;
  return *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(-7, 8), rc::gen::element<std::int64_t>(INT64_MIN, INT64_MAX));
}

// Python's own definition of a slice, by enumeration.
Numbers python_slice(const Slice& cut, std::int64_t length) {
  const std::int64_t step = cut.step.value_or(1);
  const auto bound = [&](std::optional<std::int64_t> end, std::int64_t fallback) {
    if (!end) return fallback;
    const std::int64_t at = *end < 0 ? *end + length : *end;
    return step > 0 ? std::min(std::max<std::int64_t>(at, 0), length)
                    : std::min(std::max<std::int64_t>(at, -1), length - 1);
  };
  const std::int64_t stop = bound(cut.stop, step > 0 ? length : -1);
  Numbers picked;
  for (std::int64_t at = bound(cut.start, step > 0 ? 0 : length - 1); step > 0 ? at < stop : at > stop; at += step) {
    picked.push_back(at);
    if (std::abs(step) > length) break;
  }
  return picked;
}

RC_GTEST_PROP(LayoutTest, SlicesReachWhatPythonReaches, ()) {
  const Layout layout = gen_layout();
  const Model before = model_of(layout);
  std::vector<Index> index;
  std::vector<Numbers> picks;
  Numbers shape;
  for (const std::int64_t length : before.shape) {
    if (length > 0 && *rc::gen::inRange(0, 3) == 0) {
      const std::int64_t at = *rc::gen::inRange<std::int64_t>(-length, length);
      index.push_back(at);
      picks.push_back({at < 0 ? at + length : at});
      continue;
    }
    const Slice cut =
        slice(gen_end(), gen_end(), *rc::gen::element<std::int64_t>(1, 2, 3, -1, -2, -5, INT64_MAX, INT64_MIN));
    index.push_back(cut);
    picks.push_back(python_slice(cut, length));
    shape.push_back(static_cast<std::int64_t>(picks.back().size()));
  }
  const Model wanted = map_model(before, shape, [&](const Numbers& at) {
    Numbers source;
    std::size_t used = 0;
    for (std::size_t axis = 0; axis < picks.size(); ++axis) {
      const bool kept = std::holds_alternative<Slice>(index[axis].value());
      source.push_back(picks[axis][kept ? static_cast<std::size_t>(at[used++]) : 0]);
    }
    return source;
  });
  RC_ASSERT(model_of(index_layout(layout, index)) == wanted);
}

RC_GTEST_PROP(LayoutTest, ReshapedViewsKeepTheOrderOfElements, ()) {
  const Layout layout = gen_layout();
  const Numbers target = *rc::gen::suchThat(rc::gen::exec([] { return gen_shape(4); }), [&](const Numbers& shape) {
    return product(shape) == layout.count() || product(shape) < 60;
  });
  const Model before = model_of(layout);
  if (product(target) != layout.count()) {
    RC_ASSERT(test::code_of([&] { static_cast<void>(reshape_view(layout, Shape(target), kItem)); }) ==
              ErrorCode::ShapeMismatch);
    return;
  }
  const auto view = reshape_view(layout, Shape(target), kItem);
  if (view) RC_ASSERT(model_of(*view) == (Model{target, before.bytes}));
}

// Complete: whenever some strides would do, a view is given. Found by trying all shapes of few elements.
TEST(LayoutTest, ReshapeGivesAViewWheneverOneExists) {
  const std::vector<Numbers> shapes = {{12},      {3, 4},    {4, 3},  {2, 6},  {6, 2},    {2, 2, 3},
                                       {2, 3, 2}, {3, 2, 2}, {1, 12}, {12, 1}, {2, 1, 6}, {3, 1, 4, 1}};
  for (const Numbers& from : shapes) {
    for (const Order order : {Order::C, Order::F}) {
      for (const std::int64_t step : {1, 2, -1}) {
        Layout layout = Layout::contiguous(Shape(from), kItem, order);
        layout = index_layout(layout, std::vector<Index>{ellipsis, slice(none, none, step)});
        const Model before = model_of(layout);
        for (const Numbers& to : shapes) {
          if (product(to) != layout.count()) continue;
          // Strides are forced by the elements one step along each axis: a view exists when they explain all others.
          Layout forced{Shape(to), Strides(Shape(to)), before.bytes[0]};
          for (std::size_t axis = 0; axis < to.size(); ++axis) {
            Numbers unit(to.size(), 0);
            unit[axis] = to[axis] > 1 ? 1 : 0;
            forced.strides[axis] = before.bytes[static_cast<std::size_t>(flat_of(unit, to))] - before.bytes[0];
          }
          const bool exists = model_of(forced).bytes == before.bytes;
          EXPECT_EQ(reshape_view(layout, Shape(to), kItem).has_value(), exists)
              << layout.shape.str() << layout.strides.str() << " to " << Shape(to).str();
        }
      }
    }
  }
}

RC_GTEST_PROP(LayoutTest, PermutationsMoveAxes, ()) {
  const Layout layout = gen_layout();
  const Model before = model_of(layout);
  Numbers axes(before.shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  for (std::size_t i = axes.size(); i > 1; --i) std::swap(axes[i - 1], axes[*rc::gen::inRange<std::size_t>(0, i)]);
  if (axes.empty()) return;
  Numbers shape;
  for (const std::int64_t axis : axes) shape.push_back(before.shape[static_cast<std::size_t>(axis)]);
  const auto source = [&](const Numbers& at) {
    Numbers from(axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) from[static_cast<std::size_t>(axes[i])] = at[i];
    return from;
  };
  RC_ASSERT(model_of(transpose(layout, axes)) == map_model(before, shape, source));
  // moveaxis(axes → 0, 1, …) is the same permutation.
  Numbers places(axes.size());
  std::iota(places.begin(), places.end(), 0);
  RC_ASSERT(moveaxis(layout, axes, places) == transpose(layout, axes));
}

RC_GTEST_PROP(LayoutTest, FlipDiagonalWindowBroadcast, ()) {
  const Layout layout = gen_layout();
  const Model before = model_of(layout);
  if (before.shape.size() < 2) return;
  const std::int64_t rows = before.shape[0];
  RC_ASSERT(model_of(flip(layout, Numbers{0})) == map_model(before, before.shape, [&](Numbers at) {
              at[0] = rows - 1 - at[0];
              return at;
            }));

  const std::int64_t k = *rc::gen::inRange<std::int64_t>(-6, 7);
  const std::int64_t length = std::max<std::int64_t>(
      0, std::min(rows + std::min<std::int64_t>(k, 0), before.shape[1] - std::max<std::int64_t>(k, 0)));
  Numbers shape(before.shape.begin() + 2, before.shape.end());
  shape.push_back(length);
  RC_ASSERT(model_of(diagonal(layout, k)) == map_model(before, shape, [&](const Numbers& at) {
              Numbers source = {at.back() - std::min<std::int64_t>(k, 0), at.back() + std::max<std::int64_t>(k, 0)};
              source.insert(source.end(), at.begin(), at.end() - 1);
              return source;
            }));

  if (rows > 0) {
    const std::int64_t window = *rc::gen::inRange<std::int64_t>(1, rows + 1);
    Numbers windows = before.shape;
    windows[0] = rows - window + 1;
    windows.push_back(window);
    RC_ASSERT(model_of(sliding_window(layout, Shape{window}, Numbers{0})) == map_model(before, windows, [](Numbers at) {
                at[0] += at.back();
                at.pop_back();
                return at;
              }));
  }

  Numbers stretched = {*rc::gen::inRange<std::int64_t>(0, 4)};
  Layout one = layout;
  if (rows > 0) one = index_layout(layout, std::vector<Index>{slice(0, 1)});
  stretched.push_back(rows > 0 ? 3 : 0);
  stretched.insert(stretched.end(), before.shape.begin() + 1, before.shape.end());
  RC_ASSERT(model_of(broadcast_to(one, Shape(stretched))) == map_model(model_of(one), stretched, [](Numbers at) {
              at.erase(at.begin());
              at[0] = 0;
              return at;
            }));
}

RC_GTEST_PROP(LayoutTest, ContiguityAndBoundsAreWhatTheElementsSay, ()) {
  const Layout layout = gen_layout();
  const Model model = model_of(layout);
  Numbers packed(model.bytes.size());
  for (std::size_t i = 0; i < packed.size(); ++i) packed[i] = layout.offset + static_cast<std::int64_t>(i) * kItem;
  RC_ASSERT(layout.is_c_contiguous(kItem) == (model.bytes == packed));
  RC_ASSERT(layout.is_f_contiguous(kItem) == transpose(layout).is_c_contiguous(kItem));
  const Layout::Bounds bounds = layout.bounds(kItem);
  if (model.bytes.empty()) {
    RC_ASSERT(bounds.low == bounds.high);
  } else {
    RC_ASSERT(bounds.low == *std::min_element(model.bytes.begin(), model.bytes.end()));
    RC_ASSERT(bounds.high == *std::max_element(model.bytes.begin(), model.bytes.end()) + kItem);
  }
}

TEST(LayoutTest, BroadcastRejectsMismatch) {
  EXPECT_EQ(broadcast_shapes(Shape{3, 1, 4}, Shape{5, 1}), (Shape{3, 5, 4}));
  EXPECT_EQ(broadcast_shapes(Shape{0, 1}, Shape{1, 4}), (Shape{0, 4}));
  const std::string message = test::message_of([] { static_cast<void>(broadcast_shapes(Shape{3, 4}, Shape{3})); });
  EXPECT_NE(message.find("axis 1 is 4 in one and 3"), std::string::npos) << message;
  EXPECT_NE(message.find("reshape (3,) to (3, 1)"), std::string::npos) << message;
  EXPECT_EQ(test::code_of([] { static_cast<void>(broadcast_to(Layout::contiguous({3}, 4), {4})); }),
            ErrorCode::ShapeMismatch);
  EXPECT_EQ(test::code_of([] {
              static_cast<void>(broadcast_to(Layout::contiguous({3, 3}, 4), {3}));
            }),
            ErrorCode::ShapeMismatch);
}

TEST(LayoutTest, WrongAxesAndShapesAreErrors) {
  const Layout layout = Layout::contiguous({3, 4}, 4);
  const auto code = [](auto body) { return test::code_of([&] { static_cast<void>(body()); }); };
  EXPECT_EQ(code([&] { return transpose(layout, Dims{0}); }), ErrorCode::Axis);
  EXPECT_EQ(code([&] { return transpose(layout, Dims{0, -2}); }), ErrorCode::Axis);
  EXPECT_EQ(code([&] { return swapaxes(layout, 0, 2); }), ErrorCode::Axis);
  EXPECT_EQ(code([&] { return squeeze(layout, Dims{0}); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code([&] { return expand_dims(layout, Dims{0, 0}); }), ErrorCode::Axis);
  EXPECT_EQ(code([&] { return expand_dims(layout, Dims(Numbers(31, 0))); }), ErrorCode::Shape);
  EXPECT_EQ(code([&] { return diagonal(layout, 0, 1, 1); }), ErrorCode::Axis);
  EXPECT_EQ(code([&] { return sliding_window(layout, Shape{4, 4}); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code([&] { return resolve_reshape({-1, -1}, 12); }), ErrorCode::Shape);
  EXPECT_EQ(code([&] { return resolve_reshape({-1, 0}, 0); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code([&] { return resolve_reshape({-1, 5}, 12); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code([&] { return resolve_reshape({-2, 6}, 12); }), ErrorCode::Shape);
  EXPECT_EQ(resolve_reshape({-1, 4}, 12), (Shape{3, 4}));
  EXPECT_EQ(resolve_reshape({-1, 4}, 0), (Shape{0, 4}));
}

TEST(LayoutTest, ExpandAndSqueezeAreInverse) {
  const Layout layout = Layout::contiguous({3, 4}, 4);
  const Layout wide = expand_dims(layout, Dims{0, -1, 2});
  EXPECT_EQ(wide.shape, (Shape{1, 3, 1, 4, 1}));
  EXPECT_EQ(squeeze(wide), layout);
}

}  // namespace
}  // namespace ndshare
