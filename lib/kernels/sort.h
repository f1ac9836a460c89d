// Sorting of unsigned keys by vector instructions. Whatever has an order is mapped to such keys by its users
// (lib/order).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

/// Elements of any key type that the range must be followed by: the sort stores whole vectors past the end, with values
/// that nobody needs, so only private scratch may be sorted.
inline constexpr std::size_t kSortPadding = 64;

/// Sorts keys[0 … n) in ascending order.   REQUIRES: kSortPadding elements behind them that are the caller's own.
///   Threads: safe.   Memory: a buffer a thread, kept.   Source: Wassenberg et al., Vectorized and performance-portable
///   Quicksort.
void sort_keys(std::uint16_t* keys, std::size_t n);
void sort_keys(std::uint32_t* keys, std::size_t n);
void sort_keys(std::uint64_t* keys, std::size_t n);

}  // namespace ndshare::internal
