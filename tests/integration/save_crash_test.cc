// Saves and loads that are killed half-way, and saves of stores that are written meanwhile or have no daemon.
#include <algorithm>
#include <csignal>
#include <memory>
#include <random>
#include <set>

#include <sys/wait.h>

#include <gtest/gtest.h>

#include "tests/integration/save_support.h"
#include "tests/support/sample.h"

namespace ndshare::test {
namespace {

constexpr int kArrays = 12;
constexpr std::int64_t kBytes = 3 << 20;

/// All arrays of a generation: the same seed.
void put_generation(Store& store, std::uint64_t generation) {
  for (int i = 0; i < kArrays; ++i) {
    put_pattern(store, "array/" + std::to_string(i), uint8, {kBytes - i}, generation, {.replace = true});
  }
}

/// The one generation that all arrays of the store are of; 0 where they are not, or some are missing.
std::uint64_t generation_of(const std::string& store, std::uint64_t most) {
  const auto pictures = pictures_of(store);
  if (pictures.size() != kArrays) return 0;
  for (std::uint64_t generation = 1; generation <= most; ++generation) {
    const auto fits = [&](const auto& row) {
      return has_pattern(reinterpret_cast<const std::byte*>(row.second.bytes.data()),
                         static_cast<std::int64_t>(row.second.bytes.size()), generation);
    };
    if (std::ranges::all_of(pictures, fits)) return generation;
  }
  return 0;
}

/// Loads into a store of its own and says which generation came out.
std::uint64_t saved_generation(const std::string& folder, std::uint64_t most) {
  const TestStore to;
  admin::load(to.name(), folder, false, {}, kPatience);
  return generation_of(to.name(), most);
}

TEST(SaveCrashTest, ASaveKilledAnywhereLeavesAWholeOne) {
  const TestStore from;
  const ScratchDir scratch;
  const auto folder = scratch.file("s");
  Store store = from.connect();
  put_generation(store, 1);
  admin::save(from.name(), folder, {}, kPatience);
  std::uint64_t generation = 1;
  for (const std::string point : {"save.begin", "save.block", "save.block:5", "save.block:12", "save.synced",
                                  "save.manifest", "save.ready", "save.swapped", "save.done"}) {
    put_generation(store, generation + 1);
    const auto killed = cli(from.name(), {"save", folder}, {.input = {}, .env = {{"NDSHARE_CRASH_AT", point}}});
    EXPECT_EQ(killed.status, 128 + SIGKILL) << point << killed.err;
    const bool swapped = point == "save.swapped" || point == "save.done";
    EXPECT_EQ(saved_generation(folder, generation + 1), swapped ? generation + 1 : generation) << point;
    if (swapped) ++generation;
    EXPECT_EQ(entries_with(scratch.path(), ".saving-").size(), point == "save.done" ? 0U : 1U) << point;
  }
  const auto done = cli(from.name(), {"save", folder});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(entries_with(scratch.path(), "").size(), 1U) << "what killed saves left is removed";
}

TEST(SaveCrashTest, AFirstSaveThatIsKilledIsNoSave) {
  const TestStore from;
  const ScratchDir scratch;
  Store store = from.connect();
  put_generation(store, 1);
  const auto killed =
      cli(from.name(), {"save", scratch.file("s")}, {.input = {}, .env = {{"NDSHARE_CRASH_AT", "save.ready"}}});
  EXPECT_EQ(killed.status, 128 + SIGKILL);
  EXPECT_FALSE(std::filesystem::exists(scratch.file("s")));
  EXPECT_EQ(cli(from.name(), {"load", scratch.file("s")}).status, 1);
  // A folder that looks so and is somebody's at work, or holds something else, stays.
  std::filesystem::create_directories(scratch.file("s.saving-notes"));
  std::filesystem::create_directories(scratch.file("s.saving-1-1/data"));
  spill(scratch.file("s.saving-1-1/data/precious"), "x");
  EXPECT_EQ(cli(from.name(), {"save", scratch.file("s")}).status, 0);
  EXPECT_EQ(entries_with(scratch.path(), ".saving-").size(), 2U);
  EXPECT_EQ(slurp(scratch.file("s.saving-1-1/data/precious")), "x");
}

TEST(SaveCrashTest, ASaveKilledAtAnyTimeLeavesAWholeOne) {
  const TestStore from;
  const ScratchDir scratch;
  const auto folder = scratch.file("s");
  Store store = from.connect();
  put_generation(store, 1);
  admin::save(from.name(), folder, {}, kPatience);
  std::mt19937 random(7);
  std::uint64_t last = 1;
  for (std::uint64_t generation = 2; generation < 22; ++generation) {
    put_generation(store, generation);
    const pid_t child = fork_child([&] {
      ::execl(program("ndshare").c_str(), "ndshare", "--store", from.name().c_str(), "save", folder.c_str(), nullptr);
      return 1;
    });
    ::usleep(static_cast<useconds_t>(random() % 250'000));
    ::kill(child, SIGKILL);
    wait_child(child);
    const auto found = saved_generation(folder, generation);
    EXPECT_TRUE(found == last || found == generation)
        << found << " where " << last << " or " << generation << " should be";
    last = found;
  }
}

TEST(SaveCrashTest, ALoadThatIsKilledLeavesNothing) {
  const TestStore from, to;
  const ScratchDir scratch;
  Store store = from.connect();
  put_generation(store, 1);
  admin::save(from.name(), scratch.file("s"), {}, kPatience);
  const auto used = to.used_bytes();
  for (const std::string point : {"load.made", "load.block", "load.block:7", "load.filled"}) {
    const auto killed =
        cli(to.name(), {"load", scratch.file("s")}, {.input = {}, .env = {{"NDSHARE_CRASH_AT", point}}});
    EXPECT_EQ(killed.status, 128 + SIGKILL) << killed.err;
    EXPECT_TRUE(pictures_of(to.name()).empty()) << point;
    EXPECT_TRUE(eventually([&] { return to.used_bytes() == used; })) << point;
  }
  EXPECT_EQ(cli(to.name(), {"load", scratch.file("s")}).status, 0);
  EXPECT_EQ(generation_of(to.name(), 1), 1U);
}

/// More arrays than a redo record is filled with, and than one request marks as complete.
constexpr std::size_t kManyArrays = 1300;

/// A save of them; every third is sealed.
void save_many(const std::string& folder) {
  const TestStore from;
  Store store = from.connect();
  std::vector<CreateItem> items;
  for (std::size_t i = 0; i < kManyArrays; ++i) items.push_back({"many/" + std::to_string(i), int32, {3}});
  auto made = store.create_many(items);
  for (std::size_t i = 0; i < made.size(); ++i) i % 3 == 0 ? made[i].seal() : made[i].write().release();
  admin::save(from.name(), folder, {}, kPatience);
}

TEST(SaveCrashTest, ALoadOfManyArraysThatIsKilledLeavesNothing) {
  const TestStore to;
  const ScratchDir scratch;
  save_many(scratch.file("s"));
  for (const std::string point : {"load.filled", "load.ready", "load.ready:2"}) {
    const auto killed = cli(to.name(), {"load", scratch.file("s")}, {.input = {}, .env = {{"NDSHARE_CRASH_AT", point}}});
    EXPECT_EQ(killed.status, 128 + SIGKILL) << killed.err;
    EXPECT_TRUE(pictures_of(to.name()).empty()) << point;
  }
  const auto killed =
      cli(to.name(), {"load", scratch.file("s")}, {.input = {}, .env = {{"NDSHARE_CRASH_AT", "load.published"}}});
  EXPECT_EQ(killed.status, 128 + SIGKILL) << killed.err;
  EXPECT_EQ(pictures_of(to.name()).size(), kManyArrays) << "the one request that shows them was answered";
}

/// The daemon is killed at `point` of the load's last request, and the loading process too where asked; then it is started again.
void load_while_the_daemon_is_killed(const std::string& folder, const std::string& point, bool loader_too) {
  SCOPED_TRACE(point + (loader_too ? ", and its client" : ""));
  ::setenv("NDSHARE_CRASH_AT", point.c_str(), 1);
  const TestStore to;
  ::unsetenv("NDSHARE_CRASH_AT");
  const auto daemon = static_cast<pid_t>(to.status().pid);
  const pid_t loader = fork_child([&] {
    admin::load(to.name(), folder, false, {}, kPatience);
    return 0;
  });
  ASSERT_TRUE(eventually([&] { return ::kill(daemon, 0) != 0; }));
  if (loader_too) ::kill(loader, SIGKILL), wait_child(loader);
  admin::start({.store = to.name(), .timeout = kPatience});
  if (!loader_too) {
    EXPECT_EQ(wait_child(loader), std::optional<int>(0));
  }
  const bool all = !loader_too || point.starts_with("publish.");
  std::size_t sealed = 0;
  const auto pictures = pictures_of(to.name());
  EXPECT_EQ(pictures.size(), all ? kManyArrays : 0);
  for (const auto& [name, picture] : pictures) sealed += picture.sealed;
  EXPECT_EQ(sealed, all ? (kManyArrays + 2) / 3 : 0);
}

TEST(SaveCrashTest, ALoadWhoseDaemonIsKilledIsDoneAsAWhole) {
  const ScratchDir scratch;
  save_many(scratch.file("s"));
  for (const std::string point : {"publish.marked", "publish.batch", "publish.batch:2", "create.begin:2"}) {
    for (const bool loader_too : {false, true}) load_while_the_daemon_is_killed(scratch.file("s"), point, loader_too);
  }
}

TEST(SaveCrashTest, TwoSavesAtOnceLeaveOneOfThem) {
  const TestStore from;
  const ScratchDir scratch;
  Store store = from.connect();
  put_generation(store, 1);
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(fork_child([&] {
      for (int turn = 0; turn < 5; ++turn) admin::save(from.name(), scratch.file("s"), {}, kPatience);
      return 0;
    }));
  }
  for (const auto child : children) EXPECT_EQ(wait_child(child), std::optional<int>(0));
  EXPECT_EQ(saved_generation(scratch.file("s"), 1), 1U);
  EXPECT_EQ(entries_with(scratch.path(), "").size(), 1U);
}

TEST(SaveCrashTest, AStoreWithoutADaemonIsSavedByItsOwner) {
  const TestStore from, to;
  const ScratchDir scratch;
  std::vector<SharedArray> keep;
  Store store = from.connect();
  put_every_kind(store, keep);
  auto expected = pictures_of(from.name());
  expected.erase("of a session");
  kill_daemon_of(from.name());
  const auto saved = cli(from.name(), {"--json", "save", scratch.file("s")});
  EXPECT_EQ(saved.status, 0) << saved.err;
  EXPECT_NE(saved.err.find("no daemon"), std::string::npos) << saved.err;
  EXPECT_NE(saved.out.find("\"arrays\":" + std::to_string(expected.size()) + ","), std::string::npos) << saved.out;
  EXPECT_EQ(admin::save(from.name(), scratch.file("s"), {}, kPatience).arrays, expected.size());
  admin::load(to.name(), scratch.file("s"), false, {}, kPatience);
  EXPECT_EQ(pictures_of(to.name()), expected);
}

TEST(SaveCrashTest, AWriterIsInTheWayAndADeadOneHasTornItsRows) {
  const TestStore from, to;
  const ScratchDir scratch;
  {
    Store store = from.connect();
    put_pattern(store, "a", int32, {100}, 1);
  }
  const Gate holds;
  const pid_t writer = fork_child([&] {
    Store store = from.connect();
    auto guard = store.open("a").write({.rows = {10, 20}});
    guard.data()[0] = std::byte{1};
    holds.open();
    while (true) ::pause();
    return 0;
  });
  holds.wait();
  const auto save_soon = [&] { admin::save(from.name(), scratch.file("s"), {}, std::chrono::milliseconds(100)); };
  EXPECT_EQ(code_of(save_soon), ErrorCode::Timeout) << "with a daemon, too, it waits for writers in place";
  EXPECT_NE(message_of(save_soon).find(std::to_string(writer)), std::string::npos) << message_of(save_soon);
  kill_daemon_of(from.name());
  EXPECT_EQ(code_of(save_soon), ErrorCode::Busy);
  EXPECT_NE(message_of(save_soon).find(std::to_string(writer)), std::string::npos) << message_of(save_soon);
  EXPECT_TRUE(entries_with(scratch.path(), "").empty());
  ::kill(writer, SIGKILL);
  wait_child(writer);
  save_soon();
  admin::load(to.name(), scratch.file("s"), false, {}, kPatience);
  const std::vector<std::pair<std::int64_t, std::int64_t>> torn = {{10, 20}};
  EXPECT_EQ(pictures_of(to.name()).at("a").torn, torn);
}

/// A child that rewrites an array again and again: in place, all of it, each time with another byte. It rests in between for a
/// multiple of 2 ms, longer where a sanitizer makes reading slow: a save without a daemon must find it at rest.
pid_t start_rewriter(const TestStore& from, const Gate& started) {
  return fork_child([&] {
    Store store = from.connect();
    auto array = store.open("a");
    for (int turn = 0;; ++turn) {
      auto guard = array.write();
      std::memset(guard.data(), turn % 256, static_cast<std::size_t>(guard.nbytes()));
      guard.release();
      if (turn == 3) started.open();
      ::usleep(static_cast<useconds_t>(turn % 7 * 2000 * kSample));
    }
    return 0;
  });
}

TEST(SaveCrashTest, WhatIsWrittenMeanwhileIsSavedAsOfOneMoment) {
  const TestStore from;
  const ScratchDir scratch;
  {
    Store store = from.connect();
    put_pattern(store, "a", uint8, {2 << 20}, 1);
  }
  const Gate started;
  const pid_t writer = start_rewriter(from, started);
  const std::shared_ptr<void> ended(nullptr, [writer](void*) { ::kill(writer, SIGKILL), wait_child(writer); });
  started.wait();
  std::set<unsigned char> seen;
  for (int turn = 0; turn < 24; ++turn) {
    if (turn == 12) kill_daemon_of(from.name());
    admin::save(from.name(), scratch.file("s"), {}, kPatience);
    const auto bytes = slurp(scratch.file("s/data/000000.npy")).substr(128);
    ASSERT_EQ(bytes.size(), 2U << 20);
    EXPECT_EQ(bytes.find_first_not_of(bytes[0]), std::string::npos) << "turn " << turn;
    seen.insert(static_cast<unsigned char>(bytes[0]));
  }
  EXPECT_GT(seen.size(), 3U);
}

TEST(SaveCrashTest, TheCommandLineSaysWhatHappened) {
  const TestStore from;
  const ScratchDir scratch;
  Store store = from.connect();
  put_pattern(store, "a", int32, {1000}, 1);
  const auto saved = cli(from.name(), {"save", scratch.file("s")});
  EXPECT_EQ(saved.status, 0) << saved.err;
  EXPECT_NE(saved.out.find("1 array, 3.91 KiB"), std::string::npos) << saved.out;
  EXPECT_TRUE(saved.err.empty()) << saved.err;
  EXPECT_EQ(cli(from.name(), {"load", scratch.file("s")}).status, 1);
  const auto loaded = cli(from.name(), {"--json", "load", scratch.file("s"), "--replace"});
  EXPECT_EQ(loaded.status, 0) << loaded.err;
  EXPECT_NE(loaded.out.find("\"arrays\":1,\"bytes\":4000"), std::string::npos) << loaded.out;
  EXPECT_EQ(cli(from.name(), {"save"}).status, 2);
  EXPECT_EQ(cli(from.name(), {"save", scratch.file("no/where")}).status, 1);
  EXPECT_EQ(cli(unique_store_name("none"), {"save", scratch.file("t")}).status, 3);
  EXPECT_EQ(cli(unique_store_name("none"), {"load", scratch.file("s")}).status, 3);
}

}  // namespace
}  // namespace ndshare::test
