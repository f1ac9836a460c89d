// Many clients at random work, killed, stopped and continued at random, over a daemon that is killed and started again: what
// was finished stays, what was not is marked or gone, views and snapshots never change, and at the end nothing is left over.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>

#include <gtest/gtest.h>
#include <ndshare/admin.h>

#include "tests/crash/kill_plan.h"
#include "tests/crash/store_words.h"
#include "tests/crash/torture_client.h"
#include "tests/integration/daemon_process.h"
#include "tests/support/test_store.h"

namespace ndshare::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kElder = 1;       ///< the client that nobody kills
constexpr std::size_t kClients = 5;
constexpr std::uint64_t kKeptFiles = 3;  ///< a client keeps the descriptors of its last greeting; a daemon those of who came back
constexpr std::uint64_t kMapTolerance = 24;  ///< maps that a warm client may still add: cached versions, the allocator's arenas

std::chrono::seconds length() { return std::chrono::seconds(long_run() ? 600 : 8); }

std::size_t open_files(pid_t pid) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) ++count;
  return count;
}

class TortureTest : public ::testing::Test {
 protected:
  TortureTest() : keeper_(Store::connect(daemon_.store(), {.timeout = std::chrono::seconds(30)})), words_(daemon_.store()) {
    TortureClient::prepare(keeper_, *board_);
    files_ = open_files(daemon_.pid());
  }
  ~TortureTest() override {
    for (const auto& [id, pid] : clients_) ::kill(pid, SIGKILL), wait_child(pid);
  }

  void start_client(std::int64_t id) {
    clients_[id] = fork_child([this, id] {
      TortureClient(daemon_.store(), *board_, id).run(id == kElder);
      return 0;
    });
  }
  void kill_client(std::int64_t id) {
    ::kill(clients_.at(id), SIGKILL);
    const auto status = wait_child(clients_.at(id));
    EXPECT_EQ(status, std::optional<int>(128 + SIGKILL)) << "client " << id << " had ended by itself";
    clients_.erase(id);
    ++kills_;
    remove_left(hand_of(*board_, id));
  }
  /// What a killed client had in hand. Again at the next kill: its last request may be carried out after it died.
  void remove_left(InHand& hand) {
    std::vector<std::string> names;
    for (auto* note : {&hand.making, &hand.removing}) {
      if (const auto left = note->exchange(0); left != 0) names.push_back(note_name(left));
    }
    left_.insert(left_.end(), names.begin(), names.end());
    for (const auto& name : left_) {
      try {
        keeper_.remove(name);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NoSuchArray) << error.message();
      }
    }
    left_ = std::move(names);
  }
  std::int64_t pick_client() {
    auto at = clients_.begin();
    std::advance(at, static_cast<std::int64_t>(random_() % clients_.size()));
    return at->first;
  }
  void one_blow();
  void stop_all();
  void check_log();
  void check_rows();
  void check_nothing_left();

  DaemonProcess daemon_{{.words = {"--max-clients", "32", "--max-arrays", "64", "--log-level", "error"}}};
  SharedBoard board_;
  Store keeper_;
  StoreWords words_;
  std::map<std::int64_t, pid_t> clients_;
  std::vector<std::string> left_;  ///< snapshots of the client killed last
  std::mt19937_64 random_{crash_seed()};
  std::int64_t next_id_ = kElder;
  std::size_t files_ = 0;
  int kills_ = 0, stops_ = 0, restarts_ = 0;
};

/// Something happens to somebody.
void TortureTest::one_blow() {
  const auto what = random_() % 10;
  const auto id = pick_client();
  if (what < 5 && id != kElder) {
    kill_client(id);
    start_client(next_id_++);
  } else if (what < 8) {
    const auto pid = clients_.at(id);
    ::kill(pid, SIGSTOP);
    ::usleep(static_cast<useconds_t>(random_() % 60'000));
    ::kill(pid, SIGCONT);
    ++stops_;
  } else if (what < 9) {
    daemon_.end(SIGKILL);
    ::usleep(static_cast<useconds_t>(random_() % 30'000));
    daemon_.start();
    if (daemon_.line() != "ready") {
      ADD_FAILURE() << "the daemon said '" << daemon_.line() << "' and ended with " << daemon_.end(0).value_or(-1);
      daemon_.start();
    }
    ++restarts_;
  } else if (id != kElder) {  // one that is stopped is killed: its claims are found by its pid only
    ::kill(clients_.at(id), SIGSTOP);
    kill_client(id);
    start_client(next_id_++);
  }
  ::usleep(static_cast<useconds_t>(random_() % 20'000));
}

void TortureTest::stop_all() {
  board_->stop = true;
  for (const auto& [id, pid] : clients_) EXPECT_EQ(wait_child(pid), std::optional<int>(0)) << "client " << id;
  clients_.clear();
}

/// Every finished append is there once, every other at most once.
void TortureTest::check_log() {
  std::map<std::int64_t, int> found;
  const auto guard = keeper_.open("log").read();
  const auto words = guard.as_span<std::int64_t>();
  for (std::size_t at = 0; at < words.size(); at += static_cast<std::size_t>(kRowWords8)) {
    const auto sequence = sequence_of(words.subspan(at, static_cast<std::size_t>(kRowWords8)), 0);
    EXPECT_GE(sequence, 0) << "row " << at / static_cast<std::size_t>(kRowWords8) << " of the log is not whole";
    EXPECT_EQ(++found[sequence], 1) << "appended twice";
  }
  std::size_t started = 0;
  for (std::size_t ticket = 0; ticket < kMaxAppends; ++ticket) {
    if (board_->started[ticket] != 0) started += found.count(board_->started[ticket]);
    if (board_->appended[ticket] == 0) continue;
    EXPECT_EQ(found.count(board_->appended[ticket]), 1U) << "a finished append is lost";
  }
  EXPECT_EQ(started, found.size()) << "rows that nobody appended";
}

void TortureTest::check_rows() {
  TortureClient last(daemon_.store(), *board_, next_id_++);
  const char* const names[] = {"a", "b"};
  for (std::size_t at = 0; at < kTortureArrays; ++at) {
    SharedArray array = keeper_.open(names[at]);
    std::vector<bool> torn(kTortureRows);
    for (const auto& one : array.info().torn) std::fill(torn.begin() + one.rows.first, torn.begin() + one.rows.last, true);
    array.accept_torn();
    const auto guard = array.read();
    for (std::int64_t row = 0; row < kTortureRows; ++row) {
      if (torn[static_cast<std::size_t>(row)]) continue;
      const auto words = guard.as_span<std::int64_t>().subspan(static_cast<std::size_t>(row * kRowWords8), static_cast<std::size_t>(kRowWords8));
      EXPECT_GE(sequence_of(words, row), board_->finished[at][static_cast<std::size_t>(row)].load()) << names[at] << " row " << row;
    }
  }
}

void TortureTest::check_nothing_left() {
  EXPECT_TRUE(eventually([&] { return words_.slots_in_use() == 1; })) << words_.slots_in_use() << " slots in use";
  EXPECT_TRUE(admin::Inspector(daemon_.store()).claims().empty());
  EXPECT_TRUE(eventually([&] { return open_files(daemon_.pid()) <= files_ + kKeptFiles; })) << open_files(daemon_.pid()) << " descriptors of the daemon, not " << files_;
  EXPECT_LE(board_->elder_files[1].load(), board_->elder_files[0].load() + kKeptFiles) << "descriptors of a client that lived through it";
  EXPECT_LE(board_->elder_maps[1].load(), board_->elder_maps[0].load() + kMapTolerance) << "maps of a client that lived through it";
  // The two arrays and the log, the snapshots that are noted, and few that a kill and a removal missed each other over.
  EXPECT_LE(keeper_.list().size(), 3 + kMaxSnapshots + 8);
  for (const auto& info : keeper_.list()) keeper_.remove(info.name);
  EXPECT_TRUE(eventually([&] { return words_.used_bytes() == 0; })) << words_.used_bytes() << " bytes leaked";
}

TEST_F(TortureTest, WhatIsFinishedStaysAndNothingIsLeft) {
  for (std::size_t i = 0; i < kClients; ++i) start_client(next_id_++);
  const auto end = Clock::now() + length();
  while (Clock::now() < end && !HasFailure()) one_blow();
  stop_all();
  const auto& b = *board_;
  std::printf("%d kills, %d stops, %d restarts; %lu reads, %lu views, %lu writes, %lu updates, %lu appends, %lu snapshots, %lu repairs\n",
              kills_, stops_, restarts_, b.reads.load(), b.views.load(), b.writes.load(), b.updates.load(), b.appends.load(), b.snaps.load(),
              b.repairs.load());
  std::printf("%lu timeouts, %lu times without an answer, longest call %.3f s; maps of the elder %lu then %lu\n", b.timeouts.load(),
              b.away.load(), static_cast<double>(b.longest_ns.load()) / 1e9, b.elder_maps[0].load(), b.elder_maps[1].load());
  EXPECT_LT(b.longest_ns.load(), 60'000'000'000) << "a call outlasted its deadline of 10 s by far";
  check_rows();
  check_log();
  check_nothing_left();
}

}  // namespace
}  // namespace ndshare::test
