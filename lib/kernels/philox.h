// Philox4x64-10: four random words as a function of a key and a counter.
//
// Source: Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3, SC11; constants as in Random123.
#pragma once

#include <array>
#include <cstdint>

namespace ndshare::internal {

__extension__ using Product = unsigned __int128;

using Words4 = std::array<std::uint64_t, 4>;

struct PhiloxKey {
  std::uint64_t seed = 0, stream = 0;
};

inline Words4 philox_round(const Words4& c, const PhiloxKey& key) noexcept {
  const Product a = Product{0xD2E7470EE14C6C93} * c[0], b = Product{0xCA5A826395121157} * c[2];
  return {static_cast<std::uint64_t>(b >> 64) ^ c[1] ^ key.seed, static_cast<std::uint64_t>(b),
          static_cast<std::uint64_t>(a >> 64) ^ c[3] ^ key.stream, static_cast<std::uint64_t>(a)};
}
/// The key of the next round.
inline PhiloxKey philox_bump(const PhiloxKey& key) noexcept {
  return {key.seed + 0x9E3779B97F4A7C15, key.stream + 0xBB67AE8584CAA73B};  // the golden ratio, √3 − 1
}

[[nodiscard]] inline Words4 philox(Words4 counter, PhiloxKey key) noexcept {
  for (int round = 0; round < 10; ++round, key = philox_bump(key)) counter = philox_round(counter, key);
  return counter;
}

}  // namespace ndshare::internal
