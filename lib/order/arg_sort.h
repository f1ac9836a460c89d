// The order of items as positions, stable.
#pragma once

#include "lib/order/key_plan.h"

#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

/// out[0 … n): the numbers i of items first + i in ascending, stable order.
///   Memory: 9 bytes an item of scratch for long lines.   Threads: safe; parallel inside.   Errors: Memory.
void order_items(const KeyPlan& plan, std::int64_t first, std::size_t n, std::int64_t* out, int threads);
/// Puts the numbers items[0 … n) of some items in such an order: equal ones keep theirs.
void order_some(const KeyPlan& plan, std::int64_t first, std::int64_t* items, std::size_t n, int threads);

/// Copies items rows[i] of `itemsize` bytes to out, one behind the other.
void gather_items(const std::byte* items, std::size_t itemsize, const std::int64_t* rows, std::size_t n, std::byte* out,
                  int threads);

}  // namespace ndshare::internal
