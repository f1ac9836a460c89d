// Reading and writing by an index of any kind: the public face of selections.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/select.h>

#include "lib/array/copies.h"
#include "lib/exec/promotion.h"
#include "lib/select/masked.h"
#include "lib/select/selector.h"

#include <algorithm>

namespace ndshare {
namespace internal {
namespace {

Array value_for(const Array& x, const Operand& value) {
  if (value.number()) {
    const Array out = empty({}, x.dtype());
    fill(out, *value.number());
    return out;
  }
  const Array& array = *value.array();
  if (array.dtype() == x.dtype()) return array;
  if (x.dtype().is_numeric() && array.dtype().is_numeric()) return astype(array, x.dtype());
  throw Error(Error::DtypeMismatch,
              "an array of " + array.dtype().to_string() + " cannot be written into one of " + x.dtype().to_string());
}

void require_writable(const Array& x) {
  if (!x.is_writable()) {
    throw Error(Error::ReadOnly, "the array is read-only: shared arrays are written through write() and update() guards, others as a copy()");
  }
}

/// The value in one piece of the selection's shape, apart from x; one element as it is.
Array packed_value(const Array& x, Array value, const Shape& shape) {
  while (value.ndim() > shape.ndim() && value.shape()[0] == 1) value = value(0);  // as NumPy: leading axes of length 1 do not count
  static_cast<void>(broadcast_to(value.layout(), shape));  // fails before anything is copied
  const bool apart = !may_share_memory(x, value);
  if (value.size() == 1) return apart ? value : value.copy();
  if (value.shape() == shape && value.is_c_contiguous() && apart) return value;
  return value.broadcast_to(shape).copy();
}

void write_selection(Selection to, const Array& value) {
  const Shape shape = to.result_shape();
  const Array values = packed_value(to.base, value, shape);
  for (Pick& pick : to.picks) {
    if (may_share_memory(pick.positions, to.base)) pick.positions = pick.positions.copy();
  }
  note_copy(CopyReason::assigned, shape.nbytes(to.base.itemsize()));
  if (shape.count() != 0) scatter(to, values.data(), values.size() == 1 ? 0 : 1);
}

bool picks_any(std::span<const Selector> index) {
  return std::any_of(index.begin(), index.end(), [](const Selector& entry) { return std::holds_alternative<Array>(entry.value()); });
}

}  // namespace
}  // namespace internal

Array Array::select(std::span<const Selector> index) const {
  using internal::is_row_mask;
  if (index.size() == 1) {
    const auto* mask = std::get_if<Array>(&index.front().value());
    if (mask != nullptr && is_row_mask(*this, *mask)) return internal::masked_rows(*this, *mask);
  }
  const internal::Selection chosen = internal::resolve(*this, index);
  return internal::picks_any(index) ? internal::gathered("selection", chosen) : chosen.base;
}
Array Array::operator[](std::initializer_list<Selector> index) const { return select({index.begin(), index.size()}); }
Array Array::operator[](const Array& index) const {
  const Selector only(index);
  return select({&only, 1});
}

void assign(const Array& x, std::span<const Selector> index, const Operand& value) {
  internal::require_writable(x);
  const Array typed = internal::value_for(x, value);
  if (index.size() == 1 && typed.size() == 1 && x.dtype().is_numeric()) {
    const auto* mask = std::get_if<Array>(&index.front().value());
    const bool whole = mask != nullptr && mask->dtype().is_bool() && mask->ndim() > 0 && mask->ndim() <= x.ndim() &&
                       std::equal(mask->shape().begin(), mask->shape().end(), x.shape().begin());
    if (whole) {
      const bool apart = !may_share_memory(x, *mask) && !may_share_memory(x, typed);
      const Array number = typed.reshape(Shape{});
      return internal::fill_masked(x, apart ? *mask : mask->copy(), apart ? number : number.copy());
    }
  }
  const internal::Selection chosen = internal::resolve(x, index);
  if (internal::picks_any(index)) return internal::write_selection(chosen, typed);
  copyto(chosen.base, typed);
  internal::note_copy(CopyReason::assigned, chosen.base.nbytes());
}

}  // namespace ndshare
