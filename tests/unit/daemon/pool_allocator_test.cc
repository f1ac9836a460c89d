#include "daemon/pool_allocator.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/support.h"
#include "tests/unit/daemon/pool_model.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::message_of;
using test::PoolModel;

constexpr std::uint64_t kMiB = 1ULL << 20;

PoolAllocation take(PoolAllocator& pool, std::vector<std::uint64_t> sizes, std::uint32_t uid = 1, bool wipe = false) {
  return pool.allocate(sizes, uid, wipe);
}

/// Does the work without any memory behind it.
void prepare(PoolAllocator& pool, PoolAllocation& allocation) {
  while (const auto work = allocation.next_work(64 * kMiB)) allocation.work_done(work->bytes);
  pool.prepared(allocation);
}

PoolAllocation take_ready(PoolAllocator& pool, std::vector<std::uint64_t> sizes, std::uint32_t uid = 1) {
  auto allocation = take(pool, std::move(sizes), uid);
  prepare(pool, allocation);
  return allocation;
}

void release_all(PoolAllocator& pool, const PoolAllocation& allocation) {
  for (const auto& extent : allocation.extents) pool.release(extent.offset, extent.bytes, allocation.uid);
}

// ---- pages

TEST(PoolAllocatorTest, SizesRoundToWhatAnExtentCanBe) {
  EXPECT_EQ(extent_bytes(0), 0U);
  EXPECT_EQ(extent_bytes(1), 64U);
  EXPECT_EQ(extent_bytes(65), 128U);
  EXPECT_EQ(extent_bytes(4032), 4032U);
  EXPECT_EQ(extent_bytes(4033), 4096U);
  EXPECT_EQ(extent_bytes(4097), 8192U);
}

TEST(PoolAllocatorTest, NothingTakesNothing) {
  PoolAllocator pool(8 * kMiB);
  const auto none = take(pool, {0, 0, 0});
  EXPECT_TRUE(none.extents.empty());
  EXPECT_TRUE(none.parts.empty());
  EXPECT_EQ(pool.numbers().used, 0U);
}

TEST(PoolAllocatorTest, LargeExtentsStartWhereHugePagesCan) {
  PoolAllocator pool(64 * kMiB);
  const auto all = take(pool, {5000, 2 * kMiB, 5000, 3 * kMiB, 7 * kMiB});
  ASSERT_EQ(all.extents.size(), 5U);
  for (const auto& extent : all.extents) {
    EXPECT_EQ(extent.offset % (extent.bytes >= kHugePage ? kHugePage : kPage), 0U);
  }
}

TEST(PoolAllocatorTest, WarmMemoryIsUsedBeforeColdEvenWhereColdFitsBetter) {
  PoolAllocator pool(64 * kMiB);
  auto first = take_ready(pool, {8 * kMiB, 4096});
  EXPECT_EQ(first.parts[0].state, PartState::cold);
  pool.release(first.extents[0].offset, first.extents[0].bytes, 1);
  const auto second = take(pool, {8192, 6 * kMiB});
  EXPECT_EQ(second.work_left(), 0U);
  for (const auto& part : second.parts) EXPECT_EQ(part.state, PartState::used);
  EXPECT_EQ(pool.numbers().warm, 2 * kMiB - 8192);
}

TEST(PoolAllocatorTest, OneRangePartlyWarmIsBetterThanPieces) {
  PoolAllocator pool(16 * kMiB);
  release_all(pool, take_ready(pool, {4 * kMiB}));
  const auto large = take(pool, {10 * kMiB});
  ASSERT_EQ(large.extents.size(), 1U);
  EXPECT_EQ(large.extents[0].offset, 0U);
  ASSERT_EQ(large.parts.size(), 2U);
  EXPECT_EQ(large.parts[0].state, PartState::used);
  EXPECT_EQ(large.parts[0].bytes, 4 * kMiB);
  EXPECT_EQ(large.parts[1].state, PartState::cold);
  EXPECT_EQ(large.work_left(), 6 * kMiB);
}

TEST(PoolAllocatorTest, APlaceIsChosenAroundWarmMemory) {
  PoolAllocator pool(64 * kMiB);
  const auto a = take_ready(pool, {30 * kMiB, 4 * kMiB});
  pool.release(a.extents[1].offset, a.extents[1].bytes, 1);  // warm, at 30 MiB
  pool.give_back({});                                        // an empty one changes nothing
  for (const auto& range : pool.take_trim(0)) pool.made_cold(range);
  const auto big = take(pool, {6 * kMiB});
  EXPECT_EQ(big.extents[0].offset, 30 * kMiB);
  EXPECT_EQ(big.work_left(), 2 * kMiB);
}

TEST(PoolAllocatorTest, EveryFreePageCanBeUsed) {
  PoolAllocator pool(64 * kPage);
  const auto pages = take_ready(pool, std::vector<std::uint64_t>(64, kPage));
  for (std::size_t i = 0; i < 64; i += 2) pool.release(pages.extents[i].offset, kPage, 1);
  EXPECT_EQ(pool.numbers().largest_free, kPage);
  const auto scattered = take(pool, {32 * kPage});
  EXPECT_EQ(scattered.extents.size(), 32U);
  EXPECT_EQ(pool.numbers().free, 0U);
  pool.give_back(scattered);
  EXPECT_EQ(pool.numbers().free, 32 * kPage);
}

TEST(PoolAllocatorTest, ScatteredExtentsKeepTheirAlignment) {
  PoolAllocator pool(16 * kMiB);
  const auto a = take_ready(pool, {kMiB, 4 * kMiB, kMiB});  // 0–1, 2–6, 1–2 or 6–7 MiB
  const auto rest = take(pool, {pool.numbers().free});
  std::uint64_t total = 0;
  for (const auto& extent : rest.extents) {
    total += extent.bytes;
    EXPECT_TRUE(extent.bytes < kHugePage || extent.offset % kHugePage == 0);
  }
  EXPECT_EQ(total, 10 * kMiB);
  EXPECT_EQ(pool.numbers().free, 0U);
}

TEST(PoolAllocatorTest, TooManyPiecesAreRefusedWithTheNumbers) {
  PoolAllocator pool(3 * kMaxExtents * kPage);
  const auto pages = take_ready(pool, std::vector<std::uint64_t>(3 * kMaxExtents, kPage));
  for (std::size_t i = 0; i < pages.extents.size(); i += 2) pool.release(pages.extents[i].offset, kPage, 1);
  const auto before = pool.numbers();
  const auto body = [&] { take(pool, {(kMaxExtents + 1) * kPage}); };
  EXPECT_EQ(code_of(body), Error::Capacity);
  EXPECT_NE(message_of(body).find("too many pieces"), std::string::npos) << message_of(body);
  EXPECT_EQ(pool.numbers().free, before.free);
  EXPECT_EQ(take(pool, {kMaxExtents * kPage}).extents.size(), kMaxExtents);
}

TEST(PoolAllocatorTest, AFailedBatchChangesNothing) {
  PoolAllocator pool(4 * kMiB);
  const auto kept = take_ready(pool, {kMiB, 100, 100});
  const auto before = pool.numbers();
  const auto body = [&] { take(pool, {50, 100, 3000, 2 * kMiB, 2 * kMiB}); };
  EXPECT_EQ(code_of(body), Error::Capacity);
  const auto text = message_of(body);
  for (const char* word : {"2097152 bytes", "4.00 MiB", "largest piece"}) {
    if (std::string(word) == "4.00 MiB") continue;  // how sizes are spelt is the text helpers' business
    EXPECT_NE(text.find(word), std::string::npos) << text;
  }
  const auto after = pool.numbers();
  EXPECT_EQ(std::tie(before.used, before.live, before.warm, before.largest_free),
            std::tie(after.used, after.live, after.warm, after.largest_free));
  EXPECT_EQ(code_of([&] { take(pool, {~0ULL}); }), Error::Capacity);
  EXPECT_EQ(code_of([&] { take(pool, {1ULL << 63}); }), Error::Capacity);
}

// ---- memory that crosses uids, and work

TEST(PoolAllocatorTest, MemoryOfAnotherUidIsToBeWiped) {
  PoolAllocator pool(16 * kMiB);
  release_all(pool, take_ready(pool, {4 * kMiB}, 1));
  const auto same = take(pool, {2 * kMiB}, 1, true);
  EXPECT_EQ(same.work_left(), 0U);
  EXPECT_FALSE(same.is_zeroed(same.extents[0]));
  auto other = take(pool, {2 * kMiB}, 2, true);
  EXPECT_EQ(other.work_left(), 2 * kMiB);
  const auto work = other.next_work(kMiB);
  ASSERT_TRUE(work);
  EXPECT_TRUE(work->punch);
  EXPECT_EQ(work->bytes, kMiB);
  EXPECT_FALSE(other.is_zeroed(other.extents[0]));
  prepare(pool, other);
  EXPECT_TRUE(other.is_zeroed(other.extents[0]));
  pool.give_back(same);
  EXPECT_EQ(take(pool, {2 * kMiB}, 2, false).work_left(), 0U);
}

TEST(PoolAllocatorTest, AnUnfinishedCreateKeepsWhatItReserved) {
  PoolAllocator pool(64 * kMiB);
  auto allocation = take(pool, {10 * kMiB, 100});
  allocation.work_done(allocation.next_work(4 * kMiB)->bytes);
  pool.give_back(allocation);
  EXPECT_EQ(pool.numbers().used, 0U);
  EXPECT_EQ(pool.numbers().warm, 4 * kMiB);
  const auto again = take(pool, {4 * kMiB}, 2, true);
  EXPECT_EQ(again.work_left(), 0U);  // zeros are nobody's
  EXPECT_TRUE(again.is_zeroed(again.extents[0]));
}

TEST(PoolAllocatorTest, ASlabServesNobodyElseBeforeItIsReady) {
  PoolAllocator pool(kMiB);
  auto first = take(pool, {100, 100});
  EXPECT_EQ(first.slabs.size(), 1U);
  const auto second = take(pool, {100});
  EXPECT_EQ(second.slabs.size(), 1U);
  EXPECT_NE(first.slabs[0].base, second.slabs[0].base);
  prepare(pool, first);
  const auto third = take(pool, {100});
  EXPECT_TRUE(third.slabs.empty());
  EXPECT_EQ(third.extents[0].offset / kSlabBytes * kSlabBytes, first.slabs[0].base);
}

TEST(PoolAllocatorTest, SlabsBelongToOneUid) {
  PoolAllocator pool(kMiB);
  const auto mine = take_ready(pool, {64}, 1), theirs = take_ready(pool, {64}, 2);
  EXPECT_NE(mine.extents[0].offset / kSlabBytes, theirs.extents[0].offset / kSlabBytes);
  release_all(pool, mine);
  auto next = take(pool, {64}, 2, true);
  EXPECT_TRUE(next.slabs.empty());
  const auto third = take(pool, {64}, 3, true);  // gets the slab that uid 1 gave back
  EXPECT_EQ(third.work_left(), kSlabBytes);
}

TEST(PoolAllocatorTest, EmptySlabsGoBackToThePool) {
  PoolAllocator pool(kMiB);
  const auto many = take_ready(pool, std::vector<std::uint64_t>(3000, 64));
  EXPECT_EQ(many.slabs.size(), 3U);
  EXPECT_EQ(pool.numbers().used, 3 * kSlabBytes);
  EXPECT_EQ(pool.numbers().live, 3000U * 64);
  release_all(pool, many);
  EXPECT_EQ(pool.numbers().used, 0U);
  EXPECT_EQ(pool.numbers().warm, 3 * kSlabBytes);
  EXPECT_EQ(take(pool, {kMiB}).extents.size(), 1U);
}

// ---- holders

TEST(PoolAllocatorTest, SharedBytesAreFreeWhenTheLastHolderLetsGo) {
  PoolAllocator pool(kMiB);
  const auto a = take_ready(pool, {8 * kPage, 100});
  const auto [at, piece] = std::pair(a.extents[0].offset, a.extents[1].offset);
  pool.retain(at, 8 * kPage);
  pool.retain(at + 2 * kPage, kPage);  // a version that shares one page only
  pool.retain(piece, 128);
  EXPECT_EQ(pool.release(at, 8 * kPage, 1), 0U);
  EXPECT_EQ(pool.release(at, 8 * kPage, 1), 7 * kPage);
  EXPECT_EQ(pool.numbers().used, kPage + kSlabBytes);
  EXPECT_EQ(pool.release(at + 2 * kPage, kPage, 1), kPage);
  EXPECT_EQ(pool.release(piece, 128, 1), 0U);
  EXPECT_EQ(pool.release(piece, 128, 1), 128U);
  EXPECT_EQ(pool.numbers().used, 0U);
}

TEST(PoolAllocatorTest, WhatIsNotInUseCannotBeReleased) {
  PoolAllocator pool(kMiB);
  const auto a = take_ready(pool, {4 * kPage, 100});
  const auto release = [&](std::uint64_t offset, std::uint64_t bytes) {
    return code_of([&] { pool.release(offset, bytes, 1); });
  };
  const auto at = a.extents[0].offset, piece = a.extents[1].offset;
  EXPECT_EQ(release(at, 5 * kPage), Error::Damaged);
  EXPECT_EQ(release(at + 1, kPage), Error::Damaged);
  EXPECT_EQ(release(kMiB, kPage), Error::Damaged);
  EXPECT_EQ(release(~0ULL << 12, kPage), Error::Damaged);
  EXPECT_EQ(release(piece, 64), Error::Damaged);
  EXPECT_EQ(release(piece + 128, 128), Error::Damaged);
  EXPECT_EQ(release(piece + 64, 128), Error::Damaged);
  EXPECT_EQ(code_of([&] { pool.retain(at, 5 * kPage); }), Error::Damaged);
  EXPECT_EQ(code_of([&] { pool.retain(piece + 128, 128); }), Error::Damaged);
  EXPECT_EQ(pool.numbers().live, 4 * kPage + 128);
  release_all(pool, a);
  EXPECT_EQ(release(at, 4 * kPage), Error::Damaged);
  EXPECT_EQ(release(piece, 128), Error::Damaged);
}

// ---- rebuild

TEST(PoolAllocatorTest, NonsenseInTheCatalogIsDamagedInARebuild) {
  PoolAllocator pool(kMiB);
  pool.mark_live(64 * 10, 64, 1);
  const auto mark = [&](std::uint64_t offset, std::uint64_t bytes) {
    return code_of([&] { pool.mark_live(offset, bytes, 1); });
  };
  EXPECT_EQ(mark(128, 128), Error::Damaged);      // a slab of another class
  EXPECT_EQ(mark(kPage, kPage), Error::Damaged);  // pages over a slab
  EXPECT_EQ(mark(kMiB, kPage), Error::Damaged);
  EXPECT_EQ(mark(~0ULL << 12, kPage), Error::Damaged);
  EXPECT_EQ(mark(kSlabBytes, ~0ULL), Error::Damaged);
  EXPECT_EQ(mark(kSlabBytes + 8, kPage), Error::Damaged);
  EXPECT_EQ(mark(kSlabBytes, 100), Error::Damaged);  // no size class
  EXPECT_EQ(mark(kSlabBytes + 65, 64), Error::Damaged);
  EXPECT_EQ(mark(2 * kSlabBytes - 1024, 3072), Error::Damaged);
  pool.mark_live(2 * kSlabBytes, kPage, 1);
  EXPECT_EQ(mark(2 * kSlabBytes + 64, 64), Error::Damaged);  // a slab over pages
  EXPECT_EQ(pool.numbers().live, 64 + kPage);
  EXPECT_EQ(mark(0, 0), ErrorCode::Ok);
}

TEST(PoolAllocatorTest, ResidentMemoryFoundAfterARestartIsWarmAndNobodys) {
  PoolAllocator pool(16 * kPage);
  pool.mark_live(4 * kPage, 2 * kPage, 1);
  pool.mark_resident(2 * kPage, 5 * kPage);
  pool.mark_resident(3 * kPage, kPage);         // again: nothing new
  pool.mark_resident(15 * kPage, 100 * kPage);  // beyond the end
  pool.mark_resident(1000 * kPage, kPage);
  EXPECT_EQ(pool.numbers().warm, 4 * kPage);
  EXPECT_EQ(take(pool, {2 * kPage}, 1, true).work_left(), 2 * kPage);
  EXPECT_EQ(take(pool, {kPage}, 1, false).work_left(), 0U);
}

// ---- trim and capacity

TEST(PoolAllocatorTest, TrimTakesWarmMemoryFromTheTop) {
  PoolAllocator pool(16 * kMiB);
  release_all(pool, take_ready(pool, {4 * kMiB, 4 * kMiB}));
  const auto ranges = pool.take_trim(3 * kMiB);
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_EQ(ranges[0], (ByteRange{5 * kMiB, 3 * kMiB}));
  EXPECT_EQ(pool.numbers().warm, 5 * kMiB);
  EXPECT_EQ(pool.numbers().used, 3 * kMiB);  // nobody gets it while it is being punched
  pool.made_cold(ranges[0]);
  EXPECT_EQ(pool.numbers().free, 16 * kMiB);
  EXPECT_EQ(pool.numbers().warm, 5 * kMiB);
  const auto more = pool.take_trim(100 * kMiB);
  for (const auto& range : more) pool.keep_warm(range);
  EXPECT_EQ(pool.numbers().warm, 5 * kMiB);
  for (const auto& range : pool.take_trim(100 * kMiB)) pool.made_cold(range);
  EXPECT_EQ(pool.numbers().warm, 0U);
  EXPECT_TRUE(pool.take_trim(kMiB).empty());
}

TEST(PoolAllocatorTest, CapacityGrowsAndShrinksAroundWhatIsInUse) {
  PoolAllocator pool(4 * kMiB);
  const auto a = take_ready(pool, {3 * kMiB});
  EXPECT_EQ(code_of([&] { take(pool, {2 * kMiB}); }), Error::Capacity);
  pool.set_capacity(8 * kMiB);
  const auto b = take_ready(pool, {2 * kMiB});
  const auto body = [&] { pool.set_capacity(5 * kMiB); };
  EXPECT_EQ(code_of(body), Error::Capacity);
  EXPECT_NE(message_of(body).find("6291456 bytes"), std::string::npos) << message_of(body);
  EXPECT_EQ(pool.numbers().capacity, 8 * kMiB);
  release_all(pool, b);
  pool.set_capacity(3 * kMiB);
  EXPECT_EQ(pool.numbers().free, 0U);
  EXPECT_EQ(pool.numbers().warm, 0U);
  release_all(pool, a);
  EXPECT_EQ(pool.numbers().largest_free, 3 * kMiB);
}

// ---- against a naive model

TEST(PoolAllocatorTest, AgreesWithAModelOfEveryUnit) {
  const bool ok = rc::check("random histories", [] {
    PoolModel model(96 * kPage + *rc::gen::inRange<std::uint64_t>(0, 64) * kPage);
    const auto steps = *rc::gen::inRange(1, 60);
    for (int step = 0; step < steps; ++step) {
      const auto what = *rc::gen::inRange(0, 10);
      if (what < 5) {
        const auto count = *rc::gen::inRange<std::size_t>(1, 5);
        std::vector<std::uint64_t> sizes;
        for (std::size_t i = 0; i < count; ++i) {
          sizes.push_back(*rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 5000),
                                          rc::gen::inRange<std::uint64_t>(0, 40 * kPage)));
        }
        model.create(sizes, *rc::gen::inRange<std::uint32_t>(1, 3), *rc::gen::inRange<std::uint64_t>(0, 30) * kPage,
                     *rc::gen::inRange(0, 4) != 0);
      } else if (what < 8) {
        model.release(*rc::gen::arbitrary<std::size_t>());
      } else if (what < 9) {
        model.share(*rc::gen::arbitrary<std::size_t>());
      } else {
        model.trim(*rc::gen::inRange<std::uint64_t>(0, 20) * kPage, *rc::gen::arbitrary<bool>());
      }
      RC_ASSERT(model.fault() == "");
    }
    model.check_rebuild();
    RC_ASSERT(model.fault() == "");
    model.release_everything();
    RC_ASSERT(model.fault() == "");
  });
  EXPECT_TRUE(ok);
}

TEST(PoolAllocatorTest, AMillionSmallArrays) {
  PoolAllocator pool(256 * kMiB);
  std::vector<PoolAllocation> all;
  for (int i = 0; i < 2000; ++i) all.push_back(take_ready(pool, std::vector<std::uint64_t>(500, 64)));
  EXPECT_EQ(pool.numbers().live, 64'000'000U);
  EXPECT_LE(pool.numbers().used, 64'000'000U + kSlabBytes);
  for (const auto& allocation : all) release_all(pool, allocation);
  EXPECT_EQ(pool.numbers().used, 0U);
  EXPECT_EQ(pool.numbers().largest_free, 256 * kMiB);
}

}  // namespace
}  // namespace ndshare::internal
