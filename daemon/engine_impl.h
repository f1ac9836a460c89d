/// The engine's parts and the private steps its operations share. Operations are grouped by file: engine_impl.cc
/// (slots, memory), create_ops.cc (creating), array_ops.cc (publish, remove, rename), recovery.cc (adoption).
///
/// Invariants between calls: every record whose root is not 0 names an intact version and meta block; a name is in the
/// index exactly if its array is visible or building without kArrayReplaces; every extent of such a block, of a waiting
/// version and of a ticket is taken from the pool, and nothing else is; `owned_` lists the building and the session
/// arrays by slot.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "daemon/catalog_heap.h"
#include "daemon/catalog_writer.h"
#include "daemon/engine.h"
#include "daemon/grants.h"
#include "daemon/memory_limits.h"
#include "daemon/name_index.h"
#include "daemon/pool_allocator.h"
#include "daemon/reclaimer.h"
#include "daemon/store_files.h"

namespace ndshare::internal {

class EngineImpl;

/// One array of a ticket: its spec checked and measured, its place in the record table taken.
struct TicketItem {
  CreateSpec spec;
  std::uint64_t nbytes = 0, grain = 0;
  std::uint32_t record = 0;
};

struct TicketImpl final : CreateTicket {
  TicketImpl(EngineImpl& owner, SlotRef who) : engine(owner), slot(who) {}
  ~TicketImpl() override;
  EngineImpl& engine;
  SlotRef slot;
  std::vector<TicketItem> items;
  std::vector<std::string> names;  ///< taken in EngineImpl::coming_
  PoolAllocation allocation;
  bool holds_memory = false;
};

class EngineImpl final : public Engine {
 public:
  EngineImpl(const EngineOptions& options, StoreFiles files);
  ~EngineImpl() override;
  /// After construction: the first tables of a new store, or everything recovery.cc says.
  void format();
  void adopt();

  const CatalogHeader& header() const override { return writer_.header(); }
  int catalog_fd() const override { return files_.catalog_read_only.get(); }
  int sync_fd() const override { return files_.sync.get(); }
  int pool_fd(bool read_only) const override { return read_only ? files_.pool_read_only.get() : files_.pool.get(); }
  bool adopted() const override { return files_.adopted; }

  SlotRef attach(const Peer& peer) override;
  void sweep(SlotRef slot) override;
  bool holds_anything(SlotRef slot) const override;
  std::vector<LiveSlot> live_slots() const override;

  std::unique_ptr<CreateTicket> prepare_create(SlotRef slot, std::span<const CreateSpec> specs) override;
  std::uint64_t cold_bytes(const CreateTicket& ticket) const override;
  bool reserve_some(CreateTicket& ticket) override;
  std::vector<CreatedArray> commit_create(SlotRef slot, std::uint64_t sequence,
                                          std::unique_ptr<CreateTicket> ticket) override;
  std::optional<std::vector<CreatedArray>> find_created(SlotRef slot, std::uint64_t sequence) const override;

  void publish(SlotRef slot, std::uint64_t sequence, std::span<const ArrayId> arrays, bool seal) override;
  void remove(SlotRef slot, std::uint64_t sequence, std::string_view name) override;
  void discard(SlotRef slot, std::uint64_t sequence, ArrayId id) override;
  void rename(SlotRef slot, std::uint64_t sequence, std::string_view from, std::string_view to, bool replace) override;

  std::uint64_t reclaim() override;
  std::uint64_t trim_some(std::uint64_t keep_bytes) override;
  std::uint64_t warm_limit_bytes() const override;
  PoolStatus pool_status() const override;
  std::uint64_t persistent_arrays() const override { return visible_ - session_; }
  std::vector<std::string> persistent_names(std::size_t limit) const override;
  void mend_sync() override;
  void remove_segments() noexcept override { unlink_store_files(files_.paths); }

 private:
  friend struct TicketImpl;
  /// A record's current reference, as the engine (its only writer) reads it.
  struct Current {
    std::uint32_t index = 0;
    std::uint64_t root = 0, array_gen = 0, block = 0, meta = 0, flags = 0;
    std::uint64_t version() const noexcept { return root >> 1; }
    bool building() const noexcept { return (flags & kArrayBuilding) != 0; }
  };

  // engine_impl.cc
  Current current(std::uint32_t index) const noexcept;
  const Slot& check_slot(SlotRef slot, bool writes) const;
  bool is_live(SlotRef slot) const noexcept;
  bool is_repeat(SlotRef slot, std::uint64_t sequence) const noexcept;
  bool owns(SlotRef slot, const Current& array) const noexcept;
  ClaimScan scan_claims() const;
  void check_sync_file();
  void reserve_sync_in_use();
  void update_statistics() noexcept;
  void names_changed() noexcept;
  const std::string& pool_folder() const noexcept { return pool_folder_; }

  // create_ops.cc
  void check_spec(const CreateSpec& spec, TicketItem& item) const;
  void take_names(TicketImpl& ticket);
  void take_records(TicketImpl& ticket);
  void take_memory(TicketImpl& ticket);
  void check_system_memory(std::uint64_t cold);
  void give_back(TicketImpl& ticket) noexcept;
  struct Written {
    std::uint64_t block = 0, meta = 0;
  };
  Written write_blocks(const TicketImpl& ticket, std::size_t item, std::uint64_t gen, std::vector<ExtentInfo>& extents);
  std::uint64_t grow_records(const TicketImpl& ticket);
  void write_ticket(const TicketImpl& ticket, Transaction& change, std::vector<Written>& written,
                    std::vector<CreatedArray>& out);

  // array_ops.cc
  /// Stages the removal of an array; retired() after the commit queues what it held.
  void retire(Transaction& change, const Current& array, bool in_index);
  void retired(const Current& array);
  Current find_visible(SlotRef slot, std::string_view name) const;
  Current find_id(SlotRef slot, ArrayId id) const;
  using Batch = std::map<std::uint32_t, Current>;  ///< by record
  Batch check_batch(SlotRef slot, std::span<const ArrayId> ids) const;
  void published(SlotRef slot, const Batch& batch);
  void publish_one(Transaction& change, const Current& array, bool seal, std::vector<Current>& gone);
  void commit(Transaction& change);
  void remove_owned(SlotRef slot);
  [[noreturn]] static void no_such_array(std::string_view name);

  // recovery.cc
  void adopt_records();
  void adopt_orphans(const ClaimScan& scan);
  void adopt_free_records(const ClaimScan& scan);
  void adopt_grants();
  void adopt_capacity();
  void sweep_dead();
  void remove_ownerless();
  void mark_extents(const VersionBlock& block, std::uint32_t uid);

  EngineOptions options_;
  StoreFiles files_;
  std::string pool_folder_;
  CatalogWriter writer_;
  SyncSegment sync_;
  StepReserver sync_reserver_;
  CatalogHeap heap_;
  NameIndex index_;
  Grants grants_;
  PoolAllocator pool_;
  Reclaimer reclaimer_;

  std::vector<std::uint32_t> free_records_;     ///< below records_high_, in nobody's use
  std::uint32_t records_high_ = 0;              ///< the header's, plus what tickets hold
  std::vector<std::set<std::uint32_t>> owned_;  ///< by slot: its building and session arrays
  std::vector<std::uint32_t> ownerless_;        ///< found by adoption: their makers are gone
  std::unordered_set<std::string> coming_;      ///< names of tickets
  std::uint64_t visible_ = 0;                   ///< arrays that are not building
  std::uint64_t session_ = 0;                   ///< session arrays among them
  std::uint64_t room_ = 0;                      ///< system memory believed to be left, see check_system_memory()
  std::chrono::steady_clock::time_point room_read_{};
};

}  // namespace ndshare::internal
