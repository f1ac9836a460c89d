/// The client's end of a connection: one request, its reply, one at a time.
///
///   Threads: one call at a time; the caller locks.
///   After Timeout the channel stays usable: a reply that comes too late is recognised by its sequence and dropped, but for
///   what a create made, which take_late() tells. After Disconnected, or a time-out in the middle of a request in parts, it is broken() and every call says Disconnected.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "lib/wire/codec.h"
#include "lib/wire/socket.h"

namespace ndshare::internal {

class Channel {
 public:
  /// Takes a connected socket (connect_socket()).
  explicit Channel(OwnedFd socket);

  /// Sends `request` and waits for its reply. `sequence` must differ from those of the calls before, but for a retried request.
  /// Descriptors that ride along go to `descriptors` (of the greeting: catalog, sync, pool); without it they are closed.
  /// `send`: those that ride along with a request of one packet; the daemon takes them of its owner only.
  ///   Errors: what the daemon answered, with the same code, message and details; Timeout; Disconnected; Protocol; Usage (a
  ///   request over kMaxRequestBytes: ask for less at a time).
  template <class Request>
  ReplyOf<Request> call(const Request& request, std::uint64_t sequence, Deadline deadline,
                        std::vector<OwnedFd>* descriptors = nullptr, std::span<const int> send = {}) {
    constexpr auto kType = MessageOf<Request>::kType;
    return exchange(kType, sequence, encode(kType, sequence, request), deadline, descriptors, send).template body<ReplyOf<Request>>();
  }

  /// Waits for the answers to creates whose call() timed out, and appends the arrays that they made. No wait where there are
  /// none.   Errors: as call().
  void take_late(std::vector<ArrayId>& arrays, Deadline deadline);

  bool broken() const noexcept { return broken_; }
  int fd() const noexcept { return socket_.get(); }
  /// The descriptor is not this channel's any more: it is left alone, and the channel is broken.
  void forget_socket() noexcept {
    static_cast<void>(socket_.release());
    broken_ = true;
  }

 private:
  Message exchange(std::uint64_t type, std::uint64_t sequence, Bytes request, Deadline deadline,
                   std::vector<OwnedFd>* descriptors, std::span<const int> send);
  void send(Bytes request, Deadline deadline, std::span<const int> descriptors);
  Message receive(std::uint64_t type, std::uint64_t sequence, Deadline deadline, std::vector<OwnedFd>* descriptors);
  Message next_message(Deadline deadline, std::vector<OwnedFd>& descriptors);
  [[noreturn]] void hung_up();

  OwnedFd socket_;
  Bytes buffer_;
  Assembler assembler_{kMaxReplyBytes};
  bool broken_ = false;
  std::set<std::uint64_t> open_creates_;  ///< sequences of creates that were sent and not answered yet
};

}  // namespace ndshare::internal
