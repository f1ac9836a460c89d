/// Where an operation is killed: between which two of its instructions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <set>
#include <vector>

#include "tests/crash/stepper.h"

namespace ndshare::test {

/// NDSHARE_LONG: many more kills, and minutes of torture.
inline bool long_run() { return std::getenv("NDSHARE_LONG") != nullptr; }  // NOLINT(concurrency-mt-unsafe)

/// Of everything random here; printed by the tests, so that a failing run can be repeated.
inline std::uint64_t crash_seed() {
  const char* text = std::getenv("NDSHARE_TEST_SEED");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? 20260727 : std::strtoull(text, nullptr, 10);
}

inline constexpr std::size_t kReach = 300;  ///< stops that a place may cost, where the choice is free

/// Every n where the operation has no more than `budget` instructions. Else: before, right after and one after each change of
/// shared words and each system call (between two of these, others see one and the same state), then one n at random in each
/// of equal strata, if the stratum has one that is not deep in a loop.
inline std::vector<std::size_t> kill_points(const Trace& trace, std::size_t budget, std::uint64_t seed) {
  std::set<std::size_t> points;
  const auto size = trace.steps.size();
  for (std::size_t n = 0; n < size; ++n) {
    if (size <= budget) points.insert(n);
    if (!trace.steps[n].changed && !trace.steps[n].system_call) continue;
    points.insert({n, std::min(n + 1, size - 1), std::min(n + 2, size - 1)});
  }
  std::mt19937_64 random(seed);
  const auto strata = points.size() < budget ? budget - points.size() : 0;
  for (std::size_t i = 0; i < strata; ++i) {
    const auto from = i * size / strata, to = (i + 1) * size / strata;
    for (int attempt = 0; from < to && attempt < 20; ++attempt) {
      const auto n = from + random() % (to - from);
      if (trace.anchors[n].cost > kReach && budget < size) continue;
      points.insert(n);
      break;
    }
  }
  return {points.begin(), points.end()};
}

inline std::size_t changes_in(const Trace& trace) {
  return static_cast<std::size_t>(std::count_if(trace.steps.begin(), trace.steps.end(), [](const Step& step) { return step.changed; }));
}

/// At most `count` of the points, evenly.
inline std::vector<std::size_t> thinned(const std::vector<std::size_t>& points, std::size_t count) {
  if (points.size() <= count) return points;
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(points[i * points.size() / count]);
  return out;
}

}  // namespace ndshare::test
