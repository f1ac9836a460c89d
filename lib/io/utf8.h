// UTF-8 read, strict: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ndshare::internal {

/// Reads one code point at `at` (inside `text`) and moves `at` past it; nothing, with `at` unmoved, for bytes that are
/// not UTF-8.
std::optional<char32_t> utf8_next(std::string_view text, std::size_t& at) noexcept;

/// The number of code points; nothing where `text` is not UTF-8.
std::optional<std::size_t> utf8_count(std::string_view text) noexcept;

/// Whether all bytes are below 0x80.
bool is_ascii(std::string_view text) noexcept;

/// Latin-1 as UTF-8, and back; nothing where a code point is over 0xFF.
std::string latin1_to_utf8(std::string_view text);
std::optional<std::string> utf8_to_latin1(std::string_view text);

}  // namespace ndshare::internal
