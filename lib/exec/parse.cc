// Statements and expressions: precedence climbing, with Python's precedences.
#include <ndshare/error.h>
#include <ndshare/parse.h>

#include "lib/exec/syntax.h"

#include <algorithm>
#include <limits>
#include <numbers>
#include <set>

namespace ndshare {
namespace internal {
namespace {

using Node = SyntaxNode;
using Ptr = SyntaxNode::Ptr;

constexpr int kDeepest = 200;          // levels: each is a few calls deep, here and where the tree is walked
constexpr int kMostOperations = 1000;  // of one expression: as many as a program has room for

struct Precedence {
  std::string_view mark;
  int level;
};
// Loosest first, as Python; `**` is of its own.
constexpr Precedence kBinary[] = {{"<", 1},  {"<=", 1}, {">", 1},  {">=", 1}, {"==", 1}, {"!=", 1}, {"|", 2}, {"^", 3},
                                  {"&", 4},  {"<<", 5}, {">>", 5}, {"+", 6},  {"-", 6},  {"*", 7},  {"/", 7}, {"//", 7},
                                  {"%", 7}};
int level_of(const Token& token) noexcept {
  if (token.kind != Token::Kind::mark) return 0;
  const auto* found = std::find_if(std::begin(kBinary), std::end(kBinary), [&](const Precedence& p) { return p.mark == token.word; });
  return found == std::end(kBinary) ? 0 : found->level;
}

Ptr make(Node node) { return std::make_shared<const Node>(std::move(node)); }

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  std::vector<Statement> statements() {
    std::vector<Statement> out;
    while (true) {
      while (lexer_.accept(";")) {
      }
      if (lexer_.peek().kind == Token::Kind::end) return out;
      out.push_back(statement());
      if (lexer_.peek().kind != Token::Kind::end) lexer_.expect(";");
    }
  }

 private:
  /// One level deeper, until the end of the scope.
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser.depth_ > 3 * kDeepest) parser.lexer_.fail("nested deeper than " + std::to_string(kDeepest), parser.lexer_.peek().at);
    }
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Parser& parser_;
  };

  Statement statement() {
    const std::size_t at = lexer_.peek().at;
    const Ptr left = expression(1);
    const Token mark = lexer_.peek();
    const bool assigns = mark.kind == Token::Kind::mark && mark.word.size() <= 3 && mark.word.ends_with('=') && level_of(mark) == 0;
    if (!assigns) return {.value = Expression(left)};
    lexer_.take();
    Statement out{.op = mark.word.substr(0, mark.word.size() - 1), .value = Expression(expression(1))};
    const Node* target = left.get();
    if (target->kind == Node::Kind::index) {
      out.indexed = true, out.index = target->index;
      target = target->in[0].get();
    }
    if (target->kind != Node::Kind::name) lexer_.fail("only a name, or a name with an index, can be assigned to", at);
    out.target = target->word;
    return out;
  }

  Ptr expression(int level) {
    const Deeper deeper(*this);
    Ptr left = prefix();
    bool compared = false;
    for (int found = level_of(lexer_.peek()); found >= level && found != 0; found = level_of(lexer_.peek())) {
      const Token mark = lexer_.take();
      if (++operations_ > kMostOperations) lexer_.fail("over " + std::to_string(kMostOperations) + " operations", mark.at);
      if (found == 1 && compared) lexer_.fail("comparisons do not chain: write (a < b) & (b < c)", mark.at);
      compared = found == 1;
      left = make({.kind = Node::Kind::binary, .word = mark.word, .in = {left, expression(found + 1)}});
    }
    if (lexer_.peek().kind == Token::Kind::name) refuse_words(lexer_.peek());
    return left;
  }

  Ptr prefix() {
    const Deeper deeper(*this);
    for (const char* mark : {"-", "+", "~"}) {
      if (lexer_.accept(mark)) return make({.kind = Node::Kind::unary, .word = mark, .in = {prefix()}});
    }
    const Ptr base = postfix();
    if (!lexer_.accept("**")) return base;
    return make({.kind = Node::Kind::binary, .word = "**", .in = {base, prefix()}});  // right to left; -2**2 is -(2**2)
  }

  Ptr postfix() {
    Ptr node = primary();
    while (true) {
      if (lexer_.accept(".")) {
        const Token field = lexer_.take();
        if (field.kind != Token::Kind::name) lexer_.fail("a field's name is expected after '.'", field.at);
        node = make({.kind = Node::Kind::field, .word = field.word, .in = {node}});
      } else if (lexer_.peek().kind == Token::Kind::mark && lexer_.peek().word == "[") {
        lexer_.take();
        node = bracket(node);
      } else if (node->kind == Node::Kind::name && lexer_.accept("(")) {
        node = call(node->word);
      } else {
        return node;
      }
    }
  }

  Ptr bracket(const Ptr& base) {
    const std::size_t at = lexer_.peek().at;
    const std::string_view inside = lexer_.take_bracket();
    const bool quoted = inside.size() > 2 && (inside.front() == '"' || inside.front() == '\'') && inside.back() == inside.front();
    if (quoted) return make({.kind = Node::Kind::field, .word = std::string(inside.substr(1, inside.size() - 2)), .in = {base}});
    std::string text(inside);
    for (std::size_t found = text.find("newaxis"); found != std::string::npos; found = text.find("newaxis")) text.replace(found, 7, "None");
    const bool basic = text.find_first_not_of("0123456789:,.+- \tNone") == std::string::npos;
    if (basic) return make({.kind = Node::Kind::index, .index = parse_index("[" + text + "]"), .in = {base}});
    static_cast<void>(Parser(inside).statements());  // a mistake in it is told first
    throw Error(Error::NotSupported,
                "an index that is an expression ('" + text + "' at position " + std::to_string(at) +
                    "): masks and index arrays are not there yet; use where(…), or a slice");
  }

  Ptr call(const std::string& function) {
    Node node{.kind = Node::Kind::call, .word = function};
    while (!lexer_.accept(")")) {
      const std::size_t at = lexer_.peek().at;
      const Ptr argument = expression(1);
      if (argument->kind == Node::Kind::name && lexer_.accept("=")) {
        node.named.emplace_back(argument->word, expression(1));
      } else {
        if (!node.named.empty()) lexer_.fail("an argument without a name behind one with a name", at);
        node.in.push_back(argument);
      }
      if (!lexer_.accept(",")) {
        lexer_.expect(")");
        break;
      }
    }
    return make(std::move(node));
  }

  Ptr primary() {
    const Deeper deeper(*this);
    const Token token = lexer_.take();
    switch (token.kind) {
      case Token::Kind::number:
        return make({.kind = Node::Kind::number, .number = token.number});
      case Token::Kind::text:
        return make({.kind = Node::Kind::text, .word = token.word});
      case Token::Kind::name:
        return name(token);
      case Token::Kind::mark:
        if (token.word == "(") return group();
        break;
      case Token::Kind::end:
        lexer_.fail("something is missing", token.at);
    }
    lexer_.fail("'" + token.word + "' is not expected here", token.at);
  }

  void refuse_words(const Token& token) const {
    if (token.word != "and" && token.word != "or" && token.word != "not") return;
    lexer_.fail("arrays are joined by & | ~, not by '" + token.word + "': (a > 1) & (b < 2)", token.at);
  }

  Ptr name(const Token& token) {
    refuse_words(token);
    const auto number = [](Scalar value) { return make({.kind = Node::Kind::number, .number = std::move(value)}); };
    if (token.word == "True") return number(true);
    if (token.word == "False") return number(false);
    if (token.word == "nan") return number(std::numeric_limits<double>::quiet_NaN());
    if (token.word == "inf") return number(std::numeric_limits<double>::infinity());
    if (token.word == "pi") return number(std::numbers::pi);
    if (token.word == "None") return make({.kind = Node::Kind::none});
    return make({.kind = Node::Kind::name, .word = token.word});
  }

  /// In parentheses: an expression, or a tuple.
  Ptr group() {
    if (lexer_.accept(")")) return make({.kind = Node::Kind::tuple});
    const Ptr first = expression(1);
    if (lexer_.accept(")")) return first;
    Node tuple{.kind = Node::Kind::tuple, .in = {first}};
    while (!lexer_.accept(")")) {
      lexer_.expect(",");
      if (lexer_.accept(")")) break;
      tuple.in.push_back(expression(1));
    }
    return make(std::move(tuple));
  }

  Lexer lexer_;
  int depth_ = 0, operations_ = 0;
};

void collect(const Node& node, std::vector<std::string>& names, std::set<std::string>& seen) {
  if (node.kind == Node::Kind::name && seen.insert(node.word).second) names.push_back(node.word);
  for (const Ptr& in : node.in) collect(*in, names, seen);
  for (const auto& [name, value] : node.named) collect(*value, names, seen);
}

}  // namespace
}  // namespace internal

std::vector<std::string> Expression::names() const {
  std::vector<std::string> out;
  std::set<std::string> seen;
  internal::collect(*node_, out, seen);
  return out;
}

std::vector<Statement> parse(std::string_view text) { return internal::Parser(text).statements(); }

}  // namespace ndshare
