#include "lib/select/build.h"

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/ledger.h>

#include "lib/array/copies.h"
#include "lib/array/dtype_record.h"
#include "lib/array/strided.h"
#include "lib/base/checked.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/exec/promotion.h"

#include <algorithm>
#include <string>
#include <vector>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kTaskBytes = std::int64_t{256} << 10;      // that a task writes
constexpr std::int64_t kParallelBytes = std::int64_t{512} << 10;  // below, one thread is as fast

/// Text goes to longer text of its kind, other dtypes that are no numbers to themselves.
bool holds(const DType& to, const DType& from) {
  return to == from || (to.is_text() && to.id() == from.id() && to.length() >= from.length());
}

void check_build_out(const Build& plan) {
  const Array& out = *plan.out;
  if (plan.dtype.is_numeric() && out.dtype().is_numeric()) {
    return check_out(plan.what, out, plan.shape, plan.any_cast ? out.dtype().id() : plan.dtype.id());
  }
  // Of another dtype only text of one kind that is long enough, or where items are cast one by one anyway.
  const bool fits = plan.any_cast || holds(out.dtype(), plan.dtype);
  check_same_out(plan.what, out, plan.shape, fits ? out.dtype() : plan.dtype);
}

bool is_flat(const Array& x) { return reshape_view(x.layout(), {-1}, x.itemsize()).has_value(); }

/// F where every operand lies so, else C.
Order order_of(std::span<const Array> operands) {
  const auto lies_f = [](const Array& x) { return x.is_f_contiguous() && !x.is_c_contiguous(); };
  return !operands.empty() && std::all_of(operands.begin(), operands.end(), lies_f) ? Order::F : Order::C;
}

/// Padding is zeroed: no stale bytes of the heap get out.
Array fresh(const Shape& shape, const DType& dtype, Order order) {
  return is_packed(dtype) ? empty(shape, dtype, order) : zeros(shape, dtype, order);
}

/// Items of one dtype.
void move(const Array& dst, const Array& src, int threads) {
  if (dst.nbytes() < kParallelBytes) {
    return copy_strided(dst.mutable_data(), dst.strides(), src.data(), src.strides(), dst.shape(), dst.dtype());
  }
  if (const auto word = word_of(dst.dtype())) return assign_cast(dst.view_as(*word), src.view_as(*word), threads);
  const auto axis = static_cast<int>(std::max_element(dst.shape().begin(), dst.shape().end()) - dst.shape().begin());
  std::byte* const to = dst.mutable_data();
  parallel_ranges(dst.shape()[axis], dst.nbytes() / dst.shape()[axis], threads,
                  [&](std::int64_t low, std::int64_t high) {
                    Shape shape = dst.shape();
                    shape[axis] = high - low;
                    copy_strided(to + low * dst.strides()[axis], dst.strides(), src.data() + low * src.strides()[axis],
                                 src.strides(), shape, dst.dtype());
                  });
}

/// The bytes [start, start + length) of each item.
Array bytes_of_items(const Array& x, std::int64_t start, std::int64_t length) {
  Layout layout = x.layout();
  layout.offset += start;
  return {DType::bytes(length), layout, x.buffer(), x.is_writable()};
}

}  // namespace

Array build(const Build& plan, const std::function<void(const Array& to)>& fill) {
  check_threads(plan.threads);
  const DType dtype = plan.out ? plan.out->dtype() : plan.dtype;
  if (plan.out) check_build_out(plan);
  const bool overlaps = plan.out && std::any_of(plan.operands.begin(), plan.operands.end(), [&](const Array& x) {
                          return plan.in_place ? spoils(x, *plan.out) : may_share_memory(x, *plan.out);
                        });
  const bool direct = plan.out && !overlaps && (!plan.flat_out || is_flat(*plan.out));
  if (!direct) check_result_memory(plan.what, plan.shape, dtype.itemsize(), plan.operands);
  const bool scratch = plan.flattens && !is_flat(plan.operands[0]);
  if (scratch) check_result_memory(plan.what, plan.operands[0].shape(), plan.operands[0].itemsize(), {});
  const std::int64_t bytes = plan.shape.nbytes(dtype.itemsize());
  if (bytes == 0) return plan.out ? *plan.out : fresh(plan.shape, dtype, Order::C);
  if (scratch) note_copy(CopyReason::reshape, plan.operands[0].nbytes());
  if (overlaps) note_copy(CopyReason::overlap, bytes);
  if (plan.out && !overlaps && !direct) note_copy(CopyReason::strided, bytes);
  if (dtype != plan.dtype && !plan.any_cast) note_copy(CopyReason::downcast, bytes);
  note_copy(CopyReason::joined, bytes);
  const Array to = direct ? *plan.out : fresh(plan.shape, dtype, plan.flat_out ? Order::C : order_of(plan.operands));
  fill(to);
  if (!plan.out || direct) return to;
  place(*plan.out, to, plan.threads);
  return *plan.out;
}

void place(const Array& dst, const Array& src, int threads) {
  if (dst.size() == 0) return;
  if (dst.dtype() == src.dtype()) return move(dst, src, threads);
  if (dst.dtype().is_numeric()) return assign_cast(dst, src, threads);
  const std::int64_t length = src.itemsize();
  move(bytes_of_items(dst, 0, length), bytes_of_items(src, 0, length), threads);
  place_zero(bytes_of_items(dst, length, dst.itemsize() - length), threads);
}

void place_zero(const Array& dst, int threads) {
  if (dst.size() != 0) move(dst, zeros({}, dst.dtype()).broadcast_to(dst.shape()), threads);
}

bool is_packed(const DType& dtype) {
  const auto runs = data_runs(dtype);
  return runs.size() == 1 && runs[0].nbytes == dtype.itemsize();
}

Array part_of_axis(const Array& x, int axis, std::int64_t start, std::int64_t count) {
  Layout layout = x.layout();
  layout.shape[axis] = count;
  if (!x.layout().is_empty() && count > 0) layout.offset += start * layout.strides[axis];
  return x.with_layout(layout);
}

Array stretched(const Array& x, int axis, std::int64_t length) {
  Layout layout = x.layout();
  layout.shape[axis] = length;
  layout.strides[axis] = 0;
  return x.with_layout(layout);
}

Array flat_of(const Array& x) { return is_flat(x) ? x.reshape({-1}) : x.copy().reshape({-1}); }

DType joined_dtype(std::string_view what, std::span<const Array> arrays) {
  if (arrays.empty()) throw Error(Error::Usage, std::string(what) + " of no arrays: give at least one");
  DType joined = arrays[0].dtype();
  std::vector<TypeId> numbers;
  for (const Array& array : arrays) {
    const DType& next = array.dtype();
    if (joined.is_numeric() && next.is_numeric()) {
      numbers.push_back(next.id());
    } else if (joined.is_text() && joined.id() == next.id()) {
      if (next.length() > joined.length()) joined = next;
    } else if (joined != next) {
      throw Error(Error::DtypeMismatch,
                  std::string(what) + ": no dtype holds both " + joined.to_string() + " and " + next.to_string() +
                      ": convert one of them first",
                  {{"first", joined.to_string()}, {"other", next.to_string()}});
    }
  }
  return numbers.empty() ? joined : DType(result_type(numbers));
}

std::int64_t add_sizes(std::string_view what, std::int64_t a, std::int64_t b) {
  if (const auto sum = checked_add(a, b)) return *sum;
  throw Error(Error::Shape, std::string(what) + ": an axis of " + std::to_string(a) + " + " + std::to_string(b) +
                                " elements is longer than 2^63-1: use smaller numbers");
}

std::int64_t multiply_sizes(std::string_view what, std::int64_t a, std::int64_t b) {
  if (const auto product = checked_mul(a, b)) return *product;
  throw Error(Error::Shape, std::string(what) + ": an axis of " + std::to_string(a) + " x " + std::to_string(b) +
                                " elements is longer than 2^63-1: use smaller numbers");
}

void parallel_ranges(std::int64_t units, std::int64_t unit_bytes, int threads,
                     const std::function<void(std::int64_t low, std::int64_t high)>& body) {
  const std::int64_t step = std::max<std::int64_t>(1, kTaskBytes / std::max<std::int64_t>(1, unit_bytes));
  if (units <= step) return body(0, units);
  parallel_blocks(static_cast<std::size_t>((units + step - 1) / step), threads, [&](std::size_t block) {
    const std::int64_t low = static_cast<std::int64_t>(block) * step;
    body(low, std::min(units, low + step));
  });
}

}  // namespace ndshare::internal
