// Which of 8 items a byte of mask bits keeps: the places of set bits in order, then zeros.
#pragma once

#include <array>
#include <cstdint>

namespace ndshare::internal {

inline constexpr auto kKeptFirst = [] {
  std::array<std::array<std::uint8_t, 8>, 256> table{};
  for (unsigned bits = 0; bits < 256; ++bits) {
    unsigned kept = 0;
    for (std::uint8_t place = 0; place < 8; ++place) {
      if ((bits >> place & 1U) != 0) table[bits][kept++] = place;
    }
  }
  return table;
}();

}  // namespace ndshare::internal
