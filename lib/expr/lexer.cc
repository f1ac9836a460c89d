#include "lib/expr/syntax.h"

#include "lib/array/text.h"
#include "lib/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <complex>

namespace ndshare::internal {
namespace {

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
/// Whether the byte goes on with a UTF-8 character.
bool is_inside(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

// The longer first.
constexpr std::array<std::string_view, 41> kMarks = {
    "**=", "//=", "<<=", ">>=", "...", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=",
    "-=",  "*=",  "/=",  "%=",  "&=",  "|=", "^=", "+",  "-",  "*",  "/",  "%",  "&",  "|",
    "^",   "~",   "<",   ">",   "=",   "(",  ")",  "[",  "]",  ",",  ".",  ";",  ":"};

/// A number's digits as written, without underscores.
struct Digits {
  std::string text{};
  std::size_t end = 0;
  int base = 10;
  bool whole = true;
};

Digits digits_at(std::string_view text, std::size_t begin) {
  Digits out{.end = begin};
  const char kind = text[begin] == '0' && begin + 1 < text.size() ? static_cast<char>(text[begin + 1] | 0x20) : '\0';
  out.base = kind == 'x' ? 16 : kind == 'b' ? 2 : kind == 'o' ? 8 : 10;
  if (out.base != 10) out.end += 2;
  for (; out.end < text.size(); ++out.end) {
    const char c = text[out.end];
    if (c == '_' && out.end + 1 < text.size() && is_hex(text[out.end + 1]) && is_hex(text[out.end - 1])) continue;
    if (out.base != 10) {
      if (!is_hex(c)) break;
    } else if (c == 'e' || c == 'E' || c == '.') {
      out.whole = false;
    } else if (!is_digit(c)) {
      const bool sign =
          (c == '+' || c == '-') && !out.text.empty() && (out.text.back() == 'e' || out.text.back() == 'E');
      if (!sign) break;
    }
    out.text += c;
  }
  return out;
}

}  // namespace

void fail_at(std::string_view text, std::size_t at, const std::string& what, ErrorCode code) {
  constexpr std::size_t kBefore = 40, kWidth = 76;
  at = std::min(at, text.size());
  const std::size_t line = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  std::size_t from = std::max(line, at > kBefore ? at - kBefore : 0),
              to = std::min({text.find('\n', at), text.size(), from + kWidth});
  while (from < at && is_inside(text[from])) ++from;
  while (to > at && to < text.size() && is_inside(text[to])) --to;
  std::string shown(text.substr(from, to - from));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  throw Error(code,
              what + ", at position " + std::to_string(at) + "\n  " + shown + "\n  " +
                  std::string(utf8_length(text.substr(from, at - from)), ' ') + "^",
              {{"position", std::to_string(at)}});
}

Lexer::Lexer(std::string_view text) : text_(text) {
  constexpr std::size_t kMost = 64 * 1024;
  if (text.size() > kMost) {
    throw Error(Error::Usage, "an expression of " + std::to_string(text.size()) + " characters: the limit is " +
                                  std::to_string(kMost));
  }
  if (!decode_utf8(text))
    throw Error(Error::Usage, "an expression that is not UTF-8: '" + printable(text.substr(0, 60)) + "'");
  advance();
}

Token Lexer::take() {
  Token taken = std::move(token_);
  advance();
  return taken;
}

bool Lexer::accept(std::string_view mark) {
  if (!at_mark(mark)) return false;
  advance();
  return true;
}

void Lexer::expect(std::string_view mark) {
  if (accept(mark)) return;
  const std::string found = token_.kind == Token::Kind::end ? "the end" : "'" + printable(token_.word) + "'";
  fail("expected '" + std::string(mark) + "', not " + found, token_.at);
}

void Lexer::skip_space() {
  const auto is_space = [&](char c) { return c == ' ' || c == '\t' || c == '\r' || (c == '\n' && brackets_ > 0); };
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

void Lexer::advance() {
  skip_space();
  token_ = {.kind = Token::Kind::end, .at = at_};
  if (at_ == text_.size()) return;
  const char c = text_[at_];
  if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return read_number();
  if (is_letter(c)) return read_name();
  if (c == '\'' || c == '"' || c == '`') return read_text(c);
  read_mark();
}

void Lexer::read_mark() {
  token_.kind = Token::Kind::mark;
  if (text_[at_] == '\n') {
    token_.word = ";";
    ++at_;
    return;
  }
  for (const std::string_view mark : kMarks) {
    if (!text_.substr(at_).starts_with(mark)) continue;
    token_.word = mark;
    at_ += mark.size();
    if (mark == "(" || mark == "[") ++brackets_;
    if (mark == ")" || mark == "]") --brackets_;
    return;
  }
  std::size_t end = at_ + 1;
  while (end < text_.size() && is_inside(text_[end])) ++end;
  fail("'" + std::string(text_.substr(at_, end - at_)) +
           "' means nothing here (names that are more than letters, digits and _ go in backquotes: `market/prices`)",
       at_);
}

void Lexer::read_name() {
  std::size_t end = at_;
  while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
  token_.kind = Token::Kind::name, token_.word = text_.substr(at_, end - at_);
  at_ = end;
}

void Lexer::read_text(char quote) {
  const std::size_t end = text_.find(quote, at_ + 1);
  if (end == std::string_view::npos) fail("a quote that is never closed", at_);
  token_.quoted = quote == '`';
  token_.kind = token_.quoted ? Token::Kind::name : Token::Kind::text;
  token_.word = text_.substr(at_ + 1, end - at_ - 1);
  if (token_.word.empty() && token_.quoted) fail("an empty name", at_);
  at_ = end + 1;
}

void Lexer::read_number() {
  const Digits digits = digits_at(text_, at_);
  const char after = digits.end < text_.size() ? text_[digits.end] : '\0';
  const bool imaginary = digits.base == 10 && (after == 'j' || after == 'J');
  const std::size_t end = digits.end + (imaginary ? 1 : 0);
  const char* first = digits.text.data();
  const char* last = first + digits.text.size();
  double real = 0;
  std::uint64_t integer = 0;
  const bool whole = digits.whole && !imaginary;
  const auto read = whole ? std::from_chars(first, last, integer, digits.base) : std::from_chars(first, last, real);
  const bool too_small = !whole && digits.text.find_first_of("eE") != std::string::npos &&
                         digits.text.find('-') != std::string::npos;  // is 0
  if (read.ec == std::errc::result_out_of_range && !too_small) {
    fail(whole ? "a whole number beyond 64 bits: write it as a float, 1e20" : "a number beyond float64: write inf",
         at_);
  }
  if (read.ec == std::errc::invalid_argument || read.ptr != last ||
      (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end])))) {
    std::size_t shown = end;
    while (shown < text_.size() && (is_letter(text_[shown]) || is_digit(text_[shown]))) ++shown;
    fail("'" + std::string(text_.substr(at_, shown - at_)) + "' is no number", at_);
  }
  token_.kind = Token::Kind::number, token_.word = text_.substr(at_, end - at_);
  token_.number = imaginary ? Scalar(std::complex<double>(0, real)) : whole ? Scalar(integer) : Scalar(real);
  at_ = end;
}

}  // namespace ndshare::internal
