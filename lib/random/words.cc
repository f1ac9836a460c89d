#include "lib/random/words.h"

#include "lib/kernels/registry.h"

#include <algorithm>

namespace ndshare::internal {

void stream_words(PhiloxKey key, std::uint64_t first, std::size_t n, std::uint64_t* out) noexcept {
  std::size_t done = 0;
  while (done < n) {
    const std::uint64_t word = first + done, counter = 1 + word / 4;  // at the end of the stream `word` begins again at 0
    const std::size_t skip = word % 4;
    const std::uint64_t blocks = std::min<std::uint64_t>((n - done) / 4, (UINT64_MAX - word) / 4);
    if (skip == 0 && blocks > 0) {
      kernels().philox_blocks(counter, key.seed, key.stream, blocks, out + done);
      done += blocks * 4;
      continue;
    }
    const Words4 block = philox({counter, 0, 0, 0}, key);
    const std::size_t count = std::min(4 - skip, n - done);
    std::copy_n(block.begin() + static_cast<std::ptrdiff_t>(skip), count, out + done);
    done += count;
  }
}

std::uint64_t below_exactly(PhiloxKey key, std::uint64_t word_number, Product product, std::uint64_t range) noexcept {
  const std::uint64_t too_often = (0 - range) % range;  // 2^64 mod range
  Words4 words{};
  for (std::uint64_t k = 0; static_cast<std::uint64_t>(product) < too_often; ++k) {
    if (k % 4 == 0) words = redraw(key, word_number, k / 4);
    product = Product{words[k % 4]} * range;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace ndshare::internal
