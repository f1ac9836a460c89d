// Snapshots: named, read-only arrays that share a version's extents, and the floors that they put under their source.
#include <algorithm>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

void set_floor(Transaction& change, const CurrentArray& array, std::uint64_t floor) {
  auto values = array.values();
  values.floor = floor;
  change.set_ref(array.index, values);
}

}  // namespace

/// The block that was current under root `version`: the current one, or one that the client's claim keeps.
std::uint64_t EngineImpl::block_of_version(const Current& array, std::uint64_t version) const {
  if (version <= array.version() && version >= heap_.version(array.block).version) return array.block;
  if (const auto waiting = reclaimer_.block_of(array.index, array.array_gen, version)) return waiting;
  throw Error(ErrorCode::Usage, "version " + std::to_string(version) + " of '" + printable(name_of(heap_.meta(array.meta))) +
                                    "' is gone: hold a read claim while you take a snapshot");
}

std::uint64_t EngineImpl::floor_of(std::uint64_t source_gen) const {
  const auto found = snapshots_.find(source_gen);
  return found == snapshots_.end() || found->second.versions.empty() ? 0 : *found->second.versions.rbegin();
}

/// Once nobody sees a removed snapshot any more: a view of it shares memory with the source, whose writers know only the floor.
void EngineImpl::forget_snapshot(std::uint64_t source_gen, std::uint64_t source_version) {
  const auto found = snapshots_.find(source_gen);
  if (found == snapshots_.end()) return;
  auto& versions = found->second.versions;
  if (const auto one = versions.find(source_version); one != versions.end()) versions.erase(one);
  settle_floor(source_gen);
  if (versions.empty()) snapshots_.erase(source_gen);
}

/// Lowers the floor that the source's reference tells after a snapshot went. A crash before this leaves it too high, which
/// costs a copy too many and is put right at the next start.
void EngineImpl::settle_floor(std::uint64_t source_gen) {
  const auto found = snapshots_.find(source_gen);
  if (found == snapshots_.end() || found->second.record >= header().records_high.load()) return;
  const auto source = current(found->second.record);
  const auto floor = floor_of(source_gen);
  if (source.root == 0 || source.array_gen != source_gen || source.floor == floor) return;
  Transaction change(writer_);
  set_floor(change, source, floor);
  commit(change);
}

/// After the records were read: which snapshots live, and floors that a crash left as they were.
void EngineImpl::adopt_snapshots() {
  for (std::uint32_t i = 0; i < records_high_; ++i) {
    const auto array = current(i);
    if (array.root == 0 || (array.flags & kArraySnapshot) == 0) continue;
    const auto& block = heap_.version(array.block);
    snapshots_[block.source_gen].versions.insert(block.source_version);
  }
  for (std::uint32_t i = 0; i < records_high_; ++i) {
    const auto array = current(i);
    if (array.root == 0) continue;
    if (const auto found = snapshots_.find(array.array_gen); found != snapshots_.end()) found->second.record = i;
    if (array.floor == floor_of(array.array_gen)) continue;
    auto& source = snapshots_[array.array_gen];
    source.record = i;
    settle_floor(array.array_gen);
    if (source.versions.empty()) snapshots_.erase(array.array_gen);
  }
}

NextVersion EngineImpl::write_snapshot(const VersionBlock& block, std::uint64_t source_gen, std::uint64_t version,
                                       std::uint32_t record, std::uint64_t gen) {
  const auto extents = extents_of(block);
  const ExtentTable table(extents.begin(), extents.end());
  hold(table, 0);
  NextVersion next;
  try {
    next.block = heap_.write_version({record, gen, gen, block.nbytes, block.grain, block.row_bytes, block.order, shape_of(block), table,
                                      dtype_of(block), source_gen, version});
  } catch (...) {
    let_go(table, 0);
    throw;
  }
  next.version = gen;
  return next;
}

/// Whether it may be taken, and by which name.   Errors: NoSuchArray, Usage, Torn, Name.
void EngineImpl::check_snapshot(SlotRef slot, const SnapshotRequest& request, CreateSpec& spec) const {
  const auto source = find_id(slot, request.id);
  const auto& meta = heap_.meta(source.meta);
  const std::string name(name_of(meta));
  if (source.building()) throw Error(ErrorCode::Usage, "'" + printable(name) + "' is still being filled: publish it first");
  if (source.torn != 0) {
    throw Error(ErrorCode::Torn, "'" + printable(name) + "' has torn rows: `ndshare repair " + name + "` mends them first", {{"array", name}});
  }
  spec.name = request.name;
  spec.attrs = request.attrs.empty() ? std::string(attrs_of(meta)) : request.attrs;
  check_array_name(spec.name);
  check_attrs(spec);
}

SnapshotReply EngineImpl::snapshot(SlotRef slot, std::uint64_t sequence, const SnapshotRequest& request) {
  const auto& words = check_slot(slot, true);
  if (is_repeat(slot, sequence)) return {words.last_result[0].load(), words.last_result[1].load()};
  TicketImpl ticket(*this, slot);
  auto& item = ticket.items.emplace_back();
  check_snapshot(slot, request, item.spec);
  take_names(ticket);
  take_records(ticket);
  ticket.holds_memory = true;  // its record, to be given back on error
  const auto high = grow_records(ticket);
  index_.reserve(1);
  const auto source = find_id(slot, request.id);  // only now: taking a record may reclaim, which lowers floors and frees versions
  const auto& block = heap_.version(block_of_version(source, request.version));
  // A snapshot of a snapshot is one of the array itself: it shares that array's memory, and writers look at no other floor.
  const bool is_copy = (source.flags & kArraySnapshot) != 0;
  const auto source_gen = is_copy ? block.source_gen : source.array_gen, version = is_copy ? block.source_version : request.version;
  Transaction change(writer_);
  const auto gen = change.new_version();
  const auto next = write_snapshot(block, source_gen, version, item.record, gen);
  std::uint64_t meta = 0;
  crash_point("snapshot.block");
  try {
    meta = write_meta(slot, item);
    change.set_ref(item.record, {gen, next.block, meta, kArraySealed | kArraySnapshot, 0, 0});
    index_.insert(change, request.name, item.record);
    if (high != header().records_high.load()) change.store(writer_.header().records_high, high);
    if (!is_copy && version > source.floor) set_floor(change, source, version);
    change.answers(slot.index, slot.gen, sequence, item.record, gen);
    crash_point("snapshot.blocks");
    commit(change);
  } catch (...) {
    index_.dropped();
    drop_next(source, next);
    heap_.free_block(meta);
    throw;
  }
  ticket.holds_memory = false;
  snapshot_taken(source_gen, version, is_copy ? ~0U : source.index);
  note(EventKind::snapshot, slot, {version}, std::string(name_of(heap_.meta(source.meta))) + " -> " + request.name);
  return {item.record, gen};
}

/// Counts and lists after the commit. `record`: the source's, or none where that is known already.
void EngineImpl::snapshot_taken(std::uint64_t source_gen, std::uint64_t version, std::uint32_t record) {
  auto& known = snapshots_[source_gen];
  if (record != ~0U) known.record = record;
  known.versions.insert(version);
  ++visible_;
  names_changed();
  update_statistics();
}

}  // namespace ndshare::internal
