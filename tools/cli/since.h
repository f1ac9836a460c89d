/// Moments as people type them.
#pragma once

#include <cstdint>
#include <string_view>

namespace ndshare::cli {

/// "90s", "10m", "2h", "3d" before `now_ns`; or "2026-11-23", "2026-11-23 02:15", "2026-11-23T02:15:00" in UTC; or "@SECONDS".
/// Nanoseconds of Unix time.   Errors: Usage.
[[nodiscard]] std::uint64_t parse_since(std::string_view text, std::uint64_t now_ns);

}  // namespace ndshare::cli
