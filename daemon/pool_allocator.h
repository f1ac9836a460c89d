/// Which bytes of the pool belong to whom: extents for arrays, slabs for small ones, free memory by temperature.
///
/// Works on offsets only; the engine reserves, punches and tells it. Free memory is *cold* (not resident; zeros once
/// reserved) or *warm* (resident). Warm memory is preferred (touching fresh pages costs five times as much), best fit,
/// then one free range of any mix, then several page-aligned ranges, so that a free page is never unusable.
///
/// How the engine uses it:
///   auto a = pool.allocate(sizes, uid, wipe);  // all arrays of one create, or none and an Error
///   while (auto w = a.next_work(64 MiB)) {     // on any thread
///     if (w->punch) punch_range(…), a.punched(w->bytes);
///     reserve_range(…);
///     a.work_done(w->bytes);
///   }
///   pool.prepared(a);                          // memory is real: its slabs may serve others
///   … commit … or pool.give_back(a);           // as if it had never been; what was reserved stays warm
///   pool.release(offset, bytes, uid);          // later, an extent at a time (or parts of it, in pages)
///
/// Slabs: 64 KiB, 64 KiB-aligned, of one size class and one uid (so that memory never crosses uids inside a slab). The
/// largest class is 4032 bytes, so a size alone tells a slab piece (no multiple of 4096) from a page extent: the
/// rebuild needs that. Shared extents are counted (retain / release); a byte is free again when its count is 0.
///   Threads: one (a PoolAllocation's own methods: one at a time, any thread).   Errors: Capacity, Damaged, Internal;
///   then nothing changed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "daemon/extent_counts.h"
#include "daemon/range_allocator.h"
#include "lib/shm/format.h"

namespace ndshare::internal {

inline constexpr std::uint32_t kUnknownUid = 0xFFFF'FFFF;  ///< warm memory found after a restart: some uid wrote it

/// The smallest slab class that holds `nbytes`, or nothing where pages are taken instead (0 bytes, or over 4032).
std::optional<std::uint64_t> slab_class(std::uint64_t nbytes) noexcept;

/// Bytes of an extent that can hold `nbytes`: a slab class, or whole pages; 0 for 0.
std::uint64_t extent_bytes(std::uint64_t nbytes) noexcept;

enum class PartState : std::uint8_t {
  cold,  ///< not resident: zeros once reserved
  zero,  ///< resident, and zeros
  used,  ///< resident, last written by last_uid
};

/// A piece of pool memory and what is known about it.
struct PoolPart {
  std::uint64_t offset = 0, bytes = 0;
  PartState state = PartState::cold;
  std::uint32_t last_uid = kUnknownUid;
  std::uint64_t ready = 0;  ///< leading bytes that were made resident zeros since (work_done)
  std::uint64_t holes = 0;  ///< bytes after those that were punched and are not reserved again: cold (punched)
};

/// One extent of one array of an allocation. A slab piece has no parts of its own (its slab may: see
/// PoolAllocation::parts).
struct PoolExtent {
  std::uint64_t offset = 0, bytes = 0;
  std::uint32_t array = 0;  ///< index of the size it was asked for
  std::uint32_t first_part = 0, part_count = 0;
};

/// A slab that was opened for an allocation; no other one uses it before prepared().
struct PoolSlab {
  std::uint64_t base = 0;
  std::uint32_t first_part = 0, part_count = 0;
};

/// What allocate() took: extents by array and, within one, in the order of its data; and the memory to prepare.
struct PoolAllocation {
  std::uint32_t uid = 0;
  bool wipe = false;  ///< memory last written by another uid is to be zeroed
  std::vector<PoolExtent> extents;
  std::vector<PoolPart> parts;  ///< tiles every page extent and every slab opened for this allocation
  std::vector<PoolSlab> slabs;

  struct Work {
    std::uint64_t offset, bytes;
    bool punch;  ///< punch before reserving: the bytes must be zeros
  };
  /// The next piece to make ready, page multiples of at most `max_bytes`; nothing when all is ready.
  std::optional<Work> next_work(std::uint64_t max_bytes) const noexcept;
  /// The first `bytes` of what next_work() said are punched, and not resident until work_done().
  void punched(std::uint64_t bytes) noexcept;
  /// The first `bytes` of what next_work() said are resident zeros now.
  void work_done(std::uint64_t bytes) noexcept;
  /// Bytes that next_work() will still name.
  std::uint64_t work_left() const noexcept;
  /// Whether the extent is known to be zeros now. Slab pieces never are.
  bool is_zeroed(const PoolExtent& extent) const noexcept;

 private:
  bool needs_work(const PoolPart& part) const noexcept;
};

struct PoolNumbers {
  std::uint64_t capacity = 0;
  std::uint64_t used = 0;          ///< taken from the pool: page extents, whole slabs, ranges out for trimming
  std::uint64_t live = 0;          ///< in extents of arrays: page extents and slab pieces
  std::uint64_t warm = 0;          ///< free and resident
  std::uint64_t free = 0;          ///< capacity - used
  std::uint64_t largest_free = 0;  ///< one range
};

class PoolAllocator {
 public:
  /// An empty pool of `capacity` bytes, all cold. Rounded down to pages.
  explicit PoolAllocator(std::uint64_t capacity);

  /// Extents for arrays of these sizes, all or none. Zero bytes take nothing.
  ///   Errors: Capacity (asked, used, capacity, free, largest free range).
  PoolAllocation allocate(std::span<const std::uint64_t> nbytes, std::uint32_t uid, bool wipe);
  void prepared(const PoolAllocation& allocation);
  void give_back(const PoolAllocation& allocation);

  /// One more holder of these bytes (a snapshot, a newer version). Errors: Damaged where a byte of it is not in use.
  void retain(std::uint64_t offset, std::uint64_t bytes);
  /// Whether some byte of the extent has more than one holder.
  bool is_shared(std::uint64_t offset, std::uint64_t bytes) const;
  /// Bytes that have no other holders than these; an extent is listed once for each of them.
  std::uint64_t held_only_by(std::span<const ByteRange> extents) const;
  /// One holder less; bytes without a holder are free and warm. Slab pieces whole, page extents in pages.
  /// Returns the bytes that became free for other arrays. Errors: Damaged.
  std::uint64_t release(std::uint64_t offset, std::uint64_t bytes, std::uint32_t uid);

  /// Rebuild: one holder of this extent was found in the catalog (again for the same bytes: shared).
  ///   Errors: Damaged (beyond the pool, unaligned, a slab piece that does not fit its slab, pages over a slab).
  void mark_live(std::uint64_t offset, std::uint64_t bytes, std::uint32_t uid);
  /// After the rebuild: this range of the file is resident (SEEK_DATA); its free parts are warm, of an unknown uid.
  void mark_resident(std::uint64_t offset, std::uint64_t bytes);

  /// Takes warm free memory, at most `max_bytes`, out of the pool to be punched: the highest offsets first. For each
  /// range, made_cold() or keep_warm() must follow. Nothing where nothing is warm.
  std::vector<ByteRange> take_trim(std::uint64_t max_bytes);
  void made_cold(ByteRange range);
  void keep_warm(ByteRange range);

  /// Grows or shrinks. Errors: Capacity where something in use lies beyond (says where the last of it ends).
  void set_capacity(std::uint64_t capacity);
  PoolNumbers numbers() const noexcept;

 private:
  struct Slab {
    std::uint64_t piece = 0;  ///< size class
    std::uint32_t uid = 0, used = 0, pieces = 0;
    bool ready = false;            ///< false: only the allocation that opened it may use it
    std::uint64_t taken[16] = {};  ///< a bit a piece
  };
  using SlabKey = std::pair<std::uint64_t, std::uint32_t>;  ///< size class, uid

  // Pages (pool_allocator.cc)
  void allocate_pages(std::uint64_t bytes, std::uint32_t array, PoolAllocation& out);
  std::optional<std::uint64_t> place_for(std::uint64_t bytes, std::uint64_t align) const noexcept;
  std::optional<std::uint64_t> place_around_warm(std::uint64_t bytes, std::uint64_t align) const noexcept;
  std::vector<ByteRange> several_ranges(std::uint64_t bytes) const;
  std::uint32_t take_parts(ByteRange range, std::vector<PoolPart>& parts);
  void put_free(ByteRange range, PartState state, std::uint32_t uid);
  void put_part(const PoolPart& part);
  void check_place(std::uint64_t offset, std::uint64_t bytes) const;

  // Slabs (pool_slabs.cc)
  void allocate_piece(std::uint64_t piece, std::uint32_t array, PoolAllocation& out);
  std::uint64_t slab_with_room(std::uint64_t piece, PoolAllocation& out);
  std::uint64_t take_piece(std::uint64_t base, Slab& slab);
  void free_piece(std::uint64_t offset);
  Slab& slab_of_piece(std::uint64_t offset, std::uint64_t bytes);
  void retain_piece(std::uint64_t offset, std::uint64_t bytes);
  std::uint64_t release_piece(std::uint64_t offset, std::uint64_t bytes);
  void mark_piece(std::uint64_t offset, std::uint64_t bytes, std::uint32_t uid);
  void list_slab(std::uint64_t base, const Slab& slab);
  [[noreturn]] void throw_capacity(std::uint64_t asked) const;

  std::uint64_t capacity_, live_ = 0;
  RangeSet free_;                                                   ///< every free page, warm or cold
  RangeSet warm_;                                                   ///< the resident ones among them
  PageMarks marks_;                                                 ///< for warm pages: zero, or which uid wrote last
  ExtentCounts counts_;                                             ///< holders of page extents
  std::unordered_map<std::uint64_t, Slab> slabs_;                   ///< by base
  std::map<SlabKey, std::set<std::uint64_t>> open_slabs_;           ///< ready, with a free piece: bases, lowest first
  std::unordered_map<std::uint64_t, std::uint32_t> shared_pieces_;  ///< holders of slab pieces that have more than one
};

}  // namespace ndshare::internal
