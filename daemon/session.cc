#include "daemon/session.h"

#include <unistd.h>

#include <new>
#include <utility>

#include "daemon/handlers.h"
#include "daemon/one_line.h"
#include "daemon/server.h"
#include "lib/base/log.h"
#include "lib/wire/socket.h"

namespace ndshare::internal {
namespace {

/// Who may ask for a request: the last column of message_list.inc.
enum class Access : std::uint8_t { greeting, any, slot, operate, own, write };

ErrorReply to_reply(const Error& error) {
  return {static_cast<std::uint64_t>(error.code()), error.message(), error.details()};
}

/// What an operator would want to know of: the store, or the machine, had not enough.
bool is_refusal(ErrorCode code) {
  return code == ErrorCode::Capacity || code == ErrorCode::SystemMemory || code == ErrorCode::Memory ||
         code == ErrorCode::TooManyClients || code == ErrorCode::TooManyArrays;
}

/// Every session reads through one buffer: there is one thread, and a packet is decoded before the next is taken.
std::span<std::uint8_t> packet_buffer() {
  static std::vector<std::uint8_t> buffer(kMaxPacketBytes);
  return buffer;
}

void check_access(const Session& session, Access access, const char* name) {
  const auto refuse = [&](ErrorCode code, const std::string& why) { throw Error(code, std::string(name) + ": " + why); };
  if (access == Access::greeting) {
    if (session.greeted()) refuse(ErrorCode::Protocol, "this connection was greeted already");
    return;
  }
  if (!session.greeted()) refuse(ErrorCode::Protocol, "the first message of a connection must be Hello");
  const bool needs_slot = access == Access::slot || access == Access::write;
  if (needs_slot && !session.slot()) refuse(ErrorCode::Protocol, "an operator, or a client that detached, has no slot to do this");
  if (access == Access::own && !session.is_owner()) refuse(ErrorCode::Permission, "only the store's owner and root may do this");
  const bool needs_write = access == Access::operate || access == Access::own || access == Access::write;
  if (needs_write && session.read_only()) {
    refuse(ErrorCode::Permission, "this client is read-only: connect with the write role (uid of the owner, or --allow-gid)");
  }
}

}  // namespace

void refuse_connection(int fd, const Error& error) noexcept {
  try {
    send_packet(fd, encode(kErrorType, 0, to_reply(error)));
  } catch (const std::exception&) {
    // It is gone already: nobody to tell.
  }
}

Session::Session(Server& server, OwnedFd socket, PeerCredentials peer, PeerRole role)
    : server_(server),
      socket_(std::move(socket)),
      watch_(server.loop(), socket_.get()),
      peer_(std::move(peer)),
      role_(role) {}

bool Session::is_owner() const { return peer_.uid == 0 || peer_.uid == ::geteuid(); }

void Session::start() { wait_for_request(); }

void Session::greet(std::optional<SlotRef> slot, bool read_only) {
  greeted_ = true;
  slot_ = slot;
  read_only_ = read_only;
}

/// A handler may have answered and resumed before the packet it came with was done: one wait is enough, two would take a
/// request while another is deferred.
void Session::wait_for_request() {
  if (std::exchange(waiting_, true)) return;
  watch_.readable([this] { on_readable(); });
}

void Session::resume_requests() {
  if (!std::exchange(deferred_, false) || closed() || sending_) return;
  wait_for_request();
}

void Session::on_readable() {
  const auto keep = shared_from_this();  // a handler may close the session
  waiting_ = false;
  try {
    // To close what somebody else's file system serves may take as long as that likes: of the owner's, who may stop us anyway.
    auto got = receive_packet(socket_.get(), packet_buffer(), greeted_ && is_owner());
    descriptors_ = std::move(got.descriptors);
    if (got.arrival == Arrival::hang_up) return server_.hung_up(*this);
    used_ = used_ || greeted_;
    if (got.arrival == Arrival::packet) take(packet_buffer().first(got.bytes));
    descriptors_.clear();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Protocol) return server_.hung_up(*this);
    malformed(0, error);
  } catch (const std::exception& failure) {
    log_error("a request of pid " + std::to_string(peer_.pid) + " failed: " + one_line(failure.what()));
    return server_.hung_up(*this);
  }
  server_.mend_sync();
  if (!closed() && !deferred_ && !sending_) wait_for_request();
}

void Session::take(std::span<const std::uint8_t> packet) {
  auto message = assembler_.add(packet);
  if (!message) return;
  asked_ = 0;
  asked_at_ = std::chrono::steady_clock::now();
  try {
    if (!descriptors_.empty() && message->type() != MessageOf<SaveRequest>::kType) {
      throw Error(ErrorCode::Protocol, "message: descriptors beside a request that takes none");
    }
    dispatch(*message);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Protocol) return malformed(message->sequence(), error);
    log_debug(std::string(message_name(message->type())) + " refused: " + one_line(error.message()));
    fail(message->sequence(), error);
  } catch (const std::bad_alloc&) {
    fail(message->sequence(), Error(ErrorCode::Memory, "the daemon has no memory for this request"));
  } catch (const std::exception& failure) {
    log_error(std::string(message_name(message->type())) + " failed: " + one_line(failure.what()));
    fail(message->sequence(), Error(ErrorCode::Internal, std::string("the daemon failed: ") + failure.what()));
  }
}

template <class Request>
void Session::answer(Message& message) {
  const auto sequence = message.sequence();
  if (auto body = handle(server_, *this, sequence, message.body<Request>())) reply<Request>(sequence, *body);
}

void Session::dispatch(Message& message) {
  switch (message.type()) {
#define NDSHARE_MESSAGE(number, name, Request, Reply, access) \
  case number:                                                \
    asked_ = number;                                          \
    check_access(*this, Access::access, #name);               \
    return answer<Request>(message);
#include "lib/wire/message_list.inc"
#undef NDSHARE_MESSAGE
    default: throw Error(ErrorCode::Protocol, "message: unknown type " + std::to_string(message.type()));
  }
}

void Session::malformed(std::uint64_t sequence, const Error& error) {
  log_debug("malformed message of pid " + std::to_string(peer_.pid) + ": " + one_line(error.message()));
  fail(sequence, error);
  const auto slot = slot_ ? std::uint64_t{slot_->index} : kNoEventSlot;
  server_.engine().events().record({EventKind::malformed, slot, peer_.pid, {static_cast<std::uint64_t>(malformed_) + 1}, error.message()});
  if (++malformed_ <= kMaxMalformed || closed()) return;
  log_info("disconnected pid " + std::to_string(peer_.pid) + " after " + std::to_string(malformed_) + " malformed messages");
  close_after_reply();
}

/// The request in hand has its reply: how long that took.
void Session::answered(bool failed) {
  const auto type = std::exchange(asked_, 0);
  if (type == 0 || type >= kMaxRequestTypes) return;
  server_.engine().events().answered(type, std::chrono::steady_clock::now() - asked_at_, failed);
}

void Session::fail(std::uint64_t sequence, const Error& error) {
  answered(true);
  if (is_refusal(error.code())) {
    const auto slot = slot_ ? std::uint64_t{slot_->index} : kNoEventSlot;
    server_.engine().events().record({EventKind::refuse, slot, peer_.pid, {static_cast<std::uint64_t>(error.code())}, error.message()});
  }
  send(encode(kErrorType, sequence, to_reply(error)), {});
}

void Session::send(Bytes message, std::vector<int> descriptors) {
  if (closed()) return;
  for (auto& packet : split_message(std::move(message))) {
    outgoing_.push_back({std::move(packet), std::exchange(descriptors, {})});
  }
  if (!sending_) flush();
}

void Session::flush() {
  const auto keep = shared_from_this();
  const bool resumed = std::exchange(sending_, false);  // not called from within a request
  try {
    while (!outgoing_.empty()) {
      if (!send_packet(socket_.get(), outgoing_.front().packet, outgoing_.front().descriptors)) {
        sending_ = true;
        return watch_.writable([this] { flush(); });
      }
      outgoing_.pop_front();
    }
  } catch (const std::exception&) {
    return server_.hung_up(*this);
  }
  if (closing_) return close();
  if (resumed && !deferred_) wait_for_request();
}

void Session::close_after_reply() {
  closing_ = true;
  if (!sending_) close();
}

void Session::close() {
  if (closed()) return;
  watch_ = {};
  socket_.reset();
  outgoing_.clear();
  server_.forget(*this);
}

}  // namespace ndshare::internal
