// Array: a dtype and a layout over shared memory or the heap. The same type whatever it stands on.
#pragma once

#include <ndshare/buffer.h>
#include <ndshare/dtype.h>
#include <ndshare/error.h>
#include <ndshare/export.h>
#include <ndshare/layout.h>
#include <ndshare/scalar.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ndshare {

class Selector;
namespace internal {
class ArrayMaker;
}

/// What NumPy's `flags` says.
struct Flags {
  bool c_contiguous = false, f_contiguous = false, owndata = false, writeable = false, aligned = false;
};

/// An n-dimensional array: a handle. Copying one shares the memory, as binding a name does in Python; `copy()` copies.
///
/// Indexing and the functions that end in a layout give views: they keep the memory alive and see its changes. A const
/// Array protects the handle, not the elements: whether these may be written is `is_writable()`.
///   Threads: as shared_ptr: different handles to one memory may be used at once; the elements are the users' to guard.
class NDSHARE_API Array {
 public:
  /// An empty float64 array of shape (0,).
  Array();
  /// An array over existing memory.
  ///   Errors: Layout when an element would lie outside the buffer (numbers given); Shape.
  Array(DType dtype, const Layout& layout, std::shared_ptr<Buffer> buffer, bool writable);

  [[nodiscard]] const DType& dtype() const noexcept { return dtype_; }
  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] const Shape& shape() const noexcept { return layout_.shape; }
  [[nodiscard]] std::int64_t shape(std::int64_t axis) const { return layout_.shape[normalize_axis(axis, ndim())]; }
  [[nodiscard]] const Strides& strides() const noexcept { return layout_.strides; }
  [[nodiscard]] int ndim() const noexcept { return layout_.ndim(); }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }                        ///< elements
  [[nodiscard]] std::int64_t itemsize() const noexcept { return dtype_.itemsize(); }        ///< bytes of an element
  [[nodiscard]] std::int64_t nbytes() const noexcept { return size_ * dtype_.itemsize(); }  ///< size × itemsize
  [[nodiscard]] bool is_c_contiguous() const noexcept { return layout_.is_c_contiguous(itemsize()); }
  [[nodiscard]] bool is_f_contiguous() const noexcept { return layout_.is_f_contiguous(itemsize()); }
  [[nodiscard]] bool is_writable() const noexcept { return writable_; }
  [[nodiscard]] bool is_aligned() const noexcept;  ///< every element at a multiple of the dtype's alignment
  [[nodiscard]] Flags flags() const noexcept;
  /// The array whose memory this views; nothing for an array that owns its memory.
  [[nodiscard]] std::optional<Array> base() const;
  [[nodiscard]] bool is_view() const noexcept { return base_ != nullptr; }
  [[nodiscard]] const std::shared_ptr<Buffer>& buffer() const noexcept { return buffer_; }
  [[nodiscard]] Origin origin() const noexcept;  ///< of element (0, …, 0)

  /// Element (0, …, 0).
  [[nodiscard]] const std::byte* data() const noexcept { return buffer_->data() + layout_.offset; }
  /// Element (0, …, 0), to write.   Errors: ReadOnly.
  [[nodiscard]] std::byte* mutable_data() const;

  /// The elements in C order: as_span<float>() to write, as_span<const float>() to read. No copy, no allocation.
  ///   Errors: DtypeMismatch for another dtype (time types are int64), Layout when not C-contiguous or not aligned,
  ///   ReadOnly.
  template <class T>
  [[nodiscard]] std::span<T> as_span() const;

  /// The single element.   Errors: ShapeMismatch when there is not exactly one; as `Scalar::as`.
  template <class T>
  [[nodiscard]] T item() const {
    return item().template as<T>();
  }
  [[nodiscard]] Scalar item() const;  ///< Errors: DtypeMismatch for structured elements too
  /// One element, a.at<double>(1, -2).   Errors: IndexBounds, IndexSyntax, as `Scalar::as`.
  template <class T, std::integral... I>
  [[nodiscard]] T at(I... position) const {
    return view(std::array<Index, sizeof...(I)>{Index(position)...}).item().template as<T>();
  }
  /// The truth of a single element, as Python's bool().   Errors: ShapeMismatch when there is not exactly one.
  [[nodiscard]] explicit operator bool() const;

  // Views
  /// a(1, slice(0, 10), ellipsis, newaxis); a() is a view of everything.   Errors: as `index_layout`.
  template <class... I>
  requires(std::constructible_from<Index, I>&&...) [[nodiscard]] Array operator()(I... index) const {
    return view(std::array<Index, sizeof...(I)>{Index(index)...});
  }
  [[nodiscard]] Array view(std::span<const Index> index) const;
  /// Elements by a mask of bool, or by an array of positions along axis 0; or by entries of any kind, a[{positions, nd::all}]: a
  /// copy. ndshare/select.h has the contract.
  [[nodiscard]] Array operator[](const Array& index) const;
  [[nodiscard]] Array operator[](std::initializer_list<Selector> index) const;
  [[nodiscard]] Array select(std::span<const Selector> index) const;
  /// A field of a structured array; sub-array fields add their axes at the end.   Errors: DType, with the names there
  /// are.
  [[nodiscard]] Array operator[](std::string_view field) const;
  /// Several fields, as NumPy: the same items, fewer fields.   Errors: DType.
  [[nodiscard]] Array fields(std::span<const std::string> names) const;
  /// The same elements in C order with another shape.   Errors: ShapeMismatch; Layout when `never` and a copy is
  /// needed.
  [[nodiscard]] Array reshape(const Shape& shape, Copy copy = Copy::if_needed) const;
  [[nodiscard]] Array ravel() const { return reshape({-1}); }                  ///< view if possible
  [[nodiscard]] Array flatten() const { return reshape({-1}, Copy::always); }  ///< always a copy
  [[nodiscard]] Array transpose(std::span<const std::int64_t> axes = {}) const;
  [[nodiscard]] Array transpose(std::initializer_list<std::int64_t> axes) const { return transpose(Dims(axes)); }
  [[nodiscard]] Array T() const { return transpose(); }
  [[nodiscard]] Array swapaxes(std::int64_t a, std::int64_t b) const;
  [[nodiscard]] Array broadcast_to(const Shape& shape) const;  ///< read-only
  /// The same memory under another layout function: a.with_layout(flip(a.layout())).   Errors: Layout as the
  /// constructor.
  [[nodiscard]] Array with_layout(const Layout& layout) const;
  /// The same bytes as another dtype: same itemsize always; else the last axis must be contiguous and divisible.
  ///   Errors: Layout, ShapeMismatch with the numbers.
  [[nodiscard]] Array view_as(const DType& dtype) const;
  [[nodiscard]] Array as_readonly() const;

  /// A new contiguous array with the same elements, on the heap, writable.   Errors: Memory.
  [[nodiscard]] Array copy(Order order = Order::C) const;

 private:
  friend class internal::ArrayMaker;  ///< of the library, for a layout that is known to fit the buffer
  struct Fits {};
  Array(Fits, const DType& dtype, const Layout& layout, std::int64_t size, std::shared_ptr<Buffer> buffer, bool writable)
      : dtype_(dtype), layout_(layout), size_(size), buffer_(std::move(buffer)), writable_(writable) {}
  Array derived(DType dtype, const Layout& layout, bool writable) const;
  void check_span(TypeId id, bool to_write) const;

  DType dtype_;
  Layout layout_;
  std::int64_t size_ = 0;
  std::shared_ptr<Buffer> buffer_;
  std::shared_ptr<const Array> base_;
  bool writable_ = true;
};

template <class T>
std::span<T> Array::as_span() const {
  check_span(type_id_of<T>(), !std::is_const_v<T>);
  auto* first = reinterpret_cast<std::remove_cv_t<T>*>(buffer_->data() + layout_.offset);
  return {first, static_cast<std::size_t>(size_)};
}

/// Whether two arrays have a byte in common, exactly; in shared memory too (segment and offset decide, not addresses).
///   Errors: TooHard when that takes over `max_work` steps.
[[nodiscard]] NDSHARE_API bool shares_memory(const Array& a, const Array& b, std::int64_t max_work = 1'000'000);

/// Whether the byte ranges that two arrays touch overlap: cheap, may say yes where elements interleave.
[[nodiscard]] NDSHARE_API bool may_share_memory(const Array& a, const Array& b) noexcept;

}  // namespace ndshare
