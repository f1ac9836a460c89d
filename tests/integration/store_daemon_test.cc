// The store's beginning and end: private daemons, races between starters, a daemon that dies, stores read without one.
#include <csignal>
#include <thread>

#include <sys/wait.h>

#include <gtest/gtest.h>

#include "lib/shm/segment.h"
#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

/// Names under /dev/shm that belong to a store.
std::size_t files_of(const std::string& store) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    if (entry.path().filename().string().find("-" + store + ".") != std::string::npos) ++count;
  }
  return count;
}

void use_own_daemon() { ::setenv("NDSHARE_DAEMON", program("ndshared").c_str(), 1); }

void kill_daemon(const std::string& store) {
  const auto pid = static_cast<pid_t>(admin::status(store).pid);
  ASSERT_GT(pid, 1);
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(eventually([&] { return code_of([&] { Store::connect(store); }) == ErrorCode::NoSuchStore; }));
}

TEST(StoreDaemonTest, NoStoreSaysHowToStartOne) {
  const auto name = unique_store_name("none");
  EXPECT_EQ(code_of([&] { Store::connect(name); }), ErrorCode::NoSuchStore);
  EXPECT_NE(message_of([&] { Store::connect(name); }).find("ndshare start --store " + name), std::string::npos);
  EXPECT_EQ(code_of([&] { admin::status(name); }), ErrorCode::NoSuchStore);
  EXPECT_EQ(code_of([&] { admin::stop(name, true, false); }), ErrorCode::NoSuchStore);
  EXPECT_EQ(code_of([&] { admin::Inspector{name}; }), ErrorCode::NoSuchStore);
  EXPECT_EQ(code_of([] { Store::connect("a b"); }), ErrorCode::Name);
}

TEST(StoreDaemonTest, OpenOrStartMakesAPrivateStoreThatEndsWithItsClients) {
  use_own_daemon();
  const auto name = unique_store_name("private");
  {
    Store store = Store::open_or_start(name, {.capacity_bytes = 16 << 20, .connect = {.timeout = std::chrono::seconds(30)}});
    make_patterned(store, "a", 1000, 1);
    EXPECT_TRUE(admin::status(name).ephemeral);
    Store second = Store::open_or_start(name);
    EXPECT_TRUE(is_patterned(second.open("a"), 1));
  }
  EXPECT_TRUE(eventually([&] { return files_of(name) == 0; }));
}

TEST(StoreDaemonTest, RacingStartersShareOneDaemon) {
  use_own_daemon();
  const auto name = unique_store_name("race");
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    children.push_back(fork_child([&, i] {
      Store store = Store::open_or_start(name, {.capacity_bytes = 16 << 20, .connect = {.timeout = std::chrono::seconds(30)}});
      store.create("from" + std::to_string(i), int8, {1}).seal();
      for (int j = 0; j < 6; ++j) store.wait_for("from" + std::to_string(j));
      return 0;
    }));
  }
  for (const auto child : children) EXPECT_EQ(wait_child(child), std::optional<int>(0));
  EXPECT_TRUE(eventually([&] { return files_of(name) == 0; }));
}

TEST(StoreDaemonTest, StartRefusesASecondDaemonAndBadOptions) {
  const TestStore daemon;
  const auto again = [&] { admin::start({.store = daemon.name()}); };
  EXPECT_EQ(code_of(again), ErrorCode::StoreExists) << message_of(again);
  const auto name = unique_store_name("bad");
  const auto bad = [&] { admin::start({.store = name, .log_level = "loud"}); };
  EXPECT_EQ(code_of(bad), ErrorCode::Usage);
  EXPECT_NE(message_of(bad).find("loud"), std::string::npos) << message_of(bad);
  EXPECT_EQ(files_of(name), 0U);
}

TEST(StoreDaemonTest, StopRefusesWhileInUse) {
  const TestStore daemon;
  {
    Store store = daemon.connect();
    EXPECT_EQ(code_of([&] { admin::stop(daemon.name(), false, false); }), ErrorCode::Busy);
    make_patterned(store, "a", 10, 1);
  }
  EXPECT_TRUE(eventually([&] { return daemon.status().clients.empty(); }));
  EXPECT_EQ(code_of([&] { admin::stop(daemon.name(), false, false); }), ErrorCode::Busy);
  EXPECT_NE(files_of(daemon.name()), 0U);
  admin::stop(daemon.name(), true, false);
  EXPECT_EQ(files_of(daemon.name()), 0U);
}

TEST(StoreDaemonTest, ADeadDaemonsStoreIsReadAndAdopted) {
  const TestStore daemon;
  Store store = daemon.connect();
  make_patterned(store, "a", 100000, 1);
  SharedArray half = store.create("half", int8, {10});
  const Array view = store.open("a").view();
  kill_daemon(daemon.name());
  // The client reads on; what needs the daemon says so.
  EXPECT_TRUE(is_patterned(store.open("a"), 1));
  EXPECT_EQ(code_of([&] { store.create("b", int8, {1}); }), ErrorCode::Disconnected);
  EXPECT_NE(message_of([&] { Store::connect(daemon.name()); }).find("adopts"), std::string::npos);
  // The owner reads without it.
  const admin::Inspector inspector(daemon.name());
  EXPECT_EQ(inspector.list().size(), 1U);
  EXPECT_TRUE(has_pattern(inspector.copy("a").data(), 100000, 1));
  EXPECT_EQ(code_of([&] { static_cast<void>(inspector.info("half")); }), ErrorCode::NoSuchArray);
  EXPECT_EQ(admin::status(daemon.name()).pid, 0U);
  EXPECT_EQ(admin::status(daemon.name()).clients.size(), 1U);
  // A new daemon takes everything over, and the client finds back to it.
  const auto status = admin::start({.store = daemon.name(), .timeout = std::chrono::seconds(30)});
  EXPECT_TRUE(status.adopted);
  EXPECT_EQ(status.pool.capacity_bytes, 64ULL << 20);
  store.create("b", int8, {1}).seal();
  half.seal();
  EXPECT_TRUE(has_pattern(view.data(), 100000, 1));
  EXPECT_EQ(daemon.connect().list().size(), 3U);
}

TEST(StoreDaemonTest, AStoppedDaemonIsATimeout) {
  const TestStore daemon;
  Store store = Store::connect(daemon.name(), {.timeout = std::chrono::milliseconds(50)});
  const auto pid = static_cast<pid_t>(daemon.status().pid);
  ::kill(pid, SIGSTOP);
  EXPECT_EQ(code_of([&] { store.ping(); }), ErrorCode::Timeout);
  EXPECT_EQ(code_of([&] { store.create("a", int8, {1}); }), ErrorCode::Timeout);
  EXPECT_EQ(code_of([&] { Store::connect(daemon.name(), {.timeout = std::chrono::milliseconds(50)}); }), ErrorCode::Timeout);
  ::kill(pid, SIGCONT);
  EXPECT_TRUE(eventually([&] { return code_of([&] { store.ping(); }) == ErrorCode::Ok; })) << "late replies are passed over";
}

TEST(StoreDaemonTest, OrphansOfPrivateStoresAreRemoved) {
  use_own_daemon();
  const auto name = "run-" + unique_store_name("orphan");
  const pid_t child = fork_child([&] {
    const Store store = Store::open_or_start(name, {.capacity_bytes = 16 << 20, .connect = {.timeout = std::chrono::seconds(30)}});
    ::kill(static_cast<pid_t>(store.daemon_pid()), SIGKILL);
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(128 + SIGKILL));
  const TestStore living;
  EXPECT_TRUE(eventually([&] { return admin::remove_orphans(), files_of(name) == 0; }));
  EXPECT_NE(files_of(living.name()), 0U);
}

TEST(StoreDaemonTest, TrimGivesWarmMemoryBack) {
  const TestStore daemon;
  Store store = daemon.connect();
  make_patterned(store, "a", 16 << 20, 1);
  store.remove("a");
  EXPECT_TRUE(eventually([&] { return daemon.status().pool.warm_bytes >= (16U << 20) || admin::trim(daemon.name()) > 0; }));
  admin::trim(daemon.name());
  EXPECT_LT(daemon.status().pool.warm_bytes, 1U << 20);
  EXPECT_TRUE(is_patterned(make_patterned(store, "b", 16 << 20, 2), 2));
}

TEST(StoreDaemonTest, TheDescriptorLimitIsAnErrorOfItsOwn) {
  const TestStore daemon;
  const pid_t child = fork_child([&] {
    std::vector<int> taken;
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) taken.push_back(fd);
    CHILD_CHECK(code_of([&] { daemon.connect(); }) == ErrorCode::TooManyDescriptors);
    ::close(taken.back()), taken.pop_back();
    CHILD_CHECK(code_of([&] { daemon.connect(); }) == ErrorCode::TooManyDescriptors);
    for (const int fd : taken) ::close(fd);
    daemon.connect().ping();
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
}

}  // namespace
}  // namespace ndshare::test
