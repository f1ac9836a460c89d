// Sample sort's first half by vectors: keys go to eight buckets, and each of these to eight, in a core's cache; every block's to its
// own part of the scratch, so that nothing is counted beforehand. A bucket is then gathered from the blocks by who sorts it.
#pragma once

#include <ndshare/buffer.h>

#include "lib/exec/parallel.h"
#include "lib/kernels/registry.h"
#include "lib/order/splitters.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

namespace ndshare::internal {

inline constexpr std::size_t kEvenBuckets = kSplitBuckets * kSplitBuckets;

/// The bounds of 64 buckets of about the same size, by a sample; Load as that of Buckets.
template <class Key>
class EvenBounds {
 public:
  template <class Load>
  EvenBounds(std::size_t n, const Load& load) {
    constexpr std::size_t kShare = 32;
    const std::vector<Key> sample = sorted_sample<Key>(n, kEvenBuckets * kShare, load);
    for (std::size_t b = 0; b + 1 < kEvenBuckets; ++b) all_[b] = sample[(b + 1) * kShare];
    for (std::size_t b = 0; b + 1 < kSplitBuckets; ++b) coarse_[b] = all_[(b + 1) * kSplitBuckets - 1];
  }
  /// Whether all differ. Where not, a key is so frequent that its bucket would be most of the work.
  [[nodiscard]] bool rise() const noexcept { return std::adjacent_find(all_.begin(), all_.end()) == all_.end(); }
  /// Between the first eight, and within one of them.
  [[nodiscard]] const Key* coarse() const noexcept { return coarse_.data(); }
  [[nodiscard]] const Key* within(std::size_t b) const noexcept { return all_.data() + b * kSplitBuckets; }

 private:
  std::array<Key, kEvenBuckets - 1> all_;
  std::array<Key, kSplitBuckets - 1> coarse_;
};

/// Keys split by such bounds.   Memory: scratch of the size of all keys.   Errors: Memory.
template <class Key>
class EvenBuckets {
 public:
  template <class Load>
  EvenBuckets(std::size_t n, int threads, const EvenBounds<Key>& bounds, const Load& load)
      : n_(n), scratch_(make_heap_buffer(static_cast<std::int64_t>(n * sizeof(Key)), false)), counts_(blocks()) {
    parallel_blocks(blocks(), threads, [&](std::size_t block) { split(block, bounds, load); });
    for (const Counts& counts : counts_) {
      for (std::size_t b = 0; b < kEvenBuckets; ++b) begins_[b + 1] += counts[b];
    }
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  }

  [[nodiscard]] std::size_t begin(std::size_t bucket) const noexcept { return begins_[bucket]; }
  [[nodiscard]] std::size_t count(std::size_t bucket) const noexcept { return begins_[bucket + 1] - begins_[bucket]; }
  /// Puts a bucket's keys, in no order, into `to`.
  void gather(std::size_t bucket, Key* to) const noexcept {
    for (std::size_t block = 0; block < blocks(); ++block) {
      const Counts& counts = counts_[block];
      const Key* from = keys() + block * kBlock + std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(bucket), 0U);
      std::memcpy(to, from, counts[bucket] * sizeof(Key));
      to += counts[bucket];
    }
  }

 private:
  static constexpr std::size_t kBlock = (std::size_t{1} << 17) / sizeof(Key), kPiece = 1024, kRoom = kBlock + kSplitPadding;
  using Counts = std::array<std::uint32_t, kEvenBuckets>;
  using Rooms = std::array<void*, kSplitBuckets>;

  [[nodiscard]] std::size_t blocks() const noexcept { return (n_ + kBlock - 1) / kBlock; }
  [[nodiscard]] Key* keys() const noexcept { return reinterpret_cast<Key*>(scratch_->data()); }

  template <class Load>
  void split(std::size_t block, const EvenBounds<Key>& bounds, const Load& load) {
    static thread_local const auto memory = make_heap_buffer(2 * kSplitBuckets * kRoom * sizeof(Key), false);
    auto* const coarse = reinterpret_cast<Key*>(memory->data());
    const SplitKernel kernel = kernels().split[sizeof(Key) / 8];
    const auto rooms_from = [](Key* first) {
      Rooms rooms;
      for (std::size_t b = 0; b < kSplitBuckets; ++b) rooms[b] = first + b * kRoom;
      return rooms;
    };
    Rooms at = rooms_from(coarse);
    std::array<std::size_t, kSplitBuckets> some;
    std::array<Key, kPiece> piece;
    for (std::size_t low = block * kBlock; low < std::min(n_, (block + 1) * kBlock); low += kPiece) {
      const std::size_t n = std::min(kPiece, n_ - low);
      load(low, n, piece.data());
      kernel(piece.data(), n, bounds.coarse(), at.data(), some.data());
      for (std::size_t b = 0; b < kSplitBuckets; ++b) at[b] = static_cast<Key*>(at[b]) + some[b];
    }
    const Rooms fine = rooms_from(coarse + kSplitBuckets * kRoom);
    Key* to = keys() + block * kBlock;
    for (std::size_t b = 0; b < kSplitBuckets; ++b) {
      const Key* first = coarse + b * kRoom;
      kernel(first, static_cast<std::size_t>(static_cast<Key*>(at[b]) - first), bounds.within(b), fine.data(), some.data());
      for (std::size_t inner = 0; inner < kSplitBuckets; to += some[inner++]) {
        std::memcpy(to, fine[inner], some[inner] * sizeof(Key));
        counts_[block][b * kSplitBuckets + inner] = static_cast<std::uint32_t>(some[inner]);
      }
    }
  }

  std::size_t n_;
  std::shared_ptr<Buffer> scratch_;
  std::vector<Counts> counts_;  // of each block
  std::array<std::size_t, kEvenBuckets + 1> begins_{};
};

}  // namespace ndshare::internal
