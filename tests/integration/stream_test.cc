// Streams through the public interface, with real processes and a real daemon: hand-off, back-pressure, ends, bad
// input.
#include <csignal>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <ndshare/reduce.h>
#include <ndshare/stream.h>

#include "tests/integration/stream_support.h"

namespace ndshare::test {
namespace {

TEST_F(StreamTest, ABatchGoesFromLoanToTakeInPlace) {
  auto stream = make({.rows = 4, .depth = 2});
  const std::byte* written = nullptr;
  {
    auto loan = stream.loan();
    EXPECT_EQ(loan.capacity(), 4);
    copyto(loan.array()(slice(0, 3)), array({1, 2, 3}));
    written = loan.data();
    EXPECT_EQ(loan.publish(3, {{"file", "a.csv"}}), 0U);
    EXPECT_FALSE(loan);
  }
  auto batch = stream.take(kSoon);
  EXPECT_EQ(batch.rows(), 3);
  EXPECT_EQ(batch.sequence(), 0U);
  EXPECT_EQ(batch.deliveries(), 1U);
  EXPECT_EQ(batch.attrs(), (Attrs{{"file", "a.csv"}}));
  EXPECT_GT(batch.published_unix_ns(), 0U);
  EXPECT_EQ(sum(batch.array()).item<std::int64_t>(), 6);
  EXPECT_FALSE(batch.array().is_writable());
  EXPECT_NE(batch.data(), written);  // the read-only map of the same bytes
  batch.done();
  EXPECT_EQ(stream.info().free, 2U);
}

TEST_F(StreamTest, ConsumersTakeTheSmallestReadyBatch) {
  auto stream = make({.rows = 1, .depth = 4});
  for (std::int64_t i = 0; i < 4; ++i) put(stream, i);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_EQ(get(stream), i);
  put(stream, 4);
  EXPECT_EQ(get(stream), 3);
  EXPECT_EQ(get(stream), 4);
}

TEST_F(StreamTest, WhatIsDroppedIsDeliveredAgainFirstAndCounted) {
  auto stream = make({.rows = 1, .depth = 4, .max_deliveries = 3});
  for (std::int64_t i = 0; i < 3; ++i) put(stream, i);
  { const auto first = stream.take(kSoon); }
  auto again = stream.take(kSoon);
  EXPECT_EQ(again.sequence(), 0U);
  EXPECT_EQ(again.deliveries(), 2U);
  again = {};
  { const auto third = stream.take(kSoon); }
  EXPECT_EQ(get(stream), 1);  // the first is a dead letter now
  EXPECT_EQ(stream.info().dead, 1U);
  EXPECT_EQ(stream.retry_dead_letters(), 1U);
  EXPECT_EQ(get(stream), 0);
}

TEST_F(StreamTest, ADeadLetterCanBeReadAndDropped) {
  auto stream = make({.rows = 1, .depth = 2, .max_deliveries = 1});
  put(stream, 7);
  { const auto lost = stream.take(kSoon); }
  { const auto seen = stream.take_dead_letter(); }  // looked at, and put back
  auto letter = stream.take_dead_letter();
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter.as_span<std::int64_t>()[0], 7);
  letter.done();
  EXPECT_FALSE(stream.take_dead_letter());
  EXPECT_EQ(stream.info().free, 2U);
}

TEST_F(StreamTest, AFullStreamHoldsProducersBackAndSaysWhoHoldsIt) {
  auto stream = make({.rows = 1, .depth = 2});
  put(stream, 0), put(stream, 1);
  expect_error(ErrorCode::Timeout, {"2 batches", "2 ready"},
               [&] { static_cast<void>(stream.loan({.timeout = milliseconds(20)})); });
  Loan loan;
  EXPECT_EQ(stream.try_loan(loan), ErrorCode::Timeout);
  const auto taken = stream.take(kSoon);
  expect_error(ErrorCode::Timeout, {"1 being read", std::to_string(::getpid()).c_str()},
               [&] { static_cast<void>(stream.loan({.timeout = milliseconds(20)})); });
  std::jthread consumer([&] { EXPECT_EQ(get(stream), 1); });
  EXPECT_NO_THROW(static_cast<void>(stream.loan(kSoon)));
}

TEST_F(StreamTest, CloseLetsConsumersDrain) {
  auto stream = make({.rows = 1, .depth = 4});
  put(stream, 1);
  auto late = stream.loan(kSoon);
  stream.close();
  expect_error(ErrorCode::StreamClosed, {"closed"}, [&] { static_cast<void>(stream.loan()); });
  late.as_span<std::int64_t>()[0] = 2;
  late.publish();  // loaned before the end
  EXPECT_EQ(get(stream), 1);
  EXPECT_EQ(get(stream), 2);
  expect_error(ErrorCode::EndOfStream, {"closed"}, [&] { static_cast<void>(stream.take()); });
  Batch batch;
  EXPECT_EQ(stream.try_take(batch), ErrorCode::EndOfStream);
}

TEST_F(StreamTest, TheEndWaitsForWhatOthersHold) {
  auto stream = make({.rows = 1, .depth = 4});
  put(stream, 1);
  stream.close();
  const Gate taken, die;
  const auto holder = fork_child([&] {
    auto store = daemon_.connect();
    auto mine = store.open_stream("s");
    const auto batch = mine.take(kSoon);
    taken.open();
    die.wait();
    ::raise(SIGKILL);
    return 0;
  });
  taken.wait();
  Batch batch;
  EXPECT_EQ(stream.try_take(batch), ErrorCode::Timeout);  // not the end: it may come back
  std::jthread waiter([&] {
    EXPECT_EQ(get(stream), 1);
    EXPECT_EQ(code_of([&] { static_cast<void>(stream.take()); }), ErrorCode::EndOfStream);
  });
  die.open();
  EXPECT_EQ(wait_child(holder), 128 + SIGKILL);
}

TEST_F(StreamTest, ConsumersAreToldWhenEveryProducerIsGone) {
  auto stream = make({.rows = 1, .depth = 4});
  Batch batch;
  EXPECT_EQ(stream.try_take(batch), ErrorCode::Timeout);  // none was there yet
  for (const bool dies : {false, true}) {
    const auto producer = fork_child([&] {
      auto store = daemon_.connect();
      auto mine = store.open_stream("s");
      put(mine, 5);
      const auto loan = mine.loan(kSoon);
      if (dies) ::raise(SIGKILL);
      return 0;
    });
    EXPECT_EQ(wait_child(producer), dies ? 128 + SIGKILL : 0);
    EXPECT_EQ(get(stream), 5);
    expect_error(ErrorCode::ProducersGone, {"without close"}, [&] { static_cast<void>(stream.take(kSoon)); });
  }
  EXPECT_EQ(stream.info().free, 4U);  // what the dead one was filling too
}

TEST_F(StreamTest, EachBatchOfAQueueGoesToOneOfManyProcesses) {
  auto stream = make({.rows = 1, .depth = 8});
  { const auto mine = stream.loan(kSoon); }  // a producer too: the others' end is not the stream's
  auto sums = store_.create("sums", int64, {4});
  sums.write().release();
  constexpr std::int64_t kEach = 2000;
  std::vector<pid_t> producers, consumers;
  for (int p = 0; p < 2; ++p) {
    producers.push_back(fork_child([&, p] {
      auto store = daemon_.connect();
      auto mine = store.open_stream("s");
      for (std::int64_t i = 0; i < kEach; ++i) put(mine, p * kEach + i);
      return 0;
    }));
  }
  for (std::int64_t c = 0; c < 4; ++c) {
    consumers.push_back(fork_child([&, c] {
      auto store = daemon_.connect();
      auto mine = store.open_stream("s");
      std::int64_t total = 0;
      try {
        while (true) total += get(mine);
      } catch (const Error& error) {
        CHILD_CHECK(error.code() == ErrorCode::EndOfStream);
      }
      auto guard = store.open("sums").write({.rows = {c, c + 1}});
      guard.as_span<std::int64_t>()[0] = total;
      guard.release();
      return 0;
    }));
  }
  for (const auto pid : producers) EXPECT_EQ(wait_child(pid), 0);
  stream.close();
  for (const auto pid : consumers) EXPECT_EQ(wait_child(pid), 0);
  const auto n = 2 * kEach;
  EXPECT_EQ(sum(sums.read().array()).item<std::int64_t>(), n * (n - 1) / 2);
}

TEST_F(StreamTest, EachConsumerOfABroadcastSeesEveryBatchFromWhenItJoined) {
  auto stream = make({.rows = 1, .depth = 4, .mode = StreamMode::broadcast});
  put(stream, 0);  // before anybody joined
  auto one = store_.open_stream("s"), two = store_.open_stream("s");
  one.join();
  put(stream, 1);
  two.join();
  put(stream, 2);
  EXPECT_EQ(get(one), 1);
  EXPECT_EQ(get(two), 2);
  EXPECT_EQ(get(one), 2);
  Batch batch;
  EXPECT_EQ(one.try_take(batch), ErrorCode::Timeout);
  EXPECT_EQ(stream.info().consumers, 2U);
}

TEST_F(StreamTest, ASlowConsumerOfABroadcastHoldsProducersBackUntilItIsGone) {
  auto stream = make({.rows = 1, .depth = 2, .mode = StreamMode::broadcast});
  auto fast = store_.open_stream("s");
  fast.join();
  const Gate joined, die;
  const auto slow = fork_child([&] {
    auto store = daemon_.connect();
    auto mine = store.open_stream("s");
    mine.join();
    joined.open();
    die.wait();
    ::raise(SIGKILL);
    return 0;
  });
  joined.wait();
  for (std::int64_t i = 0; i < 2; ++i) {
    put(stream, i);
    EXPECT_EQ(get(fast), i);
  }
  Loan loan;
  EXPECT_EQ(stream.try_loan(loan), ErrorCode::Timeout);
  EXPECT_EQ(stream.info().lag, 2U);
  die.open();
  EXPECT_EQ(wait_child(slow), 128 + SIGKILL);
  put(stream, 2);
  EXPECT_EQ(get(fast), 2);
}

TEST_F(StreamTest, ASlowConsumerThatMayBeSkippedIsToldHowManyItMissed) {
  auto stream = make({.rows = 1, .depth = 2, .mode = StreamMode::broadcast, .slow = SlowConsumer::skip});
  auto slow = store_.open_stream("s");
  slow.join();
  for (std::int64_t i = 0; i < 2; ++i) put(stream, i);
  auto held = slow.take(kSoon);  // is read, and so not overwritten
  for (std::int64_t i = 2; i < 10; ++i) put(stream, i);
  EXPECT_EQ(held.as_span<std::int64_t>()[0], 0);
  held.done();
  EXPECT_EQ(get(slow), 9);
  EXPECT_EQ(slow.missed(), 8U);
}

TEST_F(StreamTest, KeepTurnsABatchIntoAnArrayWithoutACopy) {
  auto stream = make({.rows = 4096, .depth = 2});
  auto other = store_.open_stream("s");
  put(stream, 100, 3);
  auto batch = other.take(kSoon);
  const auto origin = batch.array().origin();
  const auto used = daemon_.used_bytes();
  auto kept = batch.keep("kept/first");
  EXPECT_FALSE(batch);
  EXPECT_EQ(kept.shape(), Shape({3}));
  EXPECT_TRUE(array_equal(kept.read().array(), array({100, 101, 102}, int64)));
  EXPECT_EQ(kept.read().array().origin(), origin);
  EXPECT_GT(daemon_.used_bytes() + 1, used);
  for (std::int64_t i = 0; i < 6; ++i) {  // the fresh one in its place is used, too
    put(stream, i, 4);
    EXPECT_EQ(get(other), i);
  }
  EXPECT_EQ(kept.read().array().at<std::int64_t>(2), 102);
  {
    auto writer = kept.write();
    writer.as_span<std::int64_t>()[0] = 1;
  }
  kept.append(array({4}, int64));
  EXPECT_EQ(kept.shape(), Shape({4}));
}

TEST_F(StreamTest, StructuredRowsAndRowShapes) {
  auto records = make({.rows = 10, .depth = 2}, DType::parse("[('id', '<i4'), ('price', '<f8')]"), "records");
  {
    auto loan = records.loan();
    fill(loan.array()["price"], 2.5);
    loan.publish(4);
  }
  auto batch = records.take(kSoon);
  EXPECT_EQ(sum(batch.array()["price"]).item<double>(), 10.0);
  batch.done();
  auto frames = make({.rows = 2, .depth = 2, .row_shape = {3, 5}}, float32, "frames");
  EXPECT_EQ(frames.loan().array().shape(), Shape({2, 3, 5}));
}

TEST_F(StreamTest, ArraysKeepTheirBatch) {
  auto stream = make({.rows = 1, .depth = 1});
  auto loan = stream.loan();
  Array writable = loan.array();
  expect_error(ErrorCode::Busy, {"1 arrays"}, [&] { loan.publish(1); });
  writable = {};
  loan.publish(1);
  auto batch = stream.take(kSoon);
  Array kept = batch.array();
  expect_error(ErrorCode::Busy, {"1 arrays"}, [&] { batch.done(); });
  batch = {};
  EXPECT_EQ(stream.info().taken, 1U);  // the array has it
  kept = {};
  EXPECT_EQ(stream.info().ready, 1U);
}

}  // namespace
}  // namespace ndshare::test
