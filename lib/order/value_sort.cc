#include "lib/order/value_sort.h"

#include <ndshare/buffer.h>

#include "lib/exec/parallel_memory.h"
#include "lib/kernels/registry.h"
#include "lib/kernels/sort.h"
#include "lib/order/buckets.h"
#include "lib/order/even_buckets.h"
#include "lib/order/order_map.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

namespace ndshare::internal {
namespace {

constexpr std::size_t kFew = 24;                     // below, comparisons are quicker than starting the vector sort
constexpr std::size_t kLong = std::size_t{1} << 17;  // from here on buckets: they are sorted inside a core's cache
constexpr std::size_t kCountFrom = std::size_t{1} << 15;  // 16-bit keys are counted rather than sorted

template <class Map>
class ValueSort {
 public:
  using Key = typename Map::Key;

  ValueSort(const Map& map, const std::byte* in, std::byte* out, std::size_t n, int threads)
      : map_(map), in_(in), out_(out), n_(n), threads_(threads) {}

  void run() const {
    if constexpr (sizeof(Key) == 1) {
      if (n_ >= kFew) return count();
    } else if constexpr (sizeof(Key) == 2) {
      if (n_ >= kCountFrom) return count();
    } else {
      if (n_ >= kLong) return distribute();
    }
    at_once();
  }

 private:
  void load(std::size_t low, std::size_t n, Key* to) const noexcept {
    const std::byte* from = in_ + low * sizeof(Key);
    for (std::size_t i = 0; i < n; ++i) to[i] = map_.exact(load_lane<Key>(from + i * sizeof(Key)));
  }
  void unmap(const Key* keys, std::size_t low, std::size_t n) const noexcept {
    std::byte* to = out_ + low * sizeof(Key);
    for (std::size_t i = 0; i < n; ++i) store_lane<Key>(to + i * sizeof(Key), map_.bits(keys[i]));
  }
  /// The same past the caches; the thread must fence.
  void unmap_past(const Key* keys, std::size_t low, std::size_t n, const KernelTable& table) const noexcept {
    alignas(64) std::array<Key, 1024> piece;
    for (std::size_t at = 0; at < n; at += piece.size()) {
      const std::size_t some = std::min(piece.size(), n - at);
      for (std::size_t i = 0; i < some; ++i) piece[i] = map_.bits(keys[at + i]);
      table.stream_copy(out_ + (low + at) * sizeof(Key), piece.data(), some * sizeof(Key));
    }
  }
  /// This thread's room for n keys and what the sort stores behind them.
  static Key* room(std::size_t n) {
    thread_local std::vector<Key> keys;
    if (keys.size() < n + kSortPadding) keys.resize(n + kSortPadding);
    return keys.data();
  }

  void at_once() const {
    Key* keys = room(n_);
    load(0, n_, keys);
    if (n_ < kFew) {
      std::sort(keys, keys + n_);
    } else if constexpr (sizeof(Key) > 1) {
      sort_keys(keys, n_);
    }
    unmap(keys, 0, n_);
  }

  /// Counts 8- and 16-bit keys in a few parts, and writes them out in as many.
  void count() const {
    constexpr std::size_t kKeys = std::size_t{1} << (8 * sizeof(Key)), kPiece = 4096;
    const std::size_t parts = std::clamp<std::size_t>(n_ >> 18, 1, 8);
    std::vector<std::size_t> counts(parts * kKeys), ends(kKeys);
    parallel_blocks(parts, threads_, [&](std::size_t part) {
      std::array<Key, kPiece> keys;
      std::size_t* own = counts.data() + part * kKeys;
      const std::size_t end = n_ * (part + 1) / parts;
      for (std::size_t low = n_ * part / parts; low < end; low += kPiece) {
        const std::size_t some = std::min(kPiece, end - low);
        load(low, some, keys.data());
        for (std::size_t i = 0; i < some; ++i) ++own[keys[i]];
      }
    });
    std::size_t before = 0;
    for (std::size_t key = 0; key < kKeys; ++key) {
      for (std::size_t part = 0; part < parts; ++part) before += counts[part * kKeys + key];
      ends[key] = before;
    }
    parallel_blocks(parts, threads_,
                    [&](std::size_t part) { write_runs(ends, n_ * part / parts, n_ * (part + 1) / parts); });
  }
  void write_runs(const std::vector<std::size_t>& ends, std::size_t low, std::size_t end) const noexcept {
    auto key = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), low) - ends.begin());
    for (; low < end; ++key) {
      const Key bits = map_.bits(static_cast<Key>(key));
      for (const std::size_t stop = std::min(end, ends[key]); low < stop; ++low)
        store_lane<Key>(out_ + low * sizeof(Key), bits);
    }
  }

  void distribute() const {
    const auto from = [this](std::size_t low, std::size_t n, Key* to) { load(low, n, to); };
    const Run run = find_run<Key>(n_, threads_, from);
    if (run != Run::none) return copy_run(run == Run::falling);
    if constexpr (sizeof(Key) >= 4) {
      const EvenBounds<Key> bounds(n_, from);
      if (bounds.rise()) return sort_even(EvenBuckets<Key>(n_, threads_, bounds, from));
    }
    // Buckets of some megabytes: with more of them the scattered stores cost what smaller ones save.
    const Buckets<Key> buckets(n_, std::clamp<std::size_t>(n_ * sizeof(Key) >> 22, 31, 200), threads_, from);
    // Keys go to where their bucket will be; from there to the thread's own room, sorted, and back as elements.
    std::shared_ptr<Buffer> apart;
    if (out_ == in_) apart = make_heap_buffer(static_cast<std::int64_t>(n_ * sizeof(Key)), false);
    std::byte* scattered = apart ? apart->data() : out_;
    buckets.scatter(from, [scattered](std::size_t place, std::size_t, Key key) {
      store_lane<Key>(scattered + place * sizeof(Key), key);
    });
    parallel_blocks(buckets.buckets(), threads_, [&](std::size_t bucket) {
      const std::size_t low = buckets.begin(bucket), n = buckets.count(bucket);
      if (n == 0) return;
      if (buckets.splitters().is_single(bucket)) {
        const Key bits = map_.bits(buckets.splitters().low(bucket));
        for (std::size_t i = low; i < low + n; ++i) store_lane<Key>(out_ + i * sizeof(Key), bits);
        return;
      }
      Key* keys = room(n);
      std::memcpy(keys, scattered + low * sizeof(Key), n * sizeof(Key));
      if constexpr (sizeof(Key) > 1) sort_keys(keys, n);
      unmap(keys, low, n);
    });
  }

  void sort_even(const EvenBuckets<Key>& buckets) const {
    const KernelTable& table = kernels();
    const bool stream = n_ * sizeof(Key) >= stream_bytes();
    const auto sort_bucket = [&](std::size_t bucket) {
      const std::size_t n = buckets.count(bucket), low = buckets.begin(bucket);
      if (n == 0) return;
      Key* keys = room(n);
      buckets.gather(bucket, keys);
      sort_keys(keys, n);
      stream ? unmap_past(keys, low, n, table) : unmap(keys, low, n);
    };
    parallel_blocks(kEvenBuckets, threads_, sort_bucket, [&] {
      if (stream) table.fence();
    });
  }

  /// What lies in order already, or exactly the other way round.
  void copy_run(bool reverse) const {
    constexpr std::size_t kPiece = 4096;
    if (!reverse && out_ == in_) return;
    const std::size_t half = out_ == in_ ? n_ / 2 : n_;
    parallel_blocks((half + kPiece - 1) / kPiece, threads_, [&](std::size_t piece) {
      const std::size_t low = piece * kPiece, end = std::min(half, low + kPiece);
      if (!reverse) {
        std::memcpy(out_ + low * sizeof(Key), in_ + low * sizeof(Key), (end - low) * sizeof(Key));
        return;
      }
      for (std::size_t i = low; i < end; ++i) {
        const auto front = load_lane<Key>(in_ + i * sizeof(Key)),
                   back = load_lane<Key>(in_ + (n_ - 1 - i) * sizeof(Key));
        store_lane<Key>(out_ + i * sizeof(Key), back);
        if (out_ == in_) store_lane<Key>(out_ + (n_ - 1 - i) * sizeof(Key), front);
      }
    });
  }

  const Map& map_;
  const std::byte* in_;
  std::byte* out_;
  std::size_t n_;
  int threads_;
};

}  // namespace

void sort_values(const DType& dtype, const std::byte* in, std::byte* out, const Lines& lines, bool descending,
                 int threads) {
  visit_map(dtype, descending, [&](const auto& map) {
    const std::size_t bytes = lines.length * static_cast<std::size_t>(dtype.itemsize());
    for_lines(lines, threads, [&](std::size_t line, int some) {
      ValueSort(map, in + line * bytes, out + line * bytes, lines.length, some).run();
    });
  });
}

}  // namespace ndshare::internal
