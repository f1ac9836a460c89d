// Requests about streams: make, remove, keep a batch.
#include "daemon/handlers.h"
#include "daemon/server.h"

namespace ndshare::internal {

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, MakeStreamRequest request) {
  if (request.batches.size() > kMaxStreamDepth) {
    throw Error(ErrorCode::Protocol, "MakeStream: " + std::to_string(request.batches.size()) + " batches; at most " +
                                         std::to_string(kMaxStreamDepth) + " are allowed");
  }
  server.engine().make_stream(*session.slot(), sequence, request);
  return EmptyReply{};
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence,
                                 RemoveStreamRequest request) {
  server.engine().remove_stream(*session.slot(), sequence, request.name);
  server.schedule_chores();
  return EmptyReply{};
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, KeepBatchRequest request) {
  server.engine().keep_batch(*session.slot(), sequence, request);
  server.schedule_chores();
  return EmptyReply{};
}

}  // namespace ndshare::internal
