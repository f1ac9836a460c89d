// Requests that change arrays: create, publish, discard, remove, rename.
#include "daemon/create_job.h"
#include "daemon/handlers.h"
#include "daemon/server.h"

namespace ndshare::internal {
namespace {

void check_batch(const char* what, std::size_t count) {
  if (count > kMaxCreateBatch) {
    throw Error(ErrorCode::Protocol, std::string(what) + ": " + std::to_string(count) + " arrays in one request; at most " +
                                         std::to_string(kMaxCreateBatch) + " are allowed");
  }
}

CreateReply commit(Server& server, SlotRef slot, std::uint64_t sequence, std::unique_ptr<CreateTicket> ticket) {
  CreateReply reply;
  reply.arrays = server.engine().commit_create(slot, sequence, std::move(ticket));
  reply.pool_bytes = server.engine().header().pool_bytes.load(std::memory_order_acquire);
  return reply;
}

}  // namespace

std::optional<CreateReply> handle(Server& server, Session& session, std::uint64_t sequence, CreateRequest request) {
  check_batch("Create", request.specs.size());
  if (auto before = server.engine().find_created(*session.slot(), sequence)) {
    return CreateReply{std::move(*before), server.engine().header().pool_bytes.load(std::memory_order_acquire)};
  }
  server.reclaim_if_due();
  auto ticket = server.engine().prepare_create(*session.slot(), request.specs);
  if (server.engine().cold_bytes(*ticket) == 0) return commit(server, *session.slot(), sequence, std::move(ticket));
  const auto finish = [&server, slot = *session.slot(), sequence, seen = session.weak_from_this()](std::unique_ptr<CreateTicket> ready) {
    const auto reply = commit(server, slot, sequence, std::move(ready));
    if (const auto asker = seen.lock()) asker->reply<CreateRequest>(sequence, reply);
  };
  start_create_job(server, session, sequence, std::move(ticket), finish);
  return std::nullopt;
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, PublishRequest request) {
  check_batch("Publish", request.arrays.size());
  auto& engine = server.engine();
  if (request.later) {
    engine.make_ready(*session.slot(), sequence, request.arrays, request.seal);
  } else {
    engine.publish(*session.slot(), sequence, request.arrays, request.seal);
  }
  server.schedule_chores();  // an array may have been replaced
  return EmptyReply{};
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, PublishReadyRequest) {
  server.engine().publish_ready(*session.slot(), sequence);
  server.schedule_chores();
  return EmptyReply{};
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, DiscardRequest request) {
  server.engine().discard(*session.slot(), sequence, request.id);
  server.schedule_chores();
  return EmptyReply{};
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, RemoveRequest request) {
  server.engine().remove(*session.slot(), sequence, request.name);
  server.schedule_chores();
  return EmptyReply{};
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, RenameRequest request) {
  server.engine().rename(*session.slot(), sequence, request.from, request.to, request.replace);
  server.schedule_chores();
  return EmptyReply{};
}

}  // namespace ndshare::internal
