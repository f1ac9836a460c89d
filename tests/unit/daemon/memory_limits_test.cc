#include "lib/shm/memory_limits.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::message_of;

/// Folders of the test's own in place of /proc and /sys/fs/cgroup.
class MemoryLimitsTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = scratch_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  MemoryLimits read() { return read_memory_limits("/dev/shm", scratch_.file("cgroup"), scratch_.file("proc")); }

  test::ScratchDir scratch_;
};

TEST_F(MemoryLimitsTest, WhatCannotBeReadDoesNotLimit) {
  const auto limits = read_memory_limits("/no/such/folder", scratch_.file("cgroup"), scratch_.file("proc"));
  EXPECT_EQ(memory_room(limits), kUnlimited);
  check_room(kUnlimited, limits);
}

TEST_F(MemoryLimitsTest, ReadsAvailableMemory) {
  write("proc/meminfo", "MemTotal:       4000 kB\nMemFree:        100 kB\nMemAvailable:       2000 kB\n");
  EXPECT_EQ(read().memory_available, 2000U * 1024);
}

TEST_F(MemoryLimitsTest, TheTightestGroupUpToTheRootCounts) {
  write("proc/self/cgroup", "0::/user.slice/app.service/inner\n");
  write("cgroup/user.slice/memory.max", "1000000\n");
  write("cgroup/user.slice/memory.current", "400000\n");
  write("cgroup/user.slice/app.service/memory.max", "900000\n");
  write("cgroup/user.slice/app.service/memory.current", "700000\n");
  write("cgroup/user.slice/app.service/memory.stat", "anon 5\ninactive_file 50000\nactive_file 9\n");
  write("cgroup/user.slice/app.service/inner/memory.max", "max\n");
  write("cgroup/user.slice/app.service/inner/memory.current", "700000\n");
  const auto limits = read();
  EXPECT_EQ(limits.cgroup_free, 900000U - 700000 + 50000);
  EXPECT_EQ(limits.cgroup, scratch_.file("cgroup") + "/user.slice/app.service");
}

TEST_F(MemoryLimitsTest, AContainerSeesItsGroupAsTheRoot) {
  write("cgroup/memory.max", "5000\n");
  write("cgroup/memory.current", "6000\n");
  for (const char* path : {"/", "/..", "/../../other", "/not/visible/here"}) {
    write("proc/self/cgroup", std::string("0::") + path + "\n");
    EXPECT_EQ(read().cgroup_free, 0U) << path;  // over its limit already
  }
}

TEST_F(MemoryLimitsTest, ReadsVersionOne) {
  write("proc/self/cgroup", "12:cpu,cpuacct:/x\n4:hugetlb,memory:/docker/abc\n1:name=systemd:/y\n");
  write("cgroup/memory/docker/abc/memory.limit_in_bytes", "8000\n");
  write("cgroup/memory/docker/abc/memory.usage_in_bytes", "3000\n");
  write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("cgroup/memory/memory.usage_in_bytes", "99999999\n");
  EXPECT_EQ(read().cgroup_free, 5000U);
  write("cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(read().cgroup_free, kUnlimited);
}

TEST_F(MemoryLimitsTest, DamagedFilesDoNotLimit) {
  write("proc/self/cgroup", "\n:::\n0\n0:x\n0::\n0::no-slash\n");
  write("proc/meminfo", "MemAvailable: lots\n");
  write("cgroup/memory.max", "many\n");
  const auto limits = read();
  EXPECT_EQ(limits.cgroup_free, kUnlimited);
  EXPECT_EQ(limits.memory_available, kUnlimited);
}

TEST_F(MemoryLimitsTest, TheErrorNamesTheLimitThatBites) {
  MemoryLimits limits;
  limits.tmpfs = "/dev/shm", limits.cgroup = "/sys/fs/cgroup/app";
  limits.tmpfs_free = 3000, limits.memory_available = 2000, limits.cgroup_free = 1000;
  check_room(1000, limits);
  const auto over = [&] { check_room(1001, limits); };
  EXPECT_EQ(code_of(over), Error::SystemMemory);
  EXPECT_NE(message_of(over).find("control group /sys/fs/cgroup/app"), std::string::npos) << message_of(over);
  EXPECT_NE(message_of(over).find("1001 bytes"), std::string::npos);
  limits.tmpfs_free = 500;
  EXPECT_NE(message_of(over).find("file system of /dev/shm"), std::string::npos) << message_of(over);
  limits.tmpfs_free = kUnlimited, limits.cgroup_free = kUnlimited;
  limits.memory_available = 700;
  EXPECT_NE(message_of(over).find("machine's memory"), std::string::npos) << message_of(over);
}

TEST(MemoryLimitsOfThisMachineTest, AreReadable) {
  const auto limits = read_memory_limits("/dev/shm");
  EXPECT_GT(memory_room(limits), 0U);
  EXPECT_NE(limits.memory_available, kUnlimited);
}

}  // namespace
}  // namespace ndshare::internal
