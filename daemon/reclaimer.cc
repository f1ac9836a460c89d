#include "daemon/reclaimer.h"

#include <algorithm>

#include "daemon/crash_point.h"

namespace ndshare::internal {

ClaimScan::ClaimScan(std::vector<ClaimCopy> claims) : claims_(std::move(claims)) {
  std::sort(claims_.begin(), claims_.end(), [](const ClaimCopy& a, const ClaimCopy& b) { return a.array < b.array; });
}

bool ClaimScan::names(std::uint32_t array) const noexcept {
  const auto at = std::lower_bound(claims_.begin(), claims_.end(), array,
                                   [](const ClaimCopy& claim, std::uint32_t wanted) { return claim.array < wanted; });
  return at != claims_.end() && at->array == array;
}

bool ClaimScan::pins(std::uint32_t array, std::uint64_t array_gen, std::uint64_t from,
                     std::uint64_t to) const noexcept {
  if (array_gen == 0) return names(array);
  auto at = std::lower_bound(claims_.begin(), claims_.end(), array,
                             [](const ClaimCopy& claim, std::uint32_t wanted) { return claim.array < wanted; });
  for (; at != claims_.end() && at->array == array; ++at) {
    if (at->array_gen != array_gen || at->version > to) continue;
    const bool keeps_later = at->mode == ClaimMode::update || at->mode == ClaimMode::write;
    if (keeps_later || at->version >= from) return true;
  }
  return false;
}

void Reclaimer::add(const Waiting& waiting) {
  waiting_.push_back(waiting);
  blocks_ += waiting.block != 0;
}

std::uint64_t Reclaimer::pending_bytes() const {
  std::vector<ByteRange> held;
  for (const auto& waiting : waiting_) {
    if (waiting.block == 0) continue;
    for (const auto& extent : extents_of(heap_.version(waiting.block))) {
      if (extent.bytes != 0) held.push_back({extent.offset, extent.bytes});
    }
  }
  return pool_.held_only_by(held);
}

bool Reclaimer::frees_record(std::uint32_t array) const noexcept {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const Waiting& one) { return one.array == array && one.frees_record; });
}

std::uint64_t Reclaimer::block_of(std::uint32_t array, std::uint64_t array_gen, std::uint64_t version) const noexcept {
  const auto is_it = [&](const Waiting& one) {
    return one.block != 0 && one.array == array && one.array_gen == array_gen && one.from <= version && version <= one.to;
  };
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), is_it);
  return found == waiting_.end() ? 0 : found->block;
}

std::uint64_t Reclaimer::run(const ClaimScan& scan, const std::function<void(std::uint32_t)>& free_record) {
  std::uint64_t freed = 0;
  const auto is_done = [&](Waiting& waiting) {
    if (!scan.pins(waiting.array, waiting.array_gen, waiting.from, waiting.to)) freed += free_memory(waiting);
    if (waiting.block != 0 || waiting.meta != 0) return false;
    if (!waiting.frees_record) return true;
    if (scan.names(waiting.array)) return false;
    free_record(waiting.array);
    return true;
  };
  std::erase_if(waiting_, is_done);
  return freed;
}

/// The block loses its magic before its extents can serve others: a restart in between finds nothing that names them.
std::uint64_t Reclaimer::free_memory(Waiting& waiting) {
  std::uint64_t freed = 0;
  if (waiting.block != 0) {
    const auto& block = heap_.version(waiting.block);
    if (block.source_gen != 0) gone_snapshots_.push_back({block.source_gen, block.source_version});
    const auto extents = extents_of(block);
    const std::vector<Extent> gone(extents.begin(), extents.end());
    heap_.free_block(waiting.block);
    crash_point("reclaim.block");
    for (const auto& extent : gone) freed += pool_.release(extent.offset, extent.bytes, waiting.uid);
  }
  heap_.free_block(waiting.meta);
  crash_point("reclaim.meta");
  blocks_ -= waiting.block != 0;
  waiting.block = waiting.meta = 0;
  return freed;
}

}  // namespace ndshare::internal
