#include "daemon/range_allocator.h"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;

TEST(RangeSetTest, AgreesWithOneBitAByte) {
  const bool ok = rc::check("insert and erase", [] {
    constexpr std::uint64_t kBytes = 200;
    RangeSet set;
    std::vector<bool> model(kBytes);
    const auto steps = *rc::gen::inRange(1, 80);
    for (int step = 0; step < steps; ++step) {
      const auto from = *rc::gen::inRange<std::uint64_t>(0, kBytes);
      std::uint64_t to = from;  // the longest stretch from here that is all in, or all out
      while (to < kBytes && model[to] == model[from]) ++to;
      const ByteRange range{from, *rc::gen::inRange<std::uint64_t>(1, to - from + 1)};
      model[from] ? set.erase(range) : static_cast<void>(set.insert(range));
      for (auto at = range.offset; at < range.end(); ++at) model[at] = !model[at];
    }
    std::map<std::uint64_t, std::uint64_t> expected;
    for (std::uint64_t at = 0; at < kBytes; ++at) {
      if (model[at] && (at == 0 || !model[at - 1])) expected[at] = 0;
      if (model[at]) ++std::prev(expected.end())->second;
      RC_ASSERT(set.at(at).has_value() == model[at]);
    }
    RC_ASSERT(set.by_place() == expected);
    RC_ASSERT(set.size() == set.by_size().size());
    RC_ASSERT(set.total() == static_cast<std::uint64_t>(std::count(model.begin(), model.end(), true)));
    const std::uint64_t bytes = *rc::gen::inRange<std::uint64_t>(1, 40), align = 1ULL << *rc::gen::inRange(0, 6);
    std::uint64_t best = ~0ULL;  // length of the smallest range that can hold it
    for (const auto& [offset, length] : expected) {
      const auto start = (offset + align - 1) / align * align;
      if (start + bytes <= offset + length) best = std::min(best, length);
    }
    const auto found = set.best_fit(bytes, align);
    RC_ASSERT(found.has_value() == (best != ~0ULL));
    if (found) {
      RC_ASSERT(*found % align == 0 && set.contains({*found, bytes}));
      RC_ASSERT(set.at(*found)->bytes == best);
    }
  });
  EXPECT_TRUE(ok);
}

TEST(RangeAllocatorTest, BlocksNeverOverlapAndAllComesBack) {
  const bool ok = rc::check("allocate and free", [] {
    RangeAllocator heap(1 << 16, 64);
    std::map<std::uint64_t, std::uint64_t> live;  // offset → bytes asked
    std::uint64_t used = 0, high = 0;
    const auto steps = *rc::gen::inRange(1, 150);
    for (int step = 0; step < steps; ++step) {
      if (!live.empty() && *rc::gen::inRange(0, 3) == 0) {
        const auto victim = std::next(live.begin(), *rc::gen::inRange<long>(0, static_cast<long>(live.size())));
        heap.free(victim->first, victim->second);
        used -= (victim->second + 63) / 64 * 64;
        live.erase(victim);
        continue;
      }
      const auto bytes = *rc::gen::inRange<std::uint64_t>(1, 3000),
                 align = *rc::gen::element<std::uint64_t>(0, 64, 256, 4096);
      const auto place = heap.allocate(bytes, align);
      if (!place) continue;
      RC_ASSERT(*place % std::max<std::uint64_t>(align, 64) == 0 && *place + bytes <= heap.limit());
      const auto next = live.lower_bound(*place);
      const bool below = next == live.end() || *place + bytes <= next->first;
      const bool above = next == live.begin() || std::prev(next)->first + std::prev(next)->second <= *place;
      RC_ASSERT(below);  // not inside: RC_ASSERT takes || apart and evaluates both sides
      RC_ASSERT(above);
      live[*place] = bytes;
      used += (bytes + 63) / 64 * 64;
      high = std::max(high, *place + (bytes + 63) / 64 * 64);
    }
    RC_ASSERT(heap.used() == used && heap.free_bytes() == heap.limit() - used && heap.high_water() == high);

    RangeAllocator rebuilt(1 << 16, 64);  // what a restart finds
    for (const auto& [offset, bytes] : live) RC_ASSERT(rebuilt.mark_used(offset, bytes));
    RC_ASSERT(rebuilt.used() == used && rebuilt.largest_free() == heap.largest_free());
    for (const auto& [offset, bytes] : live) RC_ASSERT(!rebuilt.mark_used(offset, bytes));

    for (const auto& [offset, bytes] : live) heap.free(offset, bytes);
    RC_ASSERT(heap.used() == 0 && heap.largest_free() == heap.limit());
  });
  EXPECT_TRUE(ok);
}

TEST(RangeAllocatorTest, RefusesWhatIsNotThere) {
  RangeAllocator heap(4096, 64);
  EXPECT_FALSE(heap.allocate(0));
  EXPECT_FALSE(heap.allocate(4097));
  EXPECT_FALSE(heap.allocate(~0ULL));
  EXPECT_FALSE(heap.mark_used(4096, 64));
  EXPECT_FALSE(heap.mark_used(32, 64));
  EXPECT_FALSE(heap.mark_used(0, ~0ULL));
  EXPECT_FALSE(heap.mark_used(~0ULL - 63, 64));
  EXPECT_EQ(heap.allocate(4096), 0U);
  EXPECT_FALSE(heap.allocate(1));
  heap.free(1024, 100);
  EXPECT_EQ(code_of([&] { heap.free(1024, 64); }), Error::Internal);
  EXPECT_EQ(code_of([&] { heap.free(960, 128); }), Error::Internal);
  EXPECT_EQ(code_of([&] { heap.free(4096, 64); }), Error::Internal);
  EXPECT_EQ(code_of([&] { heap.free(1, 64); }), Error::Internal);
  EXPECT_EQ(code_of([&] { heap.free(0, ~0ULL); }), Error::Internal);
  EXPECT_EQ(heap.used(), 4096U - 128);
}

TEST(RangeAllocatorTest, AMillionSmallBlocks) {
  constexpr std::uint64_t kCount = 1'000'000;
  RangeAllocator heap(kCount * 128, 64);
  std::vector<std::uint64_t> places(kCount);
  for (auto& place : places) place = heap.allocate(100).value();
  EXPECT_EQ(heap.used(), kCount * 128);
  std::shuffle(places.begin(), places.end(), std::mt19937_64(1));
  for (std::uint64_t i = 0; i < kCount; i += 2) heap.free(places[i], 100);
  for (std::uint64_t i = 0; i < kCount; i += 2) ASSERT_TRUE(heap.allocate(128));
  EXPECT_EQ(heap.free_bytes(), 0U);
}

}  // namespace
}  // namespace ndshare::internal
