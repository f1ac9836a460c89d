#include "lib/table/key_order.h"

#include "lib/exec/parallel.h"

#include <algorithm>
#include <cstring>

namespace ndshare::internal {
namespace {

constexpr std::size_t kRun = std::size_t{32} << 10;

/// Sorts runs apart, then merges neighbours until one is left.
template <class Less>
void sort_parallel(std::vector<OrderedGroup>& groups, int threads, const Less& less) {
  const std::size_t n = groups.size();
  const auto at = [&](std::size_t i) { return groups.begin() + static_cast<std::ptrdiff_t>(std::min(i, n)); };
  parallel_blocks((n + kRun - 1) / kRun, threads,
                  [&](std::size_t run) { std::sort(at(run * kRun), at((run + 1) * kRun), less); });
  if (n <= kRun) return;
  std::vector<OrderedGroup> other(n);
  for (std::size_t run = kRun; run < n; run *= 2) {
    parallel_blocks((n + 2 * run - 1) / (2 * run), threads, [&](std::size_t pair) {
      const std::size_t low = 2 * run * pair;
      std::merge(at(low), at(low + run), at(low + run), at(low + 2 * run),
                 other.begin() + static_cast<std::ptrdiff_t>(low), less);
    });
    groups.swap(other);
  }
}

}  // namespace

std::vector<OrderedGroup> groups_in_order(const RowGroups& groups, std::size_t words, int threads) {
  const auto& partitions = groups.partitions();
  std::vector<OrderedGroup> out(groups.before().back());
  parallel_blocks(partitions.size(), threads, [&](std::size_t part) {
    for (std::size_t id = 0; id < partitions[part].size(); ++id) {
      out[groups.before()[part] + id] = {__builtin_bswap64(*partitions[part].key(id)), static_cast<std::uint32_t>(part),
                                         static_cast<std::uint32_t>(id)};
    }
  });
  if (words == 1) {
    sort_parallel(out, threads, [](const OrderedGroup& a, const OrderedGroup& b) { return a.first < b.first; });
    return out;
  }
  sort_parallel(out, threads, [&](const OrderedGroup& a, const OrderedGroup& b) {
    if (a.first != b.first) return a.first < b.first;
    return std::memcmp(partitions[a.partition].key(a.id), partitions[b.partition].key(b.id),
                       words * sizeof(std::uint64_t)) < 0;
  });
  return out;
}

}  // namespace ndshare::internal
