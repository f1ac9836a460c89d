#include "tests/integration/daemon_process.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/shm/format.h"
#include "lib/shm/segment.h"
#include "tests/support/support.h"

namespace ndshare::test {

using namespace internal;  // NOLINT(google-build-using-namespace): the wire's own names, all over this file

Deadline watchdog() { return std::chrono::steady_clock::now() + std::chrono::seconds(60); }

namespace {

/// The first line of a pipe, without its end.
std::string read_line(int fd) {
  std::string line;
  char byte = 0;
  while (::read(fd, &byte, 1) == 1 && byte != '\n') line += byte;
  return line;
}

}  // namespace

DaemonProcess::DaemonProcess(DaemonOptions options) : options_(std::move(options)) {
  if (options_.store.empty()) options_.store = unique_store_name("d");
  start();
}

void DaemonProcess::start() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  const OwnedFd read_end(ends[0]);
  OwnedFd write_end(ends[1]);
  std::vector<std::string> words = {program("ndshared"), "--store", options_.store, "--ready-fd", std::to_string(ends[1])};
  if (std::find(options_.words.begin(), options_.words.end(), "--capacity") == options_.words.end()) {
    words.insert(words.end(), {"--capacity", "64M"});
  }
  words.insert(words.end(), options_.words.begin(), options_.words.end());
  pid_ = fork_child([&] {
    ::fcntl(ends[1], F_SETFD, 0);
    for (const auto& [key, value] : options_.env) ::setenv(key.c_str(), value.c_str(), 1);
    if (options_.max_descriptors != 0) {
      const rlimit limit{options_.max_descriptors, options_.max_descriptors};
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    return 127;
  });
  write_end.reset();
  line_ = read_line(read_end.get());
}

std::optional<int> DaemonProcess::end(int signal) {
  if (pid_ <= 0) return std::nullopt;
  if (signal != 0) ::kill(pid_, signal);
  const auto status = wait_child(pid_);
  pid_ = -1;
  return status;
}

DaemonProcess::~DaemonProcess() {
  if (pid_ > 0) end(SIGKILL);
  for (const auto& path : files()) ::unlink(path.c_str());
}

OwnedFd DaemonProcess::connect() const { return connect_socket(socket_path(), watchdog()); }

std::string DaemonProcess::socket_path() const { return segment_paths(::geteuid(), store()).socket; }

std::vector<std::string> DaemonProcess::files() const {
  const auto paths = segment_paths(::geteuid(), store());
  std::vector<std::string> out;
  for (const auto& path : {paths.catalog, paths.sync, paths.pool, paths.socket, paths.lock}) {
    if (std::filesystem::exists(std::filesystem::symlink_status(path))) out.push_back(path);
  }
  return out;
}

HelloRequest greeting(const std::string& purpose) {
  HelloRequest out;
  out.layout_hash = kLayoutHash;
  out.pid = static_cast<std::uint64_t>(::getpid());
  out.purpose = purpose;
  out.command = "raw client";
  return out;
}

RawClient::RawClient(const DaemonProcess& daemon, const HelloRequest& request) : channel_(daemon.connect()) {
  hello_ = channel_.call(request, ++sequence_, watchdog(), &descriptors_);
}

RawClient::RawClient(const DaemonProcess& daemon, const std::string& purpose, bool read_only)
    : RawClient(daemon, [&] {
        auto request = greeting(purpose);
        request.read_only = read_only;
        return request;
      }()) {}

CreateReply RawClient::create(const std::string& name, std::int64_t bytes, bool session) {
  CreateRequest request;
  request.specs.resize(1);
  request.specs[0].name = name;
  request.specs[0].dtype = "uint8";
  request.specs[0].shape = {bytes};
  request.specs[0].session = session;
  return call(request);
}

void RawClient::make(const std::string& name, std::int64_t bytes, bool session) {
  const auto reply = create(name, bytes, session);
  call(PublishRequest{{{reply.arrays.at(0).array, reply.arrays.at(0).array_gen}}, true});
}

StatusReply status_of(const DaemonProcess& daemon) { return RawClient(daemon, "operator").call(StatusRequest{}); }

bool wait_until(const std::function<bool()>& good) {
  for (const auto deadline = watchdog(); std::chrono::steady_clock::now() < deadline;) {
    if (good()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

bool wait_status(const DaemonProcess& daemon, const std::function<bool(const StatusReply&)>& good) {
  RawClient client(daemon, "operator");
  return wait_until([&] { return good(client.call(StatusRequest{})); });
}

}  // namespace ndshare::test
