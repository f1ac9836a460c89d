// Slots and the processes that hold them: attached, watched, resumed, swept. Declared in server.h.
#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/create_job.h"
#include "daemon/one_line.h"
#include "daemon/server.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/shm/process.h"

namespace ndshare::internal {
namespace {

using std::chrono::milliseconds;

constexpr auto kLookAgain = milliseconds(1000);  ///< at processes without a pidfd, and sweeps that failed

std::string describe(const Holder& holder) {
  return "slot " + std::to_string(holder.slot.index) + " of pid " + std::to_string(holder.pid);
}

/// A pidfd of an adopted client. Half of the descriptors are left to connections; beyond that, none.
OwnedFd pidfd_to_keep(std::uint64_t pid) {
  OwnedFd out(open_pidfd(pid));
  rlimit limit{};
  if (out && ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && static_cast<rlim_t>(out.get()) >= limit.rlim_cur / 2) out.reset();
  return out;
}

/// SIGKILL through a pidfd, which cannot hit another process that got the pid meanwhile.
void end_process(const Holder& holder) {
  const OwnedFd other(holder.pidfd ? -1 : open_pidfd(holder.pid));
  const int fd = holder.pidfd ? holder.pidfd.get() : other.get();
  if (!holder.pidfd && !process_alive(holder.pid, holder.start)) return;
  if (::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0) == 0 || errno == ESRCH) return;
  throw Error(errno == EPERM ? ErrorCode::Permission : ErrorCode::Io,
              "process " + std::to_string(holder.pid) + " cannot be ended by the daemon: " + std::strerror(errno));
}

}  // namespace

void Server::adopt_holders() {
  for (const auto& live : engine_->live_slots()) {
    const auto index = live.slot.index;
    holders_.emplace(index, Holder{live.slot, live.pid, live.start, {}, {}, {}});
    if (watch_holder(index)) {
      served_ = true;
    } else {
      holders_.erase(index);
      sweep_slot(live.slot);
    }
  }
  if (!holders_.empty()) log_info("adopted " + std::to_string(holders_.size()) + " clients that are still attached");
}

SlotRef Server::attach(Session& session, const Peer& peer, OwnedFd pidfd) {
  const auto slot = engine_->attach(peer);
  holders_.erase(slot.index);
  holders_.emplace(slot.index, Holder{slot, peer.pid, peer.start, std::move(pidfd), {}, session.weak_from_this()});
  watch_pidfd(slot.index);
  served_ = true;
  engine_->events().record({EventKind::attach, slot.index, peer.pid, {peer.uid, peer.read_only ? 1U : 0U}, peer.command});
  log_info("attached " + describe(holders_.at(slot.index)) + " (" + printable(peer.command) + ")");
  return slot;
}

std::optional<SlotRef> Server::resume(Session& session, std::uint32_t index, std::uint64_t gen) {
  const auto found = holders_.find(index);
  if (found == holders_.end() || found->second.slot.gen != gen || found->second.pid != session.peer().pid ||
      !process_alive(found->second.pid, found->second.start)) {
    return std::nullopt;
  }
  if (const auto old = found->second.session.lock(); old && old.get() != &session) old->close();
  found->second.session = session.weak_from_this();
  session.mark_used();
  log_info("resumed " + describe(found->second));
  return found->second.slot;
}

/// The pidfd comes first: a process of that pid that still has the old start time was meant by it.
bool Server::watch_holder(std::uint32_t index) {
  auto& holder = holders_.at(index);
  holder.pidfd = pidfd_to_keep(holder.pid);
  if (!process_alive(holder.pid, holder.start)) return false;
  watch_pidfd(index);
  return true;
}

void Server::watch_pidfd(std::uint32_t index) {
  auto& holder = holders_.at(index);
  if (!holder.pidfd) return look_later();
  try {
    holder.watch = Loop::Watch(loop_, holder.pidfd.get());
    holder.watch.readable([this, index] { holder_ended(index); });
  } catch (const std::exception& failure) {
    log_warn("the process of " + describe(holder) + " is looked at by the clock: " + one_line(failure.what()));
    holder.watch = {};
    holder.pidfd.reset();
    look_later();
  }
}

void Server::look_later() {
  if (std::exchange(look_due_, true)) return;
  loop_.after(kLookAgain, [this] { look_around(); });
}

void Server::look_around() {
  look_due_ = false;
  std::vector<std::uint32_t> unwatched;
  for (const auto& [index, holder] : holders_) {
    if (!holder.pidfd) unwatched.push_back(index);
  }
  for (const auto index : unwatched) {
    if (!watch_holder(index)) holder_ended(index);
  }
  for (const auto& slot : std::exchange(unswept_, {})) {
    if (sweep_slot(slot)) log_info("swept slot " + std::to_string(slot.index) + " at last");
  }
  mend_sync();
}

void Server::holder_ended(std::uint32_t index) {
  const auto who = describe(holders_.at(index));
  if (const auto session = holders_.at(index).session.lock()) session->close();
  if (release_slot(index)) log_info("swept " + who + ": its process ended");
  check_ephemeral();
}

/// A client that asked for nothing after its greeting has failed on its side of it, and has nothing to come back for. Any other may
/// take claims at any time without a word to the daemon: its slot is its process's until that leaves or ends.
void Server::hung_up(Session& session) {
  const auto slot = session.slot();
  session.close();
  if (!slot) return;
  log_debug("connection of pid " + std::to_string(session.peer().pid) + " lost; its slot stays while the process lives");
  if (!session.used()) drop_idle(*slot);
}

/// Sweeps a slot without a connection, claims, arrays, grants or a create under way: nobody misses it.
void Server::drop_idle(SlotRef slot) {
  const auto found = holders_.find(slot.index);
  if (found == holders_.end() || found->second.slot.gen != slot.gen) return;
  if (const auto session = found->second.session.lock(); session && !session->closed()) return;  // resumed
  const bool at_work = std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& job) {
    return job->slot.index == slot.index && job->slot.gen == slot.gen;
  });
  if (at_work || engine_->holds_anything(slot)) return;
  const auto who = describe(found->second);
  if (release_slot(slot.index)) log_info("swept " + who + ": its connection was lost, and it held nothing");
  check_ephemeral();
}

void Server::kick(std::uint64_t pid, bool kill) {
  std::string others;
  std::vector<const Holder*> theirs;  // a process may have connected more than once
  for (const auto& [index, holder] : holders_) {
    if (holder.pid == pid) {
      theirs.push_back(&holder);
    } else {
      others += (others.empty() ? "" : ", ") + std::to_string(holder.pid);
    }
  }
  if (theirs.empty()) {
    throw Error(ErrorCode::Usage, "no client of this store has pid " + std::to_string(pid) +
                                      (others.empty() ? "; it has no clients" : "; clients: " + others),
                {{"pid", std::to_string(pid)}});
  }
  if (kill) {
    engine_->events().record({EventKind::kick, theirs.front()->slot.index, pid, {1}, {}});
    return end_process(*theirs.front());
  }
  for (const auto* holder : theirs) {
    const auto written = engine_->written_arrays(holder->slot);
    if (written.empty()) continue;
    throw Error(ErrorCode::Busy,
                "process " + std::to_string(pid) + " holds a write claim on '" + printable(written.front()) + "'" +
                    (written.size() > 1 ? " and " + std::to_string(written.size() - 1) + " more" : "") +
                    ": its rows would be torn. Wait until it is done, or end it with --kill",
                {{"pid", std::to_string(pid)}, {"array", written.front()}});
  }
  for (const auto* holder : theirs) engine_->ask_to_leave(holder->slot);
  engine_->events().record({EventKind::kick, theirs.front()->slot.index, pid, {0}, {}});
  log_info("asked pid " + std::to_string(pid) + " to leave");
}

void Server::detach(std::uint32_t index) {
  log_info("detached " + describe(holders_.at(index)));
  engine_->events().record({EventKind::detach, index, holders_.at(index).pid, {}, {}});
  release_slot(index);
  loop_.post([this] { check_ephemeral(); });  // after the reply
}

bool Server::release_slot(std::uint32_t index) {
  const auto found = holders_.find(index);
  if (found == holders_.end()) return true;
  const auto slot = found->second.slot;
  holders_.erase(found);
  for (const auto& job : jobs_) {
    if (job->slot.index == slot.index && job->slot.gen == slot.gen) job->abandoned = true;
  }
  const bool swept = sweep_slot(slot);
  schedule_chores();
  return swept;
}

bool Server::sweep_slot(SlotRef slot) {
  try {
    engine_->sweep(slot);
    return true;
  } catch (const std::exception& failure) {
    log_error("sweeping slot " + std::to_string(slot.index) + " failed and is tried again: " + one_line(failure.what()));
    unswept_.push_back(slot);
    look_later();
    return false;
  }
}

void Server::check_ephemeral() {
  if (!ephemeral() || !holders_.empty()) return;
  // A client that is connecting has its Hello before the stop is looked at again.
  stop(served_ ? "the last client left" : "no client came");
}

}  // namespace ndshare::internal
