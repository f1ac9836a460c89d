// Statements and expressions: precedence climbing, with Python's precedences.
#include <ndshare/error.h>
#include <ndshare/parse.h>

#include "lib/expr/syntax.h"

#include <algorithm>
#include <limits>
#include <numbers>
#include <optional>

namespace ndshare {
namespace internal {
namespace {

using Node = SyntaxNode;
using Ptr = SyntaxNode::Ptr;

constexpr int kDeepest = 200;             // levels: each is a few calls deep, here and where the tree is walked
constexpr int kMostOperations = 1000;     // of one expression: as many as a program has room for
constexpr std::size_t kMostEntries = 65;  // of an index: more than axes and new axes can be

struct Precedence {
  std::string_view mark;
  int level;
};
// Loosest first, as Python; `**` is of its own.
constexpr Precedence kBinary[] = {{"<", 1}, {"<=", 1}, {">", 1}, {">=", 1}, {"==", 1}, {"!=", 1},
                                  {"|", 2}, {"^", 3},  {"&", 4}, {"<<", 5}, {">>", 5}, {"+", 6},
                                  {"-", 6}, {"*", 7},  {"/", 7}, {"//", 7}, {"%", 7}};
int level_of(const Token& token) noexcept {
  if (token.kind != Token::Kind::mark) return 0;
  const auto* found =
      std::find_if(std::begin(kBinary), std::end(kBinary), [&](const Precedence& p) { return p.mark == token.word; });
  return found == std::end(kBinary) ? 0 : found->level;
}

/// Where a function takes a dtype without a name, counted from 0; −1: nowhere.
int dtype_position(std::string_view function) noexcept {
  if (function == "astype" || function == "zeros" || function == "ones") return 1;
  return function == "full" ? 2 : -1;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(std::make_shared<const std::string>(text)), lexer_(*text_) {}

  std::vector<Statement> statements() {
    std::vector<Statement> out;
    while (true) {
      while (lexer_.accept(";")) {
      }
      if (lexer_.peek().kind == Token::Kind::end) return out;
      operations_ = 0;
      out.push_back(statement());
      if (lexer_.peek().kind != Token::Kind::end) lexer_.expect(";");
    }
  }

 private:
  /// One level deeper, until the end of the scope: bounds the parser's own recursion.
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser.depth_ > 3 * kDeepest) parser.too_deep(parser.lexer_.peek().at);
    }
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Parser& parser_;
  };

  [[noreturn]] void too_deep(std::size_t at) const {
    lexer_.fail("nested deeper than " + std::to_string(kDeepest), at);
  }

  /// Bounds the depth of the tree: it is walked by recursion, but for chains of operators.
  Ptr make(Node node) const {
    for (std::size_t i = 0; i < node.in.size(); ++i) {
      if (node.in[i] == nullptr) continue;
      const bool chain = node.kind == Node::Kind::binary && i == 0 && node.in[0]->kind == Node::Kind::binary;
      node.depth = std::max(node.depth, node.in[i]->depth + (chain ? 0 : 1));
    }
    for (const auto& [name, value] : node.named) node.depth = std::max(node.depth, value->depth + 1);
    if (node.depth > kDeepest) too_deep(node.at);
    return std::make_shared<const Node>(std::move(node));
  }
  [[nodiscard]] Expression expression_of(const Ptr& root) const {
    return Expression(std::make_shared<const SyntaxTree>(SyntaxTree{text_, root}));
  }

  Statement statement() {
    const Ptr left = expression(1);
    const Token mark = lexer_.peek();
    const bool assigns = mark.kind == Token::Kind::mark && mark.word.ends_with('=') && level_of(mark) == 0;
    if (!assigns) return {.place = expression_of(left), .value = expression_of(left)};
    const Node* target = left.get();
    while (target->kind == Node::Kind::index || target->kind == Node::Kind::field) target = target->in[0].get();
    if (target->kind != Node::Kind::name)
      lexer_.fail("only a name, its fields and elements can be assigned to", left->at);
    lexer_.take();
    return {.target = target->word,
            .op = mark.word.substr(0, mark.word.size() - 1),
            .in_place = target != left.get() || mark.word != "=",
            .place = expression_of(left),
            .value = expression_of(expression(1))};
  }

  Ptr expression(int level) {
    const Deeper deeper(*this);
    Ptr left = prefix();
    bool compared = false;
    for (int found = level_of(lexer_.peek()); found >= level && found != 0; found = level_of(lexer_.peek())) {
      const Token mark = lexer_.take();
      if (++operations_ > kMostOperations)
        lexer_.fail("over " + std::to_string(kMostOperations) + " operators", mark.at);
      if (found == 1 && compared) lexer_.fail("comparisons do not chain: write (a < b) & (b < c)", mark.at);
      compared = found == 1;
      left = make({.kind = Node::Kind::binary, .at = mark.at, .word = mark.word, .in = {left, expression(found + 1)}});
    }
    refuse_words(lexer_.peek());
    return left;
  }

  Ptr prefix() {
    const Deeper deeper(*this);
    const std::size_t at = lexer_.peek().at;
    for (const char* mark : {"-", "+", "~"}) {
      if (lexer_.accept(mark)) return make({.kind = Node::Kind::unary, .at = at, .word = mark, .in = {prefix()}});
    }
    const Ptr base = postfix();
    const std::size_t mark = lexer_.peek().at;
    if (!lexer_.accept("**")) return base;
    return make({.kind = Node::Kind::binary,
                 .at = mark,
                 .word = "**",
                 .in = {base, prefix()}});  // right to left; -2**2 is -(2**2)
  }

  Ptr postfix() {
    Ptr node = primary();
    while (true) {
      const std::size_t at = lexer_.peek().at;
      if (lexer_.accept(".")) {
        const Token field = lexer_.take();
        if (field.kind != Token::Kind::name) lexer_.fail("a field's name is expected after '.'", field.at);
        if (lexer_.at_mark("("))
          lexer_.fail("there are no methods here: write " + field.word + "(a), not a." + field.word + "()", at);
        node = make({.kind = Node::Kind::field, .at = at, .word = field.word, .in = {node}});
      } else if (lexer_.accept("[")) {
        node = bracket(node, at);
      } else if (node->kind == Node::Kind::name && lexer_.accept("(")) {
        node = call(*node);
      } else {
        return node;
      }
    }
  }

  Ptr bracket(const Ptr& base, std::size_t at) {
    Node index{.kind = Node::Kind::index, .at = at, .in = {base}};
    do {
      if (lexer_.at_mark("]") && index.in.size() > 1) break;
      index.in.push_back(entry());
      if (index.in.size() > kMostEntries)
        lexer_.fail("an index of over " + std::to_string(kMostEntries - 1) + " entries", at);
    } while (lexer_.accept(","));
    lexer_.expect("]");
    if (index.in.size() == 2 && index.in[1]->kind == Node::Kind::text) {
      return make({.kind = Node::Kind::field, .at = at, .word = index.in[1]->word, .in = {base}});
    }
    return make(std::move(index));
  }

  Ptr entry() {
    const std::size_t at = lexer_.peek().at;
    const auto part = [this]() -> Ptr {
      const bool empty = lexer_.at_mark(":") || lexer_.at_mark(",") || lexer_.at_mark("]");
      return empty ? nullptr : expression(1);
    };
    if (lexer_.accept("...")) return make({.kind = Node::Kind::ellipsis, .at = at});
    const Ptr start = lexer_.at_mark(":") ? nullptr : expression(1);
    if (!lexer_.accept(":")) return start;
    const Ptr stop = part();
    const Ptr step = lexer_.accept(":") ? part() : nullptr;
    return make({.kind = Node::Kind::slice, .at = at, .in = {start, stop, step}});
  }

  Ptr call(const Node& function) {
    if (!is_function(function.word)) {
      lexer_.fail("no function is called '" + function.word + "'" + nearest_function(function.word), function.at);
    }
    Node node{.kind = Node::Kind::call, .at = function.at, .word = function.word};
    while (!lexer_.accept(")")) {
      const std::size_t at = lexer_.peek().at;
      const bool is_dtype = static_cast<int>(node.in.size()) == dtype_position(node.word);
      const Ptr argument = is_dtype ? dtype() : expression(1);
      if ((argument->kind == Node::Kind::name || is_dtype) && lexer_.accept("=")) {
        node.named.emplace_back(argument->word, argument->word == "dtype" ? dtype() : expression(1));
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

  /// A dtype, bare or as text; or the name of an argument.
  Ptr dtype() {
    const Token token = lexer_.peek();
    if (token.kind != Token::Kind::name || token.quoted) return expression(1);
    lexer_.take();
    return make({.kind = Node::Kind::text, .at = token.at, .word = token.word});
  }

  Ptr primary() {
    const Deeper deeper(*this);
    const Token token = lexer_.take();
    switch (token.kind) {
      case Token::Kind::number:
        return make({.kind = Node::Kind::number, .at = token.at, .number = token.number});
      case Token::Kind::text:
        return make({.kind = Node::Kind::text, .at = token.at, .word = token.word});
      case Token::Kind::name:
        return name(token);
      case Token::Kind::mark:
        if (token.word == "(") return group(token.at);
        if (token.word == "[") return list(token.at);
        if (token.word == ";") lexer_.fail("something is missing", token.at);
        if (token.word == "&" || token.word == "|")
          lexer_.fail("'" + token.word + "' stands between two operands, once", token.at);
        break;
      case Token::Kind::end:
        lexer_.fail("something is missing", token.at);
    }
    lexer_.fail("'" + token.word + "' is not expected here", token.at);
  }

  void refuse_words(const Token& token) const {
    if (token.kind != Token::Kind::name || token.quoted) return;
    if (token.word != "and" && token.word != "or" && token.word != "not") return;
    lexer_.fail("arrays are joined by & | ~, not by '" + token.word + "': (a > 1) & (b < 2)", token.at);
  }

  [[nodiscard]] static std::optional<Scalar> constant(std::string_view word) {
    if (word == "True") return Scalar(true);
    if (word == "False") return Scalar(false);
    if (word == "nan") return Scalar(std::numeric_limits<double>::quiet_NaN());
    if (word == "inf") return Scalar(std::numeric_limits<double>::infinity());
    if (word == "pi") return Scalar(std::numbers::pi);
    return std::nullopt;
  }

  Ptr name(const Token& token) const {
    refuse_words(token);
    if (!token.quoted) {
      if (const auto number = constant(token.word))
        return make({.kind = Node::Kind::number, .at = token.at, .number = *number});
      if (token.word == "None" || token.word == "newaxis") return make({.kind = Node::Kind::none, .at = token.at});
      if (token.word == "Ellipsis") return make({.kind = Node::Kind::ellipsis, .at = token.at});
    }
    return make({.kind = Node::Kind::name, .at = token.at, .word = token.word});
  }

  /// In parentheses: an expression, or a tuple.
  Ptr group(std::size_t at) {
    if (lexer_.accept(")")) return make({.kind = Node::Kind::tuple, .at = at});
    const Ptr first = expression(1);
    if (lexer_.accept(")")) return first;
    Node tuple{.kind = Node::Kind::tuple, .at = at, .in = {first}};
    lexer_.expect(",");
    rest(tuple, ")");
    return make(std::move(tuple));
  }
  Ptr list(std::size_t at) {
    Node list{.kind = Node::Kind::list, .at = at};
    rest(list, "]");
    return make(std::move(list));
  }
  /// Expressions between commas, up to the bracket that closes them.
  void rest(Node& node, std::string_view end) {
    while (!lexer_.accept(end)) {
      node.in.push_back(expression(1));
      if (lexer_.accept(",")) continue;
      lexer_.expect(end);
      return;
    }
  }

  std::shared_ptr<const std::string> text_;
  Lexer lexer_;
  int depth_ = 0, operations_ = 0;
};

}  // namespace
}  // namespace internal

std::vector<Statement> parse(std::string_view text) { return internal::Parser(text).statements(); }

}  // namespace ndshare
