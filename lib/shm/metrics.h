/// The numbers of metric_list.inc, read from the segments: by the daemon for its own endpoint, by anybody who may read them.
///   Threads: safe.   Errors: none but std::bad_alloc. What clients count of themselves is passed on as it is.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ndshare/metrics.h>

#include "lib/shm/catalog_view.h"

namespace ndshare::internal {

struct MetricSource {
  const CatalogView* view = nullptr;
  const std::byte* sync = nullptr;       ///< all of the sync segment; null where it cannot be read: what it holds counts as 0
  bool daemon_runs = false;
  std::string_view version;
  const char* (*request_name)(std::uint64_t type) noexcept = nullptr;
  std::uint64_t commit_type = 0;         ///< number of the request that commits a version
  std::map<std::string, std::string> (*decode_attrs)(std::string_view text) = nullptr;  ///< of arrays; lib/wire knows how
};

std::vector<admin::MetricInfo> collect_metrics(const MetricSource& source);

}  // namespace ndshare::internal
