#include "lib/base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

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

#if defined(__x86_64__)
/// The processor's own instruction, eight bytes a step; opening an array checks a few hundred bytes.
__attribute__((target("sse4.2"))) std::uint32_t crc_by_instruction(const unsigned char* p, std::size_t count,
                                                                   std::uint32_t crc) noexcept {
  std::uint64_t wide = crc;
  for (; count >= 8; count -= 8, p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; count > 0; --count, ++p) crc = _mm_crc32_u8(crc, *p);
  return crc;
}
#endif

std::uint32_t crc_by_table(const unsigned char* p, std::size_t count, std::uint32_t crc) noexcept {
  for (; count >= 8; count -= 8, p += 8) {
    const std::uint32_t low = crc ^ (static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 |
                                     static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[3]) << 24);
    crc = kTable[7][low & 255] ^ kTable[6][(low >> 8) & 255] ^ kTable[5][(low >> 16) & 255] ^ kTable[4][low >> 24] ^
          kTable[3][p[4]] ^ kTable[2][p[5]] ^ kTable[1][p[6]] ^ kTable[0][p[7]];
  }
  for (; count > 0; --count, ++p) crc = (crc >> 8) ^ kTable[0][(crc ^ *p) & 255];
  return crc;
}

}  // namespace

std::uint32_t crc32c(const void* bytes, std::size_t count, std::uint32_t seed) noexcept {
  const auto* p = static_cast<const unsigned char*>(bytes);
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~crc_by_instruction(p, count, ~seed);
#endif
  return ~crc_by_table(p, count, ~seed);
}

std::uint32_t crc32c_by_table(const void* bytes, std::size_t count, std::uint32_t seed) noexcept {
  return ~crc_by_table(static_cast<const unsigned char*>(bytes), count, ~seed);
}

}  // namespace ndshare::internal
