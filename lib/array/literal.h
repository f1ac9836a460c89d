// LiteralReader: the words of Python literals (strings, whole numbers, booleans, brackets) that dtypes and the headers
// of .npy files are written in. A grammar derives from it and says how its errors read.
#pragma once

#include <ndshare/shape.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ndshare::internal {

/// Reads `text` from left to right. Nothing here recurses and nothing allocates but strings.
class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}
  LiteralReader(const LiteralReader&) = delete;
  LiteralReader& operator=(const LiteralReader&) = delete;
  virtual ~LiteralReader() = default;

 protected:
  /// Throws the grammar's error; `what` says what was expected at `position()`.
  [[noreturn]] virtual void fail(const std::string& what) const = 0;

  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ >= text_.size(); }
  /// The next byte, NUL at the end.
  [[nodiscard]] char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
  [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(at_); }
  void advance(std::size_t bytes) noexcept { at_ += bytes; }
  /// Goes to a position that was read before.
  void seek(std::size_t position) noexcept { at_ = position; }
  void skip_space() noexcept;
  /// Skips space, then takes `c` if it is next.
  bool take(char c) noexcept;
  void expect(char c);

  /// A string in either kind of quotes, with an optional u or b and the usual escapes; the result is UTF-8.
  std::string string();
  std::int64_t number();
  bool boolean();
  /// "(2, 3)" or "2" as a shape; lengths are whatever was written.
  Shape shape_or_number();

  /// A bracketed list, [a, b] or (a, b), with or without a comma at its end.
  template <class Item>
  void list(Item item) {
    skip_space();
    const char close = peek() == '(' ? ')' : ']';
    expect(close == ')' ? '(' : '[');
    while (!take(close)) {
      skip_space();
      item();
      if (!take(',')) {
        expect(close);
        return;
      }
    }
  }

 private:
  void escape(std::string& result);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace ndshare::internal
