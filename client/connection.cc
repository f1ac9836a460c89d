#include "client/connection.h"

#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "client/restart.h"
#include "client/wait.h"
#include "lib/shm/process.h"

namespace ndshare::internal {
namespace {

constexpr auto kGivingUp = std::chrono::milliseconds(100);

/// Nobody answers at the socket: says what of the store is there, and the way out.
[[noreturn]] void no_such_store(const StoreAddress& address) {
  const auto paths = segment_paths(address.uid, address.name);
  const auto shown = address_text(address);
  std::error_code ignored;
  if (std::filesystem::exists(paths.catalog, ignored)) {
    throw Error(ErrorCode::NoSuchStore,
                "store '" + shown + "' is not running: its daemon is gone and left its segments behind; `ndshare start --store " +
                    shown + "` adopts them with everything in them, `ndshare stop --force --store " + shown +
                    "` removes them",
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
  try {
    hello_ = greet(deadline, false);
  } catch (...) {
    give_up();  // the daemon may have given a slot away by now
    throw;
  }
  ready_ = true;
}

HelloReply Connection::greet(Deadline deadline, bool resume) {
  channel_.reset();
  try {
    channel_.emplace(connect_socket(segment_paths(address_.uid, address_.name).socket, deadline));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::NoSuchStore) no_such_store(address_);
    throw;
  }
  note_socket();
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
                    ") has another memory layout than this client: `ndshare save DIR` (the daemon does it), `ndshare stop --force`, then start "
                    "and `ndshare load DIR` with this version",
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
    again = greet_again(deadline);
  } catch (const Error& error) {
    throw Error(ErrorCode::Disconnected,
                "the daemon of store '" + address_text(address_) + "' went away and does not answer again: " + error.message(),
                error.details());
  }
  fresh_ = std::move(descriptors_);  // the segments that are mapped already stay the same ones
  descriptors_.clear();
  lost_ = again.store_id != hello_.store_id || again.slot != hello_.slot || again.gen != hello_.gen;
  if (lost_) {
    give_up();  // the new slot that came instead
    reconnect(deadline);  // says so
  }
  ready_ = true;
}

void Connection::note_socket() noexcept {
  struct ::stat info {};
  if (::fstat(channel_->fd(), &info) == 0) device_ = info.st_dev, inode_ = info.st_ino;
}

/// Whether somebody closed the socket behind our back (closefrom(), daemonising code). The descriptor then is not ours to close.
bool Connection::lost_socket() noexcept {
  struct ::stat info {};
  if (!channel_ || (::fstat(channel_->fd(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_)) return false;
  channel_->forget_socket();
  return true;
}

OwnedFd Connection::reopen_pool(Deadline deadline) {
  const auto lock = lock_until(deadline);
  const bool lost = lost_socket();
  if (!lost) channel_.reset();  // descriptors come with a greeting only
  ready_ = false;
  reconnect(deadline);
  if (fresh_.size() != 3) throw Error(ErrorCode::Disconnected, "the daemon's greeting came without descriptors");
  return std::move(fresh_[2]);
}

/// Whether the store's catalog still has its name: then a daemon may come back for it.
bool Connection::store_is_there() const noexcept {
  return ::access(segment_paths(address_.uid, address_.name).catalog.c_str(), F_OK) == 0;
}

HelloReply Connection::greet_again(Deadline deadline) {
  const bool is_client = purpose_ != Purpose::operator_;
  while (true) {
    try {
      return greet(deadline, is_client);
    } catch (const Error& error) {
      const bool gone = error.code() == ErrorCode::NoSuchStore || error.code() == ErrorCode::Disconnected;
      if (!gone || !is_client || time_left(deadline).count() == 0) throw;
      if (restart_private_store(address_, hello_.store_id, deadline)) continue;
      if (!store_is_there()) throw;  // removed for good
      nap(deadline);                 // killed: whoever keeps it running starts it again
    }
  }
}

void Connection::discard_late(Deadline deadline) {
  try {
    channel_->take_late(strays_, deadline);
    while (!strays_.empty()) {
      discard(strays_.back(), deadline);
      strays_.pop_back();
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Disconnected || !channel_->broken()) throw;  // the request that follows connects again
  }
}

void Connection::discard(const ArrayId& id, Deadline deadline) {
  try {
    channel_->call(DiscardRequest{id}, ++sequence_, deadline);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NoSuchArray) throw;  // a discard that was not answered in time was done all the same
  }
}

void Connection::give_up() noexcept {
  if (!channel_ || purpose_ == Purpose::operator_) return;
  try {
    channel_->call(DetachRequest{}, ++sequence_, deadline_after(kGivingUp, {}));
  } catch (const std::exception&) {
    // No slot, or no answer: the slot is freed when this process ends.
  }
  channel_.reset();
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
