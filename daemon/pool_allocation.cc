// What is left to do for an allocation before its memory may be handed out. Declared in pool_allocator.h.
#include <algorithm>

#include "daemon/pool_allocator.h"
#include "lib/base/checked.h"

namespace ndshare::internal {
namespace {

// 4032 and not 4096: 16 pieces a slab either way, and no class is a multiple of a page. Steps of a third to a half: an
// array wastes a quarter of its bytes on average at worst, and few classes mean few slabs that are partly empty.
constexpr std::uint64_t kClasses[] = {64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4032};
static_assert(kClasses[std::size(kClasses) - 1] < kSlabLimit && kSlabBytes / kClasses[0] <= 16 * 64);

}  // namespace

std::optional<std::uint64_t> slab_class(std::uint64_t nbytes) noexcept {
  if (nbytes == 0) return std::nullopt;
  const auto* found = std::lower_bound(std::begin(kClasses), std::end(kClasses), nbytes);
  return found == std::end(kClasses) ? std::nullopt : std::optional(*found);
}

std::uint64_t extent_bytes(std::uint64_t nbytes) noexcept {
  return slab_class(nbytes).value_or(round_up(nbytes, kPage));
}

bool PoolAllocation::needs_work(const PoolPart& part) const noexcept {
  if (part.ready == part.bytes) return false;
  return part.state == PartState::cold || (part.state == PartState::used && wipe && part.last_uid != uid);
}

std::optional<PoolAllocation::Work> PoolAllocation::next_work(std::uint64_t max_bytes) const noexcept {
  for (const auto& part : parts) {
    if (!needs_work(part)) continue;
    const std::uint64_t bytes = std::min(part.bytes - part.ready, std::max(round_down(max_bytes, kPage), kPage));
    return Work{part.offset + part.ready, bytes, part.state == PartState::used};
  }
  return std::nullopt;
}

void PoolAllocation::punched(std::uint64_t bytes) noexcept {
  for (auto& part : parts) {
    if (!needs_work(part)) continue;
    part.holes = std::max(part.holes, std::min(bytes, part.bytes - part.ready));
    return;
  }
}

void PoolAllocation::work_done(std::uint64_t bytes) noexcept {
  for (auto& part : parts) {
    if (!needs_work(part)) continue;
    const auto done = std::min(bytes, part.bytes - part.ready);
    part.ready += done;
    part.holes -= std::min(part.holes, done);
    return;
  }
}

std::uint64_t PoolAllocation::work_left() const noexcept {
  std::uint64_t left = 0;
  for (const auto& part : parts) left += needs_work(part) ? part.bytes - part.ready : 0;
  return left;
}

bool PoolAllocation::is_zeroed(const PoolExtent& extent) const noexcept {
  for (std::uint32_t i = 0; i < extent.part_count; ++i) {
    const auto& part = parts[extent.first_part + i];
    if (part.state != PartState::zero && part.ready != part.bytes) return false;
  }
  return extent.part_count != 0;
}

}  // namespace ndshare::internal
