/// Claims under real threads, and under bytes that nobody who keeps to the rules would write.

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "lib/shm/wait_graph.h"
#include "tests/unit/shm/claims_support.h"

namespace ndshare::internal {
namespace {

using std::chrono::milliseconds;
using test::Clock;
using test::FakeClient;
using test::FakeStore;
using M = ClaimMode;

/// Threads of several slots on overlapping rows: a row has one writer or any number of readers.
TEST(ClaimsStressTest, WritersAreAloneOnTheirRows) {
  FakeStore store;
  store.catalog().put(1, test::fake_rows());
  std::vector<std::unique_ptr<FakeClient>> clients;
  for (std::uint32_t i = 0; i < 3; ++i) clients.push_back(std::make_unique<FakeClient>(store, i));
  std::array<std::atomic<int>, 64> users{};
  std::atomic<int> clashes{0}, claims{0};
  const auto work = [&](std::uint32_t me) {
    std::mt19937 random(me);
    for (int i = 0; i < 3000; ++i) {
      const auto lo = static_cast<std::int64_t>(random() % 10), hi = lo + 1 + static_cast<std::int64_t>(random() % 6);
      const bool writes = random() % 2 == 0;
      auto& client = *clients[me % clients.size()];
      const auto taken = client.take(1, writes ? M::write : M::read, lo, hi, FakeClient::kForever);
      if (!taken.granted()) continue;
      if (taken.grant.may_share) client.claims().finish_copying(*taken.entry);
      for (auto row = lo; row < hi; ++row) {
        const int before = users[static_cast<std::size_t>(row)].fetch_add(writes ? 1000 : 1);
        if (before >= 1000 || (writes && before != 0)) ++clashes;
      }
      for (auto row = lo; row < hi; ++row) users[static_cast<std::size_t>(row)].fetch_sub(writes ? 1000 : 1);
      client.give(taken, writes);
      ++claims;
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t me = 0; me < 4; ++me) threads.emplace_back(work, me);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(clashes.load(), 0);
  EXPECT_EQ(claims.load(), 12'000);
  EXPECT_EQ(store.sys().array(1).mutex->load(), 0U);
}

/// Clients pin and look while a daemon publishes version after version, and uses an extent and the version's block
/// again as soon as its scan finds no claim on them. `owner` says whose bytes an extent holds.
TEST(ClaimsStressTest, NoExtentIsUsedAgainUnderAClaim) {
  constexpr std::uint64_t kPlaces = 6;
  FakeStore store;
  std::array<a64, kPlaces> owner{};
  const auto put = [&](std::uint64_t place) {
    auto array = test::fake_rows();
    array.extents[0].offset = place * 512;
    store.catalog().use_blocks(2 * place);
    store.catalog().put(1, array);
  };
  owner[0].store(1);
  put(0);
  const auto gen = store.gen(1);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> betrayed{0}, pinned{0};
  std::vector<std::thread> clients;
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    clients.emplace_back([&, slot] {
      FakeClient client(store, slot);
      client.use_gen(gen);
      while (!stop.load()) {
        const auto taken = client.take(1, slot % 2 == 0 ? M::view : M::read, 0, 64, FakeClient::kForever);
        const auto place = store.view().pinned_extents(taken.grant.ref)[0].offset / 512;
        for (int look = 0; look < 20; ++look) {
          if (owner[place].load(std::memory_order_relaxed) != taken.grant.ref.version) ++betrayed;
        }
        client.give(taken);
        ++pinned;
      }
    });
  }
  std::uint64_t current = 1, rounds = 0;
  for (std::uint64_t version = 2; rounds < 200'000 && (version < 3000 || pinned.load() < 2000); ++rounds) {
    std::vector<ClaimCopy> claims;
    for (std::uint32_t slot = 0; slot < 4; ++slot) collect_claims(store.sys().claims(slot), claims);
    const auto is_pinned = [&](std::uint64_t held) {
      return std::any_of(claims.begin(), claims.end(), [&](const ClaimCopy& c) { return c.version == held; });
    };
    for (std::uint64_t place = 0; place < kPlaces; ++place) {
      const auto held = owner[place].load();
      if (held == current || (held != 0 && is_pinned(held))) continue;
      owner[place].store(version, std::memory_order_relaxed);  // the extent is used again
      put(place);
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

void scribble(FakeStore& store, std::mt19937_64& random, int one_in) {
  auto* words = reinterpret_cast<a64*>(store.sync());
  for (std::uint64_t i = 0; i < FakeStore::layout().bytes / 8; ++i) {
    if (one_in == 1 || random() % static_cast<unsigned>(one_in) == 0)
      words[i].store(random(), std::memory_order_relaxed);
  }
}

/// Entries of random ranges with states and modes that exist, on arrays that exist.
void write_plausible_entries(FakeStore& store, std::mt19937_64& random) {
  for (std::uint32_t slot = 1; slot < test::kFakeSlots; ++slot) {
    auto& shared = store.sys().claims(slot);
    shared.lock_high.store(kLockEntries), shared.view_high.store(200);
    const auto fill = [&](Claim& entry) {
      entry.lo.store(random() % 64), entry.hi.store(random() % 64), entry.ticket.store(random() % 1000);
      entry.tid.store(static_cast<std::uint32_t>(random() % 50));
      entry.word.store(claim_word(static_cast<ClaimState>(random() % 4), static_cast<M>(random() % 4), 0,
                                  static_cast<std::uint32_t>(random() % 3)));
    };
    for (auto& entry : shared.lock) fill(entry);
    for (int i = 0; i < 200; ++i) fill(shared.view[i]);
  }
}

void use_everything(FakeStore& store) {
  FakeClient client(store, 0);
  for (const auto mode : {M::read, M::view, M::update, M::write}) {
    const auto taken = client.take(1, mode, 3, 20, Clock::now() + milliseconds(2));
    if (taken.granted()) client.give(taken, true);
  }
  std::vector<ClaimCopy> claims;
  for (std::uint32_t slot = 0; slot < test::kFakeSlots; ++slot) collect_claims(store.sys().claims(slot), claims);
  RC_ASSERT(claims.size() <= std::size_t{test::kFakeSlots} * (kLockEntries + kViewEntries));
  for (const auto& claim : claims) RC_ASSERT(claim.state <= ClaimState::granted && claim.mode <= M::write);
  static_cast<void>(find_circle(store.sys(), {1, 1, 1}));
  for (std::uint32_t slot = 0; slot < test::kFakeSlots; ++slot) {
    store.sweep(slot);
    RC_ASSERT(store.claims(slot).empty());
  }
}

TEST(ClaimsHostileTest, RandomBytesAreBounded) {
  EXPECT_TRUE(rc::check("random sync bytes", [] {
    FakeStore store;
    store.catalog().put(1, test::fake_rows());
    std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
    scribble(store, random, *rc::gen::element(1, 3, 50));
    if (*rc::gen::arbitrary<bool>()) write_plausible_entries(store, random);
    use_everything(store);
  }));
}

TEST(ClaimsHostileTest, BytesThatChangeAllTheTimeAreBounded) {
  FakeStore store;
  store.catalog().put(1, test::fake_rows());
  std::atomic<bool> stop{false};
  std::thread scribbler([&] {
    std::mt19937_64 random(1);
    auto* first = reinterpret_cast<a64*>(store.sys().array(1).mutex);
    while (!stop.load())
      first[random() % 6].store(random(), std::memory_order_relaxed);  // the array's words and bitmaps
  });
  FakeClient client(store, 0);
  for (int i = 0; i < 50; ++i) {
    const auto taken = client.take(1, i % 2 == 0 ? M::read : M::write, 0, 8, Clock::now() + milliseconds(2));
    if (taken.granted()) client.give(taken);
  }
  stop = true;
  scribbler.join();
}

/// A chain of waiters as long as the tables: the search for circles must neither recurse that deep nor look at all
/// pairs.
TEST(ClaimsHostileTest, AnEndlessQueueIsNotSearchedToItsEnd) {
  FakeStore store;
  store.catalog().put(1, test::fake_rows());
  for (std::uint32_t slot = 0; slot < test::kFakeSlots; ++slot) {
    auto& shared = store.sys().claims(slot);
    shared.lock_high.store(kLockEntries), shared.view_high.store(kViewEntries);
    std::uint64_t ticket = slot * 100'000ULL;
    const auto fill = [&](Claim& entry) {
      entry.lo.store(0), entry.hi.store(64), entry.ticket.store(++ticket),
          entry.tid.store(static_cast<std::uint32_t>(ticket));
      entry.word.store(claim_word(ClaimState::waiting, M::write, 0, 1));
    };
    for (auto& entry : shared.lock) fill(entry);
    for (auto& entry : shared.view) fill(entry);
  }
  const auto& last = store.sys().claims(3).view[kViewEntries - 1];
  EXPECT_TRUE(find_circle(store.sys(), {3, last.tid.load(), last.ticket.load()}).tickets.empty());
}

}  // namespace
}  // namespace ndshare::internal
