// The part of PoolAllocator that cuts slabs into pieces. Declared in pool_allocator.h.
#include <bit>
#include <string>

#include <ndshare/error.h>

#include "daemon/pool_allocator.h"
#include "lib/base/checked.h"

namespace ndshare::internal {
namespace {

[[noreturn]] void throw_bad_piece(std::uint64_t offset, std::uint64_t bytes, const char* what) {
  throw Error(ErrorCode::Damaged, "the small extent at offset " + std::to_string(offset) + " (" +
                                      std::to_string(bytes) + " bytes) " + what);
}

bool is_taken(const std::uint64_t (&taken)[16], std::uint64_t index) {
  return (taken[index / 64] >> (index % 64) & 1) != 0;
}

}  // namespace

void PoolAllocator::allocate_piece(std::uint64_t piece, std::uint32_t array, PoolAllocation& out) {
  const std::uint64_t base = slab_with_room(piece, out);
  out.extents.push_back({take_piece(base, slabs_.at(base)), piece, array, 0, 0});
}

std::uint64_t PoolAllocator::slab_with_room(std::uint64_t piece, PoolAllocation& out) {
  if (const auto open = open_slabs_.find({piece, out.uid}); open != open_slabs_.end()) return *open->second.begin();
  for (auto slab = out.slabs.rbegin(); slab != out.slabs.rend(); ++slab) {
    const Slab& known = slabs_.at(slab->base);
    if (known.piece == piece && known.used < known.pieces) return slab->base;
  }
  const auto base = place_for(kSlabBytes, kSlabBytes);
  if (!base) throw_capacity(kSlabBytes);
  const auto first = static_cast<std::uint32_t>(out.parts.size());
  const std::uint32_t count = take_parts({*base, kSlabBytes}, out.parts);
  out.slabs.push_back({*base, first, count});
  slabs_[*base] = Slab{piece, out.uid, 0, static_cast<std::uint32_t>(kSlabBytes / piece), false, {}};
  return *base;
}

/// A slab that is ready and has room is listed for its class and uid, any other is not.
void PoolAllocator::list_slab(std::uint64_t base, const Slab& slab) {
  const SlabKey key{slab.piece, slab.uid};
  if (slab.ready && slab.used < slab.pieces) {
    open_slabs_[key].insert(base);
  } else if (const auto open = open_slabs_.find(key); open != open_slabs_.end()) {
    open->second.erase(base);
    if (open->second.empty()) open_slabs_.erase(open);
  }
}

std::uint64_t PoolAllocator::take_piece(std::uint64_t base, Slab& slab) {
  std::uint64_t word = 0;
  while (slab.taken[word] == ~0ULL) ++word;
  const std::uint64_t index = word * 64 + static_cast<std::uint64_t>(std::countr_one(slab.taken[word]));
  slab.taken[word] |= 1ULL << (index % 64);
  ++slab.used;
  live_ += slab.piece;
  if (slab.used == slab.pieces) list_slab(base, slab);
  return base + index * slab.piece;
}

PoolAllocator::Slab& PoolAllocator::slab_of_piece(std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t base = round_down(offset, kSlabBytes);
  const auto found = slabs_.find(base);
  if (found == slabs_.end() || found->second.piece != bytes || (offset - base) % bytes != 0 ||
      (offset - base) / bytes >= found->second.pieces || !is_taken(found->second.taken, (offset - base) / bytes)) {
    throw_bad_piece(offset, bytes, "is not in use");
  }
  return found->second;
}

void PoolAllocator::free_piece(std::uint64_t offset) {
  const std::uint64_t base = round_down(offset, kSlabBytes);
  Slab& slab = slabs_.at(base);
  const std::uint64_t index = (offset - base) / slab.piece;
  slab.taken[index / 64] &= ~(1ULL << (index % 64));
  --slab.used;
  live_ -= slab.piece;
  if (!slab.ready) return;  // give_back() of the allocation that opened it sees to it
  if (slab.used != 0) {
    if (slab.used + 1 == slab.pieces) list_slab(base, slab);
    return;
  }
  const std::uint32_t uid = slab.uid;
  slab.ready = false;
  list_slab(base, slab);
  slabs_.erase(base);
  put_free({base, kSlabBytes}, PartState::used, uid);
}

void PoolAllocator::retain_piece(std::uint64_t offset, std::uint64_t bytes) {
  slab_of_piece(offset, bytes);
  ++shared_pieces_.try_emplace(offset, 1U).first->second;
}

std::uint64_t PoolAllocator::release_piece(std::uint64_t offset, std::uint64_t bytes) {
  slab_of_piece(offset, bytes);
  if (const auto shared = shared_pieces_.find(offset); shared != shared_pieces_.end()) {
    if (--shared->second == 1) shared_pieces_.erase(shared);
    return 0;
  }
  free_piece(offset);
  return bytes;
}

void PoolAllocator::mark_piece(std::uint64_t offset, std::uint64_t bytes, std::uint32_t uid) {
  const std::uint64_t base = round_down(offset, kSlabBytes), index = (offset - base) / bytes;
  if (slab_class(bytes) != bytes) throw_bad_piece(offset, bytes, "has no size class and is not whole pages");
  if ((offset - base) % bytes != 0 || index >= kSlabBytes / bytes)
    throw_bad_piece(offset, bytes, "lies askew in its slab");
  auto found = slabs_.find(base);
  if (found == slabs_.end()) {
    if (!free_.contains({base, kSlabBytes})) throw_bad_piece(offset, bytes, "lies in memory that another extent uses");
    std::vector<PoolPart> dropped;
    take_parts({base, kSlabBytes}, dropped);
    found = slabs_.emplace(base, Slab{bytes, uid, 0, static_cast<std::uint32_t>(kSlabBytes / bytes), true, {}}).first;
  }
  Slab& slab = found->second;
  if (slab.piece != bytes) throw_bad_piece(offset, bytes, "lies in a slab of another size class");
  if (is_taken(slab.taken, index)) return retain_piece(offset, bytes);
  slab.taken[index / 64] |= 1ULL << (index % 64);
  ++slab.used;
  live_ += bytes;
  list_slab(base, slab);
}

}  // namespace ndshare::internal
