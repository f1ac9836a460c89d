/// A request whose memory is being reserved by a helper thread.
///
/// The helper owns the ticket's contents while a step runs; between steps, and for the commit and the end, the loop does. So a
/// ticket is only ever destroyed on the loop's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>

#include "daemon/engine.h"

namespace ndshare::internal {

class Server;
class Session;

struct CreateJob {
  std::weak_ptr<Session> session;
  SlotRef slot;
  std::uint64_t sequence = 0;
  std::unique_ptr<CreateTicket> ticket;
  /// Commits the ticket and answers; called on the loop's thread once everything is reserved.
  std::function<void(std::unique_ptr<CreateTicket>)> finish;
  std::exception_ptr failure;
  bool reserved = false;
  std::atomic<bool> abandoned{false};  ///< the slot was swept, or the daemon ends
};

/// Has the ticket's memory reserved off the loop's thread, then `finish` called; the session takes no request meanwhile.
void start_create_job(Server& server, Session& session, std::uint64_t sequence, std::unique_ptr<CreateTicket> ticket,
                      std::function<void(std::unique_ptr<CreateTicket>)> finish);

/// Reserves the next piece on a helper and comes back to the loop: to the next piece, the commit and reply, or the error.
void run_create_step(Server& server, std::shared_ptr<CreateJob> job);

}  // namespace ndshare::internal
