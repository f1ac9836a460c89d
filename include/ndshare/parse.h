// NumPy's expression syntax: text to expressions over named arrays, for the command line and for programs that take
// formulas.
//
//   for (const nd::Statement& s : nd::parse("late = mean(flights.delay, axis=0); x[1:-1] += 2*y")) …
//   nd::parse("sqrt(a*a + b*b)")[0].value.evaluate([&](const std::string& name) { return arrays.at(name); });
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/lazy.h>
#include <ndshare/ops.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ndshare {

namespace internal {
struct SyntaxTree;
}

/// One expression that was read.   Threads: a plain value.
///
/// Names (`prices`; in backquotes where they are no identifiers: `` `market/prices` ``), fields (`a.delay`,
/// `a["delay"]`), indices
/// (`a[1:-1, ::2]`, `...`, `newaxis`, `None`, masks `a[a > 4]` and index arrays `a[[3, 0, -1], ::2]`), numbers (`1_000`, `0xff`, `2.5e-3`, `3j`), text (`"ORD"`, without
/// escapes), lists
/// (`[1, 2]`), `True False nan inf pi`, the operators `+ - * / // % ** & | ^ ~ << >>` and comparisons with Python's
/// precedence (they do not chain), and calls with keywords: every function of op_list.inc (NumPy's older names too:
/// `arctan2`), `where clip round power deg2rad rad2deg isclose nan_to_num isnat astype transpose`, the reductions,
/// `cumsum cumprod`, `arange linspace zeros ones full`; over whole arrays
/// `take compress flatnonzero argwhere concat stack tile repeat roll flip diff tril triu reshape ravel`, `sort argsort lexsort
/// searchsorted digitize unique isin union1d intersect1d setdiff1d setxor1d median quantile percentile bincount`, and
/// `group_by(t, by="origin", agg=["count", "mean:delay"])`, `join_by(a, b, on="origin", how="left")`, `drop_fields`. dtypes are text or bare: `astype(a, f4)`. Numbers are weak, as
/// Python's, and so is arithmetic on numbers alone: `f4_array * (pi/2)` is float32. Text and times compare with text:
/// `flights.origin == "ORD"`, `flights.day >= "2024-01-01"`; times add and subtract as in ops.h.
class NDSHARE_API Expression {
 public:
  explicit Expression(std::shared_ptr<const internal::SyntaxTree> tree) noexcept : tree_(std::move(tree)) {}

  /// The names of arrays that it reads, each once, in the order in which they stand.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Whether it is a name, with fields and basic indices or without: nothing is computed, evaluate() gives a view.
  [[nodiscard]] bool is_part() const noexcept;

  using Resolve = std::function<Array(const std::string&)>;
  /// Computes it; element-wise parts, and reductions over them, in one pass.   Errors: what the functions throw; what
  /// `resolve` throws; Usage, with the position, for arguments that a function does not take.
  [[nodiscard]] Array evaluate(const Resolve& resolve, const OpOptions& options = {}) const;
  /// An array where it is one of itself (a part of one, a selection, what a function gave), of any dtype; else the lazy
  /// expression.   Errors: as evaluate().
  [[nodiscard]] std::variant<Array, Lazy> value(const Resolve& resolve) const;
  /// The lazy expression: what stands inside calls of reductions is computed at once, the rest is not.
  ///   Errors: as evaluate(); DtypeMismatch for arrays that are not numbers.
  [[nodiscard]] Lazy lazy(const Resolve& resolve) const;
  /// What evaluate() would take. Nothing is computed, reductions neither; of the arrays only dtypes and layouts are
  /// looked at. `operations`, `copies` and `temporaries` are of all passes; values that stand in memory between them
  /// are `temporaries`.
  ///   Errors: as evaluate(), but for what depends on elements.
  [[nodiscard]] Plan plan(const Resolve& resolve) const;

 private:
  friend struct Statement;
  std::shared_ptr<const internal::SyntaxTree> tree_;
};

/// `place = value`, `place op= value`, or a value alone.
struct NDSHARE_API Statement {
  std::string target{};   ///< the array that is assigned to; empty: an expression alone
  std::string op{};       ///< "" for `=`, "+" for `+=`, …
  bool in_place = false;  ///< `x[i] = e`, `x.field = e`, `x += e`: written into x; else `x` becomes the value
  Expression place;       ///< what stands left of `=`
  Expression value;

  /// The names of arrays that are read, by the value and by indices of the place.
  [[nodiscard]] std::vector<std::string> names() const;

  /// Rows of the target, [first, first + count) along axis 0.
  struct Touched {
    std::int64_t first = 0, count = 0;
    bool overwritten = false;  ///< each of their elements gets a new value that does not depend on the old
  };
  /// The rows that an in-place statement changes, of a target with so many; all where that is not plain to see.
  [[nodiscard]] Touched touched(std::int64_t length) const;
  /// Changes them: `place op= value`, broadcast, same_kind. `rows` are the target's from row `first` on, of `length` in
  /// all; `resolve` is asked for names() only.   REQUIRES: in_place; `rows` hold touched().
  ///   Errors: as Expression::evaluate(), and of the assignment: DtypeMismatch, ShapeMismatch, Overflow, ReadOnly.
  void write(const Array& rows, std::int64_t first, std::int64_t length, const Expression::Resolve& resolve) const;
};

/// Reads statements, separated by `;` or lines (lines go on inside brackets).
///   Errors: Usage, with the position and the line with a mark under it; also for an unknown function, for text over 64
///   KiB, over 1000 operators in an expression, or parts nested deeper than 200.
[[nodiscard]] NDSHARE_API std::vector<Statement> parse(std::string_view text);

}  // namespace ndshare
