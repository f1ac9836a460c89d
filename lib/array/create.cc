#include <ndshare/create.h>

#include "lib/array/copies.h"
#include "lib/array/dtype_record.h"
#include "lib/array/element.h"
#include "lib/array/strided.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace ndshare {

namespace {

Array make(const Shape& shape, const DType& dtype, Order order, bool zeroed) {
  const Layout layout = Layout::contiguous(shape, dtype.itemsize(), order);
  return {dtype, layout, make_heap_buffer(shape.nbytes(dtype.itemsize()), zeroed), true};
}

Strides zero_strides(const Shape& shape) {
  Strides strides(shape);
  std::fill(strides.begin(), strides.end(), 0);
  return strides;
}

// dst[...] = one item.
void spread(const Array& dst, const std::byte* item) {
  internal::copy_strided(dst.mutable_data(), dst.strides(), item, zero_strides(dst.shape()), dst.shape(), dst.dtype());
}

DType default_of_kind(char kind) {
  switch (kind) {
    case 'b':
      return bool_;
    case 'i':
      return int64;
    case 'f':
      return float64;
    case 'c':
      return complex128;
    default:
      throw Error(ErrorCode::DtypeMismatch, "text needs its dtype named: array({...}, DType::str(10))");
  }
}

template <class Values>
char highest_kind(const Values& values, char kind) {
  constexpr std::string_view kOrder = "bifcU";
  for (const Scalar& value : values) {
    if (kOrder.find(value.kind()) > kOrder.find(kind)) kind = value.kind();
  }
  return kind;
}

// NumPy: an empty list is float64, else the highest kind decides.
DType inferred(char kind, bool any) { return any ? default_of_kind(kind) : float64; }

}  // namespace

Array empty(const Shape& shape, const DType& dtype, Order order) { return make(shape, dtype, order, false); }

Array zeros(const Shape& shape, const DType& dtype, Order order) { return make(shape, dtype, order, true); }

Array ones(const Shape& shape, const DType& dtype) {
  if (!dtype.is_numeric()) {
    throw Error(ErrorCode::DtypeMismatch, "no ones of dtype " + dtype.to_string() + ": use zeros or full");
  }
  return dtype.is_bool() ? full(shape, true, dtype) : full(shape, 1, dtype);
}

Array full(const Shape& shape, const Scalar& value, const DType& dtype) {
  Array result = empty(shape, dtype);
  fill(result, value);
  return result;
}

void fill(const Array& dst, const Scalar& value) {
  std::byte* const target = dst.mutable_data();
  std::vector<std::byte> item(static_cast<std::size_t>(dst.itemsize()));
  internal::store_scalar(item.data(), dst.dtype(), value);
  const bool same_bytes = std::all_of(item.begin(), item.end(), [&](std::byte b) { return b == item[0]; });
  if (same_bytes && dst.is_c_contiguous()) {
    if (dst.size() > 0) std::memset(target, std::to_integer<int>(item[0]), static_cast<std::size_t>(dst.nbytes()));
    return;
  }
  spread(dst, item.data());
}

void copyto(const Array& dst, const Array& src) {
  static_cast<void>(dst.mutable_data());  // throws where it is read-only
  if (dst.dtype() != src.dtype()) {
    throw Error(ErrorCode::DtypeMismatch, "copyto from " + src.dtype().to_string() + " to " + dst.dtype().to_string() +
                                              ": the dtypes must be the same, convert the source first");
  }
  // Outer axes of length 1 fall away, as in NumPy's assignment.
  Layout given = src.layout();
  while (given.ndim() > dst.ndim() && given.shape[0] == 1) {
    given.shape.erase(0);
    given.strides.erase(0);
  }
  const Layout from = broadcast_to(given, dst.shape());
  if (!may_share_memory(dst, src)) {
    internal::copy_elements(dst, src.with_layout(from));
    return;
  }
  if (dst.origin() == src.origin() && dst.strides() == from.strides) return;  // onto itself
  const Array stage = src.with_layout(given).copy();
  internal::copy_elements(dst, stage.with_layout(broadcast_to(stage.layout(), dst.shape())));
}

bool array_equal(const Array& a, const Array& b, bool equal_nan) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const DType& dtype = a.dtype();
  const bool bytes_decide = dtype.is_integer() || dtype.is_text();
  if (bytes_decide && a.is_c_contiguous() && b.is_c_contiguous()) {
    return a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.nbytes())) == 0;
  }
  return internal::visit_pairs(
      a.data(), a.strides(), b.data(), b.strides(), a.shape(),
      [&](const std::byte* x, const std::byte* y) { return internal::elements_equal(x, y, dtype, equal_nan); });
}

namespace {

void store_list(const Array& dst, std::int64_t row, std::initializer_list<Scalar> values) {
  std::byte* item = dst.mutable_data() + (dst.ndim() == 2 ? row * dst.strides()[0] : 0);
  for (const Scalar& value : values) {
    internal::store_scalar(item, dst.dtype(), value);
    item += dst.itemsize();
  }
}

}  // namespace

Array array(std::initializer_list<Scalar> values) {
  return array(values, inferred(highest_kind(values, 'b'), values.size() > 0));
}

Array array(std::initializer_list<Scalar> values, const DType& dtype) {
  Array result = zeros({static_cast<std::int64_t>(values.size())}, dtype);
  store_list(result, 0, values);
  return result;
}

Array array(std::initializer_list<std::initializer_list<Scalar>> rows) {
  char kind = 'b';
  bool any = false;
  for (const auto& row : rows) {
    kind = highest_kind(row, kind);
    any = any || row.size() > 0;
  }
  return array(rows, inferred(kind, any));
}

Array array(std::initializer_list<std::initializer_list<Scalar>> rows, const DType& dtype) {
  const std::size_t width = rows.size() == 0 ? 0 : rows.begin()->size();
  Array result = zeros({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(width)}, dtype);
  std::int64_t at = 0;
  for (const auto& row : rows) {
    if (row.size() != width) {
      throw Error(ErrorCode::ShapeMismatch, "row " + std::to_string(at) + " has " + std::to_string(row.size()) +
                                                " values, row 0 has " + std::to_string(width) +
                                                ": rows must be equally long");
    }
    store_list(result, at++, row);
  }
  return result;
}

Array scalar_array(const Scalar& value, const DType& dtype) { return full({}, value, dtype); }

namespace {

std::int64_t steps(double start, double stop, double step) {
  const double count = std::ceil((stop - start) / step);
  if (!std::isfinite(start) || !std::isfinite(step) || step == 0 || std::isnan(count)) {
    throw Error(ErrorCode::Usage, "arange needs finite numbers and a step that is not 0");
  }
  if (count > 9.2e18) throw Error(ErrorCode::Shape, "arange of more than 2^63-1 elements: use a larger step");
  return count <= 0 ? 0 : static_cast<std::int64_t>(count);
}

std::int64_t steps(std::int64_t start, std::int64_t stop, std::int64_t step) {
  if (step == 0) throw Error(ErrorCode::Usage, "arange needs a step that is not 0");
  if (step > 0 ? stop <= start : stop >= start) return 0;
  // Unsigned: the distance of two int64 takes 64 bits.
  const auto low = static_cast<std::uint64_t>(step > 0 ? start : stop);
  const auto high = static_cast<std::uint64_t>(step > 0 ? stop : start);
  const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = (high - low) / stride + ((high - low) % stride != 0 ? 1 : 0);
  return static_cast<std::int64_t>(std::min<std::uint64_t>(count, INT64_MAX));
}

bool is_integral(const Scalar& value) { return value.kind() == 'i' || value.kind() == 'b'; }

}  // namespace

Array arange(const Scalar& start, const Scalar& stop, const Scalar& step, const DType& dtype) {
  const bool integral = is_integral(start) && is_integral(stop) && is_integral(step);
  if (!dtype.is_numeric() || dtype.is_bool() || (!integral && dtype.is_integer())) {
    throw Error(ErrorCode::DtypeMismatch, "arange of dtype " + dtype.to_string() + " from " +
                                              (integral ? "integers" : "real numbers") +
                                              ": use an integer or real dtype that holds them");
  }
  const std::int64_t count = integral
                                 ? steps(start.as<std::int64_t>(), stop.as<std::int64_t>(), step.as<std::int64_t>())
                                 : steps(start.as<double>(), stop.as<double>(), step.as<double>());
  Array result = empty({count}, dtype);
  std::byte* item = result.mutable_data();
  if (integral) {
    // Unsigned: every element fits int64, its distance from the first need not.
    const auto first = static_cast<std::uint64_t>(start.as<std::int64_t>());
    const auto by = static_cast<std::uint64_t>(step.as<std::int64_t>());
    for (std::int64_t i = 0; i < count; ++i, item += result.itemsize()) {
      internal::store_scalar(item, dtype,
                             Scalar(static_cast<std::int64_t>(first + static_cast<std::uint64_t>(i) * by)));
    }
    return result;
  }
  const auto first = start.as<double>();
  const auto by = step.as<double>();
  for (std::int64_t i = 0; i < count; ++i, item += result.itemsize()) {
    internal::store_scalar(item, dtype, Scalar(first + static_cast<double>(i) * by));
  }
  return result;
}

Array arange(const Scalar& start, const Scalar& stop, const Scalar& step) {
  const bool integral = is_integral(start) && is_integral(stop) && is_integral(step);
  return arange(start, stop, step, integral ? int64 : float64);
}

Array arange(const Scalar& stop) { return is_integral(stop) ? arange(0, stop, 1) : arange(0.0, stop, 1.0); }

}  // namespace ndshare
