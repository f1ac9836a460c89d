/// What the files of the C interface share: its handles, and the one place where exceptions become codes.
///
/// A handle is a C++ object behind a pointer; its first word says which kind, so that one passed for another is a Usage
/// error (what was freed cannot be told). Every function of c.h that can fail is one `internal::c_call(…)`.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <pthread.h>

#include <ndshare/c.h>
#include <ndshare/store.h>

namespace ndshare::internal {

enum class HandleKind : std::uint32_t { store = 0x4e445301, array, guard };

}  // namespace ndshare::internal

// Named by c.h.
struct nds_store {
  static constexpr auto kKind = ndshare::internal::HandleKind::store;
  ndshare::internal::HandleKind kind = kKind;
  ndshare::Store store;
};

struct nds_array {
  static constexpr auto kKind = ndshare::internal::HandleKind::array;
  ndshare::internal::HandleKind kind = kKind;
  ndshare::SharedArray array{};
  std::shared_ptr<const std::string> dtype{};  ///< its text: guards share it
};

struct nds_guard {
  static constexpr auto kKind = ndshare::internal::HandleKind::guard;
  /// Nothing once the claim has ended; an Array is a view.
  using Claim =
      std::variant<std::monostate, ndshare::Array, ndshare::ReadGuard, ndshare::WriteGuard, ndshare::UpdateGuard>;

  ndshare::internal::HandleKind kind = kKind;
  Claim claim{};
  // Of the Array that the claim gave. It is not kept: release() and commit() refuse while one lives.
  ndshare::Shape shape{};
  ndshare::Strides strides{};
  std::byte* data = nullptr;
  std::int64_t nbytes = 0;
  std::uint64_t version = 0;
  bool writable = false;
  std::shared_ptr<const std::string> dtype{};
};

namespace ndshare::internal {

/// Keeps the exception that is being handled as this thread's last error; returns its code, never 0.
std::int32_t c_remember(const std::exception_ptr& thrown) noexcept;

/// A wait in the library must not be unwound by pthread_cancel: forced unwinding passes neither noexcept nor catch
/// (...).
class NoCancel {
 public:
  NoCancel() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancel() { ::pthread_setcancelstate(before_, nullptr); }
  NoCancel(const NoCancel&) = delete;
  NoCancel& operator=(const NoCancel&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

/// Runs `body`; 0, or the code of what it throws.
template <std::invocable F>
std::int32_t c_call(F&& body) noexcept {
  const NoCancel no_cancel;
  try {
    std::forward<F>(body)();
    return NDS_OK;
  } catch (...) {
    return c_remember(std::current_exception());
  }
}

[[noreturn]] void c_null(const char* what);
[[noreturn]] void c_wrong_kind();

/// What a pointer of the caller points to.   Errors: Usage for NULL (`what` names it), and for a handle of another
/// kind.
template <class T>
T& c_need(T* pointer, const char* what) {
  if (pointer == nullptr) c_null(what);
  return *pointer;
}
template <class Handle>
Handle& c_handle(Handle* handle, const char* what) {
  if (c_need(handle, what).kind != Handle::kKind) c_wrong_kind();
  return *handle;
}
/// A text of the caller.   Errors: Usage for NULL.
std::string_view c_text(const char* text, const char* what);
/// NULL is an empty text.
std::string_view c_optional_text(const char* text) noexcept;

/// The caller's place for a new handle, emptied first: on error it holds NULL.   Errors: Usage.
template <class Handle>
Handle*& c_place(Handle** place) {
  auto*& emptied = c_need(place, "the out-pointer");
  emptied = nullptr;
  return emptied;
}

/// Seconds; negative: nothing; too long for the clock: without limit.   Errors: Usage for NaN.
Timeout c_timeout(double seconds);
/// Errors: Usage (negative ndim, NULL), Shape (more than 32 axes).
Shape c_shape(std::int32_t ndim, const std::int64_t* shape);
/// Errors: Usage where a bit outside `known` is set.
void c_check_flags(std::uint32_t flags, std::uint32_t known);

std::unique_ptr<nds_array> c_array(SharedArray array);

/// Frees a handle; NULL is fine.   Errors: Usage for one of another kind, which stays.
template <class Handle>
std::int32_t c_free(Handle* handle) noexcept {
  if (handle == nullptr) return NDS_OK;
  return c_call([&] { delete &c_handle(handle, "the handle"); });
}

}  // namespace ndshare::internal
