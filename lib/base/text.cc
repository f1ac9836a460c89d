#include "lib/base/text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include <ndshare/error.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kMaxArrayName = 255;
constexpr std::size_t kMaxStoreName = 64;

/// Length of the UTF-8 sequence that starts at `at`, or 0 where the bytes are not one (overlong and surrogates included).
std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(at + 1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  return length;
}

[[noreturn]] void bad_name(std::string_view what, std::string_view name, std::string_view why) {
  const auto shown = name.size() > 80 ? printable(name.substr(0, 80)) + "..." : printable(name);
  throw Error(ErrorCode::Name, std::string(what) + " name '" + shown + "' " + std::string(why),
              {{"name", std::string(name)}, {"bytes", std::to_string(name.size())}});
}

std::string number_with_unit(double value, std::string_view unit) {
  std::array<char, 48> text{};
  const int digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  const int n = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  std::string out(text.data(), static_cast<std::size_t>(n));
  if (out.find('.') != std::string::npos) {
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
  }
  return out + " " + std::string(unit);
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return number_with_unit(value, kUnits[unit]);
}

std::string format_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ' ');
  return digits;
}

std::string format_seconds(double seconds) {
  if (seconds < 1e-6) return number_with_unit(seconds * 1e9, "ns");
  if (seconds < 1e-3) return number_with_unit(seconds * 1e6, "us");
  if (seconds < 1) return number_with_unit(seconds * 1e3, "ms");
  if (seconds < 120) return number_with_unit(seconds, "s");
  if (seconds < 7200) return number_with_unit(seconds / 60, "min");
  return seconds < 172800 ? number_with_unit(seconds / 3600, "h") : number_with_unit(seconds / 86400, "d");
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  auto suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  double scale = 1;
  if (!suffix.empty() && suffix != "B") {
    static constexpr std::string_view kLetters = "KMGTP";
    const auto at = kLetters.find(suffix.front() >= 'a' ? static_cast<char>(suffix.front() - 32) : suffix.front());
    if (at == std::string_view::npos) return std::nullopt;
    suffix.remove_prefix(1);
    if (!suffix.empty() && suffix != "B" && suffix != "iB") return std::nullopt;
    scale = std::ldexp(1.0, 10 * (static_cast<int>(at) + 1));
  }
  const double bytes = value * scale;
  if (bytes >= 9.2e18) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string printable(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text, at);
    if (length == 0 || byte < 0x20 || byte == 0x7F || byte == '\'' || byte == '\\') {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      ++at;
    } else {
      out.append(text.substr(at, length));
      at += length;
    }
  }
  return out;
}

void check_array_name(std::string_view name) {
  if (name.empty()) bad_name("array", name, "is empty; give 1 to 255 bytes");
  if (name.size() > kMaxArrayName) {
    bad_name("array", name, "has " + std::to_string(name.size()) + " bytes; the limit is 255");
  }
  for (std::size_t at = 0; at < name.size();) {
    const auto byte = static_cast<unsigned char>(name[at]);
    if (byte < 0x20 || byte == 0x7F) bad_name("array", name, "has a control byte at offset " + std::to_string(at));
    const std::size_t length = utf8_length(name, at);
    if (length == 0) bad_name("array", name, "is not valid UTF-8 at offset " + std::to_string(at));
    if (std::string_view("[]*?\"'\\").find(name[at]) != std::string_view::npos) {
      bad_name("array", name, "has one of []*?\"'\\ at offset " + std::to_string(at) +
                                  "; they belong to indices and patterns");
    }
    at += length;
  }
  if (name.front() == ' ' || name.back() == ' ') bad_name("array", name, "begins or ends with a space");
  for (std::size_t at = 0; at <= name.size();) {
    const auto slash = std::min(name.find('/', at), name.size());
    const auto part = name.substr(at, slash - at);
    if (part.empty()) bad_name("array", name, "has an empty part; write 'a/b'");
    if (part == "." || part == "..") bad_name("array", name, "has a '.' or '..' part, which is not allowed");
    at = slash + 1;
  }
}

void check_store_name(std::string_view name) {
  if (name.empty()) bad_name("store", name, "is empty; give 1 to 64 bytes");
  if (name.size() > kMaxStoreName) {
    bad_name("store", name, "has " + std::to_string(name.size()) + " bytes; the limit is 64");
  }
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '_' && c != '-' && c != '.') {
      bad_name("store", name, "may have only letters, digits, '_', '-' and '.'");
    }
  }
  if (name.front() == '.') bad_name("store", name, "may not begin with '.'");
}

}  // namespace ndshare::internal
