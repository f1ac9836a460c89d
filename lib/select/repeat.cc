// tile and repeat, and the integers that they take.
#include <ndshare/build.h>
#include <ndshare/error.h>

#include "lib/array/element.h"
#include "lib/select/build.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace ndshare {

std::int64_t Integers::from_integer(std::uint64_t value) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value <= kMost) return static_cast<std::int64_t>(value);
  throw Error(Error::Overflow, "the integer " + std::to_string(value) + " is over 2^63-1: no axis is so long");
}

Integers::Integers(const Array& values) : one_(values.ndim() == 0) {
  if (!values.dtype().is_integer() && !values.dtype().is_bool()) {
    throw Error(Error::DtypeMismatch,
                "counts and indices are integers, not " + values.dtype().to_string() + ": convert them with astype",
                {{"dtype", values.dtype().to_string()}});
  }
  if (values.ndim() > 1) {
    throw Error(Error::ShapeMismatch,
                "integers of shape " + values.shape().str() + ": give one axis, or none for a single one",
                {{"shape", values.shape().str()}});
  }
  internal::check_result_memory("integers", values.shape(), sizeof(std::int64_t), {});
  values_.reserve(static_cast<std::size_t>(values.size()));
  const std::int64_t step = one_ ? 0 : values.strides()[0];
  visit_numeric(values.dtype().id(), [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>) {
      for (std::int64_t i = 0; i < values.size(); ++i)
        values_.push_back(internal::load_lane<bool>(values.data() + i * step) ? 1 : 0);
    } else if constexpr (std::integral<T>) {
      for (std::int64_t i = 0; i < values.size(); ++i)
        values_.push_back(from_integer(internal::load_lane<T>(values.data() + i * step)));
    }
  });
}

namespace internal {
namespace {

/// What is known doubles along an axis: large copies, however small x is.
void grow(const Array& to, int axis, std::int64_t known, int threads) {
  const std::int64_t length = to.shape()[axis];
  while (known < length) {
    const std::int64_t more = std::min(known, length - known);
    place(part_of_axis(to, axis, known, more), part_of_axis(to, axis, 0, more), threads);
    known += more;
  }
}

/// REQUIRES: as many axes in x as in `to`; no result is empty.
void fill_tiles(const Array& to, const Array& x, int threads) {
  Array corner = to;
  for (int axis = 0; axis < x.ndim(); ++axis) corner = part_of_axis(corner, axis, 0, x.shape()[axis]);
  place(corner, x, threads);
  for (int axis = x.ndim() - 1; axis >= 0; --axis) {
    Array line = to;  // as much of the axes ahead as is known, all of those behind
    for (int ahead = 0; ahead < axis; ++ahead) line = part_of_axis(line, ahead, 0, x.shape()[ahead]);
    grow(line, axis, x.shape()[axis], threads);
  }
}

/// How often each part of an axis comes, and where it goes.
struct Counts {
  std::int64_t length = 0;             // parts
  std::int64_t each = 0;               // where `starts` is empty
  std::vector<std::int64_t> starts{};  // length + 1

  [[nodiscard]] std::int64_t start(std::int64_t i) const {
    return starts.empty() ? i * each : starts[static_cast<std::size_t>(i)];
  }
};

Counts check_counts(const Integers& counts, std::int64_t length) {
  const auto& values = counts.values();
  const auto negative = std::find_if(values.begin(), values.end(), [](std::int64_t count) { return count < 0; });
  if (negative != values.end()) {
    throw Error(Error::Usage,
                "repeat: count " + std::to_string(negative - values.begin()) + " is " + std::to_string(*negative) +
                    ": give 0 or more",
                {{"place", std::to_string(negative - values.begin())}, {"count", std::to_string(*negative)}});
  }
  Counts out{.length = length};
  if (values.size() == 1) {
    static_cast<void>(multiply_sizes("repeat", length, values[0]));
    out.each = values[0];
    return out;
  }
  if (static_cast<std::int64_t>(values.size()) != length) {
    throw Error(Error::ShapeMismatch,
                "repeat: " + std::to_string(values.size()) + " counts for an axis of " + std::to_string(length) +
                    " elements: give one for each, or a single one",
                {{"counts", std::to_string(values.size())}, {"length", std::to_string(length)}});
  }
  out.starts.push_back(0);
  for (const std::int64_t count : values) out.starts.push_back(add_sizes("repeat", out.starts.back(), count));
  return out;
}

template <std::size_t kSize>
void write_item(std::byte* to, const std::byte* item, std::int64_t times) {
  std::byte value[kSize];  // one load: the compiler need not ask whether `to` overwrites it
  std::memcpy(value, item, kSize);
  for (std::int64_t i = 0; i < times; ++i) std::memcpy(to + i * static_cast<std::int64_t>(kSize), value, kSize);
}

void write_chunk(std::byte* to, const std::byte* chunk, std::int64_t bytes, std::int64_t times) {
  switch (bytes) {
    case 1:
      return write_item<1>(to, chunk, times);
    case 2:
      return write_item<2>(to, chunk, times);
    case 4:
      return write_item<4>(to, chunk, times);
    case 8:
      return write_item<8>(to, chunk, times);
    case 16:
      return write_item<16>(to, chunk, times);
    default:
      for (std::int64_t i = 0; i < times; ++i) std::memcpy(to + i * bytes, chunk, static_cast<std::size_t>(bytes));
  }
}

/// Both lie in C order: each part of the axis is a run of bytes.
void repeat_runs(const Array& to, const Array& x, int axis, const Counts& counts, int threads) {
  std::int64_t chunk = x.itemsize(), outer = 1;
  for (int k = 0; k < axis; ++k) outer *= x.shape()[k];
  for (int k = axis + 1; k < x.ndim(); ++k) chunk *= x.shape()[k];
  const std::int64_t total = to.shape()[axis];
  std::byte* const target = to.mutable_data();
  parallel_ranges(outer * counts.length, to.nbytes() / (outer * counts.length), threads,
                  [&](std::int64_t low, std::int64_t high) {
                    for (std::int64_t unit = low; unit < high; ++unit) {
                      const std::int64_t row = unit / counts.length, i = unit % counts.length, start = counts.start(i);
                      write_chunk(target + (row * total + start) * chunk, x.data() + unit * chunk, chunk,
                                  counts.start(i + 1) - start);
                    }
                  });
}

void fill_repeats(const Array& to, const Array& x, int axis, const Counts& counts, int threads) {
  constexpr std::int64_t kFew = 64, kLarge = std::int64_t{64} << 10;
  const std::int64_t part_bytes = to.nbytes() / counts.length;
  const bool large = counts.length < kFew && part_bytes >= kLarge;  // each part is worth all threads
  if (!large && to.dtype() == x.dtype() && is_packed(x.dtype()) && to.is_c_contiguous() && x.is_c_contiguous()) {
    return repeat_runs(to, x, axis, counts, threads);
  }
  if (counts.starts.empty() && counts.each <= counts.length) {
    for (std::int64_t k = 0; k < counts.each; ++k) {  // every first copy, every second …
      Layout layout = to.layout();
      layout.offset += k * layout.strides[axis];
      layout.shape[axis] = counts.length, layout.strides[axis] *= counts.each;
      place(to.with_layout(layout), x, threads);
    }
    return;
  }
  const auto range = [&](std::int64_t low, std::int64_t high) {
    for (std::int64_t i = low; i < high; ++i) {
      const std::int64_t times = counts.start(i + 1) - counts.start(i);
      if (times == 0) continue;
      place(part_of_axis(to, axis, counts.start(i), times), stretched(part_of_axis(x, axis, i, 1), axis, times),
            threads);
    }
  };
  return large ? range(0, counts.length) : parallel_ranges(counts.length, part_bytes, threads, range);
}

}  // namespace
}  // namespace internal

Array tile(const Array& x, const Integers& repetitions, const BuildOptions& options) {
  std::vector<std::int64_t> times = repetitions.values();
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] >= 0) continue;
    throw Error(Error::Usage,
                "tile: repetition " + std::to_string(i) + " is " + std::to_string(times[i]) + ": give 0 or more",
                {{"place", std::to_string(i)}, {"count", std::to_string(times[i])}});
  }
  Shape shape = x.shape();
  while (static_cast<std::size_t>(shape.ndim()) < times.size()) shape.insert(0, 1);
  while (times.size() < static_cast<std::size_t>(shape.ndim())) times.insert(times.begin(), 1);
  const Array wide = x.broadcast_to(shape);
  for (int axis = 0; axis < shape.ndim(); ++axis) {
    shape[axis] = internal::multiply_sizes("tile", shape[axis], times[static_cast<std::size_t>(axis)]);
  }
  const internal::Build plan{.what = "tile",
                             .shape = shape,
                             .dtype = x.dtype(),
                             .operands = std::span(&x, 1),
                             .out = options.out,
                             .threads = options.threads};
  return internal::build(plan, [&](const Array& to) { internal::fill_tiles(to, wide, options.threads); });
}

Array repeat(const Array& x, const Integers& counts, const RepeatOptions& options) {
  const int axis = options.axis ? normalize_axis(*options.axis, x.ndim()) : 0;
  Shape shape = options.axis ? x.shape() : Shape{x.size()};
  const internal::Counts plan_counts = internal::check_counts(counts, shape[axis]);
  shape[axis] = plan_counts.start(plan_counts.length);
  const internal::Build plan{.what = "repeat",
                             .shape = shape,
                             .dtype = x.dtype(),
                             .operands = std::span(&x, 1),
                             .out = options.out,
                             .threads = options.threads,
                             .flattens = !options.axis};
  return internal::build(plan, [&](const Array& to) {
    internal::fill_repeats(to, options.axis ? x : internal::flat_of(x), axis, plan_counts, options.threads);
  });
}

}  // namespace ndshare
