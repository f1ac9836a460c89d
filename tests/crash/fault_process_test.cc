// Processes that fork, exec, stop or share a pid with the dead; a kernel without futex_waitv.
#include <csignal>
#include <cstddef>
#include <thread>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "lib/shm/format.h"
#include "lib/shm/segment.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kPatience = seconds(30);

Store connect(const DaemonProcess& daemon) { return Store::connect(daemon.store(), {.timeout = kPatience}); }

/// A child that does `body` and then stands until it is killed; `body` opens the gate.
class Child {
 public:
  explicit Child(const std::function<void(const Gate&)>& body)
      : pid_(fork_child([&] {
          body(gate_);
          while (true) ::pause();
          return 0;
        })) {
    gate_.wait();
  }
  ~Child() {
    ::kill(pid_, SIGCONT), ::kill(pid_, SIGKILL);
    wait_child(pid_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  const Gate& gate() const { return gate_; }

 private:
  Gate gate_;
  pid_t pid_;
};

class FaultProcessTest : public ::testing::Test {
 protected:
  FaultProcessTest() : store_(connect(daemon_)), array_(store_.create("a", int64, {256, 128})) {
    fill_pattern(array_.write().data(), array_.nbytes(), 1);
  }
  bool waits(pid_t pid) const {
    const auto claims = admin::Inspector(daemon_.store()).claims();
    return std::any_of(claims.begin(), claims.end(),
                       [&](const auto& claim) { return claim.waiting && claim.pid == static_cast<std::uint64_t>(pid); });
  }
  DaemonProcess daemon_;
  Store store_;
  SharedArray array_;
};

TEST_F(FaultProcessTest, AProgramThatIsRunTakesNothingAlong) {
  auto guard = array_.write({.rows = {0, 10}});
  const Array view = array_.view({.rows = {100, 110}});
  const auto claims = admin::Inspector(daemon_.store()).claims().size();
  const auto listed = run({"ls", "-l", "/proc/self/fd"});
  EXPECT_EQ(listed.status, 0);
  EXPECT_EQ(listed.out.find("ndshare"), std::string::npos) << listed.out;
  EXPECT_EQ(listed.out.find("/dev/shm"), std::string::npos) << listed.out;
  EXPECT_EQ(admin::Inspector(daemon_.store()).claims().size(), claims);
  EXPECT_EQ(store_.list().size(), 1U);
  fill_pattern(guard.data(), guard.nbytes(), 5);
  guard.release();
  EXPECT_TRUE(has_pattern(array_.read({.rows = {0, 10}}).data(), 10 * 1024, 5));
}

/// A child that connects itself is a client of its own; the end of either frees nothing of the other's.
TEST_F(FaultProcessTest, AForkedChildIsAClientOfItsOwn) {
  auto guard = array_.write({.rows = {0, 10}});
  std::optional<Child> child;
  child.emplace([&](const Gate& gate) {
    static Store mine = connect(daemon_);
    static auto own = mine.open("a").write({.rows = {20, 30}});
    gate.open();
  });
  EXPECT_EQ(admin::Inspector(daemon_.store()).clients().size(), 2U);
  WriteGuard tried;
  EXPECT_EQ(array_.try_write(tried, {.rows = {20, 21}}), ErrorCode::Timeout);
  EXPECT_EQ(array_.try_write(tried, {.rows = {30, 31}}), ErrorCode::Ok);
  tried.release();
  child.reset();  // killed
  EXPECT_TRUE(eventually([&] { return admin::Inspector(daemon_.store()).clients().size() == 1; }));
  EXPECT_EQ(array_.accept_torn({20, 30}, kPatience), 1U);
  EXPECT_EQ(admin::Inspector(daemon_.store()).claims().size(), 1U);
  guard.release();
}

/// A stopped process at the head of the queue holds nobody up, and goes on when it is continued.
TEST_F(FaultProcessTest, AStoppedWaiterIsPassedOver) {
  auto reading = array_.read();
  const Child waiter([&](const Gate& gate) {
    Store mine = connect(daemon_);
    gate.open();
    mine.open("a").write({.timeout = kPatience}).release();
    gate.open();
  });
  ASSERT_TRUE(eventually([&] { return waits(waiter.pid()); }));
  ::kill(waiter.pid(), SIGSTOP);
  reading.release();
  for (int i = 0; i < 20; ++i) {
    array_.read({.timeout = kPatience}).release();
    array_.write({.rows = {0, 1}, .timeout = kPatience}).release();
  }
  EXPECT_TRUE(waits(waiter.pid())) << "it did not even wait";
  ::kill(waiter.pid(), SIGCONT);
  waiter.gate().wait();
  EXPECT_TRUE(eventually([&] { return admin::Inspector(daemon_.store()).claims().empty(); }));
}

TEST_F(FaultProcessTest, AStoppedHolderIsNamed) {
  const Child holder([&](const Gate& gate) {
    static Store mine = connect(daemon_);
    static auto guard = mine.open("a").write();
    gate.open();
  });
  ::kill(holder.pid(), SIGSTOP);
  const auto tried = [&] { static_cast<void>(array_.read({.timeout = milliseconds(30)})); };
  ASSERT_TRUE(eventually([&] { return message_of(tried).find("stopped") != std::string::npos; })) << message_of(tried);
  EXPECT_NE(message_of(tried).find(std::to_string(holder.pid())), std::string::npos) << message_of(tried);
  EXPECT_EQ(code_of(tried), ErrorCode::Timeout);
  EXPECT_TRUE(array_.info().torn.empty()) << "the lock of a living process was broken";
}

/// A commit that nobody answered in time is not made later, when its claim is gone and others may have written there since,
/// although its client has another claim on the array by then.
TEST_F(FaultProcessTest, AChangeThatWasGivenUpDoesNotHappen) {
  Store hasty = Store::connect(daemon_.store(), {.timeout = seconds(1)});
  SharedArray a = hasty.open("a");
  std::optional<UpdateGuard> update = a.update({.rows = {0, 10}, .timeout = kPatience});
  fill_pattern(update->data(), update->nbytes(), 9);
  ::kill(daemon_.pid(), SIGSTOP);
  EXPECT_EQ(code_of([&] { update->commit(); }), ErrorCode::Timeout);
  update.reset();
  fill_pattern(array_.write({.rows = {0, 10}}).data(), 10 * 1024, 5);
  auto other = a.write({.rows = {200, 210}});
  ::kill(daemon_.pid(), SIGCONT);
  store_.ping();
  EXPECT_TRUE(eventually([&] { return code_of([&] { hasty.ping(); }) == ErrorCode::Ok; }));  // its requests are in order
  other.release();
  EXPECT_TRUE(has_pattern(array_.read({.rows = {0, 10}}).data(), 10 * 1024, 5)) << "what another client wrote is lost";
  EXPECT_TRUE(admin::Inspector(daemon_.store()).claims().empty());
}

/// A process that has the pid of a dead client, but not its start time, is not that client.
TEST_F(FaultProcessTest, AReusedPidIsNotTheClient) {
  const Child holder([&](const Gate& gate) {
    static Store mine = connect(daemon_);
    static auto guard = mine.open("a").write({.rows = {0, 10}});
    gate.open();
  });
  daemon_.end(SIGKILL);
  {
    using internal::Mapping;
    const auto paths = internal::segment_paths(::geteuid(), daemon_.store());
    const auto fd = internal::open_segment(paths.catalog, ::geteuid(), Mapping::Access::read_write);
    const Mapping catalog(fd.get(), 0, internal::file_bytes(fd.get()), Mapping::Access::read_write);
    const auto& header = *catalog.at<internal::CatalogHeader>(0);
    for (std::uint32_t i = 0; i < header.max_clients; ++i) {
      auto& slot = *catalog.at<internal::Slot>(header.slots_offset + i * sizeof(internal::Slot));
      if (slot.pid == static_cast<std::uint64_t>(holder.pid())) slot.start += 1;
    }
  }
  // Without a daemon the holder is seen to be dead already, by everybody.
  const auto tried = [&] { static_cast<void>(array_.read({.timeout = milliseconds(30)})); };
  EXPECT_NE(message_of(tried).find("dead"), std::string::npos) << message_of(tried);
  daemon_.start();
  EXPECT_TRUE(eventually([&] { return admin::Inspector(daemon_.store()).clients().size() == 1; }));
  EXPECT_EQ(array_.accept_torn({}, kPatience), 1U);
  EXPECT_EQ(::kill(holder.pid(), 0), 0) << "the daemon killed somebody who only has the pid";
}

/// From here on the call fails with ENOSYS, as on a kernel that does not have it.
bool forget_call(std::uint32_t number) {
  sock_filter program[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
                           {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number},
                           {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
                           {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  const sock_fprog all{std::size(program), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0;
}

TEST_F(FaultProcessTest, WithoutFutexWaitvChangesAreSeenAllTheSame) {
  constexpr std::uint32_t kFutexWaitv = 449;
  store_.create("b", int64, {16}).seal();
  const Gate ready;
  const pid_t child = fork_child([&] {
    if (!forget_call(kFutexWaitv)) return kNotAllowed;
    Store mine = connect(daemon_);
    const SharedArray a = mine.open("a"), b = mine.open("b");
    const std::vector<Watch> watches = {{b, b.revision()}, {a, a.revision()}};
    CHILD_CHECK(code_of([&] { mine.wait_for_change(watches, milliseconds(20)); }) == ErrorCode::Timeout);
    ready.open();
    CHILD_CHECK(mine.wait_for_change(watches, kPatience) == 1);
    return 0;
  });
  std::thread writer([&] {
    ready.wait();
    array_.write({.rows = {0, 1}}).release();
  });
  const auto status = wait_child(child);
  if (status != std::optional<int>(0)) ready.open();
  writer.join();
  if (status == kNotAllowed) GTEST_SKIP() << "this machine does not allow seccomp filters";
  EXPECT_EQ(status, std::optional<int>(0));
}

}  // namespace
}  // namespace ndshare::test
