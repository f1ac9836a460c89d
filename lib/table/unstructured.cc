// Structured arrays as plain ones with an axis of fields, and back.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/table.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/table/table.h"

#include <algorithm>

namespace ndshare {
namespace {

/// Elements of one dtype that lie one after another in an item.
struct Leaf {
  DType dtype;
  std::int64_t offset = 0, count = 1;
};

constexpr std::size_t kMostLeaves = std::size_t{1} << 16;  // a sub-array of nested items opens into one for each

void add_leaves(std::vector<Leaf>& out, const DType& dtype, std::int64_t base) {
  for (const Field& field : dtype.fields()) {
    const std::int64_t count = field.shape.count();
    if (!field.dtype.is_structured()) {
      out.push_back({field.dtype, base + field.offset, count});
      continue;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      add_leaves(out, field.dtype, base + field.offset + i * field.dtype.itemsize());
      if (out.size() <= kMostLeaves) continue;
      throw Error(Error::NotSupported, "a structured dtype of over 65536 nested fields: take some of them first");
    }
  }
}

std::vector<Leaf> leaves_of(const DType& dtype) {
  std::vector<Leaf> out;
  add_leaves(out, dtype, 0);
  return out;
}

std::int64_t elements_of(std::span<const Leaf> leaves) {
  std::int64_t total = 0;
  for (const Leaf& leaf : leaves) total += leaf.count;
  return total;
}

/// A view of the leaf in every item: the items' axes and one of `count`.
Array leaf_view(const Array& x, const Leaf& leaf) {
  Layout layout = x.layout();
  layout.offset += x.size() > 0 ? leaf.offset : 0;
  layout.shape.push_back(leaf.count);
  layout.strides.push_back(leaf.dtype.itemsize());
  return {leaf.dtype, layout, x.buffer(), x.is_writable()};
}

void check_leaf(std::string_view what, const DType& from, const DType& to, Casting casting) {
  if (from == to || can_cast(from, to, casting)) return;
  throw Error(Error::DtypeMismatch,
              std::string(what) + ": " + from.to_string() + " does not cast to " + to.to_string() +
                  (from.is_numeric() && to.is_numeric() ? ": name another dtype, or allow more with `casting`"
                                                        : ": take fields of one kind first, x.fields({…})"),
              {{"from", from.to_string()}, {"to", to.to_string()}});
}

/// As NumPy promotes many at once: each with the highest of all, so that the order does not matter. int16, uint16 and
/// float32 are float32, though the first two alone would be int32, which with float32 is float64.
DType promoted(std::span<const Leaf> leaves) {
  const auto lower = [](const Leaf& a, const Leaf& b) { return a.dtype.id() < b.dtype.id(); };
  const DType highest = std::max_element(leaves.begin(), leaves.end(), lower)->dtype;
  DType out = highest;
  for (const Leaf& leaf : leaves) {
    check_leaf("structured_to_unstructured", leaf.dtype, highest, Casting::unsafe);
    if (leaf.dtype != highest) out = result_type({out, result_type({highest, leaf.dtype})});
  }
  return out;
}

/// Copies or casts pairs of columns.
void put_columns(std::span<const internal::FieldMove> columns) {
  std::vector<internal::FieldMove> same;
  for (const internal::FieldMove& column : columns) {
    if (column.to.dtype() == column.from.dtype()) {
      same.push_back(column);
    } else {
      internal::assign_cast(column.to, column.from, 0);
    }
  }
  internal::move_fields(same);
}

/// x(…, low:high)
Array last_axis(const Array& x, std::int64_t low, std::int64_t n) { return x(ellipsis, slice(low, low + n)); }

}  // namespace

Array structured_to_unstructured(const Array& x, const std::optional<DType>& dtype, Casting casting) {
  constexpr std::string_view kWhat = "structured_to_unstructured";
  internal::check_structured(kWhat, x);
  const std::vector<Leaf> leaves = leaves_of(x.dtype());
  const DType result = dtype ? *dtype : promoted(leaves);
  for (const Leaf& leaf : leaves) check_leaf(kWhat, leaf.dtype, result, casting);
  Shape shape = x.shape();
  shape.push_back(elements_of(leaves));
  internal::check_result_memory(kWhat, shape, result.itemsize(), {&x, 1});
  internal::note_copy(CopyReason::selected, shape.nbytes(result.itemsize()));
  const Array out = internal::make_table(shape, result);
  std::vector<internal::FieldMove> columns;
  std::int64_t at = 0;
  for (const Leaf& leaf : leaves) {
    columns.push_back({last_axis(out, at, leaf.count), leaf_view(x, leaf)});
    at += leaf.count;
  }
  put_columns(columns);
  return out;
}

Array unstructured_to_structured(const Array& x, const DType& dtype, Casting casting) {
  constexpr std::string_view kWhat = "unstructured_to_structured";
  if (!dtype.is_structured()) {
    throw Error(Error::DtypeMismatch,
                std::string(kWhat) + " makes structured arrays, not dtype " + dtype.to_string() + ": use astype");
  }
  const std::vector<Leaf> leaves = leaves_of(dtype);
  const std::int64_t elements = elements_of(leaves);
  if (x.ndim() == 0 || x.shape(-1) != elements) {
    throw Error(Error::ShapeMismatch,
                std::string(kWhat) + ": the last axis of shape " + x.shape().str() +
                    " must be as long as the dtype has elements, " + std::to_string(elements),
                {{"shape", x.shape().str()}, {"elements", std::to_string(elements)}});
  }
  for (const Leaf& leaf : leaves) check_leaf(kWhat, x.dtype(), leaf.dtype, casting);
  Shape shape = x.shape();
  shape.erase(shape.ndim() - 1);
  internal::check_result_memory(kWhat, shape, dtype.itemsize(), {&x, 1});
  internal::note_copy(CopyReason::joined, shape.nbytes(dtype.itemsize()));
  const Array out = internal::make_table(shape, dtype);
  std::vector<internal::FieldMove> columns;
  std::int64_t at = 0;
  for (const Leaf& leaf : leaves) {
    columns.push_back({leaf_view(out, leaf), last_axis(x, at, leaf.count)});
    at += leaf.count;
  }
  put_columns(columns);
  return out;
}

}  // namespace ndshare
