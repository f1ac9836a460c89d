#include "client/restart.h"

#include <ndshare/error.h>

#include "client/start.h"
#include "client/wait.h"
#include "lib/shm/format.h"

namespace ndshare::internal {
namespace {

/// Whether the catalog under the store's name is this store's, and says that the store is private.
bool is_private(const StoreAddress& address, std::uint64_t store_id) {
  const auto fd = open_segment(segment_paths(address.uid, address.name).catalog, address.uid, Mapping::Access::read_only);
  if (!fd || file_bytes(fd.get()) < kPage) return false;
  const Mapping page(fd.get(), 0, kPage, Mapping::Access::read_only);
  const auto& header = *page.at<CatalogHeader>(0);
  return header.magic == kCatalogMagic && header.layout_hash == kLayoutHash && header.store_id == store_id &&
         header.ephemeral.load() != 0;
}

}  // namespace

bool restart_private_store(const StoreAddress& address, std::uint64_t store_id, Deadline deadline) {
  if (address.uid != own_uid() || time_left(deadline).count() == 0 || !is_private(address, store_id)) return false;
  admin::DaemonOptions daemon;
  daemon.store = address.name;
  daemon.ephemeral = true;
  daemon.timeout = time_left(deadline);
  try {
    start_daemon(daemon);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::StoreExists) throw;
    nap(deadline);  // another client was faster, or the dead one's lock is not free yet
  }
  return true;
}

}  // namespace ndshare::internal
