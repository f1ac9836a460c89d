// Runs the C program against a store, and finds nothing left of it. That c.h compiles as C++ is seen here too.
#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <ndshare/c.h>

#include "tests/support/test_store.h"

namespace ndshare::test {
namespace {

#define NDSHARE_ERROR(name, number, exit, meaning) \
  static_assert(static_cast<int>(NDS_ERROR_##name) == static_cast<int>(ErrorCode::name));
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
static_assert(NDS_MAX_AXES == kMaxAxes);

bool something_left(const std::string& store) {
  const std::filesystem::directory_iterator files("/dev/shm");
  return std::any_of(begin(files), end(files), [&](const auto& entry) {
    return entry.path().filename().string().find(store) != std::string::npos;
  });
}

TEST(CAbiTest, AProgramInCUsesEveryCall) {
  const auto private_store = unique_store_name("c");
  std::string store;
  {
    const TestStore daemon;
    store = daemon.name();
    const RunOptions options{.input = {}, .env = {{"NDSHARE_DAEMON", program("ndshared")}}};
    const auto result = run({NDSHARE_C_PROGRAM, store, private_store}, options);
    EXPECT_EQ(result.status, 0) << result.out << result.err;
    EXPECT_TRUE(eventually([&] { return daemon.status().clients.empty(); })) << "a client's slot was not given back";
    EXPECT_EQ(daemon.status().arrays, 0U);
  }
  EXPECT_TRUE(eventually([&] { return !something_left(private_store); })) << "the private store outlives its client";
  EXPECT_FALSE(something_left(store));
}

}  // namespace
}  // namespace ndshare::test
