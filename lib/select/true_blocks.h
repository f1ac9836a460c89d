// Masks in blocks: where the true elements of each begin, so that threads write their parts of a result at once.
#pragma once

#include <ndshare/array.h>
#include <ndshare/lazy.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace ndshare::internal {

/// The truth of every element: bool, C-contiguous. The array itself where it is that already. Numbers and bool.
[[nodiscard]] Array truth_of(const Lazy& x);

/// A mask, counted block by block.   REQUIRES: bool, C-contiguous; it outlives this and does not change.
class TrueBlocks {
 public:
  static constexpr std::int64_t kBlock = std::int64_t{32} << 10;  ///< elements

  explicit TrueBlocks(const Array& mask, int threads = 0);

  [[nodiscard]] std::int64_t count() const noexcept { return before_.back(); }  ///< of all that is true
  /// Calls body(first element, elements, true elements before them) for each block that has true elements, by all threads.
  void for_each(const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& body) const;

 private:
  std::int64_t size_;
  int threads_;
  std::vector<std::int64_t> before_;  // of each block, and of the end
};

}  // namespace ndshare::internal
