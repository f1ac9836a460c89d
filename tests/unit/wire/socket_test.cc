#include "lib/wire/socket.h"

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/wire/channel.h"
#include "lib/wire/peer.h"
#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::message_of;

Deadline soon(int ms = 50) { return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms); }

struct Ends {
  OwnedFd a, b;
  Ends() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) != 0) ADD_FAILURE() << "socketpair";
    a.reset(fds[0]), b.reset(fds[1]);
  }
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(SocketTest, PacketsKeepTheirBounds) {
  const Ends ends;
  std::array<std::uint8_t, 100> buffer{};
  ASSERT_TRUE(send_packet(ends.a.get(), Bytes{1, 2, 3}));
  ASSERT_TRUE(send_packet(ends.a.get(), Bytes{4}));
  EXPECT_EQ(receive_packet(ends.b.get(), buffer, false).bytes, 3U);
  EXPECT_EQ(receive_packet(ends.b.get(), buffer, false).bytes, 1U);
  EXPECT_EQ(buffer[0], 4);
  EXPECT_EQ(receive_packet(ends.b.get(), buffer, false).arrival, Arrival::nothing);
}

TEST(SocketTest, DescriptorsArriveOpenAndCloseOnExec) {
  const Ends ends;
  const OwnedFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::array<int, 3> sent = {file.get(), file.get(), file.get()};
  std::array<std::uint8_t, 10> buffer{};
  const auto before = open_descriptors();
  {
    ASSERT_TRUE(send_packet(ends.a.get(), Bytes{1}, sent));
    const auto got = receive_packet(ends.b.get(), buffer, true);
    ASSERT_EQ(got.descriptors.size(), 3U);
    struct stat one {}, two {};
    ::fstat(file.get(), &one), ::fstat(got.descriptors[2].get(), &two);
    EXPECT_EQ(one.st_rdev, two.st_rdev);
    EXPECT_NE(::fcntl(got.descriptors[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(SocketTest, UnwantedDescriptorsAreRefusedAndLeakNothing) {
  const Ends ends;
  const std::array<int, 2> sent = {ends.a.get(), ends.b.get()};
  std::array<std::uint8_t, 10> buffer{};
  const auto before = open_descriptors();
  ASSERT_TRUE(send_packet(ends.a.get(), Bytes{1}, sent));
  EXPECT_EQ(code_of([&] { receive_packet(ends.b.get(), buffer, false); }), ErrorCode::Protocol);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(SocketTest, ATruncatedPacketIsRefusedAndItsDescriptorsClosed) {
  const Ends ends;
  const std::array<int, 1> sent = {ends.a.get()};
  std::array<std::uint8_t, 4> buffer{};
  const auto before = open_descriptors();
  ASSERT_TRUE(send_packet(ends.a.get(), Bytes(5, 7), sent));
  EXPECT_EQ(code_of([&] { receive_packet(ends.b.get(), buffer, true); }), ErrorCode::Protocol);
  EXPECT_EQ(open_descriptors(), before);
  ASSERT_TRUE(send_packet(ends.a.get(), Bytes{9}));  // the stream goes on
  EXPECT_EQ(receive_packet(ends.b.get(), buffer, true).bytes, 1U);
}

TEST(SocketTest, AFullSocketDoesNotBlock) {
  const Ends ends;
  const Bytes packet(kMaxPacketBytes, 1);
  int sent = 0;
  while (sent < 1000 && send_packet(ends.a.get(), packet)) ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, 1000);
}

TEST(SocketTest, HangUpsAreSeenOnBothSides) {
  Ends ends;
  std::array<std::uint8_t, 4> buffer{};
  ends.b.reset();
  EXPECT_EQ(receive_packet(ends.a.get(), buffer, true).arrival, Arrival::hang_up);
  EXPECT_EQ(code_of([&] { send_packet(ends.a.get(), Bytes{1}); }), ErrorCode::Disconnected);
}

TEST(SocketTest, NobodyListensIsNoSuchStore) {
  const test::ScratchDir dir;
  EXPECT_EQ(code_of([&] { connect_socket(dir.file("none"), soon()); }), ErrorCode::NoSuchStore);
  { const auto listener = listen_socket(dir.file("dead"), 0600); }
  EXPECT_EQ(code_of([&] { connect_socket(dir.file("dead"), soon()); }), ErrorCode::NoSuchStore);
  EXPECT_EQ(code_of([&] { connect_socket(dir.file(std::string(200, 'x')), soon()); }), ErrorCode::Name);
}

TEST(SocketTest, AStaleSocketIsReplacedAndAFileIsNot) {
  const test::ScratchDir dir;
  { const auto dead = listen_socket(dir.file("s"), 0600); }
  const auto listener = listen_socket(dir.file("s"), 0666);
  struct stat info {};
  ASSERT_EQ(::stat(dir.file("s").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0666U);
  EXPECT_TRUE(connect_socket(dir.file("s"), soon()));
  std::ofstream(dir.file("f")) << "mine";
  const auto text = message_of([&] { listen_socket(dir.file("f"), 0600); });
  EXPECT_NE(text.find("not a socket"), std::string::npos) << text;
  EXPECT_TRUE(std::filesystem::exists(dir.file("f")));
}

TEST(PeerTest, CredentialsAreTheKernels) {
  const test::ScratchDir dir;
  const auto listener = listen_socket(dir.file("s"), 0600);
  const pid_t child = test::fork_child([&] {
    const auto socket = connect_socket(dir.file("s"), kForever);
    std::array<std::uint8_t, 4> buffer{};
    while (receive_packet(socket.get(), buffer, false).arrival != Arrival::hang_up) wait_readable(socket.get(), kForever);
    return 0;
  });
  wait_readable(listener.get(), kForever);
  OwnedFd socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const auto peer = peer_credentials(socket.get());
  EXPECT_EQ(peer.pid, static_cast<std::uint64_t>(child));
  EXPECT_EQ(peer.uid, ::getuid());
  EXPECT_EQ(peer.gid, ::getgid());
  EXPECT_FALSE(process_ended(peer.pidfd.get()));
  socket.reset();
  EXPECT_EQ(test::wait_child(child), 0);
  EXPECT_TRUE(process_ended(peer.pidfd.get()));
}

// ---- Channel ----------------------------------------------------------------------------------------------------------------

/// Answers packets on the other end of a channel with what `answer` returns, until it returns nothing.
struct Responder {
  OwnedFd socket;
  std::thread thread;
  template <class Answer>
  Responder(OwnedFd end, Answer answer) : socket(std::move(end)) {
    thread = std::thread([this, answer] {
      Bytes buffer(kMaxPacketBytes);
      while (true) {
        const auto got = receive_packet(socket.get(), buffer, false);
        if (got.arrival == Arrival::hang_up) return;
        if (got.arrival == Arrival::nothing) {
          wait_readable(socket.get(), kForever);
          continue;
        }
        auto message = parse_message(std::span(buffer).first(got.bytes));
        for (const auto& packet : answer(message)) {
          while (!send_packet(socket.get(), packet)) wait_writable(socket.get(), kForever);
        }
      }
    });
  }
  ~Responder() { thread.join(); }
};

TEST(ChannelTest, RepliesInPartsAreReassembled) {
  Ends ends;
  StatusReply status;
  status.clients.resize(4000);
  for (auto& client : status.clients) client.command = std::string(55, 'x');
  const Responder other(std::move(ends.b),
                        [&](Message& request) { return split_message(encode(20 | kReplyBit, request.sequence(), status)); });
  Channel channel(std::move(ends.a));
  EXPECT_EQ(channel.call(StatusRequest{}, 1, kForever).clients.size(), 4000U);
}

TEST(ChannelTest, ErrorsArriveAsTheyWereThrown) {
  Ends ends;
  const Responder other(std::move(ends.b), [](Message& request) {
    return split_message(encode(kErrorType, request.sequence(), ErrorReply{31, "taken", {{"name", "x"}}}));
  });
  Channel channel(std::move(ends.a));
  try {
    channel.call(RemoveRequest{"x"}, 1, kForever);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::NameTaken);
    EXPECT_EQ(error.message(), "taken");
    EXPECT_EQ(error.detail("name"), "x");
  }
}

TEST(ChannelTest, ALateReplyIsNotTakenForTheNextOne) {
  Ends ends;
  const int server = ends.b.get();
  Channel channel(std::move(ends.a));
  EXPECT_EQ(code_of([&] { channel.call(PingRequest{1}, 1, soon(1)); }), ErrorCode::Timeout);
  EXPECT_FALSE(channel.broken());
  ASSERT_TRUE(send_packet(server, encode(2 | kReplyBit, 1, PingReply{1})));
  ASSERT_TRUE(send_packet(server, encode(2 | kReplyBit, 2, PingReply{2})));
  EXPECT_EQ(channel.call(PingRequest{2}, 2, kForever).payload, 2U);
}

TEST(ChannelTest, AHangUpIsDisconnectedForGood) {
  Ends ends;
  Channel channel(std::move(ends.a));
  ends.b.reset();
  EXPECT_EQ(code_of([&] { channel.call(PingRequest{}, 1, kForever); }), ErrorCode::Disconnected);
  EXPECT_TRUE(channel.broken());
  EXPECT_EQ(code_of([&] { channel.call(PingRequest{}, 2, kForever); }), ErrorCode::Disconnected);
}

TEST(ChannelTest, AReasonGivenBeforeTheHangUpIsHeard) {
  for (const bool asked_first : {false, true}) {
    Ends ends;
    Channel channel(std::move(ends.a));
    if (asked_first) {
      EXPECT_EQ(code_of([&] { channel.call(PingRequest{}, 1, soon(1)); }), ErrorCode::Timeout);
    }
    ASSERT_TRUE(send_packet(ends.b.get(), encode(kErrorType, 0, ErrorReply{39, "full", {}})));
    ends.b.reset();  // with our request unread in the second case
    EXPECT_EQ(code_of([&] { channel.call(PingRequest{}, 2, kForever); }), ErrorCode::TooManyDescriptors) << asked_first;
  }
}

TEST(ChannelTest, ARequestOverTheLimitIsRefusedBeforeItIsSent) {
  Ends ends;
  Channel channel(std::move(ends.a));
  const RemoveRequest request{std::string(kMaxRequestBytes, 'x')};
  EXPECT_EQ(code_of([&] { channel.call(request, 1, soon()); }), ErrorCode::Usage);
  EXPECT_FALSE(channel.broken());
}

TEST(ChannelTest, AWrongReplyIsAProtocolError) {
  Ends ends;
  ASSERT_TRUE(send_packet(ends.b.get(), encode(21 | kReplyBit, 1, TrimReply{})));
  Channel channel(std::move(ends.a));
  const auto text = message_of([&] { channel.call(PingRequest{}, 1, soon()); });
  EXPECT_NE(text.find("answered Ping with reply to Trim"), std::string::npos) << text;
}

}  // namespace
}  // namespace ndshare::internal
