// Extent tables as values against the naive reading of them, one entry a page of the data; then as the engine grows and
// shrinks arrays with them: in place, by a copy of the last grain, and below 4 KiB.
#include "daemon/extent_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using M = ClaimMode;

/// Where each page of the data lies, and since when.
using Pages = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Pages pages_of(const ExtentTable& table) {
  Pages out;
  for (const auto& extent : table) {
    for (std::uint64_t at = 0; at < extent.bytes; at += kPage) out.emplace_back(extent.offset + at, extent.birth);
  }
  return out;
}

/// A table of extents of a few pages each, somewhere in the pool; neighbours are common.
ExtentTable any_table() {
  ExtentTable out;
  const auto count = *rc::gen::inRange(0, 7);
  std::uint64_t next = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t offset = *rc::gen::element(next, std::uint64_t(*rc::gen::inRange(0, 1000)) * kPage);
    const std::uint64_t bytes = static_cast<std::uint64_t>(*rc::gen::inRange(1, 6)) * kPage;
    out.push_back({offset, bytes, static_cast<std::uint64_t>(*rc::gen::inRange(1, 3))});
    next = offset + bytes;
  }
  return out;
}

std::uint64_t any_place(const ExtentTable& table, std::uint64_t beyond = 0) {
  return static_cast<std::uint64_t>(*rc::gen::inRange<std::int64_t>(0, static_cast<std::int64_t>(pages_of(table).size() + beyond) + 1));
}

bool has_no_empty(const ExtentTable& table) {
  return std::none_of(table.begin(), table.end(), [](const Extent& one) { return one.bytes == 0; });
}

template <class F>
void property(const char* what, F&& body) {
  EXPECT_TRUE(rc::check(what, std::forward<F>(body)));
}

TEST(ExtentTableTest, FirstAndBehindCutAtAnyPage) {
  property("first + behind = all", [] {
    const auto table = any_table();
    const auto at = any_place(table, 3);
    const auto pages = pages_of(table);
    const auto cut = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(at, pages.size()));
    const auto first = first_bytes(table, at * kPage), behind = behind_bytes(table, at * kPage);
    RC_ASSERT(pages_of(first) == Pages(pages.begin(), pages.begin() + cut));
    RC_ASSERT(pages_of(behind) == Pages(pages.begin() + cut, pages.end()));
    RC_ASSERT(has_no_empty(first) && has_no_empty(behind));
    RC_ASSERT(table_bytes(first) + table_bytes(behind) == table_bytes(table));
  });
}

TEST(ExtentTableTest, ReplacedPutsThePagesInTheirPlace) {
  property("replaced = overwritten page by page", [] {
    const auto table = any_table(), fresh = any_table();
    const auto at = any_place(table);
    auto pages = pages_of(table);
    const auto more = pages_of(fresh);
    for (std::size_t i = 0; i < more.size(); ++i) {
      if (at + i < pages.size()) {
        pages[at + i] = more[i];
      } else {
        pages.push_back(more[i]);
      }
    }
    const auto out = replaced(table, at * kPage, fresh);
    RC_ASSERT(pages_of(out) == pages);
    RC_ASSERT(has_no_empty(out));
  });
}

TEST(ExtentTableTest, MergedIsTheSameInTheFewestPieces) {
  property("merged", [] {
    const auto table = any_table();
    const auto out = merged(table);
    const auto pages = pages_of(table);
    RC_ASSERT(pages_of(out) == pages);
    std::size_t breaks = pages.empty() ? 0 : 1;
    for (std::size_t i = 1; i < pages.size(); ++i) {
      breaks += pages[i].first != pages[i - 1].first + kPage || pages[i].second != pages[i - 1].second;
    }
    RC_ASSERT(out.size() == breaks);
  });
}

TEST(ExtentTableTest, SlabPiecesStayWhole) {
  const ExtentTable piece{{65536, 256, 3}}, pages{{65536 + 4096, 4096, 4}};
  EXPECT_EQ(table_bytes(piece), 256U);
  EXPECT_EQ(first_bytes(piece, 256).size(), 1U);
  EXPECT_TRUE(first_bytes(piece, 0).empty());
  EXPECT_TRUE(behind_bytes(piece, 256).empty());
  const auto grown = replaced(piece, 0, pages);
  ASSERT_EQ(grown.size(), 1U);
  EXPECT_EQ(grown[0].offset, pages[0].offset);
  // Neighbours in a slab are extents of their own: a piece tells its class by its size.
  EXPECT_EQ(merged(ExtentTable{{65536, 256, 3}, {65536 + 256, 256, 3}}).size(), 2U);
  EXPECT_EQ(merged(ExtentTable{{65536, 4096, 3}, {65536 + 4096, 128, 3}}).size(), 2U);
  EXPECT_EQ(merged(ExtentTable{{65536 - 128, 128, 3}, {65536, 4096, 3}}).size(), 2U);
}

// ---- in the engine: rows of 1000 bytes, so that nothing ends where pages do

constexpr std::int64_t kRow = 1000;

class GrowTest : public ::testing::Test {
 protected:
  GrowTest() {
    store.open();
    user.emplace(store);
  }
  ~GrowTest() override { EXPECT_EQ(audit(engine()), ""); }
  Engine& engine() { return *store.engine; }
  ArrayId make(std::int64_t rows) { return user->make(spec("a", {rows, kRow})); }
  std::uint64_t used() { return engine().reclaim(), engine().pool_status().used_bytes; }

  /// append() as the library does it: fills what it was given and copies what it must. Returns where the memory went.
  std::uint64_t append(std::int64_t rows, char tag) {
    auto pin = user->take("a", M::update);
    if (!pin) throw Error(ErrorCode::Timeout, "no UPDATE claim");
    const ArrayId id{pin->ref().array, pin->ref().array_gen};
    const auto before = user->read("a");
    const auto granted = user->extend(id, static_cast<std::uint64_t>(rows * kRow));
    user->fill(granted.extents, tag);
    if (granted.at < before.nbytes) copy(before, granted);
    engine().commit_version(user->slot(), 0, commit_of(id, granted.extents, granted.at, before.shape[0] + rows));
    return granted.at;
  }
  std::uint64_t resize(std::int64_t rows) {
    auto pin = user->take("a", M::update);
    const auto& ref = pin.value().ref();
    return engine().commit_version(user->slot(), 0, {{ref.array, ref.array_gen}, {}, {}, rows, true, 0, 0});
  }
  void copy(const ArrayCopy& before, const ExtendReply& granted) {
    const auto kept = user->tags(before).substr(granted.at / kPage);
    for (std::size_t i = 0; i < kept.size(); ++i) user->fill({{granted.extents[0].offset + i * kPage, 1, false}}, kept[i]);
  }

  TestStore store;
  std::optional<TestUser> user;
};

TEST_F(GrowTest, RoomInTheLastPagesIsFilledInPlace) {
  make(10);  // 10000 bytes in 12288
  const auto before = user->read("a");
  EXPECT_EQ(append(2, 'b'), 12288U);  // nothing was granted
  const auto after = user->read("a");
  EXPECT_EQ(after.nbytes, 12000U);
  EXPECT_EQ(after.shape, (std::vector<std::int64_t>{12, kRow}));
  ASSERT_EQ(after.extents.size(), 1U);
  EXPECT_EQ(after.extents[0].offset, before.extents[0].offset);
  EXPECT_EQ(after.extents[0].birth, before.extents[0].birth);
  EXPECT_EQ(used(), 12288U);
}

TEST_F(GrowTest, SmallGrowthOfAnArrayInPages) {
  make(10);
  EXPECT_EQ(append(3, 'b'), 12288U);  // less than a page more, in a page of its own
  EXPECT_EQ(user->tags("a"), "aaab");
  EXPECT_EQ(append(1, 'c'), 16384U);
  EXPECT_EQ(user->tags("a"), "aaab");
  for (int i = 0; i < 200; ++i) append(1, 'd');
  EXPECT_EQ(user->read("a").nbytes, 214000U);
  EXPECT_EQ(user->tags("a").substr(0, 5), "aaabd");
  EXPECT_LE(used(), 214000U + 214000U / 8 + 2 * kPage);
}

TEST_F(GrowTest, ATailThatAnOlderVersionSharesIsCopied) {
  make(70);  // 70000 bytes: a grain, and 4464 bytes in two pages
  TestUser other(store);
  for (const auto mode : {M::view, M::read}) {
    auto pin = other.take("a", mode, 0, 1);
    const auto room = table_bytes(user->read("a").extents);
    EXPECT_EQ(append(1, 'b'), room);    // only the current version has it: the reader's rows end before
    EXPECT_EQ(append(1, 'c'), kGrain);  // now the reader's version is another one
    pin.reset();
    EXPECT_GT(append(1, 'd'), kGrain);
  }
}

TEST_F(GrowTest, OldVersionsKeepWhatTheySaw) {
  make(70);
  TestUser other(store);
  auto pin = other.take("a", M::view);
  append(60, 'b');
  const auto grown = used();
  resize(71);  // ends within pages that the version of 130 rows and, up to row 70, the view have too
  EXPECT_LT(used(), grown);
  auto second = other.take("a", M::view);
  EXPECT_EQ(append(5, 'c'), kGrain);  // a copy of the last grain, or the view would see it change
  EXPECT_EQ(other.tags(other.client().view.read_version(pin->ref())), std::string(18, 'a'));
  const auto seen = other.client().view.read_version(second->ref());
  EXPECT_EQ(seen.nbytes, 71000U);
  pin.reset(), second.reset();
  EXPECT_LE(used(), 2 * kGrain);
}

TEST_F(GrowTest, ASnapshotsTailIsCopied) {
  make(70);
  user->snapshot("a", "snap");
  EXPECT_EQ(append(1, 'b'), kGrain);
  const auto grown = user->read("a"), kept = user->read("snap");
  EXPECT_EQ(grown.extents.front().offset, kept.extents.front().offset);
  EXPECT_NE(grown.extents.back().offset, kept.extents.back().offset);
  EXPECT_EQ(user->tags(kept), std::string(18, 'a'));
  append(1, 'c');  // that copy is ours alone
  EXPECT_EQ(user->read("a").extents.back().offset, grown.extents.back().offset);
  engine().remove(user->slot(), 0, "snap");
  EXPECT_LE(used(), 3 * kGrain);
}

TEST_F(GrowTest, ShrinkFreesWholePages) {
  make(70);
  resize(66);  // 66000: one page and a bit less
  EXPECT_EQ(used(), 17 * kPage);
  resize(66);
  EXPECT_EQ(used(), 17 * kPage);
  resize(1);
  EXPECT_EQ(used(), kPage);
  resize(0);
  EXPECT_EQ(used(), 0U);
  EXPECT_TRUE(user->read("a").extents.empty());
  EXPECT_EQ(append(70, 'n'), 0U);
  EXPECT_EQ(user->tags("a"), std::string(18, 'n'));
  store.restart();
  EXPECT_EQ(user->tags("a"), std::string(18, 'n'));
}

TEST_F(GrowTest, SlabArraysMoveWhenTheyOutgrowTheirPiece) {
  const auto id = user->make(spec("s", {100}), 's');
  const auto step = [&](std::int64_t rows) {
    auto pin = user->take("s", M::update);
    const auto before = user->read("s");
    if (rows > before.shape[0]) {
      const auto granted = user->extend(id, static_cast<std::uint64_t>(rows - before.shape[0]));
      if (granted.at < before.nbytes) user->fill({granted.extents[0]}, 's');
      engine().commit_version(user->slot(), 0, commit_of(id, granted.extents, granted.at, rows));
    } else {
      engine().commit_version(user->slot(), 0, {id, {}, {}, rows, true, 0, 0});
    }
    return user->read("s");
  };
  EXPECT_EQ(step(128).extents[0].bytes, 128U);  // room in the piece
  EXPECT_EQ(step(129).extents[0].bytes, 192U);
  EXPECT_EQ(step(20).extents[0].bytes, 192U);
  EXPECT_EQ(step(150).extents[0].bytes, 192U);
  user->snapshot("s", "snap");
  EXPECT_NE(step(151).extents[0].offset, user->read("snap").extents[0].offset);  // shared: never in place
  EXPECT_EQ(step(4032).extents[0].bytes, 4032U);
  const auto pages = step(5000);
  EXPECT_EQ(pages.extents[0].bytes % kPage, 0U);
  EXPECT_EQ(step(0).nbytes, 0U);
  EXPECT_EQ(step(10).nbytes, 10U);
  EXPECT_EQ(audit(engine()), "");
  store.restart();
  EXPECT_EQ(audit(engine()), "");
  EXPECT_EQ(user->tags("snap"), "s");
  engine().remove(user->slot(), 0, "snap"), engine().remove(user->slot(), 0, "s");
  EXPECT_EQ(used(), 0U);
}

TEST_F(GrowTest, TheLastGrainOfAnArrayIsCopiedInPages) {
  const auto id = make(70);
  auto pin = user->take("a", M::update, 66, 70);
  const auto granted = user->memory(id, 70000 - kGrain);  // to the end of the data, as the library asks
  user->fill(granted.extents, 'b');
  engine().commit_version(user->slot(), 0, commit_of(id, granted.extents, kGrain));
  EXPECT_EQ(user->tags("a"), std::string(16, 'a') + "bb");
}

TEST_F(GrowTest, AFewBytesBehindTheLastGrainAreAPage) {
  const auto id = user->make(spec("b", {static_cast<std::int64_t>(kGrain) + 100}));
  auto pin = user->take("b", M::update);
  const auto granted = user->memory(id, 100);
  EXPECT_EQ(granted.extents.at(0).bytes, kPage);
  engine().commit_version(user->slot(), 0, commit_of(id, granted.extents, kGrain));
}

TEST_F(GrowTest, GrowthWithoutSpareWhereTheStoreIsNearlyFull) {
  const std::int64_t pages = 63 * 256;
  user->make(spec("big", {pages * 4096}));  // 63 of 64 MiB
  auto pin = user->take("big", M::update);
  const ArrayId id{pin->ref().array, pin->ref().array_gen};
  const auto granted = user->extend(id, 100);  // its spare room would be 7.9 MiB
  ASSERT_EQ(granted.extents.size(), 1U);
  EXPECT_EQ(granted.extents[0].bytes, kPage);
  EXPECT_EQ(granted.at, static_cast<std::uint64_t>(pages) * kPage);
  engine().commit_version(user->slot(), 0, commit_of(id, granted.extents, granted.at, pages * 4096 + 100));
  EXPECT_EQ(user->read("big").nbytes, static_cast<std::uint64_t>(pages) * kPage + 100);
}

}  // namespace
}  // namespace ndshare::internal
