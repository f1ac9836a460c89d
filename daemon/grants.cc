#include "daemon/grants.h"

#include <algorithm>
#include <string>

#include <ndshare/error.h>

#include "lib/shm/segment.h"

namespace ndshare::internal {

void Grants::adopt(int catalog_fd) {
  high_ = 0;
  const auto start = writer_.header().grants_offset, end = start + sizeof(Grant) * kMaxGrants;
  for_each_resident(catalog_fd, end, [&](std::uint64_t offset, std::uint64_t bytes) {
    if (offset + bytes <= start) return;
    const auto from = (std::max(offset, start) - start) / sizeof(Grant);
    auto at = static_cast<std::uint32_t>((offset + bytes - start) / sizeof(Grant));
    while (at > from && writer_.grant(at - 1).owner.load(std::memory_order_relaxed) == 0) --at;
    if (at > from) high_ = at;
  });
}

bool Grants::holds(SlotRef slot) const noexcept {
  for (std::uint32_t at = 0; at < high_; ++at) {
    if (writer_.grant(at).owner.load(std::memory_order_relaxed) == owner(slot)) return true;
  }
  return false;
}

std::vector<ByteRange> Grants::of_request(SlotRef slot, std::uint64_t sequence) const {
  std::vector<ByteRange> out;  // add() fills free places from the lowest on: their order is the order of the data
  for (std::uint32_t at = 0; at < high_; ++at) {
    const auto& grant = writer_.grant(at);
    if (grant.owner.load() == owner(slot) && grant.sequence.load() == sequence) out.push_back({grant.offset.load(), grant.bytes.load()});
  }
  return out;
}

void Grants::add(Transaction& change, SlotRef slot, std::uint64_t sequence, const std::vector<ByteRange>& extents) {
  std::uint32_t at = 0;
  for (const auto& extent : extents) {
    while (at < high_ && change.load(writer_.grant(at).owner) != 0) ++at;
    if (at == kMaxGrants) {
      throw Error(ErrorCode::Capacity,
                  "all " + std::to_string(kMaxGrants) +
                      " places for memory in clients' hands are taken: wait until others publish or return it");
    }
    writer_.reserve_grant(at);
    auto& grant = writer_.grant(at);
    change.store(grant.offset, extent.offset);
    change.store(grant.bytes, extent.bytes);
    change.store(grant.sequence, sequence);
    change.store_seen(grant.owner, owner(slot));
    if (at >= high_) high_ = at + 1;
    ++at;
  }
}

void Grants::take(Transaction& change, SlotRef slot, const std::vector<ByteRange>& extents) {
  for (const auto& extent : extents) {
    std::uint32_t at = 0;
    for (; at < high_; ++at) {
      auto& grant = writer_.grant(at);
      if (change.load(grant.owner) == owner(slot) && grant.offset.load() == extent.offset &&
          grant.bytes.load() == extent.bytes)
        break;
    }
    if (at == high_) {
      throw Error(ErrorCode::Permission,
                  "the memory at offset " + std::to_string(extent.offset) + " was not handed to this client");
    }
    change.store_seen(writer_.grant(at).owner, 0);
  }
}

std::vector<ByteRange> Grants::take_all(Transaction& change, SlotRef slot) {
  std::vector<ByteRange> out;
  for (std::uint32_t at = 0; at < high_; ++at) {
    auto& grant = writer_.grant(at);
    if (grant.owner.load(std::memory_order_relaxed) != owner(slot)) continue;
    out.push_back({grant.offset.load(), grant.bytes.load()});
    change.store_seen(grant.owner, 0);
  }
  return out;
}

std::vector<Grants::Owned> Grants::all() const {
  std::vector<Owned> out;
  for (std::uint32_t at = 0; at < high_; ++at) {
    const auto& grant = writer_.grant(at);
    const auto word = grant.owner.load(std::memory_order_relaxed);
    if (word == 0) continue;
    const SlotRef slot{static_cast<std::uint32_t>(word >> 32) - 1, word & 0xFFFF'FFFF};
    out.push_back({slot, {grant.offset.load(), grant.bytes.load()}});
  }
  return out;
}

}  // namespace ndshare::internal
