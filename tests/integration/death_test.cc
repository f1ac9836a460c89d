// What the death of a client or of the daemon leaves to the others: torn rows and their repair, nothing of an update, answers
// instead of waits.
#include <csignal>
#include <thread>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A child that connects, does `body` with its store, says so, and waits to be killed.
class Holder {
 public:
  Holder(const TestStore& daemon, const std::function<void(Store&)>& body) {
    pid_ = fork_child([&] {
      Store store = daemon.connect();
      body(store);
      ready_.open();
      while (true) ::pause();
      return 0;
    });
    ready_.wait();
  }
  ~Holder() { kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_child(pid_);
    pid_ = -1;
  }

 private:
  Gate ready_;
  pid_t pid_ = -1;
};

class DeathTest : public ::testing::Test {
 protected:
  DeathTest() : store_(daemon_.connect()) {
    array_ = store_.create("a", int64, {1000, 128});
    array_.write().release();
  }
  void kill_daemon() {
    const auto pid = static_cast<pid_t>(daemon_.status().pid);
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return code_of([&] { Store::connect(daemon_.name()); }) == ErrorCode::NoSuchStore; }));
  }
  void start_daemon() { admin::start({.store = daemon_.name(), .timeout = seconds(30)}); }
  bool alone() {
    return eventually([&] { return daemon_.status().clients.size() == 1; });
  }

  TestStore daemon_;
  Store store_;
  SharedArray array_;
};

TEST_F(DeathTest, AKilledWritersRowsAreTornUntilSomebodyMendsThem) {
  Holder writer(daemon_, [](Store& store) {
    auto* guard = new WriteGuard(store.open("a").write({.rows = {10, 20}}));
    guard->as_span<std::int64_t>()[0] = 1;
  });
  std::thread waiting([&] {  // has its answer when the holder is swept
    EXPECT_EQ(code_of([&] { static_cast<void>(array_.read({.rows = {15, 16}, .timeout = seconds(30)})); }), ErrorCode::Torn);
  });
  ::usleep(20000);
  const auto pid = static_cast<std::uint64_t>(writer.pid());
  writer.kill();
  waiting.join();
  const auto refused = [&] { static_cast<void>(array_.view()); };
  EXPECT_EQ(code_of(refused), ErrorCode::Torn);
  EXPECT_NE(message_of(refused).find("rows 10 to 20"), std::string::npos) << message_of(refused);
  EXPECT_NE(message_of(refused).find(std::to_string(pid)), std::string::npos);
  EXPECT_EQ(code_of([&] { static_cast<void>(array_.write({.rows = {0, 11}})); }), ErrorCode::Torn);
  EXPECT_EQ(code_of([&] { static_cast<void>(array_.update({.rows = {19, 30}})); }), ErrorCode::Torn);
  EXPECT_EQ(code_of([&] { store_.snapshot("a", "s"); }), ErrorCode::Torn);
  static_cast<void>(array_.read({.rows = {0, 10}, .timeout = {}}));
  static_cast<void>(array_.write({.rows = {20, 1000}}));
  ASSERT_EQ(array_.info().torn.size(), 1U);
  EXPECT_EQ(array_.info().torn[0].rows, (Rows{10, 20}));
  EXPECT_EQ(array_.info().torn[0].pid, pid);
  {
    auto repair = array_.repair({.rows = {10, 15}});
    for (auto& value : repair.as_span<std::int64_t>()) value = 5;
    repair.release();
  }
  EXPECT_EQ(array_.info().torn[0].rows, (Rows{15, 20}));
  EXPECT_EQ(array_.read({.rows = {10, 15}, .timeout = {}}).as_span<std::int64_t>()[0], 5);
  EXPECT_EQ(array_.accept_torn(), 1U);
  EXPECT_EQ(array_.accept_torn(), 0U);
  static_cast<void>(array_.view());
}

TEST_F(DeathTest, RevertTakesTornRowsBack) {
  store_.snapshot("a", "good");
  Holder writer(daemon_, [](Store& store) {
    auto* guard = new WriteGuard(store.open("a").write());
    guard->as_span<std::int64_t>()[5] = 1;
  });
  writer.kill();
  ASSERT_TRUE(eventually([&] { return !array_.info().torn.empty(); }));
  array_.revert("good");
  EXPECT_TRUE(array_.info().torn.empty());
  EXPECT_EQ(array_.read().as_span<std::int64_t>()[5], 0);
}

TEST_F(DeathTest, AKilledUpdateIsNothing) {
  const auto used = daemon_.used_bytes();
  Holder updater(daemon_, [](Store& store) {
    auto* guard = new UpdateGuard(store.open("a").update());
    for (auto& value : guard->as_span<std::int64_t>()) value = 9;
  });
  EXPECT_GT(daemon_.used_bytes(), used);
  static_cast<void>(array_.read());  // meanwhile nobody waits
  updater.kill();
  ASSERT_TRUE(alone());
  EXPECT_TRUE(array_.info().torn.empty());
  EXPECT_EQ(array_.write().as_span<std::int64_t>()[0], 0);
  EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() == used; }));
}

TEST_F(DeathTest, AbandonedRowsAreTorn) {
  auto guard = array_.write({.rows = {0, 3}});
  guard.abandon();
  EXPECT_EQ(code_of([&] { static_cast<void>(array_.read()); }), ErrorCode::Torn);
  EXPECT_EQ(array_.accept_torn(), 1U);
  {
    auto kept = array_.write({.rows = {0, 3}, .lock_only = true});
    EXPECT_FALSE(kept.array().is_writable());
  }
  Holder locker(daemon_, [](Store& store) { new WriteGuard(store.open("a").write({.lock_only = true})); });
  locker.kill();
  ASSERT_TRUE(alone());
  EXPECT_TRUE(array_.info().torn.empty());
}

TEST_F(DeathTest, ReadersAndViewsOfTheDeadHoldNobodyUp) {
  Holder reader(daemon_, [](Store& store) {
    new ReadGuard(store.open("a").read());
    new Array(store.open("a").view());
  });
  EXPECT_EQ(code_of([&] { static_cast<void>(array_.write({.timeout = milliseconds(20)})); }), ErrorCode::Timeout);
  std::thread waiting([&] { array_.write({.timeout = seconds(30)}).release(); });
  reader.kill();
  waiting.join();
  const auto version = array_.version();
  array_.write().release();
  EXPECT_EQ(array_.version(), version) << "a view of the dead still made the writer copy";
}

TEST_F(DeathTest, AStoppedHolderIsNamedAndNeverRobbed) {
  Holder writer(daemon_, [](Store& store) { new WriteGuard(store.open("a").write()); });
  writer.signal(SIGSTOP);
  const auto refused = [&] { static_cast<void>(array_.read({.timeout = milliseconds(50)})); };
  ASSERT_TRUE(eventually([&] { return message_of(refused).find("which is stopped") != std::string::npos; })) << message_of(refused);
  EXPECT_EQ(code_of(refused), ErrorCode::Timeout);
  EXPECT_NE(message_of(refused).find(std::to_string(writer.pid())), std::string::npos);
  writer.signal(SIGCONT);
}

TEST_F(DeathTest, ClaimsWorkWhileTheDaemonIsDown) {
  kill_daemon();
  array_.write({.rows = {0, 10}}).as_span<std::int64_t>()[0] = 3;
  EXPECT_EQ(array_.read().as_span<std::int64_t>()[0], 3);
  const Array view = array_.view();
  std::thread other([&] {
    ReadGuard guard;
    EXPECT_EQ(array_.try_read(guard), ErrorCode::Ok);
  });
  other.join();
  // What needs memory waits for a daemon, and goes on when one comes.
  std::thread updating([&] {
    auto update = array_.update({.rows = {500, 501}});
    update.as_span<std::int64_t>()[0] = 8;
    update.commit();
  });
  ::usleep(100000);
  start_daemon();
  updating.join();
  EXPECT_EQ(array_.read().as_span<std::int64_t>()[500 * 128], 8);
  EXPECT_EQ(view.at<std::int64_t>(500, 0), 0);
}

TEST_F(DeathTest, WithTheDaemonDownTheTimeoutNamesTheDeadOwner) {
  Holder writer(daemon_, [](Store& store) { new WriteGuard(store.open("a").write({.rows = {0, 5}})); });
  kill_daemon();
  const auto pid = std::to_string(writer.pid());
  writer.kill();
  const auto refused = [&] { static_cast<void>(array_.read({.timeout = milliseconds(50)})); };
  EXPECT_EQ(code_of(refused), ErrorCode::Timeout);
  EXPECT_NE(message_of(refused).find("process " + pid), std::string::npos) << message_of(refused);
  EXPECT_NE(message_of(refused).find("which is dead"), std::string::npos) << message_of(refused);
  start_daemon();
  EXPECT_EQ(code_of(refused), ErrorCode::Torn);
}

TEST_F(DeathTest, EverythingIsThereAfterARestart) {
  store_.snapshot("a", "before", {.attrs = {{"why", "test"}}});
  array_.append(full({5, 128}, 4, int64));
  array_.write({.rows = {0, 1}}).as_span<std::int64_t>()[0] = 11;
  const Array view = array_.view();
  auto update = array_.update({.rows = {100, 200}});
  for (auto& value : update.as_span<std::int64_t>()) value = 6;
  auto guard = array_.write({.rows = {700, 710}});
  guard.as_span<std::int64_t>()[0] = 12;
  array_.write({.rows = {900, 901}}).abandon();
  for (int i = 0; i < 3; ++i) {
    kill_daemon();
    start_daemon();
  }
  EXPECT_EQ(store_.open("before").info().attrs.at("why"), "test");
  EXPECT_TRUE(store_.open("before").info().snapshot);
  EXPECT_EQ(store_.open("before").view().at<std::int64_t>(0, 0), 0);
  EXPECT_EQ(array_.shape(), (Shape{1005, 128}));
  ASSERT_EQ(array_.info().torn.size(), 1U);
  EXPECT_EQ(array_.info().torn[0].rows, (Rows{900, 901}));
  EXPECT_EQ(view.at<std::int64_t>(0, 0), 11);
  ReadGuard none;
  std::thread([&] { EXPECT_EQ(array_.try_read(none, {.rows = {700, 701}, .timeout = {}}), ErrorCode::Timeout) << "the claim is gone"; }).join();
  guard.release();
  update.commit();
  EXPECT_EQ(array_.read({.rows = {100, 101}, .timeout = {}}).as_span<std::int64_t>()[0], 6);
  EXPECT_EQ(array_.read({.rows = {700, 701}, .timeout = {}}).as_span<std::int64_t>()[0], 12);
  EXPECT_EQ(view.at<std::int64_t>(100, 0), 0);
}

TEST_F(DeathTest, AForkedChildActsOnNothingOfItsParents) {
  const Array view = array_.view();
  auto guard = array_.write({.rows = {0, 10}});
  auto update = array_.update({.rows = {500, 510}});
  const pid_t child = fork_child([&] {
    CHILD_CHECK(code_of([&] { static_cast<void>(array_.read()); }) == ErrorCode::Forked);
    CHILD_CHECK(code_of([&] { static_cast<void>(array_.write()); }) == ErrorCode::Forked);
    CHILD_CHECK(code_of([&] { static_cast<void>(guard.array()); }) == ErrorCode::Forked);
    CHILD_CHECK(code_of([&] { update.commit(); }) == ErrorCode::Forked);
    CHILD_CHECK(code_of([&] { array_.append(zeros({1, 128}, int64)); }) == ErrorCode::Forked);
    Store mine = daemon_.connect();
    CHILD_CHECK(code_of([&] { static_cast<void>(mine.open("a").read({.timeout = milliseconds(20)})); }) == ErrorCode::Timeout);
    mine.close();
    CHILD_CHECK(code_of([&] { guard.release(); }) == ErrorCode::Forked);
    CHILD_CHECK(code_of([&] { update.release(); }) == ErrorCode::Forked);
    std::exit(0);  // destructors of everything that was inherited
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
  EXPECT_EQ(daemon_.status().clients.size(), 1U);
  guard.as_span<std::int64_t>()[0] = 2;
  guard.release();
  update.commit();
  EXPECT_EQ(array_.read().as_span<std::int64_t>()[0], 2);
  EXPECT_EQ(view.at<std::int64_t>(0, 0), 0);
}

TEST_F(DeathTest, CloseFromInAClientIsSurvived) {
  const pid_t child = fork_child([&] {
    Store mine = daemon_.connect();
    SharedArray a = mine.open("a");
    ::close_range(3, ~0U, 0);
    // Their numbers become other files, which must stay as they are.
    const int other = ::memfd_create("other", 0);
    for (int i = 0; i < 20; ++i) ::dup(other);
    CHILD_CHECK(a.read().as_span<std::int64_t>()[0] == 0);
    auto update = a.update({.rows = {0, 1}});
    update.as_span<std::int64_t>()[0] = 4;
    update.commit();
    mine.create("b", int8, {10}).seal();
    CHILD_CHECK(::lseek(other, 0, SEEK_END) == 0);
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
  EXPECT_EQ(array_.read().as_span<std::int64_t>()[0], 4);
}

TEST_F(DeathTest, AStrayWriteFaultsWithGuardPages) {
  const pid_t child = fork_child([&] {
    ::setenv("NDSHARE_GUARD_PAGES", "1", 1);
    Store mine = daemon_.connect();
    SharedArray a = mine.open("a");
    std::byte* stray = nullptr;
    {
      auto guard = a.write({.rows = {0, 64}});
      stray = guard.data();
      stray[0] = std::byte{1};
      auto second = a.write({.rows = {64, 128}});
      second.data()[0] = std::byte{2};
    }
    auto update = a.update({.rows = {0, 64}});
    update.data()[1] = std::byte{3};
    update.commit();
    a.write({.rows = {0, 64}}).data()[2] = std::byte{4};
    CHILD_CHECK(a.read().data()[2] == std::byte{4});
    ::rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    *static_cast<volatile std::byte*>(stray) = std::byte{9};
    return 0;
  });
  const auto status = wait_child(child);
  // A sanitizer reports the fault and leaves with a status of its own: 1 (address), 66 (thread).
  EXPECT_TRUE(status == 128 + SIGSEGV || status == 1 || status == 66) << (status ? *status : -1);
  EXPECT_TRUE(eventually([&] { return daemon_.status().clients.size() == 1; }));
}

TEST_F(DeathTest, AnArrayInManyPiecesIsMovedHome) {
  const pid_t child = fork_child([&] {
    ::setenv("NDSHARE_MAP_BUDGET", "12", 1);
    Store mine = daemon_.connect();
    SharedArray a = mine.open("a");  // 16 grains of 64 rows
    for (int i = 0; i < 8; ++i) {
      auto update = a.update({.rows = {i * 128, i * 128 + 1}});
      update.as_span<std::int64_t>()[0] = i + 1;
      update.commit();
    }
    CHILD_CHECK(a.info().extents > 12);
    const auto guard = a.read();
    CHILD_CHECK(a.info().extents < 4);
    for (int i = 0; i < 8; ++i) CHILD_CHECK(guard.as_span<std::int64_t>()[static_cast<std::size_t>(i) * 128 * 128] == i + 1);
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
}

TEST_F(DeathTest, ParallelFillByProcesses) {
  constexpr int kProcesses = 4, kRounds = 25;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    children.push_back(fork_child([&, p] {
      Store mine = daemon_.connect();
      SharedArray a = mine.open("a");
      for (int round = 0; round < kRounds; ++round) {
        auto guard = a.write({.rows = {p * 250, (p + 1) * 250}});
        for (auto& value : guard.as_span<std::int64_t>()) value += p + 1;
      }
      return 0;
    }));
  }
  for (const auto child : children) EXPECT_EQ(wait_child(child), std::optional<int>(0));
  const auto guard = array_.read();
  const auto values = guard.as_span<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(values[i], static_cast<std::int64_t>(i / 128 / 250 + 1) * kRounds) << i;
  }
}

}  // namespace
}  // namespace ndshare::test
