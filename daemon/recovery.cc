// Adoption: from the segments that a dead daemon left to an engine that could have made them.
//
// The order matters. First the redo record, so that the catalog is of one moment. Then what records name is taken from
// heap and pool (Damaged where two name the same bytes), then what only claims or grants still hold, and only then is
// the rest free. The dead are swept last, by the same code that sweeps while the daemon runs. A daemon killed anywhere
// in here is adopted again.
#include <algorithm>
#include <map>

#include <unistd.h>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "daemon/sweeper.h"
#include "lib/shm/process.h"

namespace ndshare::internal {

void EngineImpl::adopt() {
  writer_.recover();
  crash_point("adopt.redo");
  if (!options_.ephemeral) writer_.header().ephemeral.store(0);  // a start that asks for a lasting store makes it one
  records_high_ = static_cast<std::uint32_t>(header().records_high.load());
  if (records_high_ > header().max_arrays) {
    throw Error(ErrorCode::Damaged, "the catalog uses " + std::to_string(records_high_) + " of " +
                                        std::to_string(header().max_arrays) +
                                        " array records; remove the store with `ndshare stop --force`");
  }
  if (header().index_root.load() == 0) {  // its maker died before the first request could be served
    format();
    return adopt_capacity();
  }
  reserve_sync_in_use();
  index_.adopt();
  adopt_records();
  const auto scan = scan_claims();
  adopt_orphans(scan);
  adopt_free_records(scan);
  adopt_grants();
  for_each_resident(files_.pool.get(), header().pool_bytes.load(),
                    [&](std::uint64_t offset, std::uint64_t bytes) { pool_.mark_resident(offset, bytes); });
  crash_point("adopt.rebuilt");
  const auto pid = static_cast<std::uint64_t>(getpid());
  writer_.header().daemon_start.store(process_start(pid).value_or(0));
  writer_.header().daemon_pid.store(pid);
  adopt_snapshots();
  adopt_streams();
  for (const auto record : writer_.recovered()) {
    if (record < records_high_) content_changed(record);  // a commit that was finished just now is announced
  }
  finish_publishing();
  const auto swept = sweep_dead();
  crash_point("adopt.swept");
  remove_ownerless();
  reclaim();
  adopt_capacity();
  names_changed();  // a change that was applied but not announced is announced now
  update_statistics();
  note(EventKind::adopt, {}, {live_slots().size(), swept, visible_}, {});
}

void EngineImpl::mark_extents(const VersionBlock& block, std::uint32_t uid) {
  for (const auto& extent : extents_of(block)) pool_.mark_live(extent.offset, extent.bytes, uid);
}

void EngineImpl::adopt_records() {
  for (std::uint32_t i = 0; i < records_high_; ++i) {
    const auto array = current(i);
    if (array.root == 0) continue;
    heap_.adopt_version(array.block, i);
    heap_.adopt_meta(array.meta, i);
    heap_.adopt_torn(array.torn, i);
    const auto& meta = heap_.meta(array.meta);
    mark_extents(heap_.version(array.block), meta.uid);
    if (!array.building()) {
      ++visible_;
      session_ += (array.flags & kArraySession) != 0;
    }
    if ((array.flags & (kArrayBuilding | kArraySession)) == 0) continue;
    const auto id = meta.owner_slot < header().max_clients ? writer_.slot(meta.owner_slot).id.load() : 0;
    const bool has_owner = slot_gen(id) == meta.owner_gen && slot_state(id) != SlotState::free;
    if (has_owner) {
      owned_[meta.owner_slot].insert(i);
    } else {
      ownerless_.push_back(i);
    }
  }
}

/// Blocks that no record names: those of versions that an entry of an unswept slot pins wait on, the others are gone.
void EngineImpl::adopt_orphans(const ClaimScan& scan) {
  std::map<std::uint32_t, std::vector<std::uint64_t>> kept_names;
  std::vector<std::uint64_t> versions;
  const auto keep = [&](std::uint64_t offset, bool is_version) {
    if (is_version) {
      versions.push_back(offset);
      return true;
    }
    if (!scan.names(heap_.meta(offset).array)) return false;
    kept_names[heap_.meta(offset).array].push_back(offset);
    return true;
  };
  // Blocks lie where somebody wrote; the holes in between are left alone, a look at one would take memory.
  const auto start = header().heap_offset;
  for_each_resident(files_.catalog.get(), start + header().heap_bytes, [&](std::uint64_t offset, std::uint64_t bytes) {
    if (offset + bytes > start) heap_.scan_orphans(std::max(offset, start) - start, offset + bytes - start, keep);
  });
  adopt_old_versions(scan, versions);
  const auto max_version = header().next_version.load();
  for (const auto& [array, names] : kept_names) {
    for (const auto offset : names) reclaimer_.add({array, 0, 0, max_version, 0, offset, kUnknownUid, false});
  }
}

/// An old version was current until the next block of its array came; a block that was freed meanwhile makes that look later
/// than it was, which only keeps memory a little longer.
void EngineImpl::adopt_old_versions(const ClaimScan& scan, const std::vector<std::uint64_t>& offsets) {
  const auto max_version = header().next_version.load();
  std::map<std::uint64_t, std::set<std::uint64_t>> by_gen;  // array_gen to the versions of its blocks
  for (const auto offset : offsets) by_gen[heap_.version(offset).array_gen].insert(heap_.version(offset).version);
  for (std::uint32_t i = 0; i < records_high_; ++i) {
    const auto array = current(i);
    const auto found = array.root == 0 ? by_gen.end() : by_gen.find(array.array_gen);
    if (found != by_gen.end()) found->second.insert(heap_.version(array.block).version);
  }
  for (const auto offset : offsets) {
    const auto& block = heap_.version(offset);
    const auto& known = by_gen[block.array_gen];
    const auto next = known.upper_bound(block.version);
    const auto to = next == known.end() ? max_version : *next - 1;
    const bool committed = block.version <= max_version;
    if (!committed || !scan.pins(block.array, block.array_gen, block.version, to)) {
      heap_.free_block(offset);
      continue;
    }
    mark_extents(block, kUnknownUid);
    if (block.source_gen != 0) snapshots_[block.source_gen].versions.insert(block.source_version);  // removed, but still seen
    const bool is_removed = block.array < records_high_ && current(block.array).root == 0;
    const bool frees_record = is_removed && !reclaimer_.frees_record(block.array);  // one of its versions does: an index is free once
    reclaimer_.add({block.array, block.array_gen, block.version, to, offset, 0, kUnknownUid, frees_record});
  }
}

/// A record that is free but named by some entry is not used again yet.
void EngineImpl::adopt_free_records(const ClaimScan& scan) {
  for (std::uint32_t i = records_high_; i-- > 0;) {
    if (current(i).root != 0) continue;
    if (!scan.names(i)) {
      free_records_.push_back(i);
    } else if (!reclaimer_.frees_record(i)) {
      reclaimer_.add({i, 0, 0, 0, 0, 0, kUnknownUid, true});
    }
  }
}

void EngineImpl::adopt_grants() {
  grants_.adopt(files_.catalog.get());
  Transaction change(writer_);
  for (const auto& [slot, extent] : grants_.all()) {
    const auto id = slot.index < header().max_clients ? writer_.slot(slot.index).id.load() : 0;
    if (slot_gen(id) == slot.gen && slot_state(id) != SlotState::free) {
      pool_.mark_live(extent.offset, extent.bytes, kUnknownUid);
    } else {
      grants_.take(change, slot, {extent});
    }
  }
  commit(change);
}

std::uint64_t EngineImpl::sweep_dead() {
  std::uint64_t swept = 0;
  for (std::uint32_t i = 0; i < header().max_clients; ++i) {
    const auto& slot = writer_.slot(i);
    const auto id = slot.id.load();
    if (slot_state(id) == SlotState::free) continue;
    // pid 0: in a namespace that is not visible from here; its socket will tell.
    const bool dead = slot.pid.load() != 0 && !process_alive(slot.pid.load(), slot.start.load());
    if (!dead && slot_state(id) != SlotState::dying) continue;
    sweep({i, slot_gen(id)});
    ++swept;
  }
  return swept;
}

/// Building and session arrays whose slot was freed already: only a damaged store has them, and nobody else will remove
/// them.
void EngineImpl::remove_ownerless() {
  for (const auto index : ownerless_) {
    const auto array = current(index);
    Transaction change(writer_);
    retire(change, array, (array.flags & kArrayReplaces) == 0);
    commit(change);
    retired(array);
  }
  ownerless_.clear();
}

/// The existing capacity, unless told otherwise. Errors: Capacity where something that is in use lies beyond a smaller
/// one.
void EngineImpl::adopt_capacity() {
  const auto wanted =
      options_.capacity_bytes == 0 ? header().pool_bytes.load() : round_up(options_.capacity_bytes, kPage);
  const auto before = header().pool_bytes.load();
  if (wanted < before) {
    pool_.set_capacity(wanted);
    writer_.header().pool_bytes.store(wanted);
    resize_file(files_.pool.get(), wanted);
  } else if (wanted > before) {
    resize_file(files_.pool.get(), wanted);
    writer_.header().pool_bytes.store(wanted);
    pool_.set_capacity(wanted);
  } else if (file_bytes(files_.pool.get()) != before) {
    resize_file(files_.pool.get(), before);  // a daemon died in the middle of a change
  }
}

}  // namespace ndshare::internal
