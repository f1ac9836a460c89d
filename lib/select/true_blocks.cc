#include "lib/select/true_blocks.h"

#include "lib/exec/parallel.h"
#include "lib/kernels/registry.h"

#include <algorithm>

namespace ndshare::internal {

Array truth_of(const Lazy& x) {
  const Array truth = x.dtype().is_bool() ? x.eval() : x.astype(bool_).eval();
  return truth.is_c_contiguous() ? truth : truth.copy();  // results keep the operands' order of memory
}

TrueBlocks::TrueBlocks(const Array& mask, int threads)
    : size_(mask.size()), threads_(threads), before_(static_cast<std::size_t>((size_ + kBlock - 1) / kBlock) + 1) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(mask.data());
  parallel_blocks(before_.size() - 1, threads, [&](std::size_t block) {
    const std::int64_t first = static_cast<std::int64_t>(block) * kBlock;
    const auto n = static_cast<std::size_t>(std::min(kBlock, size_ - first));
    before_[block + 1] = static_cast<std::int64_t>(kernels().count_true(bytes + first, n));
  });
  for (std::size_t block = 1; block < before_.size(); ++block) before_[block] += before_[block - 1];
}

void TrueBlocks::for_each(const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& body) const {
  parallel_blocks(before_.size() - 1, threads_, [&](std::size_t block) {
    const std::int64_t first = static_cast<std::int64_t>(block) * kBlock;
    if (before_[block + 1] != before_[block]) body(first, std::min(kBlock, size_ - first), before_[block]);
  });
}

}  // namespace ndshare::internal
