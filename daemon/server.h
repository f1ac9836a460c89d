/// The daemon around the engine: listens, keeps sessions and the processes that hold slots, and does the chores.
///
/// A slot belongs to a process, not to a connection. Its holder is watched by pidfd: when the process ends, the slot is swept;
/// a hang-up alone leaves the slot to its process, which may come back for it (HelloRequest::resume_slot). Where no pidfd can
/// be had the process is looked at every second. server.cc: connections, chores, creates; server_slots.cc: slots.
///   Threads: the loop's; create's reserving runs on helpers and touches its ticket only.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/options.h"
#include "daemon/save_job.h"
#include "daemon/session.h"
#include "lib/wire/peer.h"

namespace ndshare::internal {

struct CreateJob;

/// The process that holds a slot.
struct Holder {
  SlotRef slot;
  std::uint64_t pid = 0, start = 0;
  OwnedFd pidfd;  ///< none at the descriptor limit, or where the kernel has none: then look_around() asks
  Loop::Watch watch;
  std::weak_ptr<Session> session;
};

class Server {
 public:
  /// Listens at once: clients may connect from here on, and are served by run().
  ///   Errors: Squatted, Name, TooManyDescriptors, Io.
  Server(const DaemonOptions& options, std::unique_ptr<Engine> engine);
  ~Server();

  /// Serves until a signal, a stop request or, for an ephemeral store, the last client's leave.
  void run();

  // ---- for sessions and handlers
  Loop& loop() { return loop_; }
  Engine& engine() { return *engine_; }
  const DaemonOptions& options() const { return options_; }
  /// Whether the store ends with its last client: what the catalog says, which an adopted one keeps.
  bool ephemeral() const { return engine_->header().ephemeral.load() != 0; }
  const std::map<std::uint32_t, Holder>& holders() const { return holders_; }
  std::chrono::milliseconds uptime() const;

  /// A new holder of a slot, with a session.
  SlotRef attach(Session& session, const Peer& peer, OwnedFd pidfd);
  /// Gives a slot to a new connection of the process that holds it; nothing where it does not hold it.
  std::optional<SlotRef> resume(Session& session, std::uint32_t index, std::uint64_t gen);
  /// Asks the clients of a process to leave; with `kill` ends the process through its pidfd (its sweep follows).
  ///   Errors: Usage (no client of that pid), Busy (it holds write claims: names the arrays), Permission, Io.
  void kick(std::uint64_t pid, bool kill);
  /// The holder of the slot leaves by itself: sweeps at once.
  void detach(std::uint32_t index);

  /// The peer closed its end: its slot stays with its process, unless there is nothing that it could come back for.
  void hung_up(Session& session);
  void forget(Session& session);
  /// Memory may be free: reclaim and trim in a moment, off the path of requests.
  void schedule_chores();
  /// Reclaims now if a removal made that worthwhile: warm memory before fresh.
  void reclaim_if_due();
  /// Ends run() after the current handler.
  void stop(const std::string& why);
  void remove_memory();
  /// After a request: whether it found the sync segment cut.
  void mend_sync() noexcept;

  /// The `ndshare` that was beside this program at its start, or -1; a save by it, answered when it ends (save_job.cc).
  int own_cli() const { return own_cli_.get(); }
  void start_save(SaveJob job);

  void start_job(std::shared_ptr<CreateJob> job);
  void finish_job(const std::shared_ptr<CreateJob>& job);

 private:
  void listen();
  void accept_one();
  void take_connection(OwnedFd socket);
  bool turn_away();                   ///< false where not even that worked
  void adopt_holders();
  bool watch_holder(std::uint32_t index);  ///< false where its process has ended
  void watch_pidfd(std::uint32_t index);
  void drop_idle(SlotRef slot);
  void look_later();
  void look_around();
  bool sweep_slot(SlotRef slot);
  bool release_slot(std::uint32_t index);  ///< false where the sweep is to be tried again
  void holder_ended(std::uint32_t index);
  void check_ephemeral();
  void chores();
  void drop_jobs();
  void look_at_save(std::list<SaveJob>::iterator job);

  DaemonOptions options_;
  std::string socket_path_;
  std::unique_ptr<Engine> engine_;
  Loop loop_{SIGTERM, SIGINT};
  OwnedFd listener_, spare_;          ///< `spare_` is given up to accept and refuse one connection at the descriptor limit
  Loop::Watch listener_watch_;
  std::map<Session*, std::shared_ptr<Session>> sessions_;
  std::map<std::uint32_t, Holder> holders_;  ///< by slot index
  std::vector<SlotRef> unswept_;             ///< their sweep failed: look_around() tries again
  std::list<std::shared_ptr<CreateJob>> jobs_;
  OwnedFd own_cli_ = open_own_cli();
  std::list<SaveJob> saves_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  bool look_due_ = false, chores_due_ = false, reclaim_due_ = false, served_ = false, removed_ = false, stopping_ = false;
};

}  // namespace ndshare::internal
