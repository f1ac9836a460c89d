// The tree that parse() makes, and its tokens.
#pragma once

#include <ndshare/index.h>
#include <ndshare/scalar.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ndshare::internal {

struct SyntaxNode {
  enum class Kind : std::uint8_t { number, text, name, field, index, unary, binary, call, tuple, none };
  using Ptr = std::shared_ptr<const SyntaxNode>;
  Kind kind{};
  std::string word{};  ///< name, field, operator or function
  Scalar number{false};
  std::vector<Index> index{};
  std::vector<Ptr> in{};
  std::vector<std::pair<std::string, Ptr>> named{};  ///< keyword arguments
};

struct Token {
  enum class Kind : std::uint8_t { end, number, text, name, mark };
  Kind kind{};
  std::string word{};
  Scalar number{false};
  std::size_t at = 0;  ///< position of its first character
};

/// Text, token by token.   Errors: Usage, with the position.
class Lexer {
 public:
  explicit Lexer(std::string_view text);
  [[nodiscard]] const Token& peek() const noexcept { return token_; }
  Token take();
  /// Takes the mark if it stands here.
  bool accept(std::string_view mark);
  void expect(std::string_view mark);
  /// Everything up to the bracket that closes the one just taken, which is taken too.
  std::string_view take_bracket();
  /// Throws Usage: `what`, the position, and the line with a mark under it.
  [[noreturn]] void fail(const std::string& what, std::size_t at) const;

 private:
  void advance();
  void read_number();
  void read_text(char quote);
  void read_name();

  std::string_view text_;
  std::size_t at_ = 0;
  Token token_;
};

}  // namespace ndshare::internal
