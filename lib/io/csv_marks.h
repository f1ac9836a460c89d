// Words of CSV text at a time: where fields end, and the value of digits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace ndshare::internal {

/// Bytes behind every text that may be read (not used): fields are found and parsed in whole words.
inline constexpr std::size_t kCsvSlack = 64;

static_assert(std::endian::native == std::endian::little, "the lowest byte of a word is the first of the text");

inline std::uint64_t load_word(const char* p) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

inline constexpr std::uint64_t kOnes = 0x0101010101010101ULL;

constexpr std::uint64_t in_every_byte(char c) { return kOnes * static_cast<unsigned char>(c); }

/// The high bit of every byte that is zero; bytes above the lowest zero may be marked, too.
/// Source: S. E. Anderson, Bit Twiddling Hacks, "Determine if a word has a zero byte".
constexpr std::uint64_t zero_bytes(std::uint64_t word) { return (word - kOnes) & ~word & (kOnes << 7); }

/// A bit for each of the 64 bytes at `p` that is one of `characters`.
template <class... Characters>
std::uint64_t csv_marks(const char* p, Characters... characters) noexcept {
  std::uint64_t marks = 0;
#if defined(__SSE2__)
  for (int i = 0; i < 4; ++i) {
    __m128i text;
    std::memcpy(&text, p + 16 * i, sizeof text);
    __m128i found = _mm_setzero_si128();
    ((found = _mm_or_si128(found, _mm_cmpeq_epi8(text, _mm_set1_epi8(characters)))), ...);
    marks |= std::uint64_t{static_cast<unsigned>(_mm_movemask_epi8(found))} << (16 * i);
  }
#else
  for (int i = 0; i < 64; ++i) marks |= std::uint64_t{(... || (p[i] == characters))} << i;
#endif
  return marks;
}

/// Bits that are set: the processors that all builds are for have no instruction for that.
constexpr int count_bits(std::uint64_t word) noexcept {
  word -= (word >> 1) & 0x5555555555555555;
  word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
  return static_cast<int>((((word + (word >> 4)) & 0x0F0F0F0F0F0F0F0F) * kOnes) >> 56);
}

/// The value of `count` (1 to 8) digits; false when others are among them.   REQUIRES: 8 readable bytes.
/// Source: D. Lemire, "Quickly parsing eight digits" (2018), and W. Muła's check for digits in the same place.
[[gnu::always_inline]] inline bool read_digits(const char* p, std::size_t count, std::uint64_t& value) noexcept {
  constexpr std::uint64_t kZeros = 0x3030303030303030, kHigh = 0xF0F0F0F0F0F0F0F0;
  std::uint64_t word = (load_word(p) << (64 - 8 * count)) | ((kZeros >> (8 * (count - 1))) >> 8);
  if (((word & kHigh) | (((word + 0x0606060606060606) & kHigh) >> 4)) != 0x3333333333333333) return false;
  word -= kZeros;
  word = word * 10 + (word >> 8);
  constexpr std::uint64_t kPairs = 0x000000FF000000FF;
  value = ((word & kPairs) * 0x000F424000000064 + ((word >> 16) & kPairs) * 0x0000271000000001) >> 32;
  value &= 0xFFFFFFFF;
  return true;
}

/// Whether `count` (1 to 8) characters are digits.   REQUIRES: 8 readable bytes.
[[gnu::always_inline]] inline bool are_digits(const char* p, std::size_t count) noexcept {
  std::uint64_t value = 0;  // of which the compiler makes nothing
  return read_digits(p, count, value);
}

/// A number of at most 18 digits with an optional sign: the common case, without a library call.
///   REQUIRES: kCsvSlack readable bytes behind the text.
[[gnu::always_inline]] inline std::optional<std::int64_t> short_integer(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  // No branches on the sign: nobody can tell it beforehand.
  const bool negative = text.front() == '-';
  const auto skipped =
      static_cast<std::size_t>(static_cast<unsigned>(negative) | static_cast<unsigned>(text.front() == '+'));
  const char* p = text.data() + skipped;
  const std::size_t digits = text.size() - skipped;
  std::uint64_t value = 0;
  if (digits - 1 >= 8) {  // none, or many
    if (digits - 1 >= 18) return std::nullopt;
    const char* const end = p + digits;
    const std::size_t count = (digits - 1) % 8 + 1;
    if (!read_digits(p, count, value)) return std::nullopt;
    for (p += count; p != end; p += 8) {
      std::uint64_t more = 0;
      if (!read_digits(p, 8, more)) return std::nullopt;
      value = value * 100'000'000 + more;
    }
  } else if (!read_digits(p, digits, value)) {
    return std::nullopt;
  }
  const auto number = static_cast<std::int64_t>(value), sign = -static_cast<std::int64_t>(negative);
  return (number ^ sign) - sign;
}

/// A copy with kCsvSlack bytes behind it, for text that is no field.
inline std::string with_slack(std::string_view text) {
  std::string copy;
  copy.reserve(text.size() + kCsvSlack);
  copy = text;
  return copy;
}

}  // namespace ndshare::internal
