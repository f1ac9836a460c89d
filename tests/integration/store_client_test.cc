// What a client does when things go wrong around it: arrays removed under it, connects that fail half-way, late answers, a
// private store's daemon that is killed.
#include <csignal>
#include <thread>

#include <sys/mman.h>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "lib/shm/format.h"
#include "lib/shm/segment.h"
#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A daemon that answers nobody while this lives.
class Stopped {
 public:
  explicit Stopped(const TestStore& daemon) : pid_(static_cast<pid_t>(daemon.status().pid)) { ::kill(pid_, SIGSTOP); }
  ~Stopped() { ::kill(pid_, SIGCONT); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  pid_t pid_;
};

TEST(StoreClientTest, ReadersThatRaceARemovalFindTheArrayOrNone) {
  const TestStore daemon;
  Store reader = daemon.connect();
  const pid_t child = fork_child([&] {
    Store store = daemon.connect();
    for (std::uint64_t i = 0; i < 3000; ++i) {
      make_patterned(store, "a", 64, 1);
      store.remove("a");
    }
    store.create("end", int8, {1}).seal();
    return 0;
  });
  int seen = 0;
  while (!reader.contains("end")) {
    const auto look = [&] {
      const SharedArray array = reader.open("a");
      for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(has_pattern(array.view().data(), 64, 1));
        EXPECT_TRUE(has_pattern(array.read().data(), 64, 1));
      }
      ++seen;
    };
    const auto code = code_of(look);
    ASSERT_TRUE(code == ErrorCode::Ok || code == ErrorCode::NoSuchArray) << message_of(look);
  }
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
}

TEST(StoreClientTest, AConnectThatFailsGivesItsSlotBack) {
  const TestStore daemon;
  const pid_t child = fork_child([&] {
    rlimit before{};
    CHILD_CHECK(::getrlimit(RLIMIT_AS, &before) == 0);
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    statm >> pages;
    const rlimit little{pages * 4096 + (200ULL << 20), before.rlim_max};  // less than the catalog's map
    CHILD_CHECK(::setrlimit(RLIMIT_AS, &little) == 0);
    const auto connect = [&] { daemon.connect(); };
    CHILD_CHECK(code_of(connect) == ErrorCode::Memory);
    CHILD_CHECK(message_of(connect).find("RLIMIT_AS") != std::string::npos);
    CHILD_CHECK(::setrlimit(RLIMIT_AS, &before) == 0);
    CHILD_CHECK(daemon.status().clients.empty());
    std::vector<int> taken;
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) taken.push_back(fd);
    ::close(taken.back()), taken.pop_back();  // room for the socket, none for the segments
    CHILD_CHECK(code_of(connect) == ErrorCode::TooManyDescriptors);
    for (const int fd : taken) ::close(fd);
    CHILD_CHECK(daemon.status().clients.empty());
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
}

TEST(StoreClientTest, ACreateThatTimedOutLeavesNothing) {
  const TestStore daemon;
  Store store = daemon.connect();
  {
    const Stopped stopped(daemon);
    EXPECT_EQ(code_of([&] { store.create("a", int8, {1 << 20}, {.timeout = milliseconds(50)}); }), ErrorCode::Timeout);
    EXPECT_EQ(code_of([&] { store.create("a", int8, {1 << 20}, {.timeout = milliseconds(50)}); }), ErrorCode::Timeout);
  }
  store.ping();
  EXPECT_TRUE(store.list().empty());
  EXPECT_TRUE(eventually([&] { return daemon.used_bytes() == 0; }));
  make_patterned(store, "a", 1000, 1);
  EXPECT_TRUE(is_patterned(store.open("a"), 1));
}

TEST(StoreClientTest, ACreateThatTimedOutCanBeAskedForAgain) {
  const TestStore daemon;
  Store store = daemon.connect();
  const std::array<CreateItem, 2> items = {CreateItem{"a", int8, {10}}, CreateItem{"b", int8, {20}}};
  {
    const Stopped stopped(daemon);
    EXPECT_EQ(code_of([&] { store.create_many(items, {.timeout = milliseconds(50)}); }), ErrorCode::Timeout);
  }
  auto arrays = store.create_many(items);  // both names are free again by then
  store.seal_many(arrays);
  EXPECT_EQ(store.list().size(), 2U);
}

TEST(StoreClientTest, AWriteThatMeetsASealWaitsAndFindsTheArraySealed) {
  const TestStore daemon;
  Store store = daemon.connect();
  SharedArray array = store.create("a", int8, {10});
  std::thread sealer;
  {
    const Stopped stopped(daemon);
    sealer = std::thread([&] {
      auto code = ErrorCode::Busy;  // by the writes below
      while (code == ErrorCode::Busy) code = code_of([&] { array.seal(); });
      EXPECT_EQ(code, ErrorCode::Ok);
    });
    EXPECT_TRUE(eventually([&] {
      return code_of([&] { array.write({.timeout = milliseconds(10)}).abandon(); }) == ErrorCode::Timeout;
    }));
  }
  EXPECT_EQ(code_of([&] { static_cast<void>(array.write()); }), ErrorCode::Sealed);
  sealer.join();
}

TEST(StoreClientTest, TheSyncSegmentsHeaderIsNotBelieved) {
  const TestStore daemon;
  Store store = daemon.connect();
  SharedArray array = store.create("a", int8, {10});
  const auto path = internal::segment_paths(::geteuid(), daemon.name()).sync;
  const auto fd = internal::open_segment(path, ::geteuid(), internal::Mapping::Access::read_write);
  ASSERT_TRUE(fd);
  const internal::Mapping page(fd.get(), 0, internal::kPage, internal::Mapping::Access::read_write);
  auto& header = *page.at<internal::SyncHeader>(0);
  header.claims_offset = 1ULL << 60, header.arrays_offset = 1ULL << 61, header.array_stride = 1ULL << 40;
  header.max_clients = 0, header.max_arrays = 0;
  EXPECT_EQ(array.revision(), 0U);
  array.write().release();
  EXPECT_EQ(array.revision(), 1U);
  Store second = daemon.connect();
  EXPECT_EQ(second.open("a").revision(), 1U);
  EXPECT_EQ(second.open("a").view().shape(), (Shape{10}));
}

TEST(StoreClientTest, AForkedChildLeavesItsOwnMemoryAlone) {
  const TestStore daemon({.capacity_bytes = 16ULL << 20});
  Store store = daemon.connect();
  int count = 0;
  const auto fill_up = [&] {
    while (true) store.create(std::to_string(count), uint8, {1 << 20}, {.fill = Fill::empty}).seal(), ++count;
  };
  EXPECT_EQ(code_of(fill_up), ErrorCode::Capacity);
  for (int i = 0; i < count; i += 2) store.remove(std::to_string(i));
  auto view = std::make_unique<Array>(make_patterned(store, "pieces", 5 << 20, 7).view());
  ASSERT_GT(store.open("pieces").info().extents, 1);
  const pid_t child = fork_child([&] {
    auto* place = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(view->data()) & ~(internal::kPage - 1));
    void* mine = ::mmap(place, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHILD_CHECK(mine == place);  // the parent's map is not here
    std::memset(mine, 5, 1 << 20);
    view.reset();
    store = Store::connect(daemon.name(), {.timeout = seconds(30)});  // the parent's session goes, with all its maps
    CHILD_CHECK(static_cast<char*>(mine)[0] == 5 && static_cast<char*>(mine)[(1 << 20) - 1] == 5);
    CHILD_CHECK(is_patterned(store.open("pieces"), 7));
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
  EXPECT_TRUE(has_pattern(view->data(), 5 << 20, 7));
}

TEST(StoreClientTest, AKilledPrivateStoreIsStartedAgainByItsClients) {
  const TestStore sets_the_program;
  const auto name = unique_store_name("private");
  const StartOptions options{.capacity_bytes = 16 << 20, .connect = {.timeout = seconds(30)}};
  {
    Store store = Store::open_or_start(name, options), second = Store::open_or_start(name, options);
    make_patterned(store, "a", 100000, 1);
    SharedArray half = store.create("half", int8, {10});
    const Array view = store.open("a").view();
    for (int round = 0; round < 2; ++round) {
      const auto before = store.daemon_pid();
      ::kill(static_cast<pid_t>(before), SIGKILL);
      std::thread other([&] { second.ping(); });
      make_patterned(store, "b" + std::to_string(round), 1000, 2);
      other.join();
      EXPECT_NE(store.daemon_pid(), before);
      EXPECT_TRUE(has_pattern(view.data(), 100000, 1));
      EXPECT_TRUE(is_patterned(second.open("b" + std::to_string(round)), 2));
    }
    half.seal();
    EXPECT_EQ(store.list().size(), 4U);
    EXPECT_TRUE(admin::status(name).ephemeral);
  }
  EXPECT_TRUE(eventually([&] { return code_of([&] { Store::connect(name); }) == ErrorCode::NoSuchStore; }));
  const auto paths = internal::segment_paths(::geteuid(), name);
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(paths.catalog) && !std::filesystem::exists(paths.lock); }));
}

TEST(StoreClientTest, ANamedStoreIsNotStartedByItsClients) {
  const TestStore daemon;
  Store store = daemon.connect();
  ::kill(static_cast<pid_t>(store.daemon_pid()), SIGKILL);
  EXPECT_EQ(code_of([&] { store.ping(); }), ErrorCode::Disconnected);
}

TEST(StoreClientTest, AReplacementThatNobodyCanReachIsDiscarded) {
  const TestStore daemon;
  Store store = daemon.connect();
  make_patterned(store, "a", 100000, 1);
  const auto used = daemon.used_bytes();
  static_cast<void>(store.create("a", uint8, {1 << 20}, {.replace = true}));
  EXPECT_EQ(store.list().size(), 1U);
  EXPECT_TRUE(eventually([&] { return daemon.used_bytes() == used; }));
  // One that a guard still fills is published by that guard.
  WriteGuard guard = store.create("a", uint8, {10}, {.replace = true}).write();
  fill_pattern(guard.data(), 10, 2);
  guard.release();
  EXPECT_TRUE(is_patterned(store.open("a"), 2));
  SharedArray closed = store.create("a", uint8, {10}, {.replace = true});
  store.close();  // what goes after it cannot ask the daemon any more, and need not
}

}  // namespace
}  // namespace ndshare::test
