/// Which bytes of a file are free: offsets only, no memory behind them, no system calls.
///
/// RangeSet is the index both allocators of the daemon stand on: disjoint, coalesced ranges found by place and by size
/// in O(log n). RangeAllocator hands out the heap of the catalog in units; its state is rebuilt at every start from the
/// blocks that live records name (mark_used), so it is never written anywhere.
///   Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace ndshare::internal {

struct ByteRange {
  std::uint64_t offset = 0, bytes = 0;
  std::uint64_t end() const noexcept { return offset + bytes; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Disjoint ranges; neighbours are one range.
class RangeSet {
 public:
  /// Adds a range of which no byte is in the set; returns the coalesced range it became part of. REQUIRES: bytes > 0.
  ByteRange insert(ByteRange range);
  /// Takes out a range of which every byte is in the set. REQUIRES: contains(range).
  void erase(ByteRange range);
  bool contains(ByteRange range) const noexcept;
  /// The range that holds `offset`; nothing where that byte is not in the set.
  std::optional<ByteRange> at(std::uint64_t offset) const noexcept;
  /// Start, a multiple of `align`, in the smallest range that can hold `bytes` there; the lowest such range among
  /// equals.
  std::optional<std::uint64_t> best_fit(std::uint64_t bytes, std::uint64_t align) const noexcept;

  std::uint64_t total() const noexcept { return total_; }
  std::uint64_t largest() const noexcept { return by_size_.empty() ? 0 : by_size_.rbegin()->first; }
  std::size_t size() const noexcept { return by_place_.size(); }
  const std::map<std::uint64_t, std::uint64_t>& by_place() const noexcept { return by_place_; }  ///< offset → bytes
  const std::set<std::pair<std::uint64_t, std::uint64_t>>& by_size() const noexcept {
    return by_size_;
  }  ///< bytes, offset

 private:
  using Place = std::map<std::uint64_t, std::uint64_t>::iterator;
  void drop(Place place);
  void put(ByteRange range);

  std::map<std::uint64_t, std::uint64_t> by_place_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_size_;
  std::uint64_t total_ = 0;
};

/// Best-fit allocation of [0, limit) in units: the catalog's heap (64-byte units), whose offsets count from the heap's
/// start.
class RangeAllocator {
 public:
  /// `unit`: a power of two; every size is rounded up to it. The first unit can be kept out with mark_used (offset 0
  /// then never is a block).
  RangeAllocator(std::uint64_t limit, std::uint64_t unit);

  /// A free place at a multiple of `align` (0: the unit); nothing where there is none. REQUIRES: align is 0 or a power
  /// of two.
  std::optional<std::uint64_t> allocate(std::uint64_t bytes, std::uint64_t align = 0);
  /// Gives back what allocate() or mark_used() took, or a part of it in units. Throws Internal where it is not in use.
  void free(std::uint64_t offset, std::uint64_t bytes);
  /// For a rebuild: takes this place. False (and nothing changed) where a part of it is in use, over the limit or
  /// unaligned.
  bool mark_used(std::uint64_t offset, std::uint64_t bytes);

  std::uint64_t limit() const noexcept { return limit_; }
  std::uint64_t used() const noexcept { return limit_ - free_.total(); }
  std::uint64_t free_bytes() const noexcept { return free_.total(); }
  std::uint64_t largest_free() const noexcept { return free_.largest(); }
  /// The end of the highest block ever in use: memory up to here has to be real (it only grows).
  std::uint64_t high_water() const noexcept { return high_water_; }

 private:
  std::uint64_t limit_, unit_, high_water_ = 0;
  RangeSet free_;
};

}  // namespace ndshare::internal
