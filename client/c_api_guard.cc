// The calls of c.h on guards.
#include <type_traits>

#include "client/c_api.h"
#include "client/shared_state.h"

using namespace ndshare;            // NOLINT(google-build-using-namespace): every name below is C's
using namespace ndshare::internal;  // NOLINT(google-build-using-namespace)

namespace {

const nds_array& array_of_handle(const nds_array* handle) { return c_handle(handle, "the array"); }
nds_array& array_of_handle(nds_array* handle) { return c_handle(handle, "the array"); }

WriteOptions write_options(std::int64_t first, std::int64_t last, std::uint32_t flags, double timeout) {
  c_check_flags(flags, NDS_OVERWRITE);
  return {.rows = {first, last}, .timeout = c_timeout(timeout), .overwrite = (flags & NDS_OVERWRITE) != 0};
}

/// The Array of a claim, whatever the claim is.
Array array_of(const Array& view) { return view; }
template <class Guard>
Array array_of(const Guard& guard) {
  return guard.array();
}

/// Of the rows that `array` shows, which stand on an array of a store.
std::uint64_t version_of(const Array& array) { return dynamic_cast<const SharedBuffer&>(*array.buffer()).version(); }

/// A new handle that holds `claim`, taken from `from`.
template <class T>
nds_guard* guard_of(const nds_array& from, T claim) {
  auto handle = std::make_unique<nds_guard>();
  const Array array = array_of(claim);
  handle->shape = array.shape();
  handle->strides = array.strides();
  handle->writable = array.is_writable();
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): given out as writable only where `writable` says so
  handle->data = const_cast<std::byte*>(array.data());
  handle->nbytes = array.nbytes();
  handle->version = version_of(array);
  handle->dtype = from.dtype;
  handle->claim = std::move(claim);
  return handle.release();
}

/// A guard that still holds its claim.   Errors: Usage.
template <class Guard>
Guard& holding(Guard* handle) {
  auto& guard = c_handle(handle, "the guard");
  if (guard.claim.index() == 0) throw Error(ErrorCode::Usage, "this guard was released, committed or abandoned");
  return guard;
}

/// Puts what `read` gives of the guard where the caller wants it.
template <class T, class F>
std::int32_t tell(const nds_guard* guard, T* place, F read) {
  return c_call([&] {
    auto& target = c_need(place, "the out-pointer");
    target = read(holding(guard));
  });
}

/// Ends a claim through `end`, its own call. Where that fails and the guard still holds, so does the handle.
template <class Guard, class F>
void end_claim(nds_guard& handle, Guard& guard, F end) {
  try {
    end(guard);
  } catch (...) {
    if (!guard) handle.claim = {};
    throw;
  }
  handle.claim = {};
}

void release(nds_guard& handle) {
  std::visit(
      [&handle](auto& claim) {
        using Claim = std::remove_cvref_t<decltype(claim)>;
        if constexpr (std::is_same_v<Claim, Array>) {
          handle.claim = {};
        } else if constexpr (!std::is_same_v<Claim, std::monostate>) {
          end_claim(handle, claim, [](Claim& guard) { guard.release(); });
        }
      },
      handle.claim);
}

}  // namespace

std::int32_t nds_read(const nds_array* array, std::int64_t first, std::int64_t last, double timeout,
                      nds_guard** guard) {
  return c_call([&] {
    auto*& place = c_place(guard);
    const auto& from = array_of_handle(array);
    place = guard_of(from, from.array.read({.rows = {first, last}, .timeout = c_timeout(timeout)}));
  });
}

std::int32_t nds_view(const nds_array* array, std::int64_t first, std::int64_t last, double timeout,
                      nds_guard** guard) {
  return c_call([&] {
    auto*& place = c_place(guard);
    const auto& from = array_of_handle(array);
    place = guard_of(from, from.array.view({.rows = {first, last}, .timeout = c_timeout(timeout)}));
  });
}

std::int32_t nds_write(nds_array* array, std::int64_t first, std::int64_t last, std::uint32_t flags, double timeout,
                       nds_guard** guard) {
  return c_call([&] {
    auto*& place = c_place(guard);
    auto& from = array_of_handle(array);
    place = guard_of(from, from.array.write(write_options(first, last, flags, timeout)));
  });
}

std::int32_t nds_update(nds_array* array, std::int64_t first, std::int64_t last, std::uint32_t flags, double timeout,
                        nds_guard** guard) {
  return c_call([&] {
    auto*& place = c_place(guard);
    auto& from = array_of_handle(array);
    place = guard_of(from, from.array.update(write_options(first, last, flags, timeout)));
  });
}

std::int32_t nds_repair(nds_array* array, std::int64_t first, std::int64_t last, std::uint32_t flags, double timeout,
                        nds_guard** guard) {
  return c_call([&] {
    auto*& place = c_place(guard);
    auto& from = array_of_handle(array);
    place = guard_of(from, from.array.repair(write_options(first, last, flags, timeout)));
  });
}

std::int32_t nds_guard_data(const nds_guard* guard, const void** data) {
  return tell(guard, data, [](const nds_guard& of) -> const void* { return of.data; });
}

std::int32_t nds_guard_mutable_data(nds_guard* guard, void** data) {
  return c_call([&] {
    auto*& place = c_place(data);
    const auto& of = holding(guard);
    if (!of.writable) {
      throw Error(ErrorCode::ReadOnly, "a guard of nds_read or nds_view: nds_write and nds_update give writable rows");
    }
    place = of.data;
  });
}

std::int32_t nds_guard_layout(const nds_guard* guard, std::int32_t* ndim, const std::int64_t** shape,
                              const std::int64_t** strides) {
  return c_call([&] {
    auto& axes = c_need(ndim, "the out-pointer of ndim");
    auto*& lengths = c_need(shape, "the out-pointer of shape");
    auto*& steps = c_need(strides, "the out-pointer of strides");
    const auto& of = holding(guard);
    axes = of.shape.ndim();
    lengths = of.shape.data();
    steps = of.strides.data();
  });
}

std::int32_t nds_guard_nbytes(const nds_guard* guard, std::int64_t* nbytes) {
  return tell(guard, nbytes, [](const nds_guard& of) { return of.nbytes; });
}

std::int32_t nds_guard_dtype(const nds_guard* guard, const char** dtype) {
  return tell(guard, dtype, [](const nds_guard& of) { return of.dtype->c_str(); });
}

std::int32_t nds_guard_version(const nds_guard* guard, std::uint64_t* version) {
  return tell(guard, version, [](const nds_guard& of) { return of.version; });
}

std::int32_t nds_guard_writable(const nds_guard* guard, std::int32_t* writable) {
  return tell(guard, writable, [](const nds_guard& of) { return of.writable ? 1 : 0; });
}

std::int32_t nds_commit(nds_guard* guard, std::uint64_t* version) {
  return c_call([&] {
    auto& handle = holding(guard);
    auto* update = std::get_if<UpdateGuard>(&handle.claim);
    if (update == nullptr)
      throw Error(ErrorCode::Usage, "only guards of nds_update are committed: others are released");
    std::uint64_t committed = 0;
    end_claim(handle, *update, [&](UpdateGuard& it) { committed = it.commit(); });
    if (version != nullptr) *version = committed;
  });
}

std::int32_t nds_release(nds_guard* guard) {
  return c_call([&] { release(c_handle(guard, "the guard")); });
}

std::int32_t nds_abandon(nds_guard* guard) {
  return c_call([&] {
    auto& handle = c_handle(guard, "the guard");
    if (auto* write = std::get_if<WriteGuard>(&handle.claim); write != nullptr) {
      write->abandon();
      handle.claim = {};
    } else {
      release(handle);
    }
  });
}

std::int32_t nds_guard_free(nds_guard* guard) {
  if (guard == nullptr) return NDS_OK;
  return c_call([&] {
    const std::unique_ptr<nds_guard> owner(&c_handle(guard, "the guard"));
    release(*owner);
  });
}
