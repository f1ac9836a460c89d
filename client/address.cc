#include "client/address.h"

#include <algorithm>
#include <cstdlib>

#include <unistd.h>

namespace ndshare::internal {

using Clock = std::chrono::steady_clock;

StoreAddress resolve_address(std::string_view text) {
  if (text.empty()) {
    const char* set = std::getenv("NDSHARE_STORE");
    text = set != nullptr && *set != '\0' ? set : "default";
  }
  return parse_store_address(text);
}

std::uint32_t own_uid() noexcept { return ::geteuid(); }

std::string address_text(const StoreAddress& address) {
  return address.uid == own_uid() ? address.name : std::to_string(address.uid) + ":" + address.name;
}

Deadline deadline_after(const std::optional<std::chrono::nanoseconds>& timeout, std::chrono::nanoseconds otherwise) noexcept {
  const auto now = Clock::now();
  const auto wait = std::max(timeout.value_or(otherwise), std::chrono::nanoseconds(0));
  return wait > kForever - now ? kForever : now + wait;
}

std::chrono::nanoseconds time_left(Deadline deadline) noexcept {
  if (deadline == kForever) return std::chrono::hours(24 * 365);
  return std::max(std::chrono::nanoseconds(deadline - Clock::now()), std::chrono::nanoseconds(0));
}

}  // namespace ndshare::internal
