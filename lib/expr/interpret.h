// Walks the tree of an expression: computes it, or plans it.
#pragma once

#include <ndshare/array.h>
#include <ndshare/lazy.h>
#include <ndshare/parse.h>
#include <ndshare/reduce.h>

#include "lib/expr/syntax.h"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ndshare::internal {

/// What a part of an expression comes to: an array of any dtype, a lazy expression, a weak number, text, or a tuple.
struct NoValue {};
using Tuple = std::vector<Scalar>;
using Result = std::variant<NoValue, Array, Lazy, Scalar, std::string, Tuple>;

/// One walk over one tree. With `stages` nothing is computed: what would be is noted there, and stands in as an array
/// of zeros without memory of its own.
class Interpreter {
 public:
  Interpreter(const SyntaxTree& tree, const Expression::Resolve& resolve, std::vector<Plan>* stages = nullptr)
      : tree_(tree), resolve_(resolve), stages_(stages) {}

  Result result() { return result(*tree_.root); }
  Result result(const SyntaxNode& node);
  [[nodiscard]] Lazy to_lazy(const Result& value, const SyntaxNode& node) const;
  /// Computed where it is not.
  [[nodiscard]] Array to_array(const Result& value, const SyntaxNode& node) const;

  [[nodiscard]] bool is_planning() const noexcept { return stages_ != nullptr; }
  /// What stands in for a value of this shape and dtype, which takes `plan`.
  [[nodiscard]] Array planned(Plan plan) const;
  [[nodiscard]] Array computed(const Lazy& value) const;
  using Reduce = Array (*)(const Lazy&, const ReduceOptions&);
  [[nodiscard]] Array reduced(Reduce function, const Lazy& x, const ReduceOptions& options) const;

  /// The entries of an index node.   Errors: NotSupported for masks and index arrays; IndexSyntax.
  std::vector<Index> entries(const SyntaxNode& node);
  [[noreturn]] void fail(const SyntaxNode& node, const std::string& what, ErrorCode code = ErrorCode::Usage) const {
    fail_at(*tree_.text, node.at, what, code);
  }

 private:
  [[nodiscard]] Result binary(const SyntaxNode& node);
  [[nodiscard]] Result combined(const SyntaxNode& node, const Result& left, const Result& right) const;
  [[nodiscard]] std::optional<Result> special(const SyntaxNode& node, const Result& left, const Result& right) const;
  [[nodiscard]] Array planned_whole(const Array& a, const Array& b, const DType& dtype) const;
  [[nodiscard]] Result unary(const SyntaxNode& node);
  [[nodiscard]] Result indexed(const SyntaxNode& node);
  [[nodiscard]] Result listed(const SyntaxNode& node);
  [[nodiscard]] Tuple numbers(const SyntaxNode& node);
  std::int64_t position(const SyntaxNode& node);
  Index entry(const SyntaxNode& node);

  const SyntaxTree& tree_;
  const Expression::Resolve& resolve_;
  std::vector<Plan>* stages_;
};

/// A call and its arguments: by position, then by name; what is left over is a mistake.
class Call {
 public:
  Call(const SyntaxNode& node, Interpreter& interpreter);

  [[nodiscard]] const std::string& name() const { return node_.word; }
  [[nodiscard]] std::size_t given() const { return values_.size(); }
  void need(std::size_t least, std::size_t most) const;
  [[nodiscard]] Lazy operand(std::size_t i) const {
    const Result& given = value(i);  // first: it throws where there is none
    return interpreter_.to_lazy(given, *node_.in[i]);
  }
  [[nodiscard]] Array array(std::size_t i) const {
    const Result& given = value(i);
    return interpreter_.to_array(given, *node_.in[i]);
  }
  [[nodiscard]] const Result& value(std::size_t i) const {
    if (i >= values_.size()) fail("needs an operand");
    return values_[i];
  }
  [[nodiscard]] const Interpreter& interpreter() const noexcept { return interpreter_; }

  /// The argument at this position or of this name; nothing where it is None or not given.
  std::optional<Result> take(const std::string& argument, std::size_t position = kByNameOnly);
  std::optional<Scalar> take_number(const std::string& argument, std::size_t position = kByNameOnly);
  std::optional<std::int64_t> take_integer(const std::string& argument, std::size_t position = kByNameOnly);
  bool take_flag(const std::string& argument, bool otherwise = false);
  Axes take_axes(std::size_t position);
  std::optional<DType> take_dtype(std::size_t position = kByNameOnly);
  Shape take_shape(std::size_t position);
  /// Nothing but what was taken was given by name.
  void done() const;
  [[noreturn]] void fail(const std::string& what) const { interpreter_.fail(node_, node_.word + " " + what); }

  static constexpr std::size_t kByNameOnly = SIZE_MAX;

 private:
  [[nodiscard]] std::int64_t integer(const Scalar& number, const std::string& what) const;

  const SyntaxNode& node_;
  Interpreter& interpreter_;
  std::vector<Result> values_;
  std::map<std::string, Result> named_;
};

using Function = Result (*)(Call&);
/// Null where there is none of this name.
[[nodiscard]] Function find_function(std::string_view name);

/// Calls `left op right`: an operator of two operands.
[[nodiscard]] Lazy apply_operator(std::string_view op, const Lazy& left, const Lazy& right);

}  // namespace ndshare::internal
