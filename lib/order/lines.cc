#include "lib/order/lines.h"

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/array/copies.h"

#include <string>

namespace ndshare::internal {

Array axis_last(const Array& x, const std::optional<std::int64_t>& axis) {
  if (!axis) return x;
  const std::int64_t from = normalize_axis(*axis, x.ndim()), to = x.ndim() - 1;
  return from == to ? x : x.with_layout(moveaxis(x.layout(), std::span(&from, 1), std::span(&to, 1)));
}

Array dense_copy(const Array& x, const Shape& shape) {
  Array out = empty(shape, x.dtype());
  note_copy(CopyReason::ordered, out.nbytes());
  copy_elements(out.with_layout(Layout::contiguous(x.shape(), x.itemsize())), x);
  return out;
}

Lines lines_of(const Array& x, bool flat) {
  if (x.size() == 0) return {};
  const std::int64_t length = flat ? x.size() : x.shape().back();
  return {static_cast<std::size_t>(x.size() / length), static_cast<std::size_t>(length)};
}

}  // namespace ndshare::internal
