// The daemon's own record: a ring that outlives the daemon, read without a lock.
#include "daemon/event_log.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "lib/shm/sync_layout.h"
#include "lib/shm/telemetry.h"
#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

class EventLogTest : public testing::Test {
 protected:
  void SetUp() override { store_.open(); }
  EventLog& events() { return store_.engine->events(); }
  const Telemetry& telemetry() const {
    const auto segments = store_.engine->segments();
    const auto& header = *reinterpret_cast<const CatalogHeader*>(segments.catalog);  // NOLINT: shared bytes
    return *reinterpret_cast<const Telemetry*>(segments.catalog + header.telemetry_offset);  // NOLINT
  }
  TestStore store_;
};

TEST_F(EventLogTest, TheLastOnesAreKeptAndNumbered) {
  const auto before = read_events(telemetry()).size();
  for (std::uint64_t i = 0; i < kEvents + 10; ++i) events().record({EventKind::trim, 3, 7, {i, 0, 0}, "t"});
  const auto all = read_events(telemetry());
  ASSERT_EQ(all.size(), kEvents);
  for (std::size_t i = 1; i < all.size(); ++i) ASSERT_EQ(all[i].sequence, all[i - 1].sequence + 1);
  EXPECT_EQ(all.back().sequence, before + kEvents + 10);
  EXPECT_EQ(all.back().numbers[0], kEvents + 9);
  EXPECT_EQ(all.back().slot, 3U);
  EXPECT_EQ(all.back().pid, 7U);
  EXPECT_EQ(all.back().text, "t");
  EXPECT_GT(all.back().unix_ns, 1'600'000'000'000'000'000ULL);
  EXPECT_EQ(read_events(telemetry(), all.back().sequence - 2).size(), 2U);
  EXPECT_EQ(telemetry().event_counts[static_cast<int>(EventKind::trim)].load(), kEvents + 10);
}

TEST_F(EventLogTest, ARestartGoesOnBehindTheLast) {
  events().record({EventKind::save, kNoEventSlot, 0, {}, "before"});
  const auto last = read_events(telemetry()).back().sequence;
  store_.restart();
  const auto all = read_events(telemetry());
  const auto kept = std::ranges::find(all, last, &EventCopy::sequence);
  ASSERT_NE(kept, all.end());
  EXPECT_EQ(kept->text, "before");
  ASSERT_GT(all.back().sequence, last) << "the adoption is an event";
  EXPECT_EQ(event_row(all.back().kind).name, "adopt");
}

TEST_F(EventLogTest, TextIsCutAtACharacter) {
  std::string text(kEventText - 1, 'x');
  text += "ü and more";
  events().record({EventKind::create, 0, 1, {}, text});
  EXPECT_EQ(read_events(telemetry()).back().text, std::string(kEventText - 1, 'x'));
}

TEST_F(EventLogTest, AnEntryThatIsBeingWrittenIsSkipped) {
  events().record({EventKind::create, 0, 1, {}, "first"});
  events().record({EventKind::create, 0, 1, {}, "second"});
  const auto last = read_events(telemetry()).back().sequence;
  // As a daemon leaves it that was killed in the middle.
  const_cast<Telemetry&>(telemetry()).events[(last - 1) % kEvents].sequence.store(0);  // NOLINT
  EXPECT_EQ(read_events(telemetry()).back().text, "first");
  store_.restart();
  EXPECT_EQ(read_events(telemetry()).back().sequence, last) << "its number and its place are used by the next";
}

TEST_F(EventLogTest, ReadersSeeWholeEntriesOrNone) {
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> seen{0};
  std::thread reader([&] {
    while (!done) {
      for (const auto& event : read_events(telemetry())) {
        if (event.kind != static_cast<std::uint64_t>(EventKind::trim)) continue;
        ++seen;
        ASSERT_EQ(event.text, std::string(event.numbers[0] % kEventText, static_cast<char>('a' + event.numbers[0] % 26)));
        ASSERT_EQ(event.numbers[1], event.numbers[0] * 3);
      }
    }
  });
  for (std::uint64_t i = 0; i < 20000 || seen == 0; ++i) {
    const std::string text(i % kEventText, static_cast<char>('a' + i % 26));
    events().record({EventKind::trim, 0, 0, {i, i * 3, 0}, text});
  }
  done = true;
  reader.join();
}

TEST_F(EventLogTest, TimesGoIntoTheirBuckets) {
  using std::chrono::nanoseconds;
  auto& log = events();
  for (const auto ns : {0, 10'000, 10'001, 2'000'000'000}) log.answered(10, nanoseconds(ns), ns == 0);
  log.answered(10, std::chrono::hours(1), false);
  const auto& stats = telemetry().requests[10];
  EXPECT_EQ(stats.buckets[0].load(), 2U);
  EXPECT_EQ(stats.buckets[1].load(), 1U);
  EXPECT_EQ(stats.buckets[kLatencyBuckets - 2].load(), 1U);
  EXPECT_EQ(stats.buckets[kLatencyBuckets - 1].load(), 1U);
  EXPECT_EQ(stats.errors.load(), 1U);
  EXPECT_EQ(stats.sum_ns.load(), 20'001U + 2'000'000'000U + 3'600'000'000'000U);
}

TEST_F(EventLogTest, ASweepKeepsWhatTheClientCounted) {
  const auto slot = store_.engine->attach(self());
  const auto segments = store_.engine->segments();
  const auto& header = store_.engine->header();
  const SyncLayout layout(header.max_clients, header.max_arrays);
  auto* claims = reinterpret_cast<SlotClaims*>(const_cast<std::byte*>(segments.sync) + layout.claims_offset) + slot.index;  // NOLINT
  claims->counters[static_cast<int>(SlotCounter::writes)].store(5);
  claims->counters[static_cast<int>(SlotCounter::moved_bytes)].store(~0ULL);  // what a client says is not trusted
  store_.engine->sweep(slot);
  store_.engine->sweep(slot);
  EXPECT_EQ(telemetry().left[static_cast<int>(SlotCounter::writes)].load(), 5U);
  EXPECT_LT(telemetry().left[static_cast<int>(SlotCounter::moved_bytes)].load(), 1ULL << 60);
  EXPECT_EQ(event_row(read_events(telemetry()).back().kind).name, "sweep");
}

TEST(EventRowTest, EveryKindHasItsRow) {
  EXPECT_EQ(event_row(6).name, "sweep");
  EXPECT_EQ(event_row(6).numbers[1], "freed_bytes");
  EXPECT_EQ(event_row(5).numbers[0], "");
  EXPECT_EQ(event_row(63).name, "event");
  EXPECT_EQ(event_row(~0ULL).name, "event");
}

}  // namespace
}  // namespace ndshare::internal
