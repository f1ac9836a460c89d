// sort, argsort, partition, lexsort: options checked, arrays taken apart into lines, results put where they belong.
#include <ndshare/sort.h>

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/order/arg_sort.h"
#include "lib/order/lines.h"
#include "lib/order/order_map.h"
#include "lib/order/partition.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace ndshare {
namespace internal {
namespace {

Shape result_shape(const Array& x, const SortOptions& options) {
  if (options.axis) static_cast<void>(normalize_axis(*options.axis, x.ndim()));
  return options.axis ? x.shape() : Shape{x.size()};
}

bool is_same_memory(const Array& a, const Array& b) noexcept {
  return a.data() == b.data() && a.shape() == b.shape() && a.strides() == b.strides();
}

/// Whether elements can be sorted as keys, without positions.
bool sorts_by_value(const DType& dtype, const SortOptions& options) noexcept {
  return has_map(dtype) && !(options.stable && dtype.is_floating());  // −0 and +0, and NaNs, keep their order
}

/// Sorts, or partitions at `ranks`, the dense `in` into the dense `out`, which is exactly `in` (then by value only) or
/// apart.
void sort_lines(const Array& in, const Array& out, RankSpan ranks, const SortOptions& options) {
  const Lines lines = lines_of(in, !options.axis);
  if (lines.count == 0) return;
  if (sorts_by_value(in.dtype(), options)) {
    return partition_values(in.dtype(), in.data(), out.mutable_data(), lines, ranks, options.descending,
                            options.threads);
  }
  KeyPlan plan;
  plan.add(in.data(), in.itemsize(), in.dtype(), options.descending, options.order);
  const auto itemsize = static_cast<std::size_t>(in.itemsize());
  std::byte* to = out.mutable_data();
  for_lines(lines, options.threads, [&](std::size_t line, int threads) {
    const auto positions = make_heap_buffer(static_cast<std::int64_t>(lines.length * sizeof(std::int64_t)), false);
    auto* rows = reinterpret_cast<std::int64_t*>(positions->data());
    const std::size_t first = line * lines.length;
    partition_items(plan, static_cast<std::int64_t>(first), lines.length, ranks, rows, threads);
    gather_items(in.data() + first * itemsize, itemsize, rows, lines.length, to + first * itemsize, threads);
  });
}

/// The sorted lines of x, dense, with the axis last.
Array sorted_lines(const Array& x, RankSpan ranks, const SortOptions& options) {
  const Array moved = axis_last(x, options.axis);
  const Shape shape = options.axis ? moved.shape() : Shape{x.size()};
  if (!moved.is_c_contiguous() && sorts_by_value(x.dtype(), options)) {
    const Array own = dense_copy(moved, shape);
    sort_lines(own, own, ranks, options);
    return own;
  }
  const Array in = moved.is_c_contiguous() ? moved : dense_copy(moved, moved.shape());
  Array out = empty(shape, x.dtype());
  note_copy(CopyReason::ordered, out.nbytes());
  sort_lines(in, out, ranks, options);
  return out;
}

/// `lines`, which have the axis last, into `out`, which has it where it belongs.
void put_lines(const Array& out, const Array& lines, const SortOptions& options) {
  copy_elements(axis_last(out, options.axis), lines);
}

void sort_into(const Array& x, const Array& out, RankSpan ranks, const SortOptions& options) {
  const Array target = axis_last(out, options.axis), source = axis_last(x, options.axis);
  const bool apart = !may_share_memory(x, out);
  if (target.is_c_contiguous() && source.is_c_contiguous() && sorts_by_value(x.dtype(), options) &&
      (apart || is_same_memory(x, out))) {
    note_copy(CopyReason::ordered, x.nbytes());
    return sort_lines(source, target, ranks, options);
  }
  put_lines(out, sorted_lines(x, ranks, options), options);
}

/// Positions for lines of a plan, as an array of the lines' shape with the axis where it belongs.
Array positions(const KeyPlan& plan, const Array& moved, const Shape& shape, RankSpan ranks,
                const SortOptions& options) {
  const Lines lines = lines_of(moved, !options.axis);
  Array out = empty(options.axis ? moved.shape() : shape, int64);
  auto* rows = out.as_span<std::int64_t>().data();
  note_copy(CopyReason::ordered, out.nbytes());
  for_lines(lines, options.threads, [&](std::size_t line, int threads) {
    const std::size_t first = line * lines.length;
    partition_items(plan, static_cast<std::int64_t>(first), lines.length, ranks, rows + first, threads);
  });
  if (!options.out && (!options.axis || normalize_axis(*options.axis, moved.ndim()) == moved.ndim() - 1)) return out;
  Array result = options.out ? *options.out : empty(shape, int64);
  put_lines(result, out, options);
  return result;
}

void check_positions(std::string_view what, const Array& x, const Shape& shape, const SortOptions& options) {
  check_threads(options.threads);
  if (options.out) return check_same_out(what, *options.out, shape, int64);
  check_result_memory(what, shape, int64.itemsize(), std::span(&x, 1));
}

Array arg_sort(std::string_view what, const Array& x, RankSpan ranks, const SortOptions& options) {
  check_order(what, x.dtype(), options.order);
  const Shape shape = result_shape(x, options);
  check_positions(what, x, shape, options);
  const Array moved = dense(axis_last(x, options.axis));
  KeyPlan plan;
  plan.add(moved.data(), moved.itemsize(), moved.dtype(), options.descending, options.order);
  return positions(plan, moved, shape, ranks, options);
}

Array sorted_copy(std::string_view what, const Array& x, RankSpan ranks, const SortOptions& options) {
  check_order(what, x.dtype(), options.order);
  check_threads(options.threads);
  const Shape shape = result_shape(x, options);
  if (options.out) {
    check_same_out(what, *options.out, shape, x.dtype());
    if (options.axis) {
      sort_into(x, *options.out, ranks, options);
    } else {
      put_lines(*options.out, sorted_lines(x, ranks, options), options);
    }
    return *options.out;
  }
  check_result_memory(what, shape, x.itemsize(), std::span(&x, 1));
  Array lines = sorted_lines(x, ranks, options);
  if (!options.axis || normalize_axis(*options.axis, x.ndim()) == x.ndim() - 1) return lines;
  Array out = empty(shape, x.dtype());
  put_lines(out, lines, options);
  return out;
}

/// `kth`, counted from either end, as ranks.   Errors: Axis, IndexBounds.
std::vector<std::size_t> ranks_of(std::string_view what, const Array& x, std::span<const std::int64_t> kth,
                                  const SortOptions& options) {
  const Shape shape = result_shape(x, options);
  const std::int64_t length = options.axis ? shape[normalize_axis(*options.axis, x.ndim())] : shape[0];
  std::vector<std::size_t> out;
  for (const std::int64_t at : kth) {
    if (at < -length || at >= length) {
      throw Error(Error::IndexBounds,
                  std::string(what) + ": kth = " + std::to_string(at) + " is outside an axis of length " +
                      std::to_string(length),
                  {{"kth", std::to_string(at)}, {"length", std::to_string(length)}});
    }
    out.push_back(static_cast<std::size_t>(at < 0 ? at + length : at));
  }
  if (options.stable) return {};  // all of it in order
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace
}  // namespace internal

Array sort(const Array& x) { return sort(x, {}); }
Array sort(const Array& x, const SortOptions& options) {
  return internal::with_scratch("sort", [&] { return internal::sorted_copy("sort", x, {}, options); });
}

void sort_in_place(const Array& x, const SortOptions& options) {
  internal::check_order("sort_in_place", x.dtype(), options.order);
  internal::check_threads(options.threads);
  if (options.out || !options.axis)
    throw Error(Error::Usage,
                "sort_in_place takes an axis and no out: it sorts the array itself; sort() makes another");
  static_cast<void>(internal::result_shape(x, options));
  if (!x.is_writable())
    throw Error(Error::ReadOnly, "sort_in_place: the array is read-only; sort() makes a sorted copy");
  internal::with_scratch("sort_in_place", [&] { internal::sort_into(x, x, {}, options); });
}

Array argsort(const Array& x) { return argsort(x, {}); }
Array argsort(const Array& x, const SortOptions& options) {
  return internal::with_scratch("argsort", [&] { return internal::arg_sort("argsort", x, {}, options); });
}

Array partition(const Array& x, std::span<const std::int64_t> kth, const SortOptions& options) {
  return internal::with_scratch("partition", [&] {
    return internal::sorted_copy("partition", x, internal::ranks_of("partition", x, kth, options), options);
  });
}
Array argpartition(const Array& x, std::span<const std::int64_t> kth, const SortOptions& options) {
  return internal::with_scratch("argpartition", [&] {
    return internal::arg_sort("argpartition", x, internal::ranks_of("argpartition", x, kth, options), options);
  });
}

Array lexsort(std::span<const Array> keys, const SortOptions& options) {
  if (keys.empty()) throw Error(Error::Usage, "lexsort needs at least one key");
  if (!options.order.empty()) throw Error(Error::Usage, "lexsort takes no order: give the fields as keys");
  for (const Array& key : keys) {
    if (key.shape() == keys[0].shape()) continue;
    throw Error(Error::ShapeMismatch, "lexsort: keys of shapes " + keys[0].shape().str() + " and " + key.shape().str() +
                                          ": give keys of one shape");
  }
  const Shape shape = internal::result_shape(keys[0], options);
  internal::check_positions("lexsort", keys[0], shape, options);
  std::vector<Array> moved;
  internal::KeyPlan plan;
  for (std::size_t i = keys.size(); i-- > 0;) {
    moved.push_back(internal::dense(internal::axis_last(keys[i], options.axis)));
    plan.add(moved.back().data(), moved.back().itemsize(), moved.back().dtype(), options.descending);
  }
  return internal::with_scratch("lexsort",
                                [&] { return internal::positions(plan, moved.front(), shape, {}, options); });
}

}  // namespace ndshare
