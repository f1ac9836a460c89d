// Snapshots: named, read-only arrays that share a version's extents, and the floors that they put under their source.
#include <algorithm>
#include <chrono>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "lib/base/text.h"

namespace ndshare::internal {

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

void EngineImpl::forget_snapshot(const VersionBlock& block) {
  const auto found = snapshots_.find(block.source_gen);
  if (found == snapshots_.end()) return;
  auto& versions = found->second.versions;
  if (const auto one = versions.find(block.source_version); one != versions.end()) versions.erase(one);
  settle_floor(block.source_gen);
  if (versions.empty()) snapshots_.erase(block.source_gen);
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
  auto values = source.values();
  values.floor = floor;
  change.set_ref(source.index, values);
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

SnapshotReply EngineImpl::snapshot(SlotRef slot, std::uint64_t sequence, const SnapshotRequest& request) {
  const auto& words = check_slot(slot, true);
  if (is_repeat(slot, sequence)) return {words.last_result[0].load(), words.last_result[1].load()};
  const auto source = find_id(slot, request.id);
  const std::string source_name(name_of(heap_.meta(source.meta)));
  if (source.building()) throw Error(ErrorCode::Usage, "'" + printable(source_name) + "' is still being filled: publish it first");
  if (source.torn != 0) {
    throw Error(ErrorCode::Torn, "'" + printable(source_name) + "' has torn rows: `ndshare repair " + source_name + "` mends them first",
                {{"array", source_name}});
  }
  TicketImpl ticket(*this, slot);
  auto& item = ticket.items.emplace_back();
  item.spec.name = request.name;
  item.spec.attrs = request.attrs.empty() ? std::string(attrs_of(heap_.meta(source.meta))) : request.attrs;
  check_array_name(request.name);
  check_attrs(item.spec);
  const auto& block = heap_.version(block_of_version(source, request.version));
  // A snapshot of a snapshot is one of the array itself: it shares that array's memory, and writers look at no other floor.
  const bool is_copy = (source.flags & kArraySnapshot) != 0;
  const auto source_gen = is_copy ? block.source_gen : source.array_gen, version = is_copy ? block.source_version : request.version;
  take_names(ticket);
  take_records(ticket);
  ticket.holds_memory = true;  // its record, to be given back on error
  const auto high = grow_records(ticket);
  index_.reserve(1);
  Transaction change(writer_);
  const auto gen = change.new_version();
  auto& record = item.record;
  const auto next = write_snapshot(block, source_gen, version, record, gen);
  const auto now = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::uint64_t meta = 0;
  crash_point("snapshot.block");
  try {
    meta = heap_.write_meta({record, slot.index, static_cast<std::uint32_t>(slot.gen), static_cast<std::uint32_t>(words.uid_role.load() >> 8),
                             static_cast<std::uint32_t>(words.pid.load()), now, request.name, item.spec.attrs});
    change.set_ref(record, {gen, next.block, meta, kArraySealed | kArraySnapshot, 0, 0});
    index_.insert(change, request.name, record);
    if (high != header().records_high.load()) change.store(writer_.header().records_high, high);
    if (!is_copy && version > source.floor) {
      auto values = source.values();
      values.floor = version;
      change.set_ref(source.index, values);
    }
    change.answers(slot.index, slot.gen, sequence, record, gen);
    crash_point("snapshot.blocks");
    commit(change);
  } catch (...) {
    index_.dropped();
    drop_next(source, next);
    heap_.free_block(meta);
    throw;
  }
  ticket.holds_memory = false;
  auto& known = snapshots_[source_gen];
  if (!is_copy) known.record = source.index;
  known.versions.insert(version);
  ++visible_;
  names_changed();
  update_statistics();
  return {record, gen};
}

}  // namespace ndshare::internal
