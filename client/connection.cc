#include "client/connection.h"

#include <filesystem>

#include <unistd.h>

#include "lib/shm/process.h"

namespace ndshare::internal {
namespace {

/// Nobody answers at the socket: says what of the store is there, and the way out.
[[noreturn]] void no_such_store(const StoreAddress& address) {
  const auto paths = segment_paths(address.uid, address.name);
  const auto shown = address_text(address);
  std::error_code ignored;
  if (std::filesystem::exists(paths.catalog, ignored)) {
    throw Error(ErrorCode::NoSuchStore,
                "store '" + shown + "' is not running: its daemon is gone and left its segments behind; `ndshare start --store " +
                    shown + "` adopts them with everything in them",
                {{"store", shown}, {"left_behind", "true"}});
  }
  const bool stale = std::filesystem::exists(paths.socket, ignored);
  throw Error(ErrorCode::NoSuchStore,
              "no store '" + shown + "' is running" + (stale ? " (only a dead daemon's socket is there)" : "") +
                  "; start it with: ndshare start --store " + shown,
              {{"store", shown}});
}

}  // namespace

Connection::Connection(StoreAddress address, Purpose purpose, Deadline deadline)
    : address_(std::move(address)), purpose_(purpose) {
  hello_ = greet(deadline, false);
  ready_ = true;
}

HelloReply Connection::greet(Deadline deadline, bool resume) {
  try {
    channel_.emplace(connect_socket(segment_paths(address_.uid, address_.name).socket, deadline));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::NoSuchStore) no_such_store(address_);
    throw;
  }
  HelloRequest request;
  request.layout_hash = kLayoutHash;
  request.pid = static_cast<std::uint64_t>(::getpid());
  request.purpose = purpose_ == Purpose::operator_ ? "operator" : "client";
  request.read_only = purpose_ == Purpose::read_only_client;
  request.command = process_command(request.pid);
  if (resume) {
    request.resume_slot = hello_.slot + 1;
    request.resume_gen = hello_.gen;
  }
  auto reply = channel_->call(request, ++sequence_, deadline, &descriptors_);
  if (purpose_ != Purpose::operator_ && reply.layout_hash != kLayoutHash) {
    throw Error(ErrorCode::LayoutVersion,
                "the daemon of store '" + address_text(address_) + "' (version " + reply.version +
                    ") has another memory layout than this client: save the store with its own version, then start this one",
                {{"store_layout", std::to_string(reply.layout_hash)}, {"client_layout", std::to_string(kLayoutHash)}});
  }
  if (purpose_ != Purpose::operator_ && descriptors_.size() != 3) {
    throw Error(ErrorCode::Protocol, "the daemon's greeting came with " + std::to_string(descriptors_.size()) +
                                         " descriptors instead of 3 (is this process at its limit of open files?)");
  }
  return reply;
}

void Connection::reconnect(Deadline deadline) {
  ready_ = false;
  if (lost_) {
    throw Error(ErrorCode::Disconnected, "this client's place in store '" + address_text(address_) +
                                             "' is gone: the store was removed and made anew; connect again");
  }
  HelloReply again;
  try {
    again = greet(deadline, purpose_ != Purpose::operator_);
  } catch (const Error& error) {
    throw Error(ErrorCode::Disconnected,
                "the daemon of store '" + address_text(address_) + "' went away and does not answer again: " + error.message(),
                error.details());
  }
  descriptors_.clear();  // the segments that are mapped already stay the same ones
  lost_ = again.store_id != hello_.store_id || again.slot != hello_.slot || again.gen != hello_.gen;
  if (lost_) reconnect(deadline);  // says so
  ready_ = true;
}

void Connection::hang_up() noexcept {
  const std::lock_guard lock(mutex_);
  lost_ = true;
  ready_ = false;
  channel_.reset();
}

std::unique_lock<DeadlineMutex> Connection::lock_until(Deadline deadline) {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (!lock.try_lock_until(deadline)) {
    throw Error(ErrorCode::Timeout, "other requests of this process to store '" + address_text(address_) +
                                        "' kept the connection busy until the deadline");
  }
  return lock;
}

}  // namespace ndshare::internal
