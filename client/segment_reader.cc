#include "client/segment_reader.h"

#include <algorithm>
#include <cstring>

#include <ndshare/error.h>

#include "client/wait.h"
#include "lib/base/text.h"
#include "lib/shm/process.h"
#include "lib/wire/attrs.h"

namespace ndshare::internal {
namespace {

Descriptor open_verified(const std::string& path, const StoreAddress& address) {
  auto fd = open_segment(path, address.uid, Mapping::Access::read_only);
  if (fd) return fd;
  throw Error(ErrorCode::NoSuchStore,
              "there is no store '" + address_text(address) + "': '" + path + "' does not exist",
              {{"store", address_text(address)}, {"path", path}});
}

Mapping map_whole(const std::string& path, const StoreAddress& address) {
  const auto fd = open_verified(path, address);
  return Mapping(fd.get(), 0, file_bytes(fd.get()), Mapping::Access::read_only);
}

/// Whether the slot's process has ended for certain: a pid of another namespace says nothing here.
bool is_dead(const Slot& slot) {
  return slot.pid_namespace.load() == own_pid_namespace() && !process_alive(slot.pid.load(), slot.start.load());
}

SavedArray saved_array(const ArrayCopy& copy, const std::vector<TornRange>& torn) {
  SavedArray array;
  array.name = copy.name;
  array.dtype = DType::parse(copy.dtype);
  array.shape = Shape(std::span<const std::int64_t>(copy.shape));
  array.order = copy.order == 0 ? Order::C : Order::F;
  array.nbytes = static_cast<std::int64_t>(copy.nbytes);
  array.version = copy.ref.version;
  array.created_unix_ns = copy.created_unix_ns;
  array.sealed = (copy.ref.flags & kArraySealed) != 0;
  array.snapshot = (copy.ref.flags & kArraySnapshot) != 0;
  array.source_version = copy.source_version;
  if (!copy.attrs.empty()) array.attrs = decode_attrs(copy.attrs);
  const auto rows = row_count(copy);
  for (const auto& range : torn) {
    const auto lo = std::max<std::int64_t>(range.lo, 0), hi = std::min(range.hi, rows);
    if (lo < hi) array.torn.push_back({{lo, hi}, range.pid, range.unix_ns});
  }
  return array;
}

}  // namespace

/// What must be the same before and after.
struct SegmentReader::Moment {
  RefCopy ref;
  std::uint64_t revision = 0, writer = 0;  ///< writer: pid of a living one, 0 for none
  std::vector<TornRange> dead;             ///< rows of writers that have died and are not swept
};

SegmentReader::SegmentReader(const StoreAddress& address) : address_(address) {
  if (address.uid != own_uid() && own_uid() != 0) {
    throw Error(ErrorCode::Permission, "store '" + address_text(address) +
                                           "' is another user's: its segments are for its owner (and root) to read");
  }
  const auto paths = segment_paths(address.uid, address.name);
  catalog_ = map_whole(paths.catalog, address);
  view_ = CatalogView(catalog_.data(), catalog_.bytes());
  const auto& header = view_.header();
  layout_.emplace(header.max_clients, header.max_arrays);
  sync_ = map_whole(paths.sync, address);
  const auto* sync = sync_.bytes() < layout_->bytes ? nullptr : sync_.at<SyncHeader>(0);
  if (sync == nullptr || sync->magic != kSyncMagic || sync->layout_hash != kLayoutHash ||
      sync->store_id != header.store_id) {
    throw Error(ErrorCode::Damaged,
                "the sync segment of store '" + address_text(address) + "' fails its checks: 'ndshare start' mends it");
  }
  const std::string pool_dir(header.pool_dir, ::strnlen(header.pool_dir, sizeof(header.pool_dir)));
  pool_ = std::make_unique<PoolMaps>(open_verified(segment_paths(address.uid, address.name, pool_dir).pool, address),
                                     header.pool_bytes.load(), false);
}

const ArraySync& SegmentReader::array_sync(std::uint32_t index) const {
  return *sync_.at<const ArraySync>(layout_->arrays_offset + layout_->array_stride * index);
}

/// The pid of a living process that holds a write claim on the array; 0 for none. Rows of dead ones go to `dead`.
std::uint64_t SegmentReader::writer_of(const RefCopy& ref, std::vector<TornRange>& dead) const {
  std::vector<ClaimCopy> claims;
  for (std::uint32_t index = 0; index < view_.header().max_clients; ++index) {
    const auto& slot = view_.slot(index);
    if (slot_state(slot.id.load()) == SlotState::free) continue;
    claims.clear();
    collect_claims(*sync_.at<const SlotClaims>(layout_->claims_offset + sizeof(SlotClaims) * index), claims);
    for (const auto& claim : claims) {
      const bool is_it = claim.array == ref.array && claim.array_gen == ref.array_gen;
      if (!is_it || claim.mode != ClaimMode::write || claim.state != ClaimState::granted) continue;
      if (!is_dead(slot)) return slot.pid.load();
      const bool wrote = (claim.flags & kClaimClean) == 0;
      if (wrote) dead.push_back({claim.lo, claim.hi, slot.pid.load(), 0});
    }
  }
  return 0;
}

/// False where there is no such array that others may see.
bool SegmentReader::look(std::string_view name, ArrayCopy& copy, Moment& moment) {
  std::vector<std::byte> scratch;
  while (view_.find_into(name, copy, scratch)) {
    if ((copy.ref.flags & kArrayBuilding) != 0) return false;
    moment.ref = copy.ref;
    moment.revision = array_sync(copy.ref.array).revision.load(std::memory_order_seq_cst);
    moment.dead.clear();
    moment.writer = writer_of(copy.ref, moment.dead);
    if (view_.is_current(copy.ref)) return true;
  }
  return false;
}

bool SegmentReader::is_same(const Moment& moment) const {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // the bytes were read before what follows
  std::vector<TornRange> dead;
  return writer_of(moment.ref, dead) == 0 && dead.size() == moment.dead.size() &&
         array_sync(moment.ref.array).revision.load(std::memory_order_seq_cst) == moment.revision &&
         view_.is_current(moment.ref);
}

std::optional<PinnedArray> SegmentReader::pin(std::string_view name, Deadline deadline) {
  ArrayCopy copy;
  auto moment = std::make_shared<Moment>();
  while (true) {
    if (!look(name, copy, *moment)) return std::nullopt;
    if (moment->writer == 0) break;
    if (time_left(deadline).count() == 0) {
      throw Error(ErrorCode::Busy,
                  "array '" + printable(name) + "' is being written in place by process " +
                      std::to_string(moment->writer) + ": try again when it is done, or end it",
                  {{"array", std::string(name)}, {"pid", std::to_string(moment->writer)}});
    }
    nap(deadline);
  }
  PinnedArray pinned;
  auto torn = copy.torn;
  torn.insert(torn.end(), moment->dead.begin(), moment->dead.end());
  pinned.array = saved_array(copy, torn);
  auto bytes =
      pool_->locate(copy.extents, copy.nbytes, copy.ref.array_gen, copy.ref.version, Mapping::Access::read_only);
  pinned.data = bytes.data;
  pinned.keep = std::move(bytes.keep);
  pinned.unchanged = [this, moment] { return is_same(*moment); };
  return pinned;
}

}  // namespace ndshare::internal
