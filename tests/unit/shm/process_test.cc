#include "lib/shm/process.h"

#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

std::uint64_t own_pid() { return static_cast<std::uint64_t>(::getpid()); }

TEST(ProcessTest, TheLivingLive) {
  const auto start = process_start(own_pid());
  ASSERT_TRUE(start);
  EXPECT_TRUE(process_alive(own_pid(), *start));
  EXPECT_TRUE(process_alive(own_pid(), 0));
}

TEST(ProcessTest, AnotherStartTimeIsAnotherProcess) {
  EXPECT_FALSE(process_alive(own_pid(), *process_start(own_pid()) + 1));
}

TEST(ProcessTest, NoProcessIsDead) {
  EXPECT_FALSE(process_alive(0, 0));
  EXPECT_FALSE(process_alive(~0ULL, 0));
  EXPECT_FALSE(process_alive(0x7FFF'FFFF, 5));
  EXPECT_FALSE(process_start(0x7FFF'FFFF));
}

TEST(ProcessTest, AKilledProcessIsDeadBeforeItIsReaped) {
  const auto pid = test::fork_child([] {
    while (true) ::pause();
    return 0;
  });
  const auto id = static_cast<std::uint64_t>(pid);
  const auto start = process_start(id).value_or(0);
  EXPECT_TRUE(process_alive(id, start));
  ::kill(pid, SIGKILL);
  ::siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<::id_t>(pid), &info, WEXITED | WNOWAIT), 0);  // a zombie from here on
  EXPECT_FALSE(process_alive(id, start));
  EXPECT_EQ(test::wait_child(pid), 128 + SIGKILL);
  EXPECT_FALSE(process_alive(id, start));
}

TEST(ProcessTest, AStoppedProcessLives) {
  const auto pid = test::fork_child([] {
    while (true) ::pause();
    return 0;
  });
  const auto id = static_cast<std::uint64_t>(pid);
  const auto start = process_start(id).value_or(0);
  ::kill(pid, SIGSTOP);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, WUNTRACED), pid);
  EXPECT_TRUE(process_alive(id, start));
  ::kill(pid, SIGKILL);
  test::wait_child(pid);
}

TEST(ProcessTest, StartIsReadBehindAHostileCommandName) {
  const auto pid = test::fork_child([] {
    ::prctl(PR_SET_NAME, "a) R 1 2 (3 ) 4");
    ::raise(SIGSTOP);
    return 0;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, WUNTRACED), pid);
  const auto start = process_start(static_cast<std::uint64_t>(pid));
  ASSERT_TRUE(start);
  EXPECT_GE(*start, *process_start(own_pid()));
  ::kill(pid, SIGKILL);
  test::wait_child(pid);
}

TEST(ProcessTest, CommandIsShortAndPrintable) {
  const auto command = process_command(own_pid());
  EXPECT_FALSE(command.empty());
  EXPECT_LE(command.size(), 55U);
  for (const char byte : command) EXPECT_TRUE(byte >= ' ' && byte <= '~');
  EXPECT_EQ(process_command(0x7FFF'FFFF), "");
}

TEST(ProcessTest, NamespaceAndBootAreKnown) {
  EXPECT_NE(own_pid_namespace(), 0U);
  EXPECT_EQ(pid_namespace(own_pid()), own_pid_namespace());
  const auto id = boot_id();
  EXPECT_NE(id[0] | id[1], 0U);
  std::FILE* file = std::fopen("/proc/sys/kernel/random/boot_id", "r");
  ASSERT_NE(file, nullptr);
  char text[64] = {};
  ASSERT_EQ(std::fscanf(file, "%63s", text), 1);
  std::fclose(file);
  char mine[64];
  std::snprintf(mine, sizeof mine, "%08llx-%04llx-%04llx-%04llx-%012llx", static_cast<unsigned long long>(id[0] >> 32),
                static_cast<unsigned long long>(id[0] >> 16 & 0xFFFF), static_cast<unsigned long long>(id[0] & 0xFFFF),
                static_cast<unsigned long long>(id[1] >> 48),
                static_cast<unsigned long long>(id[1] & 0xFFFF'FFFF'FFFF));
  EXPECT_STREQ(mine, text);
}

}  // namespace
}  // namespace ndshare::internal
