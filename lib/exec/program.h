// Programs: an expression as a list of kernel calls. Building one plans it: dtypes, shapes and casts are settled, nothing
// is allocated and no element is touched. evaluation.h runs it.
#pragma once

#include <ndshare/array.h>
#include <ndshare/scalar.h>

#include "lib/kernels/cast.h"
#include "lib/kernels/registry.h"

#include <array>
#include <cstdint>
#include <vector>

namespace ndshare::internal {

/// A value of a program: a leaf (an array), a literal, or what a step gives.
using ValueId = std::uint16_t;

/// One kernel call a block: `result = op(in…)`. Operands have the loop's dtype (a select's mask is bool, ldexp's second
/// operand int32): casts are steps of their own.
struct Step {
  enum class Kind : std::uint8_t { unary, binary, select, cast };
  Kind kind{};
  std::uint8_t op = 0;  ///< UnaryOp or BinaryOp
  TypeId loop{};
  std::array<ValueId, 3> in{};
  ValueId result = 0;

  [[nodiscard]] int arity() const noexcept { return kind == Kind::binary ? 2 : kind == Kind::select ? 3 : 1; }
  [[nodiscard]] const OpInfo& row() const noexcept;  ///< REQUIRES: unary or binary
};

/// What a program says of one of its values.
struct Value {
  enum class Kind : std::uint8_t { leaf, literal, weak, step };
  Kind kind{};
  TypeId type{};
  std::uint16_t index = 0;  ///< of the leaf, literal or step
  Shape shape{};
};

/// An expression, from its leaves to its results. Errors of everything that adds: DtypeMismatch (not numbers, no loop),
/// ShapeMismatch (operands that do not broadcast), Overflow (a literal that its dtype cannot hold), NotSupported (over
/// kMaxValues values).   Threads: a plain value; constant use from several threads is safe.
class Program {
 public:
  static constexpr std::size_t kMaxValues = 1000;

  /// An array, whatever its strides. The same array twice is one leaf.
  ValueId leaf(const Array& array);
  /// A number of a dtype.
  ValueId literal(const Scalar& value, TypeId type);
  /// A number without a dtype of its own: it takes that of its neighbour (NEP 50).
  ValueId weak(const Scalar& value);
  ValueId unary(UnaryOp op, ValueId x);
  ValueId binary(BinaryOp op, ValueId a, ValueId b);
  /// mask ? a : b; the mask must be bool.
  ValueId select(ValueId mask, ValueId a, ValueId b);
  /// To another numeric dtype; no step where it has it. Values are converted as `astype(…, unsafe)` does.
  ValueId cast(ValueId x, TypeId type);

  [[nodiscard]] const Value& value(ValueId id) const noexcept { return values_[id]; }
  [[nodiscard]] TypeId type(ValueId id) const noexcept { return values_[id].type; }
  [[nodiscard]] const Shape& shape(ValueId id) const noexcept { return values_[id].shape; }
  [[nodiscard]] const std::vector<Array>& leaves() const noexcept { return leaves_; }
  [[nodiscard]] const std::vector<Array>& literals() const noexcept { return literals_; }  ///< 0-d
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  /// Leaves that another dtype than their own is computed in: element casts, block by block.
  [[nodiscard]] std::vector<const Step*> casts_of_leaves() const;

 private:
  ValueId add_value(Value value);
  ValueId add_step(Step step, TypeId type, const Shape& shape);
  /// The operand's dtype; a weak one takes it from `other`.
  [[nodiscard]] TypeId type_next_to(ValueId x, ValueId other) const;
  [[nodiscard]] bool is_weak(ValueId x, double number) const;
  ValueId small_exponent(ValueId x);
  ValueId compare_signs(BinaryOp op, ValueId a, ValueId b);

  std::vector<Value> values_;
  std::vector<Array> leaves_, literals_;
  std::vector<Scalar> weak_;
  std::vector<Step> steps_;
};

}  // namespace ndshare::internal
