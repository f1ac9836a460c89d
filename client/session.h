/// One process's place in a store: the connection, the mapped segments, the claims; shared by Store copies, guards and views.
///
/// Owned by itself until it has left: guards hold plain pointers. Handles share a pointer of their own, whose end closes it.
/// Life: attached from connect() until close() was called (by a Store, or by the last handle going), the last Lease is gone and
/// the last entry of the claim table is free; then the daemon is told (Detach) and the slot is nobody's. Whoever lets go of an
/// entry or a lease looks at `closed_` afterwards, close() sets it and then looks at the entries (all seq_cst): one of them sees
/// the other, and left_ lets one of them leave. The maps stay until the object goes, so that nothing that still points to it
/// can fault.
/// Fork: the maps are not inherited (MADV_DONTFORK); a word in a page that the kernel wipes in the child (MADV_WIPEONFORK)
/// says so for the price of one load. What the child inherited throws Forked and, when it goes, touches nothing shared.
///   Threads: safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ndshare/store.h>

#include "client/building.h"
#include "client/connection.h"
#include "client/guard_pages.h"
#include "client/pool_maps.h"
#include "client/stream_uses.h"
#include "lib/shm/catalog_view.h"
#include "lib/shm/claim_system.h"
#include "lib/shm/claim_table.h"
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

inline constexpr std::chrono::nanoseconds kRoundTripTimeout = std::chrono::seconds(5);

class ClientSession : public std::enable_shared_from_this<ClientSession> {
 public:
  /// Errors: as Store::connect().
  static std::shared_ptr<ClientSession> connect(const StoreAddress& address, const ConnectOptions& options);
  ClientSession(const StoreAddress& address, const ConnectOptions& options);
  ~ClientSession();

  /// Throws Forked in a forked child, Usage after close(), Kicked where an operator asked this client to leave.
  void check() {
    if (fork_.forked() || closed_.load(std::memory_order_relaxed) || slot_->kicked.load(std::memory_order_relaxed) != 0) refuse();
  }
  /// Also throws Permission for a read-only client.
  void check_writer();
  bool forked() const noexcept { return fork_.forked(); }
  /// check() would throw for another reason than close().
  bool must_refuse() const noexcept { return fork_.forked() || slot_->kicked.load(std::memory_order_relaxed) != 0; }
  bool is_closed() const noexcept { return closed_.load(std::memory_order_seq_cst); }
  void close() noexcept;
  /// Gives the slot back once the store is closed and nothing is in use; may destroy this object.
  void leave_if_unused() noexcept;
  /// A number that no other session of this process had.
  std::uint64_t id() const noexcept { return id_; }
  /// The session of that number, if it still lives.
  static std::shared_ptr<ClientSession> find(std::uint64_t id) noexcept;

  const std::string& name() const noexcept { return name_; }
  Role role() const noexcept { return connection_->hello().read_only ? Role::read_only : Role::read_write; }
  const HelloReply& hello() const noexcept { return connection_->hello(); }
  /// Of round trips that name no other.
  std::chrono::nanoseconds timeout() const noexcept { return options_.timeout.value_or(kRoundTripTimeout); }
  Deadline deadline(const Timeout& timeout) const noexcept { return deadline_after(timeout, this->timeout()); }
  /// Of a wait for others: without limit unless somebody named one.
  Deadline guard_deadline(const Timeout& timeout) const noexcept {
    const auto& limit = timeout ? timeout : options_.timeout;
    return limit ? deadline_after(limit, {}) : kForever;
  }

  const CatalogView& catalog() const noexcept { return maps_->view; }
  SyncHeader& sync() const noexcept { return *maps_->sync.at<SyncHeader>(0); }
  ArraySync& array_sync(std::uint32_t index) const noexcept;
  ClaimSystem& system() noexcept { return maps_->system; }
  Claims& claims() noexcept { return maps_->protocol; }
  ClaimTable& table() noexcept { return maps_->table; }
  std::uint32_t slot() const noexcept { return static_cast<std::uint32_t>(hello().slot); }
  /// A free entry.   Errors: TooManyClaims (says how many); as check().
  Claim& take_entry(bool view);
  /// REQUIRES: its word is FREE.
  void give_back(Claim* entry) noexcept {
    maps_->table.give_back(entry);
    if (closed_.load(std::memory_order_seq_cst)) leave_if_unused();
  }
  /// Of a thread that ends. An entry that is busy (its guard went to another thread) stays with its guard.
  void give_back_parked(Claim* entry) noexcept {
    if (maps_->table.busy(entry).load(std::memory_order_seq_cst) == 0) give_back(entry);
  }
  GuardPages& guard_pages() noexcept { return guard_pages_; }
  /// Gives granted memory back; where the daemon is away, with the next request for memory.
  void return_memory(std::vector<ExtentInfo> extents) noexcept;
  /// A request that is answered with memory, after what return_memory() still owes.
  template <class Request>
  ReplyOf<Request> request_memory(const Request& request, Deadline deadline) {
    flush_returns(deadline);
    return this->request(request, deadline);
  }
  PoolMaps& pool() noexcept { return maps_->pool; }
  BuildTable& builds() noexcept { return builds_; }
  StreamUses& stream_uses() noexcept { return stream_uses_; }
  StreamSync& stream_sync(std::uint32_t ring) const noexcept { return maps_->layout.stream(maps_->sync.data(), ring); }

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
    Maps(std::vector<OwnedFd> descriptors, const HelloReply& hello, std::function<Descriptor()> reopen);
    Mapping catalog, sync;
    CatalogView view;
    SyncLayout layout;  ///< by the catalog; the sync segment's own header is everybody's to write
    ClaimSystem system;
    Claims protocol;
    ClaimTable table;
    PoolMaps pool;
  };
  [[noreturn]] void refuse();
  void flush_returns(Deadline deadline);
  bool enter() noexcept;
  void leave() noexcept;

  std::shared_ptr<ClientSession> self_;  ///< until it has left
  std::uint64_t id_ = 0;
  ConnectOptions options_;
  std::string name_;
  ForkWord fork_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Maps> maps_;
  BuildTable builds_;
  StreamUses stream_uses_;
  GuardPages guard_pages_;
  std::mutex returns_mutex_;
  std::vector<std::vector<ExtentInfo>> returns_;  ///< granted memory that the daemon could not be given back yet
  const Slot* slot_ = nullptr;  ///< ours in the catalog
  std::atomic<bool> closed_{false}, left_{false};
  std::atomic<std::uint64_t> users_{1};  ///< leases, and one until close()
};

/// Keeps the session attached during a call (guards and views do so by their entries).
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
