#include "lib/exec/text_and_time.h"

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/array/datetime.h"
#include "lib/array/element.h"
#include "lib/array/strided.h"
#include "lib/array/text.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/promotion.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ndshare {
namespace internal {
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

bool holds(BinaryOp op, int order) {
  switch (op) {
    case BinaryOp::equal:
      return order == 0;
    case BinaryOp::not_equal:
      return order != 0;
    case BinaryOp::less:
      return order < 0;
    case BinaryOp::less_equal:
      return order <= 0;
    case BinaryOp::greater:
      return order > 0;
    default:
      return order >= 0;
  }
}

Lazy applied(BinaryOp op, const Lazy& a, const Lazy& b) {
  return Lazy(std::make_shared<const LazyNode>(
      LazyNode{.kind = LazyNode::Kind::binary, .op = static_cast<std::uint8_t>(op), .in = {a.node(), b.node()}}));
}

Array run(std::string_view what, const Lazy& value, const OpOptions& options) {
  Program program;
  const ValueId id = compile(value, program);
  return evaluate(
      program, id,
      {.what = what, .out = options.out, .where = options.where, .fill = options.fill, .threads = options.threads});
}

/// A sum or difference of counts. Where one is NaT the other is not looked at: it cannot overflow.
Array run_times(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options) {
  const std::string_view what = info(op).name;
  const DType result = time_result(op, x1.dtype(), x2.dtype());
  OpOptions counts = options;
  if (options.out && options.out->dtype() != result) {
    throw Error(Error::DtypeMismatch, std::string(what) + ": the result is " + result.name() + ", out is " +
                                          options.out->dtype().name());
  }
  if (options.out) counts.out = options.out->view_as(int64);
  if (options.fill) counts.fill = scalar_array(*options.fill, result).view_as(int64).item<std::int64_t>();
  const Lazy a(x1.view_as(int64)), b(x2.view_as(int64)), missing = logical_or(equal(a, kNat), equal(b, kNat));
  const Array made = run(what, where(missing, kNat, applied(op, where(missing, 0, a), where(missing, 0, b))), counts);
  return options.out ? *options.out : made.view_as(result);
}

}  // namespace

Array compare_text(BinaryOp op, const Array& a, const Array& b) {
  if (a.dtype().id() != b.dtype().id()) {
    throw Error(Error::DtypeMismatch,
                a.dtype().name() + " and " + b.dtype().name() + " do not compare: bytes with bytes, text with text");
  }
  const Shape shape = broadcast_shapes(a.shape(), b.shape());
  check_ranks(info(op).name, shape, std::array{a.shape(), b.shape()});
  check_result_memory(info(op).name, shape, 1, std::array{a, b});
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

Lazy compare_times(BinaryOp op, const Array& a, const Array& b) {
  if (a.dtype() != b.dtype()) {
    throw Error(Error::DtypeMismatch,
                a.dtype().name() + " and " + b.dtype().name() + " do not compare: only the same unit does");
  }
  const Lazy left(a.view_as(int64)), right(b.view_as(int64));
  const Lazy missing = logical_or(equal(left, kNat), equal(right, kNat));
  const Lazy counts = applied(op, left, right);
  return op == BinaryOp::not_equal ? logical_or(counts, missing) : logical_and(counts, logical_not(missing));
}

Lazy is_nat(const Array& x) {
  if (!x.dtype().is_time()) {
    throw Error(Error::DtypeMismatch, "isnat takes times, not " + x.dtype().to_string() + ": isnan takes numbers");
  }
  return equal(Lazy(x.view_as(int64)), kNat);
}

DType time_result(BinaryOp op, const DType& a, const DType& b) {
  const bool a_date = a.id() == TypeId::datetime64, b_date = b.id() == TypeId::datetime64, minus = op == BinaryOp::subtract;
  const bool times = a.is_time() && b.is_time() && (minus || op == BinaryOp::add);
  if (!times || (minus ? !a_date && b_date : a_date && b_date)) {
    throw Error(Error::DtypeMismatch, std::string(info(op).name) + " has no loop for " + a.name() + " and " + b.name() +
                                          ": of times there are date ± span, span ± span, date − date, and comparisons");
  }
  if (a.unit() != b.unit() || a.unit_multiple() != b.unit_multiple()) {
    throw Error(Error::DtypeMismatch,
                std::string(info(op).name) + ": " + a.name() + " and " + b.name() + " have no unit in common");
  }
  if (a_date == b_date) return DType::timedelta64(a.unit(), a.unit_multiple());
  return a_date ? a : b;
}

Array text_like(const std::string& text, const DType& like) {
  if (!like.is_text()) return scalar_array(Scalar(text), like);
  const auto code_points = std::max<std::size_t>(1, like.id() == TypeId::bytes ? text.size() : utf8_length(text));
  return scalar_array(Scalar(text),
                      DType::parse((like.id() == TypeId::bytes ? "S" : "U") + std::to_string(code_points)));
}

Array run_text_or_time(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options) {
  const DType &a = x1.dtype(), &b = x2.dtype();
  const std::string_view what = info(op).name;
  for (const DType& dtype : {a, b}) {
    if (!dtype.is_text() && !dtype.is_time()) require_numeric(what, dtype);
  }
  if (a.is_numeric() || b.is_numeric()) {
    throw Error(Error::DtypeMismatch, std::string(what) + ": " + a.name() + " and " + b.name() +
                                          " do not go together: convert one, or take the counts with view_as(int64)");
  }
  check_threads(options.threads);
  if (is_comparison(op) && a.is_text() && b.is_text()) {
    const Array made = compare_text(op, x1, x2);
    return options.out || options.where ? run(what, made, options) : made;
  }
  if (is_comparison(op) && a.is_time() && b.is_time()) return run(what, compare_times(op, x1, x2), options);
  if (a.is_time() || b.is_time()) return run_times(op, x1, x2, options);
  throw Error(Error::DtypeMismatch, std::string(what) + " has no loop for " + a.name() + " and " + b.name() +
                                        ": text compares with text, and that is all");
}

Array text_or_time_like(BinaryOp op, const Scalar& value, const DType& like) {
  if (!like.is_text() && !like.is_time()) require_numeric(info(op).name, like);
  if (value.kind() == 'U') return text_like(value.as<std::string>(), like);
  throw Error(Error::DtypeMismatch, std::string(info(op).name) + ": " + like.name() + " goes with " +
                                        (like.is_text() ? "text" : "times and dates in quotes") + " only");
}

}  // namespace internal

Array isnat(const Array& x, const OpOptions& options) { return internal::run("isnat", internal::is_nat(x), options); }

}  // namespace ndshare
