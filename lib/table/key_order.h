// The order of keys: numbers of groups sorted by what their keys say.
#pragma once

#include "lib/table/row_groups.h"

#include <cstdint>
#include <vector>

namespace ndshare::internal {

/// One group: where it is, and the first word of its key as a number, which mostly decides.
struct OrderedGroup {
  std::uint64_t first;
  std::uint32_t partition, id;
};

/// All groups, ascending by key.   Threads: parallel inside; keys differ, so that there is just one order.
[[nodiscard]] std::vector<OrderedGroup> groups_in_order(const RowGroups& groups, std::size_t words, int threads);

}  // namespace ndshare::internal
