#include "tools/cli/since.h"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>
#include <string>

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

/// "1.5h" in nanoseconds.
std::optional<std::uint64_t> duration(std::string_view text) {
  constexpr std::array<std::pair<char, double>, 4> units = {{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}}};
  double count = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || !(count >= 0) || at + 1 != text.data() + text.size()) return std::nullopt;
  for (const auto& [letter, seconds] : units) {
    if (*at == letter && count * seconds < 1e10) return static_cast<std::uint64_t>(std::llround(count * seconds * 1e9));
  }
  return std::nullopt;
}

/// A date, or a date and a time, in UTC.
std::optional<std::uint64_t> moment(const std::string& text) {
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"}) {
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), format, &parts);
    if (end == nullptr || (*end != '\0' && std::string_view(end) != "Z")) continue;
    const auto seconds = ::timegm(&parts);
    if (seconds >= 0) return static_cast<std::uint64_t>(seconds) * kSecond;
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t parse_since(std::string_view text, std::uint64_t now_ns) {
  if (text.starts_with('@')) {
    const auto seconds = internal::parse_int(text.substr(1));
    if (seconds && *seconds >= 0 && *seconds < 9'000'000'000) return static_cast<std::uint64_t>(*seconds) * kSecond;
  } else if (const auto before = duration(text)) {
    return now_ns > *before ? now_ns - *before : 0;
  } else if (const auto at = moment(std::string(text))) {
    return *at;
  }
  throw Error(ErrorCode::Usage, "--since takes a time ago (90s, 10m, 2h, 3d), a UTC time ('2026-11-23 02:15') or @SECONDS, not '" +
                                    internal::printable(text) + "'");
}

}  // namespace ndshare::cli
