// Nodes of lazy expressions, and their way into a program.
#pragma once

#include <ndshare/lazy.h>

#include "lib/exec/program.h"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace ndshare::internal {

struct LazyNode {
  enum class Kind : std::uint8_t { array, number, unary, binary, select, cast };
  Kind kind{};
  std::uint8_t op = 0;
  std::optional<Array> array{};
  std::optional<Scalar> number{};
  bool without_memory = false;
  std::vector<std::shared_ptr<const LazyNode>> in{};
  TypeId type{};  ///< of a cast
};

/// Adds the expression to the program; a node that is used twice is computed once.
class LazyCompiler {
 public:
  explicit LazyCompiler(Program& program) noexcept : program_(program) {}
  ValueId add(const LazyNode& node);
  /// Whether an operand has no memory (shape_only).
  [[nodiscard]] bool is_plan_only() const noexcept { return plan_only_; }

 private:
  ValueId make(const LazyNode& node);

  Program& program_;
  std::map<const LazyNode*, ValueId> made_;
  bool plan_only_ = false;
};

/// The program of an expression that can be computed.   Errors: Usage for `shape_only` operands.
[[nodiscard]] ValueId compile(const Lazy& expression, Program& program);

}  // namespace ndshare::internal
