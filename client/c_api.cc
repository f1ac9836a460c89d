// What every call of c.h needs: the thread's last error, checks of what a caller gives, and the calls about the library
// itself.
#include "client/c_api.h"

#include <cmath>
#include <optional>

#include <ndshare/version.h>

namespace ndshare::internal {
namespace {

/// The error is copied, which cannot fail; nothing where even making one found no memory.
struct LastError {
  bool any = false;
  std::optional<Error> error;
};
thread_local LastError last;

std::optional<Error> as_error(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::Memory, "this process has no memory left");
  } catch (const std::exception& other) {
    return Error(ErrorCode::Internal, std::string("unexpected: ") + other.what());
  } catch (...) {
    return Error(ErrorCode::Internal, "unexpected: something that is no std::exception was thrown");
  }
}

}  // namespace

std::int32_t c_remember(const std::exception_ptr& thrown) noexcept {
  last.any = true;
  try {
    last.error = as_error(thrown);
    const auto code = static_cast<std::int32_t>(last.error->code());
    return code == NDS_OK ? NDS_ERROR_Internal : code;
  } catch (...) {
    last.error.reset();
    return NDS_ERROR_Memory;
  }
}

void c_null(const char* what) { throw Error(ErrorCode::Usage, std::string(what) + " is NULL"); }
void c_wrong_kind() {
  throw Error(ErrorCode::Usage, "a handle of another kind (store, array, guard), or one that was freed");
}

std::string_view c_text(const char* text, const char* what) { return &c_need(text, what); }
std::string_view c_optional_text(const char* text) noexcept { return text == nullptr ? std::string_view() : text; }

Timeout c_timeout(double seconds) {
  if (std::isnan(seconds)) throw Error(ErrorCode::Usage, "a timeout is a number of seconds, not NaN");
  if (seconds < 0) return {};
  constexpr double kLongest = 9e9;  // seconds that an int64 of nanoseconds holds, rounded down
  if (seconds >= kLongest) return std::chrono::nanoseconds::max();
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e9)));
}

Shape c_shape(std::int32_t ndim, const std::int64_t* shape) {
  if (ndim < 0) throw Error(ErrorCode::Usage, "ndim is " + std::to_string(ndim) + ": it counts axes");
  if (ndim > kMaxAxes) {
    throw Error(ErrorCode::Shape, std::to_string(ndim) + " axes; " + std::to_string(kMaxAxes) + " are the most",
                {{"axes", std::to_string(ndim)}});
  }
  if (ndim == 0) return {};
  return Shape(std::span(&c_need(shape, "shape"), static_cast<std::size_t>(ndim)));
}

void c_check_flags(std::uint32_t flags, std::uint32_t known) {
  if ((flags & ~known) == 0) return;
  throw Error(ErrorCode::Usage,
              "flags are " + std::to_string(flags) + ": only bits of " + std::to_string(known) + " have a meaning here",
              {{"flags", std::to_string(flags)}});
}

std::unique_ptr<nds_array> c_array(SharedArray array) {
  auto handle = std::make_unique<nds_array>();
  handle->dtype = std::make_shared<const std::string>(array.dtype().str());
  handle->array = std::move(array);
  return handle;
}

}  // namespace ndshare::internal

using namespace ndshare;            // NOLINT(google-build-using-namespace): every name below is C's
using namespace ndshare::internal;  // NOLINT(google-build-using-namespace)

#define NDS_TEXT_OF(x) #x
#define NDS_TEXT(x) NDS_TEXT_OF(x)

const char* nds_version() {
  return NDS_TEXT(NDSHARE_VERSION_MAJOR) "." NDS_TEXT(NDSHARE_VERSION_MINOR) "." NDS_TEXT(NDSHARE_VERSION_PATCH);
}

std::int32_t nds_abi_version() { return NDS_ABI_VERSION; }

const char* nds_error_name(std::int32_t code) {
  switch (code) {
    case NDS_OK:
      return "Ok";
#define NDSHARE_ERROR(name, number, exit, meaning) \
  case number:                                     \
    return #name;
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
    default:
      return "Unknown";
  }
}

const char* nds_error_message() {
  if (last.error) return last.error->what();
  return last.any ? "this process has no memory left" : "";
}

const char* nds_error_detail(const char* key) {
  if (key == nullptr || !last.error) return nullptr;
  for (const auto& [name, value] : last.error->details()) {
    if (name == key) return value.c_str();
  }
  return nullptr;
}
