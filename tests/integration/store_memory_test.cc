// Where arrays lie: slabs, several extents, zeros, shapes at their ends, little address space, no system call on the fast path.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <gtest/gtest.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

TEST(StoreMemoryTest, SlabsKeepNeighboursApart) {
  const TestStore daemon;
  Store store = daemon.connect();
  const auto bytes_of = [](std::int64_t i) { return 1 + (i * 131) % 4095; };
  std::vector<SharedArray> arrays;
  for (std::int64_t i = 0; i < 1500; ++i) {
    arrays.push_back(make_patterned(store, std::to_string(i), bytes_of(i), static_cast<std::uint64_t>(i)));
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(arrays.back().view().data()) % 64, 0U);
  }
  EXPECT_LT(daemon.used_bytes(), 1500U * 4096) << "small arrays share pages";
  for (std::int64_t i = 0; i < 1500; i += 2) store.remove(std::to_string(i));
  for (std::int64_t i = 0; i < 1500; i += 2) make_patterned(store, "new" + std::to_string(i), bytes_of(i), 9999);
  const pid_t child = fork_child([&] {
    const Store mine = daemon.connect();
    for (std::int64_t i = 1; i < 1500; i += 2) {
      CHILD_CHECK(is_patterned(mine.open(std::to_string(i)), static_cast<std::uint64_t>(i)));
      CHILD_CHECK(is_patterned(mine.open("new" + std::to_string(i - 1)), 9999));
    }
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
}

TEST(StoreMemoryTest, AnArrayInSeveralExtentsIsContiguousToItsReaders) {
  const TestStore daemon({.capacity_bytes = 64 * kMiB});
  Store store = daemon.connect();
  int count = 0;
  const auto fill_up = [&] {
    while (true) store.create(std::to_string(count), uint8, {kMiB}, {.fill = Fill::empty}).seal(), ++count;
  };
  EXPECT_EQ(code_of(fill_up), ErrorCode::Capacity);
  for (int i = 0; i < count; i += 2) store.remove(std::to_string(i));
  const auto bytes = 20 * kMiB + 12345;
  SharedArray big = make_patterned(store, "big", bytes, 7);
  EXPECT_GT(big.info().extents, 1);
  EXPECT_EQ(big.view().data(), store.open("big").view().data()) << "assembled once, shared by its views";
  const pid_t child = fork_child([&] {
    const SharedArray mine = daemon.connect().open("big");
    CHILD_CHECK(mine.info().extents > 1);
    CHILD_CHECK(is_patterned(mine, 7));
    const Array tail = mine.view({.rows = {bytes - 10, -1}, .timeout = {}});
    for (std::int64_t i = 0; i < 10; ++i) CHILD_CHECK(tail.at<std::uint8_t>(i) == pattern_byte(7, bytes - 10 + i));
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
  store.remove("big");
  EXPECT_TRUE(is_patterned(make_patterned(store, "again", bytes, 8), 8));
}

TEST(StoreMemoryTest, ZerosAreZeroOnUsedMemoryToo) {
  const TestStore daemon;
  Store store = daemon.connect();
  for (const std::int64_t bytes : {100L, 5000L, 3 * kMiB}) {
    for (int round = 0; round < 3; ++round) {
      make_patterned(store, "used", bytes, 3);
      store.remove("used");
      SharedArray a = store.create("zeros", uint8, {bytes});
      const auto guard = a.read();
      for (std::int64_t i = 0; i < bytes; ++i) ASSERT_EQ(guard.data()[i], std::byte{0}) << bytes << " at " << i;
      store.remove("zeros");
    }
  }
}

TEST(StoreMemoryTest, ShapesAtTheirEnds) {
  const TestStore daemon;
  Store store = daemon.connect();
  const DType record = DType::parse("ts:i8,v:(2,3)f4,status:U10");
  const Shape ones(Dims(std::vector<std::int64_t>(32, 1)));
  store.create("empty", float64, {0}).seal();
  store.create("empty2", record, {3, 0, 5}).write().release();
  SharedArray scalar = store.create("scalar", float64, {});
  scalar.write().array().as_span<double>()[0] = 2.5;
  store.create("axes", int16, ones).seal();
  SharedArray rows = store.create("rows", record, {7});
  rows.write().array()["ts"].mutable_data()[0] = std::byte{5};
  const pid_t child = fork_child([&] {
    const Store mine = daemon.connect();
    CHILD_CHECK(mine.open("empty").view().size() == 0 && mine.open("empty").view().data() != nullptr);
    CHILD_CHECK(mine.open("empty2").read().array().shape() == (Shape{3, 0, 5}));
    CHILD_CHECK(mine.open("empty2").read({.rows = {1, 2}, .timeout = {}}).array().shape() == (Shape{1, 0, 5}));
    CHILD_CHECK(mine.open("scalar").view().ndim() == 0 && mine.open("scalar").view().item<double>() == 2.5);
    CHILD_CHECK(mine.open("axes").view().shape() == ones);
    CHILD_CHECK(mine.open("rows").dtype() == record);
    CHILD_CHECK(mine.open("rows").view()["ts"].at<std::int64_t>(0) == 5);
    CHILD_CHECK(mine.list().size() == 5);
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
  EXPECT_EQ(store.open("empty").info().extent_bytes, 0);
}

TEST(StoreMemoryTest, CreateErrorsHaveTheirNumbers) {
  const TestStore daemon({.capacity_bytes = 16 * kMiB});
  Store store = daemon.connect();
  const auto refused = [&](ErrorCode code, const char* says, const std::string& name, const DType& dtype, const Shape& shape,
                           const CreateOptions& options = {}) {
    const auto body = [&] { store.create(name, dtype, shape, options); };
    EXPECT_EQ(code_of(body), code) << name << ": " << message_of(body);
    EXPECT_NE(message_of(body).find(says), std::string::npos) << message_of(body);
  };
  const std::int64_t huge = std::int64_t{1} << 62;
  refused(ErrorCode::Name, "empty", "", int8, {1});
  refused(ErrorCode::Name, "256", std::string(256, 'x'), int8, {1});
  refused(ErrorCode::Name, "..", "a/../b", int8, {1});
  refused(ErrorCode::Shape, "-3", "a", int8, {2, -3});
  refused(ErrorCode::Shape, "", "a", float64, {huge});
  refused(ErrorCode::Capacity, "16", "a", uint8, {100 * kMiB});
  refused(ErrorCode::Usage, "attributes", "a", int8, {1}, {.attrs = {{"k", std::string(40000, 'v')}}});
  EXPECT_EQ(code_of([] { Shape(Dims(std::vector<std::int64_t>(33, 1))); }), ErrorCode::Shape);
  store.create("a", int8, {0, std::int64_t{1} << 40}).seal();
  refused(ErrorCode::NameTaken, "'a'", "a", int8, {1});
  EXPECT_EQ(store.list().size(), 1U);
  EXPECT_EQ(daemon.used_bytes(), 0U);
}

TEST(StoreMemoryTest, LittleAddressSpaceMapsArrayByArray) {
  const TestStore daemon({.capacity_bytes = 1024 * static_cast<std::uint64_t>(kMiB), .max_clients = 8, .max_arrays = 1000});
  const pid_t child = fork_child([&] {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    statm >> pages;
    const rlimit limit{pages * 4096 + 300 * static_cast<std::uint64_t>(kMiB), RLIM_INFINITY};
    CHILD_CHECK(::setrlimit(RLIMIT_AS, &limit) == 0);
    Store store = daemon.connect();
    for (std::uint64_t i = 0; i < 20; ++i) make_patterned(store, std::to_string(i), 3 * kMiB + 5, i);
    make_patterned(store, "small", 100, 77);
    for (std::uint64_t i = 0; i < 20; ++i) CHILD_CHECK(is_patterned(store.open(std::to_string(i)), i));
    CHILD_CHECK(is_patterned(store.open("small"), 77));
    SharedArray big = store.create("big", uint8, {400 * kMiB}, {.fill = Fill::empty});
    CHILD_CHECK(code_of([&] { static_cast<void>(big.write()); }) == ErrorCode::Memory);
    return 0;
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
}

/// From here on any system call but a write to standard error and the end of the process kills it.
bool forbid_system_calls() {
  std::array<sock_filter, 6> program = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(StoreMemoryTest, OpenReadAndViewMakeNoSystemCall) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers make system calls of their own";
#endif
  const TestStore daemon;
  Store maker = daemon.connect();
  make_patterned(maker, "a/b", 100000, 3);
  const pid_t child = fork_child([&] {
    const Store store = daemon.connect();
    const auto once = [&] {
      const SharedArray a = store.open("a/b", {.dtype = uint8, .shape = {}});
      const auto guard = a.read();
      const Array view = a.view();
      const auto info = a.info();
      return store.contains("a/b") && !store.contains("c") && guard.data()[0] == view.data()[0] && info.visible &&
             store.list().size() == 1;
    };
    bool good = once();  // the heap and the page tables are warm now
    if (!forbid_system_calls()) return 2;
    for (int i = 0; i < 1000; ++i) good = once() && good;
    ::_exit(good ? 0 : 1);
  });
  EXPECT_EQ(wait_child(child), std::optional<int>(0));
}

}  // namespace
}  // namespace ndshare::test
