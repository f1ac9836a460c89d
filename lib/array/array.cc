#include <ndshare/array.h>

#include "lib/array/copies.h"
#include "lib/array/dtype_record.h"
#include "lib/array/element.h"
#include "lib/base/text.h"

#include <algorithm>
#include <utility>

namespace ndshare {

namespace {

Layout empty_layout() {
  Layout layout;
  layout.shape = Shape{0};
  layout.strides = Strides{float64.itemsize()};
  return layout;
}

std::shared_ptr<Buffer> empty_buffer() {
  static const std::shared_ptr<Buffer> buffer = make_heap_buffer(0, true);
  return buffer;
}

}  // namespace

Array::Array() : layout_(empty_layout()), buffer_(empty_buffer()) {}

Array::Array(DType dtype, const Layout& layout, std::shared_ptr<Buffer> buffer, bool writable)
    : dtype_(std::move(dtype)), layout_(layout), buffer_(std::move(buffer)) {
  if (!buffer_) throw Error(ErrorCode::Layout, "an array without memory: give it a buffer");
  if (layout_.shape.ndim() != layout_.strides.ndim()) {
    throw Error(ErrorCode::Layout, "shape " + layout_.shape.str() + " and strides " + layout_.strides.str() +
                                       " have different numbers of axes");
  }
  size_ = layout_.shape.count();
  static_cast<void>(layout_.shape.nbytes(dtype_.itemsize()));
  // No element, no address: views of empty arrays may come with any offset, which must not lead out of the buffer.
  if (size_ == 0) layout_.offset = std::clamp<std::int64_t>(layout_.offset, 0, buffer_->nbytes());
  const Layout::Bounds reach = layout_.bounds(dtype_.itemsize());
  if (reach.low < 0 || reach.high > buffer_->nbytes()) {
    throw Error(ErrorCode::Layout,
                "shape " + layout_.shape.str() + ", strides " + layout_.strides.str() + " at offset " +
                    std::to_string(layout_.offset) + " of " + dtype_.to_string() + " reach bytes " +
                    std::to_string(reach.low) + " to " + std::to_string(reach.high) + " of a buffer of " +
                    std::to_string(buffer_->nbytes()),
                {{"low", std::to_string(reach.low)}, {"high", std::to_string(reach.high)}});
  }
  writable_ = writable && buffer_->writable();
}

// Views of views share one base, the array that made the memory: no chain to walk, as in NumPy.
Array Array::derived(DType dtype, const Layout& layout, bool writable) const {
  Array result(std::move(dtype), layout, buffer_, writable);
  result.base_ = base_ ? base_ : std::make_shared<const Array>(*this);
  return result;
}

bool Array::is_aligned() const noexcept {
  const std::int64_t alignment = dtype_.alignment();
  if (size_ == 0 || alignment == 1) return true;
  if (reinterpret_cast<std::uintptr_t>(data()) % static_cast<std::uintptr_t>(alignment) != 0) return false;
  for (int axis = 0; axis < ndim(); ++axis) {
    if (layout_.shape[axis] > 1 && layout_.strides[axis] % alignment != 0) return false;
  }
  return true;
}

Flags Array::flags() const noexcept {
  return {is_c_contiguous(), is_f_contiguous(), !is_view(), writable_, is_aligned()};
}

std::optional<Array> Array::base() const { return base_ ? std::optional<Array>(*base_) : std::nullopt; }

Origin Array::origin() const noexcept {
  const Origin start = buffer_->origin();
  return {start.segment, start.offset + static_cast<std::uint64_t>(layout_.offset)};
}

std::byte* Array::mutable_data() const {
  if (!writable_) {
    throw Error(ErrorCode::ReadOnly, "the array of shape " + shape().str() +
                                         " is read-only: write through the handle that owns it, or copy() it");
  }
  return buffer_->data() + layout_.offset;
}

void Array::check_span(TypeId id, bool to_write) const {
  const bool time_as_count = dtype_.is_time() && id == TypeId::int64;
  if (dtype_.id() != id && !time_as_count) {
    throw Error(ErrorCode::DtypeMismatch, "a span of " + DType(id).name() + " over an array of " + dtype_.to_string() +
                                              ": ask for that type, or convert the array");
  }
  if (!is_c_contiguous() || !is_aligned()) {
    throw Error(ErrorCode::Layout,
                "no span over shape " + shape().str() + " with strides " + strides().str() + ": elements are not " +
                    (is_c_contiguous() ? "aligned" : "contiguous in C order") + "; copy() the array first");
  }
  if (to_write) static_cast<void>(mutable_data());
}

Scalar Array::item() const {
  if (size_ != 1) {
    throw Error(ErrorCode::ShapeMismatch, "an array of shape " + shape().str() + " has " + std::to_string(size_) +
                                              " elements, not one: index it first");
  }
  return internal::load_scalar(data(), dtype_);
}

Array::operator bool() const {
  if (size_ != 1) {
    throw Error(ErrorCode::ShapeMismatch,
                "the truth of " + std::to_string(size_) + " elements is ambiguous: reduce the array with any or all");
  }
  return internal::element_truth(data(), dtype_);
}

Array Array::view(std::span<const Index> index) const {
  return derived(dtype_, index_layout(layout_, index), writable_);
}

Array Array::operator[](std::string_view field) const {
  const Field& found = dtype_.field(field);
  Layout layout = layout_;
  layout.offset += size_ > 0 ? found.offset : 0;
  const Strides inner = contiguous_strides(found.shape, found.dtype.itemsize());
  for (int axis = 0; axis < found.shape.ndim(); ++axis) {
    layout.shape.push_back(found.shape[axis]);
    layout.strides.push_back(inner[axis]);
  }
  return derived(found.dtype, layout, writable_);
}

Array Array::fields(std::span<const std::string> names) const {
  std::vector<Field> chosen;
  for (const std::string& name : names) chosen.push_back(dtype_.field(name));
  return derived(DType::structured(std::move(chosen), false, dtype_.itemsize()), layout_, writable_);
}

Array Array::reshape(const Shape& shape, Copy copy_rule) const {
  if (copy_rule != Copy::always) {
    if (const auto layout = reshape_view(layout_, shape, itemsize())) return derived(dtype_, *layout, writable_);
  }
  const Shape target = resolve_reshape(shape, size_);
  if (copy_rule == Copy::never) {
    throw Error(ErrorCode::Layout, "no view of shape " + target.str() + " over shape " + this->shape().str() +
                                       " with strides " + strides().str() + ": allow a copy, or copy() first");
  }
  internal::note_copy(copy_rule == Copy::always ? CopyReason::asked : CopyReason::reshape, nbytes());
  Array result = copy();
  result.layout_ = Layout::contiguous(target, itemsize());
  return result;
}

Array Array::transpose(std::span<const std::int64_t> axes) const {
  return with_layout(ndshare::transpose(layout_, axes));
}

Array Array::swapaxes(std::int64_t a, std::int64_t b) const { return with_layout(ndshare::swapaxes(layout_, a, b)); }

Array Array::broadcast_to(const Shape& shape) const {
  return derived(dtype_, ndshare::broadcast_to(layout_, shape), false);
}

Array Array::with_layout(const Layout& layout) const { return derived(dtype_, layout, writable_); }

Array Array::view_as(const DType& dtype) const {
  const std::int64_t from = itemsize();
  const std::int64_t to = dtype.itemsize();
  if (from == to) return derived(dtype, layout_, writable_);
  const std::string sizes =
      " of " + std::to_string(from) + "-byte items as " + dtype.to_string() + " of " + std::to_string(to) + " bytes";
  if (ndim() == 0) throw Error(ErrorCode::Layout, "no view of a 0-d array" + sizes + ": reshape it to (1,) first");
  const int last = ndim() - 1;
  if (layout_.shape[last] > 1 && layout_.strides[last] != from) {
    throw Error(ErrorCode::Layout, "no view" + sizes + ": the last axis must be contiguous, its stride is " +
                                       std::to_string(layout_.strides[last]) + "; copy() first");
  }
  const std::int64_t row_bytes = Shape{layout_.shape[last]}.nbytes(from);
  if (row_bytes % to != 0 || (to < from && from % to != 0)) {
    throw Error(ErrorCode::ShapeMismatch, "no view" + sizes + ": the last axis has " + std::to_string(row_bytes) +
                                              " bytes, which does not divide evenly");
  }
  Layout layout = layout_;
  layout.shape[last] = row_bytes / to;
  layout.strides[last] = to;
  return derived(dtype, layout, writable_);
}

Array Array::as_readonly() const { return derived(dtype_, layout_, false); }

Array Array::copy(Order order) const {
  const Layout layout = Layout::contiguous(shape(), itemsize(), order);
  const auto runs = internal::data_runs(dtype_);
  const bool padded =
      runs.size() != 1 || runs[0].nbytes != itemsize();  // padding is zeroed: no stale heap bytes get out
  Array result(dtype_, layout, make_heap_buffer(nbytes(), padded), true);
  internal::copy_elements(result, *this);
  return result;
}

bool may_share_memory(const Array& a, const Array& b) noexcept {
  const Origin from_a = a.buffer()->origin();
  const Origin from_b = b.buffer()->origin();
  if (from_a.segment != from_b.segment || a.size() == 0 || b.size() == 0) return false;
  const Layout::Bounds x = a.layout().bounds(a.itemsize());
  const Layout::Bounds y = b.layout().bounds(b.itemsize());
  const auto at = [](const Origin& origin, std::int64_t offset) {
    return origin.offset + static_cast<std::uint64_t>(offset);
  };
  return at(from_a, x.low) < at(from_b, y.high) && at(from_b, y.low) < at(from_a, x.high);
}

}  // namespace ndshare
