#include "lib/select/selector.h"

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/layout.h>

#include "lib/array/copies.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kTaskPositions = std::int64_t{64} << 10;

/// The first position outside [-length, length), or none; and whether there are negative ones.
struct Look {
  std::int64_t outside = std::numeric_limits<std::int64_t>::max();  ///< its flat index
  bool negative = false;
};

Look look_at(const std::int64_t* positions, std::int64_t n, std::int64_t length) {
  std::atomic<std::int64_t> outside{std::numeric_limits<std::int64_t>::max()};
  std::atomic<bool> negative{false};
  parallel_blocks(static_cast<std::size_t>((n + kTaskPositions - 1) / kTaskPositions), 0, [&](std::size_t task) {
    const std::int64_t low = static_cast<std::int64_t>(task) * kTaskPositions, high = std::min(n, low + kTaskPositions);
    std::int64_t least = 0, most = -1;
    for (std::int64_t i = low; i < high; ++i) least = std::min(least, positions[i]), most = std::max(most, positions[i]);
    if (least < 0) negative.store(true, std::memory_order_relaxed);  // read after the loop's end, which orders it
    if (least >= -length && most < length) return;
    const auto* bad = std::find_if(positions + low, positions + high, [&](std::int64_t at) { return at < -length || at >= length; });
    std::int64_t seen = outside.load(std::memory_order_relaxed);
    while (bad - positions < seen && !outside.compare_exchange_weak(seen, bad - positions, std::memory_order_relaxed)) {
    }
  });
  return {outside.load(), negative.load()};
}

[[noreturn]] void fail_bounds(const std::string& position, std::int64_t length, int axis) {
  throw Error(Error::IndexBounds,
              "index " + position + " is out of bounds for axis " + std::to_string(axis) + " with length " + std::to_string(length),
              {{"index", position}, {"axis", std::to_string(axis)}, {"length", std::to_string(length)}});
}

Array as_int64(const Array& positions, std::int64_t length, int axis) {
  if (!positions.dtype().is_integer()) {
    throw Error(Error::DtypeMismatch, "axis " + std::to_string(axis) + " is indexed by an array of " + positions.dtype().to_string() +
                                          ": positions are integers, masks bool");
  }
  // uint64 beyond int64 would wrap to positions that exist.
  if (positions.dtype() == uint64) {
    const Array flat = positions.copy();
    for (const std::uint64_t at : flat.as_span<const std::uint64_t>()) {
      if (at > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        fail_bounds(std::to_string(at), length, axis);
      }
    }
    return astype(flat, int64, {.casting = Casting::unsafe});
  }
  const Array wide = astype(positions, int64, {.copy = false});
  return wide.is_c_contiguous() && wide.is_aligned() ? wide : wide.copy();
}

bool is_ellipsis(const Selector& entry) {
  const auto* index = std::get_if<Index>(&entry.value());
  return index != nullptr && std::holds_alternative<EllipsisIndex>(index->value());
}

/// Positions are spread out to an int64 each: not for a result that no limit allows.
void check_positions_memory(const Array& x, std::span<const Selector> index) {
  std::vector<Shape> shapes;
  for (const Selector& entry : index) {
    const auto* array = std::get_if<Array>(&entry.value());
    if (array != nullptr && !array->dtype().is_bool()) shapes.push_back(array->shape());
  }
  if (!shapes.empty()) check_result_memory("selection", broadcast_shapes(shapes), x.itemsize(), {});
}

/// The entries of an index, sorted: a basic index over x's axes, and what picks from which axis of its result.
class Resolver {
 public:
  Resolver(const Array& x, std::span<const Selector> index) : x_(x), index_(index) {
    for (const Selector& entry : index) used_ += consumed(entry);
    if (used_ > x.ndim()) {
      throw Error(Error::IndexSyntax, "an index for " + std::to_string(used_) + " axes, the array has " + std::to_string(x.ndim()) +
                                          " (shape " + x.shape().str() + ")");
    }
    if (std::count_if(index.begin(), index.end(), is_ellipsis) > 1) {
      throw Error(Error::IndexSyntax, "an index with two ellipses: only one '...' can be worked out");
    }
    check_positions_memory(x, index);
  }

  Selection run() {
    const bool any = std::any_of(index_.begin(), index_.end(),
                                 [](const Selector& entry) { return std::holds_alternative<Array>(entry.value()); });
    for (const Selector& entry : index_) add(entry, any);
    Selection out{x_.view(basic_), std::move(picks_), {}, 0, false};
    if (!any) return out;
    finish(out);
    return out;
  }

 private:
  static int consumed(const Selector& entry) {
    if (const auto* array = std::get_if<Array>(&entry.value())) return array->dtype().is_bool() ? array->ndim() : 1;
    const auto& value = std::get<Index>(entry.value()).value();
    return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<Slice>(value) ? 1 : 0;
  }

  void add(const Selector& entry, bool any) {
    if (const auto* array = std::get_if<Array>(&entry.value())) {
      array->dtype().is_bool() ? add_mask(*array) : add_positions(*array);
      return;
    }
    const Index& index = std::get<Index>(entry.value());
    const auto* position = std::get_if<std::int64_t>(&index.value());
    if (position != nullptr && any) return add_positions(scalar_array(*position, int64));
    basic_.push_back(index);
    if (std::holds_alternative<EllipsisIndex>(index.value())) {
      axis_ += x_.ndim() - used_, made_ += x_.ndim() - used_;
    } else {
      axis_ += consumed(entry), made_ += position == nullptr ? 1 : 0;
    }
    if (seen_) gap_ = true;
  }

  void add_positions(const Array& positions) {
    note_place();
    picks_.push_back({made_++, checked_positions(positions, x_.shape()[axis_], axis_)});
    basic_.push_back(all);
    ++axis_, ++others_;
  }

  void add_mask(const Array& mask) {
    note_place();
    for (int i = 0; i < mask.ndim(); ++i) {
      if (mask.shape()[i] == x_.shape()[axis_ + i]) continue;
      throw Error(Error::ShapeMismatch, "a mask of shape " + mask.shape().str() + " over the array's axes from " + std::to_string(axis_) +
                                            " on (shape " + x_.shape().str() + "): axis " + std::to_string(axis_ + i) + " has length " +
                                            std::to_string(x_.shape()[axis_ + i]) + ", the mask " + std::to_string(mask.shape()[i]));
    }
    ++others_, ++masks_;
    if (mask.ndim() == 0) {  // a truth alone: a new axis of length 1 or 0
      basic_.push_back(newaxis);
      picks_.push_back({made_++, zeros({mask.item<bool>() ? 1 : 0}, int64)});
      return;
    }
    for (const Array& positions : nonzero(mask)) {
      picks_.push_back({made_++, positions});
      basic_.push_back(all);
      ++axis_;
    }
  }

  void note_place() {
    if (!seen_) first_ = made_;
    if (gap_) split_ = true;
    seen_ = true;
  }

  /// Broadcasts the positions; those without axes become part of the view.
  void finish(Selection& out) const {
    std::vector<Shape> shapes;
    for (const Pick& pick : out.picks) shapes.push_back(pick.positions.shape());
    out.shape = broadcast_shapes(shapes);
    out.place = split_ ? 0 : first_;
    out.unique = masks_ == 1 && others_ == 1;
    std::vector<Index> fixed(static_cast<std::size_t>(out.base.ndim()), all);
    std::vector<Pick> rest;
    int dropped = 0;
    for (Pick& pick : out.picks) {
      if (pick.positions.ndim() == 0 && pick.positions.shape() != out.shape) {
        fixed[static_cast<std::size_t>(pick.axis)] = pick.positions.item<std::int64_t>();
        ++dropped;
        continue;
      }
      if (pick.positions.shape() != out.shape) pick.positions = pick.positions.broadcast_to(out.shape).copy();
      rest.push_back({pick.axis - dropped, pick.positions});
    }
    out.base = out.base.view(fixed);
    out.picks = std::move(rest);
  }

  const Array& x_;
  std::span<const Selector> index_;
  int used_ = 0, axis_ = 0, made_ = 0;       // axes that entries take; the next of x, and of the view
  int first_ = 0, others_ = 0, masks_ = 0;   // where picks begin; their entries, and masks among them
  bool seen_ = false, gap_ = false, split_ = false;
  std::vector<Index> basic_;
  std::vector<Pick> picks_;
};

}  // namespace

Shape Selection::result_shape() const {
  Shape out;
  int seen = 0;
  bool placed = picks.empty();
  const auto picked = [&](int axis) {
    return std::any_of(picks.begin(), picks.end(), [&](const Pick& pick) { return pick.axis == axis; });
  };
  const auto put = [&] {
    if (seen != place || placed) return;
    placed = true;
    for (const std::int64_t length : shape) out.push_back(length);
  };
  put();
  for (int axis = 0; axis < base.ndim(); ++axis) {
    if (picked(axis)) continue;
    out.push_back(base.shape()[axis]);
    ++seen;
    put();
  }
  return out;
}

Array checked_positions(const Array& positions, std::int64_t length, int axis) {
  const Array wide = as_int64(positions, length, axis);
  const auto* values = reinterpret_cast<const std::int64_t*>(wide.data());
  const Look look = look_at(values, wide.size(), length);
  if (look.outside < wide.size()) fail_bounds(std::to_string(values[look.outside]), length, axis);
  if (!look.negative) return wide;
  const Array out = empty(wide.shape(), int64);
  auto* to = out.as_span<std::int64_t>().data();
  std::transform(values, values + wide.size(), to, [&](std::int64_t at) { return at < 0 ? at + length : at; });
  return out;
}

Selection resolve(const Array& x, std::span<const Selector> index) { return Resolver(x, index).run(); }

Selection pick_axis(const Array& x, int axis, const Array& positions) {
  Selection out{x, {}, positions.shape(), axis, false};
  out.picks.push_back({axis, checked_positions(positions, x.shape()[axis], axis)});
  return out;
}

Array gathered(std::string_view what, const Selection& from) {
  const Shape shape = from.result_shape();
  check_result_memory(what, shape, from.base.itemsize(), {});
  note_copy(CopyReason::selected, shape.nbytes(from.base.itemsize()));
  const Array out = empty(shape, from.base.dtype());
  if (out.size() != 0) gather(from, out.mutable_data());
  return out;
}

}  // namespace ndshare::internal
