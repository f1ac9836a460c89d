#include "daemon/pool_allocator.h"

#include <algorithm>
#include <iterator>
#include <string>

#include <ndshare/error.h>

#include "lib/base/checked.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

[[noreturn]] void throw_not_in_use(std::uint64_t offset, std::uint64_t bytes) {
  throw Error(ErrorCode::Damaged, "the extent at offset " + std::to_string(offset) + " (" + std::to_string(bytes) +
                                      " bytes) is not in use, or not all of it");
}

bool is_piece(std::uint64_t bytes) { return bytes % kPage != 0; }

/// Extents of 2 MiB and more start at a multiple of it: a longer range gives a short extent up to there, and the rest.
void push_aligned(ByteRange range, std::vector<ByteRange>& out) {
  if (range.bytes >= kHugePage && range.offset % kHugePage != 0) {
    const std::uint64_t head = round_up(range.offset, kHugePage) - range.offset;
    out.push_back({range.offset, head});
    range = {range.offset + head, range.bytes - head};
  }
  if (range.bytes != 0) out.push_back(range);
}

}  // namespace

PoolAllocator::PoolAllocator(std::uint64_t capacity) : capacity_(round_down(capacity, kPage)) {
  if (capacity_ != 0) free_.insert({0, capacity_});
}

// ---- allocation
// --------------------------------------------------------------------------------------------------------------

PoolAllocation PoolAllocator::allocate(std::span<const std::uint64_t> nbytes, std::uint32_t uid, bool wipe) {
  PoolAllocation out;
  out.uid = uid, out.wipe = wipe;
  try {
    for (std::size_t i = 0; i < nbytes.size(); ++i) {
      const auto array = static_cast<std::uint32_t>(i);
      if (const auto piece = slab_class(nbytes[i])) {
        allocate_piece(*piece, array, out);
      } else if (nbytes[i] > capacity_) {
        throw_capacity(nbytes[i]);
      } else if (nbytes[i] != 0) {
        allocate_pages(round_up(nbytes[i], kPage), array, out);
      }
    }
  } catch (...) {
    give_back(out);
    throw;
  }
  return out;
}

void PoolAllocator::allocate_pages(std::uint64_t bytes, std::uint32_t array, PoolAllocation& out) {
  std::vector<ByteRange> ranges;
  if (const auto place = place_for(bytes, bytes >= kHugePage ? kHugePage : kPage)) {
    ranges.push_back({*place, bytes});
  } else {
    ranges = several_ranges(bytes);
  }
  for (const auto& range : ranges) {
    const auto first = static_cast<std::uint32_t>(out.parts.size());
    const std::uint32_t count = take_parts(range, out.parts);
    out.extents.push_back({range.offset, range.bytes, array, first, count});
    counts_.add(range);
    live_ += range.bytes;
  }
}

std::optional<std::uint64_t> PoolAllocator::place_for(std::uint64_t bytes, std::uint64_t align) const noexcept {
  if (const auto warm = warm_.best_fit(bytes, align)) return warm;
  if (const auto around = place_around_warm(bytes, align)) return around;
  return free_.best_fit(bytes, align);
}

/// A place that takes in as much of a large warm range as it can, where that is a quarter of what is asked or more.
std::optional<std::uint64_t> PoolAllocator::place_around_warm(std::uint64_t bytes, std::uint64_t align) const noexcept {
  constexpr int kLooks = 8;
  auto warm = warm_.by_size().rbegin();
  for (int looks = 0; looks < kLooks && warm != warm_.by_size().rend() && warm->first >= bytes / 4; ++looks, ++warm) {
    const auto around = *free_.at(warm->second);
    const std::uint64_t first = round_up(around.offset, align);
    if (first > around.end() || around.end() - first < bytes) continue;
    const std::uint64_t last = round_down(around.end() - bytes, align);
    return std::clamp(round_down(warm->second, align), first, last);
  }
  return std::nullopt;
}

/// Whole free ranges, the largest first, and what is left over from the smallest one that can hold it.
std::vector<ByteRange> PoolAllocator::several_ranges(std::uint64_t bytes) const {
  std::vector<ByteRange> out;
  if (bytes > free_.total()) throw_capacity(bytes);
  std::uint64_t left = bytes;
  for (auto range = free_.by_size().rbegin(); left != 0; ++range) {
    const auto [length, offset] = range->first < left ? *range : *free_.by_size().lower_bound({left, 0});
    push_aligned({offset, std::min(length, left)}, out);
    left -= std::min(length, left);
  }
  if (out.size() > kMaxExtents) throw_capacity(bytes);
  return out;
}

std::uint32_t PoolAllocator::take_parts(ByteRange range, std::vector<PoolPart>& parts) {
  const auto before = parts.size();
  std::uint64_t at = range.offset;
  for (const auto& mark : marks_.in(range)) {
    if (at < mark.range.offset) parts.push_back({at, mark.range.offset - at, PartState::cold, kUnknownUid, 0});
    parts.push_back({mark.range.offset, mark.range.bytes, mark.zero ? PartState::zero : PartState::used, mark.uid, 0});
    at = mark.range.end();
  }
  if (at < range.end()) parts.push_back({at, range.end() - at, PartState::cold, kUnknownUid, 0});
  for (auto i = before; i < parts.size(); ++i) {
    if (parts[i].state != PartState::cold) warm_.erase({parts[i].offset, parts[i].bytes});
  }
  marks_.erase(range);
  free_.erase(range);
  return static_cast<std::uint32_t>(parts.size() - before);
}

void PoolAllocator::put_free(ByteRange range, PartState state, std::uint32_t uid) {
  if (range.bytes == 0) return;
  free_.insert(range);
  if (state == PartState::cold) return;
  warm_.insert(range);
  marks_.set(range, state == PartState::zero, uid);
}

void PoolAllocator::put_part(const PoolPart& part) {
  put_free({part.offset, part.ready}, PartState::zero, part.last_uid);
  put_free({part.offset + part.ready, part.holes}, PartState::cold, kUnknownUid);
  const auto touched = part.ready + part.holes;
  put_free({part.offset + touched, part.bytes - touched}, part.state, part.last_uid);
}

void PoolAllocator::prepared(const PoolAllocation& allocation) {
  for (const auto& opened : allocation.slabs) {
    Slab& slab = slabs_.at(opened.base);
    slab.ready = true;
    list_slab(opened.base, slab);
  }
}

void PoolAllocator::give_back(const PoolAllocation& allocation) {
  for (const auto& extent : allocation.extents) {
    if (is_piece(extent.bytes)) {
      free_piece(extent.offset);
      continue;
    }
    counts_.remove({extent.offset, extent.bytes});
    live_ -= extent.bytes;
    for (std::uint32_t i = 0; i < extent.part_count; ++i) put_part(allocation.parts[extent.first_part + i]);
  }
  for (const auto& opened : allocation.slabs) {
    const auto slab = slabs_.find(opened.base);
    if (slab == slabs_.end() || slab->second.ready) continue;  // prepared() was called: it lives by its own
    slabs_.erase(slab);
    for (std::uint32_t i = 0; i < opened.part_count; ++i) put_part(allocation.parts[opened.first_part + i]);
  }
}

// ---- holders
// -----------------------------------------------------------------------------------------------------------------

void PoolAllocator::check_place(std::uint64_t offset, std::uint64_t bytes) const {
  if (offset <= capacity_ && bytes <= capacity_ - offset && (is_piece(bytes) || offset % kPage == 0)) return;
  throw Error(ErrorCode::Damaged, "the extent at offset " + std::to_string(offset) + " (" + std::to_string(bytes) +
                                      " bytes) is unaligned or beyond the pool's " + std::to_string(capacity_) +
                                      " bytes");
}

void PoolAllocator::retain(std::uint64_t offset, std::uint64_t bytes) {
  if (bytes == 0) return;
  check_place(offset, bytes);
  if (is_piece(bytes)) return retain_piece(offset, bytes);
  if (!counts_.covers({offset, bytes})) throw_not_in_use(offset, bytes);
  counts_.add({offset, bytes});
}

bool PoolAllocator::is_shared(std::uint64_t offset, std::uint64_t bytes) const {
  return is_piece(bytes) ? shared_pieces_.contains(offset) : counts_.shared({offset, bytes});
}

std::uint64_t PoolAllocator::held_only_by(std::span<const ByteRange> extents) const {
  std::uint64_t bytes = 0;
  ExtentCounts pages;
  std::unordered_map<std::uint64_t, std::uint32_t> pieces;
  for (const auto& extent : extents) {
    if (!is_shared(extent.offset, extent.bytes)) {
      bytes += extent.bytes;
    } else if (is_piece(extent.bytes)) {
      bytes += ++pieces[extent.offset] == shared_pieces_.at(extent.offset) ? extent.bytes : 0;
    } else {
      pages.add(extent);
    }
  }
  return bytes + counts_.bytes_all_in(pages);
}

std::uint64_t PoolAllocator::release(std::uint64_t offset, std::uint64_t bytes, std::uint32_t uid) {
  if (bytes == 0) return 0;
  check_place(offset, bytes);
  if (is_piece(bytes)) return release_piece(offset, bytes);
  if (!counts_.covers({offset, bytes})) throw_not_in_use(offset, bytes);
  std::uint64_t freed = 0;
  for (const auto& range : counts_.remove({offset, bytes})) {
    put_free(range, PartState::used, uid);
    freed += range.bytes;
  }
  live_ -= freed;
  return freed;
}

void PoolAllocator::mark_live(std::uint64_t offset, std::uint64_t bytes, std::uint32_t uid) {
  if (bytes == 0) return;
  check_place(offset, bytes);
  if (is_piece(bytes)) return mark_piece(offset, bytes, uid);
  const auto gaps = counts_.gaps({offset, bytes});
  for (const auto& gap : gaps) {
    if (!free_.contains(gap)) throw_not_in_use(offset, bytes);  // pages over a slab
  }
  std::vector<PoolPart> dropped;
  for (const auto& gap : gaps) {
    take_parts(gap, dropped);
    live_ += gap.bytes;
  }
  counts_.add({offset, bytes});
}

void PoolAllocator::mark_resident(std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t from = round_up(std::min(offset, capacity_), kPage);
  const std::uint64_t to = offset >= capacity_ ? from : round_down(offset + std::min(bytes, capacity_ - offset), kPage);
  auto place = free_.by_place().upper_bound(from);
  if (place != free_.by_place().begin()) --place;
  for (; place != free_.by_place().end() && place->first < to; ++place) {
    std::uint64_t at = std::max(from, place->first);
    const std::uint64_t end = std::min(to, place->first + place->second);
    if (at >= end) continue;
    auto known = marks_.in({at, end - at});
    known.push_back({{end, 0}, false, kUnknownUid});
    for (const auto& mark : known) {
      if (at < mark.range.offset) {
        warm_.insert({at, mark.range.offset - at});
        marks_.set({at, mark.range.offset - at}, false, kUnknownUid);
      }
      at = mark.range.end();
    }
  }
}

// ---- trim, capacity, numbers
// ---------------------------------------------------------------------------------------------------

std::vector<ByteRange> PoolAllocator::take_trim(std::uint64_t max_bytes) {
  std::vector<ByteRange> out;
  std::vector<PoolPart> dropped;
  std::uint64_t left = round_down(max_bytes, kPage);
  while (left != 0 && warm_.size() != 0) {
    const auto [offset, length] = *warm_.by_place().rbegin();
    const std::uint64_t bytes = std::min(length, left);
    out.push_back({offset + length - bytes, bytes});
    take_parts(out.back(), dropped);
    left -= bytes;
  }
  return out;
}

void PoolAllocator::made_cold(ByteRange range) { put_free(range, PartState::cold, kUnknownUid); }

void PoolAllocator::keep_warm(ByteRange range) { put_free(range, PartState::used, kUnknownUid); }

void PoolAllocator::set_capacity(std::uint64_t capacity) {
  capacity = round_down(capacity, kPage);
  if (capacity > capacity_) free_.insert({capacity_, capacity - capacity_});
  if (capacity < capacity_) {
    const ByteRange beyond{capacity, capacity_ - capacity};
    if (!free_.contains(beyond)) {
      const auto tail = free_.at(capacity_ - 1);
      const std::uint64_t end = tail ? tail->offset : capacity_;
      throw Error(ErrorCode::Capacity,
                  "the pool cannot shrink to " + format_bytes(capacity) + ": memory in use reaches up to " +
                      format_bytes(end) + " (" + std::to_string(end) +
                      " bytes). Remove arrays, or choose a larger capacity",
                  {{"asked_bytes", std::to_string(capacity)}, {"needed_bytes", std::to_string(end)}});
    }
    std::vector<PoolPart> dropped;
    take_parts(beyond, dropped);
  }
  capacity_ = capacity;
}

PoolNumbers PoolAllocator::numbers() const noexcept {
  return {capacity_, capacity_ - free_.total(), live_, warm_.total(), free_.total(), free_.largest()};
}

void PoolAllocator::throw_capacity(std::uint64_t asked) const {
  const PoolNumbers now = numbers();
  const bool scattered = now.free >= asked;
  throw Error(ErrorCode::Capacity,
              "the store has no room for " + format_bytes(asked) + " (" + std::to_string(asked) +
                  " bytes): " + format_bytes(now.used) + " of " + format_bytes(now.capacity) + " are in use, " +
                  format_bytes(now.free) + " are free" + (scattered ? " but in too many pieces" : "") +
                  " (largest piece " + format_bytes(now.largest_free) +
                  "). Remove arrays ('ndshare ls'), or start the store with a larger --capacity",
              {{"asked_bytes", std::to_string(asked)},
               {"used_bytes", std::to_string(now.used)},
               {"capacity_bytes", std::to_string(now.capacity)},
               {"free_bytes", std::to_string(now.free)},
               {"largest_free_bytes", std::to_string(now.largest_free)}});
}

}  // namespace ndshare::internal
