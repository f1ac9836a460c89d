// Guards and views: who waits for whom, what keeps a claim, what happens when the store, the array or the guard goes first.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;

class GuardTest : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return daemon_.status().clients.empty(); })) << "a client's slot was not given back";
  }
  TestStore daemon_;
};

TEST_F(GuardTest, DisjointRowsAreWrittenByThreads) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int64, {1000, 8});
  {
    WriteGuard first = a.write({.rows = {0, 1}});
    std::vector<std::thread> threads;
    for (std::int64_t part = 0; part < 4; ++part) {
      threads.emplace_back([&, part] {
        auto guard = a.write({.rows = {1 + part * 249, part == 3 ? -1 : 1 + (part + 1) * 249}});
        Array rows = guard.array();
        for (auto& value : rows.as_span<std::int64_t>()) value = part + 1;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(daemon_.connect().contains("a")) << "one writer is left";
    EXPECT_EQ(first.array().shape(), (Shape{1, 8}));
    for (auto& value : first.array().as_span<std::int64_t>()) value = 9;
  }
  const Array view = daemon_.connect().open("a").view();
  EXPECT_EQ(view.at<std::int64_t>(0, 7), 9);
  EXPECT_EQ(view.at<std::int64_t>(1, 0), 1);
  EXPECT_EQ(view.at<std::int64_t>(999, 7), 4);
  EXPECT_EQ(a.revision(), 5U);
}

TEST_F(GuardTest, OverlapInOneThreadWouldDeadlockAndInTwoWaits) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int8, {10});
  auto guard = a.write({.rows = {0, 5}});
  EXPECT_EQ(code_of([&] { static_cast<void>(a.write({.rows = {4, 6}, .timeout = milliseconds(5)})); }), ErrorCode::WouldDeadlock);
  EXPECT_EQ(code_of([&] { static_cast<void>(a.read()); }), ErrorCode::WouldDeadlock);
  EXPECT_EQ(code_of([&] { a.seal(); }), ErrorCode::Busy);
  static_cast<void>(a.read({.rows = {5, 10}, .timeout = {}}));
  std::thread([&] {
    EXPECT_EQ(code_of([&] { static_cast<void>(a.write({.rows = {4, 6}, .timeout = milliseconds(5)})); }), ErrorCode::Timeout);
  }).join();
  guard.release();
  a.seal();
}

TEST_F(GuardTest, RowsAreChecked) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int8, {10, 2});
  for (const Rows& rows : {Rows{-1, 5}, Rows{0, 11}, Rows{6, 5}, Rows{11, -1}, Rows{0, -2}}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(a.write({.rows = rows})); }), ErrorCode::IndexBounds) << rows.first;
    EXPECT_EQ(code_of([&] { static_cast<void>(a.read({.rows = rows, .timeout = {}})); }), ErrorCode::IndexBounds);
  }
  EXPECT_EQ(a.read({.rows = {10, 10}, .timeout = {}}).array().shape(), (Shape{0, 2}));
  SharedArray fortran = store.create("f", int8, {10, 2}, {.order = Order::F});
  EXPECT_EQ(code_of([&] { static_cast<void>(fortran.write({.rows = {0, 5}})); }), ErrorCode::Usage);
  EXPECT_TRUE(fortran.write().array().is_f_contiguous());
  // A guard's array ends where its rows end: no layout reaches beyond.
  const Array rows = a.write({.rows = {2, 4}}).array();
  EXPECT_EQ(rows.buffer()->nbytes(), 4);
}

TEST_F(GuardTest, ArraysKeepTheGuardsClaim) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", float32, {100});
  auto guard = a.write();
  {
    const Array all = guard.array();
    const Array half = all(slice(0, 50));
    EXPECT_EQ(code_of([&] { guard.release(); }), ErrorCode::Busy);
    EXPECT_EQ(code_of([&] { a.seal(); }), ErrorCode::Busy);
  }
  guard.release();
  EXPECT_EQ(code_of([&] { static_cast<void>(guard.array()); }), ErrorCode::Usage);
  EXPECT_EQ(guard.data(), nullptr);
  EXPECT_TRUE(daemon_.connect().contains("a"));
  auto reader = a.read();
  auto borrowed = std::make_unique<Array>(reader.array());
  EXPECT_EQ(code_of([&] { reader.release(); }), ErrorCode::Busy);
  borrowed.reset();
  reader.release();
  // The guard may go first: then the last array publishes.
  SharedArray b = store.create("b", float32, {100});
  auto kept = std::make_unique<Array>(b.write().array());
  EXPECT_FALSE(daemon_.connect().contains("b"));
  kept.reset();
  EXPECT_TRUE(daemon_.connect().contains("b"));
}

TEST_F(GuardTest, AbandonDoesNotPublish) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int8, {10});
  auto guard = a.write();
  guard.abandon();
  EXPECT_FALSE(daemon_.connect().contains("a"));
  EXPECT_EQ(a.revision(), 0U);
  a.write().release();
  EXPECT_TRUE(daemon_.connect().contains("a"));
}

TEST_F(GuardTest, SealedArraysAreReadOnly) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int8, {10});
  a.write().release();
  daemon_.connect().open("a").write().release();  // anybody may write what is visible
  a.seal();
  EXPECT_EQ(code_of([&] { static_cast<void>(a.write()); }), ErrorCode::Sealed);
  EXPECT_EQ(code_of([&] { static_cast<void>(a.update()); }), ErrorCode::Sealed);
  EXPECT_EQ(code_of([&] { a.append(zeros({1}, int8)); }), ErrorCode::Sealed);
  EXPECT_NE(message_of([&] { static_cast<void>(a.write()); }).find("replace"), std::string::npos);
  const Array view = a.view();
  EXPECT_FALSE(view.is_writable());
  EXPECT_EQ(code_of([&] { static_cast<void>(view.mutable_data()); }), ErrorCode::ReadOnly);
}

TEST_F(GuardTest, WaitersAreServedAndErrorsNameTheHolder) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int64, {100});
  a.write().release();
  auto guard = a.write({.rows = {0, 50}});
  std::thread waiter([&] {
    Store mine = daemon_.connect();
    SharedArray same = mine.open("a");
    const auto refused = [&] { static_cast<void>(same.read({.rows = {49, 51}, .timeout = milliseconds(20)})); };
    EXPECT_EQ(code_of(refused), ErrorCode::Timeout);
    const auto text = message_of(refused);
    EXPECT_NE(text.find("process " + std::to_string(::getpid())), std::string::npos) << text;
    EXPECT_NE(text.find("held for writing"), std::string::npos) << text;
    EXPECT_NE(text.find("rows 0 to 50"), std::string::npos) << text;
    ReadGuard tried;
    EXPECT_EQ(same.try_read(tried), ErrorCode::Timeout);
    EXPECT_FALSE(tried);
    EXPECT_EQ(same.try_read(tried, {.rows = {50, 100}, .timeout = {}}), ErrorCode::Ok);
    EXPECT_TRUE(tried);
    tried.release();
    EXPECT_EQ(same.read().as_span<std::int64_t>()[0], 77);  // waits
  });
  ::usleep(100000);
  guard.as_span<std::int64_t>()[0] = 77;
  guard.release();
  waiter.join();
}

TEST_F(GuardTest, ARecursiveReadPassesAQueuedWriter) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int8, {10});
  a.write().release();
  auto first = a.read();
  std::atomic<bool> written{false};
  std::thread writer([&] {
    a.write().release();
    written = true;
  });
  ::usleep(30000);
  auto second = a.read();  // would wait behind the writer, which waits for `first`
  const Array view = a.view();
  EXPECT_FALSE(written);
  EXPECT_EQ(code_of([&] { static_cast<void>(a.write()); }), ErrorCode::WouldDeadlock);
  ReadGuard other;
  std::thread([&] { EXPECT_EQ(a.try_read(other), ErrorCode::Timeout) << "others queue behind the writer"; }).join();
  second.release();
  first.release();
  writer.join();
}

TEST_F(GuardTest, ACircleOfWaitersIsToldToTheYoungest) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int8, {10}), b = store.create("b", int8, {10});
  a.write().release();
  b.write().release();
  std::atomic<int> deadlocks{0}, done{0};
  const auto both = [&](SharedArray first, SharedArray second, int delay) {
    auto guard = first.write();
    ::usleep(static_cast<unsigned>(delay));
    try {
      second.write().release();
      ++done;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Deadlock) << error.message();
      ++deadlocks;
    }
  };
  std::thread one([&] { both(a, b, 50000); }), two([&] { both(b, a, 60000); });
  one.join();
  two.join();
  EXPECT_EQ(deadlocks, 1);
  EXPECT_EQ(done, 1);
}

TEST_F(GuardTest, EmptyAndReleasedGuardsSayUsage) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", float64, {10});
  WriteGuard guard = a.write();
  EXPECT_EQ(code_of([&] { static_cast<void>(guard.as_span<float>()); }), ErrorCode::DtypeMismatch);
  guard.release();
  guard.release();  // once more is nothing
  EXPECT_EQ(code_of([&] { static_cast<void>(guard.as_span<double>()); }), ErrorCode::Usage);
  ReadGuard empty;
  EXPECT_EQ(code_of([&] { static_cast<void>(empty.array()); }), ErrorCode::Usage);
  UpdateGuard update;
  EXPECT_EQ(code_of([&] { update.commit(); }), ErrorCode::Usage);
}

TEST_F(GuardTest, AReadOnlyClientReadsAndViewsOnly) {
  Store store = daemon_.connect();
  make_patterned(store, "a", 1000, 1);
  Store reader = daemon_.connect(Role::read_only);
  SharedArray a = reader.open("a");
  EXPECT_TRUE(is_patterned(a, 1));
  EXPECT_EQ(code_of([&] { static_cast<void>(a.write()); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { static_cast<void>(a.update()); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { a.append(zeros({1}, uint8)); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { reader.snapshot("a", "b"); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { a.accept_torn(); }), ErrorCode::Permission);
}

TEST_F(GuardTest, AViewOutlivesTheStoreAndItsHandles) {
  auto view = [&] {
    Store store = daemon_.connect();
    make_patterned(store, "a", 100000, 4);
    SharedArray a = store.open("a");
    Array kept = a.view();
    store.close();
    EXPECT_EQ(code_of([&] { static_cast<void>(store.open("a")); }), ErrorCode::Usage);
    EXPECT_EQ(code_of([&] { static_cast<void>(a.read()); }), ErrorCode::Usage);
    EXPECT_EQ(code_of([&] { store.create("b", int8, {1}); }), ErrorCode::Usage);
    return std::make_unique<Array>(kept);
  }();
  EXPECT_EQ(daemon_.status().clients.size(), 1U) << "the view keeps its place";
  daemon_.connect().remove("a");
  Store other = daemon_.connect();
  for (int i = 0; i < 20; ++i) make_patterned(other, "b" + std::to_string(i), 100000, 50);
  EXPECT_TRUE(has_pattern(view->data(), 100000, 4));
  other.close();
  view.reset();
  EXPECT_TRUE(eventually([&] { return daemon_.status().clients.empty(); }));
}

TEST_F(GuardTest, EmptyHandlesThrow) {
  SharedArray nothing;
  EXPECT_FALSE(nothing);
  EXPECT_EQ(code_of([&] { static_cast<void>(nothing.read()); }), ErrorCode::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(nothing.name()); }), ErrorCode::Usage);
  Store store = daemon_.connect();
  Store moved = std::move(store);
  EXPECT_EQ(code_of([&] { static_cast<void>(store.list()); }), ErrorCode::Usage);  // NOLINT: that is the point
}

TEST_F(GuardTest, RemoveUnderAWriterTellsTheWriter) {
  Store store = daemon_.connect();
  SharedArray a = store.create("a", int8, {10});
  auto guard = a.write();
  store.remove("a");
  EXPECT_EQ(code_of([&] { guard.release(); }), ErrorCode::NoSuchArray);
  EXPECT_EQ(a.version(), 0U);
  EXPECT_EQ(code_of([&] { static_cast<void>(a.info()); }), ErrorCode::NoSuchArray);
  EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() == 0; }));
}

TEST_F(GuardTest, ThreadsShareOneStore) {
  Store store = daemon_.connect();
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 60; ++i) {
        const auto seed = static_cast<std::uint64_t>(t * 1000 + i);
        const auto name = "t" + std::to_string(t) + "/" + std::to_string(i);
        const std::int64_t bytes = 1 + (i * 977) % 20000;
        make_patterned(store, name, bytes, seed);
        if (!is_patterned(store.open(name), seed)) ++failures;
        const Array view = store.open(name).view();
        store.remove(name);
        if (!has_pattern(view.data(), bytes, seed)) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_TRUE(store.list().empty());
  EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() == 0; }));
}

TEST_F(GuardTest, ClaimsAreNotLost) {
  Store store = daemon_.connect();
  SharedArray a = make_patterned(store, "a", 10, 1);
  for (int round = 0; round < 3; ++round) {
    std::vector<ReadGuard> guards;
    const auto take_all = [&] {
      while (true) guards.push_back(a.read());
    };
    EXPECT_EQ(code_of(take_all), ErrorCode::TooManyClaims);
    EXPECT_GE(guards.size(), 64U);
  }
  for (int i = 0; i < 20000; ++i) static_cast<void>(a.view());
}

}  // namespace
}  // namespace ndshare::test
