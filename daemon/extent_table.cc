#include "daemon/extent_table.h"

#include <algorithm>

namespace ndshare::internal {

std::uint64_t table_bytes(std::span<const Extent> table) noexcept {
  std::uint64_t total = 0;
  for (const auto& extent : table) total += extent.bytes;
  return total;
}

ExtentTable first_bytes(std::span<const Extent> table, std::uint64_t bytes) {
  ExtentTable out;
  for (const auto& extent : table) {
    if (bytes == 0) break;
    out.push_back({extent.offset, std::min(extent.bytes, bytes), extent.birth});
    bytes -= out.back().bytes;
  }
  return out;
}

ExtentTable behind_bytes(std::span<const Extent> table, std::uint64_t bytes) {
  ExtentTable out;
  for (const auto& extent : table) {
    const std::uint64_t skip = std::min(extent.bytes, bytes);
    bytes -= skip;
    if (skip < extent.bytes) out.push_back({extent.offset + skip, extent.bytes - skip, extent.birth});
  }
  return out;
}

ExtentTable replaced(std::span<const Extent> table, std::uint64_t at, std::span<const Extent> fresh) {
  ExtentTable out = first_bytes(table, at);
  out.insert(out.end(), fresh.begin(), fresh.end());
  const ExtentTable rest = behind_bytes(table, at + table_bytes(fresh));
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

ExtentTable merged(std::span<const Extent> table) {
  ExtentTable out;
  for (const auto& extent : table) {
    const bool pages = extent.bytes % kPage == 0;
    if (pages && !out.empty() && out.back().birth == extent.birth && out.back().offset + out.back().bytes == extent.offset &&
        out.back().bytes % kPage == 0) {
      out.back().bytes += extent.bytes;
    } else {
      out.push_back(extent);
    }
  }
  return out;
}

}  // namespace ndshare::internal
