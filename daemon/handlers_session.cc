// Requests about the connection itself: the greeting, the leave, the ping.
#include "daemon/handlers.h"
#include "daemon/server.h"
#include "daemon/slot_view.h"
#include "daemon/version_text.h"
#include "lib/base/text.h"
#include "lib/shm/process.h"
#include "lib/wire/peer.h"

namespace ndshare::internal {
namespace {

void check_versions(const HelloRequest& request, bool is_operator, std::uint64_t layout_hash) {
  if (is_operator) return;  // maps nothing; what it asks of another version is Save and Stop, which never change
  if (request.protocol == kProtocolVersion && request.layout_hash == layout_hash) return;
  throw Error(ErrorCode::LayoutVersion,
              std::string("the daemon (") + kVersionText + ", protocol " + std::to_string(kProtocolVersion) + ", layout " +
                  std::to_string(layout_hash) + ") and this program (protocol " + std::to_string(request.protocol) + ", layout " +
                  std::to_string(request.layout_hash) +
                  ") do not fit: use the ndshare of the daemon's version, or `ndshare save DIR` (the daemon does it), `ndshare stop "
                  "--force`, and start and `ndshare load DIR` with this one's",
              {{"daemon_protocol", std::to_string(kProtocolVersion)},
               {"client_protocol", std::to_string(request.protocol)},
               {"daemon_layout", std::to_string(layout_hash)},
               {"client_layout", std::to_string(request.layout_hash)},
               {"daemon_version", kVersionText}});
}

/// What the engine records of a client: identity by the kernel, the command by its own word.
Peer peer_of(const Session& session, const HelloRequest& request, bool read_only) {
  const auto& kernel = session.peer();
  Peer peer;
  peer.pid = kernel.pid;
  peer.uid = kernel.uid;
  peer.start = process_start(kernel.pid).value_or(0);
  peer.pid_namespace = pid_namespace(kernel.pid);
  peer.read_only = read_only;
  peer.command = request.command.empty() ? process_command(kernel.pid) : request.command;
  // What was read by pid is this process's only if it still lives: until then its pid is not given out again.
  if (process_ended(kernel.pidfd.get())) throw Error(ErrorCode::Disconnected, "the client's process ended");
  return peer;
}

HelloReply welcome(Server& server, bool read_only) {
  HelloReply reply;
  reply.layout_hash = server.engine().header().layout_hash;
  reply.store_id = server.engine().header().store_id;
  reply.version = kVersionText;
  reply.read_only = read_only;
  reply.daemon_pid = static_cast<std::uint64_t>(::getpid());
  return reply;
}

SlotRef take_slot(Server& server, Session& session, const HelloRequest& request, bool read_only) {
  if (request.resume_slot > 0 && request.resume_slot <= server.engine().header().max_clients) {
    const auto index = static_cast<std::uint32_t>(request.resume_slot - 1);
    if (const auto slot = server.resume(session, index, request.resume_gen)) return *slot;
  }
  const auto peer = peer_of(session, request, read_only);
  return server.attach(session, peer, session.take_pidfd());
}

}  // namespace

std::optional<HelloReply> handle(Server& server, Session& session, std::uint64_t sequence, HelloRequest request) {
  auto& engine = server.engine();
  if (request.purpose != "client" && request.purpose != "operator") {
    throw Error(ErrorCode::Protocol, "HelloRequest.purpose must be client or operator, not '" + printable(request.purpose) + "'");
  }
  const bool is_operator = request.purpose == "operator";
  const bool read_only = request.read_only || session.role() == PeerRole::read_only;
  check_versions(request, is_operator, engine.header().layout_hash);
  auto reply = welcome(server, read_only);
  if (is_operator) {
    session.greet(std::nullopt, read_only);
    return reply;
  }
  const auto slot = take_slot(server, session, request, read_only);
  reply.slot = slot.index;
  reply.gen = slot.gen;
  reply.last_sequence = slot_of(engine.header(), slot.index).last_sequence.load(std::memory_order_acquire);
  session.greet(slot, read_only);
  session.reply<HelloRequest>(sequence, reply, {engine.catalog_fd(), engine.sync_fd(), engine.pool_fd(read_only)});
  return std::nullopt;
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t, DetachRequest) {
  const auto slot = *session.slot();
  session.leave_slot();
  server.detach(slot.index);
  return EmptyReply{};
}

std::optional<PingReply> handle(Server&, Session&, std::uint64_t, PingRequest request) { return PingReply{request.payload}; }

}  // namespace ndshare::internal
