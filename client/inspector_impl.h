/// What an Inspector stands on: the segments of a store, opened by name, verified, read-only.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <ndshare/admin.h>

#include "client/address.h"
#include "client/pool_maps.h"
#include "lib/shm/catalog_view.h"

namespace ndshare::admin {

/// The sync segment is everybody's to write: only what the catalog says of it is believed.   Errors: Damaged.
internal::Mapping map_sync(const internal::CatalogView& catalog, const internal::Descriptor& fd);

struct Inspector::Impl {
  /// Errors: as Inspector().
  explicit Impl(std::string_view store);
  /// Whatever its flags.
  std::optional<internal::ArrayCopy> find(std::string_view name) const;
  /// Errors: NoSuchArray.
  internal::ArrayCopy require(std::string_view name) const;
  [[noreturn]] void no_such_array(std::string_view name) const;
  /// The slots that are taken, as the catalog has them: nothing of claims and processes.
  std::vector<ClientInfo> clients() const;

  /// The sync segment, read-only.   Errors: Damaged.
  internal::Mapping map_sync() const;

  internal::StoreAddress address;
  internal::Mapping catalog;
  internal::CatalogView view;
  std::unique_ptr<internal::PoolMaps> pool;
  internal::Descriptor sync;
};

}  // namespace ndshare::admin
