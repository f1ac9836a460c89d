// An upgrade: programs of another memory layout serve a store, are replaced on the disk, and the new ones save it, stop it and
// load it. The old ones are this build's own with another number where the layout's stands.
#include <filesystem>

#include <gtest/gtest.h>

#include "lib/shm/format.h"
#include "tests/integration/save_support.h"

namespace ndshare::test {
namespace {

/// Copies of ndshare and ndshared of another layout, and their store.
class OldVersion {
 public:
  OldVersion() {
    for (const std::string name : {"ndshare", "ndshared"}) {
      make_other(program(name), folder_.file(name));
    }
    const auto started = run_old({"start", "--capacity", "32M"});
    EXPECT_EQ(started.status, 0) << started.err;
  }
  ~OldVersion() { cli(store_, {"stop", "--force"}); }
  OldVersion(const OldVersion&) = delete;
  OldVersion& operator=(const OldVersion&) = delete;

  const std::string& store() const { return store_; }
  Finished run_old(const std::vector<std::string>& words, const std::string& input = {}) const {
    std::vector<std::string> command = {folder_.file("ndshare"), "--store", store_};
    command.insert(command.end(), words.begin(), words.end());
    return run(command, {.input = input, .env = {{"NDSHARE_DAEMON", folder_.file("ndshared")}}});
  }
  /// What an upgrade does to the programs of a daemon that runs.
  void replace_on_disk() const {
    for (const std::string name : {"ndshare", "ndshared"}) std::filesystem::remove(folder_.file(name));
  }

 private:
  static void make_other(const std::string& from, const std::string& to) {
    auto bytes = slurp(from);
    const std::uint64_t hash = internal::kLayoutHash, other = hash ^ 0x5A5A'5A5A'5A5A'5A5AULL;
    const std::string ours(reinterpret_cast<const char*>(&hash), sizeof hash);
    const std::string theirs(reinterpret_cast<const char*>(&other), sizeof other);
    int found = 0;
    for (auto at = bytes.find(ours); at != std::string::npos; at = bytes.find(ours, at)) bytes.replace(at, 8, theirs), ++found;
    EXPECT_GT(found, 0) << from;
    spill(to, bytes);
    std::filesystem::permissions(to, std::filesystem::perms::owner_all);
  }
  ScratchDir folder_;
  std::string store_ = unique_store_name("old");
};

TEST(SaveUpgradeTest, ANewVersionSavesTheStoreOfAnOldDaemon) {
  const OldVersion old;
  const ScratchDir scratch;
  const std::string table = "a,b\n1,2.5\n3,4.5\n";
  EXPECT_EQ(old.run_old({"put", "t", "-", "--format", "csv"}, table).status, 0);
  EXPECT_EQ(old.run_old({"snapshot", "t", "t@1"}).status, 0);
  const auto refused = cli(old.store(), {"show", "t"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("ndshare save DIR"), std::string::npos) << "the way out: " << refused.err;
  old.replace_on_disk();

  const auto saved = cli(old.store(), {"save", scratch.file("s")});
  EXPECT_EQ(saved.status, 0) << saved.err;
  EXPECT_NE(saved.out.find("2 arrays"), std::string::npos) << saved.out;
  EXPECT_EQ(cli(old.store(), {"save", scratch.file("s")}).status, 0) << "a save that is there is replaced";
  EXPECT_EQ(entries_with(scratch.path(), "").size(), 1U);
  EXPECT_EQ(cli(old.store(), {"stop", "--force"}).status, 0);

  const TestStore to;
  const auto loaded = cli(to.name(), {"load", scratch.file("s")});
  EXPECT_EQ(loaded.status, 0) << loaded.err;
  EXPECT_EQ(cli(to.name(), {"get", "t", "-", "--format", "csv"}).out, table);
  EXPECT_EQ(cli(to.name(), {"get", "t@1", "-", "--format", "csv"}).out, table);
}

TEST(SaveUpgradeTest, WhatTheOldVersionSaysIsTold) {
  const OldVersion old;
  const ScratchDir scratch;
  EXPECT_EQ(old.run_old({"put", "t", "-", "--format", "csv"}, "a\n1\n").status, 0);
  EXPECT_EQ(cli(old.store(), {"save", scratch.file("no/where")}).status, 1);
  std::filesystem::create_directories(scratch.file("mine/data"));
  spill(scratch.file("mine/precious"), "x");
  const auto kept = cli(old.store(), {"save", scratch.file("mine")});
  EXPECT_EQ(kept.status, 1);
  EXPECT_NE(kept.err.find("precious"), std::string::npos) << kept.err;
  EXPECT_EQ(slurp(scratch.file("mine/precious")), "x");
  EXPECT_EQ(cli(old.store(), {"stop"}).status, 1) << "it has an array";
  EXPECT_EQ(old.run_old({"show", "t.a"}).out, "[1]\n") << "the daemon goes on";
}

}  // namespace
}  // namespace ndshare::test
