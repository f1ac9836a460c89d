// What each family file gives the registry: it writes its kernels for Highway's currently chosen target into a table.
#pragma once

#include "lib/kernels/registry.h"

namespace ndshare::internal {

/// Bytes that reductions ask for ahead of what they add: they end every 32 KiB, and what the machine itself fetches ahead ends with
/// them. (float64 maxima by one core: 10.4 → 8.8 ms for 128 MiB, which a plain loop reads in 8.6.) Nothing faults past an array's end.
inline constexpr std::size_t kReadAhead = 4096;

// Where a kernel goes.
inline UnaryKernel& slot(KernelTable& table, UnaryOp op, TypeId type) noexcept {
  return table.unary[static_cast<std::size_t>(op)][static_cast<std::size_t>(type)];
}
inline BinaryKernels& slot(KernelTable& table, BinaryOp op, TypeId type) noexcept {
  return table.binary[static_cast<std::size_t>(op)][static_cast<std::size_t>(type)];
}

// Element-wise: the families of op_list.inc.
void fill_arithmetic(KernelTable& table);
void fill_bitwise(KernelTable& table);
void fill_classify(KernelTable& table);
void fill_compare(KernelTable& table);
void fill_division(KernelTable& table);
void fill_exponential(KernelTable& table);
void fill_extremes(KernelTable& table);
void fill_logical(KernelTable& table);         // of the family compare, in a file of its own
void fill_float_division(KernelTable& table);  // of the family division
void fill_pairs(KernelTable& table);
void fill_power(KernelTable& table);
void fill_rounding(KernelTable& table);
void fill_sign(KernelTable& table);
void fill_trigonometric(KernelTable& table);
void fill_scalar_math(KernelTable& table);  // what has no vector form, of several families
void fill_select(KernelTable& table);
void fill_keep(KernelTable& table);
void fill_split(KernelTable& table);
void fill_checked(KernelTable& table);

// Reductions and scans.
void fill_reduce_sum(KernelTable& table);
void fill_reduce_lanes(KernelTable& table);
void fill_scan(KernelTable& table);

void fill_cast(KernelTable& table);
void fill_memory(KernelTable& table);
void fill_random(KernelTable& table);

}  // namespace ndshare::internal
