/// Interval maps over the pool: how many hold each page, and what is known about each warm page.
///
/// Both are boost::icl maps from offsets to a number; neighbours with the same number are one entry, so their size
/// follows the number of different stretches, not of pages.
///   Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <boost/icl/interval_map.hpp>

#include "daemon/range_allocator.h"

namespace ndshare::internal {

/// From byte offsets to a number; a stretch whose number is 0 has no entry.
template <class Number>
using IntervalMap =
    boost::icl::interval_map<std::uint64_t, Number, boost::icl::partial_absorber, std::less, boost::icl::inplace_plus,
                             boost::icl::inter_section, boost::icl::right_open_interval<std::uint64_t>>;

/// Holders of page extents. A byte that is not in the map has none.
class ExtentCounts {
 public:
  void add(ByteRange range);
  /// Whether every byte of the range has a holder.
  bool covers(ByteRange range) const;
  /// Whether some byte of the range has a holder.
  bool touches(ByteRange range) const;
  /// Whether some byte of the range has more than one holder.
  bool shared(ByteRange range) const;
  /// Bytes of which `some` counts all the holders that there are.
  std::uint64_t bytes_all_in(const ExtentCounts& some) const;
  /// Takes one holder from every byte; returns the stretches that have none left. REQUIRES: covers(range).
  std::vector<ByteRange> remove(ByteRange range);
  /// The stretches of the range that have no holder.
  std::vector<ByteRange> gaps(ByteRange range) const;
  /// The end of the highest byte with a holder; 0 where there is none.
  std::uint64_t end() const;

 private:
  IntervalMap<std::uint32_t> counts_;
};

/// What is known about warm pages: a number a stretch.
class PageMarks {
 public:
  struct Mark {
    ByteRange range;
    bool zero;
    std::uint32_t uid;
  };
  void set(ByteRange range, bool zero, std::uint32_t uid);
  void erase(ByteRange range);
  /// The marked stretches within the range, in order.
  std::vector<Mark> in(ByteRange range) const;

 private:
  IntervalMap<std::uint64_t> marks_;  ///< uid << 2 | zero << 1 | 1, never 0
};

}  // namespace ndshare::internal
