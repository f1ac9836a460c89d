#include "daemon/create_job.h"

#include <utility>

#include "daemon/one_line.h"
#include "daemon/server.h"
#include "lib/base/log.h"

namespace ndshare::internal {
namespace {

void finish_job(Server& server, const std::shared_ptr<CreateJob>& job) {
  server.finish_job(job);
  auto ticket = std::move(job->ticket);
  const auto session = job->session.lock();
  if (job->abandoned) return;  // the slot was swept: dropping the ticket gives its memory back
  try {
    if (job->failure) std::rethrow_exception(job->failure);
    job->finish(std::move(ticket));
  } catch (const Error& error) {
    log_debug("request for memory refused: " + one_line(error.message()));
    ticket.reset();
    if (session) session->fail(job->sequence, error);
  } catch (const std::exception& failure) {
    log_error(std::string("request for memory failed: ") + one_line(failure.what()));
    ticket.reset();
    if (session) session->fail(job->sequence, Error(ErrorCode::Internal, std::string("the daemon failed: ") + failure.what()));
  }
}

}  // namespace

void start_create_job(Server& server, Session& session, std::uint64_t sequence, std::unique_ptr<CreateTicket> ticket,
                      std::function<void(std::unique_ptr<CreateTicket>)> finish) {
  auto job = std::make_shared<CreateJob>();
  job->session = session.weak_from_this();
  job->slot = *session.slot();
  job->sequence = sequence;
  job->ticket = std::move(ticket);
  job->finish = std::move(finish);
  session.defer();
  server.start_job(std::move(job));
}

void run_create_step(Server& server, std::shared_ptr<CreateJob> job) {
  auto& engine = server.engine();
  server.loop().help(
      [&engine, job] {
        try {
          if (!job->abandoned) job->reserved = engine.reserve_some(*job->ticket);
        } catch (...) {
          job->failure = std::current_exception();
        }
      },
      [&server, job] {
        if (!job->reserved && !job->failure && !job->abandoned) return run_create_step(server, job);
        finish_job(server, job);
        if (const auto session = job->session.lock(); session && !session->closed()) session->resume_requests();
      });
}

}  // namespace ndshare::internal
