/// Which store a caller means, and how long it wants to wait.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "lib/shm/segment.h"
#include "lib/wire/socket.h"

namespace ndshare::internal {

/// "name", "user:name" or "uid:name"; nothing given: NDSHARE_STORE, else "default".   Errors: Name.
StoreAddress resolve_address(std::string_view text);

/// Effective uid of this process.
std::uint32_t own_uid() noexcept;

/// As a user would type it: the owner is named only where it is somebody else.
std::string address_text(const StoreAddress& address);

/// Now + the time given, or + `otherwise`; a time too long for the clock means "never".
Deadline deadline_after(const std::optional<std::chrono::nanoseconds>& timeout, std::chrono::nanoseconds otherwise) noexcept;

/// What is left, at least 0; a year for "never".
std::chrono::nanoseconds time_left(Deadline deadline) noexcept;

}  // namespace ndshare::internal
