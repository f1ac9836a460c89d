#include "lib/shm/extent_map.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using Access = Mapping::Access;
using test::code_of;

constexpr std::uint64_t kPages = 64;

/// A pool of 64 pages; every 8-byte word holds its own offset.
class ExtentMapTest : public ::testing::Test {
 protected:
  ExtentMapTest()
      : path_("/dev/shm/" + test::unique_store_name("extents")), fd_(NewSegment(path_, kPages * kPage).finish()) {
    std::filesystem::remove(path_);
    const Mapping map(fd_.get(), 0, kPages * kPage, Access::read_write);
    for (std::uint64_t at = 0; at < kPages * kPage; at += 8) *map.at<std::uint64_t>(at) = at;
  }

  /// What the runs hold, read through the file.
  std::vector<std::byte> expected(const std::vector<ExtentRun>& runs) const {
    std::vector<std::byte> out;
    for (const auto& run : runs) {
      std::vector<std::byte> piece(run.bytes);
      if (::pread(fd_.get(), piece.data(), run.bytes, static_cast<::off_t>(run.offset)) !=
          static_cast<::ssize_t>(run.bytes))
        return {};
      out.insert(out.end(), piece.begin(), piece.end());
    }
    return out;
  }
  static std::vector<std::byte> content(const ExtentMap& map) { return {map.data(), map.data() + map.bytes()}; }

  std::string path_;
  Descriptor fd_;
};

TEST_F(ExtentMapTest, ExtentsInAnyOrderAreOneArray) {
  const bool ok = rc::check("assembled content", [this] {
    const auto count = *rc::gen::inRange<std::size_t>(1, 12);
    std::vector<Extent> extents;
    for (std::size_t i = 0; i < count; ++i) {
      const auto first = *rc::gen::inRange<std::uint64_t>(0, kPages), pages = *rc::gen::inRange<std::uint64_t>(1, 9);
      extents.push_back({first * kPage, std::min(pages, kPages - first) * kPage, 1});
    }
    auto runs = coalesce(extents);
    runs.back().bytes -= *rc::gen::inRange<std::uint64_t>(0, kPage);  // an array ends anywhere
    const auto access = *rc::gen::element(Access::read_only, Access::read_write);
    const ExtentMap map(fd_.get(), runs, access, *rc::gen::arbitrary<bool>());
    RC_ASSERT(content(map) == expected(runs));
  });
  EXPECT_TRUE(ok);
  EXPECT_EQ(ExtentMap::in_use(), 0U);
}

TEST_F(ExtentMapTest, ARebuiltMapShowsTheNewRunsOrIsLeftAlone) {
  int rebuilt = 0;
  const bool ok = rc::check("rebuilt content", [&, this] {
    const auto random_runs = [] {
      std::vector<Extent> extents;
      const auto count = *rc::gen::inRange<std::size_t>(1, 9);
      for (std::size_t i = 0; i < count; ++i) {
        const auto first = *rc::gen::inRange<std::uint64_t>(0, kPages), pages = *rc::gen::inRange<std::uint64_t>(1, 9);
        extents.push_back({first * kPage, std::min(pages, kPages - first) * kPage, 1});
      }
      return coalesce(extents);
    };
    auto before = random_runs(), after = *rc::gen::arbitrary<bool>() ? random_runs() : before;
    if (*rc::gen::arbitrary<bool>()) after.front().offset = 40 * kPage, after.front().bytes = std::min(after.front().bytes, 8 * kPage);
    const auto access = *rc::gen::element(Access::read_only, Access::read_write);
    ExtentMap map(fd_.get(), before, access, false);
    const auto* place = map.data();
    const bool done = map.rebuild(fd_.get(), after, access, *rc::gen::arbitrary<bool>());
    rebuilt += done;
    RC_ASSERT(map.data() == place);
    RC_ASSERT(content(map) == expected(done ? after : before));
    if (done) RC_ASSERT(ExtentMap::in_use() == after.size());
  });
  EXPECT_TRUE(ok);
  EXPECT_GT(rebuilt, 10);
  EXPECT_EQ(ExtentMap::in_use(), 0U);
}

TEST_F(ExtentMapTest, NeighboursBecomeOneRun) {
  const std::vector<Extent> extents = {
      {kPage, kPage, 1}, {2 * kPage, 2 * kPage, 1}, {8 * kPage, 0, 1}, {0, kPage, 1}, {kPage, kPage, 1}};
  EXPECT_EQ(coalesce(extents), (std::vector<ExtentRun>{{kPage, 3 * kPage}, {0, 2 * kPage}}));
  EXPECT_TRUE(coalesce({}).empty());
}

TEST_F(ExtentMapTest, ASingleRunMayLieAnywhere) {
  for (const std::uint64_t offset : {std::uint64_t{8}, std::uint64_t{4088}, 3 * kPage + 64}) {
    const std::vector<ExtentRun> runs = {{offset, 5000}};
    EXPECT_EQ(content(ExtentMap(fd_.get(), runs, Access::read_only, true)), expected(runs));
  }
}

TEST_F(ExtentMapTest, WritesReachThePool) {
  const std::vector<ExtentRun> runs = {{5 * kPage, kPage}, {2 * kPage, kPage}};
  const ExtentMap map(fd_.get(), runs, Access::read_write, false);
  map.data()[kPage + 3] = std::byte{0xAB};
  EXPECT_EQ(expected({{2 * kPage + 3, 1}}).front(), std::byte{0xAB});
}

TEST_F(ExtentMapTest, ReadOnlyMeansThePageTablesSaySo) {
  const std::vector<ExtentRun> runs = {{5 * kPage, kPage}, {2 * kPage, kPage}};
  const ExtentMap map(fd_.get(), runs, Access::read_only, false);
  EXPECT_EXIT(
      *const_cast<volatile std::byte*>(map.data() + kPage) = std::byte{1}, [](int status) { return status != 0; }, "");
}

TEST_F(ExtentMapTest, PiecesThatDoNotFitAreRefusedAndNothingStaysMapped) {
  const auto fails = [&](std::vector<ExtentRun> runs) {
    return code_of([&] { ExtentMap(fd_.get(), runs, Access::read_only, false); });
  };
  EXPECT_EQ(fails({{8, kPage}, {2 * kPage, kPage}}), Error::Damaged);
  EXPECT_EQ(fails({{kPage, 100}, {2 * kPage, kPage}}), Error::Damaged);
  EXPECT_EQ(fails({{kPage, kPage}, {kPages * kPage, kPage}}), Error::Damaged);
  EXPECT_EQ(fails({{kPage, kPage}, {~0ULL << 12, kPage}}), Error::Damaged);
  EXPECT_EQ(fails({{kPage, 0}, {2 * kPage, kPage}}), Error::Damaged);
  EXPECT_EQ(ExtentMap::in_use(), 0U);
  EXPECT_FALSE(ExtentMap(fd_.get(), {}, Access::read_only, false));
}

TEST_F(ExtentMapTest, TheBudgetOfMapsIsRefusedBeforeItIsSpent) {
  std::vector<ExtentRun> runs(ExtentMap::budget() + 1, ExtentRun{3 * kPage, kPage});
  EXPECT_EQ(code_of([&] { ExtentMap(fd_.get(), runs, Access::read_only, false); }), Error::MapLimit);
  EXPECT_EQ(ExtentMap::in_use(), 0U);
  runs.resize(1000);
  ExtentMap map(fd_.get(), runs, Access::read_only, false);
  EXPECT_EQ(ExtentMap::in_use(), 1000U);
  ExtentMap moved = std::move(map);
  EXPECT_EQ(ExtentMap::in_use(), 1000U);
  moved = ExtentMap();
  EXPECT_EQ(ExtentMap::in_use(), 0U);
}

TEST_F(ExtentMapTest, AForkedChildDoesNotInheritIt) {
  const std::vector<ExtentRun> runs = {{5 * kPage, kPage}, {2 * kPage, kPage}};
  const ExtentMap map(fd_.get(), runs, Access::read_write, false);
  const auto pid = test::fork_child([&] {
    unsigned char resident[2] = {};
    return ::mincore(map.data(), 2 * kPage, resident) != 0 && errno == ENOMEM ? 0 : 1;
  });
  EXPECT_EQ(test::wait_child(pid), 0);
}

TEST(ExtentMapAlignmentTest, LargeArraysStartWhereHugePagesCan) {
  const std::string path = "/dev/shm/" + test::unique_store_name("extents");
  const Descriptor fd = NewSegment(path, 16 * kHugePage).finish();
  std::filesystem::remove(path);
  const std::vector<ExtentRun> runs = {{6 * kHugePage, 2 * kHugePage}, {2 * kHugePage, kHugePage}};
  const ExtentMap map(fd.get(), runs, Access::read_only, false);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(map.data()) % kHugePage, 0U);
}

TEST_F(ExtentMapTest, AForkedChildLetsGoOfNothing) {
  const std::vector<ExtentRun> runs = {{0, kPage}, {4 * kPage, kPage}};
  auto pieces = std::make_unique<ExtentMap>(fd_.get(), runs, Access::read_only, false);
  auto whole = std::make_unique<Mapping>(fd_.get(), 0, 2 * kPage, Access::read_only);
  const pid_t child = test::fork_child([&] {
    // Neither map was inherited, and memory of the child's own takes both places.
    for (std::byte* place : {pieces->data(), whole->data()}) {
      const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
      if (::mmap(place, 2 * kPage, PROT_READ | PROT_WRITE, flags, -1, 0) != place) return 1;
      std::memset(place, 5, 2 * kPage);
    }
    const auto *first = pieces->data(), *second = whole->data();
    pieces.reset(), whole.reset();
    return first[0] == std::byte{5} && second[2 * kPage - 1] == std::byte{5} ? 0 : 2;
  });
  EXPECT_EQ(test::wait_child(child), std::optional<int>(0));
  EXPECT_EQ(content(*pieces), expected(runs));
}

}  // namespace
}  // namespace ndshare::internal
