// Philox4x64-10: random words as a function of a key and a counter.
//
// Source: Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3, SC11; constants as in Random123.
// Two kinds of counters, which never meet: {1 + w/4, 0, 0, 0} gives the words w of the stream, four at a time (NumPy's Philox counts up
// before its first block, so do we); {w, 1, k, 0} gives what a number needs beyond its word w, four words each time k. So a number that
// is rejected and drawn anew moves no other number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

__extension__ using Product = unsigned __int128;

using Words4 = std::array<std::uint64_t, 4>;

struct PhiloxKey {
  std::uint64_t seed = 0, stream = 0;
};

inline Words4 philox_round(const Words4& c, std::uint64_t k0, std::uint64_t k1) noexcept {
  const Product a = Product{0xD2E7470EE14C6C93} * c[0], b = Product{0xCA5A826395121157} * c[2];
  return {static_cast<std::uint64_t>(b >> 64) ^ c[1] ^ k0, static_cast<std::uint64_t>(b),
          static_cast<std::uint64_t>(a >> 64) ^ c[3] ^ k1, static_cast<std::uint64_t>(a)};
}

[[nodiscard]] inline Words4 philox(Words4 counter, PhiloxKey key) noexcept {
  for (int round = 0; round < 10; ++round) {
    counter = philox_round(counter, key.seed, key.stream);
    key.seed += 0x9E3779B97F4A7C15;    // the golden ratio
    key.stream += 0xBB67AE8584CAA73B;  // √3 − 1
  }
  return counter;
}

/// Words first … first + n − 1 of the stream (modulo 2^64).
void stream_words(PhiloxKey key, std::uint64_t first, std::size_t n, std::uint64_t* out) noexcept;

/// Redraws: four words for the number that began with `word`, the k-th time.
[[nodiscard]] inline Words4 redraw(PhiloxKey key, std::uint64_t word, std::uint64_t k) noexcept {
  return philox({word, 1, k, 0}, key);
}

/// [0, 1) in steps of 2^-53; and (0, 1].
[[nodiscard]] inline double unit_below(std::uint64_t word) noexcept {
  return static_cast<double>(static_cast<std::int64_t>(word >> 11)) * 0x1p-53;
}
[[nodiscard]] inline double unit_above(std::uint64_t word) noexcept {
  return static_cast<double>(static_cast<std::int64_t>(word >> 11) + 1) * 0x1p-53;
}

/// The rest of `below`, where the product's low half is under the range: the few values that would come too often are drawn anew.
[[nodiscard]] std::uint64_t below_exactly(PhiloxKey key, std::uint64_t word_number, Product product, std::uint64_t range) noexcept;

/// 0 … range − 1, each as likely.   REQUIRES: range ≥ 1.   Source: Lemire 2019.
[[nodiscard]] inline std::uint64_t below(PhiloxKey key, std::uint64_t word_number, std::uint64_t word, std::uint64_t range) noexcept {
  const Product product = Product{word} * range;
  if (static_cast<std::uint64_t>(product) < range) [[unlikely]] return below_exactly(key, word_number, product, range);
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace ndshare::internal
