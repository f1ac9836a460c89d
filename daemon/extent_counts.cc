#include "daemon/extent_counts.h"

#include <algorithm>
#include <iterator>

namespace ndshare::internal {
namespace {

using Interval = boost::icl::right_open_interval<std::uint64_t>;

Interval interval(ByteRange range) { return {range.offset, range.end()}; }

ByteRange clip(const Interval& found, ByteRange range) {
  const std::uint64_t from = std::max(found.lower(), range.offset), to = std::min(found.upper(), range.end());
  return {from, to - from};
}

/// The stretches of `range` that have no entry in `map`.
template <class Map>
std::vector<ByteRange> holes(const Map& map, ByteRange range) {
  std::vector<ByteRange> out;
  std::uint64_t at = range.offset;
  const auto [first, last] = map.equal_range(interval(range));
  for (auto it = first; it != last; ++it) {
    const ByteRange held = clip(it->first, range);
    if (at < held.offset) out.push_back({at, held.offset - at});
    at = held.end();
  }
  if (at < range.end()) out.push_back({at, range.end() - at});
  return out;
}

}  // namespace

void ExtentCounts::add(ByteRange range) { counts_.add({interval(range), 1U}); }

bool ExtentCounts::covers(ByteRange range) const { return holes(counts_, range).empty(); }

bool ExtentCounts::touches(ByteRange range) const {
  const auto [first, last] = counts_.equal_range(interval(range));
  return first != last;
}

std::vector<ByteRange> ExtentCounts::remove(ByteRange range) {
  std::vector<ByteRange> freed;
  const auto [first, last] = counts_.equal_range(interval(range));
  for (auto it = first; it != last; ++it) {
    if (it->second == 1) freed.push_back(clip(it->first, range));
  }
  counts_.subtract({interval(range), 1U});
  return freed;
}

bool ExtentCounts::shared(ByteRange range) const {
  const auto [first, last] = counts_.equal_range(interval(range));
  return std::any_of(first, last, [](const auto& stretch) { return stretch.second > 1; });
}

std::uint64_t ExtentCounts::bytes_all_in(const ExtentCounts& some) const {
  std::uint64_t bytes = 0;
  for (const auto& stretch : some.counts_) {
    const ByteRange range{stretch.first.lower(), stretch.first.upper() - stretch.first.lower()};
    const auto [first, last] = counts_.equal_range(stretch.first);
    for (auto it = first; it != last; ++it) bytes += it->second == stretch.second ? clip(it->first, range).bytes : 0;
  }
  return bytes;
}

std::vector<ByteRange> ExtentCounts::gaps(ByteRange range) const { return holes(counts_, range); }

std::uint64_t ExtentCounts::end() const { return counts_.empty() ? 0 : std::prev(counts_.end())->first.upper(); }

void PageMarks::set(ByteRange range, bool zero, std::uint32_t uid) {
  marks_.set({interval(range), std::uint64_t{uid} << 2 | (zero ? 2U : 0U) | 1U});
}

void PageMarks::erase(ByteRange range) { marks_.erase(interval(range)); }

std::vector<PageMarks::Mark> PageMarks::in(ByteRange range) const {
  std::vector<Mark> out;
  const auto [first, last] = marks_.equal_range(interval(range));
  for (auto it = first; it != last; ++it) {
    out.push_back({clip(it->first, range), (it->second & 2U) != 0, static_cast<std::uint32_t>(it->second >> 2)});
  }
  return out;
}

}  // namespace ndshare::internal
