/// The socket to the daemon: greeting, one request after the other, and finding back to a daemon that was restarted.
///
/// A request whose connection broke is sent again, with the same sequence number, over a new connection that resumes the same
/// slot: the daemon applies a sequence once. Where the slot cannot be resumed the request fails with Disconnected. A private
/// store whose daemon was killed is started again by whichever of its clients asks first.
/// A create that timed out may still happen: its arrays, which nobody has a handle to, are discarded ahead of the next request
/// (where the connection broke as well, when this client ends).
/// A change of an array whose answer does not come is given up before the claim that it was asked under can go: see
/// daemon/changing.h.
///   Threads: safe; requests of a process go one after the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <ndshare/error.h>

#include "client/address.h"
#include "client/deadline_mutex.h"
#include "lib/shm/sync_format.h"
#include "lib/wire/channel.h"

namespace ndshare::internal {

class Connection {
 public:
  enum class Purpose : std::uint8_t { client, read_only_client, operator_ };

  /// Connects and greets.
  ///   Errors: NoSuchStore (says what was found and how to start it), Permission, TooManyClients, LayoutVersion, Timeout,
  ///   Disconnected, TooManyDescriptors.
  Connection(StoreAddress address, Purpose purpose, Deadline deadline);

  const HelloReply& hello() const noexcept { return hello_; }
  const StoreAddress& address() const noexcept { return address_; }
  /// Catalog, sync and pool, once.
  std::vector<OwnedFd> take_descriptors() noexcept { return std::move(descriptors_); }
  int fd() const noexcept { return channel_->fd(); }
  /// The pool's descriptor once more, over a connection that resumes this client's slot.   Errors: as call().
  OwnedFd reopen_pool(Deadline deadline);
  /// Closes the socket; nothing can be asked any more.
  void hang_up() noexcept;
  /// Gives the place in the store back, if there is one, as well as a moment allows, and closes the socket: for a client that
  /// does not come about. (A hang-up alone is no reason for the daemon to free a living process's slot.)
  void give_up() noexcept;

  template <class Request>
  ReplyOf<Request> call(const Request& request, Deadline deadline) {
    const auto lock = lock_until(deadline);
    if (!ready_ || channel_->broken() || lost_socket()) reconnect(deadline);
    if constexpr (!std::is_same_v<Request, DetachRequest>) discard_late(deadline);  // a sweep discards everything anyway
    const auto sequence = ++sequence_;
    try {
      return call_until_answered(request, sequence, deadline);
    } catch (...) {
      if constexpr (!std::is_same_v<Request, DetachRequest>) give_up_request(sequence);  // after that one the slot may be another's
      throw;
    }
  }
  /// Where requests are given up: of this client's slot, mapped for as long as something may be asked.
  void share(SlotClaims& claims) noexcept { claims_ = &claims; }

 private:
  template <class Request>
  ReplyOf<Request> call_until_answered(const Request& request, std::uint64_t sequence, Deadline deadline) {
    while (true) {  // a daemon may be killed more than once; the deadline ends this
      try {
        return channel_->call(request, sequence, deadline);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::Disconnected || !channel_->broken()) throw;
        reconnect(deadline);
      }
    }
  }
  /// Returns when the daemon is not making that change, and never will. (But for a daemon that was stopped or killed while it
  /// made it: nobody waits for that; what it has begun is done when it goes on.)
  void give_up_request(std::uint64_t sequence) noexcept {
    constexpr auto kChangeTime = std::chrono::seconds(1);  // far longer than a change takes
    constexpr auto kNap = std::chrono::microseconds(100);
    if (claims_ == nullptr || lost_) return;
    claims_->given_up.store(sequence, std::memory_order_seq_cst);
    const auto limit = std::chrono::steady_clock::now() + kChangeTime;
    while (claims_->changing.load(std::memory_order_seq_cst) == sequence && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(kNap);
    }
  }
  std::unique_lock<DeadlineMutex> lock_until(Deadline deadline);
  HelloReply greet(Deadline deadline, bool resume);
  HelloReply greet_again(Deadline deadline);
  void discard_late(Deadline deadline);
  void discard(const ArrayId& id, Deadline deadline);
  void reconnect(Deadline deadline);
  bool store_is_there() const noexcept;
  bool lost_socket() noexcept;
  void note_socket() noexcept;

  StoreAddress address_;
  Purpose purpose_;
  DeadlineMutex mutex_;
  std::optional<Channel> channel_;
  std::uint64_t sequence_ = 0;
  SlotClaims* claims_ = nullptr;
  bool ready_ = false;  ///< greeted
  bool lost_ = false;   ///< the store or our place in it is gone for good
  std::uint64_t device_ = 0, inode_ = 0;  ///< of the socket: its descriptor may have become another file's
  HelloReply hello_;
  std::vector<OwnedFd> descriptors_, fresh_;  ///< of the first greeting, and of the last resumed one
  std::vector<ArrayId> strays_;  ///< made by creates that timed out
};

}  // namespace ndshare::internal
