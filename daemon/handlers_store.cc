// Requests about the store as a whole: status, trim, stop.
#include <algorithm>
#include <cstring>
#include <exception>

#include "daemon/handlers.h"
#include "daemon/one_line.h"
#include "daemon/server.h"
#include "daemon/slot_view.h"
#include "daemon/version_text.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

constexpr std::size_t kListedClients = 8;  ///< clients that an error message names
constexpr std::size_t kListedArrays = 3;   ///< and arrays

ClientStatus client_status(const CatalogHeader& header, const Holder& holder) {
  const auto& slot = slot_of(header, holder.slot.index);
  const auto uid_role = slot.uid_role.load(std::memory_order_acquire);
  ClientStatus out;
  out.slot = holder.slot.index;
  out.gen = holder.slot.gen;
  out.pid = holder.pid;
  out.uid = uid_role >> 8U;
  out.read_only = (uid_role & 0xFFU) != 0;
  out.since_unix_ns = slot.since_unix_ns.load(std::memory_order_acquire);
  out.command.assign(slot.command, ::strnlen(slot.command, sizeof(slot.command)));
  return out;
}

/// Frees until done or nothing more comes, one step a turn of the loop, then answers.
void trim_step(Server& server, const std::shared_ptr<Session>& session, std::uint64_t sequence, std::uint64_t keep,
               std::uint64_t freed) {
  try {
    const auto step = server.engine().trim_some(keep);
    if (step == 0) {
      server.engine().events().record({EventKind::trim, kNoEventSlot, session->peer().pid, {freed}, {}});
      session->reply<TrimRequest>(sequence, {freed});
      return session->resume_requests();
    }
    server.loop().post([&server, session, sequence, keep, total = freed + step] {
      trim_step(server, session, sequence, keep, total);
    });
  } catch (const Error& error) {
    session->fail(sequence, error);
    session->resume_requests();
  } catch (const std::exception& failure) {
    log_error(std::string("trimming failed: ") + one_line(failure.what()));
    session->fail(sequence, Error(ErrorCode::Internal, std::string("the daemon failed: ") + failure.what()));
    session->resume_requests();
  }
}

/// " ('a', 'b', 'c', …)" of the arrays that would be lost; empty for none.
std::string some_arrays(const Engine& engine, std::uint64_t count) {
  std::string out;
  for (const auto& name : engine.persistent_names(kListedArrays)) out += (out.empty() ? " ('" : ", '") + printable(name) + "'";
  if (out.empty()) return out;
  return out + (count > kListedArrays ? ", …)" : ")");
}

void refuse_stop(Server& server, std::uint64_t others, std::uint64_t arrays) {
  std::string clients;
  std::size_t listed = 0;
  for (const auto& [index, holder] : server.holders()) {
    if (listed++ == kListedClients) {
      clients += ", …";
      break;
    }
    const auto status = client_status(server.engine().header(), holder);
    clients += (clients.empty() ? " (pid " : ", pid ") + std::to_string(status.pid) + " " + printable(status.command);
  }
  if (!clients.empty()) clients += ")";
  throw Error(ErrorCode::Busy,
              "the store has " + std::to_string(others) + " attached clients" + clients + " and " + std::to_string(arrays) +
                  " persistent arrays" + some_arrays(server.engine(), arrays) + ", whose data would be lost: --keep leaves the memory for the next start, --force ends it all",
              {{"clients", std::to_string(others)}, {"persistent_arrays", std::to_string(arrays)}});
}

}  // namespace

std::optional<StatusReply> handle(Server& server, Session&, std::uint64_t, StatusRequest) {
  auto& engine = server.engine();
  const auto& header = engine.header();
  StatusReply out;
  out.store = server.options().engine.store;
  out.version = kVersionText;
  out.pool_dir.assign(header.pool_dir, ::strnlen(header.pool_dir, sizeof(header.pool_dir)));
  if (out.pool_dir.empty()) out.pool_dir = "/dev/shm";
  out.pid = static_cast<std::uint64_t>(::getpid());
  out.uptime_ms = static_cast<std::uint64_t>(server.uptime().count());
  out.arrays = header.live_arrays.load(std::memory_order_acquire);
  out.persistent_arrays = engine.persistent_arrays();
  out.max_clients = header.max_clients;
  out.max_arrays = header.max_arrays;
  out.ephemeral = server.ephemeral();
  out.adopted = engine.adopted();
  out.pool = engine.pool_status();
  for (const auto& [index, holder] : server.holders()) out.clients.push_back(client_status(header, holder));
  return out;
}

std::optional<TrimReply> handle(Server& server, Session& session, std::uint64_t sequence, TrimRequest request) {
  server.reclaim_if_due();
  session.defer();
  trim_step(server, session.shared_from_this(), sequence, request.keep_bytes, 0);
  return std::nullopt;
}

std::optional<EmptyReply> handle(Server& server, Session& session, std::uint64_t sequence, StopRequest request) {
  const auto arrays = server.engine().persistent_arrays();
  const auto others = server.holders().size() - (session.slot() ? 1 : 0);
  const bool keep = request.keep && !server.ephemeral();
  if (!request.force && !request.keep && (others > 0 || arrays > 0)) refuse_stop(server, others, arrays);
  if (!keep) server.remove_memory();
  session.reply<StopRequest>(sequence, {});
  server.stop(std::string("asked to by pid ") + std::to_string(session.peer().pid) + (keep ? ", keeping the memory" : ""));
  return std::nullopt;
}

}  // namespace ndshare::internal
