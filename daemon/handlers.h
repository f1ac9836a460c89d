/// One function a request. A handler returns the reply, or nothing where it sent one itself or sends it later (Session::defer).
///
/// Access (message_list.inc) was checked before: a handler of a `slot` or `write` request finds session.slot() set.
///   Threads: the loop's.   Errors: ndshare::Error, which becomes the error reply.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/wire/fields.h"

namespace ndshare::internal {

class Server;
class Session;

#define NDSHARE_MESSAGE(number, name, Request, Reply, access) \
  std::optional<Reply> handle(Server& server, Session& session, std::uint64_t sequence, Request request);
#include "lib/wire/message_list.inc"
#undef NDSHARE_MESSAGE

}  // namespace ndshare::internal
