// The time of day, for what people read: when a store was made, a claim was taken, an event came.
#pragma once

#include <chrono>
#include <cstdint>

namespace ndshare::internal {

/// Nanoseconds since 1970-01-01T00:00:00Z by this machine's clock, which may be set back: never for deadlines.
[[nodiscard]] inline std::uint64_t unix_now_ns() noexcept {
  using std::chrono::nanoseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<nanoseconds>(now).count());
}

}  // namespace ndshare::internal
