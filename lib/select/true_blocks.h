// Masks in blocks: where the true elements of each begin, so that threads write their parts of a result at once.
#pragma once

#include <ndshare/array.h>
#include <ndshare/lazy.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

/// Calls at(i) for each i in [0, n) that is true, in order. 64 bytes of the mask at a time become bits, whose next is found without a
/// branch to guess; a byte is true where it is not 0.
template <class At>
void for_each_true(const std::uint8_t* mask, std::size_t n, const At& at) noexcept {
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7f, kOnes = 0x0101010101010101, kGather = 0x0102040810204080;
  std::size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    std::uint64_t bits = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      std::uint64_t eight;
      std::memcpy(&eight, mask + i + 8 * k, sizeof(eight));
      const std::uint64_t ones = ((((eight & kLow) + kLow) | eight) >> 7) & kOnes;  // 1 for each byte that is not 0
      bits |= ((ones * kGather) >> 56) << (8 * k);
    }
    for (; bits != 0; bits &= bits - 1) at(i + static_cast<std::size_t>(std::countr_zero(bits)));
  }
  for (; i < n; ++i) {
    if (mask[i] != 0) at(i);
  }
}

/// Writes first + i for each true mask[i], in order; gives how many.   REQUIRES: `out` has room for n.
std::size_t true_positions(const std::uint8_t* mask, std::size_t n, std::int64_t first, std::int64_t* out) noexcept;

}  // namespace ndshare::internal
