#include "lib/base/crc32c.h"

#include <array>

namespace ndshare::internal {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reversed 0x1EDC6F41

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

/// Slicing-by-8 tables (Kounavis and Berry, 2005): eight bytes a step without special instructions.
constexpr Table make_table() {
  Table table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t k = 1; k < 8; ++k) table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 255];
  }
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

std::uint32_t crc32c(const void* bytes, std::size_t count, std::uint32_t seed) noexcept {
  const auto* p = static_cast<const unsigned char*>(bytes);
  std::uint32_t crc = ~seed;
  for (; count >= 8; count -= 8, p += 8) {
    const std::uint32_t low = crc ^ (static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 |
                                     static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[3]) << 24);
    crc = kTable[7][low & 255] ^ kTable[6][(low >> 8) & 255] ^ kTable[5][(low >> 16) & 255] ^ kTable[4][low >> 24] ^
          kTable[3][p[4]] ^ kTable[2][p[5]] ^ kTable[1][p[6]] ^ kTable[0][p[7]];
  }
  for (; count > 0; --count, ++p) crc = (crc >> 8) ^ kTable[0][(crc ^ *p) & 255];
  return ~crc;
}

}  // namespace ndshare::internal
