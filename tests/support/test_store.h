/// A store of a test's own: a real ndshared under a unique name, ended with everything it made.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>
#include <ndshare/admin.h>
#include <ndshare/store.h>

#include "tests/support/support.h"

namespace ndshare::test {

class TestStore {
 public:
  explicit TestStore(admin::DaemonOptions options = {}) {
    ::setenv("NDSHARE_DAEMON", program("ndshared").c_str(), 1);
    options.store = name_;
    if (options.capacity_bytes == 0) options.capacity_bytes = 64ULL << 20;
    options.timeout = std::chrono::seconds(30);  // a loaded machine is not an error
    admin::start(options);
  }
  ~TestStore() {
    try {
      admin::stop(name_, true, false, std::chrono::seconds(30));
    } catch (const Error&) {
      // stopped by the test itself; what is left is found by expect_nothing_left()
    }
  }
  TestStore(const TestStore&) = delete;
  TestStore& operator=(const TestStore&) = delete;

  const std::string& name() const { return name_; }
  Store connect(Role role = Role::read_write) const {
    return Store::connect(name_, {.role = role, .timeout = std::chrono::seconds(30)});
  }
  admin::StatusInfo status() const { return admin::status(name_, std::chrono::seconds(30)); }
  std::uint64_t used_bytes() const { return status().pool.used_bytes; }

  /// Paths under /dev/shm that carry this store's name.
  std::vector<std::string> files() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
      const auto path = entry.path().string();
      if (path.find("-" + name_ + ".") != std::string::npos) found.push_back(path);
    }
    return found;
  }

 private:
  std::string name_ = unique_store_name("i");
};

/// Polls until `done` or the watchdog; for what another process does in its own time.
inline bool eventually(const std::function<bool()>& done, std::chrono::seconds watchdog = std::chrono::seconds(30)) {
  const auto deadline = std::chrono::steady_clock::now() + watchdog;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::usleep(2000);
  }
  return true;
}

/// Runs the command-line tool of this build on `store`.
inline Finished cli(const std::string& store, std::vector<std::string> words, RunOptions options = {}) {
  std::vector<std::string> command = {program("ndshare")};
  if (!store.empty()) command.insert(command.end(), {"--store", store});
  command.insert(command.end(), words.begin(), words.end());
  options.env.emplace_back("NDSHARE_DAEMON", program("ndshared"));
  return run(command, options);
}

}  // namespace ndshare::test
