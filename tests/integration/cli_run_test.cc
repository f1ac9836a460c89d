// `ndshare run` and the demo: private stores that end with their command.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tests/support/support.h"

namespace ndshare::test {
namespace {

Finished cli(std::vector<std::string> words) {
  words.insert(words.begin(), program("ndshare"));
  return run(words,
             {.input = {}, .env = {{"NDSHARE_DAEMON", program("ndshared")}}, .watchdog = std::chrono::seconds(120)});
}

bool has_segments(const std::string& store) {
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
    if (entry.path().filename().string().find(store) != std::string::npos) return true;
  return false;
}

/// Whether the store's segments go away before the watchdog's time is over.
bool goes_away(const std::string& store) {
  for (int i = 0; i < 600; ++i) {
    if (!has_segments(store)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

std::string without_newline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

TEST(CliRunTest, CommandGetsAPrivateStoreThatEndsWithIt) {
  const auto nd = program("ndshare");
  const auto done = cli(
      {"run", "--capacity", "16M", "--", "sh", "-c",
       "echo $NDSHARE_STORE; " + nd + " create a --dtype i4 --shape 3 --fill 4 && " + nd + " show a >&2 && exit 7"});
  EXPECT_EQ(done.status, 7) << done.err;
  EXPECT_NE(done.err.find("[4 4 4]"), std::string::npos) << done.err;
  const auto store = without_newline(done.out);
  EXPECT_TRUE(store.starts_with("run-")) << store;
  EXPECT_TRUE(goes_away(store));
}

TEST(CliRunTest, WordsOfTheCommandAreItsOwn) {
  const auto done = cli({"run", "--", "printf", "%s|", "--json", "--store", "[ a ]", "--", "-x", "ls"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out, "--json|--store|[ a ]|--|-x|ls|");
}

TEST(CliRunTest, CommandWithoutItsMarkIsExplained) {
  const auto done = cli({"run", "python3", "-c", "1"});
  EXPECT_EQ(done.status, 2);
  EXPECT_NE(done.err.find("'--'"), std::string::npos) << done.err;
}

TEST(CliRunTest, EndsAreReportedAsAShellDoes) {
  EXPECT_EQ(cli({"run", "--", "no-such-program-here"}).status, 127);
  EXPECT_EQ(cli({"run", "--", "/dev/null"}).status, 126);
  EXPECT_EQ(cli({"run", "--", "sh", "-c", "kill -9 $$"}).status, 128 + SIGKILL);
  EXPECT_EQ(cli({"run", "--", "true"}).status, 0);
  EXPECT_EQ(cli({"run", "--capacity", "x", "--", "true"}).status, 1);
  EXPECT_EQ(cli({"run", "true"}).status, 2);
}

TEST(CliRunTest, SignalsAreForwarded) {
  ScratchDir files;
  const auto ready = files.file("ready");
  const pid_t child = fork_child([&] {
    return cli({"run", "--", "sh", "-c",
                "trap 'exit 42' TERM; echo $NDSHARE_STORE > " + ready + ".new; mv " + ready + ".new " + ready +
                    "; while :; do sleep 0.05; done"})
        .status;
  });
  // The tool is the grandchild: the test's child runs it. Its pid is in the store's name.
  for (int i = 0; i < 600 && !std::filesystem::exists(ready); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto shown = run({"cat", ready});
  const auto store = without_newline(shown.out);
  ASSERT_TRUE(store.starts_with("run-")) << store;
  const auto pid = static_cast<pid_t>(std::stol(store.substr(4)));
  ASSERT_EQ(::kill(pid, SIGTERM), 0);
  EXPECT_EQ(wait_child(child), 42);
  EXPECT_TRUE(goes_away(store));
}

TEST(CliRunTest, StoreOfAKilledRunEndsWithItsCommand) {
  ScratchDir files;
  const auto ready = files.file("ready");
  const pid_t child = fork_child([&] {
    return cli({"run", "--", "sh", "-c",
                "echo $NDSHARE_STORE > " + ready + ".new; mv " + ready + ".new " + ready + "; sleep 0.5"})
        .status;
  });
  for (int i = 0; i < 600 && !std::filesystem::exists(ready); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto store = without_newline(run({"cat", ready}).out);
  ASSERT_TRUE(store.starts_with("run-")) << store;
  ASSERT_EQ(::kill(static_cast<pid_t>(std::stol(store.substr(4))), SIGKILL), 0);
  EXPECT_EQ(wait_child(child), 128 + SIGKILL);
  EXPECT_TRUE(goes_away(store));
}

TEST(DemoTest, PipelineChecksItselfAndReportsTheTotals) {
  const auto bin = std::filesystem::path(program("ndshare")).parent_path().string();
  const auto done = cli({"run", "--capacity", "256M", "--", NDSHARE_PIPELINE, bin,
                         std::string(NDSHARE_TEST_DATA) + "/flights-100k.csv", "3"});
  ASSERT_EQ(done.status, 0) << done.out << done.err;
  for (const char* part : {"TOTAL    100000 flights, sum of delays 659889 min", "ORD        5609    9.00 min  24.3%",
                           "checked:", "PIPELINE", "derived", "NAME", "capacity"})
    EXPECT_NE(done.out.find(part), std::string::npos) << part << " in\n" << done.out;
}

TEST(DemoTest, PipelineNoticesAWrongReport) {
  // The same stages over a file whose rows the check reads differently: a header that awk counts but a name that it
  // does not.
  const auto bin = std::filesystem::path(program("ndshare")).parent_path().string();
  ScratchDir files;
  const auto csv = files.file("f.csv");
  // A quoted field is one field for a CSV reader and two for the naive check: the reports differ, and the pipeline says
  // so.
  run({"sh", "-c",
       "printf 'date,delay,distance,origin,destination\\n2001-01-01T00:01,33,2176,\"LAS\",PHL\\n' > " + csv});
  const auto done = cli({"run", "--capacity", "64M", "--", NDSHARE_PIPELINE, bin, csv, "1"});
  EXPECT_EQ(done.status, 1) << done.out;
  EXPECT_NE(done.err.find("differs from an independent computation"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace ndshare::test
