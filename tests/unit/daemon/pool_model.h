/// A naive model of the pool beside the real allocator: one counter for every 64 bytes, one state for every page.
///
/// Every step is done on both and compared; fault() names the first difference.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <ndshare/error.h>

#include "daemon/pool_allocator.h"

namespace ndshare::test {

class PoolModel {
 public:
  explicit PoolModel(std::uint64_t capacity)
      : pool_(capacity), capacity_(capacity), holders_(capacity / 64), pages_(capacity / internal::kPage) {}

  /// The first difference between the two, with the numbers; empty where there is none.
  std::string fault() {
    if (fault_.empty()) compare(pool_, "");
    return fault_;
  }

  /// Allocates; does all the work and keeps the arrays, or does `work` bytes of it and gives all back.
  void create(const std::vector<std::uint64_t>& sizes, std::uint32_t uid, std::uint64_t work, bool keep) {
    internal::PoolAllocation got;
    try {
      got = pool_.allocate(sizes, uid, true);
    } catch (const Error& error) {
      return refused(sizes, error);
    }
    check_extents(sizes, got);
    check_parts(got);
    std::uint64_t left = keep ? ~0ULL : work;
    while (left != 0) {
      const auto next = got.next_work(left);
      if (!next) break;
      const auto bytes = std::min(left, next->bytes);
      got.work_done(bytes);
      left -= bytes;
    }
    if (keep) {
      if (got.work_left() != 0) fail("work is left over");
      pool_.prepared(got);
      take(got);
    } else {
      pool_.give_back(got);
      for (const auto& part : got.parts) {
        for (std::uint64_t at = 0; at < part.ready; at += internal::kPage) page(part.offset + at) = {State::zero, 0};
      }
    }
  }

  void share(std::size_t which) {
    if (live_.empty()) return;
    Held held = live_[which % live_.size()];
    if (held.bytes > internal::kPage && which % 3 == 0)
      held = {held.offset + internal::kPage, held.bytes - internal::kPage, held.uid};
    pool_.retain(held.offset, held.bytes);
    add(held, 1);
    live_.push_back(held);
  }

  void release(std::size_t which) {
    if (live_.empty()) return;
    std::swap(live_[which % live_.size()], live_.back());
    const Held held = live_.back();
    live_.pop_back();
    add(held, -1);
    std::uint64_t freed = 0;
    for (std::uint64_t at = 0; at < held.bytes; at += 64) freed += holders_[(held.offset + at) / 64] == 0 ? 64U : 0U;
    if (const auto said = pool_.release(held.offset, held.bytes, held.uid); said != freed)
      fail("release() said", said, freed);
    if (held.bytes % internal::kPage != 0) return close_slab(held);
    for (std::uint64_t at = 0; at < held.bytes; at += internal::kPage) {
      if (holders_[(held.offset + at) / 64] == 0) page(held.offset + at) = {State::used, held.uid};
    }
  }

  void trim(std::uint64_t bytes, bool punched) {
    std::uint64_t expected = 0, got = 0;
    for (std::uint64_t i = 0; i < pages_.size(); ++i) expected += is_warm(i) ? internal::kPage : 0;
    const auto ranges = pool_.take_trim(bytes);
    for (const auto& range : ranges) {
      for (auto at = range.offset; at < range.end(); at += internal::kPage) {
        if (!is_warm(at / internal::kPage)) fail("a page that is not warm and free was trimmed", at, 0);
        if (punched) page(at) = {State::cold, 0};
        if (!punched) page(at) = {State::used, internal::kUnknownUid};
      }
      got += range.bytes;
    }
    if (got != std::min(expected, bytes)) fail("take_trim() took", got, std::min(expected, bytes));
    for (const auto& range : ranges) punched ? pool_.made_cold(range) : pool_.keep_warm(range);
  }

  /// A restart: what the catalog lists and what the file says is all there is.
  void check_rebuild() {
    internal::PoolAllocator rebuilt(capacity_);
    for (auto held = live_.rbegin(); held != live_.rend(); ++held)
      rebuilt.mark_live(held->offset, held->bytes, held->uid);
    for (std::uint64_t i = 0; i < pages_.size(); ++i) {
      if (pages_[i].state != State::cold) rebuilt.mark_resident(i * internal::kPage, internal::kPage);
    }
    compare(rebuilt, " (rebuilt)");
    for (const auto& held : live_) rebuilt.release(held.offset, held.bytes, held.uid);
    if (rebuilt.numbers().used != 0) fail("used after all was released (rebuilt)", rebuilt.numbers().used, 0);
  }

  void release_everything() {
    while (!live_.empty()) release(live_.size() / 2);
    if (pool_.numbers().largest_free != capacity_)
      fail("largest free at the end", pool_.numbers().largest_free, capacity_);
  }

 private:
  enum class State : std::uint8_t { cold, zero, used };
  struct Page {
    State state = State::cold;
    std::uint32_t uid = 0;
  };
  struct Held {
    std::uint64_t offset, bytes;
    std::uint32_t uid;
  };

  void fail(const std::string& what, std::uint64_t real = 0, std::uint64_t expected = 0) {
    if (fault_.empty()) fault_ = what + ": " + std::to_string(real) + ", expected " + std::to_string(expected);
  }
  Page& page(std::uint64_t offset) { return pages_[offset / internal::kPage]; }
  bool is_taken(std::uint64_t i) const {
    if (slabs_.contains(i * internal::kPage / internal::kSlabBytes)) return true;
    return holders_[i * internal::kPage / 64] != 0;
  }
  bool is_warm(std::uint64_t i) const { return !is_taken(i) && pages_[i].state != State::cold; }
  void add(const Held& held, int count) {
    for (std::uint64_t at = 0; at < held.bytes; at += 64) holders_[(held.offset + at) / 64] += count;
  }

  void refused(const std::vector<std::uint64_t>& sizes, const Error& error) {
    if (error.code() != ErrorCode::Capacity) fail("another error than Capacity: " + error.message());
    std::uint64_t asked = 0, free = 0;
    for (const auto size : sizes) {
      if (internal::slab_class(size)) return;  // a slab wants 64 KiB in one piece, which may not be there
      asked += internal::extent_bytes(size);
    }
    for (std::uint64_t i = 0; i < pages_.size(); ++i) free += is_taken(i) ? 0 : internal::kPage;
    if (asked <= free) fail("refused though there was room", asked, free);
  }

  void check_extents(const std::vector<std::uint64_t>& sizes, const internal::PoolAllocation& got) {
    std::vector<std::uint64_t> bytes(sizes.size());
    std::set<std::uint64_t> units;
    for (const auto& extent : got.extents) {
      bytes[extent.array] += extent.bytes;
      if (extent.offset % (extent.bytes % internal::kPage == 0 ? internal::kPage : 64) != 0)
        fail("unaligned extent", extent.offset);
      if (extent.offset + extent.bytes > capacity_) return fail("extent beyond the pool", extent.offset, capacity_);
      for (std::uint64_t at = extent.offset; at < extent.offset + extent.bytes; at += 64) {
        if (holders_[at / 64] != 0 || !units.insert(at).second) fail("memory handed out twice", at);
      }
    }
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (bytes[i] != internal::extent_bytes(sizes[i]))
        fail("bytes of an array", bytes[i], internal::extent_bytes(sizes[i]));
    }
  }

  void check_parts(const internal::PoolAllocation& got) {
    std::uint64_t tiled = 0, expected = got.slabs.size() * internal::kSlabBytes;
    for (const auto& extent : got.extents) expected += extent.bytes % internal::kPage == 0 ? extent.bytes : 0;
    for (const auto& part : got.parts) {
      tiled += part.bytes;
      for (auto at = part.offset; at < part.offset + part.bytes; at += internal::kPage) {
        if (is_taken(at / internal::kPage)) fail("a part that is in use", at);
        if (static_cast<int>(part.state) != static_cast<int>(page(at).state)) fail("temperature of a page", at);
        if (part.state == internal::PartState::used && part.last_uid != page(at).uid)
          fail("last uid", part.last_uid, page(at).uid);
      }
    }
    if (tiled != expected) fail("parts do not tile the extents", tiled, expected);
  }

  void take(const internal::PoolAllocation& got) {
    for (const auto& extent : got.extents) {
      live_.push_back({extent.offset, extent.bytes, got.uid});
      add(live_.back(), 1);
      if (extent.bytes % internal::kPage != 0) slabs_.insert(extent.offset / internal::kSlabBytes);
    }
    for (const auto& part : got.parts) {
      for (std::uint64_t at = 0; at < part.bytes; at += internal::kPage)
        page(part.offset + at) = {State::used, got.uid};
    }
  }

  void close_slab(const Held& held) {
    const std::uint64_t base = held.offset / internal::kSlabBytes * internal::kSlabBytes;
    for (std::uint64_t at = base; at < base + internal::kSlabBytes; at += 64) {
      if (holders_[at / 64] != 0) return;
    }
    slabs_.erase(base / internal::kSlabBytes);
    for (std::uint64_t at = base; at < base + internal::kSlabBytes; at += internal::kPage)
      page(at) = {State::used, held.uid};
  }

  void compare(const internal::PoolAllocator& pool, const std::string& which) {
    internal::PoolNumbers expected;
    std::uint64_t run = 0;
    for (std::uint64_t i = 0; i < pages_.size(); ++i) {
      expected.used += is_taken(i) ? internal::kPage : 0;
      expected.warm += is_warm(i) ? internal::kPage : 0;
      run = is_taken(i) ? 0 : run + internal::kPage;
      expected.largest_free = std::max(expected.largest_free, run);
    }
    for (const auto count : holders_) expected.live += count != 0 ? 64U : 0U;
    const auto real = pool.numbers();
    if (real.used != expected.used) fail("used" + which, real.used, expected.used);
    if (real.live != expected.live) fail("live" + which, real.live, expected.live);
    if (real.warm != expected.warm) fail("warm" + which, real.warm, expected.warm);
    if (real.free != capacity_ - expected.used) fail("free" + which, real.free, capacity_ - expected.used);
    if (real.largest_free != expected.largest_free)
      fail("largest free" + which, real.largest_free, expected.largest_free);
  }

  internal::PoolAllocator pool_;
  std::uint64_t capacity_;
  std::vector<int> holders_;
  std::vector<Page> pages_;
  std::set<std::uint64_t> slabs_;  ///< numbers of 64 KiB stretches that are slabs
  std::vector<Held> live_;
  std::string fault_;
};

}  // namespace ndshare::test
