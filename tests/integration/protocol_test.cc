// The daemon's server from outside: greeting, bad input, roles, slots and their processes, stopping and starting again.
#include <array>
#include <random>

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/wire/socket.h"
#include "tests/integration/daemon_process.h"
#include "tests/support/support.h"

namespace ndshare::test {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): the wire's own names, all over this file

/// One packet as it comes, waiting for it; nothing on a hang-up.
std::optional<Message> next_reply(int fd) {
  Bytes buffer(kMaxPacketBytes);
  while (true) {
    auto got = receive_packet(fd, buffer, true);
    if (got.arrival == Arrival::hang_up) return std::nullopt;
    if (got.arrival == Arrival::packet) return parse_message(std::span(buffer).first(got.bytes));
    wait_readable(fd, watchdog());
  }
}

/// The code of the error reply to raw bytes; Ok for another reply, Disconnected for a hang-up.
ErrorCode answer_to(int fd, const Bytes& packet) {
  if (!send_packet(fd, packet)) return ErrorCode::Timeout;
  auto reply = next_reply(fd);
  if (!reply) return ErrorCode::Disconnected;
  return reply->type() == kErrorType ? error_from_number(reply->body<ErrorReply>().code) : ErrorCode::Ok;
}

bool serves(const DaemonProcess& daemon) { return RawClient(daemon, "operator").call(PingRequest{7}).payload == 7; }

// ---- greeting and order -----------------------------------------------------------------------------------------------------

TEST(ProtocolTest, TheGreetingGivesASlotAndThreeDescriptors) {
  const DaemonProcess daemon;
  ASSERT_EQ(daemon.line(), "ready");
  RawClient client(daemon);
  EXPECT_EQ(client.descriptors().size(), 3U);
  EXPECT_EQ(client.hello().daemon_pid, static_cast<std::uint64_t>(daemon.pid()));
  const auto status = client.call(StatusRequest{});
  ASSERT_EQ(status.clients.size(), 1U);
  EXPECT_EQ(status.clients[0].pid, static_cast<std::uint64_t>(::getpid()));
  EXPECT_EQ(status.clients[0].command, "raw client");
  EXPECT_EQ(status.store, daemon.store());
  EXPECT_EQ(status.pool.capacity_bytes, 64U << 20);
  RawClient other(daemon, "operator");
  EXPECT_TRUE(other.descriptors().empty());
  EXPECT_EQ(other.call(StatusRequest{}).clients.size(), 1U);
}

TEST(ProtocolTest, MessagesOutOfOrderAreRefusedAndTheConnectionGoesOn) {
  const DaemonProcess daemon;
  Channel channel(daemon.connect());
  EXPECT_EQ(code_of([&] { channel.call(PingRequest{}, 1, watchdog()); }), ErrorCode::Protocol);
  EXPECT_EQ(code_of([&] { channel.call(CreateRequest{}, 2, watchdog()); }), ErrorCode::Protocol);
  channel.call(greeting(), 3, watchdog());
  EXPECT_EQ(code_of([&] { channel.call(greeting(), 4, watchdog()); }), ErrorCode::Protocol);
  EXPECT_EQ(channel.call(PingRequest{5}, 5, watchdog()).payload, 5U);
  RawClient other(daemon, "operator");
  EXPECT_EQ(code_of([&] { other.create("x", 1); }), ErrorCode::Protocol);
}

TEST(ProtocolTest, AnotherLayoutIsRefusedWithBothSidesAndAnOperatorIsNot) {
  const DaemonProcess daemon;
  auto request = greeting();
  request.layout_hash = 1;
  const auto text = message_of([&] { RawClient(daemon, request); });
  EXPECT_NE(text.find("layout 1)"), std::string::npos) << text;
  EXPECT_NE(text.find("ndshare stop"), std::string::npos) << text;
  EXPECT_EQ(code_of([&] { RawClient(daemon, request); }), ErrorCode::LayoutVersion);
  request.purpose = "operator";
  EXPECT_EQ(code_of([&] { RawClient(daemon, request); }), ErrorCode::Ok);
  request.protocol = 99;
  EXPECT_EQ(code_of([&] { RawClient(daemon, request); }), ErrorCode::Ok) << "its Save and Stop are those of every version";
  request.purpose = "client";
  EXPECT_EQ(code_of([&] { RawClient(daemon, request); }), ErrorCode::LayoutVersion);
}

TEST(ProtocolTest, ASaveNeedsItsDescriptorsAndAName) {
  const DaemonProcess daemon;
  RawClient one(daemon, "operator");
  EXPECT_EQ(code_of([&] { one.call(SaveRequest{"s", 1000}); }), ErrorCode::Protocol);
  const std::array<int, 2> extra = {0, 0};
  for (const std::string name : {"", ".", "..", "a/b"}) {
    const auto save = [&] { one.channel().call(SaveRequest{name, 1000}, 50 + name.size(), watchdog(), nullptr, extra); };
    EXPECT_EQ(code_of(save), ErrorCode::Usage) << name;
  }
  EXPECT_TRUE(serves(daemon));
}

TEST(ProtocolTest, TooManyClientsAndRoomAgainAfterADetach) {
  const DaemonProcess daemon({.words = {"--max-clients", "2"}});
  RawClient one(daemon);
  RawClient two(daemon);
  EXPECT_EQ(code_of([&] { RawClient three(daemon); }), ErrorCode::TooManyClients);
  two.call(DetachRequest{});
  EXPECT_EQ(code_of([&] { two.create("x", 1); }), ErrorCode::Protocol);
  EXPECT_EQ(code_of([&] { RawClient three(daemon); }), ErrorCode::Ok);
}

// ---- bad input --------------------------------------------------------------------------------------------------------------

TEST(ProtocolTest, RandomBytesGetErrorsThenAHangUpAndHurtNobody) {
  const DaemonProcess daemon;
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    const auto fd = daemon.connect();
    for (int i = 0; i < 9; ++i) {
      Bytes bytes(1 + random() % 2000);
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
      EXPECT_EQ(answer_to(fd.get(), bytes), ErrorCode::Protocol);
    }
    EXPECT_FALSE(next_reply(fd.get()).has_value());
  }
  EXPECT_TRUE(serves(daemon));
}

TEST(ProtocolTest, ATruncatedMessageIsRefusedAtEveryLength) {
  const DaemonProcess daemon;
  const auto bytes = encode_request(1, greeting());
  for (std::size_t n = 1; n < bytes.size(); ++n) {
    const auto fd = daemon.connect();
    EXPECT_EQ(answer_to(fd.get(), Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n))), ErrorCode::Protocol) << n;
  }
  EXPECT_TRUE(serves(daemon));
}

TEST(ProtocolTest, TheLargestPacketOfTheSocketIsRefusedAndTheConnectionGoesOn) {
  const DaemonProcess daemon;
  RawClient client(daemon);
  const int fd = client.channel().fd();
  int buffer = 0;
  socklen_t size = sizeof(buffer);
  ASSERT_EQ(::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, &size), 0);
  auto bytes = static_cast<std::size_t>(buffer);
  while (bytes > kMaxPacketBytes && ::send(fd, Bytes(bytes, 0x81).data(), bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) bytes -= 64;
  ASSERT_GT(bytes, kMaxPacketBytes);
  auto reply = next_reply(fd);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body<ErrorReply>().code, static_cast<std::uint64_t>(ErrorCode::Protocol));
  EXPECT_EQ(client.call(PingRequest{5}).payload, 5U);
}

TEST(ProtocolTest, LargeRequestsGoInPartsAndEndlessOnesAreCutOff) {
  const DaemonProcess daemon;
  RawClient client(daemon);
  EXPECT_EQ(code_of([&] { client.call(RemoveRequest{std::string(300'000, 'x')}); }), ErrorCode::NoSuchArray);
  const auto parts = split_message(encode_request(50, RemoveRequest{std::string(300'000, 'x')}));
  const int fd = client.channel().fd();
  for (std::uint64_t sent = 0; sent <= kMaxRequestBytes; sent += kMaxPacketBytes - 64) {
    while (!send_packet(fd, parts[0])) wait_writable(fd, watchdog());
  }
  auto reply = next_reply(fd);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body<ErrorReply>().code, static_cast<std::uint64_t>(ErrorCode::Protocol));
  EXPECT_TRUE(serves(daemon));
}

TEST(ProtocolTest, DescriptorsBesideARequestAreRefused) {
  const DaemonProcess daemon;
  RawClient client(daemon);
  const std::array<int, 1> extra = {0};
  ASSERT_TRUE(send_packet(client.channel().fd(), encode_request(9, PingRequest{}), extra));
  auto reply = next_reply(client.channel().fd());
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body<ErrorReply>().code, static_cast<std::uint64_t>(ErrorCode::Protocol));
}

TEST(ProtocolTest, TooManyArraysInOneRequestAreRefused) {
  const DaemonProcess daemon;
  RawClient client(daemon);
  CreateRequest request;
  request.specs.resize(kMaxCreateBatch + 1);
  EXPECT_EQ(code_of([&] { client.call(request); }), ErrorCode::Protocol);
}

TEST(ProtocolTest, AReaderThatDoesNotReadHoldsUpNobodyElse) {
  const DaemonProcess daemon;
  RawClient lazy(daemon);
  const auto request = encode_request(9, StatusRequest{});
  int sent = 0;
  while (sent < 100'000 && send_packet(lazy.channel().fd(), request)) ++sent;
  ASSERT_GT(sent, 10);
  EXPECT_TRUE(serves(daemon));
  for (int i = 0; i < sent; ++i) ASSERT_TRUE(next_reply(lazy.channel().fd()).has_value()) << i;
}

/// A trim that has nothing to do answers at once. What follows it on the connection is still taken one at a time.
TEST(ProtocolTest, RequestsAfterATrimAreAnsweredInTheirOrder) {
  const DaemonProcess daemon({.words = {"--capacity", "512M"}});
  RawClient client(daemon);
  client.call(TrimRequest{});
  CreateRequest request;
  request.specs.resize(1);
  request.specs[0].name = "big";
  request.specs[0].dtype = "uint8";
  request.specs[0].shape = {256 << 20};
  const int fd = client.channel().fd();
  ASSERT_TRUE(send_packet(fd, encode_request(100, request)));
  ASSERT_TRUE(send_packet(fd, encode_request(101, PingRequest{5})));
  for (const std::uint64_t sequence : {100U, 101U}) {
    auto reply = next_reply(fd);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->sequence(), sequence);
  }
}

TEST(ProtocolTest, AtTheDescriptorLimitTheDaemonSaysSoAndRecovers) {
  const DaemonProcess daemon({.max_descriptors = 64});
  ASSERT_EQ(daemon.line(), "ready");
  {
    std::vector<Channel> idle;
    auto code = ErrorCode::Ok;
    while (idle.size() < 100 && code == ErrorCode::Ok) {
      idle.emplace_back(daemon.connect());
      code = code_of([&] { idle.back().call(greeting("operator"), 1, watchdog()); });
    }
    EXPECT_EQ(code, ErrorCode::TooManyDescriptors) << idle.size();
    EXPECT_GT(idle.size(), 10U);
  }
  EXPECT_TRUE(wait_until([&] { return code_of([&] { RawClient client(daemon); }) == ErrorCode::Ok; }));
}

// ---- roles ------------------------------------------------------------------------------------------------------------------

TEST(ProtocolTest, AReadOnlyClientMayReadAndNothingElse) {
  const DaemonProcess daemon;
  RawClient client(daemon, "client", true);
  EXPECT_TRUE(client.hello().read_only);
  EXPECT_EQ(::fcntl(client.descriptors().at(2).get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(code_of([&] { client.create("x", 1); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { client.call(RemoveRequest{"x"}); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { client.call(StopRequest{true, false}); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { client.call(TrimRequest{0}); }), ErrorCode::Permission);
  EXPECT_TRUE(client.call(StatusRequest{}).clients.at(0).read_only);
}

/// Runs `body` on a channel of a process of `uid` with the supplementary group `gid`: its result, or 100 + the error's code.
int as_other_user(const DaemonProcess& daemon, uid_t uid, gid_t gid, const std::function<int(Channel&)>& body) {
  const auto path = daemon.socket_path();
  const auto child = fork_child([&] {
    if (::setgroups(1, &gid) != 0 || ::setresgid(65534, 65534, 65534) != 0 || ::setresuid(uid, uid, uid) != 0) return 98;
    try {
      Channel channel(connect_socket(path, watchdog()));
      return body(channel);
    } catch (const Error& error) {
      return 100 + static_cast<int>(error.code());
    }
  });
  return wait_child(child).value_or(-1);
}

/// 0 for the write role, 1 for the read-only one.
int role_of_other_user(const DaemonProcess& daemon, uid_t uid, gid_t gid) {
  return as_other_user(daemon, uid, gid, [](Channel& channel) { return channel.call(greeting(), 1, watchdog()).read_only ? 1 : 0; });
}

constexpr int kRefused = 100 + static_cast<int>(ErrorCode::Permission);

TEST(ProtocolTest, GroupsDecideTheRoleOfOtherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as other users";
  const DaemonProcess daemon({.words = {"--allow-gid", "61001", "--read-only-gid", "61002"}});
  EXPECT_EQ(role_of_other_user(daemon, 61000, 61001), 0);
  EXPECT_EQ(role_of_other_user(daemon, 61000, 61002), 1);
  EXPECT_EQ(role_of_other_user(daemon, 61000, 61003), kRefused);
}

TEST(ProtocolTest, OnlyTheOwnerMayStopTheStore) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as other users";
  const DaemonProcess daemon({.words = {"--allow-gid", "61001"}});
  const auto stop = [](Channel& channel) {
    channel.call(greeting(), 1, watchdog());
    channel.call(StopRequest{true, false}, 2, watchdog());
    return 0;
  };
  EXPECT_EQ(as_other_user(daemon, 61000, 61001, stop), kRefused);
  EXPECT_EQ(role_of_other_user(daemon, 61000, 61001), 0) << "it still serves";
}

TEST(ProtocolTest, RefusedUsersAreHungUpOnAtOnce) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as other users";
  const DaemonProcess daemon({.words = {"--allow-gid", "61001"}});
  const auto path = daemon.socket_path();
  const auto child = fork_child([&] {
    const gid_t none = 61003;
    if (::setgroups(1, &none) != 0 || ::setresgid(65534, 65534, 65534) != 0 || ::setresuid(61000, 61000, 61000) != 0) return 98;
    const auto fd = connect_socket(path, watchdog());  // and says nothing
    const auto first = next_reply(fd.get());
    if (!first || first->type() != kErrorType) return 1;
    return next_reply(fd.get()) ? 2 : 0;
  });
  EXPECT_EQ(wait_child(child, std::chrono::seconds(8)), 0);  // less than a greeting may take
}

TEST(ProtocolTest, WithoutGroupsOtherUsersAreKeptOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as other users";
  const DaemonProcess daemon;
  EXPECT_EQ(role_of_other_user(daemon, 61000, 61001), kRefused);
  struct stat info {};
  ASSERT_EQ(::stat(daemon.socket_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

}  // namespace
}  // namespace ndshare::test
