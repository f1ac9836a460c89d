// Sample sort's first half: keys go to buckets of rising ranges, by all threads, stably. Each bucket then is one
// thread's, in its cache.
#pragma once

#include <ndshare/buffer.h>

#include "lib/exec/parallel.h"
#include "lib/order/splitters.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace ndshare::internal {

/// Keys counted by bucket and block, with the bucket of each: where every element belongs.   REQUIRES: n ≥ 1.
/// About `wanted` of them, at most 240.
///   Load: load(low, n, Key* to) gives the keys of elements [low, low + n).
template <class Key>
class Buckets {
 public:
  static constexpr std::size_t kPiece = 1024;

  template <class Load>
  Buckets(std::size_t n, std::size_t wanted, int threads, const Load& load)
      : n_(n),
        threads_(threads),
        block_(std::max<std::size_t>(std::size_t{1} << 16, (n + 511) / 512)),
        splitters_(sorted_sample<Key>(n, wanted * 24, load), wanted),
        ids_(make_heap_buffer(static_cast<std::int64_t>(n), false)),
        starts_(blocks() * buckets()) {
    parallel_blocks(blocks(), threads_, [&](std::size_t block) {
      std::array<Key, kPiece> keys;
      std::array<std::size_t, 256> counts{};
      for_pieces(block, [&](std::size_t low, std::size_t some) {
        load(low, some, keys.data());
        splitters_.classify(keys.data(), some, ids() + low);
        for (std::size_t i = 0; i < some; ++i) ++counts[ids()[low + i]];
      });
      for (std::size_t bucket = 0; bucket < buckets(); ++bucket) starts_[block * buckets() + bucket] = counts[bucket];
    });
    std::size_t before = 0;
    for (std::size_t bucket = 0; bucket < buckets(); ++bucket) {
      bounds_.push_back(before);
      for (std::size_t block = 0; block < blocks(); ++block)
        before += std::exchange(starts_[block * buckets() + bucket], before);
    }
    bounds_.push_back(before);
  }

  [[nodiscard]] std::size_t buckets() const noexcept { return splitters_.buckets(); }
  [[nodiscard]] const Splitters<Key>& splitters() const noexcept { return splitters_; }
  [[nodiscard]] std::size_t begin(std::size_t bucket) const noexcept { return bounds_[bucket]; }
  [[nodiscard]] std::size_t count(std::size_t bucket) const noexcept { return bounds_[bucket + 1] - bounds_[bucket]; }

  /// Calls put(place, element, key) for each element: places are those of the buckets in order, stable inside.
  template <class Load, class Put>
  void scatter(const Load& load, const Put& put) const {
    parallel_blocks(blocks(), threads_, [&](std::size_t block) {
      std::array<Key, kPiece> keys;
      std::array<std::size_t, 256> at{};
      for (std::size_t bucket = 0; bucket < buckets(); ++bucket) at[bucket] = starts_[block * buckets() + bucket];
      for_pieces(block, [&](std::size_t low, std::size_t some) {
        load(low, some, keys.data());
        const std::uint8_t* id = ids() + low;
        for (std::size_t i = 0; i < some; ++i) put(at[id[i]]++, low + i, keys[i]);
      });
    });
  }

  /// Collects the keys of the buckets that are wanted[bucket], each in order, with room for `padding` keys behind them.
  template <class Load>
  [[nodiscard]] std::vector<std::vector<Key>> collect(const std::vector<std::uint8_t>& wanted, std::size_t padding,
                                                      const Load& load) const {
    std::vector<std::vector<Key>> out(buckets());
    for (std::size_t bucket = 0; bucket < buckets(); ++bucket) {
      if (wanted[bucket] != 0) out[bucket].resize(count(bucket) + padding);
    }
    parallel_blocks(blocks(), threads_, [&](std::size_t block) {
      std::array<Key, kPiece> keys;
      std::array<std::size_t, 256> at{};
      for (std::size_t bucket = 0; bucket < buckets(); ++bucket)
        at[bucket] = starts_[block * buckets() + bucket] - begin(bucket);
      for_pieces(block, [&](std::size_t low, std::size_t some) {
        load(low, some, keys.data());
        const std::uint8_t* id = ids() + low;
        for (std::size_t i = 0; i < some; ++i) {
          if (wanted[id[i]] != 0) out[id[i]][at[id[i]]++] = keys[i];
        }
      });
    });
    return out;
  }

 private:
  [[nodiscard]] std::size_t blocks() const noexcept { return (n_ + block_ - 1) / block_; }
  [[nodiscard]] std::uint8_t* ids() const noexcept { return reinterpret_cast<std::uint8_t*>(ids_->data()); }

  template <class Visit>
  void for_pieces(std::size_t block, const Visit& visit) const {
    const std::size_t end = std::min(n_, (block + 1) * block_);
    for (std::size_t low = block * block_; low < end; low += kPiece) visit(low, std::min(kPiece, end - low));
  }

  std::size_t n_;
  int threads_;
  std::size_t block_;  // elements; by n alone
  Splitters<Key> splitters_;
  std::shared_ptr<Buffer> ids_;
  std::vector<std::size_t> starts_;  // of each block's part of each bucket
  std::vector<std::size_t> bounds_{};
};

/// How a sequence lies already: looked for until both are impossible.
enum class Run : std::uint8_t { none, rising, falling };  ///< never smaller than before; always smaller
template <class Key, class Load>
Run find_run(std::size_t n, int threads, const Load& load) {
  constexpr std::size_t kPiece = Buckets<Key>::kPiece, kBlock = std::size_t{1} << 16;
  std::atomic<bool> rises{true}, falls{true};  // relaxed: they only ever become false, and are read behind the loop
  parallel_blocks((n + kBlock - 1) / kBlock, threads, [&](std::size_t block) {
    std::array<Key, kPiece + 1> keys;
    for (std::size_t low = block * kBlock; low < std::min(n, (block + 1) * kBlock); low += kPiece) {
      if (!rises.load(std::memory_order_relaxed) && !falls.load(std::memory_order_relaxed)) return;
      const std::size_t some = std::min(kPiece + 1, n - low);  // and the first of the next piece
      load(low, some, keys.data());
      bool up = true, down = true;
      for (std::size_t i = 1; i < some; ++i) up &= keys[i - 1] <= keys[i], down &= keys[i - 1] > keys[i];
      if (!up) rises.store(false, std::memory_order_relaxed);
      if (!down) falls.store(false, std::memory_order_relaxed);
    }
  });
  return rises.load(std::memory_order_relaxed)   ? Run::rising
         : falls.load(std::memory_order_relaxed) ? Run::falling
                                                 : Run::none;
}

}  // namespace ndshare::internal
