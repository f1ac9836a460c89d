// The next version of an array: grants published on top of whatever is current, or a snapshot's content. One root store.
#include <algorithm>

#include <ndshare/error.h>

#include "daemon/changing.h"
#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "daemon/torn_ranges.h"
#include "lib/base/checked.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

Error misfit(const std::string& what) { return Error(ErrorCode::Usage, "the commit does not fit the array: " + what); }

/// Shape with the slowest axis `rows` long. Errors: Usage.
std::vector<std::int64_t> with_rows(const VersionBlock& block, std::int64_t rows) {
  const auto shape = shape_of(block);
  std::vector<std::int64_t> out(shape.begin(), shape.end());
  if (rows < 0) return out;
  if (out.empty() || (block.order == 1 && out.size() > 1)) throw misfit("only C-ordered arrays of one axis and more have rows to add");
  out.front() = rows;
  return out;
}

std::uint64_t granted_bytes(const CommitRequest& request) {
  std::uint64_t total = 0;
  for (const auto& extent : request.extents) total += extent.bytes;
  return total;
}

}  // namespace

/// One more holder for every extent of the table but those born as `except_birth`, all or none.
void EngineImpl::hold(const ExtentTable& table, std::uint64_t except_birth) {
  std::size_t done = 0;
  try {
    for (; done < table.size(); ++done) {
      if (table[done].birth != except_birth) pool_.retain(table[done].offset, table[done].bytes);
    }
  } catch (...) {
    let_go({table.data(), done}, except_birth);
    throw;
  }
}

void EngineImpl::let_go(std::span<const Extent> table, std::uint64_t except_birth) noexcept {
  for (const auto& extent : table) {
    if (extent.birth != except_birth) pool_.release(extent.offset, extent.bytes, kUnknownUid);
  }
}

ExtentTable EngineImpl::changed_table(Transaction& change, SlotRef slot, const CommitRequest& request, const VersionBlock& block,
                                      std::uint64_t version) {
  const auto before = extents_of(block);
  ExtentTable table(before.begin(), before.end()), fresh;
  std::vector<ByteRange> granted;
  for (const auto& extent : request.extents) {
    fresh.push_back({extent.offset, extent.bytes, version});
    granted.push_back({extent.offset, extent.bytes});
  }
  grants_.take(change, slot, granted);
  const bool is_piece = fresh.size() == 1 && fresh.front().bytes % kPage != 0;
  const bool are_pages = std::ranges::all_of(fresh, [](const Extent& extent) { return extent.bytes % kPage == 0; });
  if (!is_piece && !are_pages) throw misfit("a piece of a slab holds all of an array or nothing of it");
  for (const auto& one : request.changes) {
    const auto room = table_bytes(table), left = table_bytes(fresh);
    // What reaches the end of the data takes the place of all that follows: the sizes of slab pieces need not meet.
    const bool to_end = one.at + one.bytes >= block.nbytes, whole = to_end && one.at == 0;
    const bool pages = one.at % kPage == 0 && one.bytes % kPage == 0 && (room % kPage == 0 || whole);
    if (one.bytes > left || one.at > room || !(is_piece ? whole && one.bytes == left : pages)) {
      throw misfit(std::to_string(one.bytes) + " bytes at " + std::to_string(one.at) + " of " + std::to_string(room));
    }
    const auto piece = first_bytes(fresh, one.bytes);
    table = to_end ? first_bytes(table, one.at) : replaced(table, one.at, piece);
    if (to_end) table.insert(table.end(), piece.begin(), piece.end());
    fresh = behind_bytes(fresh, one.bytes);
  }
  if (!fresh.empty()) throw misfit(std::to_string(table_bytes(fresh)) + " bytes of the granted memory have no place in it");
  return table;
}

NextVersion EngineImpl::write_next(const Current& array, std::uint64_t version, std::int64_t rows,
                                               const ExtentTable& changed, const TornRanges& torn) {
  const auto& block = heap_.version(array.block);
  const auto shape = with_rows(block, rows);
  std::uint64_t nbytes = block.nbytes;
  if (rows >= 0) nbytes = checked_mul(static_cast<std::uint64_t>(rows), block.row_bytes).value_or(UINT64_MAX);
  auto table = merged(changed);
  if (nbytes > table_bytes(table)) throw misfit("there is memory for " + std::to_string(table_bytes(table)) + " of its bytes");
  if (nbytes < block.nbytes && table_bytes(table) % kPage == 0) table = first_bytes(table, round_up(nbytes, kPage));
  if (table.size() > kMaxExtents) {
    throw Error(ErrorCode::Capacity, "the array would be in " + std::to_string(table.size()) + " pieces; the limit is " +
                                         std::to_string(kMaxExtents) + ": copy it into a new one");
  }
  hold(table, version);
  NextVersion next;
  next.version = version;
  try {
    const bool same = std::ranges::equal(torn, heap_.torn(array.torn), [](const TornRange& a, const TornRange& b) {
      return a.lo == b.lo && a.hi == b.hi && a.pid == b.pid && a.unix_ns == b.unix_ns;
    });
    next.torn = same ? array.torn : heap_.write_torn(array.index, torn);
    next.new_torn = !same && next.torn != 0;
    next.block = heap_.write_version({array.index, array.array_gen, version, nbytes, block.grain, block.row_bytes, block.order, shape,
                                      table, dtype_of(block), block.source_gen, block.source_version});
  } catch (...) {
    if (next.new_torn) heap_.free_block(next.torn);
    let_go(table, version);
    throw;
  }
  for (const auto& extent : table) next.fresh_bytes += extent.birth == version ? extent.bytes : 0;
  return next;
}

void EngineImpl::drop_next(const Current&, const NextVersion& next) noexcept {
  const auto extents = extents_of(heap_.version(next.block));
  const ExtentTable table(extents.begin(), extents.end());
  heap_.free_block(next.block);
  if (next.new_torn) heap_.free_block(next.torn);
  let_go(table, next.version);
}

void EngineImpl::superseded(const Current& before, const NextVersion& next) {
  const auto& block = heap_.version(before.block);
  const auto uid = options_.shared_between_uids ? kUnknownUid : heap_.meta(before.meta).uid;
  reclaimer_.add({before.index, before.array_gen, block.version, before.version(), before.block, 0, uid, false});
  if (before.torn != 0 && before.torn != next.torn) reclaimer_.add_meta(before.index, before.array_gen, before.version(), before.torn);
}

std::uint64_t EngineImpl::latest_result(SlotRef slot, std::uint32_t record) noexcept {
  content_changed(record);  // the daemon that applied it may not have lived to say so
  return writer_.slot(slot.index).last_result[0].load();
}

std::uint64_t EngineImpl::commit_version(SlotRef slot, std::uint64_t sequence, const CommitRequest& request) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence) && request.id.array < header().records_high.load()) {
    return latest_result(slot, static_cast<std::uint32_t>(request.id.array));
  }
  const Changing changing(sync_.claims(slot.index), sequence);
  const auto array = find_to_change(slot, request.id);
  require_claim(slot, array, {ClaimMode::update, ClaimMode::write});
  crash_point("version.begin");
  Transaction change(writer_);
  const auto version = change.next_version();
  const auto& block = heap_.version(array.block);
  const auto table = changed_table(change, slot, request, block, version);
  auto torn = without_torn(heap_.torn(array.torn), request.lo, request.hi);
  if (request.rows >= 0) torn = torn_below(torn, request.rows);
  const auto next = write_next(array, version, request.rows, table, torn);
  try {
    if (next.fresh_bytes != granted_bytes(request)) {
      throw misfit("some of the granted memory lies behind the end, or where a later change puts other memory");
    }
    auto values = array.values();
    values.block = next.block, values.torn = next.torn;
    change.set_ref(array.index, values);
    change.answers(slot.index, slot.gen, sequence, version);
    crash_point("version.blocks");
    commit(change);
  } catch (...) {
    drop_next(array, next);
    throw;
  }
  superseded(array, next);  if (request.counts) content_changed(array.index);
  crash_point("version.announced");
  update_statistics();
  return version;
}

std::uint64_t EngineImpl::revert(SlotRef slot, std::uint64_t sequence, const RevertRequest& request) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence) && request.id.array < header().records_high.load()) {
    return latest_result(slot, static_cast<std::uint32_t>(request.id.array));
  }
  const Changing changing(sync_.claims(slot.index), sequence);
  const auto array = find_to_change(slot, request.id);
  require_claim(slot, array, {ClaimMode::update, ClaimMode::write});
  const auto source = find_visible(slot, request.snapshot);
  const auto& from = heap_.version(source.block);
  if ((source.flags & kArraySnapshot) == 0 || from.source_gen != array.array_gen) {
    throw Error(ErrorCode::Contract, "'" + printable(request.snapshot) + "' is no snapshot of '" +
                                         printable(name_of(heap_.meta(array.meta))) + "': `ndshare ls` shows what is one",
                {{"name", request.snapshot}});
  }
  Transaction change(writer_);
  const auto version = change.next_version();
  const auto extents = extents_of(from);
  const auto rows = shape_of(from).empty() || (from.order == 1 && from.ndim > 1) ? -1 : shape_of(from).front();
  const auto next = write_next(array, version, rows, ExtentTable(extents.begin(), extents.end()), {});
  try {
    auto values = array.values();
    values.block = next.block, values.torn = 0;
    change.set_ref(array.index, values);
    change.answers(slot.index, slot.gen, sequence, version);
    commit(change);
  } catch (...) {
    drop_next(array, next);
    throw;
  }
  superseded(array, next);
  note(EventKind::revert, slot, {version}, std::string(name_of(heap_.meta(array.meta))) + " -> " + request.snapshot);
  content_changed(array.index);
  update_statistics();
  return version;
}

}  // namespace ndshare::internal
