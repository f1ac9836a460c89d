// argmin and argmax of runs too short to call a kernel for.
#pragma once

#include <ndshare/lane.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

inline constexpr std::int64_t kShortArgRun = 64;

/// Whether `value` comes before `best` for its size. The first NaN is the extreme; nothing comes before it.
template <bool kLargest, class T>
[[nodiscard]] inline bool is_better(T value, T best) noexcept {
  if constexpr (std::integral<T>) return kLargest ? value > best : value < best;
  return best == best && !(kLargest ? value <= best : value >= best);
}

/// places[i] = the index of the first extreme of x[i · length … (i + 1) · length). Several runs at a time: one waits for nothing.
template <bool kLargest, class T>
void arg_short_runs(const T* x, std::int64_t runs, std::int64_t length, std::int64_t* places) noexcept {
  constexpr std::int64_t kAtOnce = 4;
  const auto search = [length]<std::size_t kRuns>(const T* from, std::int64_t* to) {
    std::array<T, kRuns> best;
    std::array<std::int64_t, kRuns> place{};
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRuns; ++r) best[r] = from[static_cast<std::int64_t>(r) * length];
    for (std::int64_t i = 1; i < length; ++i) {
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kRuns; ++r) {  // in registers
        const T value = from[static_cast<std::int64_t>(r) * length + i];
        const bool better = is_better<kLargest>(value, best[r]);
        best[r] = better ? value : best[r];
        place[r] = better ? i : place[r];
      }
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRuns; ++r) to[r] = place[r];
  };
  std::int64_t run = 0;
  for (; run + kAtOnce <= runs; run += kAtOnce) search.template operator()<kAtOnce>(x + run * length, places + run);
  for (; run < runs; ++run) search.template operator()<1>(x + run * length, places + run);
}

}  // namespace ndshare::internal
