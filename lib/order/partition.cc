#include "lib/order/partition.h"

#include <ndshare/buffer.h>

#include "lib/order/arg_sort.h"
#include "lib/order/buckets.h"
#include "lib/order/narrow.h"
#include "lib/order/order_map.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <vector>

namespace ndshare::internal {
namespace {

constexpr std::size_t kSorted = 1024;                       // shorter lines are sorted as quickly
constexpr std::size_t kLongLine = std::size_t{1} << 17;     // from here on all threads work on one
constexpr std::size_t kFewRanks = 7;                        // more take too many rounds
constexpr std::size_t kNarrowItems = std::size_t{1} << 12;  // fewer positions are put in order as quickly
constexpr std::size_t kRunItems = std::size_t{1} << 16;     // more that lie in order are found to do so
constexpr int kRounds = 8;                                  // then a sort: so no input takes much longer

/// Those of rising ranks in [low, end).
RankSpan ranks_in(RankSpan ranks, std::size_t low, std::size_t end) {
  const auto first = std::lower_bound(ranks.begin(), ranks.end(), low);
  return {first, std::lower_bound(first, ranks.end(), end)};
}

/// Keys that one thread partitions in its own room.
template <class Key>
class RoomPartition {
 public:
  /// `spare`: as much room again right behind the keys, and kSortPadding.
  RoomPartition(Key* keys, Key* spare) : keys_(keys), spare_(spare) {}

  void run(std::size_t low, std::size_t end, RankSpan ranks, int rounds = kRounds) const {
    if (ranks.empty() || end - low < 2) return;
    if (end - low < kSorted || rounds == 0) return sort(low, end - low);
    const Key* from = keys_ + low;
    const auto bracket = bracket_rank<Key>(end - low, ranks[ranks.size() / 2] - low,
                                           [from](std::size_t at, std::size_t, Key* to) { *to = from[at]; });
    if (bracket.of_few) return sort(low, end - low);
    const auto [inside, above] = split(low, end, bracket);
    run(low, inside, ranks_in(ranks, low, inside), rounds - 1);
    if (!bracket.is_single()) run(inside, above, ranks_in(ranks, inside, above), rounds - 1);
    run(above, end, ranks_in(ranks, above, end), rounds - 1);
  }

 private:
  void sort(std::size_t low, std::size_t n) const {
    if (keys_ + low + n == spare_)
      return sort_keys(keys_ + low, n);  // what it stores behind them goes to the spare room
    std::memcpy(spare_, keys_ + low, n * sizeof(Key));
    sort_keys(spare_, n);
    std::memcpy(keys_ + low, spare_, n * sizeof(Key));
  }
  /// Where the keys inside the bracket begin, and those above.
  [[nodiscard]] std::pair<std::size_t, std::size_t> split(std::size_t low, std::size_t end,
                                                          const Bracket<Key>& bracket) const noexcept {
    Key* keys = keys_ + low;
    const std::size_t n = end - low;
    std::size_t below = 0, above = 0;
    for (std::size_t i = 0; i < n; ++i) {  // those inside stay, closed up; the others go to both ends of the spare room
      const Key key = keys[i];
      keys[i - below - above] = spare_[below] = spare_[n - 1 - above] = key;
      below += key < bracket.low ? 1U : 0U;
      above += key > bracket.high ? 1U : 0U;
    }
    std::memmove(keys + below, keys, (n - below - above) * sizeof(Key));
    std::memcpy(keys, spare_, below * sizeof(Key));
    std::memcpy(keys + n - above, spare_ + n - above, above * sizeof(Key));
    return {low + below, end - above};
  }

  Key* keys_;
  Key* spare_;
};

/// One line.
template <class Map>
class LinePartition {
 public:
  using Key = typename Map::Key;

  LinePartition(const Map& map, const DType& dtype, std::byte* out, bool descending, int threads)
      : map_(map), dtype_(dtype), out_(out), descending_(descending), threads_(threads) {}

  void run(const std::byte* in, std::size_t n, RankSpan ranks) const {
    if (n < kLongLine) return in_room(in, 0, n, ranks);
    const Run run =
        find_run<Key>(n, threads_, [&](std::size_t low, std::size_t some, Key* to) { load(in, low, some, to); });
    if (run == Run::falling) return sort(in, 0, n);  // which is a copy too
    if (run == Run::none) return narrow(in, 0, n, ranks, kRounds);
    if (in != out_) copy(in, 0, n);
  }

 private:
  void load(const std::byte* from, std::size_t low, std::size_t n, Key* to) const noexcept {
    from += low * sizeof(Key);
    for (std::size_t i = 0; i < n; ++i) to[i] = map_.exact(load_lane<Key>(from + i * sizeof(Key)));
  }
  void unmap(const Key* keys, std::size_t n, std::byte* to) const noexcept {
    for (std::size_t i = 0; i < n; ++i) store_lane<Key>(to + i * sizeof(Key), map_.bits(keys[i]));
  }
  [[nodiscard]] std::byte* place(std::size_t at) const noexcept { return out_ + at * sizeof(Key); }

  void sort(const std::byte* from, std::size_t low, std::size_t n) const {
    sort_values(dtype_, from, place(low), {1, n}, descending_, threads_);
  }
  void in_room(const std::byte* from, std::size_t low, std::size_t n, RankSpan ranks) const {
    thread_local std::vector<Key> rooms;
    if (rooms.size() < 2 * n + kSortPadding) rooms.resize(2 * n + kSortPadding);
    load(from, 0, n, rooms.data());
    std::vector<std::size_t> own(ranks.begin(), ranks.end());
    for (std::size_t& rank : own) rank -= low;
    RoomPartition<Key>(rooms.data(), rooms.data() + n).run(0, n, own);
    unmap(rooms.data(), n, place(low));
  }

  /// Partitions the elements at `from`, of which the first has the rank `low`, to where they belong.
  void narrow(const std::byte* from, std::size_t low, std::size_t n, RankSpan ranks, int rounds) const {
    if (rounds == 0) return sort(from, low, n);
    const auto keys = [&](std::size_t at, std::size_t some, Key* to) { load(from, at, some, to); };
    const auto bracket = bracket_rank<Key>(n, ranks[ranks.size() / 2] - low, keys);
    const Split split(n, bracket, threads_, keys);
    std::shared_ptr<Buffer> apart;
    if (from == place(low)) apart = make_heap_buffer(static_cast<std::int64_t>(n * sizeof(Key)), false);
    std::byte* to = apart ? apart->data() : place(low);
    split.template move<Key>(
        [](std::size_t, Key key) { return key; },
        [&](std::size_t at, const Key* some, std::size_t count) { unmap(some, count, to + at * sizeof(Key)); });
    if (apart) copy(to, low, n);
    apart.reset();
    const std::array<std::size_t, 4> bounds = {low, low + split.below(), low + split.below_or_inside(), low + n};
    for (std::size_t part = 0; part < 3; ++part) {
      if (part == 1 && bracket.is_single()) continue;
      const RankSpan some = ranks_in(ranks, bounds[part], bounds[part + 1]);
      const std::size_t count = bounds[part + 1] - bounds[part];
      if (some.empty()) continue;
      if (count < kLongLine) {
        in_room(place(bounds[part]), bounds[part], count, some);
      } else {
        narrow(place(bounds[part]), bounds[part], count, some, rounds - 1);
      }
    }
  }
  void copy(const std::byte* from, std::size_t low, std::size_t n) const {
    constexpr std::size_t kPiece = std::size_t{1} << 15;
    parallel_blocks((n + kPiece - 1) / kPiece, threads_, [&](std::size_t piece) {
      const std::size_t at = piece * kPiece, some = std::min(kPiece, n - at);
      std::memcpy(place(low + at), from + at * sizeof(Key), some * sizeof(Key));
    });
  }

  const Map& map_;
  const DType& dtype_;
  std::byte* out_;
  bool descending_;
  int threads_;
};

}  // namespace

void partition_values(const DType& dtype, const std::byte* in, std::byte* out, const Lines& lines, RankSpan ranks,
                      bool descending, int threads) {
  // One- and two-byte keys are counted, or sorted faster than they are compared.
  const std::size_t rounds = std::bit_width(ranks.size());
  if (dtype.itemsize() < 4 || rounds == 0 || lines.length < kSorted * rounds || ranks.size() > kFewRanks)
    return sort_values(dtype, in, out, lines, descending, threads);
  visit_map(dtype, descending, [&](const auto& map) {
    if constexpr (sizeof(typename std::remove_cvref_t<decltype(map)>::Key) >= 4) {
      const std::size_t bytes = lines.length * static_cast<std::size_t>(dtype.itemsize());
      for_lines(lines, threads, [&](std::size_t line, int some) {
        LinePartition(map, dtype, out + line * bytes, descending, some).run(in + line * bytes, lines.length, ranks);
      });
    }
  });
}

// By the first words of the keys: the few items close to a rank are put in order wholly, by all their words.
void partition_items(const KeyPlan& plan, std::int64_t first, std::size_t n, RankSpan ranks, std::int64_t* out,
                     int threads) {
  if (n < kNarrowItems || ranks.empty()) return order_items(plan, first, n, out, threads);
  using Key = std::uint64_t;
  const auto keys = [&](std::size_t low, std::size_t some, Key* to) {
    plan.load(0, first + static_cast<std::int64_t>(low), some, to);
  };
  if (n >= kRunItems && find_run<Key>(n, threads, keys) != Run::none) return order_items(plan, first, n, out, threads);
  const auto from = bracket_rank<Key>(n, ranks.front(), keys),
             end = ranks.size() == 1 ? from : bracket_rank<Key>(n, ranks.back(), keys);
  const Bracket<Key> bracket{from.low, end.high};
  const Split split(n, bracket, threads, keys);
  const std::array<std::size_t, 4> bounds = {0, split.below(), split.below_or_inside(), n};
  std::array<bool, 3> ordered{};
  std::size_t rest = 0;
  for (std::size_t part = 0; part < 3; ++part) {
    const bool equal = part == 1 && bracket.is_single() && plan.words() == 1;
    ordered[part] = !equal && !ranks_in(ranks, bounds[part], bounds[part + 1]).empty();
    if (ordered[part]) rest += bounds[part + 1] - bounds[part];
  }
  if (rest > n / 4 * 3) return order_items(plan, first, n, out, threads);
  split.template move<std::int64_t>(
      [](std::size_t item, Key) { return static_cast<std::int64_t>(item); },
      [&](std::size_t at, const std::int64_t* some, std::size_t count) { std::copy_n(some, count, out + at); });
  for (std::size_t part = 0; part < 3; ++part) {
    if (ordered[part]) order_some(plan, first, out + bounds[part], bounds[part + 1] - bounds[part], threads);
  }
}

}  // namespace ndshare::internal
