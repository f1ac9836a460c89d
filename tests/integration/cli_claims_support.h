/// What the tests of the claims' verbs share: `ndshare lock` in the background, clients that hold something, a store
/// with an array.
#pragma once

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <ndshare/create.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// `ndshare lock WORDS -- CMD` in the background; CMD runs until told to end, and then exits with 7.
class Locker {
 public:
  Locker(const std::string& store, const Words& words) {
    const auto ready = files_.file("ready");
    Words command = {program("ndshare"), "--store", store, "lock"};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"--", "sh", "-c",
                                   "echo $$ > " + ready + ".new && mv " + ready + ".new " + ready + " && while [ -e " +
                                       ready + " ]; do sleep 0.02; done; exit 7"});
    pid_ = fork_child([&] {
      std::vector<char*> argv;
      for (auto& word : command) argv.push_back(word.data());
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      return 98;
    });
  }
  ~Locker() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_child(pid_);
  }
  Locker(const Locker&) = delete;
  Locker& operator=(const Locker&) = delete;

  pid_t pid() const { return pid_; }
  /// Waits until the command runs: then the claim is held.
  bool holds() const {
    return eventually([&] { return std::filesystem::exists(files_.file("ready")); });
  }
  pid_t command_pid() const {
    pid_t pid = -1;
    std::ifstream(files_.file("ready")) >> pid;
    return pid;
  }
  /// Lets the command end; the exit status of the tool.
  int end() {
    std::filesystem::remove(files_.file("ready"));
    return wait();
  }
  int wait() { return wait_child(std::exchange(pid_, -1)).value_or(-1); }

 private:
  ScratchDir files_;
  pid_t pid_ = -1;
};

/// A client of its own that does `hold`, says so, and goes on calling the store until that fails: 0 when it was kicked.
class Client {
 public:
  Client(const TestStore& store, const std::function<std::shared_ptr<void>(Store&)>& hold, bool calls) {
    pid_ = fork_child([&] {
      Store mine = store.connect();
      const auto held = hold(mine);
      gate_.open();
      while (!calls) ::pause();
      try {
        while (true) {
          (void)mine.open("a").read();
          mine.ping();
          ::usleep(2000);
        }
      } catch (const Error& error) {
        return error.code() == ErrorCode::Kicked ? 0 : 1;
      }
    });
    gate_.wait();
  }
  ~Client() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_child(pid_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  std::string pid() const { return std::to_string(pid_); }
  int wait() { return wait_child(std::exchange(pid_, -1)).value_or(-1); }

 private:
  Gate gate_;
  pid_t pid_ = -1;
};

class CliClaimsTest : public testing::Test {
 protected:
  void SetUp() override {
    client_.emplace(store_.connect());
    auto array = client_->create("a", int64, {1000});
    array.write().release();
  }
  void TearDown() override {
    client_.reset();
    admin::stop(store_.name(), true, false, std::chrono::seconds(30));
    EXPECT_TRUE(store_.files().empty());
  }

  Finished cli(const Words& words, const std::string& input = {}) const {
    return test::cli(store_.name(), words, {.input = input, .env = {}});
  }
  std::string ok(const Words& words, const std::string& input = {}) const {
    const auto done = cli(words, input);
    EXPECT_EQ(done.status, 0) << words[0] << ": " << done.err;
    return done.out;
  }
  Json json(Words words, int status = 0) const {
    words.insert(words.begin(), "--json");
    const auto done = cli(words);
    EXPECT_EQ(done.status, status) << words[1] << ": " << done.err;
    return Json::parse(done.out, nullptr, false);
  }
  /// A command line that must fail with this status, one line for people and nothing on stdout.
  void fails(int status, const Words& words, const std::string& part = {}) const {
    const auto done = cli(words);
    EXPECT_EQ(done.status, status) << words[0] << ": " << done.out << done.err;
    EXPECT_TRUE(done.err.starts_with("ndshare: ")) << done.err;
    EXPECT_NE(done.err.find(part), std::string::npos) << "'" << part << "' in " << done.err;
    EXPECT_EQ(done.out, "") << words[0];
  }
  /// The claims that `holders a` shows of a process.
  Json claims_of(pid_t pid) const {
    auto found = Json::array();
    for (const auto& claim : json({"holders", "a"}))
      if (claim["pid"] == pid) found.push_back(claim);
    return found;
  }
  SharedArray array() const { return client_->open("a"); }
  /// Ends the daemon as a crash would.
  void kill_daemon() const {
    const auto pid = static_cast<pid_t>(json({"status"})["pid"].get<int>());
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] {
      const auto seen = cli({"--json", "status"});
      return seen.status == 0 && Json::parse(seen.out)["pid"] == 0;
    }));
  }

  TestStore store_;
  std::optional<Store> client_;
};

}  // namespace ndshare::test
