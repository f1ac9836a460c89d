#include "tools/cli/difference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/errstate.h>
#include <ndshare/ops.h>
#include <ndshare/print.h>
#include <ndshare/reduce.h>
#include <ndshare/select.h>

namespace ndshare::cli {
namespace {

constexpr std::int64_t kBlockElements = 1 << 18;

/// The largest |a - b| so far: integers apart, since a double cannot hold all of theirs.
struct Largest {
  std::optional<std::uint64_t> whole;
  std::optional<double> real;

  void take(std::uint64_t value) { whole = std::max(whole.value_or(0), value); }
  void take(double value) {
    if (!std::isnan(value)) real = std::max(real.value_or(0), value);
  }
  [[nodiscard]] Json json() const {
    if (!whole && !real) return nullptr;
    if (real && (!whole || *real > static_cast<double>(*whole)))
      return std::isfinite(*real) ? Json(*real) : Json("inf");
    return *whole;
  }
};

/// Whether elements of the two dtypes can be compared at all.
bool can_compare(const DType& a, const DType& b) {
  if (a.is_structured() != b.is_structured()) return false;
  if (!a.is_structured()) {
    return a.is_numeric() == b.is_numeric() && a.is_text() == b.is_text() && (!a.is_time() || a == b) &&
           (!a.is_text() || a.kind() == b.kind());
  }
  if (a.fields().size() != b.fields().size()) return false;
  for (std::size_t i = 0; i < a.fields().size(); ++i) {
    const auto &x = a.fields()[i], &y = b.fields()[i];
    if (x.name != y.name || !(x.shape == y.shape) || !can_compare(x.dtype, y.dtype)) return false;
  }
  return true;
}

/// |a - b| of integers without a wider type: the larger minus the smaller fits into the unsigned one, whatever wraps on
/// the way.
void take_whole(const Array& a, const Array& b, Largest& largest) {
  const Array gap = subtract(maximum(a, b), minimum(a, b));
  if (gap.dtype().is_unsigned_integer()) return largest.take(max(gap).item<std::uint64_t>());
  const DType to = gap.itemsize() == 1 ? uint8 : gap.itemsize() == 2 ? uint16 : gap.itemsize() == 4 ? uint32 : uint64;
  largest.take(max(gap.view_as(to)).item<std::uint64_t>());
}

void take_gap(const Array& a, const Array& b, Largest& largest) {
  const DType &x = a.dtype(), &y = b.dtype();
  if (a.size() == 0 || x.is_text()) return;
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .under = Err::ignore, .invalid = Err::ignore};
  if (x.is_time()) {
    const Array there = ~logical_or(isnat(a), isnat(b));
    if (count_nonzero(there).item<std::int64_t>() == 0) return;
    const Array n = a.view_as(int64), m = b.view_as(int64);
    return take_whole(where(there, n, m), m, largest);
  }
  if (x.is_integer() && y.is_integer() &&
      !(x.is_unsigned_integer() != y.is_unsigned_integer() && std::max(x.itemsize(), y.itemsize()) == 8))
    return take_whole(a, b, largest);
  const bool complex = x.is_complex() || y.is_complex();
  const DType& wide = complex ? complex128 : float64;
  const Array gap = abs(subtract(astype(a, wide), astype(b, wide)));
  const Array known = ~isnan(gap);
  if (count_nonzero(known).item<std::int64_t>() == 0) return;
  largest.take(max(where(known, gap, 0.0)).item<double>());
}

/// Which elements differ, as a mask of `shape`: axes of sub-arrays, behind it, are put together.
Array differing(const Array& a, const Array& b, const Shape& shape, Largest& largest) {
  if (a.dtype().is_structured()) {
    Array mask = zeros(shape, bool_);
    for (const auto& field : a.dtype().fields())
      mask = logical_or(mask, differing(a[field.name], b[field.name], shape, largest));
    return mask;
  }
  Array mask = not_equal(a, b);
  if (a.dtype().is_floating() || a.dtype().is_complex() || b.dtype().is_floating() || b.dtype().is_complex())
    mask = logical_and(mask, ~logical_and(isnan(a), isnan(b)));
  if (a.dtype().is_time()) mask = logical_and(mask, ~logical_and(isnat(a), isnat(b)));
  if (count_nonzero(mask).item<std::int64_t>() != 0) take_gap(a, b, largest);
  if (mask.ndim() > shape.ndim()) {
    Dims inner;
    for (int axis = shape.ndim(); axis < mask.ndim(); ++axis) inner.push_back(axis);
    mask = any(mask, {.axis = Axes(inner)});
  }
  return mask;
}

/// The index of an element by its place in C order.
std::vector<std::int64_t> unravel(std::int64_t at, const Shape& shape) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.ndim()));
  for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = at % shape[axis];
    at /= shape[axis];
  }
  return index;
}

std::string element_text(const Array& array, const std::vector<std::int64_t>& index) {
  std::vector<Index> where;
  for (const auto at : index) where.emplace_back(at);
  return element_to_string(array, where);
}

void add_first(const Array& mask, std::int64_t before, const Array& a, const Array& b, std::size_t wanted,
               Difference& out) {
  const Array found = flatnonzero(mask);
  for (std::int64_t i = 0; i < found.size() && out.first.size() < wanted; ++i) {
    const auto index = unravel(before + found.at<std::int64_t>(i), a.shape());
    out.first.push_back({index, element_text(a, index), element_text(b, index)});
  }
}

}  // namespace

Difference compare(const Array& a, const Array& b, std::size_t wanted) {
  Difference out;
  out.elements = a.size();
  out.comparable = a.shape() == b.shape() && can_compare(a.dtype(), b.dtype());
  if (!out.comparable || a.size() == 0) return out;
  Largest largest;
  // One row where there are no axes; else as many rows as make a block.
  const Array x = a.ndim() == 0 ? a.reshape({1}) : a, y = b.ndim() == 0 ? b.reshape({1}) : b;
  const std::int64_t rows = x.shape(0), row_elements = x.size() / rows;
  const std::int64_t step = std::max<std::int64_t>(1, kBlockElements / std::max<std::int64_t>(row_elements, 1));
  for (std::int64_t from = 0; from < rows; from += step) {
    const auto part = slice(from, std::min(rows, from + step));
    const Array u = x(part), v = y(part);
    const Array mask = differing(u, v, u.shape(), largest);
    const auto count = count_nonzero(mask).item<std::int64_t>();
    if (count != 0 && out.first.size() < wanted) add_first(mask, from * row_elements, a, b, wanted, out);
    out.differing += count;
  }
  out.max_abs = largest.json();
  return out;
}

}  // namespace ndshare::cli
