// Comparisons of text and times for expressions: what the kernels, which know numbers, do not do.
#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/array/datetime.h"
#include "lib/array/element.h"
#include "lib/array/strided.h"
#include "lib/array/text.h"
#include "lib/expr/interpret.h"

#include <algorithm>
#include <cstring>

namespace ndshare::internal {
namespace {

/// −1, 0, 1 by code points; NULs at the end do not count.
int order_bytes(const std::byte* a, std::int64_t a_length, const std::byte* b, std::int64_t b_length) {
  const std::string_view left = read_bytes(a, a_length), right = read_bytes(b, b_length);
  const int order = left.compare(right);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}
int order_str(const std::byte* a, std::int64_t a_length, const std::byte* b, std::int64_t b_length) {
  for (std::int64_t i = 0; i < std::max(a_length, b_length); i += 4) {
    const auto left = i < a_length ? load_lane<std::uint32_t>(a + i) : 0,
               right = i < b_length ? load_lane<std::uint32_t>(b + i) : 0;
    if (left != right) return left < right ? -1 : 1;
  }
  return 0;
}

bool holds(std::string_view op, int order) {
  if (op == "==") return order == 0;
  if (op == "!=") return order != 0;
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  return op == ">" ? order > 0 : order >= 0;
}

}  // namespace

Array compare_text(std::string_view op, const Array& a, const Array& b) {
  if (a.dtype().id() != b.dtype().id()) {
    throw Error(Error::DtypeMismatch,
                a.dtype().name() + " and " + b.dtype().name() + " do not compare: bytes with bytes, text with text");
  }
  const Shape shape = broadcast_shapes(a.shape(), b.shape());
  const Array left = a.broadcast_to(shape), right = b.broadcast_to(shape);
  const Array out = empty(shape, bool_);
  const auto order = a.dtype().id() == TypeId::bytes ? order_bytes : order_str;
  const bool outcome[] = {holds(op, -1), holds(op, 0), holds(op, 1)};
  bool* to = out.as_span<bool>().data();
  visit_pairs(left.data(), left.strides(), right.data(), right.strides(), shape,
              [&](const std::byte* x, const std::byte* y) {
                *to++ = outcome[order(x, a.itemsize(), y, b.itemsize()) + 1];
                return true;
              });
  return out;
}

/// NaT is before and after nothing, and differs from itself.
Lazy compare_times(std::string_view op, const Array& a, const Array& b) {
  if (a.dtype() != b.dtype()) {
    throw Error(Error::DtypeMismatch,
                a.dtype().name() + " and " + b.dtype().name() + " do not compare: only the same unit does");
  }
  const Lazy left(a.view_as(int64)), right(b.view_as(int64));
  const Lazy missing = logical_or(equal(left, kNat), equal(right, kNat));
  const Lazy counts = apply_operator(op, left, right);
  return op == "!=" ? logical_or(counts, missing) : logical_and(counts, logical_not(missing));
}

Array text_like(const std::string& text, const DType& like) {
  if (!like.is_text()) return scalar_array(Scalar(text), like);
  const auto code_points = std::max<std::size_t>(1, like.id() == TypeId::bytes ? text.size() : utf8_length(text));
  return scalar_array(Scalar(text),
                      DType::parse((like.id() == TypeId::bytes ? "S" : "U") + std::to_string(code_points)));
}

}  // namespace ndshare::internal
