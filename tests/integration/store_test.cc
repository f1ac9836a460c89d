// Arrays between processes: what one makes another sees, without a copy, and keeps whatever happens to the name.
#include <algorithm>
#include <csignal>

#include <sys/wait.h>

#include <gtest/gtest.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return daemon_.status().clients.empty(); })) << "a client's slot was not given back";
  }
  void expect_child(pid_t child) const { EXPECT_EQ(wait_child(child), std::optional<int>(0)); }
  TestStore daemon_;
};

TEST_F(StoreTest, TwoProcessesShareWithoutACopy) {
  Store store = daemon_.connect();
  SharedArray a = store.create("market/prices", float64, {1000, 100});
  {
    auto guard = a.write();
    auto values = guard.array().as_span<double>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) / 3;
  }
  a.seal();
  const auto used = daemon_.used_bytes();
  const auto origin = a.view().origin();
  expect_child(fork_child([&] {
    Store mine = daemon_.connect();
    const SharedArray b = mine.open("market/prices");
    CHILD_CHECK(b.dtype() == float64 && b.shape() == (Shape{1000, 100}) && b.sealed());
    const Array view = b.view();
    CHILD_CHECK(view.origin() == origin);  // the same bytes of the same segment
    CHILD_CHECK(!view.is_writable());
    for (std::int64_t i = 0; i < view.size(); ++i) {
      CHILD_CHECK(view.as_span<const double>()[static_cast<std::size_t>(i)] == static_cast<double>(i) / 3);
    }
    CHILD_CHECK(mine.contains("market/prices") && !mine.contains("market"));
    return 0;
  }));
  EXPECT_EQ(daemon_.used_bytes(), used);
}

TEST_F(StoreTest, OthersSeeAnArrayFromItsPublicationOn) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int32, {4});
  EXPECT_TRUE(store.contains("a"));
  EXPECT_FALSE(store.list().at(0).visible);
  const auto hidden = [&] {
    Store mine = daemon_.connect();
    CHILD_CHECK(!mine.contains("a") && mine.list().empty());
    CHILD_CHECK(code_of([&] { static_cast<void>(mine.open("a")); }) == ErrorCode::NoSuchArray);
    CHILD_CHECK(message_of([&] { static_cast<void>(mine.open("a")); }).find(std::to_string(::getppid())) != std::string::npos);
    CHILD_CHECK(code_of([&] { mine.create("a", int8, {1}); }) == ErrorCode::NameTaken);
    return 0;
  };
  expect_child(fork_child(hidden));
  const auto revision = a.revision();
  {
    auto guard = a.write();
    expect_child(fork_child(hidden));
    guard.array().as_span<std::int32_t>()[3] = 42;
  }
  EXPECT_EQ(a.revision(), revision + 1);
  expect_child(fork_child([&] {
    const auto info = daemon_.connect().open("a").info();
    CHILD_CHECK(info.visible && !info.sealed && info.pid == static_cast<std::uint32_t>(::getppid()));
    CHILD_CHECK(daemon_.connect().open("a").view().at<std::int32_t>(3) == 42);
    CHILD_CHECK(daemon_.connect().open("a").view().at<std::int32_t>(0) == 0);
    return 0;
  }));
  a.seal();
  EXPECT_TRUE(a.sealed());
  EXPECT_EQ(code_of([&] { a.seal(); }), ErrorCode::Sealed);
}

TEST_F(StoreTest, AViewKeepsItsBytesAfterRemove) {
  constexpr std::int64_t kBytes = 8 << 20;
  Gate viewing, refilled;
  Store store = daemon_.connect();
  make_patterned(store, "a", kBytes, 1);
  const pid_t child = fork_child([&] {
    const Array view = daemon_.connect().open("a").view();
    viewing.open();
    refilled.wait();
    CHILD_CHECK(has_pattern(view.data(), kBytes, 1));
    return 0;
  });
  viewing.wait();
  store.remove("a");
  EXPECT_FALSE(store.contains("a"));
  EXPECT_EQ(code_of([&] { static_cast<void>(store.open("a")); }), ErrorCode::NoSuchArray);
  std::uint64_t made = 0;  // everything that is left is given new bytes
  const auto fill_up = [&] {
    while (true) make_patterned(store, "b" + std::to_string(made), kBytes / 2, 100 + made), ++made;
  };
  EXPECT_EQ(code_of(fill_up), ErrorCode::Capacity);
  refilled.open();
  expect_child(child);
  EXPECT_GT(made, 10U);
  for (std::uint64_t i = 0; i < made; ++i) store.remove("b" + std::to_string(i));
  EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() == 0; }));
}

TEST_F(StoreTest, RenameAndReplaceKeepOldReaders) {
  Store store = daemon_.connect();
  make_patterned(store, "a", 100000, 1);
  const Array old = store.open("a").view();
  SharedArray next = store.create("a", uint8, {100000}, {.replace = true});
  EXPECT_TRUE(is_patterned(store.open("a"), 1)) << "the name passes on when the new array is visible, not before";
  fill_pattern(next.write().data(), 100000, 2);
  EXPECT_TRUE(is_patterned(store.open("a"), 2));
  EXPECT_TRUE(has_pattern(old.data(), 100000, 1));
  store.rename("a", "b/c");
  EXPECT_FALSE(store.contains("a"));
  EXPECT_TRUE(is_patterned(store.open("b/c"), 2));
  EXPECT_TRUE(is_patterned(next, 2)) << "a handle follows the array, not the name";
  make_patterned(store, "d", 10, 3);
  EXPECT_EQ(code_of([&] { store.rename("d", "b/c"); }), ErrorCode::NameTaken);
  store.rename("d", "b/c", true);
  EXPECT_TRUE(is_patterned(store.open("b/c"), 3));
  EXPECT_EQ(code_of([&] { static_cast<void>(next.read()); }), ErrorCode::NoSuchArray);
  EXPECT_EQ(code_of([&] { store.rename("nothing", "e"); }), ErrorCode::NoSuchArray);
  EXPECT_EQ(code_of([&] { store.rename("b/c", "../e"); }), ErrorCode::Name);
  EXPECT_EQ(code_of([&] { store.remove("nothing"); }), ErrorCode::NoSuchArray);
}

TEST_F(StoreTest, WaitForWakesAcrossProcesses) {
  Gate waiting;
  const pid_t child = fork_child([&] {
    Store mine = daemon_.connect();
    waiting.open();
    CHILD_CHECK(is_patterned(mine.wait_for("late", std::chrono::seconds(30)), 5));
    return 0;
  });
  waiting.wait();
  Store store = daemon_.connect();
  make_patterned(store, "early", 10, 1);
  ::usleep(20000);
  make_patterned(store, "late", 1000, 5);
  expect_child(child);
  EXPECT_EQ(code_of([&] { store.wait_for("never", std::chrono::milliseconds(20)); }), ErrorCode::Timeout);
  EXPECT_EQ(store.wait_for("late").nbytes(), 1000);
}

TEST_F(StoreTest, ADeadCreatorLeavesNothing) {
  Gate created;
  const pid_t child = fork_child([&] {
    Store mine = daemon_.connect();
    SharedArray a = mine.create("half", uint8, {1 << 20});
    SharedArray tiny = mine.create("tiny", uint8, {100});
    auto guard = a.write();
    created.open();
    while (true) ::pause();
    return 0;
  });
  created.wait();
  EXPECT_GE(daemon_.used_bytes(), 1U << 20);
  ::kill(child, SIGKILL);
  EXPECT_EQ(wait_child(child), std::optional<int>(128 + SIGKILL));
  EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() == 0; }));
  Store store = daemon_.connect();
  make_patterned(store, "half", 100, 1);
  EXPECT_EQ(store.list().size(), 1U);
}

TEST_F(StoreTest, SessionArraysEndWithTheirClient) {
  Store store = daemon_.connect();
  const Array kept = [&] {
    Store maker = daemon_.connect();
    maker.create("session", int8, {3}, {.lifetime = Lifetime::session}).seal();
    maker.create("stays", int8, {3}).seal();
    EXPECT_EQ(maker.open("session").info().lifetime, Lifetime::session);
    return store.open("session").view();
  }();
  EXPECT_TRUE(eventually([&] { return !store.contains("session"); }));
  EXPECT_TRUE(store.contains("stays"));
  EXPECT_EQ(kept.at<std::int8_t>(2), 0) << "who holds it keeps it";
}

TEST_F(StoreTest, AForkedChildMustConnectItself) {
  Store store = daemon_.connect();
  SharedArray a = make_patterned(store, "a", 1000, 1);
  auto view = std::make_unique<Array>(a.view());
  expect_child(fork_child([&] {
    CHILD_CHECK(code_of([&] { static_cast<void>(store.open("a")); }) == ErrorCode::Forked);
    CHILD_CHECK(code_of([&] { static_cast<void>(a.read()); }) == ErrorCode::Forked);
    CHILD_CHECK(code_of([&] { store.create("b", int8, {1}); }) == ErrorCode::Forked);
    view.reset();  // touches nothing of the parent's
    Store mine = daemon_.connect();
    CHILD_CHECK(is_patterned(mine.open("a"), 1));
    store = mine;  // drops the inherited one
    a = SharedArray();
    return 0;
  }));
  EXPECT_TRUE(has_pattern(view->data(), 1000, 1));
  EXPECT_TRUE(is_patterned(store.open("a"), 1)) << "the parent's connection is as it was";
  store.ping();
}

TEST_F(StoreTest, AReadOnlyClientCannotWrite) {
  Store writer = daemon_.connect();
  make_patterned(writer, "a", 5000, 1);
  Store store = daemon_.connect(Role::read_only);
  EXPECT_EQ(store.role(), Role::read_only);
  EXPECT_EQ(code_of([&] { store.create("b", int8, {1}); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { store.remove("a"); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { store.rename("a", "b"); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { static_cast<void>(store.open("a").write()); }), ErrorCode::Permission);
  const Array view = store.open("a").view();
  EXPECT_EQ(code_of([&] { static_cast<void>(view.mutable_data()); }), ErrorCode::ReadOnly);
  const pid_t child = fork_child([&] {
    const Array mine = daemon_.connect(Role::read_only).open("a").view();
    const_cast<std::byte*>(mine.data())[0] = std::byte{0};  // the page tables say no
    return 0;
  });
  EXPECT_NE(wait_child(child), std::optional<int>(0));
  EXPECT_TRUE(is_patterned(writer.open("a"), 1));
}

TEST_F(StoreTest, ManyArraysInFewRoundTrips) {
  Store store = daemon_.connect();
  std::vector<CreateItem> items;
  for (int i = 0; i < 2000; ++i) items.push_back({"many/" + std::to_string(i), float32, {i % 50}});
  auto arrays = store.create_many(items);
  ASSERT_EQ(arrays.size(), items.size());
  EXPECT_EQ(arrays[1234].name(), "many/1234");
  EXPECT_EQ(arrays[1234].shape(), Shape{1234 % 50});
  store.seal_many(arrays);
  expect_child(fork_child([&] {
    const auto infos = daemon_.connect().list("many/1*9");
    CHILD_CHECK(infos.size() == 1 + 10 + 100);  // 1x9: 19, 109…199, 1009…1999
    CHILD_CHECK(std::ranges::is_sorted(infos, {}, &ArrayInfo::name) && infos[0].sealed);
    return 0;
  }));
  const std::vector<CreateItem> clash = {{"fresh", int8, {1}}, {"many/7", int8, {1}}};
  EXPECT_EQ(code_of([&] { store.create_many(clash); }), ErrorCode::NameTaken);
  EXPECT_FALSE(store.contains("fresh")) << "a batch is all or none";
  std::vector<CreateItem> late_clash;
  for (int i = 0; i < 1200; ++i) late_clash.push_back({"late/" + std::to_string(i), int8, {1}});
  late_clash.push_back({"many/7", int8, {1}});
  EXPECT_EQ(code_of([&] { store.create_many(late_clash); }), ErrorCode::NameTaken);
  EXPECT_TRUE(store.list("late/*").empty()) << "earlier batches without a handle are taken back";
}

TEST_F(StoreTest, InfoAndAttributes) {
  Store store = daemon_.connect();
  const Attrs attrs = {{"unit", "USD"}, {"quote \"", "line\nnext"}};
  store.create("a", int16, {2, 3}, {.attrs = attrs, .order = Order::F}).seal();
  const auto info = store.open("a").info();
  EXPECT_EQ(info.attrs, attrs);
  EXPECT_EQ(info.order, Order::F);
  EXPECT_EQ(info.nbytes, 12);
  EXPECT_GE(info.extent_bytes, 12);
  EXPECT_EQ(info.extents, 1);
  EXPECT_GT(info.created_unix_ns, 1'500'000'000'000'000'000ULL);
  EXPECT_EQ(info.pid, static_cast<std::uint32_t>(::getpid()));
  EXPECT_TRUE(store.open("a").view().is_f_contiguous());
}

TEST_F(StoreTest, AContractNamesBothSides) {
  Store store = daemon_.connect();
  store.create("a", float32, {10, 3}).seal();
  EXPECT_EQ(store.open("a", {.dtype = float32, .shape = Shape{-1, 3}}).shape(), (Shape{10, 3}));
  for (const auto& contract : {OpenOptions{.dtype = float64, .shape = {}}, OpenOptions{.dtype = {}, .shape = Shape{10, 4}},
                               OpenOptions{.dtype = {}, .shape = Shape{-1}}}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(store.open("a", contract)); }), ErrorCode::Contract);
  }
  const auto message = message_of([&] { static_cast<void>(store.open("a", {.dtype = float64, .shape = Shape{-1, 4}})); });
  for (const char* part : {"float32", "(10, 3)", "float64", "(-1, 4)"}) EXPECT_NE(message.find(part), std::string::npos) << message;
}

}  // namespace
}  // namespace ndshare::test
