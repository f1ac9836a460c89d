// pad: the array in the middle, then its border, axis by axis; what lies beyond two axes comes with the later one.
#include <ndshare/build.h>
#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/select/build.h"

#include <algorithm>
#include <string>

namespace ndshare {
namespace internal {
namespace {

constexpr const char* kModes[] = {"constant", "edge", "reflect", "symmetric", "wrap"};

std::vector<PadWidth> widths_of(const Array& x, const PadWidths& widths) {
  std::vector<PadWidth> out = widths.values();
  if (widths.is_for_all()) out.assign(static_cast<std::size_t>(x.ndim()), PadWidth(widths.values()[0]));
  if (out.size() != static_cast<std::size_t>(x.ndim())) {
    throw Error(Error::ShapeMismatch,
                "pad: " + std::to_string(out.size()) + " pairs of widths for shape " + x.shape().str() +
                    ": give one for each axis, or a single one",
                {{"widths", std::to_string(out.size())}, {"shape", x.shape().str()}});
  }
  for (std::size_t axis = 0; axis < out.size(); ++axis) {
    if (out[axis].before >= 0 && out[axis].after >= 0) continue;
    throw Error(Error::Usage,
                "pad: axis " + std::to_string(axis) + " has the widths (" + std::to_string(out[axis].before) + ", " +
                    std::to_string(out[axis].after) + "): give 0 or more; slice the array to make it smaller",
                {{"axis", std::to_string(axis)}});
  }
  return out;
}

/// Nothing has no edge, no mirror image and no period.
void check_border(const Array& x, int axis, const PadWidth& width, PadMode mode) {
  const std::int64_t wide = std::max(width.before, width.after);
  if (x.shape()[axis] != 0 || wide == 0 || mode == PadMode::constant) return;
  const std::string name = kModes[static_cast<std::size_t>(mode)];
  throw Error(Error::ShapeMismatch,
              "pad: axis " + std::to_string(axis) + " of shape " + x.shape().str() +
                  " has 0 elements, too few for a border of " + std::to_string(wide) + " by " + name + ": use constant",
              {{"axis", std::to_string(axis)}, {"length", "0"}, {"width", std::to_string(wide)}});
}

class Padding {
 public:
  Padding(const Array& to, const Array& x, const std::vector<PadWidth>& widths, PadMode mode, const Array& value,
          int threads)
      : to_(to), x_(x), widths_(widths), mode_(mode), value_(value), threads_(threads) {}

  void run() const {
    Array middle = to_;
    for (int axis = 0; axis < x_.ndim(); ++axis)
      middle = part_of_axis(middle, axis, width(axis).before, x_.shape()[axis]);
    place(middle, x_, threads_);
    for (int axis = 0; axis < x_.ndim(); ++axis) {
      // Axes ahead of this one have their border already, those behind it get theirs later.
      Array slab = to_;
      for (int k = axis + 1; k < x_.ndim(); ++k) slab = part_of_axis(slab, k, width(k).before, x_.shape()[k]);
      border(slab, axis);
    }
  }

 private:
  [[nodiscard]] const PadWidth& width(int axis) const { return widths_[static_cast<std::size_t>(axis)]; }

  void border(const Array& slab, int axis) const {
    const auto [before, after] = width(axis);
    const std::int64_t length = x_.shape()[axis], end = before + length;
    if (mode_ == PadMode::wrap) return go_on(slab, axis, before, end, length);
    if (mode_ == PadMode::symmetric) return mirror(slab, axis, 0);
    if (mode_ == PadMode::reflect && length > 1) return mirror(slab, axis, 1);  // one element is repeated, as an edge
    const auto side = [&](std::int64_t start, std::int64_t count, std::int64_t from) {
      if (count == 0) return;
      const Array part = part_of_axis(slab, axis, start, count);
      if (mode_ == PadMode::constant) return place(part, value_.broadcast_to(part.shape()), threads_);
      place(part, stretched(part_of_axis(slab, axis, from, 1), axis, count), threads_);
    };
    side(0, before, before);
    side(end, after, end - 1);
  }

  /// Mirror images to both sides, without the edge itself where `skip` is 1; where these are too narrow, they and the
  /// middle are a period that goes on.
  void mirror(const Array& slab, int axis, std::int64_t skip) const {
    const auto [before, after] = width(axis);
    const std::int64_t length = x_.shape()[axis], end = before + length, most = length - skip;
    const std::int64_t ahead = std::min(before, most), behind = std::min(after, most);
    const auto image = [&](std::int64_t start, std::int64_t count, std::int64_t from) {
      if (count != 0)
        place(part_of_axis(slab, axis, start, count), flip(part_of_axis(slab, axis, from, count), axis), threads_);
    };
    image(before - ahead, ahead, before + skip);
    image(end, behind, end - skip - behind);
    if (ahead < before || behind < after) go_on(slab, axis, before - ahead, end + behind, 2 * most);
  }

  /// Whole periods of what is known, [low, high), go on to both sides: it doubles.
  void go_on(const Array& slab, int axis, std::int64_t low, std::int64_t high, std::int64_t length) const {
    const std::int64_t total = to_.shape()[axis];
    while (low > 0) {
      const std::int64_t period = (high - low) / length * length, count = std::min(low, period);
      place(part_of_axis(slab, axis, low - count, count), part_of_axis(slab, axis, low - count + period, count),
            threads_);
      low -= count;
    }
    while (high < total) {
      const std::int64_t period = (high - low) / length * length, count = std::min(total - high, period);
      place(part_of_axis(slab, axis, high, count), part_of_axis(slab, axis, high - period, count), threads_);
      high += count;
    }
  }

  const Array& to_;
  const Array& x_;
  const std::vector<PadWidth>& widths_;
  PadMode mode_;
  const Array& value_;
  int threads_;
};

}  // namespace
}  // namespace internal

Array pad(const Array& x, const PadWidths& widths_asked, const PadOptions& options) {
  const std::vector<PadWidth> widths = internal::widths_of(x, widths_asked);
  Shape shape = x.shape();
  for (int axis = 0; axis < x.ndim(); ++axis) {
    const PadWidth& width = widths[static_cast<std::size_t>(axis)];
    internal::check_border(x, axis, width, options.mode);
    shape[axis] = internal::add_sizes("pad", internal::add_sizes("pad", width.before, shape[axis]), width.after);
  }
  const Array value = options.value ? scalar_array(*options.value, x.dtype()) : zeros({}, x.dtype());
  const internal::Build plan{.what = "pad",
                             .shape = shape,
                             .dtype = x.dtype(),
                             .operands = std::span(&x, 1),
                             .out = options.out,
                             .threads = options.threads};
  return internal::build(
      plan, [&](const Array& to) { internal::Padding(to, x, widths, options.mode, value, options.threads).run(); });
}

}  // namespace ndshare
