// Memory in clients' hands: taken for a copy or for more data, listed under the client's slot, returned or published later.
#include <algorithm>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "lib/base/checked.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kGrowFrom = 64ULL << 10;  ///< arrays from here on get room for later appends
constexpr std::uint64_t kGrowPart = 8;            ///< an eighth of what they have
constexpr std::uint64_t kGrowMost = 64ULL << 20;

std::uint64_t spare_for(std::uint64_t nbytes) noexcept {
  return nbytes < kGrowFrom ? 0 : round_up(std::min(nbytes / kGrowPart, kGrowMost), kPage);
}

}  // namespace

EngineImpl::Current EngineImpl::find_to_change(SlotRef slot, ArrayId id) const {
  const auto array = find_id(slot, id);
  if ((array.flags & kArraySealed) == 0) return array;
  const std::string name(name_of(heap_.meta(array.meta)));
  throw Error(ErrorCode::Sealed, "'" + printable(name) + "' is sealed: it never changes again; create with replace publishes a new one",
              {{"name", name}});
}

void EngineImpl::require_claim(SlotRef slot, const Current& array, std::initializer_list<ClaimMode> modes) const {
  const auto entries = claims_.slot(slot.index);
  for (std::uint32_t i = 0; i < entries.lock_high; ++i) {
    const auto word = entries.lock[i].word.load();
    if (claim_state(word) != ClaimState::granted || claim_array(word) != array.index) continue;
    if (entries.lock[i].array_gen.load() != array.array_gen) continue;
    if (std::find(modes.begin(), modes.end(), claim_mode(word)) != modes.end()) return;
  }
  throw Error(ErrorCode::Permission, "this client holds no claim on '" + printable(name_of(heap_.meta(array.meta))) +
                                         "' that would allow to change it so: take a guard first");
}

std::unique_ptr<TicketImpl> EngineImpl::take_grant(SlotRef slot, std::uint64_t bytes) {
  fail_point("memory.take");
  auto ticket = std::make_unique<TicketImpl>(*this, slot);
  take_memory(*ticket, {&bytes, 1});
  try {
    if (ticket->allocation.extents.size() > kMaxExtents) {
      throw Error(ErrorCode::Capacity, "free memory is in so small pieces that " + format_bytes(bytes) + " need more than " +
                                           std::to_string(kMaxExtents) + " of them: remove arrays");
    }
    check_system_memory(ticket->allocation.work_left());
  } catch (...) {
    pool_.give_back(ticket->allocation);
    throw;
  }
  ticket->holds_memory = true;
  update_statistics();
  return ticket;
}

std::unique_ptr<CreateTicket> EngineImpl::prepare_memory(SlotRef slot, const MemoryRequest& request) {
  check_slot(slot, true);
  const auto array = find_to_change(slot, request.id);
  require_claim(slot, array, {ClaimMode::write, ClaimMode::update});
  if (request.bytes == 0) throw Error(ErrorCode::Usage, "MemoryRequest.bytes is 0: there is nothing to copy");
  const bool is_part = request.bytes < heap_.version(array.block).nbytes;  // slab pieces hold whole arrays only
  return take_grant(slot, is_part ? round_up(request.bytes, kPage) : request.bytes);
}

/// Where the room behind the data is nobody else's, it is filled in place; else the last grain is copied, because a version or
/// snapshot that shares its pages may be longer than the current one.
std::unique_ptr<CreateTicket> EngineImpl::prepare_extend(SlotRef slot, const ExtendRequest& request) {
  check_slot(slot, true);
  const auto array = find_to_change(slot, request.id);
  require_claim(slot, array, {ClaimMode::update});
  reclaim();
  const auto& block = heap_.version(array.block);
  const auto end = checked_add(block.nbytes, request.bytes);
  if (!end || *end > kMaxBytes) throw Error(ErrorCode::Shape, "the array would be over 2^63 bytes long");
  const auto table = extents_of(block);
  const auto room = table_bytes(table);
  const bool pages = room % kPage == 0;
  const auto tail = room - std::min(room, round_down(block.nbytes, kPage));  // the pages that hold room, the last data's included
  const bool own_end = pages && (block.nbytes == room || (tail <= table.back().bytes &&
                                                          !pool_.is_shared(table.back().offset + table.back().bytes - tail, tail)));
  const bool own_piece = !pages && !pool_.is_shared(table.back().offset, table.back().bytes);
  std::uint64_t at = pages ? round_down(block.nbytes, block.grain) : 0;
  if (own_end || (own_piece && *end <= room)) at = room;
  if (at >= *end) {  // there is room enough already
    auto ticket = std::make_unique<TicketImpl>(*this, slot);
    ticket->at = room;
    return ticket;
  }
  const auto wanted = at == 0 ? *end : round_up(*end - at, kPage);  // slab pieces hold whole arrays only
  const auto spare = spare_for(*end);
  std::unique_ptr<TicketImpl> ticket;
  try {
    ticket = take_grant(slot, wanted + spare);
  } catch (const Error& error) {
    const bool full = error.code() == ErrorCode::Capacity || error.code() == ErrorCode::SystemMemory;
    if (!full || spare == 0) throw;
    ticket = take_grant(slot, wanted);
  }
  ticket->at = at;
  return ticket;
}

ExtendReply EngineImpl::commit_memory(SlotRef slot, std::uint64_t sequence, std::unique_ptr<CreateTicket> dropped) {
  auto& ticket = dynamic_cast<TicketImpl&>(*dropped);
  check_slot(slot, true);
  while (!reserve_some(ticket)) {
  }
  ExtendReply out;
  std::vector<ByteRange> ranges;
  for (const auto& extent : ticket.allocation.extents) {
    ranges.push_back({extent.offset, extent.bytes});
    out.extents.push_back({extent.offset, extent.bytes, ticket.allocation.is_zeroed(extent)});
  }
  out.at = ticket.at;
  out.pool_bytes = header().pool_bytes.load();
  Transaction change(writer_);
  grants_.add(change, slot, sequence, ranges);
  change.answers(slot.index, slot.gen, sequence, ticket.at, ranges.size());
  crash_point("memory.begin");
  commit(change);
  pool_.prepared(ticket.allocation);
  ticket.holds_memory = false;
  return out;
}

std::optional<ExtendReply> EngineImpl::find_memory(SlotRef slot, std::uint64_t sequence) const {
  if (!is_live(slot) || !is_repeat(slot, sequence)) return std::nullopt;
  ExtendReply out;
  out.at = writer_.slot(slot.index).last_result[0].load();
  for (const auto& range : grants_.of_request(slot, sequence)) out.extents.push_back({range.offset, range.bytes, false});
  out.pool_bytes = header().pool_bytes.load();
  return out;
}

void EngineImpl::return_memory(SlotRef slot, std::uint64_t sequence, std::span<const ExtentInfo> extents) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  std::vector<ByteRange> ranges;
  for (const auto& extent : extents) ranges.push_back({extent.offset, extent.bytes});
  Transaction change(writer_);
  grants_.take(change, slot, ranges);
  change.answers(slot.index, slot.gen, sequence);
  commit(change);
  const auto uid = static_cast<std::uint32_t>(writer_.slot(slot.index).uid_role.load() >> 8);
  for (const auto& range : ranges) pool_.release(range.offset, range.bytes, options_.shared_between_uids ? kUnknownUid : uid);
  crash_point("memory.returned");
  update_statistics();
}

}  // namespace ndshare::internal
