// Creating arrays: check the specs, take names, records and memory (the ticket), reserve, then publish as building
// arrays.
#include <algorithm>
#include <bit>
#include <unordered_set>

#include <ndshare/dtype.h>
#include <ndshare/error.h>
#include <ndshare/shape.h>

#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "lib/base/checked.h"
#include "lib/base/text.h"
#include "lib/base/wall_clock.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kReserveStep = 64ULL << 20;
constexpr std::uint64_t kMinGrain = 64ULL << 10;
constexpr std::uint64_t kGrainsGoal = 4096;
constexpr std::uint64_t kBigRequest = 1ULL << 20;  ///< from here on warm memory is worth a scan of the claims
constexpr std::uint64_t kManyWaiting = 4096;       ///< so many removed arrays are cleared away by the next create
constexpr std::uint64_t kRoomSlack = 256ULL
                                     << 20;  ///< the system's limits are read again when less than this seems left
constexpr std::chrono::milliseconds kRoomAge{200};

std::uint64_t grain_of(std::uint64_t nbytes) noexcept {
  return std::max(kMinGrain, std::bit_ceil((nbytes + kGrainsGoal - 1) / kGrainsGoal));
}

/// Bytes of one row of the slowest axis, were there one; beyond 2^63 just "too many".
std::uint64_t row_bytes_of(const Shape& shape, std::int64_t itemsize, bool fortran) noexcept {
  std::uint64_t bytes = static_cast<std::uint64_t>(itemsize);
  for (int axis = 0; axis < shape.ndim(); ++axis) {
    if (axis == (fortran ? shape.ndim() - 1 : 0)) continue;
    bytes = checked_mul(bytes, static_cast<std::uint64_t>(shape[axis])).value_or(kMaxBytes);
  }
  return std::min(bytes, kMaxBytes);
}

TicketImpl& as_ticket(CreateTicket& ticket) { return dynamic_cast<TicketImpl&>(ticket); }

}  // namespace

/// Attributes are JSON text that the client has checked; here only what could harm a terminal or a reader is refused.
void EngineImpl::check_attrs(const CreateSpec& spec) {
  if (spec.attrs.size() > kMaxAttrsBytes) {
    throw Error(ErrorCode::Usage, "the attributes of '" + spec.name + "' have " + std::to_string(spec.attrs.size()) +
                                      " bytes; the limit is " + std::to_string(kMaxAttrsBytes));
  }
  // printable() writes exactly quotes, control bytes and broken UTF-8 in another way; quotes belong to JSON.
  std::string unquoted;
  for (const char c : spec.attrs) unquoted += c == '"' || c == '\'' || c == '\\' ? ' ' : c;
  if (printable(unquoted) != unquoted) {
    throw Error(ErrorCode::Usage, "the attributes of '" + spec.name +
                                      "' have control bytes or are not valid UTF-8: write JSON with \\u escapes");
  }
}

TicketImpl::~TicketImpl() { engine.give_back(*this); }

void EngineImpl::give_back(TicketImpl& ticket) noexcept {
  for (const auto& name : ticket.names) coming_.erase(name);
  if (!ticket.holds_memory) return;
  for (const auto& item : ticket.items) free_records_.push_back(item.record);
  pool_.give_back(ticket.allocation);
  update_statistics();
}

void EngineImpl::check_spec(const CreateSpec& spec, TicketItem& item) const {
  check_array_name(spec.name);
  if (spec.dtype.size() > kMaxDtypeBytes) {
    throw Error(ErrorCode::DType, "the dtype of '" + spec.name + "' has " + std::to_string(spec.dtype.size()) +
                                      " bytes; the limit is " + std::to_string(kMaxDtypeBytes));
  }
  const auto dtype = DType::parse(spec.dtype);
  const Shape shape{Dims(std::span<const std::int64_t>(spec.shape))};
  const auto nbytes = shape.nbytes(dtype.itemsize());
  if (spec.order != "C" && spec.order != "F") {
    throw Error(ErrorCode::Usage,
                "the order of '" + spec.name + "' is '" + printable(spec.order.substr(0, 16)) + "': give C or F");
  }
  check_attrs(spec);
  item.spec = spec;
  item.spec.dtype = dtype.str();
  if (item.spec.dtype.size() > kMaxDtypeBytes) {
    throw Error(ErrorCode::DType, "the dtype of '" + spec.name + "' written out has " +
                                      std::to_string(item.spec.dtype.size()) + " bytes; the limit is " +
                                      std::to_string(kMaxDtypeBytes));
  }
  item.nbytes = static_cast<std::uint64_t>(nbytes);
  item.grain = grain_of(item.nbytes);
  item.row_bytes = row_bytes_of(shape, dtype.itemsize(), spec.order == "F");
}

void EngineImpl::take_names(TicketImpl& ticket) {
  std::unordered_set<std::string_view> batch;
  for (const auto& item : ticket.items) {
    const auto& name = item.spec.name;
    if (!batch.insert(name).second) {
      throw Error(ErrorCode::NameTaken, "'" + name + "' is named twice in one request", {{"name", name}});
    }
    if (item.spec.replace) continue;
    if (coming_.contains(name)) {
      throw Error(ErrorCode::NameTaken, "'" + name + "' is just being made by another client", {{"name", name}});
    }
    if (const auto record = index_.find(name)) {
      const bool building = current(*record).building();
      throw Error(
          ErrorCode::NameTaken,
          "'" + name +
              (building ? "' is being built by process " + std::to_string(heap_.meta(current(*record).meta).pid) +
                              ": wait for it, or choose another name"
                        : "' exists already: remove it, replace it, or choose another name"),
          {{"name", name}});
    }
  }
  for (const auto& item : ticket.items) {
    if (item.spec.replace) continue;
    ticket.names.push_back(item.spec.name);
    coming_.insert(item.spec.name);
  }
}

void EngineImpl::take_records(TicketImpl& ticket) {
  const auto left = [&] { return header().max_arrays - records_high_ + free_records_.size(); };
  if (left() < ticket.items.size()) reclaim();
  if (left() < ticket.items.size()) {
    throw Error(ErrorCode::TooManyArrays,
                "the store has " + std::to_string(left()) + " of " + std::to_string(header().max_arrays) +
                    " array records left and " + std::to_string(ticket.items.size()) +
                    " are asked for: remove arrays, or make the store with a larger --max-arrays",
                {{"max_arrays", std::to_string(header().max_arrays)}, {"left", std::to_string(left())}});
  }
  for (auto& item : ticket.items) {
    if (free_records_.empty()) {
      item.record = records_high_++;
    } else {
      item.record = free_records_.back();
      free_records_.pop_back();
    }
  }
}

void EngineImpl::take_memory(TicketImpl& ticket, std::span<const std::uint64_t> sizes) {
  std::uint64_t total = 0;
  for (const auto size : sizes) total = checked_add(total, size).value_or(kMaxBytes);
  const bool would_warm = reclaimer_.holds_memory() && total >= kBigRequest && pool_.numbers().warm < total;
  if (would_warm || reclaimer_.count() > kManyWaiting) reclaim();
  const auto uid = static_cast<std::uint32_t>(writer_.slot(ticket.slot.index).uid_role.load() >> 8);
  const auto allocate = [&] { ticket.allocation = pool_.allocate(sizes, uid, options_.shared_between_uids); };
  try {
    allocate();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Capacity) throw;
    if (reclaim() != 0) return allocate();
    const auto pending = reclaimer_.pending_bytes();
    if (pending == 0) throw;
    auto details = error.details();
    details.emplace_back("pending_bytes", std::to_string(pending));
    throw Error(ErrorCode::Capacity,
                error.message() + "; " + format_bytes(pending) +
                    " of removed arrays and old versions are still held by clients",
                details);
  }
}

/// Reading the limits costs about a create of a small array, so the answer is used for a while, less what was handed
/// out since.
void EngineImpl::check_system_memory(std::uint64_t cold) {
  if (cold == 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - room_read_ < kRoomAge && room_ > kRoomSlack && room_ - kRoomSlack > cold) {
    room_ -= cold;
    return;
  }
  const auto limits = read_memory_limits(pool_folder_, options_.cgroup_root);
  check_room(cold, limits);
  room_ = memory_room(limits) - cold;
  room_read_ = now;
}

std::unique_ptr<CreateTicket> EngineImpl::prepare_create(SlotRef slot, std::span<const CreateSpec> specs) {
  check_slot(slot, true);
  auto ticket = std::make_unique<TicketImpl>(*this, slot);
  ticket->items.resize(specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) check_spec(specs[i], ticket->items[i]);
  take_names(*ticket);
  std::vector<std::uint64_t> sizes;
  for (const auto& item : ticket->items) sizes.push_back(item.nbytes);
  take_memory(*ticket, sizes);
  try {
    const auto& extents = ticket->allocation.extents;
    std::vector<std::uint32_t> pieces(specs.size());
    for (const auto& extent : extents) {
      if (++pieces[extent.array] > kMaxExtents) {
        throw Error(ErrorCode::Capacity, "free memory is in so small pieces that '" + specs[extent.array].name +
                                             "' needs more than " + std::to_string(kMaxExtents) +
                                             " of them: remove arrays");
      }
    }
    check_system_memory(ticket->allocation.work_left());
    take_records(*ticket);
  } catch (...) {
    pool_.give_back(ticket->allocation);
    throw;
  }
  ticket->holds_memory = true;
  update_statistics();
  return ticket;
}

std::uint64_t EngineImpl::cold_bytes(const CreateTicket& ticket) const {
  return dynamic_cast<const TicketImpl&>(ticket).allocation.work_left();
}

bool EngineImpl::reserve_some(CreateTicket& ticket) {
  auto& allocation = as_ticket(ticket).allocation;
  // Small pieces are done together; a large one is a call of its own, so that the file's lock is free in between.
  for (std::uint64_t done = 0; done < kReserveStep;) {
    const auto work = allocation.next_work(kReserveStep - done);
    if (!work) return true;
    if (work->punch) {
      punch_range(files_.pool.get(), work->offset, work->bytes);
      allocation.punched(work->bytes);  // whatever comes now, nobody takes these bytes for resident ones
      fail_point("reserve.punched");
    }
    reserve_range(files_.pool.get(), work->offset, work->bytes);
    allocation.work_done(work->bytes);
    done += work->bytes;
  }
  return allocation.work_left() == 0;
}

std::uint64_t EngineImpl::write_meta(SlotRef slot, const TicketItem& item) {
  const auto& words = writer_.slot(slot.index);
  return heap_.write_meta({item.record, slot.index, static_cast<std::uint32_t>(slot.gen),
                           static_cast<std::uint32_t>(words.uid_role.load() >> 8), static_cast<std::uint32_t>(words.pid.load()),
                           unix_now_ns(), item.spec.name, item.spec.attrs});
}

Written EngineImpl::write_blocks(const TicketImpl& ticket, std::size_t at, std::uint64_t gen,
                                             std::vector<ExtentInfo>& extents) {
  const auto& item = ticket.items[at];
  std::vector<Extent> table;
  for (const auto& extent : extents) table.push_back({extent.offset, extent.bytes, gen});
  Written out;
  out.block = heap_.write_version({item.record, gen, gen, item.nbytes, item.grain, item.row_bytes, item.spec.order == "F" ? 1U : 0U,
                                   item.spec.shape, table, item.spec.dtype});
  try {
    out.meta = write_meta(ticket.slot, item);
  } catch (...) {
    heap_.free_block(out.block);
    throw;
  }
  return out;
}

/// Where scans will have to stop. Everything below is real memory: readers and sweeps look at all of it.
std::uint64_t EngineImpl::grow_records(const TicketImpl& ticket) {
  const auto before = header().records_high.load();
  auto high = before;
  for (const auto& item : ticket.items) high = std::max<std::uint64_t>(high, std::uint64_t{item.record} + 1);
  if (high == before) return high;
  writer_.reserve_records(before, high);
  check_sync_file();
  sync_reserver_.ensure(sync_.layout.arrays_offset + before * sync_.layout.array_stride,
                        (high - before) * sync_.layout.array_stride);
  return high;
}

void EngineImpl::write_ticket(const TicketImpl& ticket, Transaction& change, std::vector<Written>& written,
                              std::vector<CreatedArray>& out) {
  for (std::size_t i = 0; i < ticket.items.size(); ++i) out[i].array = ticket.items[i].record;
  for (const auto& extent : ticket.allocation.extents) {
    out[extent.array].extents.push_back({extent.offset, extent.bytes, ticket.allocation.is_zeroed(extent)});
  }
  const auto high = grow_records(ticket);
  for (std::size_t i = 0; i < ticket.items.size(); ++i) {
    const auto& item = ticket.items[i];
    const auto gen = change.new_version();
    out[i].array_gen = out[i].version = gen;
    written.push_back(write_blocks(ticket, i, gen, out[i].extents));
    const auto flags =
        kArrayBuilding | (item.spec.session ? kArraySession : 0) | (item.spec.replace ? kArrayReplaces : 0);
    change.set_ref(item.record, {gen, written.back().block, written.back().meta, flags, 0, 0});
    if (!item.spec.replace) index_.insert(change, item.spec.name, item.record);
  }
  if (high != header().records_high.load()) change.store(writer_.header().records_high, high);
}

std::vector<CreatedArray> EngineImpl::commit_create(SlotRef slot, std::uint64_t sequence,
                                                    std::unique_ptr<CreateTicket> dropped) {
  auto& ticket = as_ticket(*dropped);
  check_slot(slot, true);
  while (!reserve_some(ticket)) {
  }
  for (const auto& name : ticket.names) {
    if (index_.find(name))
      throw Error(ErrorCode::NameTaken, "'" + name + "' was made by another client meanwhile", {{"name", name}});
  }
  index_.reserve(ticket.names.size());
  std::vector<CreatedArray> out(ticket.items.size());
  std::vector<Written> written;
  crash_point("create.begin");
  try {
    Transaction change(writer_);
    write_ticket(ticket, change, written, out);
    change.answers(slot.index, slot.gen, sequence, out.empty() ? 0 : out.front().array_gen, out.size());
    crash_point("create.blocks");
    commit(change);
  } catch (...) {
    index_.dropped();
    for (const auto& blocks : written) heap_.free_block(blocks.block), heap_.free_block(blocks.meta);
    throw;
  }
  pool_.prepared(ticket.allocation);
  ticket.holds_memory = false;
  std::uint64_t asked = 0;
  for (const auto& item : ticket.items) owned_[slot.index].insert(item.record), asked += item.nbytes;
  if (!ticket.items.empty()) note(EventKind::create, slot, {ticket.items.size(), asked}, ticket.items.front().spec.name);
  return out;
}

std::optional<std::vector<CreatedArray>> EngineImpl::find_created(SlotRef slot, std::uint64_t sequence) const {
  if (!is_live(slot) || !is_repeat(slot, sequence)) return std::nullopt;
  const auto& words = writer_.slot(slot.index);
  const auto first = words.last_result[0].load(), count = words.last_result[1].load();
  if (count == 0) return std::nullopt;
  std::vector<CreatedArray> out(count);
  for (const auto record : owned_[slot.index]) {
    const auto array = current(record);
    if (array.array_gen < first || array.array_gen >= first + count) continue;
    auto& made = out[array.array_gen - first];
    made = {record, array.array_gen, array.version(), {}};
    // Its maker may have written before it lost the answer: nothing is known to be zero any more.
    for (const auto& extent : extents_of(heap_.version(array.block)))
      made.extents.push_back({extent.offset, extent.bytes, false});
  }
  return out;
}

}  // namespace ndshare::internal
