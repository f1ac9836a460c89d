#include "daemon/server.h"

#include <cerrno>
#include <csignal>
#include <exception>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

#include "daemon/activation.h"
#include "daemon/create_job.h"
#include "daemon/one_line.h"
#include "daemon/version_text.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/shm/segment.h"
#include "lib/wire/socket.h"

namespace ndshare::internal {
namespace {

using std::chrono::milliseconds;

constexpr auto kGreetingTime = milliseconds(10'000);  ///< for Hello after accept
constexpr auto kChoresDelay = milliseconds(5);        ///< batches the reclaims of a burst of removals
constexpr auto kChoresAgain = milliseconds(500);      ///< while what is removed or old is still held: releases are not announced
constexpr auto kAcceptPause = milliseconds(50);

}  // namespace

Server::Server(const DaemonOptions& options, std::unique_ptr<Engine> engine)
    : options_(options),
      socket_path_(segment_paths(::geteuid(), options.engine.store, options.engine.pool_dir).socket),
      engine_(std::move(engine)),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  // Before anybody is told that the store serves: a signal from then on is a clean stop.
  loop_.on_signal([this](int number) { stop(number == SIGTERM ? "SIGTERM" : "SIGINT"); });
  if (options.engine.ephemeral && !ephemeral()) log_info("--ephemeral does not apply: the adopted store is a lasting one");
  listen();
  adopt_holders();
  const auto& header = engine_->header();
  engine_->events().record({EventKind::start, kNoEventSlot, static_cast<std::uint64_t>(::getpid()),
                            {header.pool_bytes.load(), header.live_arrays.load(), engine_->adopted() ? 1U : 0U}, kVersionText});
}

Server::~Server() {
  drop_jobs();
  listener_watch_ = {};
  listener_.reset();
  if (!removed_ && !options_.activated) ::unlink(socket_path_.c_str());  // the lock file is still held: this socket is ours
  // The lock goes with the engine, before the sockets: who sees the hang-up may start the store again at once.
  engine_.reset();
  for (const auto& [key, session] : std::exchange(sessions_, {})) session->close();
}

std::chrono::milliseconds Server::uptime() const {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - started_);
}

void Server::run() {
  if (ephemeral()) {
    loop_.after(options_.idle_exit, [this] {
      if (!served_) check_ephemeral();
    });
  }
  listener_watch_.readable([this] { accept_one(); });
  loop_.run();
  loop_.join_helpers();
  drop_jobs();
  if (ephemeral()) remove_memory();
}

void Server::stop(const std::string& why) {
  if (!std::exchange(stopping_, true)) {
    log_info("stopping: " + why);
    const auto arrays = engine_->header().live_arrays.load();
    engine_->events().record({EventKind::stop, kNoEventSlot, 0, {arrays, holders_.size(), removed_ || ephemeral() ? 0U : 1U}, why});
  }
  loop_.stop();
}

void Server::remove_memory() {
  if (!std::exchange(removed_, true)) engine_->remove_segments();
}

// ---- connections ------------------------------------------------------------------------------------------------------------

void Server::listen() {
  const bool shared = options_.engine.shared_between_uids;
  listener_ = options_.activated ? activated_listener() : listen_socket(socket_path_, shared ? 0666 : 0600);
  listener_watch_ = Loop::Watch(loop_, listener_.get());
}

void Server::accept_one() {
  OwnedFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  bool pause = false;  // an error that would only come again at once
  if (!socket && (errno == EMFILE || errno == ENFILE)) {
    pause = !turn_away();
  } else if (!socket) {
    pause = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED;
  } else {
    take_connection(std::move(socket));
  }
  const auto next = [this] { listener_watch_.readable([this] { accept_one(); }); };
  pause ? loop_.after(kAcceptPause, next) : next();
}

void Server::take_connection(OwnedFd socket) {
  try {
    auto peer = peer_credentials(socket.get());
    const auto role = role_of(peer, engine_->header().uid, options_.write_gids, options_.read_only_gids);
    if (role == PeerRole::refused) {
      throw Error(ErrorCode::Permission, "uid " + std::to_string(peer.uid) + " may not use this store of uid " +
                                             std::to_string(engine_->header().uid) +
                                             ": its owner lets groups in with --allow-gid or --read-only-gid");
    }
    auto session = std::make_shared<Session>(*this, std::move(socket), std::move(peer), role);
    sessions_.emplace(session.get(), session);
    session->start();
    loop_.after(kGreetingTime, [seen = std::weak_ptr<Session>(session)] {
      if (const auto late = seen.lock(); late && !late->greeted()) late->close();
    });
  } catch (const Error& error) {
    log_debug("connection refused: " + one_line(error.message()));
    if (socket) refuse_connection(socket.get(), error);
  } catch (const std::exception& failure) {
    log_error(std::string("a connection was not taken: ") + one_line(failure.what()));
  }
}

bool Server::turn_away() {
  const Error error(ErrorCode::TooManyDescriptors,
                    "the daemon is at its limit of open files with " + std::to_string(sessions_.size()) +
                        " connections: raise LimitNOFILE (`ulimit -n`) of ndshared, or disconnect clients");
  log_warn(error.message());
  spare_.reset();
  const OwnedFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket) refuse_connection(socket.get(), error);
  spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return static_cast<bool>(socket);
}

void Server::forget(Session& session) { sessions_.erase(&session); }

// ---- chores -----------------------------------------------------------------------------------------------------------------

void Server::schedule_chores() {
  reclaim_due_ = true;
  if (std::exchange(chores_due_, true)) return;
  loop_.after(kChoresDelay, [this] { chores(); });
}

void Server::reclaim_if_due() {
  if (std::exchange(reclaim_due_, false)) engine_->reclaim();
}

void Server::chores() {
  chores_due_ = false;
  try {
    reclaim_due_ = false;
    engine_->reclaim();
    mend_sync();
    const auto given_back = engine_->trim_some(engine_->warm_limit_bytes());
    if (given_back > 0) {
      log_debug("gave " + format_bytes(given_back) + " of warm memory back");
      chores_due_ = true;
      return loop_.post([this] { chores(); });  // requests that came meanwhile go first
    }
    if (!engine_->waits_for_claims()) return;
    chores_due_ = true;
    loop_.after(kChoresAgain, [this] { chores(); });
  } catch (const std::exception& failure) {
    log_error(std::string("reclaiming memory failed: ") + one_line(failure.what()));
  }
}

void Server::mend_sync() noexcept {
  try {
    engine_->mend_sync();
  } catch (const std::exception& failure) {
    log_error(std::string("mending the sync segment failed: ") + one_line(failure.what()));
  }
}

// ---- creates whose memory is being reserved ---------------------------------------------------------------------------------

void Server::start_job(std::shared_ptr<CreateJob> job) {
  jobs_.push_back(job);
  run_create_step(*this, std::move(job));
}

void Server::finish_job(const std::shared_ptr<CreateJob>& job) { jobs_.remove(job); }

void Server::drop_jobs() {
  for (const auto& job : jobs_) job->abandoned = true;
  loop_.join_helpers();
  for (const auto& job : jobs_) job->ticket.reset();
  jobs_.clear();
}

}  // namespace ndshare::internal
