// The tree that parse() makes, and its tokens.
#pragma once

#include <ndshare/error.h>
#include <ndshare/scalar.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ndshare::internal {

struct SyntaxNode {
  enum class Kind : std::uint8_t {
    number,
    text,
    name,
    none,
    ellipsis,
    field,
    index,
    slice,
    list,
    tuple,
    unary,
    binary,
    call
  };
  using Ptr = std::shared_ptr<const SyntaxNode>;
  Kind kind{};
  std::size_t at = 0;  ///< position in the text
  std::string word{};  ///< text, name, field, operator or function
  Scalar number{false};
  /// Operands, arguments, entries: an index's base comes first; a slice has three, null where nothing is written.
  std::vector<Ptr> in{};
  std::vector<std::pair<std::string, Ptr>> named{};  ///< keyword arguments
  int depth = 0;                                     ///< of the tree below; a chain of operators counts as one level
};

struct SyntaxTree {
  std::shared_ptr<const std::string> text;  ///< all of it, for messages
  SyntaxNode::Ptr root;
};

/// Throws `code`: what is wrong, the position, and the line with a mark under it.
[[noreturn]] void fail_at(std::string_view text, std::size_t at, const std::string& what,
                          ErrorCode code = ErrorCode::Usage);

/// Whether there is a function of this name.
[[nodiscard]] bool is_function(std::string_view name);
/// ", did you mean 'sqrt'?", or nothing where no function is near.
[[nodiscard]] std::string nearest_function(std::string_view name);

struct Token {
  enum class Kind : std::uint8_t { end, number, text, name, mark };
  Kind kind{};
  std::string word{};
  Scalar number{false};
  std::size_t at = 0;   ///< position of its first character
  bool quoted = false;  ///< a name in backquotes: no constant, no keyword
};

/// Text, token by token.   Errors: Usage, with the position.   REQUIRES: the text outlives it.
class Lexer {
 public:
  explicit Lexer(std::string_view text);
  [[nodiscard]] const Token& peek() const noexcept { return token_; }
  [[nodiscard]] bool at_mark(std::string_view mark) const noexcept {
    return token_.kind == Token::Kind::mark && token_.word == mark;
  }
  Token take();
  /// Takes the mark if it stands here.
  bool accept(std::string_view mark);
  void expect(std::string_view mark);
  [[noreturn]] void fail(const std::string& what, std::size_t at) const { fail_at(text_, at, what); }

 private:
  void advance();
  void skip_space();
  void read_mark();
  void read_number();
  void read_text(char quote);
  void read_name();

  std::string_view text_;
  std::size_t at_ = 0;
  int brackets_ = 0;  // open ones: a line goes on inside
  Token token_;
};

}  // namespace ndshare::internal
