#include "daemon/engine_impl.h"

#include <algorithm>
#include <cstring>

#include <unistd.h>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "daemon/sweeper.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/wall_clock.h"
#include "lib/shm/process.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kTrimStep = 64ULL << 20;

}  // namespace

std::unique_ptr<Engine> Engine::open(const EngineOptions& options) {
  load_crash_point();
  auto files = open_store_files(options);
  const bool adopts = files.adopted;
  auto engine = std::make_unique<EngineImpl>(options, std::move(files));
  if (adopts) {
    engine->adopt();
  } else {
    engine->format();
  }
  return engine;
}

EngineImpl::EngineImpl(const EngineOptions& options, StoreFiles files)
    : options_(options),
      files_(std::move(files)),
      writer_(files_.catalog_map.data(), files_.catalog_map.bytes(), files_.catalog.get()),
      sync_(files_.sync_map.data(), header().max_clients, header().max_arrays),
      view_(files_.catalog_map.data(), files_.catalog_map.bytes()),
      claims_(view_, files_.sync_map.data()),
      sync_reserver_(files_.sync.get(), header().sync_bytes),
      heap_(writer_),
      index_(writer_, heap_),
      grants_(writer_),
      pool_(header().pool_bytes.load()),
      reclaimer_(heap_, pool_),
      owned_(header().max_clients) {
  pool_folder_ = header().pool_dir[0] == 0 ? "/dev/shm" : header().pool_dir;
  writer_.reserve_redo();  // all of it: a sweep must not need memory that the machine does not have
}

EngineImpl::~EngineImpl() {
  writer_.header().daemon_pid.store(0);
  writer_.header().daemon_start.store(0);
}

void EngineImpl::format() {
  grants_.format();
  index_.format();
  const auto pid = static_cast<std::uint64_t>(getpid());
  writer_.header().daemon_start.store(process_start(pid).value_or(0));
  writer_.header().daemon_pid.store(pid);
  update_statistics();
}

// ---- slots

EngineImpl::Current EngineImpl::current(std::uint32_t index) const noexcept {
  const auto& record = writer_.record(index);
  const auto root = record.root.load(std::memory_order_relaxed);
  if (root == 0) return {index};
  const auto& ref = record.ref[root & 1];
  return {index,          root,        ref.array_gen.load(), ref.block.load(), ref.meta.load(), ref.flags.load(),
          ref.floor.load(), ref.torn.load()};
}

bool EngineImpl::is_live(SlotRef slot) const noexcept {
  return slot.index < header().max_clients && writer_.slot(slot.index).id.load() == slot_id(slot.gen, SlotState::live);
}

const Slot& EngineImpl::check_slot(SlotRef slot, bool writes) const {
  if (!is_live(slot)) {
    throw Error(ErrorCode::Permission, "slot " + std::to_string(slot.index) + " generation " +
                                           std::to_string(slot.gen) + " is not attached to the store: connect again");
  }
  const auto& words = writer_.slot(slot.index);
  if (writes && (words.uid_role.load() & 0xFF) != 0) {
    throw Error(ErrorCode::Permission, "this client is connected read-only: it cannot create, change or remove arrays");
  }
  return words;
}

bool EngineImpl::is_repeat(SlotRef slot, std::uint64_t sequence) const noexcept {
  return sequence != 0 && writer_.slot(slot.index).last_sequence.load() == sequence;
}

bool EngineImpl::owns(SlotRef slot, const Current& array) const noexcept {
  const auto& meta = heap_.meta(array.meta);
  return meta.owner_slot == slot.index && meta.owner_gen == slot.gen;
}

SlotRef EngineImpl::attach(const Peer& peer) {
  std::uint32_t index = 0;
  while (index < header().max_clients && slot_state(writer_.slot(index).id.load()) != SlotState::free) ++index;
  if (index == header().max_clients) {
    throw Error(ErrorCode::TooManyClients,
                "all " + std::to_string(index) +
                    " client slots are taken: end a client, or make the store with a larger --max-clients",
                {{"max_clients", std::to_string(index)}});
  }
  auto& slot = writer_.slot(index);
  const auto gen = std::max<std::uint64_t>(1, slot_gen(slot.id.load()));
  auto& claims = sync_.claims(index);
  check_sync_file();  // a new client checks size and header itself, and would refuse what another one broke
  sync_reserver_.ensure(sync_.layout.claims_offset + index * sizeof(SlotClaims), sizeof(SlotClaims));
  clear_claims(claims);
  slot.pid.store(peer.pid), slot.start.store(peer.start), slot.pid_namespace.store(peer.pid_namespace);
  slot.uid_role.store(std::uint64_t{peer.uid} << 8 | (peer.read_only ? 1 : 0));
  slot.since_unix_ns.store(unix_now_ns());
  slot.last_sequence.store(0), slot.last_result[0].store(0), slot.last_result[1].store(0), slot.kicked.store(0);
  for (auto& counter : claims.counters) counter.store(0, std::memory_order_relaxed);
  for (auto& counter : claims.waits) counter.store(0, std::memory_order_relaxed);
  claims.streams.store(0);
  const auto shown = peer.command.substr(0, sizeof(slot.command) - 1);
  std::fill(std::begin(slot.command), std::end(slot.command), '\0');
  shown.copy(slot.command, shown.size());
  crash_point("attach.filled");
  slot.id.store(slot_id(gen, SlotState::live));
  crash_point("attach.live");
  return {index, gen};
}

/// Restartable: until the slot is free every step leaves what a second sweep needs; a dying slot is swept again at a
/// restart.
void EngineImpl::sweep(SlotRef slot) {
  if (slot.index >= header().max_clients) return;
  auto& words = writer_.slot(slot.index);
  if (slot_gen(words.id.load()) != slot.gen || slot_state(words.id.load()) == SlotState::free) return;
  finish_publishing();  // for this slot or another: what could not be finished before
  words.id.store(slot_id(slot.gen, SlotState::dying));
  crash_point("sweep.dying");
  fail_point("sweep.dying");
  std::vector<ClaimCopy> claims;
  collect_claims(sync_.claims(slot.index), claims);
  const auto arrays = owned_[slot.index].size();
  tear_writes(slot);
  crash_point("sweep.torn");
  remove_owned(slot);
  crash_point("sweep.owned");
  Transaction change(writer_);
  const auto granted = grants_.take_all(change, slot);
  events_.count_left(change, slot.index, slot.gen, sync_.claims(slot.index));
  commit(change);
  std::uint64_t freed = 0;
  for (const auto& extent : granted) pool_.release(extent.offset, extent.bytes, kUnknownUid), freed += extent.bytes;
  crash_point("sweep.grants");
  sweep_entries(claims_, slot, static_cast<std::uint32_t>(header().records_high.load()));
  crash_point("sweep.entries");
  streams_.sweep(slot);
  crash_point("sweep.streams");
  note(EventKind::sweep, slot, {claims.size(), freed, arrays}, std::string(words.command, ::strnlen(words.command, sizeof(words.command))));
  words.id.store(slot_id(next_gen(slot.gen), SlotState::free));
  crash_point("sweep.free");
  reclaim();
}

bool EngineImpl::holds_anything(SlotRef slot) const {
  if (!is_live(slot)) return false;
  std::vector<ClaimCopy> claims;
  collect_claims(sync_.claims(slot.index), claims);
  return !claims.empty() || sync_.claims(slot.index).streams.load() != 0 || !owned_[slot.index].empty() || grants_.holds(slot);
}

std::vector<Engine::LiveSlot> EngineImpl::live_slots() const {
  std::vector<LiveSlot> out;
  for (std::uint32_t i = 0; i < header().max_clients; ++i) {
    const auto& slot = writer_.slot(i);
    const auto id = slot.id.load();
    if (slot_state(id) != SlotState::live) continue;
    out.push_back({{i, slot_gen(id)}, slot.pid.load(), slot.start.load(), slot.pid_namespace.load()});
  }
  return out;
}

ClaimScan EngineImpl::scan_claims() const {
  std::vector<ClaimCopy> claims;
  for (std::uint32_t i = 0; i < header().max_clients; ++i) {
    if (slot_state(writer_.slot(i).id.load()) != SlotState::free) collect_claims(sync_.claims(i), claims);
  }
  return ClaimScan(std::move(claims));
}

// ---- the sync segment, which any client may cut or overwrite

void EngineImpl::mend_sync() {
  if (SyncGuard::take_repairs() == 0) return;
  note(EventKind::cut, {}, {}, files_.paths.sync);
  log_warn(files_.paths.sync + ": a client cut it; it was extended again, and claims that stood there count as none");
  check_sync_file();
  sync_reserver_ = StepReserver(files_.sync.get(), header().sync_bytes);  // nothing that was reserved is certain now
  reserve_sync_in_use();
  streams_.mend();
}

/// Size and header as they must be, before anything relies on them.
void EngineImpl::check_sync_file() {
  if (const auto found = file_bytes(files_.sync.get()); found != header().sync_bytes) {
    log_warn(files_.paths.sync + " had " + std::to_string(found) + " bytes instead of " +
             std::to_string(header().sync_bytes) + ": a client cut it; claims that stood there count as none");
    resize_file(files_.sync.get(), header().sync_bytes);
    sync_reserver_ = StepReserver(files_.sync.get(), header().sync_bytes);
    reserve_sync_in_use();
  }
  if (write_sync_header(files_.sync_map.data(), header())) {
    log_warn(files_.paths.sync + ": a client had overwritten its header, which was written anew");
  }
}

/// Real memory behind all that scans and sweeps will touch; free of charge where it is there.
void EngineImpl::reserve_sync_in_use() {
  sync_reserver_.ensure(0, kPage);
  for (std::uint32_t i = 0; i < header().max_clients; ++i) {
    if (slot_state(writer_.slot(i).id.load()) == SlotState::free) continue;
    sync_reserver_.ensure(sync_.layout.claims_offset + i * sizeof(SlotClaims), sizeof(SlotClaims));
  }
  sync_reserver_.ensure(sync_.layout.arrays_offset, header().records_high.load() * sync_.layout.array_stride);
  for (std::uint32_t ring = 0; ring < kMaxStreams; ++ring) {
    if (streams_.known(ring).gen != 0) sync_reserver_.ensure(sync_.layout.streams_offset + ring * kStreamStride, kStreamStride);
  }
}

// ---- memory

std::uint64_t EngineImpl::reclaim() {
  if (reclaimer_.empty()) return 0;
  const auto freed = reclaimer_.run(scan_claims(), [&](std::uint32_t record) { free_records_.push_back(record); });
  for (const auto& gone : reclaimer_.take_gone_snapshots()) forget_snapshot(gone.source_gen, gone.source_version);
  update_statistics();
  return freed;
}

std::uint64_t EngineImpl::trim_some(std::uint64_t keep_bytes) {
  const auto warm = pool_.numbers().warm;
  if (warm <= keep_bytes) return 0;
  std::uint64_t given = 0;
  for (const auto& range : pool_.take_trim(std::min(kTrimStep, warm - keep_bytes))) {
    try {
      punch_range(files_.pool.get(), range.offset, range.bytes);
    } catch (...) {
      pool_.keep_warm(range);
      continue;
    }
    pool_.made_cold(range);
    given += range.bytes;
  }
  update_statistics();
  return given;
}

std::uint64_t EngineImpl::warm_limit_bytes() const {
  return options_.warm_limit_bytes != 0 ? options_.warm_limit_bytes : header().pool_bytes.load() / 4;
}

PoolStatus EngineImpl::pool_status() const {
  const auto numbers = pool_.numbers();
  const auto limits = read_memory_limits(pool_folder_, options_.cgroup_root);
  PoolStatus out;
  out.capacity_bytes = numbers.capacity, out.used_bytes = numbers.used, out.live_bytes = numbers.live;
  out.warm_bytes = numbers.warm, out.free_bytes = numbers.free, out.largest_free_bytes = numbers.largest_free;
  out.pending_bytes = reclaimer_.pending_bytes();
  out.catalog_bytes = resident_bytes(files_.catalog.get()), out.sync_bytes = resident_bytes(files_.sync.get());
  out.tmpfs_free_bytes = limits.tmpfs_free, out.memory_available_bytes = limits.memory_available;
  out.cgroup_free_bytes = limits.cgroup_free;
  return out;
}

std::vector<std::string> EngineImpl::persistent_names(std::size_t limit) const {
  std::vector<std::string> out;
  const auto high = static_cast<std::uint32_t>(header().records_high.load());
  for (std::uint32_t i = 0; i < high && out.size() < limit; ++i) {
    const auto array = current(i);
    if (array.root == 0 || (array.flags & (kArrayBuilding | kArraySession)) != 0) continue;
    out.emplace_back(name_of(heap_.meta(array.meta)));
  }
  return out;
}

/// Words for readers that ask without the daemon: each is right by itself, together they may be of two moments.
void EngineImpl::update_statistics() noexcept {
  const auto numbers = pool_.numbers();
  auto& words = writer_.header();
  const auto set = [](a64& word, std::uint64_t value) { word.store(value, std::memory_order_relaxed); };
  set(words.used_bytes, numbers.used), set(words.live_bytes, numbers.live), set(words.warm_bytes, numbers.warm);
  set(words.free_bytes, numbers.free), set(words.largest_free_bytes, numbers.largest_free);
  set(words.live_arrays, visible_);
}

/// `slot` of gen 0: no client's.
void EngineImpl::note(EventKind kind, SlotRef slot, std::array<std::uint64_t, kEventNumbers> numbers, std::string_view text) noexcept {
  const bool has_client = slot.gen != 0 && slot.index < header().max_clients;
  events_.record({kind, has_client ? slot.index : kNoEventSlot, has_client ? writer_.slot(slot.index).pid.load() : 0, numbers, text});
}

void EngineImpl::names_changed() noexcept { bump_and_wake(sync_.header().names_event, false); }

}  // namespace ndshare::internal
