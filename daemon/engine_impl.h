/// The engine's parts and the private steps its operations share, by the file in which they are.
///
/// Invariants between calls: every record whose root is not 0 names an intact version and meta block; a name is in the
/// index exactly if its array is visible or building without kArrayReplaces; the pool counts one holder of an extent for
/// every block, living or waiting, that has it, for every grant and every ticket, and nothing else; `owned_` lists the building
/// and the session arrays by slot; `snapshots_` the snapshots that live or are pinned.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <unordered_set>

#include "daemon/catalog_heap.h"
#include "daemon/catalog_writer.h"
#include "daemon/engine.h"
#include "daemon/extent_table.h"
#include "daemon/grants.h"
#include "daemon/name_index.h"
#include "daemon/pool_allocator.h"
#include "daemon/reclaimer.h"
#include "daemon/store_files.h"
#include "daemon/stream_table.h"
#include "daemon/ticket.h"
#include "lib/shm/claim_system.h"
#include "lib/shm/memory_limits.h"

namespace ndshare::internal {

class EngineImpl final : public Engine {
 public:
  EngineImpl(const EngineOptions& options, StoreFiles files);
  ~EngineImpl() override;
  void format();  ///< after construction: the first tables of a new store
  void adopt();   ///< or everything that recovery.cc says

  const CatalogHeader& header() const override { return writer_.header(); }
  int catalog_fd() const override { return files_.catalog_read_only.get(); }
  int sync_fd() const override { return files_.sync.get(); }
  int pool_fd(bool read_only) const override { return read_only ? files_.pool_read_only.get() : files_.pool.get(); }
  bool adopted() const override { return files_.adopted; }
  EventLog& events() override { return events_; }
  Segments segments() const override { return {files_.catalog_map.data(), files_.sync_map.data(), files_.catalog_map.bytes()}; }

  SlotRef attach(const Peer& peer) override;
  void sweep(SlotRef slot) override;
  bool holds_anything(SlotRef slot) const override;
  std::vector<LiveSlot> live_slots() const override;

  std::unique_ptr<CreateTicket> prepare_create(SlotRef slot, std::span<const CreateSpec> specs) override;
  std::uint64_t cold_bytes(const CreateTicket& ticket) const override;
  bool reserve_some(CreateTicket& ticket) override;
  std::vector<CreatedArray> commit_create(SlotRef slot, std::uint64_t sequence, std::unique_ptr<CreateTicket> ticket) override;
  std::optional<std::vector<CreatedArray>> find_created(SlotRef slot, std::uint64_t sequence) const override;

  void publish(SlotRef slot, std::uint64_t sequence, std::span<const ArrayId> arrays, bool seal) override;
  void make_ready(SlotRef slot, std::uint64_t sequence, std::span<const ArrayId> arrays, bool seal) override;
  void publish_ready(SlotRef slot, std::uint64_t sequence) override;
  void remove(SlotRef slot, std::uint64_t sequence, std::string_view name) override;
  void discard(SlotRef slot, std::uint64_t sequence, ArrayId id) override;
  void rename(SlotRef slot, std::uint64_t sequence, std::string_view from, std::string_view to, bool replace) override;

  std::unique_ptr<CreateTicket> prepare_memory(SlotRef slot, const MemoryRequest& request) override;
  std::unique_ptr<CreateTicket> prepare_extend(SlotRef slot, const ExtendRequest& request) override;
  ExtendReply commit_memory(SlotRef slot, std::uint64_t sequence, std::unique_ptr<CreateTicket> ticket) override;
  std::optional<ExtendReply> find_memory(SlotRef slot, std::uint64_t sequence) const override;
  void return_memory(SlotRef slot, std::uint64_t sequence, std::span<const ExtentInfo> extents) override;
  std::uint64_t commit_version(SlotRef slot, std::uint64_t sequence, const CommitRequest& request) override;
  SnapshotReply snapshot(SlotRef slot, std::uint64_t sequence, const SnapshotRequest& request) override;
  std::uint64_t revert(SlotRef slot, std::uint64_t sequence, const RevertRequest& request) override;
  void mend(SlotRef slot, std::uint64_t sequence, const MendRequest& request) override;
  void make_stream(SlotRef slot, std::uint64_t sequence, const MakeStreamRequest& request) override;
  void remove_stream(SlotRef slot, std::uint64_t sequence, std::string_view name) override;
  void keep_batch(SlotRef slot, std::uint64_t sequence, const KeepBatchRequest& request) override;
  void ask_to_leave(SlotRef slot) override { writer_.slot(slot.index).kicked.store(1); }
  std::vector<std::string> written_arrays(SlotRef slot) const override;

  std::uint64_t reclaim() override;
  bool waits_for_claims() const noexcept override { return reclaimer_.holds_memory(); }
  std::uint64_t trim_some(std::uint64_t keep_bytes) override;
  std::uint64_t warm_limit_bytes() const override;
  PoolStatus pool_status() const override;
  std::uint64_t persistent_arrays() const override { return visible_ - session_; }
  std::vector<std::string> persistent_names(std::size_t limit) const override;
  void mend_sync() override;
  void remove_segments() noexcept override { unlink_store_files(files_.paths, options_.keeps_socket); }

 private:
  friend struct TicketImpl;
  using Current = CurrentArray;
  // engine_impl.cc
  Current current(std::uint32_t index) const noexcept;
  const Slot& check_slot(SlotRef slot, bool writes) const;
  bool is_live(SlotRef slot) const noexcept;
  bool is_repeat(SlotRef slot, std::uint64_t sequence) const noexcept;
  bool owns(SlotRef slot, const Current& array) const noexcept;
  ClaimScan scan_claims() const;
  void check_sync_file(), reserve_sync_in_use();
  void update_statistics() noexcept, names_changed() noexcept;
  void note(EventKind kind, SlotRef slot, std::array<std::uint64_t, kEventNumbers> numbers, std::string_view text) noexcept;
  // create_ops.cc
  void check_spec(const CreateSpec& spec, TicketItem& item) const;
  void take_names(TicketImpl& ticket), take_records(TicketImpl& ticket);
  static void check_attrs(const CreateSpec& spec);
  void take_memory(TicketImpl& ticket, std::span<const std::uint64_t> sizes);
  void check_system_memory(std::uint64_t cold);
  void give_back(TicketImpl& ticket) noexcept;
  Written write_blocks(const TicketImpl& ticket, std::size_t item, std::uint64_t gen, std::vector<ExtentInfo>& extents);
  std::uint64_t write_meta(SlotRef slot, const TicketItem& item);
  std::uint64_t grow_records(const TicketImpl& ticket);
  void write_ticket(const TicketImpl& ticket, Transaction& change, std::vector<Written>& written, std::vector<CreatedArray>& out);
  // publish_ops.cc
  CurrentArrays check_batch(SlotRef slot, std::span<const ArrayId> ids) const;
  void published(SlotRef slot, const CurrentArrays& batch);
  void publish_one(Transaction& change, const Current& array, bool seal, std::vector<Current>& gone);
  std::vector<std::uint32_t> ready_of(SlotRef slot) const;
  void publish_batches(SlotRef slot, std::span<const std::uint32_t> ready);
  void finish_publishing();
  // array_ops.cc
  void retire(Transaction& change, const Current& array, bool in_index);  ///< staged; retired() queues what it held
  void retired(const Current& array);
  Current find_visible(SlotRef slot, std::string_view name) const;
  Current find_id(SlotRef slot, ArrayId id) const;
  void commit(Transaction& change);
  void remove_owned(SlotRef slot);
  [[noreturn]] static void no_such_array(std::string_view name);
  void refuse_stream(const Current& array) const;
  // memory_ops.cc
  std::unique_ptr<TicketImpl> take_grant(SlotRef slot, std::uint64_t bytes);
  Current find_to_change(SlotRef slot, ArrayId id) const;
  // version_ops.cc
  void require_claim(SlotRef slot, const Current& array, std::initializer_list<ClaimMode> modes) const;
  ExtentTable changed_table(Transaction& change, SlotRef slot, const CommitRequest& request, const VersionBlock& block,
                            std::uint64_t version);
  NextVersion write_next(const Current& array, std::uint64_t version, std::int64_t rows, const ExtentTable& table,
                         const std::vector<TornRange>& torn);
  void drop_next(const Current& array, const NextVersion& next) noexcept;
  void superseded(const Current& before, const NextVersion& next);  ///< what was current waits for its last holder
  void hold(const ExtentTable& table, std::uint64_t except_birth);
  void let_go(std::span<const Extent> table, std::uint64_t except_birth) noexcept;
  void content_changed(std::uint32_t record) noexcept;
  std::uint64_t latest_result(SlotRef slot, std::uint32_t record) noexcept;
  // snapshot_ops.cc
  std::uint64_t block_of_version(const Current& array, std::uint64_t version) const;
  NextVersion write_snapshot(const VersionBlock& block, std::uint64_t source_gen, std::uint64_t version, std::uint32_t record,
                             std::uint64_t gen);
  void forget_snapshot(std::uint64_t source_gen, std::uint64_t source_version), settle_floor(std::uint64_t source_gen);
  void check_snapshot(SlotRef slot, const SnapshotRequest& request, CreateSpec& spec) const;
  void snapshot_taken(std::uint64_t source_gen, std::uint64_t version, std::uint32_t record);
  std::uint64_t floor_of(std::uint64_t source_gen) const;
  // torn_ops.cc
  void tear_writes(SlotRef slot);
  void store_torn(const Current& array, const std::vector<TornRange>& ranges, SlotRef slot, std::uint64_t sequence);
  // stream_ops.cc
  std::vector<SlotRef> slots_in_use() const;
  std::uint64_t rewrite_meta(const Current& array, std::string_view name, std::string_view attrs);
  StreamSpec check_stream(SlotRef slot, const MakeStreamRequest& request) const;
  void refuse_users(std::uint32_t ring, std::string_view name);
  void commit_kept(SlotRef slot, std::uint64_t sequence, const KeepBatchRequest& request, const Current& stream, const Current& fresh, StreamSpec spec);
  void adopt_streams();
  [[noreturn]] static void no_such_stream(std::string_view name);
  // recovery.cc
  void adopt_records(), adopt_grants();
  void adopt_orphans(const ClaimScan& scan);
  void adopt_old_versions(const ClaimScan& scan, const std::vector<std::uint64_t>& offsets);
  void adopt_free_records(const ClaimScan& scan);
  void adopt_capacity();
  std::uint64_t sweep_dead();
  void remove_ownerless(), adopt_snapshots();
  void mark_extents(const VersionBlock& block, std::uint32_t uid);

  EngineOptions options_;
  StoreFiles files_;
  std::string pool_folder_;
  CatalogWriter writer_;
  EventLog events_{writer_};
  SyncSegment sync_;
  StreamTable streams_{sync_};
  CatalogView view_;
  ClaimSystem claims_;
  StepReserver sync_reserver_;
  CatalogHeap heap_;
  NameIndex index_;
  Grants grants_;
  PoolAllocator pool_;
  Reclaimer reclaimer_;
  std::vector<std::uint32_t> free_records_;     ///< below records_high_, in nobody's use
  std::uint32_t records_high_ = 0;              ///< the header's, plus what tickets hold
  std::vector<std::set<std::uint32_t>> owned_;  ///< by slot: its building and session arrays
  std::map<std::uint64_t, KnownSnapshots> snapshots_;  ///< by array_gen of what they were taken of
  std::vector<std::uint32_t> ownerless_;        ///< found by adoption: their makers are gone
  std::unordered_set<std::string> coming_;      ///< names of tickets
  std::uint64_t visible_ = 0;                   ///< arrays that are not building
  std::uint64_t session_ = 0;                   ///< session arrays among them
  std::uint64_t room_ = 0;                      ///< system memory believed to be left, see check_system_memory()
  std::chrono::steady_clock::time_point room_read_{};
};

}  // namespace ndshare::internal
