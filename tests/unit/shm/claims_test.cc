#include "lib/shm/claims.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/support.h"
#include "tests/unit/shm/fake_catalog.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::FakeArray;
using test::FakeCatalog;

FakeArray array_of(std::uint64_t extent) {
  FakeArray array;
  array.name = "x";
  array.shape = {16};
  array.nbytes = 128;
  array.extents = {{extent, 128, 1}};
  return array;
}

std::vector<ClaimCopy> claims_of(const SlotClaims& shared) {
  std::vector<ClaimCopy> out;
  collect_claims(shared, out);
  return out;
}

class ClaimsTest : public ::testing::Test {
 protected:
  ClaimsTest() : shared_(std::make_unique<SlotClaims>()), table_(shared_.get()) { catalog_.put(1, array_of(0)); }

  FakeCatalog catalog_;
  std::unique_ptr<SlotClaims> shared_;
  ClaimTable table_;
};

TEST_F(ClaimsTest, APinIsSeenUntilItIsGivenBack) {
  const CatalogView view = catalog_.view();
  const auto ref = view.read_ref(1);
  {
    const auto pin = pin_version(table_, view, *ref, ClaimMode::view, 2, 9);
    ASSERT_TRUE(pin);
    const auto claims = claims_of(*shared_);
    ASSERT_EQ(claims.size(), 1U);
    EXPECT_EQ(claims[0].state, ClaimState::granted);
    EXPECT_EQ(claims[0].mode, ClaimMode::view);
    EXPECT_EQ(claims[0].array, 1U);
    EXPECT_EQ(claims[0].array_gen, ref->array_gen);
    EXPECT_EQ(claims[0].version, ref->version);
    EXPECT_EQ(claims[0].lo, 2);
    EXPECT_EQ(claims[0].hi, 9);
    EXPECT_NE(claims[0].tid, 0U);
    EXPECT_NE(claims[0].since_ns, 0U);
  }
  EXPECT_TRUE(claims_of(*shared_).empty());
}

TEST_F(ClaimsTest, AStaleReferencePinsTheNewerVersion) {
  const CatalogView view = catalog_.view();
  const auto old = view.read_ref(1);
  catalog_.put(1, array_of(4096));
  const auto pin = pin_version(table_, view, *old, ClaimMode::read, 0, 16);
  ASSERT_TRUE(pin);
  EXPECT_EQ(pin->ref().root, view.read_ref(1)->root);
  EXPECT_GT(pin->ref().version, old->version);
  EXPECT_EQ(claims_of(*shared_)[0].version, pin->ref().version);
}

TEST_F(ClaimsTest, ARemovedArrayCannotBePinnedNorOneInItsPlace) {
  const CatalogView view = catalog_.view();
  const auto old = view.read_ref(1);
  catalog_.remove(1, "x");
  EXPECT_FALSE(pin_version(table_, view, *old, ClaimMode::view, 0, 16));
  catalog_.put(1, array_of(4096));
  EXPECT_FALSE(pin_version(table_, view, *old, ClaimMode::view, 0, 16));
  EXPECT_TRUE(claims_of(*shared_).empty());
}

TEST_F(ClaimsTest, MovingAPinMovesTheClaim) {
  const CatalogView view = catalog_.view();
  auto first = pin_version(table_, view, *view.read_ref(1), ClaimMode::view, 0, 16);
  auto second = pin_version(table_, view, *view.read_ref(1), ClaimMode::read, 0, 16);
  *first = std::move(*second);
  EXPECT_FALSE(*second);
  ASSERT_EQ(claims_of(*shared_).size(), 1U);
  EXPECT_EQ(claims_of(*shared_)[0].mode, ClaimMode::read);
  first->release();
  first->release();
  EXPECT_TRUE(claims_of(*shared_).empty());
}

TEST_F(ClaimsTest, AFullTableSaysSoAndWorksAgain) {
  const CatalogView view = catalog_.view();
  const auto take = [&] { return pin_version(table_, view, *view.read_ref(1), ClaimMode::read, 0, 16); };
  std::vector<Pin> pins;
  for (std::uint32_t i = 0; i < kLockEntries; ++i) pins.push_back(std::move(*take()));
  EXPECT_EQ(code_of([&] { take(); }), Error::TooManyClaims);
  EXPECT_TRUE(pin_version(table_, view, *view.read_ref(1), ClaimMode::view, 0, 16));  // its own table
  pins.pop_back();
  EXPECT_TRUE(take());
  pins.clear();
  EXPECT_TRUE(claims_of(*shared_).empty());
}

TEST_F(ClaimsTest, ASweepClearsEverything) {
  const CatalogView view = catalog_.view();
  auto pins = std::make_unique<std::vector<Pin>>();
  for (int i = 0; i < 10; ++i)
    pins->push_back(
        *pin_version(table_, view, *view.read_ref(1), i % 2 == 0 ? ClaimMode::view : ClaimMode::read, 0, 1));
  EXPECT_EQ(claims_of(*shared_).size(), 10U);
  clear_claims(*shared_);
  EXPECT_TRUE(claims_of(*shared_).empty());
  EXPECT_EQ(shared_->lock_high.load(), 0U);
  EXPECT_EQ(claim_array(shared_->view[0].word.load()), 1U);  // the array stays named for whoever waits
}

TEST_F(ClaimsTest, ATableStartsCleanWhateverItsPlaceHeld) {
  shared_->view[0].word.store(claim_word(ClaimState::granted, ClaimMode::write, 0, 7));
  const auto entry = table_.take(true);
  EXPECT_TRUE(claims_of(*shared_).empty());
  table_.give_back(entry);
}

TEST_F(ClaimsTest, RandomBytesInASlotAreBounded) {
  const bool ok = rc::check("random sync bytes", [this] {
    auto* words = reinterpret_cast<a64*>(shared_.get());
    std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
    for (std::size_t i = 0; i < sizeof(SlotClaims) / 8; ++i) words[i].store(random(), std::memory_order_relaxed);
    const auto claims = claims_of(*shared_);
    RC_ASSERT(claims.size() <= kLockEntries + kViewEntries);
    for (const auto& claim : claims) RC_ASSERT(claim.state <= ClaimState::granted && claim.mode <= ClaimMode::write);
    clear_claims(*shared_);
    RC_ASSERT(claims_of(*shared_).empty());
  });
  EXPECT_TRUE(ok);
}

/// The rule that pins exist for: clients pin and read without any lock while a daemon publishes version after version
/// and uses an extent, and the version's block, again as soon as its scan finds no claim on it. `owner` says whose
/// bytes an extent holds: a client that reads another version's number under a validated pin has been betrayed.
TEST_F(ClaimsTest, NoExtentIsUsedAgainUnderAPin) {
  constexpr std::uint64_t kPlaces = 6;
  constexpr int kClients = 4;
  FakeCatalog catalog;
  std::array<a64, kPlaces> owner{};
  std::vector<std::unique_ptr<SlotClaims>> slots;
  for (int i = 0; i < kClients; ++i) slots.push_back(std::make_unique<SlotClaims>());
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> betrayed{0}, pinned{0};

  owner[0].store(1);
  catalog.use_blocks(0);
  catalog.put(1, array_of(0));  // version 1 lies in place 0
  const CatalogView view = catalog.view();
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      ClaimTable table(slots[static_cast<std::size_t>(i)].get());
      while (!stop.load()) {
        const auto ref = view.read_ref(1);
        const auto pin = pin_version(table, view, *ref, i % 2 == 0 ? ClaimMode::view : ClaimMode::read, 0, 16);
        const std::uint64_t place = view.read_version(pin->ref()).extents.at(0).offset / 128;
        for (int look = 0; look < 20; ++look) {
          if (owner[place].load(std::memory_order_relaxed) != pin->ref().version) ++betrayed;
        }
        ++pinned;
      }
    });
  }

  std::uint64_t current = 1;
  std::uint64_t rounds = 0;
  for (std::uint64_t version = 2; rounds < 200'000 && (version < 3000 || pinned.load() < 2000); ++rounds) {
    std::vector<ClaimCopy> claims;
    for (const auto& slot : slots) collect_claims(*slot, claims);
    for (std::uint64_t place = 0; place < kPlaces; ++place) {
      const std::uint64_t held = owner[place].load();
      if (held == current) continue;
      const bool is_pinned =
          std::any_of(claims.begin(), claims.end(), [&](const ClaimCopy& c) { return c.version == held; });
      if (held != 0 && is_pinned) continue;
      owner[place].store(version, std::memory_order_relaxed);  // the extent is used again
      catalog.use_blocks(2 * place);
      catalog.put(1, array_of(place * 128));
      current = version++;
      break;
    }
  }
  stop = true;
  for (auto& client : clients) client.join();
  EXPECT_EQ(betrayed.load(), 0U);
  EXPECT_GT(pinned.load(), 0U);
  EXPECT_GT(current, 10U);
}

TEST_F(ClaimsTest, AnIdentityAlonePinsTheArrayAndNeverAFreeRecord) {
  const CatalogView view = catalog_.view();
  RefCopy identity;
  identity.array = 1;
  identity.array_gen = view.read_ref(1)->array_gen;
  EXPECT_FALSE(view.is_current(identity));
  EXPECT_EQ(pin_version(table_, view, identity, ClaimMode::view, 0, 16)->ref().version, view.read_ref(1)->version);
  catalog_.remove(1, "x");
  EXPECT_FALSE(view.is_current(identity)) << "a free record has root 0, as this reference does";
  EXPECT_FALSE(pin_version(table_, view, identity, ClaimMode::view, 0, 16));
  EXPECT_TRUE(claims_of(*shared_).empty());
}

TEST_F(ClaimsTest, AForkedChildSignsItsClaimsWithItsOwnThread) {
  const CatalogView view = catalog_.view();
  const auto tid_of_a_pin = [&] {
    const auto pin = pin_version(table_, view, *view.read_ref(1), ClaimMode::view, 0, 16);
    return claims_of(*shared_).at(0).tid;
  };
  EXPECT_EQ(tid_of_a_pin(), static_cast<std::uint32_t>(::gettid()));
  const pid_t child = test::fork_child([&] { return tid_of_a_pin() == static_cast<std::uint32_t>(::gettid()) ? 0 : 1; });
  EXPECT_EQ(test::wait_child(child), std::optional<int>(0));
}

}  // namespace
}  // namespace ndshare::internal
