#include "lib/exec/step_pair.h"

namespace ndshare::internal {
namespace {

bool is_binary(const Step& step, BinaryOp op) noexcept {
  return step.kind == Step::Kind::binary && static_cast<BinaryOp>(step.op) == op;
}

bool is_square(const Step& step) noexcept {
  return (step.kind == Step::Kind::unary && static_cast<UnaryOp>(step.op) == UnaryOp::square) ||
         (is_binary(step, BinaryOp::multiply) && step.in[0] == step.in[1]);
}

StepPair found(PairOp op, TypeId loop, ValueId a, ValueId b, ValueId c) noexcept {
  return {kernels().pairs[static_cast<std::size_t>(op)][static_cast<std::size_t>(loop)], {a, b, c}};
}

/// A product that is added or subtracted.
std::optional<StepPair> product_pair(const Step& first, const Step& second) noexcept {
  const bool left = second.in[0] == first.result;  // where the product stands
  if (left == (second.in[1] == first.result)) return std::nullopt;
  const ValueId a = first.in[0], b = is_square(first) ? a : first.in[1], c = second.in[left ? 1 : 0];
  if (is_binary(second, BinaryOp::add)) return found(PairOp::multiply_add, first.loop, a, b, c);
  if (!is_binary(second, BinaryOp::subtract)) return std::nullopt;
  return found(left ? PairOp::multiply_subtract : PairOp::subtract_multiplied, first.loop, a, b, c);
}

}  // namespace

std::optional<StepPair> pair_of(const Step& first, const Step& second) noexcept {
  if (first.loop != second.loop || !DType(first.loop).is_floating()) return std::nullopt;
  std::optional<StepPair> out;
  if (is_binary(first, BinaryOp::subtract) && is_square(second) && second.in[0] == first.result) {
    out = found(PairOp::subtract_square, first.loop, first.in[0], first.in[1], first.in[0]);
  } else if (is_square(first) || is_binary(first, BinaryOp::multiply)) {
    out = product_pair(first, second);
  }
  if (out && out->kernel == nullptr) out.reset();
  return out;
}

}  // namespace ndshare::internal
