// Pairs of steps that one kernel does in one pass over a block (PairOp).
#pragma once

#include "lib/exec/program.h"

#include <optional>

namespace ndshare::internal {

/// What the kernel of a pair reads: a and b by the first step, c by the second.
struct StepPair {
  PairKernel kernel = nullptr;
  std::array<ValueId, 3> in{};
};

/// `first` and `second` as one, where they are such a pair: the second takes what the first gives, in a float dtype that has the kernel.
/// Nothing else may need the first one's result.
[[nodiscard]] std::optional<StepPair> pair_of(const Step& first, const Step& second) noexcept;

}  // namespace ndshare::internal
