#include <ndshare/error.h>

#include "lib/base/text.h"
#include "lib/exec/syntax.h"

#include <array>
#include <charconv>
#include <complex>

namespace ndshare::internal {
namespace {

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// The longer first.
constexpr std::array<std::string_view, 40> kMarks = {"**=", "//=", "<<=", ">>=", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=",
                                                     "*=",  "/=",  "%=",  "&=",  "|=", "^=", "+",  "-",  "*",  "/",  "%",  "&",  "|",  "^",
                                                     "~",   "<",   ">",   "=",   "(",  ")",  "[",  "]",  ",",  ".",  ";",  ":"};

}  // namespace

Lexer::Lexer(std::string_view text) : text_(text) {
  constexpr std::size_t kMost = 64 * 1024;
  if (text.size() > kMost) {
    throw Error(Error::Usage, "an expression of " + std::to_string(text.size()) + " characters: the limit is " + std::to_string(kMost));
  }
  advance();
}

void Lexer::fail(const std::string& what, std::size_t at) const {
  const std::size_t begin = text_.rfind('\n', at == 0 ? 0 : at - 1) == std::string_view::npos || at == 0 ? 0 : text_.rfind('\n', at - 1) + 1;
  const std::size_t from = at - begin > 60 ? at - 40 : begin;
  const std::size_t end = std::min(text_.find('\n', at), from + 76);
  throw Error(Error::Usage,
              what + " at position " + std::to_string(at) + "\n  " + printable(text_.substr(from, end - from)) + "\n  " +
                  std::string(at - from, ' ') + "^",
              {{"position", std::to_string(at)}});
}

Token Lexer::take() {
  Token taken = std::move(token_);
  advance();
  return taken;
}

bool Lexer::accept(std::string_view mark) {
  if (token_.kind != Token::Kind::mark || token_.word != mark) return false;
  advance();
  return true;
}

void Lexer::expect(std::string_view mark) {
  if (accept(mark)) return;
  const std::string found = token_.kind == Token::Kind::end ? "the end" : "'" + printable(token_.word) + "'";
  fail("expected '" + std::string(mark) + "', not " + found, token_.at);
}

std::string_view Lexer::take_bracket() {
  const std::size_t begin = token_.at;
  int depth = 1;
  char quote = 0;
  for (std::size_t i = begin; i < text_.size(); ++i) {
    const char c = text_[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"' || c == '`') quote = c;
    if (c == '[' || c == '(') ++depth;
    if ((c == ']' || c == ')') && --depth == 0) {
      at_ = i + 1;
      advance();
      return text_.substr(begin, i - begin);
    }
  }
  fail("a bracket that is never closed", begin == 0 ? 0 : begin - 1);
}

void Lexer::advance() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  token_ = {Token::Kind::end, "", false, at_};
  if (at_ == text_.size()) return;
  const char c = text_[at_];
  if (c == '\n') {
    token_.kind = Token::Kind::mark, token_.word = ";";
    ++at_;
    return;
  }
  if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return read_number();
  if (is_letter(c)) return read_name();
  if (c == '\'' || c == '"' || c == '`') return read_text(c);
  for (const std::string_view mark : kMarks) {
    if (!text_.substr(at_).starts_with(mark)) continue;
    token_.kind = Token::Kind::mark, token_.word = mark;
    at_ += mark.size();
    return;
  }
  fail("'" + printable(text_.substr(at_, 1)) + "' means nothing here", at_);
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
  token_.kind = quote == '`' ? Token::Kind::name : Token::Kind::text;
  token_.word = text_.substr(at_ + 1, end - at_ - 1);
  if (token_.word.empty() && quote == '`') fail("an empty name", at_);
  at_ = end + 1;
}

void Lexer::read_number() {
  const bool hex = text_.substr(at_).starts_with("0x") || text_.substr(at_).starts_with("0X");
  std::size_t end = hex ? at_ + 2 : at_;
  std::string digits;
  bool whole = true;
  for (; end < text_.size(); ++end) {
    const char c = text_[end];
    const bool exponent = !hex && (c == 'e' || c == 'E');
    const bool sign = !hex && (c == '+' || c == '-') && !digits.empty() && (digits.back() == 'e' || digits.back() == 'E');
    if (c == '_') continue;
    if (!is_digit(c) && !(hex && std::isxdigit(static_cast<unsigned char>(c)) != 0) && c != '.' && !exponent && !sign) break;
    if (c == '.' || exponent) whole = false;
    digits += c;
  }
  token_.kind = Token::Kind::number, token_.word = digits;
  const char* first = digits.data();
  const char* last = first + digits.size();
  double real = 0;
  std::uint64_t integer = 0;
  const bool imaginary = end < text_.size() && text_[end] == 'j';
  const auto read = whole && !imaginary ? std::from_chars(first, last, integer, hex ? 16 : 10) : std::from_chars(first, last, real);
  if (read.ec != std::errc() || read.ptr != last || (end < text_.size() && is_letter(text_[end]) && !imaginary)) {
    fail("'" + printable(text_.substr(at_, end - at_ + 1)) + "' is no number", at_);
  }
  token_.number = imaginary ? Scalar(std::complex<double>(0, real)) : whole ? Scalar(integer) : Scalar(real);
  at_ = imaginary ? end + 1 : end;
}

}  // namespace ndshare::internal
