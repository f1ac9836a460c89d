// The ziggurat: 256 layers of one area v cover the half density f(x) = exp(−x²/2). A word chooses a layer (8 bits), a sign (1) and a
// place in the layer (52). Under the layer above, that is in 98.8 % of cases, the place is the number. What is left is decided by
// redraws: in the wedge under the curve, or, in the lowest layer, in the tail beyond kR.
//
// Source: Marsaglia and Tsang, The ziggurat method for generating random variables, J. Statistical Software 5 (8), 2000; with more
// bits than there and none used twice (Doornik, An improved ziggurat method, 2005).
#include "lib/random/ziggurat.h"

#include "lib/kernels/registry.h"

#include <algorithm>
#include <array>
#include <bit>

namespace ndshare::internal {
namespace {

constexpr long double kRLong = 3.6541528853610087963519472518L;  // where the tail begins: makes 256 areas equal
constexpr double kR = static_cast<double>(kRLong);
constexpr std::size_t kLayers = 256;
constexpr std::uint64_t kPlaces = std::uint64_t{1} << 52;

constexpr long double density(long double x) { return __builtin_expl(-0.5L * x * x); }

// Made by the compiler: tables of the machine's own library would differ in last bits from machine to machine.
struct Layers {
  std::array<std::int64_t, kLayers> inside{};  // places below this lie under the layer above
  std::array<double, kLayers> step{};           // the width of a place
  std::array<double, kLayers> height{};         // f at the layer's outer end

  constexpr Layers() {
    constexpr long double kHalfPi = 1.5707963267948966192313216916397514L;
    const long double tail = __builtin_sqrtl(kHalfPi) * __builtin_erfcl(kRLong / __builtin_sqrtl(2.0L));
    const long double area = kRLong * density(kRLong) + tail;
    constexpr auto places = static_cast<long double>(kPlaces);
    const long double base = area / density(kRLong);  // as wide as the lowest layer would be without its tail
    inside[0] = static_cast<std::int64_t>(kRLong / base * places);
    step[0] = static_cast<double>(base / places);
    height[0] = 1;
    long double outer = kRLong;
    for (std::size_t i = kLayers - 1; i > 0; --i) {
      step[i] = static_cast<double>(outer / places);
      height[i] = static_cast<double>(density(outer));
      const long double inner = i == 1 ? 0 : __builtin_sqrtl(-2 * __builtin_logl(area / outer + density(outer)));
      inside[i] = static_cast<std::int64_t>(inner / outer * places);
      outer = inner;
    }
  }
};
constexpr Layers kTable{};

struct Candidate {
  double x;  // with its sign
  std::int64_t place;
  std::size_t layer;
};

/// As the kernel `ziggurat_places` makes them.
Candidate candidate(std::uint64_t word) noexcept {
  const std::size_t layer = word % kLayers;
  const auto place = static_cast<std::int64_t>(word >> 9 & (kPlaces - 1));
  const std::uint64_t sign = (word & 256) << 55;
  const double size = static_cast<double>(place) * kTable.step[layer];
  return {std::bit_cast<double>(std::bit_cast<std::uint64_t>(size) | sign), place, layer};
}

/// Beyond kR: r + x with x exponential of rate r, accepted with probability exp(−x²/2).   Source: Marsaglia 1964.
double tail_number(PhiloxKey key, std::uint64_t number, std::uint64_t k) noexcept {
  for (;; ++k) {
    const Words4 words = redraw(key, number, k);
    for (std::size_t i = 0; i < 4; i += 2) {
      const double x = -portable_log(unit_above(words[i])) / kR, y = -portable_log(unit_above(words[i + 1]));
      if (y + y > x * x) return kR + x;
    }
  }
}

/// What becomes of a candidate that does not lie under the layer above; `words` is its first redraw. Each time two words: where in the
/// wedge, and the next candidate.
double decide(PhiloxKey key, std::uint64_t number, Candidate at, Words4 words) noexcept {
  for (std::uint64_t k = 1;; ++k) {
    if (at.layer == 0) {
      const double size = tail_number(key, number, k);
      return at.x < 0 ? -size : size;
    }
    const double low = kTable.height[at.layer], high = kTable.height[at.layer - 1];
    if (portable_log(low + (high - low) * unit_below(words[0])) < -0.5 * at.x * at.x) return at.x;
    at = candidate(words[1]);
    if (at.place < kTable.inside[at.layer]) return at.x;
    words = redraw(key, number, k);
  }
}

}  // namespace

double portable_log(double x) noexcept {
  constexpr std::uint64_t kRootHalf = 0x3FE6A09E667F3BCD;  // m from √½ to √2: the series converges fast there
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto exponent = static_cast<std::int64_t>(bits - kRootHalf) >> 52;
  const double m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
  // log m = 2 artanh s, |s| < 0.172: eleven terms beyond s leave less than 2^-60 of it. Two sums, of every other term, go side by side.
  const double s = (m - 1) / (m + 1), z = s * s, y = z * z;
  const double odd = z * (1.0 / 3 + y * (1.0 / 7 + y * (1.0 / 11 + y * (1.0 / 15 + y * (1.0 / 19 + y * (1.0 / 23))))));
  const double even = y * (1.0 / 5 + y * (1.0 / 9 + y * (1.0 / 13 + y * (1.0 / 17 + y * (1.0 / 21)))));
  const double series = odd + even;
  return static_cast<double>(exponent) * 0.6931471805599453 + (2 * s + 2 * s * series);
}

void normals(PhiloxKey key, std::uint64_t first, const std::uint64_t* words, std::size_t n, double* out) noexcept {
  std::array<std::uint64_t, kRandomBlock + 16> open;  // NOLINT: written before it is read
  const std::size_t whole = (n + 15) / 16 * 16;
  const std::size_t opens = kernels().ziggurat_places(words, whole, kTable.inside.data(), kTable.step.data(), out, open.data());
  // Redraws of several numbers overlap in the processor as long as nothing is decided between them.
  constexpr std::size_t kGroup = 16;
  std::array<Words4, kGroup> redraws;  // NOLINT: likewise
  for (std::size_t start = 0; start < opens; start += kGroup) {
    const std::size_t count = std::min(kGroup, opens - start);
    for (std::size_t i = 0; i < count; ++i) redraws[i] = redraw(key, first + open[start + i], 0);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t at = open[start + i];
      if (at < n) out[at] = decide(key, first + at, candidate(words[at]), redraws[i]);
    }
  }
}

}  // namespace ndshare::internal
