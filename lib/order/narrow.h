// Selection's one step: two bounds close around the key of a rank, and the elements below, between and above them.
#pragma once

#include "lib/exec/parallel.h"
#include "lib/kernels/sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace ndshare::internal {

/// The keys from low to high, both with them.
template <class Key>
struct Bracket {
  Key low = 0, high = std::numeric_limits<Key>::max();
  bool of_few = false;  ///< four keys at most, as far as the sample shows: a vector sort is quick then
  [[nodiscard]] bool is_single() const noexcept { return low == high; }
};

/// A bracket that holds the key of a rank with a probability of 0.99 or so, and a few percent of the others. Some key
/// always is outside, unless it is single.   REQUIRES: rank < n.
///   Load: as in Buckets.   Source: Floyd and Rivest, Expected Time Bounds for Selection.
template <class Key, class Load>
Bracket<Key> bracket_rank(std::size_t n, std::size_t rank, const Load& load) {
  const std::size_t size = std::size_t{1} << std::max(7, static_cast<int>(std::bit_width(n)) * 2 / 3 - 1);
  thread_local std::vector<Key> sample;
  if (sample.size() < size + kSortPadding) sample.resize(size + kSortPadding);
  std::uint64_t state = 0x9e3779b97f4a7c15U;  // fixed: the same brackets at every call
  for (std::size_t i = 0; i < size; ++i) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    load(static_cast<std::size_t>(static_cast<double>(state >> 12) * 0x1p-52 * static_cast<double>(n)), 1, &sample[i]);
  }
  sort_keys(sample.data(), size);
  const double share = (static_cast<double>(rank) + 0.5) / static_cast<double>(n);
  const std::size_t at = std::min(size - 1, static_cast<std::size_t>(share * static_cast<double>(size))),
                    margin = static_cast<std::size_t>(1.4 * std::sqrt(static_cast<double>(size)));  // 2.8 σ at least
  const Key pivot = sample[at];
  const auto end = sample.begin() + static_cast<std::ptrdiff_t>(size);
  auto next = sample.begin();
  for (int keys = 0; keys < 4 && next != end; ++keys) next = std::upper_bound(next, end, *next);
  Bracket<Key> out{.of_few = next == end};
  const auto [first, last] = std::equal_range(sample.begin(), end, pivot);
  if (last - first > static_cast<std::ptrdiff_t>(margin)) {
    out.low = out.high = pivot;
    return out;
  }
  // The bounds found are outside: many elements may be equal to one.
  if (at >= margin) out.low = static_cast<Key>(sample[at - margin] + 1);
  if (at + margin < size) out.high = static_cast<Key>(sample[at + margin] - 1);
  return out;
}

/// Elements counted by where they lie to a bracket, block by block, and then put there by all threads, stably.
template <class Key, class Load>
class Split {
 public:
  Split(std::size_t n, const Bracket<Key>& bracket, int threads, const Load& load)
      : n_(n),
        bracket_(bracket),
        threads_(threads),
        load_(load),
        block_(std::max<std::size_t>(std::size_t{1} << 16, (n + 511) / 512)),
        starts_((n + block_ - 1) / block_) {
    parallel_blocks(starts_.size(), threads_, [&](std::size_t block) {
      std::array<Key, kPiece> keys;
      std::size_t below = 0, above = 0, all = 0;
      for_pieces(block, [&](std::size_t low, std::size_t some) {
        load_(low, some, keys.data());
        for (std::size_t i = 0; i < some; ++i) {
          below += keys[i] < bracket_.low ? 1U : 0U;
          above += keys[i] > bracket_.high ? 1U : 0U;
        }
        all += some;
      });
      starts_[block] = {below, all - below - above, above};
    });
    std::size_t before = 0;
    for (std::size_t part = 0; part < 3; ++part) {
      for (auto& start : starts_) before += std::exchange(start[part], before);
      ends_[part] = before;
    }
  }

  /// The number of elements below the bracket, and of those below or inside.
  [[nodiscard]] std::size_t below() const noexcept { return ends_[0]; }
  [[nodiscard]] std::size_t below_or_inside() const noexcept { return ends_[1]; }

  /// Calls put(place, items, count) for runs of items made by make(element, key): those below, inside, above.
  template <class Item, class Make, class Put>
  void move(const Make& make, const Put& put) const {
    parallel_blocks(starts_.size(), threads_, [&](std::size_t block) {
      std::array<Key, kPiece> keys;
      std::array<std::array<Item, kPiece>, 3> items;
      std::array<std::size_t, 3> at = starts_[block];
      for_pieces(block, [&](std::size_t low, std::size_t some) {
        load_(low, some, keys.data());
        std::size_t below = 0, above = 0;
        for (std::size_t i = 0; i < some;
             ++i) {  // to all three, without a branch; what does not belong is written over
          const Key key = keys[i];
          items[0][below] = items[1][i - below - above] = items[2][above] = make(low + i, key);
          below += key < bracket_.low ? 1U : 0U;
          above += key > bracket_.high ? 1U : 0U;
        }
        const std::array<std::size_t, 3> counts = {below, some - below - above, above};
        for (std::size_t part = 0; part < 3; ++part) {
          put(at[part], items[part].data(), counts[part]);
          at[part] += counts[part];
        }
      });
    });
  }

 private:
  static constexpr std::size_t kPiece = 1024;

  template <class Visit>
  void for_pieces(std::size_t block, const Visit& visit) const {
    const std::size_t end = std::min(n_, (block + 1) * block_);
    for (std::size_t low = block * block_; low < end; low += kPiece) visit(low, std::min(kPiece, end - low));
  }

  std::size_t n_;
  Bracket<Key> bracket_;
  int threads_;
  const Load& load_;
  std::size_t block_;                               // elements; by n alone
  std::vector<std::array<std::size_t, 3>> starts_;  // of each block's items below, inside and above
  std::array<std::size_t, 3> ends_{};
};

}  // namespace ndshare::internal
