// The words of a stream, and the redraws of a number.
//
// Two kinds of Philox counters, which never meet: {1 + w/4, 0, 0, 0} gives the words w of the stream, four at a time (NumPy's Philox
// counts up before its first block, so do we); {w, 1, k, 0} gives what a number needs beyond its word w, four words each time k. So a
// number that is rejected and drawn anew moves no other number.
#pragma once

#include "lib/kernels/philox.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

inline constexpr std::size_t kRandomBlock = 1024;  // words or numbers of a block: they stay in the first-level cache

/// Words first … first + n − 1 of the stream (modulo 2^64).
void stream_words(PhiloxKey key, std::uint64_t first, std::size_t n, std::uint64_t* out) noexcept;

/// Redraws: four words for the number that began with `word`, the k-th time.
[[nodiscard]] inline Words4 redraw(PhiloxKey key, std::uint64_t word, std::uint64_t k) noexcept {
  return philox({word, 1, k, 0}, key);
}

/// [0, 1) in steps of 2^-53; and (0, 1].   Two halves over 2^84 and 2^52 are put together: vectors have no conversion of 64 bits.
[[nodiscard]] inline double unit_below(std::uint64_t word) noexcept {
  const double high = std::bit_cast<double>(word >> 43 | 0x4530000000000000) - (0x1p84 + 0x1p52);
  return (high + std::bit_cast<double>((word >> 11 & 0xffffffff) | 0x4330000000000000)) * 0x1p-53;
}
[[nodiscard]] inline double unit_above(std::uint64_t word) noexcept { return unit_below(word) + 0x1p-53; }

/// The rest of `below`, where the product's low half is under the range: the few values that would come too often are drawn anew.
[[nodiscard]] std::uint64_t below_exactly(PhiloxKey key, std::uint64_t word_number, Product product, std::uint64_t range) noexcept;

/// 0 … range − 1, each as likely.   REQUIRES: range ≥ 1.   Source: Lemire 2019.
[[nodiscard]] inline std::uint64_t below(PhiloxKey key, std::uint64_t word_number, std::uint64_t word, std::uint64_t range) noexcept {
  const Product product = Product{word} * range;
  if (static_cast<std::uint64_t>(product) < range) [[unlikely]] return below_exactly(key, word_number, product, range);
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace ndshare::internal
