#include "lib/shm/claim_rules.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/unit/shm/claims_support.h"

namespace ndshare::internal {
namespace {

using test::FakeClient;
using test::FakeStore;
using M = ClaimMode;

struct AllRules {
  static constexpr bool rule(ClaimRule) { return true; }
};

constexpr std::int64_t kEnd = 64;  ///< rows that there are: where kAllRows ends

/// The table of CLAIMS.md, in words: who waits for whom. A granted VIEW makes nobody wait.
bool in_table(M wanted, M other, bool other_waits) {
  if (wanted == M::read || wanted == M::view) return other == M::write;
  if (wanted == M::update) return other == M::update || other == M::write;
  return other != M::view || other_waits;
}

std::set<std::int64_t> rows_of(const ClaimRange& range) {
  std::set<std::int64_t> out;
  for (std::int64_t row = range.lo; row < std::min(range.hi, kEnd); ++row) out.insert(row);
  return out;
}

/// Grains by their bytes, one after the other.
std::set<std::uint64_t> touched(const ClaimRange& range, const RowGeometry& geometry) {
  std::set<std::uint64_t> out;
  for (const auto row : rows_of(range)) {
    for (std::uint64_t byte = 0; byte < geometry.row_bytes; ++byte) {
      out.insert((static_cast<std::uint64_t>(row) * geometry.row_bytes + byte) / geometry.grain);
    }
  }
  return out;
}

template <class T>
bool meet(const std::set<T>& a, const std::set<T>& b) {
  return std::any_of(a.begin(), a.end(), [&](const T& one) { return b.count(one) != 0; });
}

bool must_wait(const ClaimRange& wanted, const ClaimRange& other, bool other_waits, const RowGeometry& geometry) {
  if (!in_table(wanted.mode, other.mode, other_waits)) return false;
  const auto either = [&](M mode) { return wanted.mode == mode || other.mode == mode; };
  const bool copying = (wanted.mode == M::write && wanted.copying) || (other.mode == M::write && other.copying);
  const bool both_write = wanted.mode == M::write && other.mode == M::write;
  const bool grains = either(M::update) || either(M::view) || (both_write && copying);
  return grains ? meet(touched(wanted, geometry), touched(other, geometry)) : meet(rows_of(wanted), rows_of(other));
}

ClaimRange any_range() {
  ClaimRange out;
  out.mode = *rc::gen::element(M::read, M::view, M::update, M::write);
  out.copying = *rc::gen::arbitrary<bool>();
  out.lo = *rc::gen::inRange<std::int64_t>(0, 40);
  out.hi = *rc::gen::inRange(0, 8) == 0 ? kAllRows : out.lo + *rc::gen::inRange<std::int64_t>(1, 20);
  return out;
}

TEST(ClaimRulesTest, ConflictsAreTheTables) {
  EXPECT_TRUE(rc::check("conflicts() against the table in words", [] {
    const RowGeometry geometry{*rc::gen::inRange<std::uint64_t>(1, 20),
                               *rc::gen::element<std::uint64_t>(1, 8, 16, 24, 64)};
    const auto a = any_range(), b = any_range();
    // Two wishes that wait compare alike, whoever came first.
    const bool expected = must_wait(a, b, true, geometry) || must_wait(b, a, true, geometry);
    RC_ASSERT(conflicts<AllRules>(a, b, geometry) == expected);
    RC_ASSERT(conflicts<AllRules>(b, a, geometry) == expected);
  }));
}

TEST(ClaimRulesTest, GrainsOfHugeRangesDoNotWrap) {
  const RowGeometry geometry{1ULL << 62, 64};
  const auto all = grains_of(0, kAllRows, geometry), far = grains_of(8, 9, geometry),
             nothing = grains_of(5, 5, geometry);
  EXPECT_EQ(all.last, UINT64_MAX);
  EXPECT_LT(far.first, far.last);
  EXPECT_LT(far.first, all.last);
  EXPECT_EQ(nothing.first, nothing.last);
}

/// Claims that stand, and what a wish on top of them gets at once.
TEST(ClaimRulesTest, GrantsAreThoseOfTheTable) {
  EXPECT_TRUE(rc::check("acquire against a list of what stands", [] {
    FakeStore store;
    store.catalog().put(1, test::fake_rows());
    std::vector<std::unique_ptr<FakeClient>> clients;
    for (std::uint32_t i = 0; i < test::kFakeSlots; ++i) clients.push_back(std::make_unique<FakeClient>(store, i));
    struct Standing {
      FakeClient* client;
      test::Taken taken;
      ClaimRange range;
    };
    std::vector<Standing> standing;
    for (std::uint32_t step = 0; step < 30; ++step) {
      if (!standing.empty() && *rc::gen::inRange(0, 3) == 0) {
        const auto at = *rc::gen::inRange<std::size_t>(0, standing.size());
        standing[at].client->give(standing[at].taken);
        standing.erase(standing.begin() + static_cast<std::ptrdiff_t>(at));
        continue;
      }
      auto range = any_range();
      range.copying = false;
      auto& client = *clients[*rc::gen::inRange<std::size_t>(0, clients.size())];
      auto taken =
          client.take(1, range.mode, range.lo, range.hi, FakeClient::kNow, 1000 + step);  // each a thread of its own
      range.copying = taken.grant.copying;
      const bool expected = std::none_of(standing.begin(), standing.end(), [&](const Standing& other) {
        return must_wait(range, other.range, false, {8, 64});
      });
      RC_ASSERT(taken.granted() == expected);
      RC_ASSERT(expected || taken.verdict == Verdict::timeout);
      if (taken.granted()) standing.push_back({&client, taken, range});
    }
  }));
}

}  // namespace
}  // namespace ndshare::internal
