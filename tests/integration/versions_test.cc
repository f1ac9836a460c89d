// Versions of shared arrays: in-place writes, copies on write, updates, snapshots, appends, resizes, reverts, and what views see.
#include <thread>

#include <gtest/gtest.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMiB = 1 << 20;

class VersionsTest : public ::testing::Test {
 protected:
  VersionsTest() : store_(daemon_.connect()) {}
  void TearDown() override {
    for (const auto& info : store_.list()) store_.remove(info.name);
    EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() == 0; })) << daemon_.used_bytes() << " bytes were not given back";
    store_.close();
    EXPECT_TRUE(eventually([&] { return daemon_.status().clients.empty(); })) << "a client's slot was not given back";
  }
  /// A visible array of `rows` int64 rows of 1 KiB each: row i holds `base` + i everywhere.
  SharedArray make(const std::string& name, std::int64_t rows, std::int64_t base = 0) {
    SharedArray array = store_.create(name, int64, {rows, 128});
    auto guard = array.write();
    fill_rows(guard.as_span<std::int64_t>(), base);
    guard.release();
    return array;
  }
  static void fill_rows(std::span<std::int64_t> values, std::int64_t base) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = base + static_cast<std::int64_t>(i / 128);
  }
  static std::int64_t row(const Array& array, std::int64_t index) { return array.at<std::int64_t>(index, 77); }

  TestStore daemon_;
  Store store_;
};

TEST_F(VersionsTest, WritesInPlaceKeepTheVersionAndGrowTheRevision) {
  SharedArray a = make("a", 100);
  const auto version = a.version(), revision = a.revision();
  {
    auto guard = a.write({.rows = {10, 20}});
    EXPECT_EQ(guard.array().shape(), (Shape{10, 128}));
    fill_rows(guard.as_span<std::int64_t>(), 1000);
  }
  EXPECT_EQ(a.version(), version);
  EXPECT_EQ(a.revision(), revision + 1);
  const auto guard = store_.open("a").read();
  EXPECT_EQ(guard.as_span<std::int64_t>()[10 * 128], 1000);
  EXPECT_EQ(row(guard.array(), 19), 1009);
  EXPECT_EQ(row(guard.array(), 20), 20);
}

TEST_F(VersionsTest, AViewNeverChangesUnderAWriter) {
  SharedArray a = make("a", 1000);  // 16 grains of 64 rows
  const Array before = a.view();
  {
    auto guard = a.write({.rows = {100, 110}});
    fill_rows(guard.as_span<std::int64_t>(), 5000);
  }
  EXPECT_EQ(row(before, 100), 100);
  const Array after = a.view();
  EXPECT_EQ(row(after, 100), 5000);
  EXPECT_EQ(row(after, 99), 99);
  EXPECT_EQ(row(after, 110), 110);
  // One grain of 64 KiB was copied, the rest is shared.
  EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() <= 1000 * 1024 + 2 * 65536; })) << daemon_.used_bytes();
  // A part of a view is as good.
  const Array part = a.view({.rows = {100, 101}});
  a.write({.rows = {100, 101}}).as_span<std::int64_t>()[0] = 1;
  EXPECT_EQ(part.at<std::int64_t>(0, 0), 5000);
  EXPECT_EQ(a.read().as_span<std::int64_t>()[100 * 128], 1);
}

TEST_F(VersionsTest, OverwriteCopiesOnlyTheEdges) {
  SharedArray a = make("a", 1000);
  const Array before = a.view();
  {
    auto guard = a.write({.rows = {32, 200}, .overwrite = true});
    fill_rows(guard.as_span<std::int64_t>(), 9000);
  }
  const Array after = a.view();
  for (std::int64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(row(before, i), i);
    EXPECT_EQ(row(after, i), i >= 32 && i < 200 ? 9000 + i - 32 : i);
  }
}

TEST_F(VersionsTest, AnUpdateIsSeenAllAtOnceOrNotAtAll) {
  SharedArray a = make("a", 1000);
  {
    auto dropped = a.update({.rows = {0, 500}});
    fill_rows(dropped.as_span<std::int64_t>(), 7000);
    EXPECT_EQ(row(a.view(), 3), 3);
    const auto reading = a.read();  // an update blocks no reader
    EXPECT_EQ(reading.as_span<std::int64_t>()[0], 0);
  }
  EXPECT_EQ(row(a.view(), 3), 3);
  const auto before = a.version(), revision = a.revision();
  auto update = a.update({.rows = {300, 400}});
  fill_rows(update.as_span<std::int64_t>(), 7000);
  const auto version = update.commit();
  EXPECT_EQ(a.version(), version);
  EXPECT_GT(version, before);
  EXPECT_EQ(a.revision(), revision + 1);
  for (std::int64_t i = 0; i < 1000; ++i) EXPECT_EQ(row(a.view(), i), i >= 300 && i < 400 ? 7000 + i - 300 : i);
  EXPECT_EQ(code_of([&] { update.commit(); }), ErrorCode::Usage);
}

TEST_F(VersionsTest, TwoUpdatesOfDifferentGrainsMerge) {
  SharedArray a = make("a", 1000);
  auto first = a.update({.rows = {0, 10}});
  std::thread([&] {
    Store other = daemon_.connect();
    auto second = other.open("a").update({.rows = {900, 910}});
    fill_rows(second.as_span<std::int64_t>(), 2000);
    second.commit();
  }).join();
  fill_rows(first.as_span<std::int64_t>(), 1000);
  first.commit();
  EXPECT_EQ(row(a.view(), 5), 1005);
  EXPECT_EQ(row(a.view(), 905), 2005);
}

TEST_F(VersionsTest, ASnapshotCopiesNothingAndStays) {
  SharedArray a = make("a", 1000);
  const auto used = daemon_.used_bytes();
  const SharedArray monday = store_.snapshot("a", "a@monday");
  EXPECT_EQ(daemon_.used_bytes(), used);
  EXPECT_TRUE(monday.info().snapshot);
  EXPECT_TRUE(monday.sealed());
  a.write({.rows = {0, 1}}).as_span<std::int64_t>()[77] = 42;
  EXPECT_EQ(row(a.view(), 0), 42);
  EXPECT_EQ(row(monday.view(), 0), 0);
  auto update = a.update();
  fill_rows(update.as_span<std::int64_t>(), 100);
  update.commit();
  EXPECT_EQ(row(monday.view(), 999), 999);
  EXPECT_EQ(row(a.view(), 999), 1099);
  EXPECT_EQ(code_of([&] { store_.snapshot("a", "a@monday"); }), ErrorCode::NameTaken);
  EXPECT_EQ(code_of([&] { static_cast<void>(SharedArray(monday).write()); }), ErrorCode::Sealed);
  store_.remove("a");
  EXPECT_EQ(row(monday.view(), 500), 500);
}

TEST_F(VersionsTest, WithoutSnapshotsWritesAreInPlaceAgain) {
  SharedArray a = make("a", 1000);
  store_.snapshot("a", "s");
  store_.remove("s");
  // The floor goes when nobody can hold the snapshot any more, which the daemon sees a moment later.
  EXPECT_TRUE(eventually([&] {
    const auto version = a.version();
    a.write().as_span<std::int64_t>()[0] = 1;
    return a.version() == version;
  })) << "copies are made for a snapshot that is gone";
}

TEST_F(VersionsTest, AppendSharesWhatIsThere) {
  SharedArray a = make("a", 1000);
  std::vector<Array> views;
  std::int64_t rows = 1000;
  for (int i = 0; i < 40; ++i) {
    views.push_back(a.view());
    Array more = empty({i % 7 + 1, 128}, int64);
    fill_rows(more.as_span<std::int64_t>(), rows);
    a.append(more);
    rows += i % 7 + 1;
    ASSERT_EQ(a.shape(), (Shape{rows, 128}));
  }
  const Array all = a.view();
  for (std::int64_t i = 0; i < rows; ++i) ASSERT_EQ(row(all, i), i);
  std::int64_t then = 1000;
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(views[static_cast<std::size_t>(i)].shape()[0], then);
    ASSERT_EQ(row(views[static_cast<std::size_t>(i)], then - 1), then - 1);
    then += i % 7 + 1;
  }
  a.append(full({128}, 9, int64));  // one row
  EXPECT_EQ(row(a.view(), rows), 9);
  EXPECT_EQ(code_of([&] { a.append(zeros({2, 128}, float64)); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(code_of([&] { a.append(zeros({2, 127}, int64)); }), ErrorCode::ShapeMismatch);
}

TEST_F(VersionsTest, AppendGrowsSmallArraysThroughEverySize) {
  SharedArray a = store_.create("a", uint8, {0});
  a.write().release();
  std::vector<unsigned char> all;
  for (int i = 0; i < 300; ++i) {
    std::vector<unsigned char> more(static_cast<std::size_t>(i * 13 % 700), static_cast<unsigned char>(i));
    a.append(from_vector(more));
    all.insert(all.end(), more.begin(), more.end());
  }
  const auto guard = a.read();
  ASSERT_EQ(guard.nbytes(), static_cast<std::int64_t>(all.size()));
  EXPECT_TRUE(std::equal(all.begin(), all.end(), guard.as_span<std::uint8_t>().begin()));
}

TEST_F(VersionsTest, ResizeCutsAndAddsZeros) {
  SharedArray a = make("a", 1000);
  const Array before = a.view();
  a.resize(10);
  EXPECT_EQ(a.shape(), (Shape{10, 128}));
  a.append(full({1, 128}, -5, int64));
  EXPECT_EQ(row(a.view(), 10), -5);
  EXPECT_EQ(row(before, 10), 10) << "the view that is longer shares the page";
  a.resize(500);
  EXPECT_EQ(row(a.view(), 499), 0);
  EXPECT_EQ(row(a.view(), 9), 9);
  EXPECT_EQ(row(before, 499), 499);
  a.resize(0);
  EXPECT_EQ(a.nbytes(), 0);
  a.resize(3);
  EXPECT_EQ(row(a.view(), 2), 0);
  EXPECT_EQ(code_of([&] { a.resize(-1); }), ErrorCode::Shape);
}

TEST_F(VersionsTest, RevertBringsASnapshotBack) {
  SharedArray a = make("a", 1000);
  store_.snapshot("a", "good");
  a.resize(2000);
  a.write({.rows = {0, 2}}).as_span<std::int64_t>()[0] = 99;
  const Array longer = a.view();
  a.revert("good");
  EXPECT_EQ(a.shape(), (Shape{1000, 128}));
  EXPECT_EQ(a.read().as_span<std::int64_t>()[0], 0);
  // What is written now touches neither the snapshot nor the view of the longer version.
  a.append(full({1, 128}, 3, int64));
  a.write().as_span<std::int64_t>()[0] = 7;
  EXPECT_EQ(row(store_.open("good").view(), 0), 0);
  EXPECT_EQ(longer.at<std::int64_t>(1000, 0), 0);
  EXPECT_EQ(longer.at<std::int64_t>(0, 0), 99);
  make("b", 10);
  EXPECT_EQ(code_of([&] { a.revert("b"); }), ErrorCode::Contract);
  EXPECT_EQ(code_of([&] { a.revert("nothing"); }), ErrorCode::NoSuchArray);
}

TEST_F(VersionsTest, CommitAfterRemoveSaysSoAndLosesNothingElse) {
  SharedArray a = make("a", 100);
  auto update = a.update();
  store_.remove("a");
  EXPECT_EQ(code_of([&] { update.commit(); }), ErrorCode::NoSuchArray);
  make("a", 50);  // another array of that name
  EXPECT_EQ(code_of([&] { update.commit(); }), ErrorCode::NoSuchArray);
  update.release();
}

TEST_F(VersionsTest, CommitAfterAResizeElsewhereMerges) {
  SharedArray a = make("a", 1000);
  auto update = a.update({.rows = {0, 10}});
  std::thread([&] {
    SharedArray same = daemon_.connect().open("a");
    same.resize(900);  // another grain: nobody waits
    EXPECT_EQ(code_of([&] { same.resize(5, milliseconds(20)); }), ErrorCode::Timeout) << "that would cut rows under an update";
  }).join();
  fill_rows(update.as_span<std::int64_t>(), 100);
  update.commit();
  EXPECT_EQ(a.shape(), (Shape{900, 128}));
  EXPECT_EQ(row(a.view(), 9), 109);
  EXPECT_EQ(row(a.view(), 899), 899);
}

TEST_F(VersionsTest, GuardsOutliveTheClosedStore) {
  Store mine = daemon_.connect();
  SharedArray a = mine.create("mine", int64, {10, 128});
  a.write().release();
  auto reading = a.read({.rows = {0, 5}, .timeout = {}});
  auto writing = a.write({.rows = {5, 10}});
  mine.close();
  EXPECT_EQ(code_of([&] { static_cast<void>(a.read()); }), ErrorCode::Usage);
  EXPECT_EQ(code_of([&] { a.append(zeros({1, 128}, int64)); }), ErrorCode::Usage);
  writing.as_span<std::int64_t>()[0] = 4;
  EXPECT_EQ(reading.array().shape(), (Shape{5, 128}));
  EXPECT_EQ(daemon_.status().clients.size(), 2U) << "guards keep the place";
  writing.release();
  reading.release();
  EXPECT_TRUE(eventually([&] { return daemon_.status().clients.size() == 1; }));
  EXPECT_EQ(store_.open("mine").read().as_span<std::int64_t>()[5 * 128], 4);
}

TEST_F(VersionsTest, ThreadsThatEndLeaveNoClaimBehind) {
  make("a", 10);
  Store mine = daemon_.connect();
  for (int round = 0; round < 300; ++round) {  // more threads than there are entries: parked ones come back
    std::thread([&] {
      const SharedArray a = mine.open("a");
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(a.read().as_span<std::int64_t>()[128], 1);
        EXPECT_EQ(row(a.view(), 9), 9);
      }
    }).join();
  }
  std::thread closing([&] { mine.close(); });
  closing.join();
  EXPECT_TRUE(eventually([&] { return daemon_.status().clients.size() == 1; }));
}

TEST_F(VersionsTest, AGuardMayEndInAnotherThreadAndTheStoreMayCloseMeanwhile) {
  make("a", 10);
  for (int round = 0; round < 50; ++round) {
    Store mine = daemon_.connect();
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        try {
          const SharedArray a = mine.open("a");
          ReadGuard moved;
          for (int i = 0; i < 200; ++i) {
            auto guard = a.read();
            const Array view = a.view();
            if (guard.as_span<std::int64_t>()[128] != 1 || row(view, 3) != 3) std::abort();
            if (i % 10 == 0) std::thread([&] { moved = std::move(guard); }).join();
          }
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::Usage) << error.message();
        }
      });
    }
    ::usleep(static_cast<unsigned>(round * 40));
    mine.close();
    for (auto& thread : threads) thread.join();
  }
  EXPECT_TRUE(eventually([&] { return daemon_.status().clients.size() == 1; }));
}

TEST_F(VersionsTest, ChangesWakeWaiters) {
  SharedArray a = make("a", 100);
  SharedArray b = make("b", 100);
  const auto revision = a.revision();
  EXPECT_EQ(code_of([&] { a.wait_for_change(revision, milliseconds(5)); }), ErrorCode::Timeout);
  std::thread writer([&] {
    ::usleep(20000);
    a.write().as_span<std::int64_t>()[0] = 5;
  });
  EXPECT_EQ(a.wait_for_change(revision, std::chrono::seconds(30)), revision + 1);
  writer.join();
  const std::vector<Watch> watches = {{a, a.revision()}, {b, b.revision()}};
  std::thread updater([&] {
    ::usleep(20000);
    auto update = b.update({.rows = {0, 1}});
    update.commit();
  });
  EXPECT_EQ(store_.wait_for_change(watches, std::chrono::seconds(30)), 1U);
  updater.join();
  {
    const auto guard = a.read();
    EXPECT_EQ(code_of([&] { a.wait_for_change(a.revision(), milliseconds(5)); }), ErrorCode::WouldDeadlock);
  }
  std::thread remover([&] {
    ::usleep(20000);
    store_.remove("b");
  });
  EXPECT_EQ(code_of([&] { b.wait_for_change(b.revision(), std::chrono::seconds(30)); }), ErrorCode::NoSuchArray);
  remover.join();
}

TEST_F(VersionsTest, ManyArraysAreLockedInOneOrder) {
  SharedArray a = make("a", 100), b = make("b", 100), c = make("c", 100);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Store mine = daemon_.connect();
      SharedArray x = mine.open(t % 2 == 0 ? "a" : "c"), y = mine.open("b"), z = mine.open(t % 2 == 0 ? "c" : "a");
      for (int i = 0; i < 50; ++i) {
        const std::vector<LockItem> items = {{x}, {y, LockMode::read}, {z}};
        auto guards = mine.lock(items, std::chrono::seconds(60));
        ++std::get<WriteGuard>(guards[0]).as_span<std::int64_t>()[5];
        ++std::get<WriteGuard>(guards[2]).as_span<std::int64_t>()[5];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(a.read().as_span<std::int64_t>()[5], 200);
  EXPECT_EQ(c.read().as_span<std::int64_t>()[5], 200);
}

TEST_F(VersionsTest, RandomStepsAgreeWithAModel) {
  std::srand(4711);
  const auto pick = [](std::int64_t n) { return std::rand() % n; };  // NOLINT: a fixed sequence is what is wanted
  SharedArray a = make("a", 700);
  std::vector<std::int64_t> model(700);
  for (std::size_t i = 0; i < model.size(); ++i) model[i] = static_cast<std::int64_t>(i);
  std::vector<std::pair<Array, std::vector<std::int64_t>>> views;
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> snapshots;
  for (int step = 0; step < 400; ++step) {
    const auto n = static_cast<std::int64_t>(model.size());
    const auto lo = pick(n), hi = lo + 1 + pick(n - lo);
    const auto put = [&](std::span<std::int64_t> values) {
      fill_rows(values, step * 10000);
      for (auto i = lo; i < hi; ++i) model[static_cast<std::size_t>(i)] = step * 10000 + i - lo;
    };
    switch (pick(8)) {
      case 0: put(a.write({.rows = {lo, hi}}).as_span<std::int64_t>()); break;
      case 1: put(a.write({.rows = {lo, hi}, .overwrite = true}).as_span<std::int64_t>()); break;
      case 2: {
        auto update = a.update({.rows = {lo, hi}, .overwrite = pick(2) == 0});
        put(update.as_span<std::int64_t>());
        update.commit();
        break;
      }
      case 3: views.emplace_back(a.view(), model); break;
      case 4:
        if (!views.empty()) views.erase(views.begin() + pick(static_cast<std::int64_t>(views.size())));
        break;
      case 5: {
        const auto name = "s" + std::to_string(step);
        store_.snapshot("a", name);
        snapshots.emplace_back(name, model);
        if (snapshots.size() > 4) {
          store_.remove(snapshots.front().first);
          snapshots.erase(snapshots.begin());
        }
        break;
      }
      case 6: {
        const auto rows = 1 + pick(900);
        a.resize(rows);
        model.resize(static_cast<std::size_t>(rows), 0);
        break;
      }
      default: {
        Array more = empty({1 + pick(30), 128}, int64);
        fill_rows(more.as_span<std::int64_t>(), step);
        a.append(more);
        for (std::int64_t i = 0; i < more.shape()[0]; ++i) model.push_back(step + i);
      }
    }
    const auto same = [&](const Array& array, const std::vector<std::int64_t>& rows) {
      if (array.shape()[0] != static_cast<std::int64_t>(rows.size())) return false;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (array.at<std::int64_t>(static_cast<std::int64_t>(i), 0) != rows[i]) return false;
        if (array.at<std::int64_t>(static_cast<std::int64_t>(i), 127) != rows[i]) return false;
      }
      return true;
    };
    ASSERT_TRUE(same(a.view(), model)) << "step " << step;
    for (const auto& [view, rows] : views) ASSERT_TRUE(same(view, rows)) << "step " << step;
    for (const auto& [name, rows] : snapshots) ASSERT_TRUE(same(store_.open(name).view(), rows)) << "step " << step;
  }
}

TEST_F(VersionsTest, LargeUpdatesUseEveryPiece) {
  SharedArray a = store_.create("a", uint8, {20 * kMiB});
  fill_pattern(a.write().data(), 20 * kMiB, 1);
  const Array before = a.view();
  for (int i = 0; i < 5; ++i) {
    auto update = a.update({.rows = {i * 4 * kMiB + 100, i * 4 * kMiB + 2 * kMiB}});
    fill_pattern(update.data(), update.nbytes(), static_cast<std::uint64_t>(i) + 10);
    update.commit();
  }
  EXPECT_GT(a.info().extents, 5);
  EXPECT_TRUE(has_pattern(before.data(), 20 * kMiB, 1));
  const auto guard = a.read();
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(has_pattern(guard.data() + i * 4 * kMiB + 100, 2 * kMiB - 100, static_cast<std::uint64_t>(i) + 10));
  }
  EXPECT_EQ(guard.data()[99], before.data()[99]);
}

}  // namespace
}  // namespace ndshare::test
