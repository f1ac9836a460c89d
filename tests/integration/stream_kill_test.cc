// Streams whose producers and consumers are killed at random: no batch that was published is lost, none is delivered
// again after done(), and no place in the ring leaks. A few seconds each; NDSHARE_LONG=1: 60.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include <sys/mman.h>

#include <gtest/gtest.h>
#include <ndshare/stream.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

/// What every process writes down of every batch, outside of the store.
struct Board {
  static constexpr std::uint64_t kIds = 1U << 27;  // more than a minute takes; only what is used takes memory
  std::atomic<std::uint64_t> next, violations, deliveries;
  std::atomic<bool> stop;
  std::atomic<std::uint8_t> published[kIds];  ///< publish() returned
  std::atomic<std::uint8_t> finishing[kIds];  ///< a consumer was about to say done()
  std::atomic<std::uint8_t> done[kIds];       ///< done() returned
};

class SharedBoard {
 public:
  SharedBoard() {
    void* memory =
        ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap failed");
    board_ = static_cast<Board*>(memory);
  }
  ~SharedBoard() { ::munmap(board_, sizeof(Board)); }
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  Board* operator->() const { return board_; }

 private:
  Board* board_;
};

seconds run_time() { return seconds(std::getenv("NDSHARE_LONG") != nullptr ? 60 : 3); }

void note(const SharedBoard& board, Batch& batch) {
  const auto id = static_cast<std::size_t>(batch.as_span<std::int64_t>()[0]);
  ++board->deliveries;
  if (id >= Board::kIds || board->done[id].load() != 0) return void(++board->violations);
  board->finishing[id].store(1);
  batch.done();
  board->done[id].store(1);
}

int produce(const TestStore& daemon, const SharedBoard& board) {
  auto store = daemon.connect();
  auto stream = store.open_stream("s");
  while (!board->stop) {
    Loan loan;
    if (stream.try_loan(loan, {.timeout = milliseconds(50)}) != ErrorCode::Ok) continue;
    const auto id = board->next.fetch_add(1);
    if (id >= Board::kIds) return 0;
    loan.as_span<std::int64_t>()[0] = static_cast<std::int64_t>(id);
    loan.publish();
    board->published[id].store(1);
    if (id % 64 == 0) ::usleep(200);
  }
  return 0;
}

int consume(const TestStore& daemon, const SharedBoard& board) {
  auto store = daemon.connect();
  auto stream = store.open_stream("s");
  while (!board->stop) {
    Batch batch;
    if (stream.try_take(batch, {.timeout = milliseconds(50)}) == ErrorCode::Ok) note(board, batch);
  }
  return 0;
}

/// Two of each; every 10 ms one is killed and another takes its place.
std::uint64_t kill_some(const TestStore& daemon, const SharedBoard& board, const std::function<int()>& consumer) {
  std::array<pid_t, 4> children{};
  const auto start = [&](std::size_t i) {
    children[i] = fork_child([&, i] { return i % 2 == 0 ? produce(daemon, board) : consumer(); });
  };
  for (std::size_t i = 0; i < children.size(); ++i) start(i);
  std::mt19937 random(20'261'126);
  std::uint64_t kills = 0;
  for (const auto end = Clock::now() + run_time(); Clock::now() < end; ++kills) {
    std::this_thread::sleep_for(milliseconds(10));
    const auto victim = random() % children.size();
    ::kill(children[victim], SIGKILL);
    EXPECT_EQ(wait_child(children[victim]), 128 + SIGKILL);
    start(victim);
  }
  board->stop = true;
  for (const auto pid : children) EXPECT_EQ(wait_child(pid), 0);
  return kills;
}

TEST(StreamKillTest, NoBatchIsLostAndNoneComesBackAfterDone) {
  const TestStore daemon;
  auto store = daemon.connect();
  auto stream = store.create_stream("s", int64, {.rows = 1, .depth = 16, .max_deliveries = 0});
  const SharedBoard board;
  const auto kills = kill_some(daemon, board, [&] { return consume(daemon, board); });
  stream.close();
  try {
    while (true) {
      auto batch = stream.take({.timeout = seconds(30)});
      note(board, batch);
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::EndOfStream) << error.what();
  }
  const auto all = std::min<std::uint64_t>(board->next.load(), Board::kIds);
  std::uint64_t published = 0, lost = 0;
  for (std::uint64_t id = 0; id < all; ++id) {
    published += board->published[id];
    lost += board->published[id] != 0 && board->finishing[id] == 0;
  }
  std::printf("%llu kills, %llu batches published, %llu deliveries\n", static_cast<unsigned long long>(kills),
              static_cast<unsigned long long>(published), static_cast<unsigned long long>(board->deliveries.load()));
  EXPECT_GT(published, 0U);
  EXPECT_EQ(lost, 0U);
  EXPECT_EQ(board->violations.load(), 0U);
  EXPECT_EQ(stream.info().free, 16U);
}

/// Joins, and notes what it sees until the stream has ended.
int witness(const TestStore& daemon, const SharedBoard& board, const Gate& joined) {
  auto store = daemon.connect();
  auto stream = store.open_stream("s");
  stream.join();
  joined.open();
  try {
    while (true) {
      auto batch = stream.take({.timeout = seconds(60)});
      const auto id = static_cast<std::size_t>(batch.as_span<std::int64_t>()[0]);
      if (board->done[id].exchange(1) != 0) ++board->violations;
      batch.done();
    }
  } catch (const Error& error) {
    return error.code() == ErrorCode::EndOfStream ? 0 : 1;
  }
}

/// A consumer whose view nobody checks.
int bystander(const TestStore& daemon, const SharedBoard& board) {
  auto store = daemon.connect();
  auto stream = store.open_stream("s");
  Batch batch;
  while (!board->stop) {
    if (stream.try_take(batch, {.timeout = milliseconds(50)}) == ErrorCode::Ok) batch.done();
  }
  return 0;
}

TEST(StreamKillTest, AConsumerOfABroadcastMissesNothingWhileOthersAreKilled) {
  const TestStore daemon;
  auto store = daemon.connect();
  auto stream = store.create_stream("s", int64, {.rows = 1, .depth = 16, .mode = StreamMode::broadcast});
  { const auto mine = stream.loan(); }  // a producer that is not killed: two dead at once are not the stream's end
  const SharedBoard board;
  const Gate joined;
  const auto watcher = fork_child([&] { return witness(daemon, board, joined); });
  joined.wait();
  kill_some(daemon, board, [&] { return bystander(daemon, board); });
  stream.close();
  EXPECT_EQ(wait_child(watcher, seconds(120)), 0);
  std::uint64_t published = 0, lost = 0;
  for (std::uint64_t id = 0; id < std::min<std::uint64_t>(board->next.load(), Board::kIds); ++id) {
    published += board->published[id];
    lost += board->published[id] != 0 && board->done[id] == 0;
  }
  EXPECT_GT(published, 0U);
  EXPECT_EQ(lost, 0U);
  EXPECT_EQ(board->violations.load(), 0U);
  EXPECT_TRUE(eventually([&] { return stream.info().free == 16; }));
}

}  // namespace
}  // namespace ndshare::test
