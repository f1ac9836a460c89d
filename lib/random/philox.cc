#include "lib/random/philox.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

// Two counters at once: one alone waits for its own multiplications.
void two_blocks(PhiloxKey key, std::uint64_t counter, std::uint64_t* out) noexcept {
  Words4 a{counter, 0, 0, 0}, b{counter + 1, 0, 0, 0};
  for (int round = 0; round < 10; ++round) {
    a = philox_round(a, key.seed, key.stream);
    b = philox_round(b, key.seed, key.stream);
    key.seed += 0x9E3779B97F4A7C15;
    key.stream += 0xBB67AE8584CAA73B;
  }
  std::copy(a.begin(), a.end(), out);
  std::copy(b.begin(), b.end(), out + 4);
}

}  // namespace

void stream_words(PhiloxKey key, std::uint64_t first, std::size_t n, std::uint64_t* out) noexcept {
  std::size_t done = 0;
  while (done < n) {
    const std::uint64_t word = first + done, counter = 1 + word / 4;
    const std::size_t skip = word % 4;
    if (skip == 0 && n - done >= 8 && word <= UINT64_MAX - 8) {
      two_blocks(key, counter, out + done);
      done += 8;
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
