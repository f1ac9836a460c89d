// Requests about versions: memory for them, commit, snapshot, revert, torn rows; and asking a client to leave.
#include <utility>

#include "daemon/create_job.h"
#include "daemon/handlers.h"
#include "daemon/server.h"

namespace ndshare::internal {
namespace {

template <class Reply>
Reply to_reply(ExtendReply granted);
template <>
ExtendReply to_reply(ExtendReply granted) {
  return granted;
}
template <>
MemoryReply to_reply(ExtendReply granted) {
  return {std::move(granted.extents), granted.pool_bytes};
}

/// Grants what the ticket holds: at once where it is real memory already, else when a helper has made it so.
template <class Request>
std::optional<ReplyOf<Request>> grant(Server& server, Session& session, std::uint64_t sequence, std::unique_ptr<CreateTicket> ticket) {
  using Reply = ReplyOf<Request>;
  auto& engine = server.engine();
  const auto slot = *session.slot();
  if (engine.cold_bytes(*ticket) == 0) return to_reply<Reply>(engine.commit_memory(slot, sequence, std::move(ticket)));
  const auto finish = [&engine, slot, sequence, seen = session.weak_from_this()](std::unique_ptr<CreateTicket> ready) {
    auto granted = engine.commit_memory(slot, sequence, std::move(ready));
    if (const auto asker = seen.lock()) asker->reply<Request>(sequence, to_reply<Reply>(std::move(granted)));
  };
  start_create_job(server, session, sequence, std::move(ticket), finish);
  return std::nullopt;
}

}  // namespace

std::optional<MemoryReply> handle(Server& server, Session& session, std::uint64_t sequence, MemoryRequest request) {
  if (auto before = server.engine().find_memory(*session.slot(), sequence)) return to_reply<MemoryReply>(std::move(*before));
  server.reclaim_if_due();
  return grant<MemoryRequest>(server, session, sequence, server.engine().prepare_memory(*session.slot(), request));
}

std::optional<ExtendReply> handle(Server& server, Session& session, std::uint64_t sequence, ExtendRequest request) {
  if (auto before = server.engine().find_memory(*session.slot(), sequence)) return before;
  return grant<ExtendRequest>(server, session, sequence, server.engine().prepare_extend(*session.slot(), request));
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, ReturnRequest request) {
  server.engine().return_memory(*session.slot(), sequence, request.extents);
  server.schedule_chores();
  return EmptyReply{};
}

std::optional<CommitReply> handle(Server& server, Session& session, std::uint64_t sequence, CommitRequest request) {
  const auto version = server.engine().commit_version(*session.slot(), sequence, request);
  server.schedule_chores();
  return CommitReply{version};
}

std::optional<SnapshotReply> handle(Server& server, Session& session, std::uint64_t sequence, SnapshotRequest request) {
  return server.engine().snapshot(*session.slot(), sequence, request);
}

std::optional<CommitReply> handle(Server& server, Session& session, std::uint64_t sequence, RevertRequest request) {
  const auto version = server.engine().revert(*session.slot(), sequence, request);
  server.schedule_chores();
  return CommitReply{version};
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, MendRequest request) {
  server.engine().mend(*session.slot(), sequence, request);
  server.schedule_chores();
  return EmptyReply{};
}

std::optional<EmptyReply> handle(Server& server, Session&, std::uint64_t, KickRequest request) {
  server.kick(request.pid, request.kill);
  return EmptyReply{};
}

}  // namespace ndshare::internal
