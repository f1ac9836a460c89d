// Sample sort's bounds: which bucket a key goes to.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace ndshare::internal {

/// So many keys of n, by Load as that of Buckets, in order.
template <class Key, class Load>
std::vector<Key> sorted_sample(std::size_t n, std::size_t count, const Load& load) {
  std::vector<Key> out(count);
  std::uint64_t state = 0x9e3779b97f4a7c15U;  // fixed: the same buckets at every call
  for (Key& key : out) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    load(static_cast<std::size_t>(state % n), 1, &key);
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Which of up to 256 buckets a key belongs to, by a sample.   Source: Sanders and Winkel, Super Scalar Sample Sort.
///
/// Where a table of the keys' leading bits splits the sample evenly, it says the bucket: one load. Else bounds are
/// quantiles of the sample, and searched. A key that is several of them gets a bucket of its own, [key, key + 1): few
/// distinct keys, or one that is everywhere, then need no sorting at all.
template <class Key>
class Splitters {
 public:
  static constexpr std::size_t kMost = 255;

  /// REQUIRES: `sample` sorted, not empty; wanted ≤ kMost − 3.
  Splitters(const std::vector<Key>& sample, std::size_t wanted) : least_(sample.front()), most_(sample.back()) {
    if (tabulate(sample, wanted)) return;
    table_.clear();
    lows_.assign(1, Key{0});
    singles_.assign(1, false);
    for (std::size_t i = 1; i <= wanted;) {
      const Key bound = pick(sample, i, wanted);
      const bool repeated = i < wanted && pick(sample, i + 1, wanted) == bound;
      while (i <= wanted && pick(sample, i, wanted) == bound) ++i;
      add(bound, repeated);
      if (repeated && bound != std::numeric_limits<Key>::max()) add(static_cast<Key>(bound + 1), false);
    }
    plant();
  }

  [[nodiscard]] std::size_t buckets() const noexcept { return lows_.size(); }
  /// Whether a bucket has room for one key only: its lowest.
  [[nodiscard]] bool is_single(std::size_t bucket) const noexcept { return singles_[bucket]; }
  [[nodiscard]] Key low(std::size_t bucket) const noexcept { return lows_[bucket]; }

  /// The bucket of each key.
  void classify(const Key* keys, std::size_t n, std::uint8_t* buckets) const noexcept {
    if (table_.empty()) return search(keys, n, buckets);
    // Copied: for all the compiler knows, a byte that is stored could be one of them.
    const std::uint8_t* const table = table_.data();
    const Key least = least_, range = static_cast<Key>(most_ - least_);
    const int shift = shift_;
    const std::size_t above = table_.size() - 1;
    for (std::size_t i = 0; i < n; ++i) {
      const auto offset = static_cast<Key>(keys[i] - least);
      std::size_t cell = static_cast<std::size_t>(offset >> shift) + 1;
      if (offset > range) [[unlikely]]
        cell = keys[i] < least ? 0 : above;
      buckets[i] = table[cell];
    }
  }

 private:
  static Key pick(const std::vector<Key>& sample, std::size_t i, std::size_t wanted) noexcept {
    return sample[i * sample.size() / (wanted + 1)];
  }

  /// Cell 0 and the last are for keys outside the sample's range, the others for 2^shift keys each. Whether buckets of
  /// whole cells are even enough.
  bool tabulate(const std::vector<Key>& sample, std::size_t wanted) {
    constexpr int kBits = 16;
    const auto range = static_cast<Key>(most_ - least_);
    shift_ = std::max(0, static_cast<int>(std::bit_width(range)) - kBits);
    const std::size_t cells = static_cast<std::size_t>(range >> shift_) + 1, share = sample.size() / wanted + 1;
    std::vector<std::size_t> counts(cells);
    for (const Key key : sample) ++counts[static_cast<std::size_t>(static_cast<Key>(key - least_) >> shift_)];
    table_.assign(1, 0);
    lows_.assign(1, Key{0}), singles_.assign(1, false);
    std::size_t held = 0;  // of the sample, in the last bucket
    bool full = true;
    for (std::size_t cell = 0; cell < cells; ++cell) {
      const bool heavy = counts[cell] * 4 > share * 3;  // gets a bucket of its own
      if (full || heavy || held + counts[cell] > share) {
        if ((!singles_.back() && held > 3 * share) || lows_.size() == kMost) return false;
        lows_.push_back(static_cast<Key>(least_ + static_cast<Key>(static_cast<Key>(cell) << shift_)));
        singles_.push_back(heavy && shift_ == 0);
        held = 0;
      }
      held += counts[cell], full = heavy;
      table_.push_back(static_cast<std::uint8_t>(lows_.size() - 1));
    }
    if (!singles_.back() && held > 3 * share) return false;
    table_.push_back(static_cast<std::uint8_t>(lows_.size()));
    lows_.push_back(most_), singles_.push_back(false);
    return true;
  }

  void search(const Key* keys, std::size_t n, std::uint8_t* buckets) const noexcept {
    constexpr std::size_t kAtOnce = 16;  // searches that wait for memory together
    std::size_t i = 0;
    for (; i + kAtOnce <= n; i += kAtOnce) {
      std::array<std::uint32_t, kAtOnce> at;
      at.fill(1);
      for (int level = 0; level < levels_; ++level) {
        for (std::size_t j = 0; j < kAtOnce; ++j) at[j] = 2 * at[j] + (keys[i + j] > tree_[at[j]] ? 1 : 0);
      }
      for (std::size_t j = 0; j < kAtOnce; ++j) buckets[i + j] = static_cast<std::uint8_t>(at[j] - (1U << levels_));
    }
    for (; i < n; ++i) {
      std::uint32_t at = 1;
      for (int level = 0; level < levels_; ++level) at = 2 * at + (keys[i] > tree_[at] ? 1 : 0);
      buckets[i] = static_cast<std::uint8_t>(at - (1U << levels_));
    }
  }

  void add(Key bound, bool single) {
    if (bound == lows_.back()) {
      singles_.back() = single || singles_.back();
      return;
    }
    lows_.push_back(bound), singles_.push_back(single);
  }
  /// The search tree, level by level: bounds less one, so that "greater" decides and missing ones (the maximum) never
  /// are.
  void plant() {
    const std::size_t bounds = lows_.size() - 1;
    levels_ = static_cast<int>(std::bit_width(bounds));
    tree_.fill(std::numeric_limits<Key>::max());
    for (int level = 0; level < levels_; ++level) {
      const std::size_t first = std::size_t{1} << level, step = std::size_t{1} << (levels_ - level);
      for (std::size_t i = 0; i < first; ++i) {
        const std::size_t bound = i * step + step / 2 - 1;
        if (bound < bounds) tree_[first + i] = static_cast<Key>(lows_[bound + 1] - 1);
      }
    }
  }

  Key least_, most_;
  std::vector<Key> lows_{};  // the smallest key of each bucket
  std::vector<bool> singles_{};
  std::vector<std::uint8_t> table_{};
  int shift_ = 0;
  std::array<Key, 256> tree_{};
  int levels_ = 0;
};

}  // namespace ndshare::internal
