#include "daemon/range_allocator.h"

#include <algorithm>
#include <iterator>
#include <string>

#include <ndshare/error.h>

#include "lib/base/checked.h"

namespace ndshare::internal {

void RangeSet::drop(Place place) {
  by_size_.erase({place->second, place->first});
  total_ -= place->second;
  by_place_.erase(place);
}

void RangeSet::put(ByteRange range) {
  by_place_.emplace(range.offset, range.bytes);
  by_size_.emplace(range.bytes, range.offset);
  total_ += range.bytes;
}

ByteRange RangeSet::insert(ByteRange range) {
  auto next = by_place_.lower_bound(range.offset);
  if (next != by_place_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == range.offset) {
      range = {before->first, before->second + range.bytes};
      drop(before);
    }
  }
  if (next != by_place_.end() && next->first == range.end()) {
    range.bytes += next->second;
    drop(next);
  }
  put(range);
  return range;
}

void RangeSet::erase(ByteRange range) {
  const auto place = std::prev(by_place_.upper_bound(range.offset));
  const ByteRange whole{place->first, place->second};
  drop(place);
  if (whole.offset < range.offset) put({whole.offset, range.offset - whole.offset});
  if (range.end() < whole.end()) put({range.end(), whole.end() - range.end()});
}

std::optional<ByteRange> RangeSet::at(std::uint64_t offset) const noexcept {
  auto place = by_place_.upper_bound(offset);
  if (place == by_place_.begin()) return std::nullopt;
  --place;
  if (offset - place->first >= place->second) return std::nullopt;
  return ByteRange{place->first, place->second};
}

bool RangeSet::contains(ByteRange range) const noexcept {
  const auto whole = at(range.offset);
  return whole && range.bytes <= whole->end() - range.offset;
}

std::optional<std::uint64_t> RangeSet::best_fit(std::uint64_t bytes, std::uint64_t align) const noexcept {
  // A range that is long enough may still not hold an aligned piece, and there may be many such: after a few, first
  // those are looked at that surely can (their length includes the worst slack), and only then the others.
  constexpr int kLooks = 64;
  const auto fits = [&](const auto& range) -> std::optional<std::uint64_t> {
    const std::uint64_t start = round_up(range.second, align), slack = start - range.second;
    return slack <= range.first && range.first - slack >= bytes ? std::optional(start) : std::nullopt;
  };
  auto range = by_size_.lower_bound({bytes, 0});
  for (int looks = 0; looks < kLooks && range != by_size_.end(); ++looks, ++range) {
    if (const auto start = fits(*range)) return start;
  }
  if (const auto sure = by_size_.lower_bound({bytes + align, 0}); sure != by_size_.end()) return fits(*sure);
  for (; range != by_size_.end(); ++range) {
    if (const auto start = fits(*range)) return start;
  }
  return std::nullopt;
}

RangeAllocator::RangeAllocator(std::uint64_t limit, std::uint64_t unit) : limit_(round_down(limit, unit)), unit_(unit) {
  if (limit_ != 0) free_.insert({0, limit_});
}

std::optional<std::uint64_t> RangeAllocator::allocate(std::uint64_t bytes, std::uint64_t align) {
  if (bytes == 0 || bytes > limit_) return std::nullopt;
  const std::uint64_t units = round_up(bytes, unit_);
  const auto place = free_.best_fit(units, std::max(align, unit_));
  if (!place) return std::nullopt;
  free_.erase({*place, units});
  high_water_ = std::max(high_water_, *place + units);
  return place;
}

void RangeAllocator::free(std::uint64_t offset, std::uint64_t bytes) {
  const bool sane = offset % unit_ == 0 && bytes != 0 && bytes <= limit_ && offset <= limit_ - round_up(bytes, unit_);
  const ByteRange range{offset, sane ? round_up(bytes, unit_) : 0};
  const auto next = sane ? free_.by_place().lower_bound(offset) : free_.by_place().end();
  if (!sane || free_.at(offset) || (next != free_.by_place().end() && next->first < range.end())) {
    throw Error(ErrorCode::Internal, "a block that is not in use was freed: offset " + std::to_string(offset) + ", " +
                                         std::to_string(bytes) + " bytes of " + std::to_string(limit_));
  }
  free_.insert(range);
}

bool RangeAllocator::mark_used(std::uint64_t offset, std::uint64_t bytes) {
  if (offset % unit_ != 0 || bytes == 0 || bytes > limit_) return false;
  const ByteRange range{offset, round_up(bytes, unit_)};
  if (!free_.contains(range)) return false;
  free_.erase(range);
  high_water_ = std::max(high_water_, range.end());
  return true;
}

}  // namespace ndshare::internal
