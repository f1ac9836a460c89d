// A store read from its segments: no daemon, no slot, no claim. Every copy is checked against the version it began with.
#include <algorithm>
#include <cstring>
#include <string>

#include <ndshare/create.h>

#include "client/inspector_impl.h"
#include "client/shared_state.h"
#include "lib/base/text.h"
#include "lib/shm/process.h"

namespace ndshare::admin {

using internal::ArrayCopy;
using internal::CatalogView;
using internal::Descriptor;
using internal::Mapping;

namespace {

Descriptor open_or_refuse(const std::string& path, const internal::StoreAddress& address) {
  auto fd = internal::open_segment(path, address.uid, Mapping::Access::read_only);
  if (!fd) {
    throw Error(ErrorCode::NoSuchStore, "there is no store '" + internal::address_text(address) + "': '" + path + "' does not exist",
                {{"store", internal::address_text(address)}, {"path", path}});
  }
  return fd;
}

constexpr int kCopyAttempts = 20;

}  // namespace

Inspector::Impl::Impl(std::string_view store) : address(internal::resolve_address(store)) {
  if (address.uid != internal::own_uid() && internal::own_uid() != 0) {
    throw Error(ErrorCode::Permission, "store '" + internal::address_text(address) +
                                           "' is another user's: its segments are for its owner (and root) to read");
  }
  const auto paths = internal::segment_paths(address.uid, address.name);
  const auto fd = open_or_refuse(paths.catalog, address);
  catalog = Mapping(fd.get(), 0, internal::file_bytes(fd.get()), Mapping::Access::read_only);
  view = CatalogView(catalog.data(), catalog.bytes());
  const auto& header = view.header();
  const std::string pool_dir(header.pool_dir, ::strnlen(header.pool_dir, sizeof(header.pool_dir)));
  const auto pool_paths = internal::segment_paths(address.uid, address.name, pool_dir);
  pool = std::make_unique<internal::PoolMaps>(open_or_refuse(pool_paths.pool, address), header.pool_bytes.load(), false);
  sync = open_or_refuse(paths.sync, address);
}

std::optional<ArrayCopy> Inspector::Impl::find(std::string_view name) const {
  while (const auto ref = view.find(name)) {
    auto copy = view.read(ref->array);
    if (copy && copy->name == name) return copy;
  }
  return std::nullopt;
}

void Inspector::Impl::no_such_array(std::string_view name) const {
  throw Error(ErrorCode::NoSuchArray,
              "store '" + internal::address_text(address) + "' has no array '" + internal::printable(name) + "'",
              {{"array", std::string(name)}});
}

ArrayCopy Inspector::Impl::require(std::string_view name) const {
  auto copy = find(name);
  if (!copy) no_such_array(name);
  if ((copy->ref.flags & internal::kArrayBuilding) != 0) internal::still_building(*copy);
  return std::move(*copy);
}

std::vector<ClientInfo> Inspector::Impl::clients() const {
  std::vector<ClientInfo> out;
  for (std::uint32_t index = 0; index < view.header().max_clients; ++index) {
    const auto& slot = view.slot(index);
    const auto id = slot.id.load();
    if (internal::slot_state(id) != internal::SlotState::live) continue;
    ClientInfo client;
    client.slot = index;
    client.gen = internal::slot_gen(id);
    client.pid = slot.pid.load();
    client.uid = static_cast<std::uint32_t>(slot.uid_role.load() >> 8);
    client.role = (slot.uid_role.load() & 0xFF) != 0 ? Role::read_only : Role::read_write;
    client.since_unix_ns = slot.since_unix_ns.load();
    client.command.assign(slot.command, ::strnlen(slot.command, sizeof(slot.command)));
    out.push_back(std::move(client));
  }
  return out;
}

internal::Mapping map_sync(const internal::CatalogView& catalog, const internal::Descriptor& fd) {
  const auto& header = catalog.header();
  const internal::SyncLayout layout(header.max_clients, header.max_arrays);
  const auto bytes = internal::file_bytes(fd.get());
  if (bytes >= layout.bytes) {
    internal::Mapping map(fd.get(), 0, bytes, internal::Mapping::Access::read_only);
    const auto& sync = *map.at<internal::SyncHeader>(0);
    const bool good = sync.magic == internal::kSyncMagic && sync.layout_hash == internal::kLayoutHash &&
                      sync.store_id == header.store_id;
    if (good) return map;
  }
  throw Error(
      ErrorCode::Damaged,
      "the store's sync segment fails its checks: 'ndshare start' mends it, a running daemon does so by itself");
}

internal::Mapping Inspector::Impl::map_sync() const { return admin::map_sync(view, sync); }

Inspector::Inspector(std::string_view store) : impl_(std::make_unique<Impl>(store)) {}
Inspector::~Inspector() = default;
Inspector::Inspector(Inspector&&) noexcept = default;
Inspector& Inspector::operator=(Inspector&&) noexcept = default;

std::vector<ArrayInfo> Inspector::list(std::string_view pattern) const {
  std::vector<ArrayInfo> infos;
  impl_->view.for_each([&](const ArrayCopy& copy) {
    const bool visible = (copy.ref.flags & internal::kArrayBuilding) == 0 && !internal::is_stream_name(copy.name);
    if (visible && internal::glob_match(pattern, copy.name)) infos.push_back(internal::array_info(copy));
  });
  std::ranges::sort(infos, {}, &ArrayInfo::name);
  return infos;
}

ArrayInfo Inspector::info(std::string_view name) const { return internal::array_info(impl_->require(name)); }

Array Inspector::copy(std::string_view name) const {
  for (int attempt = 0; attempt < kCopyAttempts; ++attempt) {
    auto copy = impl_->require(name);
    const auto ref = copy.ref;
    const auto info = internal::version_info(copy);
    const auto nbytes = static_cast<std::uint64_t>(info.nbytes);
    const auto bytes = impl_->pool->locate(info.extents, nbytes, ref.array_gen, ref.version, Mapping::Access::read_only);
    Array out = empty(info.shape, info.dtype, info.order);
    if (nbytes != 0) std::memcpy(out.mutable_data(), bytes.data, nbytes);
    if (impl_->view.is_current(ref)) return out;
  }
  throw Error(ErrorCode::Busy, "array '" + internal::printable(name) + "' was replaced under the copy every time: try again");
}

StatusInfo Inspector::status() const {
  const auto& header = impl_->view.header();
  StatusInfo info;
  info.store = internal::address_text(impl_->address);
  info.pool_dir.assign(header.pool_dir, ::strnlen(header.pool_dir, sizeof(header.pool_dir)));
  const auto pid = header.daemon_pid.load();
  if (pid != 0 && internal::process_alive(pid, header.daemon_start.load())) info.pid = pid;
  info.max_clients = header.max_clients;
  info.max_arrays = header.max_arrays;
  info.ephemeral = header.ephemeral.load() != 0;
  auto& pool = info.pool;
  pool.capacity_bytes = header.pool_bytes.load();
  pool.used_bytes = header.used_bytes.load();
  pool.live_bytes = header.live_bytes.load();
  pool.warm_bytes = header.warm_bytes.load();
  pool.free_bytes = header.free_bytes.load();
  pool.largest_free_bytes = header.largest_free_bytes.load();
  pool.catalog_bytes = impl_->catalog.bytes();
  pool.sync_bytes = internal::file_bytes(impl_->sync.get());
  impl_->view.for_each([&](const ArrayCopy& copy) {
    ++info.arrays;
    if ((copy.ref.flags & (internal::kArraySession | internal::kArrayBuilding)) == 0) ++info.persistent_arrays;
  });
  info.clients = impl_->clients();
  return info;
}

}  // namespace ndshare::admin
