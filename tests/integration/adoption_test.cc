// Stores that outlast their daemon, and those that end with their last client.
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/daemon_process.h"
#include "tests/integration/victim.h"
#include "tests/support/support.h"

namespace ndshare::test {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): the wire's own names, all over this file

// ---- the next daemon --------------------------------------------------------------------------------------------------------

TEST(AdoptionTest, TermKeepsTheMemoryForTheNextStart) {
  for (const int signal : {SIGTERM, SIGINT, SIGKILL}) {
    DaemonProcess daemon;
    RawClient client(daemon);
    client.make("a", kMiB);
    client.make("gone", kMiB, true);
    EXPECT_EQ(daemon.end(signal), signal == SIGKILL ? 128 + SIGKILL : 0);
    daemon.start();
    ASSERT_EQ(daemon.line(), "ready") << signal;
    const auto status = status_of(daemon);
    EXPECT_TRUE(status.adopted);
    EXPECT_EQ(status.arrays, 2U);  // this process still lives, so does its session array
    ASSERT_EQ(status.clients.size(), 1U);
    auto request = greeting();
    request.resume_slot = client.hello().slot + 1;
    request.resume_gen = client.hello().gen;
    EXPECT_EQ(RawClient(daemon, request).hello().gen, client.hello().gen);
  }
}

TEST(AdoptionTest, AnAdoptedClientThatDiesLaterIsSwept) {
  DaemonProcess daemon;
  Victim victim(daemon, [](RawClient& client) { client.make("mine", kMiB, true); });
  ASSERT_TRUE(victim.started());
  daemon.end(SIGKILL);
  daemon.start();
  EXPECT_EQ(status_of(daemon).clients.size(), 1U);
  victim.kill();
  EXPECT_TRUE(wait_status(daemon, [](const StatusReply& status) { return status.clients.empty() && status.arrays == 0; }));
}

TEST(AdoptionTest, AdoptedClientsOutlastADescriptorLimit) {
  constexpr std::size_t kClients = 60;
  DaemonProcess first;
  Victim victim(first, [&](RawClient&) {
    static std::vector<std::unique_ptr<RawClient>> others;
    while (others.size() + 1 < kClients) others.push_back(std::make_unique<RawClient>(first));
  });
  ASSERT_TRUE(victim.started());
  first.end(SIGKILL);
  const DaemonProcess second({.store = first.store(), .max_descriptors = 48});
  ASSERT_EQ(second.line(), "ready");
  EXPECT_EQ(status_of(second).clients.size(), kClients);
  victim.kill();  // some are seen by pidfd, the others by the clock
  EXPECT_TRUE(wait_status(second, [](const StatusReply& status) { return status.clients.empty(); }));
}

TEST(AdoptionTest, AClientThatDiedMeanwhileIsSweptAtTheStart) {
  DaemonProcess daemon;
  Victim victim(daemon, [](RawClient& client) { client.create("half", kMiB); });
  ASSERT_TRUE(victim.started());
  daemon.end(SIGKILL);
  victim.kill();
  daemon.start();
  const auto status = status_of(daemon);
  EXPECT_TRUE(status.clients.empty());
  EXPECT_EQ(status.arrays, 0U);
}

// ---- ephemeral stores -------------------------------------------------------------------------------------------------------

TEST(AdoptionTest, AnEphemeralStoreEndsWithItsLastClient) {
  DaemonProcess daemon(with({"--ephemeral", "--idle-exit", "60"}));
  Victim one(daemon, [](RawClient& client) { client.make("a", kMiB); });
  {
    RawClient two(daemon);
    EXPECT_TRUE(two.call(StatusRequest{}).ephemeral);
    two.call(DetachRequest{});
  }
  EXPECT_EQ(status_of(daemon).clients.size(), 1U);
  one.kill();
  EXPECT_EQ(daemon.end(0), 0);
  EXPECT_TRUE(daemon.files().empty());
}

TEST(AdoptionTest, AnEphemeralStoreThatNobodyComesToEnds) {
  DaemonProcess daemon(with({"--ephemeral", "--idle-exit", "0"}));
  EXPECT_EQ(daemon.end(0), 0);
  EXPECT_TRUE(daemon.files().empty());
}

TEST(AdoptionTest, ALastingStoreIsNotEndedByADaemonStartedAsEphemeral) {
  DaemonProcess first;
  {
    RawClient client(first);
    client.make("a", kMiB);
    client.call(DetachRequest{});
  }
  first.end(SIGKILL);
  {
    DaemonProcess second({.words = {"--ephemeral", "--idle-exit", "0"}, .store = first.store()});
    RawClient client(second);
    EXPECT_FALSE(client.call(StatusRequest{}).ephemeral);
    client.call(DetachRequest{});
    EXPECT_EQ(status_of(second).arrays, 1U);
    EXPECT_EQ(second.end(SIGTERM), 0);
    EXPECT_GE(second.files().size(), 3U);
  }
}

TEST(AdoptionTest, AnEphemeralStoreStartedAsALastingOneBecomesOne) {
  DaemonProcess first(with({"--ephemeral"}));
  RawClient client(first);
  client.make("a", kMiB);
  first.end(SIGKILL);
  DaemonProcess second({.store = first.store()});
  EXPECT_FALSE(status_of(second).ephemeral);
  auto request = greeting();
  request.resume_slot = client.hello().slot + 1;
  request.resume_gen = client.hello().gen;
  RawClient(second, request).call(DetachRequest{});
  EXPECT_EQ(status_of(second).arrays, 1U);
  EXPECT_EQ(second.end(SIGTERM), 0);
  EXPECT_GE(second.files().size(), 3U);
}

TEST(AdoptionTest, TermRemovesAnEphemeralStore) {
  DaemonProcess daemon(with({"--ephemeral"}));
  RawClient client(daemon);
  EXPECT_EQ(daemon.end(SIGTERM), 0);
  EXPECT_TRUE(daemon.files().empty());
}

}  // namespace
}  // namespace ndshare::test
