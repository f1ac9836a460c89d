// Requests that change arrays: create, publish, discard, remove, rename.
#include "daemon/create_job.h"
#include "daemon/handlers.h"
#include "daemon/one_line.h"
#include "daemon/server.h"
#include "lib/base/log.h"

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

void finish_create(Server& server, const std::shared_ptr<CreateJob>& job) {
  server.finish_job(job);
  auto ticket = std::move(job->ticket);
  const auto session = job->session.lock();
  if (job->abandoned) return;  // the slot was swept: dropping the ticket gives its memory back
  try {
    if (job->failure) std::rethrow_exception(job->failure);
    const auto reply = commit(server, job->slot, job->sequence, std::move(ticket));
    if (session) session->reply<CreateRequest>(job->sequence, reply);
  } catch (const Error& error) {
    log_debug("create refused: " + one_line(error.message()));
    ticket.reset();
    if (session) session->fail(job->sequence, error);
  } catch (const std::exception& failure) {
    log_error(std::string("create failed: ") + one_line(failure.what()));
    ticket.reset();
    if (session) session->fail(job->sequence, Error(ErrorCode::Internal, std::string("the daemon failed: ") + failure.what()));
  }
}

}  // namespace

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
        finish_create(server, job);
        if (const auto session = job->session.lock(); session && !session->closed()) session->resume_requests();
      });
}

std::optional<CreateReply> handle(Server& server, Session& session, std::uint64_t sequence, CreateRequest request) {
  check_batch("Create", request.specs.size());
  if (auto before = server.engine().find_created(*session.slot(), sequence)) {
    return CreateReply{std::move(*before), server.engine().header().pool_bytes.load(std::memory_order_acquire)};
  }
  server.reclaim_if_due();
  auto ticket = server.engine().prepare_create(*session.slot(), request.specs);
  if (server.engine().cold_bytes(*ticket) == 0) return commit(server, *session.slot(), sequence, std::move(ticket));
  auto job = std::make_shared<CreateJob>();
  job->session = session.weak_from_this();
  job->slot = *session.slot();
  job->sequence = sequence;
  job->ticket = std::move(ticket);
  session.defer();
  server.start_job(std::move(job));
  return std::nullopt;
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, PublishRequest request) {
  check_batch("Publish", request.arrays.size());
  server.engine().publish(*session.slot(), sequence, request.arrays, request.seal);
  server.schedule_chores();  // an array may have been replaced
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
