/// One connection: takes a packet, has its request handled, sends the reply, takes the next.
///
/// A session reads only when nothing waits to be sent and no answer is outstanding, so a client that does not read its replies
/// costs one reply of memory and stops nobody. Malformed packets get an error reply; after kMaxMalformed the session ends.
/// A session has no slot of its own: slots belong to processes (server.h) and outlive a lost connection.
///   Threads: the loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ndshare/error.h>

#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/roles.h"
#include "lib/wire/codec.h"
#include "lib/wire/peer.h"

namespace ndshare::internal {

class Server;

inline constexpr int kMaxMalformed = 8;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Server& server, OwnedFd socket, PeerCredentials peer, PeerRole role);
  void start();

  // ---- for handlers
  const PeerCredentials& peer() const { return peer_; }
  PeerRole role() const { return role_; }
  bool greeted() const { return greeted_; }
  bool read_only() const { return read_only_; }
  const std::optional<SlotRef>& slot() const { return slot_; }
  /// After a good greeting: an operator has no slot.
  void greet(std::optional<SlotRef> slot, bool read_only);
  void leave_slot() { slot_.reset(); }
  /// Whether anything was asked for after the greeting, or the slot was in use before it (resumed).
  bool used() const { return used_; }
  void mark_used() { used_ = true; }
  /// Those that came beside the request in hand; once.
  std::vector<OwnedFd> take_descriptors() { return std::move(descriptors_); }
  /// The store's owner, or root.
  bool is_owner() const;
  /// Hands over the pidfd of the peer; once.
  OwnedFd take_pidfd() { return std::move(peer_.pidfd); }

  /// The answer to the request in hand comes later, by reply() or fail() and then resume_requests(); until then the session
  /// takes no other request.
  void defer() { deferred_ = true; }
  void resume_requests();
  template <class Request>
  void reply(std::uint64_t sequence, const ReplyOf<Request>& body, std::vector<int> descriptors = {}) {
    answered(false);
    send(encode(MessageOf<Request>::kType | kReplyBit, sequence, body), std::move(descriptors));
  }
  void fail(std::uint64_t sequence, const Error& error);
  /// Sends what is queued as far as the socket takes it, then hangs up.
  void close_after_reply();
  void close();
  bool closed() const { return !socket_; }

 private:
  struct Outgoing {
    Bytes packet;
    std::vector<int> descriptors;  ///< the engine's own: they outlive the session
  };

  void wait_for_request();
  void on_readable();
  void take(std::span<const std::uint8_t> packet);
  void dispatch(Message& message);
  template <class Request>
  void answer(Message& message);
  void malformed(std::uint64_t sequence, const Error& error);
  void answered(bool failed);
  void send(Bytes message, std::vector<int> descriptors);
  void flush();

  Server& server_;
  OwnedFd socket_;
  Loop::Watch watch_;
  PeerCredentials peer_;
  PeerRole role_;
  Assembler assembler_{kMaxRequestBytes};
  std::deque<Outgoing> outgoing_;
  std::optional<SlotRef> slot_;
  std::vector<OwnedFd> descriptors_;
  int malformed_ = 0;
  std::uint64_t asked_ = 0;                       ///< type of the request in hand; 0: none
  std::chrono::steady_clock::time_point asked_at_;
  bool greeted_ = false, read_only_ = true, deferred_ = false, waiting_ = false, used_ = false, closing_ = false, sending_ = false;
};

/// Sends an error as the only word to a connection that is not served (no session, no waiting).
void refuse_connection(int fd, const Error& error) noexcept;

}  // namespace ndshare::internal
