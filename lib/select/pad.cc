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

/// Whether an axis can give a border of this width.
void check_mirror(const Array& x, int axis, const PadWidth& width, PadMode mode) {
  const std::int64_t length = x.shape()[axis], wide = std::max(width.before, width.after);
  if (wide == 0 || mode == PadMode::constant) return;
  std::int64_t most = length == 0 ? 0 : wide;
  if (mode == PadMode::reflect) most = length - 1;
  if (mode == PadMode::symmetric) most = length;
  if (wide <= most) return;
  const std::string name = kModes[static_cast<std::size_t>(mode)];
  const std::string way =
      length == 0 ? "use constant" : "use " + std::to_string(most) + " at most, or edge, wrap or constant";
  throw Error(Error::ShapeMismatch,
              "pad: axis " + std::to_string(axis) + " of shape " + x.shape().str() + " has " + std::to_string(length) +
                  " elements, too few for a border of " + std::to_string(wide) + " by " + name + ": " + way,
              {{"axis", std::to_string(axis)}, {"length", std::to_string(length)}, {"width", std::to_string(wide)}});
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
    if (mode_ == PadMode::wrap) return wrap(slab, axis);
    const auto side = [&](std::int64_t start, std::int64_t count, std::int64_t from, bool mirrored) {
      if (count == 0) return;
      const Array part = part_of_axis(slab, axis, start, count);
      if (mode_ == PadMode::constant) return place(part, value_.broadcast_to(part.shape()), threads_);
      if (!mirrored) return place(part, stretched(part_of_axis(slab, axis, from, 1), axis, count), threads_);
      place(part, flip(part_of_axis(slab, axis, from, count), axis), threads_);
    };
    const bool mirrored = mode_ == PadMode::reflect || mode_ == PadMode::symmetric;
    const std::int64_t skip = mode_ == PadMode::reflect ? 1 : 0;  // the edge itself does not come again
    side(0, before, before + skip, mirrored);
    side(end, after, mirrored ? end - skip - after : end - 1, mirrored);
  }

  /// Whole periods of what is known go on to both sides: it doubles.
  void wrap(const Array& slab, int axis) const {
    const std::int64_t length = x_.shape()[axis], total = to_.shape()[axis];
    std::int64_t low = width(axis).before, high = low + length;
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
    internal::check_mirror(x, axis, width, options.mode);
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
