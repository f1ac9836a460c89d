// Partitions: elements of given ranks at their places, the others on the right side of them.
#pragma once

#include "lib/order/key_plan.h"
#include "lib/order/value_sort.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace ndshare::internal {

/// Places along a line, rising and each once. None at all: all of them, a sort.
using RankSpan = std::span<const std::size_t>;

/// Partitions each line of `in` at `ranks` into the same line of `out`: as sort_values.
void partition_values(const DType& dtype, const std::byte* in, std::byte* out, const Lines& lines, RankSpan ranks,
                      bool descending, int threads);

/// out[0 … n): the numbers of items first + i in an order that has those of `ranks` where order_items puts them: as it.
void partition_items(const KeyPlan& plan, std::int64_t first, std::size_t n, RankSpan ranks, std::int64_t* out,
                     int threads);

}  // namespace ndshare::internal
