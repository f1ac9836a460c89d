// NumPy's expression syntax: text to expressions over named arrays, for the command line and for programs that take formulas.
//
//   auto statements = nd::parse("late = mean(flights.delay, axis=0); x[1:-1] += 2*y");
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/lazy.h>
#include <ndshare/ops.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare {

namespace internal {
struct SyntaxNode;
}

/// One expression that was read.   Threads: a plain value.
///
/// Names (`prices`, or in backquotes where they are no identifiers: `` `market/prices` ``), fields (`a.delay`, `a["delay"]`), basic
/// indices (`a[1:-1, ::2]`, `...`, `newaxis`), numbers (`1_000`, `0xff`, `2.5e-3`, `3j`), `True False nan inf pi`, the operators
/// `+ - * / // % ** & | ^ ~ << >>` and comparisons with Python's precedence, and calls: every function of op_list.inc, `where clip
/// round power deg2rad rad2deg isclose nan_to_num astype`, the reductions with `axis keepdims ddof dtype`, `cumsum cumprod`,
/// `arange linspace zeros ones full`.
class NDSHARE_API Expression {
 public:
  explicit Expression(std::shared_ptr<const internal::SyntaxNode> node) noexcept : node_(std::move(node)) {}

  /// The names of arrays that it reads, each once, in the order in which they stand.
  [[nodiscard]] std::vector<std::string> names() const;

  using Resolve = std::function<Array(const std::string&)>;
  /// Computes it; element-wise parts, and reductions over them, in one pass.   Errors: what the functions throw; what `resolve`
  /// throws; Usage for an unknown function or argument; NotSupported for masks and index arrays.
  [[nodiscard]] Array evaluate(const Resolve& resolve, const OpOptions& options = {}) const;
  /// The lazy expression: what stands inside calls of reductions is computed at once, the rest is not.
  ///   Errors: as evaluate(); DtypeMismatch for arrays that are not numbers.
  [[nodiscard]] Lazy lazy(const Resolve& resolve) const;

 private:
  std::shared_ptr<const internal::SyntaxNode> node_;
};

/// `target[index] op= value`, or a value alone.
struct Statement {
  std::string target{};         ///< empty: an expression alone
  bool indexed = false;         ///< with an index, `x[...] = e`: written in place
  std::vector<Index> index{};
  std::string op{};             ///< "" for `=`, "+" for `+=`, …
  Expression value;
};

/// Reads statements, separated by `;` or lines.
///   Errors: IndexSyntax for an index; Usage for anything else, with the position and the line with a mark under it; both for text
///   over 64 KiB, or nested deeper than 200.
[[nodiscard]] NDSHARE_API std::vector<Statement> parse(std::string_view text);

}  // namespace ndshare
