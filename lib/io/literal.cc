#include "lib/io/literal.h"

#include <ndshare/shape.h>

#include "lib/base/text.h"
#include "lib/io/file.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace ndshare::internal {
namespace {

constexpr int kMaxNesting = 64;          ///< brackets of a descr; DType::parse has its own, lower limit
constexpr std::size_t kShownBytes = 24;  ///< of the text, in messages

/// A cursor over the literal that fails with its position.
class Literal {
 public:
  Literal(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  HeaderLiteral parse() {
    expect('{');
    while (!accept('}')) {
      parse_entry();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ < text_.size()) fail("nothing more after the dict");
    if (!has_descr_) fail("the key 'descr'");
    if (!has_order_) fail("the key 'fortran_order'");
    if (!has_shape_) fail("the key 'shape'");
    return result_;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    const std::string_view rest = text_.substr(std::min(at_, text_.size()));
    const std::string there = rest.empty() ? "the end" : "'" + printable(rest.substr(0, kShownBytes)) + "'";
    format_error(file_,
                 "bad .npy header at byte " + std::to_string(at_) + " of " + std::to_string(text_.size()) +
                     ": expected " + expected + ", found " + there,
                 {{"position", std::to_string(at_)}});
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail("'" + std::string(1, c) + "'");
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  void parse_entry() {
    skip_space();
    const std::size_t start = at_;
    const std::string_view key = parse_string();
    bool* seen = key == "descr"           ? &has_descr_
                 : key == "fortran_order" ? &has_order_
                 : key == "shape"         ? &has_shape_
                                          : nullptr;
    if (seen == nullptr || *seen) {
      at_ = start;
      fail(seen == nullptr ? "one of the keys 'descr', 'fortran_order' and 'shape'" : "each key once");
    }
    *seen = true;
    expect(':');
    if (key == "descr") {
      parse_descr();
    } else if (key == "shape") {
      parse_shape();
    } else {
      result_.fortran_order = accept_word("True");
      if (!result_.fortran_order && !accept_word("False")) fail("True or False");
    }
  }

  /// A string without escapes, as keys and simple dtypes are.
  std::string_view parse_string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("a string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a string that ends");
    const std::string_view content = text_.substr(at_ + 1, end - at_ - 1);
    if (content.find('\\') != std::string_view::npos) fail("a string without escapes");
    at_ = end + 1;
    return content;
  }

  void parse_descr() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') {
      const std::size_t start = at_;
      skip_brackets();
      result_.descr = std::string(text_.substr(start, at_ - start));
      return;
    }
    const std::size_t start = at_;
    result_.descr = std::string(parse_string());
    // One plain dtype ('[' belongs to time units): the dtype parser also reads spellings that no .npy file has.
    if (result_.descr.empty() || result_.descr.find_first_of(":,(){}") != std::string::npos) {
      at_ = start;
      fail("a dtype such as '<f4' or a list of fields");
    }
  }

  /// Passes over one bracketed list, minding strings; what is in it is parse_foreign_dtype's to judge.
  void skip_brackets() {
    int depth = 0;
    do {
      if (at_ >= text_.size()) fail("']'");
      const char c = text_[at_];
      if (c == '\'' || c == '"') {
        skip_string(c);
        continue;
      }
      if (c == '[' || c == '(') ++depth;
      if (c == ']' || c == ')') --depth;
      if (depth > kMaxNesting) fail("at most " + std::to_string(kMaxNesting) + " nested brackets");
      ++at_;
    } while (depth > 0);
  }

  void skip_string(char quote) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        ++at_;
        return;
      }
    }
    fail("a string that ends");
  }

  void parse_shape() {
    expect('(');
    bool comma = true;
    while (!accept(')')) {
      if (!comma) fail("',' or ')'");
      result_.shape.push_back(parse_length());
      comma = accept(',');
      if (result_.shape.size() > static_cast<std::size_t>(kMaxAxes)) {
        fail("at most " + std::to_string(kMaxAxes) + " axes");
      }
      if (!comma && result_.shape.size() == 1) fail("',' (a tuple of one is written '(3,)')");
    }
  }

  std::int64_t parse_length() {
    skip_space();
    std::int64_t value = 0;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("a length below 2^63");
    if (error != std::errc{} || value < 0) fail("a length (0 or more)");
    at_ += static_cast<std::size_t>(end - first);
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // files of Python 2
    return value;
  }

  std::string_view text_;
  std::string_view file_;
  std::size_t at_ = 0;
  HeaderLiteral result_{};
  bool has_descr_ = false, has_order_ = false, has_shape_ = false;
};

}  // namespace

HeaderLiteral parse_header_literal(std::string_view text, std::string_view file) { return Literal(text, file).parse(); }

}  // namespace ndshare::internal
