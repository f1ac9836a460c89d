// What happens to arrays that exist: remove, discard, rename, and the removal of a dead client's.
#include <algorithm>
#include <unordered_set>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "daemon/sweeper.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

constexpr std::size_t kSweepBatch = 512;  ///< removals in one redo record: at most 66 stores each

}  // namespace

void EngineImpl::commit(Transaction& change) {
  try {
    change.commit();
  } catch (...) {
    index_.dropped();
    throw;
  }
  index_.committed();
  update_statistics();
}

void EngineImpl::no_such_array(std::string_view name) {
  throw Error(ErrorCode::NoSuchArray, "no array '" + printable(name) + "' in this store: see `ndshare ls`",
              {{"name", std::string(name)}});
}

EngineImpl::Current EngineImpl::find_visible(SlotRef slot, std::string_view name) const {
  const auto record = index_.find(name);
  if (!record) no_such_array(name);
  const auto array = current(*record);
  if (array.building() && !owns(slot, array)) {
    const auto pid = std::to_string(heap_.meta(array.meta).pid);
    throw Error(ErrorCode::NoSuchArray, "'" + printable(name) + "' is still being built by process " + pid,
                {{"name", std::string(name)}, {"pid", pid}});
  }
  return array;
}

EngineImpl::Current EngineImpl::find_id(SlotRef slot, ArrayId id) const {
  const auto gone = [&] {
    return Error(ErrorCode::NoSuchArray, "the array of record " + std::to_string(id.array) + " made as version " +
                                             std::to_string(id.array_gen) + " was removed");
  };
  if (id.array >= header().records_high.load()) throw gone();
  const auto array = current(static_cast<std::uint32_t>(id.array));
  if (array.root == 0 || array.array_gen != id.array_gen) throw gone();
  if (array.building() && !owns(slot, array)) {
    const auto& meta = heap_.meta(array.meta);
    throw Error(ErrorCode::Permission, "'" + std::string(name_of(meta)) + "' is being built by process " +
                                           std::to_string(meta.pid) + ": only its maker may publish or discard it");
  }
  return array;
}

void EngineImpl::refuse_stream(const Current& array) const {
  if ((array.flags & (kArrayStream | kArrayBatch)) == 0) return;
  throw Error(ErrorCode::Permission, "'" + std::string(name_of(heap_.meta(array.meta))) +
                                         "' belongs to a stream: `ndshare streams rm` removes it as a whole");
}

// ---- removal

void EngineImpl::retire(Transaction& change, const Current& array, bool in_index) {
  change.clear_ref(array.index);
  if (in_index) index_.remove(change, name_of(heap_.meta(array.meta)), array.index);
}

void EngineImpl::retired(const Current& array) {
  const auto& block = heap_.version(array.block);
  const auto& meta = heap_.meta(array.meta);
  // A client of another uid may have written it: then nobody knows whose bytes these are.
  const auto uid = options_.shared_between_uids ? kUnknownUid : meta.uid;
  if (!array.building()) {
    --visible_;
    session_ -= (array.flags & kArraySession) != 0;
  }
  if (meta.owner_slot < owned_.size()) owned_[meta.owner_slot].erase(array.index);
  if (array.torn != 0) reclaimer_.add_meta(array.index, array.array_gen, array.version(), array.torn);
  reclaimer_.add({array.index, array.array_gen, block.version, array.version(), array.block, array.meta, uid, true});
  bump_and_wake(sync_.array(array.index).event, false);  // whoever waits for a change learns that there will be none
}

void EngineImpl::remove(SlotRef slot, std::uint64_t sequence, std::string_view name) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  const auto array = find_visible(slot, name);
  refuse_stream(array);
  Transaction change(writer_);
  retire(change, array, true);
  change.answers(slot.index, slot.gen, sequence);
  commit(change);
  retired(array);
  if (!array.building()) names_changed();
  update_statistics();
  note(EventKind::remove, slot, {}, name);
}

void EngineImpl::discard(SlotRef slot, std::uint64_t sequence, ArrayId id) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  const auto array = find_id(slot, id);
  refuse_stream(array);
  Transaction change(writer_);
  retire(change, array, (array.flags & kArrayReplaces) == 0);
  change.answers(slot.index, slot.gen, sequence);
  commit(change);
  retired(array);
  if (!array.building()) names_changed();
  update_statistics();
}

/// Whatever of these batches was applied before a crash is found removed by the next sweep of the same slot.
void EngineImpl::remove_owned(SlotRef slot) {
  const std::vector<std::uint32_t> all(owned_[slot.index].begin(), owned_[slot.index].end());
  bool was_visible = false;
  for (std::size_t begin = 0; begin < all.size(); begin += kSweepBatch) {
    Transaction change(writer_);
    std::vector<Current> batch;
    for (std::size_t i = begin; i < std::min(all.size(), begin + kSweepBatch); ++i) {
      batch.push_back(current(all[i]));
      retire(change, batch.back(), (batch.back().flags & kArrayReplaces) == 0);
    }
    commit(change);
    for (const auto& array : batch) {
      was_visible = was_visible || !array.building();
      retired(array);
    }
    crash_point("sweep.batch");
  }
  if (was_visible) names_changed();
}

// ---- rename

void EngineImpl::rename(SlotRef slot, std::uint64_t sequence, std::string_view from, std::string_view to,
                        bool replace) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  check_array_name(to);
  const auto array = find_visible(slot, from);
  refuse_stream(array);
  std::optional<Current> old;
  if (const auto taken = index_.find(to); taken && *taken != array.index) old = current(*taken);
  if (old) refuse_stream(*old);
  if (coming_.contains(std::string(to)) || (old && (!replace || old->building()))) {
    throw Error(ErrorCode::NameTaken,
                "'" + std::string(to) + "' exists already: remove it, replace it, or choose another name",
                {{"name", std::string(to)}});
  }
  if (from == to) {
    Transaction change(writer_);
    change.answers(slot.index, slot.gen, sequence);
    return commit(change);
  }
  index_.reserve(1);
  const auto& before = heap_.meta(array.meta);
  const auto meta = heap_.write_meta({array.index, before.owner_slot, before.owner_gen, before.uid, before.pid,
                                      before.created_unix_ns, to, attrs_of(before)});
  try {
    Transaction change(writer_);
    // In this order a reader finds `to` at any moment it existed: as the old array, or as this one.
    index_.insert(change, to, array.index);
    auto values = array.values();
    values.meta = meta;
    change.set_ref(array.index, values);
    index_.remove(change, from, array.index);
    if (old) retire(change, *old, true);
    change.answers(slot.index, slot.gen, sequence);
    commit(change);
  } catch (...) {
    index_.dropped();
    heap_.free_block(meta);
    throw;
  }
  // Whoever holds a version from before may still read the old name block.
  reclaimer_.add_meta(array.index, array.array_gen, array.version(), array.meta);
  if (old) retired(*old);
  if (!array.building() || old) names_changed();
  update_statistics();
  note(EventKind::rename, slot, {old ? 1U : 0U}, std::string(from) + " -> " + std::string(to));
}

}  // namespace ndshare::internal
