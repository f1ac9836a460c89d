#include "tests/unit/daemon/engine_support.h"

#include <algorithm>
#include <set>

namespace ndshare::internal {

std::string audit(Engine& engine) {
  TestClient client(engine);
  std::string wrong;
  std::set<std::uint64_t> slabs, small;
  std::set<std::pair<std::uint64_t, std::uint64_t>> taken;
  std::uint64_t live = 0, pages = 0;
  std::set<std::string> names;
  client.view.for_each([&](const ArrayCopy& array) {
    const bool in_index = (array.ref.flags & kArrayReplaces) == 0;
    const auto found = client.view.find(array.name);
    if (in_index && (!found || found->array != array.ref.array)) wrong += array.name + " is not found; ";
    if (in_index && !names.insert(array.name).second) wrong += array.name + " exists twice; ";
    std::uint64_t room = 0;
    for (const auto& extent : array.extents) {
      room += extent.bytes;
      live += extent.bytes;
      if (extent.bytes % kPage == 0) {
        pages += extent.bytes;
      } else {
        slabs.insert(extent.offset / kSlabBytes);
      }
      if (!taken.insert({extent.offset, extent.offset + extent.bytes}).second)
        wrong += array.name + " shares an extent; ";
    }
    if (room < array.nbytes) wrong += array.name + " has too little room; ";
  });
  for (std::uint64_t i = 0; i < engine.header().records_high.load(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (client.view.read_ref(index) && !client.view.read(index))
      wrong += "record " + std::to_string(i) + " is unreadable; ";
  }
  std::uint64_t end = 0;
  for (const auto& [from, to] : taken) {
    if (from < end) wrong += "extents overlap at " + std::to_string(from) + "; ";
    end = std::max(end, to);
  }
  if (end > engine.header().pool_bytes) wrong += "an extent lies beyond the pool; ";
  engine.reclaim();
  const auto status = engine.pool_status();
  if (status.pending_bytes != 0) return wrong;  // what is pinned is not in the catalog's records
  if (status.live_bytes != live)
    wrong += "live " + std::to_string(status.live_bytes) + " instead of " + std::to_string(live) + "; ";
  const auto used = pages + slabs.size() * kSlabBytes;
  if (status.used_bytes != used)
    wrong += "used " + std::to_string(status.used_bytes) + " instead of " + std::to_string(used) + "; ";
  if (status.free_bytes != status.capacity_bytes - used) wrong += "free bytes do not add up; ";
  return wrong;
}

}  // namespace ndshare::internal
