#include "daemon/torn_ranges.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

/// One range that covers both; the later death is the one to tell of.
TornRange hull(const TornRange& a, const TornRange& b) {
  const auto& later = a.unix_ns < b.unix_ns ? b : a;
  return {std::min(a.lo, b.lo), std::max(a.hi, b.hi), later.pid, later.unix_ns};
}

/// Merges the nearest neighbours until the list fits a block.
TornRanges fitted(TornRanges ranges) {
  while (ranges.size() > kMaxTornRanges) {
    std::size_t best = 1;
    for (std::size_t i = 2; i < ranges.size(); ++i) {
      if (ranges[i].lo - ranges[i - 1].hi < ranges[best].lo - ranges[best - 1].hi) best = i;
    }
    ranges[best - 1] = hull(ranges[best - 1], ranges[best]);
    ranges.erase(ranges.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return ranges;
}

}  // namespace

TornRanges with_torn(std::span<const TornRange> ranges, const TornRange& more) {
  TornRanges out;
  if (more.lo >= more.hi) return {ranges.begin(), ranges.end()};
  TornRange whole = more;
  for (const auto& range : ranges) {
    if (range.lo < whole.hi && whole.lo < range.hi) {
      whole = hull(whole, range);
    } else {
      out.push_back(range);
    }
  }
  out.insert(std::upper_bound(out.begin(), out.end(), whole, [](const TornRange& a, const TornRange& b) { return a.lo < b.lo; }), whole);
  return fitted(std::move(out));
}

TornRanges without_torn(std::span<const TornRange> ranges, std::int64_t lo, std::int64_t hi) {
  TornRanges out;
  for (const auto& range : ranges) {
    if (lo >= hi || range.hi <= lo || hi <= range.lo) {
      out.push_back(range);
      continue;
    }
    if (range.lo < lo) out.push_back({range.lo, lo, range.pid, range.unix_ns});
    if (hi < range.hi) out.push_back({hi, range.hi, range.pid, range.unix_ns});
  }
  return fitted(std::move(out));
}

TornRanges torn_below(std::span<const TornRange> ranges, std::int64_t rows) {
  return without_torn(ranges, rows, INT64_MAX);
}

}  // namespace ndshare::internal
