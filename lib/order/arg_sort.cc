#include "lib/order/arg_sort.h"

#include <ndshare/buffer.h>

#include "lib/kernels/sort.h"
#include "lib/order/buckets.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

namespace ndshare::internal {
namespace {

constexpr std::size_t kFew = 24;                     // insertion is quicker
constexpr std::size_t kLong = std::size_t{1} << 16;  // from here on buckets

/// The positions of keys in stable order.
///
/// A sort word is a key, less the smallest one, above its position: so stability costs nothing and words are what the
/// vector sort takes. Where key and position need more than 64 bits, the key's low bits are left out and runs of equal
/// words are put in order again by themselves; buckets are narrow, so such runs are few and short.
class KeyOrder {
 public:
  /// Valid until this thread's next call of the same depth.
  static const std::uint64_t* of(const std::uint64_t* keys, std::size_t n, int depth = 0) {
    thread_local std::vector<std::uint64_t> rooms[2];
    std::vector<std::uint64_t>& room = rooms[depth == 0 ? 0 : 1];
    if (room.size() < n + kSortPadding) room.resize(n + kSortPadding);
    if (n < kFew) {
      insert(keys, n, room.data());
    } else {
      sort(keys, n, room, depth);
    }
    return room.data();
  }

 private:
  static void insert(const std::uint64_t* keys, std::size_t n, std::uint64_t* order) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
      std::size_t to = i;
      for (; to > 0 && keys[order[to - 1]] > keys[i]; --to) order[to] = order[to - 1];
      order[to] = i;
    }
  }

  static void sort(const std::uint64_t* keys, std::size_t n, std::vector<std::uint64_t>& room, int depth) {
    std::uint64_t least = keys[0], most = keys[0];
    for (std::size_t i = 1; i < n; ++i) least = std::min(least, keys[i]), most = std::max(most, keys[i]);
    const auto position_bits = static_cast<int>(std::bit_width(n - 1)),
               key_bits = static_cast<int>(std::bit_width(most - least));
    const int lost = std::max(0, key_bits + position_bits - 64);
    std::uint64_t* words = room.data();
    for (std::size_t i = 0; i < n; ++i) words[i] = (((keys[i] - least) >> lost) << position_bits) | i;
    sort_keys(words, n);
    if (lost > 0) mend(keys, words, n, position_bits, depth);
    const std::uint64_t mask = (std::uint64_t{1} << position_bits) - 1;
    for (std::size_t i = 0; i < n; ++i) words[i] &= mask;
  }

  /// Puts runs that agree but for the lost bits in order.
  static void mend(const std::uint64_t* keys, std::uint64_t* words, std::size_t n, int position_bits, int depth) {
    const std::uint64_t mask = (std::uint64_t{1} << position_bits) - 1;
    for (std::size_t low = 0; low < n;) {
      std::size_t end = low + 1;
      while (end < n && words[end] >> position_bits == words[low] >> position_bits) ++end;
      if (end - low > 1) mend_run(keys, words + low, end - low, mask, depth);
      low = end;
    }
  }
  static void mend_run(const std::uint64_t* keys, std::uint64_t* words, std::size_t n, std::uint64_t mask, int depth) {
    std::vector<std::uint64_t> run(n), positions(n), order(n);
    for (std::size_t i = 0; i < n; ++i) positions[i] = words[i] & mask, run[i] = keys[positions[i]];
    // A run's keys differ in the lost bits only, which are no more than the position's: below 2^32 keys nothing is lost
    // again.
    if (depth == 0) {
      std::copy_n(of(run.data(), n, 1), n, order.data());
    } else {
      std::iota(order.begin(), order.end(), std::uint64_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](std::uint64_t left, std::uint64_t right) { return run[left] < run[right]; });
    }
    for (std::size_t i = 0; i < n; ++i) words[i] = positions[order[i]];
  }
};

class ArgSort {
 public:
  ArgSort(const KeyPlan& plan, std::int64_t first, int threads) : plan_(plan), first_(first), threads_(threads) {}

  /// Puts the items of `index` (null: 0 … n−1) in order from `word` on; `out` may be `index`.
  void order(const std::int64_t* index, std::size_t n, std::size_t word, std::int64_t* out) const {
    if (n >= kLong) return distribute(index, n, word, out);
    std::vector<std::uint64_t> keys(n);
    load(index, word, 0, n, keys.data());
    if (index == nullptr) {
      std::iota(out, out + n, std::int64_t{0});
    } else if (out != index) {
      std::copy_n(index, n, out);
    }
    finish(keys.data(), n, word, out);
  }

 private:
  static std::int64_t number(const std::int64_t* index, std::size_t i) noexcept {
    return index != nullptr ? index[i] : static_cast<std::int64_t>(i);
  }
  void load(const std::int64_t* index, std::size_t word, std::size_t low, std::size_t n,
            std::uint64_t* to) const noexcept {
    if (index != nullptr) return plan_.gather(word, first_, index + low, n, to);
    plan_.load(word, first_ + static_cast<std::int64_t>(low), n, to);
  }

  /// Puts `items`, whose keys of `word` are `keys`, in order.
  void finish(const std::uint64_t* keys, std::size_t n, std::size_t word, std::int64_t* items) const {
    const std::uint64_t* order = KeyOrder::of(keys, n);
    thread_local std::vector<std::int64_t> room;
    room.assign(items, items + n);
    for (std::size_t i = 0; i < n; ++i) items[i] = room[order[i]];
    if (word + 1 == plan_.words()) return;
    // Runs of equals are noted first: putting them in order uses the room that `order` stands in.
    std::vector<std::pair<std::size_t, std::size_t>> runs;
    for (std::size_t low = 0, i = 1; i <= n; ++i) {
      if (i < n && keys[order[i]] == keys[order[i - 1]]) continue;
      if (i - low > 1) runs.emplace_back(low, i);
      low = i;
    }
    for (const auto& [low, end] : runs) refine(items + low, end - low, word + 1);
  }

  /// Items that agree before `word`.
  void refine(std::int64_t* items, std::size_t n, std::size_t word) const {
    if (n >= kFew) return order(items, n, word, items);
    for (std::size_t i = 1; i < n; ++i) {
      const std::int64_t item = items[i];
      std::size_t to = i;
      for (; to > 0 && plan_.compare(first_ + items[to - 1], first_ + item, word) > 0; --to) items[to] = items[to - 1];
      items[to] = item;
    }
  }

  void distribute(const std::int64_t* index, std::size_t n, std::size_t word, std::int64_t* out) const {
    const auto from = [&](std::size_t low, std::size_t some, std::uint64_t* to) { load(index, word, low, some, to); };
    if (lies_in_order(index, n, word, out, from)) return;
    // Small buckets: keys, words and items of one fit a core's cache.
    const Buckets<std::uint64_t> buckets(n, std::clamp<std::size_t>(n >> 15, 15, 200), threads_, from);
    const auto scratch = make_heap_buffer(static_cast<std::int64_t>(n * sizeof(std::uint64_t)), false);
    auto* keys = reinterpret_cast<std::uint64_t*>(scratch->data());
    std::vector<std::int64_t>
        own;  // items are scattered to where they belong, and so not onto those that are still to be read
    if (out == index) {
      own.assign(index, index + n);
      index = own.data();
    }
    buckets.scatter(from, [&](std::size_t place, std::size_t i, std::uint64_t key) {
      keys[place] = key, out[place] = number(index, i);
    });
    const bool is_last = word + 1 == plan_.words();
    std::mutex mutex;
    std::vector<std::size_t> large;  // buckets of one key that all threads should refine together
    parallel_blocks(buckets.buckets(), threads_, [&](std::size_t bucket) {
      const std::size_t low = buckets.begin(bucket), count = buckets.count(bucket);
      if (count == 0) return;
      if (!buckets.splitters().is_single(bucket)) return finish(keys + low, count, word, out + low);
      if (is_last) return;
      if (count < n / 16) return refine(out + low, count, word + 1);
      const std::lock_guard lock(mutex);
      large.push_back(bucket);
    });
    for (const std::size_t bucket : large) refine(out + buckets.begin(bucket), buckets.count(bucket), word + 1);
  }

  template <class From>
  bool lies_in_order(const std::int64_t* index, std::size_t n, std::size_t word, std::int64_t* out,
                     const From& from) const {
    if (word + 1 != plan_.words()) {
      if (index != nullptr || !rises(n, word)) return false;
      std::iota(out, out + n, std::int64_t{0});
      return true;
    }
    const Run run = find_run<std::uint64_t>(n, threads_, from);
    if (run == Run::none) return false;
    if (index == nullptr) {
      for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::int64_t>(run == Run::rising ? i : n - 1 - i);
    } else if (run == Run::rising) {
      if (out != index) std::copy_n(index, n, out);
    } else {
      if (out != index) std::copy_n(index, n, out);
      std::reverse(out, out + n);
    }
    return true;
  }
  /// Whether items of several words are in order already.
  [[nodiscard]] bool rises(std::size_t n, std::size_t word) const {
    constexpr std::size_t kBlock = 4096;
    std::atomic<bool> rising{true};  // relaxed: it only ever becomes false
    parallel_blocks((n + kBlock - 1) / kBlock, threads_, [&](std::size_t block) {
      for (std::size_t i = std::max<std::size_t>(1, block * kBlock); i < std::min(n, (block + 1) * kBlock); ++i) {
        if (!rising.load(std::memory_order_relaxed)) return;
        const std::int64_t item = first_ + static_cast<std::int64_t>(i);
        if (plan_.compare(item - 1, item, word) > 0) rising.store(false, std::memory_order_relaxed);
      }
    });
    return rising.load(std::memory_order_relaxed);
  }

  const KeyPlan& plan_;
  std::int64_t first_;
  int threads_;
};

template <std::size_t kSize>
void gather_fixed(const std::byte* items, const std::int64_t* rows, std::size_t n, std::byte* out) noexcept {
  for (std::size_t i = 0; i < n; ++i)
    std::memcpy(out + i * kSize, items + static_cast<std::size_t>(rows[i]) * kSize, kSize);
}

void gather_some(const std::byte* items, std::size_t itemsize, const std::int64_t* rows, std::size_t n,
                 std::byte* out) noexcept {
  switch (itemsize) {
    case 1:
      return gather_fixed<1>(items, rows, n, out);
    case 2:
      return gather_fixed<2>(items, rows, n, out);
    case 4:
      return gather_fixed<4>(items, rows, n, out);
    case 8:
      return gather_fixed<8>(items, rows, n, out);
    case 16:
      return gather_fixed<16>(items, rows, n, out);
    default:
      break;
  }
  constexpr std::size_t kAhead = 16;  // rows: their cache lines are asked for before they are needed
  const auto copy_all = [&](const auto& copy) {
    for (std::size_t i = 0; i < n; ++i) {
      if (i + kAhead < n) __builtin_prefetch(items + static_cast<std::size_t>(rows[i + kAhead]) * itemsize);
      copy(out + i * itemsize, items + static_cast<std::size_t>(rows[i]) * itemsize);
    }
  };
  if (itemsize > 16 && itemsize <= 32) {  // two moves that overlap: no call, no loop
    return copy_all([last = itemsize - 16](std::byte* to, const std::byte* from) {
      std::memcpy(to, from, 16);
      std::memcpy(to + last, from + last, 16);
    });
  }
  copy_all([itemsize](std::byte* to, const std::byte* from) { std::memcpy(to, from, itemsize); });
}

}  // namespace

void order_items(const KeyPlan& plan, std::int64_t first, std::size_t n, std::int64_t* out, int threads) {
  if (n == 0) return;
  if (n == 1) {
    out[0] = 0;
    return;
  }
  ArgSort(plan, first, threads).order(nullptr, n, 0, out);
}

void order_some(const KeyPlan& plan, std::int64_t first, std::int64_t* items, std::size_t n, int threads) {
  if (n > 1) ArgSort(plan, first, threads).order(items, n, 0, items);
}

void gather_items(const std::byte* items, std::size_t itemsize, const std::int64_t* rows, std::size_t n, std::byte* out,
                  int threads) {
  constexpr std::size_t kBlock = std::size_t{1} << 14;
  parallel_blocks((n + kBlock - 1) / kBlock, threads, [&](std::size_t block) {
    const std::size_t low = block * kBlock, some = std::min(kBlock, n - low);
    gather_some(items, itemsize, rows + low, some, out + low * itemsize);
  });
}

}  // namespace ndshare::internal
