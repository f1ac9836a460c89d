// take, put and their kin: positions along one axis.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/lazy.h>
#include <ndshare/select.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/promotion.h"
#include "lib/select/selector.h"

#include <algorithm>
#include <string>

namespace ndshare {
namespace internal {
namespace {

/// Before positions are spread out to an int64 each.
void check_taken_memory(const Array& x, int axis, const Array& indices) {
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.push_back(x.shape()[i]);
  for (const std::int64_t length : indices.shape()) shape.push_back(length);
  for (int i = axis + 1; i < x.ndim(); ++i) shape.push_back(x.shape()[i]);
  check_result_memory("take", shape, x.itemsize(), {});
}

/// Positions as `mode` reads them: inside the axis, whatever they were.
Array moded(const Array& indices, std::int64_t length, TakeMode mode, int axis) {
  if (mode == TakeMode::raise) return indices;
  if (!indices.dtype().is_integer()) {
    throw Error(Error::DtypeMismatch, "positions are integers, not " + indices.dtype().to_string());
  }
  if (length == 0 && indices.size() != 0) {
    throw Error(Error::IndexBounds, "nothing can be taken from axis " + std::to_string(axis) + ": it has length 0");
  }
  if (length == 0) return indices;
  if (mode == TakeMode::wrap) return remainder(indices.dtype() == uint64 ? indices : astype(indices, int64), Scalar(length));
  if (indices.dtype() == uint64) return astype(minimum(indices, Scalar(length - 1)), int64, {.casting = Casting::unsafe});
  return minimum(maximum(astype(indices, int64), Scalar(0)), Scalar(length - 1));
}

Array taken(std::string_view what, const Selection& from, const std::optional<Array>& out) {
  if (!out) return gathered(what, from);
  const Shape shape = from.result_shape();
  check_same_out(what, *out, shape, from.base.dtype());
  const bool apart = !may_share_memory(*out, from.base) &&
                     std::none_of(from.picks.begin(), from.picks.end(), [&](const Pick& pick) { return may_share_memory(*out, pick.positions); });
  if (!apart) note_copy(CopyReason::overlap, shape.nbytes(from.base.itemsize()));
  if (!apart || !out->is_c_contiguous()) {
    copyto(*out, gathered(what, from));
  } else if (shape.count() != 0) {
    note_copy(CopyReason::selected, shape.nbytes(from.base.itemsize()));
    gather(from, out->mutable_data());
  }
  return *out;
}

/// Of one position for each line along an axis: an index array for each axis. The other axes broadcast; those of x by position 0,
/// so that it may be written.
Selection along(std::string_view what, const Array& x, const Array& indices, std::int64_t axis) {
  const int at = normalize_axis(axis, x.ndim());
  if (indices.ndim() != x.ndim()) {
    throw Error(Error::ShapeMismatch, "positions along an axis have as many axes as the array: " + indices.shape().str() + " for " +
                                          x.shape().str());
  }
  Shape lines = x.shape(), others = indices.shape();
  lines[at] = 1, others[at] = 1;
  Selection out{x, {}, broadcast_shapes(lines, others), 0, false};
  out.shape[at] = indices.shape()[at];
  check_result_memory(what, out.shape, x.itemsize(), {});
  for (int other = 0; other < x.ndim(); ++other) {
    Shape line;
    for (int i = 0; i < x.ndim(); ++i) line.push_back(i == other ? x.shape()[i] : 1);
    const Array positions = other == at ? checked_positions(indices, x.shape()[at], at) : arange(x.shape()[other]).reshape(line);
    out.picks.push_back({other, positions.shape() == out.shape ? positions : positions.broadcast_to(out.shape).copy()});
  }
  return out;
}

/// The dtype that holds every choice: of all of them at once, so that their order does not matter.
DType choice_dtype(std::span<const Operand> choices, const Operand& otherwise) {
  std::vector<Operand> all(choices.begin(), choices.end());
  all.push_back(otherwise);
  std::vector<TypeId> strong;
  for (const Operand& operand : all) {
    if (!operand.array()) continue;
    require_numeric("select", operand.array()->dtype());
    strong.push_back(operand.array()->dtype().id());
  }
  TypeId result = strong.empty() ? TypeId::bool_ : result_type(strong);
  for (const Operand& operand : all) {
    if (operand.number()) result = result_type(result, weak_type(*operand.number(), result));
  }
  return DType(result);
}

}  // namespace
}  // namespace internal

Array take(const Array& x, const Array& indices, const TakeOptions& options) {
  if (!options.axis && x.ndim() != 1) {
    TakeOptions flat = options;
    flat.axis = 0;
    return take(x.reshape({-1}), indices, flat);
  }
  const int axis = normalize_axis(options.axis.value_or(0), x.ndim());
  if (!options.out) internal::check_taken_memory(x, axis, indices);
  const Array positions = internal::moded(indices, x.shape()[axis], options.mode, axis);
  return internal::taken("take", internal::pick_axis(x, axis, positions), options.out);
}

void put(const Array& x, const Array& indices, const Operand& values, const TakeOptions& options) {
  if (options.axis || options.out) throw Error(Error::Usage, "put writes x flattened: it takes no axis and no out (put_along_axis takes an axis)");
  if (x.ndim() == 0) return put(x.reshape({1}, Copy::never), indices, values, options);
  const Array flat = indices.reshape({-1});
  const Array positions = internal::checked_positions(internal::moded(flat, x.size(), options.mode, 0), x.size(), 0);
  if (positions.size() == 0) return;
  std::optional<Array> given = values.array();
  if (given && given->size() == 0) throw Error(Error::Usage, "put needs a value at least");
  if (given && given->size() != 1 && given->size() != positions.size()) {
    given = take(given->reshape({-1}), remainder(arange(positions.size()), Scalar(given->size())));
  }
  const Operand each = !given ? values : Operand(given->reshape(given->size() == 1 ? Shape{} : Shape{positions.size()}));
  std::vector<Selector> index;
  Array rest = positions;  // one index array for each axis: x need not be flat in memory
  for (int axis = x.ndim() - 1; axis > 0; --axis) {
    index.emplace(index.begin(), remainder(rest, Scalar(x.shape()[axis])));
    rest = floor_divide(rest, Scalar(x.shape()[axis]));
  }
  index.emplace(index.begin(), rest);
  assign(x, index, each);
}

Array take_along_axis(const Array& x, const Array& indices, std::int64_t axis) {
  constexpr std::string_view kWhat = "take_along_axis";
  return internal::gathered(kWhat, internal::along(kWhat, x, indices, axis));
}

void put_along_axis(const Array& x, const Array& indices, const Operand& values, std::int64_t axis) {
  std::vector<Selector> index;
  for (const internal::Pick& pick : internal::along("put_along_axis", x, indices, axis).picks) index.emplace_back(pick.positions);
  assign(x, index, values);
}

Array compress(const Array& condition, const Array& x, const TakeOptions& options) {
  if (condition.ndim() != 1) {
    throw Error(Error::ShapeMismatch, "compress: the condition has one axis, not shape " + condition.shape().str());
  }
  const std::int64_t length = options.axis ? x.shape(*options.axis) : x.size();
  if (condition.size() > length) {
    throw Error(Error::ShapeMismatch, "compress: a condition of length " + std::to_string(condition.size()) + " for " +
                                          std::to_string(length) + " slices of an array of shape " + x.shape().str());
  }
  TakeOptions how = options;
  how.mode = TakeMode::raise;
  return take(x, nonzero(condition).front(), how);
}

Array select(std::span<const Array> conditions, std::span<const Operand> choices, const Operand& otherwise, const OpOptions& options) {
  if (conditions.empty() || conditions.size() != choices.size()) {
    throw Error(Error::Usage, "select takes a choice for each condition, at least one: " + std::to_string(conditions.size()) +
                                  " conditions, " + std::to_string(choices.size()) + " choices");
  }
  const DType dtype = internal::choice_dtype(choices, otherwise);
  const auto lazily = [&](const Operand& operand) {
    return operand.array() ? Lazy(*operand.array()).astype(dtype) : Lazy(scalar_array(*operand.number(), dtype));
  };
  Lazy out = lazily(otherwise);
  for (std::size_t i = conditions.size(); i-- > 0;) {
    if (!conditions[i].dtype().is_bool()) {
      throw Error(Error::DtypeMismatch, "select: condition " + std::to_string(i) + " is of " + conditions[i].dtype().to_string() +
                                            ", not bool: compare it with 0");
    }
    out = where(Lazy(conditions[i]), lazily(choices[i]), out);
  }
  return out.eval(options);
}

}  // namespace ndshare
