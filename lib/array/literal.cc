#include "lib/array/literal.h"

#include "lib/array/text.h"

#include <charconv>

namespace ndshare::internal {

void LiteralReader::skip_space() noexcept {
  while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
}

bool LiteralReader::take(char c) noexcept {
  skip_space();
  if (at_end() || peek() != c) return false;
  ++at_;
  return true;
}

void LiteralReader::expect(char c) {
  if (!take(c)) fail(std::string("expected '") + c + "'");
}

std::string LiteralReader::string() {
  skip_space();
  if (peek() == 'u' || peek() == 'b') ++at_;
  const char quote = peek();
  if (quote != '\'' && quote != '"') fail("expected a string in quotes");
  ++at_;
  std::string result;
  while (at_end() || peek() != quote) {
    if (at_end()) fail("a string without its closing quote");
    if (peek() == '\\') {
      escape(result);
    } else {
      result += text_[at_++];
    }
  }
  ++at_;
  return result;
}

void LiteralReader::escape(std::string& result) {
  ++at_;
  const char c = peek();
  const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits == 0) {
    const std::string_view from = "\\'\"ntr";
    const std::string_view to = "\\'\"\n\t\r";
    const std::size_t which = from.find(c);
    if (at_end() || which == std::string_view::npos) fail("an escape that is not known");
    result += to[which];
    ++at_;
    return;
  }
  ++at_;
  std::uint32_t code = 0;
  const std::string_view hex = text_.substr(at_, digits);
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
  if (error != std::errc() || end != hex.data() + hex.size() || hex.size() != digits) fail("a broken escape");
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) fail("an escape that is no character");
  at_ += digits;
  append_utf8(result, code);
}

std::int64_t LiteralReader::number() {
  skip_space();
  std::int64_t value = 0;
  const std::string_view digits = rest();
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc()) fail("expected a whole number below 2^63");
  at_ += static_cast<std::size_t>(end - digits.data());
  if (peek() == 'L') ++at_;  // a long of Python 2, in old files
  return value;
}

bool LiteralReader::boolean() {
  skip_space();
  const bool value = rest().starts_with("True");
  if (!value && !rest().starts_with("False")) fail("expected True or False");
  at_ += value ? 4 : 5;
  return value;
}

Shape LiteralReader::shape_or_number() {
  skip_space();
  if (peek() != '(') return Shape{number()};
  Shape shape;
  list([&] {
    if (shape.ndim() == kMaxAxes) fail("more than " + std::to_string(kMaxAxes) + " axes");
    shape.push_back(number());
  });
  return shape;
}

}  // namespace ndshare::internal
