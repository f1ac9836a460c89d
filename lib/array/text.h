// Text of S and U elements: UTF-8 in and out, and Python's repr of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ndshare::internal {

/// Appends a code point; what is no character (surrogates, above 0x10ffff) becomes U+FFFD.
void append_utf8(std::string& out, std::uint32_t code);
/// The code points of UTF-8; nothing when it is broken.
std::optional<std::u32string> decode_utf8(std::string_view text);
/// Code points in valid UTF-8: the width that Python's len() counts.
std::size_t utf8_length(std::string_view text) noexcept;

/// The element's text without its trailing NULs.
std::string_view read_bytes(const std::byte* item, std::int64_t length) noexcept;
std::u32string read_str(const std::byte* item, std::int64_t length);

/// Python's repr: 'abc', "it's", 'tab\t'; b'\xff' for bytes.
std::string repr_str(std::u32string_view text);
std::string repr_bytes(std::string_view text);

}  // namespace ndshare::internal
