// Memory and descriptors run out, in the client, in the daemon, in the machine: typed errors, nothing lost or left, and all is
// well once there is room again.
#include <fstream>
#include <new>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "tests/crash/fault_support.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

using std::chrono::seconds;

/// Mounts a tmpfs of so many bytes over `folder`, seen by this process and its children only. False where that is not allowed.
bool mount_small(const std::string& folder, std::int64_t bytes) {
  const std::string uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << uid + " " + uid + " 1";
    std::ofstream("/proc/self/gid_map") << gid + " " + gid + " 1";
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) == 0;
}

bool out_of_memory(ErrorCode code) { return code == ErrorCode::SystemMemory || code == ErrorCode::Capacity; }

/// Arrays of 1 MiB until there is no room; how many.
int fill_up(Store& store) {
  int made = 0;
  const auto code = code_of([&] {
    for (; made < 100; ++made) make_patterned(store, "f" + std::to_string(made), kMiB, static_cast<std::uint64_t>(made));
  });
  return out_of_memory(code) ? made : -1;
}

int use_a_full_pool(const std::string& folder) {
  if (!mount_small(folder, 8 * kMiB)) return kNotAllowed;
  const TestStore daemon({.capacity_bytes = 64ULL << 20, .pool_dir = folder});
  Store store = daemon.connect();
  SharedArray a = store.create("a", int64, {256, 128});
  fill_pattern(a.write().data(), a.nbytes(), 1);
  const int made = fill_up(store);
  CHILD_CHECK(made > 2 && made < 8);
  store.create("little", int8, {4096}).seal();
  const auto used = daemon.used_bytes();
  const auto none_left = [&] { while (true) store.create("x" + std::to_string(::rand()), int8, {64 * 1024}).seal(); };  // NOLINT
  CHILD_CHECK(out_of_memory(code_of(none_left)));
  std::optional<Array> view = a.view();
  CHILD_CHECK(out_of_memory(code_of([&] { static_cast<void>(a.write()); })));
  CHILD_CHECK(out_of_memory(code_of([&] { static_cast<void>(a.update()); })));
  CHILD_CHECK(out_of_memory(code_of([&] { a.append(zeros({4000, 128}, int64)); })));
  CHILD_CHECK(out_of_memory(code_of([&] { a.resize(10'000); })));
  CHILD_CHECK(is_patterned(a, 1) && has_pattern(view->data(), a.nbytes(), 1));
  CHILD_CHECK(admin::Inspector(daemon.name()).claims().size() == 1);  // the view
  store.snapshot("a", "s");  // copies nothing
  for (const auto& info : store.list("f*")) store.remove(info.name);
  for (const auto& info : store.list("x*")) store.remove(info.name);
  CHILD_CHECK(eventually([&] { return daemon.used_bytes() < used; }));
  fill_pattern(a.write().data(), a.nbytes(), 2);
  CHILD_CHECK(is_patterned(a, 2) && has_pattern(view->data(), a.nbytes(), 1) && is_patterned(store.open("s"), 1));
  view.reset();
  expect_back_to_start(daemon.name(), store);
  return ::testing::Test::HasFailure() ? 1 : 0;
}

/// As many arrays as there is room for, up to a number; then the store's end.
ErrorCode use_and_stop(const std::string& name) {
  const auto code = code_of([&] {
    Store store = Store::connect(name, {.timeout = seconds(30)});
    for (int i = 0; i < 10; ++i) make_patterned(store, "a" + std::to_string(i), 64 << 10, 1);
  });
  admin::stop(name, true, false, seconds(30));
  return code;
}

/// What a refused start leaves is taken up, or taken away, by the next one that has room.
int use_small_shared_memory(std::int64_t bytes) {
  if (!mount_small("/dev/shm", bytes)) return kNotAllowed;
  ::setenv("NDSHARE_DAEMON", program("ndshared").c_str(), 1);
  admin::DaemonOptions options;
  options.store = unique_store_name("small"), options.capacity_bytes = 1 << 20, options.max_clients = 4, options.max_arrays = 100;
  options.timeout = seconds(30);
  const auto code = code_of([&] { admin::start(options); });
  CHILD_CHECK(code == ErrorCode::Ok || out_of_memory(code));
  if (code == ErrorCode::Ok) {
    const auto used = use_and_stop(options.store);
    CHILD_CHECK(used == ErrorCode::Ok || out_of_memory(used) || used == ErrorCode::Memory);
  }
  CHILD_CHECK(::mount("tmpfs", "/dev/shm", "tmpfs", MS_REMOUNT, "size=64m") == 0);
  admin::start(options);
  CHILD_CHECK(use_and_stop(options.store) == ErrorCode::Ok);
  CHILD_CHECK(std::filesystem::is_empty("/dev/shm"));
  return 0;
}

TEST(FaultMemoryTest, AFullPoolRefusesAndGoesOn) {
  const ScratchDir scratch;
  const auto status = wait_child(fork_child([&] { return use_a_full_pool(scratch.path()); }), seconds(120));
  if (status == kNotAllowed) GTEST_SKIP() << "this machine does not allow mounting a tmpfs";
  EXPECT_EQ(status, std::optional<int>(0));
}

TEST(FaultMemoryTest, SharedMemoryOfAFewPages) {
  for (const std::int64_t pages : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 320, 340, 400, 600, 800}) {
    SCOPED_TRACE(std::to_string(pages) + " pages in /dev/shm");
    const auto status = wait_child(fork_child([&] { return use_small_shared_memory(pages * 4096); }), seconds(120));
    if (status == kNotAllowed) GTEST_SKIP() << "this machine does not allow mounting a tmpfs";
    EXPECT_EQ(status, std::optional<int>(0));
  }
}

/// As code_of(); with next to no memory left not even an Error can be made.
ErrorCode code_or_no_memory(const std::function<void()>& body) {
  try {
    return code_of(body);
  } catch (const std::bad_alloc&) {
    return ErrorCode::Memory;
  }
}

/// Everything a client does, once; the first error.
ErrorCode do_everything(Store& store) {
  return code_or_no_memory([&] {
    SharedArray a = store.open("a");
    static_cast<void>(a.read().array());
    const Array view = a.view();
    fill_pattern(a.write({.rows = {5, 9}}).data(), 4 * 1024, 3);
    auto update = a.update({.rows = {100, 200}});
    fill_pattern(update.data(), update.nbytes(), 4);
    update.commit();
    a.append(zeros({3, 128}, int64));
    a.resize(256);
    SharedArray big = store.create("big", int8, {4 * kMiB});
    big.write().release();
    store.remove("big");
  });
}

int use_little_address_space(const TestStore& daemon) {
  rlimit before{};
  CHILD_CHECK(::getrlimit(RLIMIT_AS, &before) == 0);
  const auto files = files_open(), maps = store_maps();
  for (std::uint64_t more = 64 << 10; more < (1ULL << 34); more *= 2) {  // beyond what all maps of the store take
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit little{pages * 4096 + more, before.rlim_max};
    CHILD_CHECK(::setrlimit(RLIMIT_AS, &little) == 0);
    std::optional<Store> store;
    auto code = code_or_no_memory([&] { store = daemon.connect(); });
    if (store) code = do_everything(*store);
    CHILD_CHECK(::setrlimit(RLIMIT_AS, &before) == 0);
    CHILD_CHECK(code == ErrorCode::Ok || code == ErrorCode::Memory || code == ErrorCode::MapLimit);
    if (!store) store = daemon.connect();
    if (store->contains("big")) store->remove("big");
    CHILD_CHECK(do_everything(*store) == ErrorCode::Ok);
    store.reset();
    CHILD_CHECK(files_open() == files && store_maps() == maps);
  }
  return 0;
}

TEST(FaultMemoryTest, AClientWithoutAddressSpace) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need address space of their own, and end the process where there is none";
#endif
  const TestStore daemon;
  Store keeper = daemon.connect();
  keeper.create("a", int64, {256, 128}).write().release();
  EXPECT_EQ(wait_child(fork_child([&] { return use_little_address_space(daemon); })), std::optional<int>(0));
  expect_back_to_start(daemon.name(), keeper);
}

int use_no_descriptors(const TestStore& daemon) {
  const auto at_first = files_open(), maps_at_first = store_maps();
  {
    Store store = daemon.connect();
    CHILD_CHECK(do_everything(store) == ErrorCode::Ok);
    const auto files = files_open();
    const rlimit few{64, 64};
    CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    std::vector<int> taken;
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) taken.push_back(fd);
    const auto code = do_everything(store);  // a connected client needs none
    CHILD_CHECK(code == ErrorCode::Ok || code == ErrorCode::TooManyDescriptors);
    CHILD_CHECK(code_of([&] { daemon.connect(); }) == ErrorCode::TooManyDescriptors);
    for (const int fd : taken) ::close(fd);
    CHILD_CHECK(files_open() == files);
    if (store.contains("big")) store.remove("big");
    CHILD_CHECK(do_everything(store) == ErrorCode::Ok);
    daemon.connect().close();
    CHILD_CHECK(files_open() == files);
  }
  CHILD_CHECK(files_open() == at_first && store_maps() == maps_at_first);
  return 0;
}

TEST(FaultMemoryTest, AClientWithoutDescriptors) {
  const TestStore daemon;
  Store keeper = daemon.connect();
  keeper.create("a", int64, {256, 128}).write().release();
  EXPECT_EQ(wait_child(fork_child([&] { return use_no_descriptors(daemon); })), std::optional<int>(0));
  expect_back_to_start(daemon.name(), keeper);
}

TEST(FaultMemoryTest, TheDaemonWithoutMemoryForAGrant) {
  for (int times = 1; times <= 4; ++times) {
    const DaemonProcess daemon({.env = {{"NDSHARE_FAIL_AT", "memory.take:" + std::to_string(times)}}});
    Store store = Store::connect(daemon.store(), {.timeout = seconds(30)});
    SharedArray a = store.create("a", int64, {256, 128});
    fill_pattern(a.write().data(), a.nbytes(), 1);
    std::optional<Array> view = a.view();
    const std::array<std::function<void()>, 4> copies = {
        [&] { static_cast<void>(a.write({.rows = {3, 4}})); }, [&] { static_cast<void>(a.update()); },
        [&] { static_cast<void>(a.update({.rows = {9, 10}})); }, [&] { static_cast<void>(a.write({.overwrite = true})); }};
    for (int i = 0; i < times; ++i) EXPECT_EQ(code_of(copies[static_cast<std::size_t>(i)]), ErrorCode::SystemMemory);
    EXPECT_TRUE(is_patterned(a, 1));
    EXPECT_EQ(admin::Inspector(daemon.store()).claims().size(), 1U);
    fill_pattern(a.write().data(), a.nbytes(), 2);
    EXPECT_TRUE(is_patterned(a, 2) && has_pattern(view->data(), a.nbytes(), 1));
    view.reset();
    expect_back_to_start(daemon.store(), store);
  }
}

}  // namespace
}  // namespace ndshare::test
