/// One process's place in a store: the connection, the mapped segments, the claims; shared by Store copies, guards and views.
///
/// Life: attached from connect() until close() was called (by a Store, or by the last handle going) and the last Lease is
/// gone; then the daemon is told (Detach) and the slot is nobody's. The maps stay until the object goes, so that nothing that
/// still points to it can fault.
/// Fork: the maps are not inherited (MADV_DONTFORK); a word in a page that the kernel wipes in the child (MADV_WIPEONFORK)
/// says so for the price of one load. What the child inherited throws Forked and, when it goes, touches nothing shared.
///   Threads: safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <ndshare/store.h>

#include "client/building.h"
#include "client/connection.h"
#include "client/pool_maps.h"
#include "lib/shm/catalog_view.h"
#include "lib/shm/claims.h"
#include "lib/shm/sync_layout.h"

namespace ndshare::internal {

/// A word that is 1 in the process that made it and 0 in its forked children.
class ForkWord {
 public:
  ForkWord();   ///< Errors: Memory.
  ~ForkWord();
  ForkWord(const ForkWord&) = delete;
  ForkWord& operator=(const ForkWord&) = delete;
  bool forked() const noexcept { return *word_ == 0; }

 private:
  volatile const std::uint32_t* word_;
};

class ClientSession : public std::enable_shared_from_this<ClientSession> {
 public:
  /// Errors: as Store::connect().
  static std::shared_ptr<ClientSession> connect(const StoreAddress& address, const ConnectOptions& options);
  ClientSession(const StoreAddress& address, const ConnectOptions& options);
  ~ClientSession();

  /// Throws Forked in a forked child, Usage after close().
  void check() const {
    if (fork_.forked() || closed_.load(std::memory_order_relaxed)) refuse();
  }
  /// Also throws Permission for a read-only client.
  void check_writer() const;
  bool forked() const noexcept { return fork_.forked(); }
  void close() noexcept;

  const std::string& name() const noexcept { return name_; }
  Role role() const noexcept { return connection_->hello().read_only ? Role::read_only : Role::read_write; }
  const HelloReply& hello() const noexcept { return connection_->hello(); }
  std::chrono::nanoseconds timeout() const noexcept { return options_.timeout; }
  Deadline deadline(const Timeout& timeout) const noexcept { return deadline_after(timeout, options_.timeout); }

  const CatalogView& catalog() const noexcept { return maps_->view; }
  SyncHeader& sync() const noexcept { return *maps_->sync.at<SyncHeader>(0); }
  ArraySync& array_sync(std::uint32_t index) const noexcept;
  ClaimTable& claims() noexcept { return maps_->claims; }
  PoolMaps& pool() noexcept { return maps_->pool; }
  BuildTable& builds() noexcept { return builds_; }

  /// Whether this client made the array: the slot and generation in its meta block are this session's.
  bool made_by_us(const ArrayCopy& array) const noexcept {
    return array.owner_slot == hello().slot && array.owner_gen == static_cast<std::uint32_t>(hello().gen);
  }

  template <class Request>
  ReplyOf<Request> request(const Request& request, Deadline deadline) {
    return connection_->call(request, deadline);
  }

 private:
  friend class Lease;
  struct Maps {
    Maps(std::vector<OwnedFd> descriptors, const HelloReply& hello);
    Mapping catalog, sync;
    CatalogView view;
    SyncLayout layout;  ///< by the catalog; the sync segment's own header is everybody's to write
    ClaimTable claims;
    PoolMaps pool;
  };
  [[noreturn]] void refuse() const;
  bool enter() noexcept;
  void leave() noexcept;

  ConnectOptions options_;
  std::string name_;
  ForkWord fork_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Maps> maps_;
  BuildTable builds_;
  std::atomic<bool> closed_{false};
  std::atomic<std::uint64_t> users_{1};  ///< leases, and one until close(); at 0 the slot is given back for good
};

/// Keeps the session attached: one in every guard and view.
class Lease {
 public:
  Lease() = default;
  /// Errors: Usage when the store was closed; Forked.
  explicit Lease(std::shared_ptr<ClientSession> session);
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (session_ != nullptr) session_->leave();
  }
  ClientSession* operator->() const noexcept { return session_.get(); }
  ClientSession& operator*() const noexcept { return *session_; }

 private:
  std::shared_ptr<ClientSession> session_;
};

}  // namespace ndshare::internal
