// Slots and their processes, stopping, starting again, and what is left behind.
#include <array>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/integration/daemon_process.h"
#include "tests/integration/victim.h"
#include "tests/support/support.h"

namespace ndshare::test {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): the wire's own names, all over this file

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// ---- slots and processes ----------------------------------------------------------------------------------------------------

TEST(LifecycleTest, AKilledClientGivesEverythingBack) {
  const DaemonProcess daemon;
  Victim victim(daemon, [](RawClient& client) {
    client.create("half-built", kMiB);
    client.make("mine", kMiB, true);
    client.make("kept", kMiB);
  });
  ASSERT_TRUE(victim.started());
  EXPECT_EQ(status_of(daemon).clients.size(), 1U);
  victim.kill();
  EXPECT_TRUE(wait_status(daemon, [](const StatusReply& status) {
    return status.clients.empty() && status.arrays == 1 && status.pool.used_bytes == static_cast<std::uint64_t>(kMiB);
  }));
  RawClient client(daemon);
  client.make("half-built", kMiB);  // the name is free again
}

TEST(LifecycleTest, AClientKilledWhileItsMemoryIsReservedGivesItBack) {
  const DaemonProcess daemon(with({"--capacity", "1G"}));
  RawClient other(daemon);
  for (int round = 0; round < 5; ++round) {
    Victim victim(daemon, [&](RawClient& client) {
      CreateRequest request;
      request.specs.resize(1);
      request.specs[0].name = "big";
      request.specs[0].dtype = "uint8";
      request.specs[0].shape = {512 * kMiB};
      send_packet(client.channel().fd(), encode_request(77, request));
    });
    ASSERT_TRUE(victim.started());
    EXPECT_EQ(other.call(PingRequest{3}).payload, 3U);  // served meanwhile
    victim.kill();
    EXPECT_TRUE(wait_status(daemon, [](const StatusReply& status) {
      return status.clients.size() == 1 && status.pool.used_bytes == 0 && status.pool.pending_bytes == 0;
    }));
  }
  other.create("big", 512 * kMiB);
}

TEST(LifecycleTest, ALostConnectionKeepsTheSlotForItsProcess) {
  const DaemonProcess daemon;
  auto request = greeting();
  {
    RawClient client(daemon);
    client.make("mine", 1000, true);
    request.resume_slot = client.hello().slot + 1;
    request.resume_gen = client.hello().gen;
  }
  RawClient again(daemon, request);
  EXPECT_EQ(again.hello().slot + 1, request.resume_slot);
  EXPECT_EQ(again.hello().gen, request.resume_gen);
  const auto status = again.call(StatusRequest{});
  EXPECT_EQ(status.clients.size(), 1U);
  EXPECT_EQ(status.arrays, 1U);
  // Another process does not get it, whatever it says.
  Victim thief(daemon, [&](RawClient&) {
    const RawClient client(daemon, request);
    if (client.hello().slot + 1 == request.resume_slot) std::abort();
  });
  EXPECT_TRUE(thief.started());
}

TEST(LifecycleTest, DetachSweepsBeforeItReplies) {
  const DaemonProcess daemon;
  RawClient client(daemon);
  client.make("mine", 1000, true);
  client.call(DetachRequest{});
  const auto status = client.call(StatusRequest{});
  EXPECT_TRUE(status.clients.empty());
  EXPECT_EQ(status.arrays, 0U);
}

TEST(LifecycleTest, ACreateSentAgainIsAppliedOnce) {
  const DaemonProcess daemon;
  CreateRequest request;
  request.specs.resize(1);
  request.specs[0].name = "once";
  request.specs[0].dtype = "float64";
  request.specs[0].shape = {1000};
  RawClient client(daemon);
  const auto first = client.channel().call(request, 100, watchdog());
  const auto second = client.channel().call(request, 100, watchdog());
  EXPECT_EQ(first.arrays.at(0).array, second.arrays.at(0).array);
  EXPECT_EQ(first.arrays.at(0).version, second.arrays.at(0).version);
  EXPECT_EQ(code_of([&] { client.channel().call(request, 101, watchdog()); }), ErrorCode::NameTaken);
}

TEST(LifecycleTest, AClientThatFailsAfterItsGreetingLeavesNoSlot) {
  const DaemonProcess daemon({.words = {"--max-clients", "2"}});
  for (int i = 0; i < 20; ++i) {
    { const RawClient failed(daemon); }
    ASSERT_TRUE(wait_status(daemon, [](const StatusReply& status) { return status.clients.empty(); })) << i;
  }
}

TEST(LifecycleTest, AClientThatWasAtWorkKeepsItsSlotWhateverBecomesOfItsConnection) {
  const DaemonProcess daemon;
  auto resumed = greeting();
  {
    RawClient one(daemon), two(daemon), three(daemon);
    one.call(PingRequest{1});
    two.call(PingRequest{1});
    three.make("mine", 1000, true);
    resumed.resume_slot = two.hello().slot + 1;
    resumed.resume_gen = two.hello().gen;
  }
  // It may take claims at any time, of which the daemon hears nothing: a slot of the living is never given to another.
  ::usleep(200000);
  EXPECT_EQ(status_of(daemon).clients.size(), 3U);
  RawClient two(daemon, resumed);
  EXPECT_EQ(two.hello().gen, resumed.resume_gen);
  EXPECT_EQ(two.call(StatusRequest{}).arrays, 1U);
  two.call(DetachRequest{});
  EXPECT_EQ(status_of(daemon).clients.size(), 2U);
}

TEST(LifecycleTest, ASweepThatFailedIsTriedAgain) {
  const DaemonProcess daemon({.env = {{"NDSHARE_FAIL_AT", "sweep.dying:2"}}});
  Victim victim(daemon, [](RawClient& client) { client.make("mine", kMiB, true); });
  ASSERT_TRUE(victim.started());
  victim.kill();
  EXPECT_TRUE(wait_status(daemon, [](const StatusReply& status) { return status.clients.empty() && status.arrays == 0; }));
}

TEST(LifecycleTest, ASyncSegmentCutByAClientEndsNobodyElse) {
  const DaemonProcess daemon;
  RawClient evil(daemon);
  evil.make("a", kMiB);
  evil.make("mine", kMiB, true);
  ASSERT_EQ(::ftruncate(evil.descriptors().at(1).get(), 0), 0);
  evil.call(RemoveRequest{"mine"});  // bumps a word that is gone
  RawClient next(daemon);
  struct stat info {};
  ASSERT_EQ(::fstat(next.descriptors().at(1).get(), &info), 0);
  EXPECT_GT(info.st_size, 0);
  next.make("b", kMiB);
  ASSERT_EQ(::ftruncate(evil.descriptors().at(1).get(), 0), 0);
  next.call(DetachRequest{});
  EXPECT_EQ(status_of(daemon).arrays, 2U);
}

// ---- stopping ---------------------------------------------------------------------------------------------------------------

TEST(LifecycleTest, StopRefusesWhileClientsAreAttachedAndNamesThem) {
  DaemonProcess daemon;
  Victim victim(daemon, [](RawClient&) {});
  RawClient control(daemon, "operator");
  const auto text = message_of([&] { control.call(StopRequest{false, false}); });
  EXPECT_NE(text.find(std::to_string(victim.pid())), std::string::npos) << text;
  EXPECT_NE(text.find("--force"), std::string::npos) << text;
  EXPECT_EQ(code_of([&] { control.call(StopRequest{false, false}); }), ErrorCode::Busy);
  control.call(StopRequest{true, false});
  EXPECT_EQ(daemon.end(0), 0);
  EXPECT_TRUE(daemon.files().empty());
}

TEST(LifecycleTest, StopRefusesWhilePersistentArraysExistAndKeepKeepsThem) {
  DaemonProcess daemon;
  {
    RawClient client(daemon);
    client.make("a", kMiB);
    client.call(DetachRequest{});
  }
  RawClient control(daemon, "operator");
  EXPECT_NE(message_of([&] { control.call(StopRequest{false, false}); }).find("('a')"), std::string::npos);
  EXPECT_EQ(code_of([&] { control.call(StopRequest{false, false}); }), ErrorCode::Busy);
  control.call(StopRequest{false, true});
  EXPECT_EQ(daemon.end(0), 0);
  EXPECT_GE(daemon.files().size(), 3U);
  daemon.start();
  ASSERT_EQ(daemon.line(), "ready");
  EXPECT_EQ(status_of(daemon).arrays, 1U);
}

TEST(LifecycleTest, StopOfAnEmptyStoreLeavesNothing) {
  DaemonProcess daemon;
  RawClient(daemon, "operator").call(StopRequest{false, false});
  EXPECT_EQ(daemon.end(0), 0);
  EXPECT_TRUE(daemon.files().empty());
}

TEST(LifecycleTest, WhoSeesTheHangUpOfAStopMayStartAgainAtOnce) {
  DaemonProcess daemon;
  for (int round = 0; round < 10; ++round) {
    RawClient control(daemon, "operator");
    control.call(StopRequest{true, true});
    EXPECT_EQ(code_of([&] { control.call(PingRequest{}); }), ErrorCode::Disconnected);
    daemon.end(0);
    daemon.start();
    ASSERT_EQ(daemon.line(), "ready");
  }
}

TEST(LifecycleTest, HangupSignalIsIgnored) {
  const DaemonProcess daemon;
  ::kill(daemon.pid(), SIGHUP);
  EXPECT_TRUE(status_of(daemon).clients.empty());
}

// ---- starting ---------------------------------------------------------------------------------------------------------------

TEST(LifecycleTest, ASecondDaemonIsToldOfTheFirst) {
  const DaemonProcess first;
  const DaemonOptions same{.store = first.store()};
  std::string line;
  {
    DaemonProcess second(same);
    line = second.line();
    EXPECT_EQ(second.end(0), 1);
    EXPECT_EQ(line.find("error " + std::to_string(static_cast<int>(ErrorCode::StoreExists)) + " "), 0U) << line;
    EXPECT_NE(line.find(std::to_string(first.pid())), std::string::npos) << line;
    EXPECT_EQ(RawClient(first, "operator").call(PingRequest{1}).payload, 1U);
  }
}

TEST(LifecycleTest, AStaleSocketIsReplacedAndASquattedOneIsNot) {
  DaemonProcess daemon;
  const auto path = daemon.socket_path();
  daemon.end(SIGKILL);  // leaves its socket
  daemon.start();
  EXPECT_EQ(daemon.line(), "ready");
  daemon.end(SIGTERM);
  std::ofstream(path) << "not a socket";
  daemon.start();
  EXPECT_EQ(daemon.line().find("error " + std::to_string(static_cast<int>(ErrorCode::Squatted)) + " "), 0U) << daemon.line();
  EXPECT_EQ(text_of(path), "not a socket");
}

TEST(LifecycleTest, ABadCommandLineIsToldToTheStarter) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--capacity", "lots"}, {"--max-clients", "0"}, {"--max-clients", "4096"}, {"--log-level", "loud"}, {"--bogus"}, {"word"}}) {
    DaemonProcess daemon(with(words));
    EXPECT_EQ(daemon.line().find("error " + std::to_string(static_cast<int>(ErrorCode::Usage)) + " "), 0U) << daemon.line();
    EXPECT_EQ(daemon.end(0), 2);
  }
}

TEST(LifecycleTest, TheLogSaysWhoCameAndWent) {
  const ScratchDir dir;
  DaemonProcess daemon(with({"--log-file", dir.file("log"), "--log-level", "info"}));
  {
    RawClient client(daemon);
    client.call(DetachRequest{});
  }
  daemon.end(SIGTERM);
  const auto text = text_of(dir.file("log"));
  const auto pid = std::to_string(::getpid());
  EXPECT_NE(text.find("serves store '" + daemon.store()), std::string::npos) << text;
  EXPECT_NE(text.find("attached slot 0 of pid " + pid), std::string::npos) << text;
  EXPECT_NE(text.find("detached slot 0 of pid " + pid), std::string::npos) << text;
  EXPECT_NE(text.find("stopping: SIGTERM"), std::string::npos) << text;
}

/// Binds a datagram socket and gives what arrives.
std::string notified(bool abstract, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (abstract) address.sun_path[0] = '\0';
  const OwnedFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return "cannot bind";  // NOLINT
  DaemonProcess daemon({.env = {{"NOTIFY_SOCKET", path}}});
  std::array<char, 100> buffer{};
  std::string out;
  wait_readable(socket.get(), watchdog());
  out.append(buffer.data(), static_cast<std::size_t>(::recv(socket.get(), buffer.data(), buffer.size(), 0))) += " ";
  daemon.end(SIGTERM);
  wait_readable(socket.get(), watchdog());
  out.append(buffer.data(), static_cast<std::size_t>(::recv(socket.get(), buffer.data(), buffer.size(), 0)));
  return out;
}

TEST(LifecycleTest, TheServiceManagerIsTold) {
  const ScratchDir dir;
  EXPECT_EQ(notified(false, dir.file("n")), "READY=1 STOPPING=1");
  EXPECT_EQ(notified(true, "@" + unique_store_name("notify")), "READY=1 STOPPING=1");
}

}  // namespace
}  // namespace ndshare::test
