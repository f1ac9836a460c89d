// Socket activation: the daemon serves a socket on which somebody else listens already, as systemd does.
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/shm/segment.h"
#include "lib/wire/owned_fd.h"
#include <ndshare/create.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

/// A listening socket at `path`, as a supervisor makes it.
internal::OwnedFd listen_at(const std::string& path, int type = SOCK_SEQPACKET) {
  internal::OwnedFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 8), 0);
  return fd;
}

/// An ndshared that finds the socket as descriptor 3.
pid_t start_activated(const std::string& store, int fd) {
  const auto daemon = program("ndshared");
  return fork_child([&] {
    ::dup2(fd, 3);
    if (fd == 3) ::fcntl(3, F_SETFD, 0);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    ::execl(daemon.c_str(), daemon.c_str(), "--store", store.c_str(), "--capacity", "64M", nullptr);
    return 98;
  });
}

TEST(ActivationTest, ServesThePassedSocketAndLeavesIt) {
  const auto store = unique_store_name("act");
  const auto path = internal::segment_paths(::geteuid(), store).socket;
  const auto socket = listen_at(path);
  // The client is there before the daemon: its connection waits in the socket's queue.
  const pid_t client = fork_child([&] {
    auto mine = Store::connect(store, {.timeout = std::chrono::seconds(60)});
    mine.create("a", float64, {10});
    return mine.contains("a") ? 0 : 1;
  });
  const pid_t daemon = start_activated(store, socket.get());
  EXPECT_EQ(wait_child(client), 0);
  EXPECT_EQ(test::cli(store, {"stop", "--force"}).status, 0);
  EXPECT_EQ(wait_child(daemon), 0);
  EXPECT_TRUE(std::filesystem::exists(path)) << "the socket is the supervisor's";
  const pid_t again = start_activated(store, socket.get());
  EXPECT_TRUE(eventually([&] { return test::cli(store, {"status"}).status == 0; }));
  ::kill(again, SIGTERM);
  EXPECT_EQ(wait_child(again), 0);
  EXPECT_TRUE(std::filesystem::exists(path));
  ::unlink(path.c_str());
  EXPECT_EQ(test::cli(store, {"stop", "--force"}).status, 0) << "what it left in memory";
}

TEST(ActivationTest, RefusesASocketThatClientsWouldNotFind) {
  const auto store = unique_store_name("act");
  ScratchDir files;
  for (const int type : {SOCK_SEQPACKET, SOCK_STREAM}) {
    const auto socket = listen_at(files.file("s" + std::to_string(type)), type);
    EXPECT_EQ(wait_child(start_activated(store, socket.get())), 2);
  }
  EXPECT_EQ(test::cli(store, {"stop", "--force"}).status, 3) << "nothing was made";
}

}  // namespace
}  // namespace ndshare::test
