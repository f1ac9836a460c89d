#include "lib/array/text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace ndshare::internal {

void append_utf8(std::string& out, std::uint32_t code) {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) code = 0xfffd;
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | (code >> 6));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

std::optional<std::u32string> decode_utf8(std::string_view text) {
  std::u32string result;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || i + length > text.size()) return std::nullopt;
    char32_t code = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if ((byte & 0xc0U) != 0x80U) return std::nullopt;
      code = (code << 6) | (byte & 0x3fU);
    }
    constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
    result += code;
    i += length;
  }
  return result;
}

std::size_t utf8_length(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string_view read_bytes(const std::byte* item, std::int64_t length) noexcept {
  const char* first = reinterpret_cast<const char*>(item);
  while (length > 0 && first[length - 1] == '\0') --length;
  return {first, static_cast<std::size_t>(length)};
}

std::u32string read_str(const std::byte* item, std::int64_t length) {
  std::u32string text(static_cast<std::size_t>(length), U'\0');
  std::memcpy(text.data(), item, text.size() * sizeof(char32_t));  // items may be unaligned
  while (!text.empty() && text.back() == U'\0') text.pop_back();
  return text;
}

namespace {

// Ranges that Python's str.isprintable() refuses and that occur in practice: controls, format characters, odd spaces,
// surrogates, private use, noncharacters. Unassigned code points are taken as printable (Python's table differs by
// version).
constexpr auto kUnprintable = std::to_array<std::pair<char32_t, char32_t>>({
    {0x00, 0x1f},       {0x7f, 0xa0},          {0xad, 0xad},     {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},        {0x8e2, 0x8e2},   {0x1680, 0x1680},   {0x180e, 0x180e},
    {0x2000, 0x200f},   {0x2028, 0x202f},      {0x205f, 0x206f}, {0x3000, 0x3000},   {0xd800, 0xf8ff},
    {0xfeff, 0xfeff},   {0xfff0, 0xfffb},      {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe00ff}, {0xe01f0, 0xffffffff},
});

bool is_printable(char32_t code) {
  return std::none_of(kUnprintable.begin(), kUnprintable.end(),
                      [code](const auto& range) { return code >= range.first && code <= range.second; });
}

void append_hex(std::string& out, char letter, std::uint32_t code, int digits) {
  out += '\\';
  out += letter;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[(code >> shift) & 0xfU];
}

// What both kinds of text share: quotes, backslashes and the short escapes. True when `code` is done.
bool append_common(std::string& out, std::uint32_t code, char quote) {
  if (code == '\t' || code == '\n' || code == '\r') {
    out += code == '\t' ? "\\t" : code == '\n' ? "\\n" : "\\r";
    return true;
  }
  if (code == '\\' || code == static_cast<unsigned char>(quote)) {
    out += '\\';
    out += static_cast<char>(code);
    return true;
  }
  if (code >= 0x20 && code < 0x7f) {
    out += static_cast<char>(code);
    return true;
  }
  return false;
}

}  // namespace

std::string repr_str(std::u32string_view text) {
  const bool single = text.find(U'\'') != std::u32string_view::npos && text.find(U'"') == std::u32string_view::npos;
  const char quote = single ? '"' : '\'';
  std::string out(1, quote);
  for (const char32_t code : text) {
    if (append_common(out, code, quote)) continue;
    if (is_printable(code)) {
      append_utf8(out, code);
    } else {
      append_hex(out, code < 0x100 ? 'x' : code < 0x10000 ? 'u' : 'U', code, code < 0x100 ? 2 : code < 0x10000 ? 4 : 8);
    }
  }
  return out + quote;
}

std::string repr_bytes(std::string_view text) {
  const bool single = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = single ? '"' : '\'';
  std::string out = std::string("b") + quote;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!append_common(out, byte, quote)) append_hex(out, 'x', byte, 2);
  }
  return out + quote;
}

}  // namespace ndshare::internal
