// ndshare df: where the memory is.
#include <cstdint>
#include <ostream>

#include <ndshare/admin.h>

#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

int df(Context& context) {
  const auto status = admin::status(context.store, context.timeout());
  if (status.pid == 0) context.err << "ndshare: no daemon runs; read from the segments\n";
  const auto& pool = status.pool;
  Record record;
  record.add_bytes("capacity", pool.capacity_bytes);
  record.add_bytes("used", pool.used_bytes);
  record.add_bytes("live", pool.live_bytes);
  record.add_bytes("pending", pool.pending_bytes);
  record.add_bytes("free", pool.free_bytes);
  record.add_bytes("largest_free", pool.largest_free_bytes);
  record.add_bytes("warm", pool.warm_bytes);
  record.add_bytes("catalog", pool.catalog_bytes);
  record.add_bytes("sync", pool.sync_bytes);
  if (status.pid == 0) {  // the daemon alone knows how it stands in its machine
    for (const char* key : {"tmpfs_free", "memory_available", "cgroup_free"}) record.add(key, nullptr, "");
    record.print(context);
    return 0;
  }
  record.add_bytes("tmpfs_free", pool.tmpfs_free_bytes);
  record.add_bytes("memory_available", pool.memory_available_bytes);
  if (pool.cgroup_free_bytes == UINT64_MAX) {
    record.add("cgroup_free", nullptr, "no limit");
  } else {
    record.add_bytes("cgroup_free", pool.cgroup_free_bytes);
  }
  record.print(context);
  return 0;
}

}  // namespace

Logic setup_df(Flags& /*flags*/) { return df; }

}  // namespace ndshare::cli
