/// What the fault tests count: a fault leaves nothing behind, in the client or in the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/test_store.h"

namespace ndshare::test {

/// Descriptors of this process.
inline std::uint64_t files_open() {
  std::uint64_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}
/// What they are, a line each.
inline std::string files_text() {
  std::string out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    out += "\n  " + std::filesystem::read_symlink(entry.path(), ignored).string();
  }
  return out;
}

/// Maps of a store's segments in this process. (Others come and go with the allocator and with threads.)
inline std::uint64_t store_maps() {
  std::ifstream file("/proc/self/maps");
  std::string line;
  std::uint64_t count = 0;
  while (std::getline(file, line)) count += line.find("/ndshare-") != std::string::npos ? 1U : 0U;
  return count;
}

/// Removes every array; then the store is as it was when it was started: no bytes, no claims, one client, `keeper`.
inline void expect_back_to_start(const std::string& name, Store& keeper) {
  for (const auto& info : keeper.list()) keeper.remove(info.name);
  const auto status = [&] { return admin::status(name, std::chrono::seconds(30)); };
  EXPECT_TRUE(eventually([&] { return status().clients.size() == 1; })) << status().clients.size() << " slots are taken";
  EXPECT_TRUE(eventually([&] { return admin::Inspector(name).claims().empty(); })) << "a claim is left";
  EXPECT_TRUE(eventually([&] { return status().pool.used_bytes == 0; })) << status().pool.used_bytes << " bytes leaked";
  EXPECT_EQ(status().pool.live_bytes, 0U);
  EXPECT_EQ(status().pool.pending_bytes, 0U);
  EXPECT_EQ(status().arrays, 0U);
}

}  // namespace ndshare::test
