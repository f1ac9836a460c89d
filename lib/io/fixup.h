// Mends elements as they come from a file: byte order, and bools that are neither 0 nor 1.
#pragma once

#include <ndshare/dtype.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ndshare::internal {

/// What must be done to every element of a file; `idle()` when nothing.
class Fixup {
 public:
  Fixup(const DType& dtype, std::span<const SwapRun> swaps);

  [[nodiscard]] bool idle() const noexcept { return swaps_.empty() && !has_bools_; }
  /// Mends `count` contiguous elements.
  void apply(std::byte* elements, std::int64_t count) const noexcept;

 private:
  DType dtype_;
  std::vector<SwapRun> swaps_;
  bool has_bools_;
};

}  // namespace ndshare::internal
