// The ring over real atomics: one step at a time in one thread, then threads that hand over as fast as they can.
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <ndshare/error.h>

#include "lib/shm/stream_spec.h"

namespace ndshare::internal {
namespace {

class StreamRingTest : public ::testing::Test {
 protected:
  Ring ring(const RingOptions& options, std::uint32_t slot = 0) { return ring_of(*sync_, options, slot, 7); }
  std::unique_ptr<StreamSync> sync_ = std::make_unique<StreamSync>();
};

constexpr RingOptions kQueue{4, 0, false, false};

TEST_F(StreamRingTest, ASequenceBefore2To24OthersIsStillFirstWhenItComesAgain) {
  auto queue = ring(kQueue);
  queue.publish(static_cast<std::uint32_t>(queue.loan(0)));
  const int old = queue.take(0);
  sync_->next_sequence.store((std::uint64_t{1} << 24) + 5);  // its low bits are newer than those of what comes next
  queue.publish(static_cast<std::uint32_t>(queue.loan(0)));
  queue.put_back(static_cast<std::uint32_t>(old), 0);
  EXPECT_EQ(queue.take(0), old);
  EXPECT_EQ(sync_->meta[old].sequence.load(), 0U);
}

TEST_F(StreamRingTest, OrderSurvivesTheWrapOfTheLowBits) {
  auto queue = ring(kQueue);
  sync_->next_sequence.store((std::uint64_t{1} << 24) - 2);
  for (int i = 0; i < 4; ++i) queue.publish(static_cast<std::uint32_t>(queue.loan(0)));
  std::uint64_t before = 0;
  for (int i = 0; i < 4; ++i) {
    const auto sequence = sync_->meta[queue.take(0)].sequence.load();
    EXPECT_GT(sequence, before);
    before = sequence;
  }
}

/// The product's ring without one of its rules.
template <StreamRule kDropped>
struct Without {
  static bool rule(StreamRule rule) noexcept { return rule != kDropped; }
};
template <StreamRule kDropped>
using Mutant = StreamRing<StdAtomics, FutexWake, Without<kDropped>>;

/// A younger batch is ready and remembered when an older one comes back: what is taken then.
template <class AnyRing>
int taken_after_return(AnyRing mine, AnyRing other) {
  TakeAhead ahead;
  for (int i = 0; i < 4; ++i) mine.publish(static_cast<std::uint32_t>(mine.loan(0)));
  EXPECT_EQ(mine.take(0, ahead), 0);
  EXPECT_EQ(other.take(0), 1);
  EXPECT_EQ(mine.take(0, ahead), 2);
  other.put_back(1, 0);
  return mine.take(0, ahead);
}

/// A batch that was delivered once beside an older one whose count began anew as a dead letter: what is taken.
template <class AnyRing>
int taken_beside_retried(AnyRing ring) {
  for (int i = 0; i < 2; ++i) ring.publish(static_cast<std::uint32_t>(ring.loan(0)));
  for (int i = 0; i < 2; ++i) ring.put_back(static_cast<std::uint32_t>(ring.take(0)), 0);  // 0, twice: dead
  ring.put_back(static_cast<std::uint32_t>(ring.take(0)), 0);                              // 1
  EXPECT_TRUE(ring.retry(0));
  return ring.take(0);
}

TEST_F(StreamRingTest, RulesOfWhatComesBackCannotBeLeftOut) {
  using Hasty = Mutant<StreamRule::look_after_return>;
  using Equal = Mutant<StreamRule::redelivered_first>;
  EXPECT_EQ(taken_after_return(ring(kQueue, 1), ring(kQueue, 2)), 1);
  sync_ = std::make_unique<StreamSync>();
  EXPECT_EQ(taken_after_return(Hasty(ring(kQueue).words(), kQueue, 1, 7, {}), Hasty(ring(kQueue).words(), kQueue, 2, 7, {})), 3);
  constexpr RingOptions kTwice{4, 2, false, false};
  sync_ = std::make_unique<StreamSync>();
  EXPECT_EQ(taken_beside_retried(ring(kTwice)), 1);
  sync_ = std::make_unique<StreamSync>();
  EXPECT_EQ(taken_beside_retried(Equal(ring(kTwice).words(), kTwice, 1, 7, {})), 0);
}

/// Against the rule itself: those that were delivered before, then the smallest number.
TEST_F(StreamRingTest, EveryTakeIsOfTheSmallestReady) {
  std::mt19937_64 random(20261127);
  for (const std::uint32_t depth : {1U, 3U, 8U, 31U, 33U, 70U, 256U}) {
    sync_ = std::make_unique<StreamSync>();
    sync_->next_sequence.store((std::uint64_t{1} << 24) - 500);  // round the corner in the middle
    auto mine = ring({depth, 0, false, false}, 1), other = ring({depth, 0, false, false}, 2);
    TakeAhead ahead;
    std::vector<std::uint32_t> held;
    const auto smallest = [&] {
      int best = -1;
      bool best_again = false;
      for (std::uint32_t i = 0; i < depth; ++i) {
        if (batch_state(sync_->word[i].load()) != BatchState::ready) continue;
        const bool again = batch_deliveries(sync_->word[i].load()) != 0;
        const bool older = best >= 0 && sync_->meta[i].sequence.load() < sync_->meta[best].sequence.load();
        if (best < 0 || (again != best_again ? again : older)) best = static_cast<int>(i), best_again = again;
      }
      return best;
    };
    for (int step = 0; step < 4000; ++step) {
      const auto what = random() % 8;
      if (what < 3) {
        if (const int i = mine.loan(static_cast<std::uint32_t>(random() % depth)); i >= 0) mine.publish(static_cast<std::uint32_t>(i));
      } else if (what < 6 || held.empty()) {
        const int want = smallest(), got = what == 3 ? other.take(0) : mine.take(0, ahead);
        ASSERT_EQ(got, want) << "depth " << depth << ", step " << step;
        if (got >= 0) held.push_back(static_cast<std::uint32_t>(got));
      } else {
        std::swap(held[random() % held.size()], held.back());
        what == 6 ? mine.put_back(held.back(), 0) : mine.done(held.back(), 0);
        held.pop_back();
      }
    }
  }
}

TEST_F(StreamRingTest, ASweepTakesBackOnlyWhatTheSlotHeld) {
  auto mine = ring(kQueue, 1), other = ring(kQueue, 2);
  mine.enter_producer();
  mine.publish(static_cast<std::uint32_t>(mine.loan(0)));
  mine.publish(static_cast<std::uint32_t>(mine.loan(0)));
  const int theirs = other.take(0), taken = mine.take(0), loaned = mine.loan(0);
  static_cast<void>(other.sweep(1, 6));  // an older generation of the slot: no batch is its own
  EXPECT_EQ(batch_state(sync_->word[taken].load()), BatchState::taken);
  EXPECT_EQ(batch_state(sync_->word[loaned].load()), BatchState::loaned);
  EXPECT_TRUE(other.sweep(1, 7));
  EXPECT_EQ(batch_state(sync_->word[taken].load()), BatchState::ready);
  EXPECT_EQ(batch_deliveries(sync_->word[taken].load()), 1U);
  EXPECT_EQ(batch_state(sync_->word[loaned].load()), BatchState::free);
  EXPECT_EQ(batch_state(sync_->word[theirs].load()), BatchState::taken);
  EXPECT_FALSE(other.sweep(1, 7));
}

TEST_F(StreamRingTest, TheLastBatchDoneWakesWhoWaitsForTheEnd) {
  auto producer = ring(kQueue, 1), holder = ring(kQueue, 2), waiter = ring(kQueue, 3);
  producer.enter_producer();
  for (int i = 0; i < 2; ++i) producer.publish(static_cast<std::uint32_t>(producer.loan(0)));
  const int first = holder.take(0), last = holder.take(0);
  const auto announced = sync_->ready_event.fetch_or(1) | 1U;  // as announce_waiter() of the client
  holder.done(static_cast<std::uint32_t>(first), 0);
  EXPECT_EQ(sync_->ready_event.load(), announced) << "more may come: nothing to wake for";
  producer.leave_producer();
  EXPECT_NE(sync_->ready_event.load(), announced) << "looks again";
  const auto again = sync_->ready_event.fetch_or(1) | 1U;
  EXPECT_EQ(waiter.outlook(0), Outlook::more) << "the holder may yet give it back";
  holder.done(static_cast<std::uint32_t>(last), 0);
  EXPECT_NE(sync_->ready_event.load(), again);
  EXPECT_EQ(waiter.outlook(0), Outlook::abandoned);
}

TEST_F(StreamRingTest, DeliveriesAreCountedUpToTheLimitOfTheWord) {
  auto queue = ring(kQueue);
  queue.publish(static_cast<std::uint32_t>(queue.loan(0)));
  for (int i = 0; i < 40; ++i) queue.put_back(static_cast<std::uint32_t>(queue.take(0)), 0);
  EXPECT_EQ(batch_deliveries(sync_->word[0].load()), kMaxDeliveries);
}

TEST_F(StreamRingTest, ABroadcastHasSixtyFourConsumers) {
  auto broadcast = ring({4, 0, true, false});
  for (int i = 0; i < 64; ++i) EXPECT_EQ(broadcast.join(), i);
  EXPECT_EQ(broadcast.join(), -1);
  broadcast.leave(5);
  EXPECT_EQ(broadcast.join(), 5);
}

TEST_F(StreamRingTest, ThreadsHandOverEachBatchOnce) {
  constexpr std::uint64_t kEach = 20'000;
  std::vector<std::atomic<int>> seen(2 * kEach);
  std::vector<std::uint64_t> content(kMaxStreamDepth);
  std::atomic<std::uint64_t> left{2 * kEach};
  std::vector<std::jthread> threads;
  for (std::uint32_t p = 0; p < 2; ++p) {
    threads.emplace_back([&, p] {
      auto mine = ring(kQueue, p);
      for (std::uint64_t n = 0; n < kEach;) {
        const int batch = mine.loan(0);
        if (batch < 0) {
          std::this_thread::yield();
          continue;
        }
        content[static_cast<std::size_t>(batch)] = p * kEach + n++;
        mine.publish(static_cast<std::uint32_t>(batch));
      }
    });
    threads.emplace_back([&, p] {
      auto mine = ring(kQueue, p + 2);
      TakeAhead ahead;
      while (left.load() != 0) {
        const int batch = mine.take(0, ahead);
        if (batch < 0) {
          std::this_thread::yield();
          continue;
        }
        ++seen[content[static_cast<std::size_t>(batch)]];
        --left;
        mine.done(static_cast<std::uint32_t>(batch), 0);
      }
    });
  }
  threads.clear();
  for (const auto& count : seen) ASSERT_EQ(count.load(), 1);
}

TEST(StreamSpecTest, AttributesAreReadBackAndChecked) {
  StreamSpec spec;
  spec.rows = 10, spec.ring = 3, spec.ring_options = {2, 5, true, true};
  spec.batches = {{1, 100}, {2, 101}};
  spec.kept = {1, 77};
  const auto read = StreamSpec::parse(spec.attrs());
  EXPECT_EQ(read.attrs(), spec.attrs());
  EXPECT_EQ(read.batches, spec.batches);
  for (const auto& [key, value] : std::map<std::string, std::string>{{"depth", "0"},
                                                                     {"depth", "257"},
                                                                     {"depth", "x"},
                                                                     {"ring", "64"},
                                                                     {"batches", "1:100"},
                                                                     {"batches", "1:100 2"},
                                                                     {"kept", "9:1"},
                                                                     {"rows", "-1"}}) {
    auto attrs = spec.attrs();
    attrs[key] = value;
    EXPECT_THROW(StreamSpec::parse(attrs), Error) << key << " " << value;
  }
}

}  // namespace
}  // namespace ndshare::internal
