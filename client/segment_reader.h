/// Arrays read straight from a store's segments, without its daemon and without a claim: for a save by the store's
/// owner.
///
/// Nothing is pinned, so a reader looks twice: pin() notes the array's root, its revision and that nobody writes in
/// place; when the bytes have been used, `unchanged` says whether all of that is still so. A root value is never used
/// twice, every release of a writer raises the revision, and a writer's claim stands from before its first store to
/// after its last: when nothing differs, nothing was written in between. (Memory of a removed array may have been used
/// again: then its root is 0.) A writer whose process is dead has torn its rows, as the next daemon's sweep will say:
/// so does pin().
///   Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "client/address.h"
#include "client/pool_maps.h"
#include "client/save_format.h"
#include "lib/shm/catalog_view.h"
#include "lib/shm/claims.h"
#include "lib/shm/sync_layout.h"

namespace ndshare::internal {

/// An array's bytes while they are saved.
struct PinnedArray {
  SavedArray array;
  const std::byte* data = nullptr;
  std::shared_ptr<const void> keep;  ///< what `data` stands on
  std::function<bool()> unchanged;   ///< whether what was read is of one moment; null where a claim sees to that
};

class SegmentReader {
 public:
  /// Errors: NoSuchStore, Permission (another user's), Squatted, LayoutVersion, Damaged.
  explicit SegmentReader(const StoreAddress& address);
  /// Nothing where there is no such array, or only one that is still being filled.   Errors: Busy (names the writer),
  /// Damaged.
  std::optional<PinnedArray> pin(std::string_view name, Deadline deadline);

 private:
  struct Moment;
  bool look(std::string_view name, ArrayCopy& copy, Moment& moment);
  [[nodiscard]] std::uint64_t writer_of(const RefCopy& ref, std::vector<TornRange>& dead) const;
  [[nodiscard]] bool is_same(const Moment& moment) const;
  [[nodiscard]] const ArraySync& array_sync(std::uint32_t index) const;

  StoreAddress address_;
  Mapping catalog_, sync_;
  CatalogView view_;
  std::optional<SyncLayout> layout_;
  std::unique_ptr<PoolMaps> pool_;
};

}  // namespace ndshare::internal
