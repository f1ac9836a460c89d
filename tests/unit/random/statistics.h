// How far counts are from what they should be. Seeds are fixed: a test either always passes or never does.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace ndshare::test {

/// Chi-square of counts, as standard deviations from its mean (Wilson and Hilferty): beyond 4 once in 30 000 seeds.
inline double chi_square_sigmas(std::span<const double> counts, std::span<const double> expected) {
  double chi = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) chi += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  const double free = static_cast<double>(counts.size()) - 1, part = 2 / (9 * free);
  return (std::cbrt(chi / free) - (1 - part)) / std::sqrt(part);
}
inline double chi_square_sigmas(std::span<const double> counts) {
  double total = 0;
  for (const double count : counts) total += count;
  const std::vector<double> expected(counts.size(), total / static_cast<double>(counts.size()));
  return chi_square_sigmas(counts, expected);
}

/// Kolmogorov and Smirnov: √n·sup|F_n − F|; beyond 1.95 once in 1000 seeds.
template <class Distribution>
double kolmogorov(std::vector<double> x, const Distribution& below) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double at = below(x[i]);
    most = std::max({most, at - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - at});
  }
  return most * std::sqrt(n);
}

/// P(z < x) of the standard normal distribution.
inline double normal_below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace ndshare::test
