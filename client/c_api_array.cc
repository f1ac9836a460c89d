// The calls of c.h on arrays, but for those that give guards.
#include <algorithm>

#include "client/c_api.h"

using namespace ndshare;            // NOLINT(google-build-using-namespace): every name below is C's
using namespace ndshare::internal;  // NOLINT(google-build-using-namespace)

namespace {

SharedArray& live(nds_array* handle) { return c_handle(handle, "the array").array; }
const SharedArray& live(const nds_array* handle) { return c_handle(handle, "the array").array; }

/// Puts what `read` gives of the array where the caller wants it.
template <class T, class F>
std::int32_t tell(const nds_array* array, T* place, F read) {
  return c_call([&] {
    auto& target = c_need(place, "the out-pointer");
    target = read(live(array));
  });
}

/// An Array over the caller's memory, for the length of one call.
Array borrowed(const DType& dtype, const Shape& shape, const void* data) {
  const auto nbytes = shape.nbytes(dtype.itemsize());
  if (nbytes > 0) static_cast<void>(c_need(static_cast<const std::byte*>(data), "the data"));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): neither the buffer nor the array is writable
  auto buffer = make_external_buffer(const_cast<void*>(data), nbytes, false, nullptr);
  return {dtype, Layout::contiguous(shape, dtype.itemsize()), std::move(buffer), false};
}

}  // namespace

std::int32_t nds_array_free(nds_array* array) { return c_free(array); }

std::int32_t nds_array_name(const nds_array* array, const char** name) {
  return tell(array, name, [](const SharedArray& of) { return of.name().c_str(); });
}

std::int32_t nds_array_dtype(const nds_array* array, const char** dtype) {
  return tell(array, dtype, [&](const SharedArray&) { return array->dtype->c_str(); });
}

std::int32_t nds_array_shape(const nds_array* array, std::int32_t* ndim, std::int64_t* shape) {
  return c_call([&] {
    auto& axes = c_need(ndim, "the out-pointer of ndim");
    auto* lengths = &c_need(shape, "the out-pointer of shape");
    const Shape current = live(array).shape();
    std::ranges::copy(current, lengths);
    axes = current.ndim();
  });
}

std::int32_t nds_array_nbytes(const nds_array* array, std::int64_t* nbytes) {
  return tell(array, nbytes, [](const SharedArray& of) { return of.nbytes(); });
}

std::int32_t nds_array_version(const nds_array* array, std::uint64_t* version) {
  return tell(array, version, [](const SharedArray& of) { return of.version(); });
}

std::int32_t nds_array_revision(const nds_array* array, std::uint64_t* revision) {
  return tell(array, revision, [](const SharedArray& of) { return of.revision(); });
}

std::int32_t nds_array_sealed(const nds_array* array, std::int32_t* sealed) {
  return tell(array, sealed, [](const SharedArray& of) { return of.sealed() ? 1 : 0; });
}

std::int32_t nds_append(nds_array* array, const char* dtype, std::int32_t ndim, const std::int64_t* shape,
                        const void* data, double timeout) {
  return c_call([&] {
    auto& to = live(array);
    const auto parsed = DType::parse(c_text(dtype, "the dtype"));
    to.append(borrowed(parsed, c_shape(ndim, shape), data), c_timeout(timeout));
  });
}

std::int32_t nds_resize(nds_array* array, std::int64_t rows, double timeout) {
  return c_call([&] { live(array).resize(rows, c_timeout(timeout)); });
}

std::int32_t nds_seal(nds_array* array) {
  return c_call([&] { live(array).seal(); });
}

std::int32_t nds_wait_for_change(const nds_array* array, std::uint64_t revision, double timeout, std::uint64_t* now) {
  return c_call([&] {
    const auto changed = live(array).wait_for_change(revision, c_timeout(timeout));
    if (now != nullptr) *now = changed;
  });
}

std::int32_t nds_accept_torn(nds_array* array, std::int64_t first, std::int64_t last, double timeout,
                             std::uint64_t* ranges) {
  return c_call([&] {
    const auto accepted = live(array).accept_torn({first, last}, c_timeout(timeout));
    if (ranges != nullptr) *ranges = accepted;
  });
}

std::int32_t nds_revert(nds_array* array, const char* snapshot, double timeout) {
  return c_call([&] { live(array).revert(c_text(snapshot, "the snapshot"), c_timeout(timeout)); });
}
