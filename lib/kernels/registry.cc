#include "lib/kernels/registry.h"

#include "lib/kernels/families.h"

#include <atomic>
#include <mutex>
#include <vector>

#include <hwy/highway.h>

namespace ndshare::internal {
namespace {

std::atomic<const KernelTable*> g_current{nullptr};  // null: not chosen yet; a table never changes once it is reachable

constexpr void (*kFamilies[])(KernelTable&) = {
    fill_arithmetic, fill_bitwise,        fill_cast,          fill_checked, fill_classify,   fill_compare,
    fill_division,   fill_exponential,    fill_extremes,      fill_memory,  fill_logical,    fill_power,
    fill_rounding,   fill_float_division, fill_scalar_math,   fill_scan,    fill_reduce_sum, fill_reduce_lanes,
    fill_select,     fill_sign,           fill_trigonometric, fill_random,  fill_keep, fill_split, fill_pairs,
};

KernelTable make_table(std::int64_t target) {
  KernelTable table;
  table.target = target;
  table.name = hwy::TargetName(target);
  // Without this Update the first pointer of every dispatch table is Highway's chooser, which runs CPUID at each call.
  hwy::GetChosenTarget().Update(target);
  for (const auto fill : kFamilies) fill(table);
  return table;
}

std::vector<KernelTable> make_tables() {
  std::vector<KernelTable> tables;
  const std::int64_t targets = (hwy::SupportedTargets() & HWY_TARGETS) | HWY_STATIC_TARGET;
  for (std::int64_t rest = targets; rest != 0; rest &= rest - 1) tables.push_back(make_table(rest & -rest));
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return tables;
}

const std::vector<KernelTable>& tables() {
  static const std::vector<KernelTable> made = make_tables();
  return made;
}

}  // namespace

const KernelTable& kernels() noexcept {
  const KernelTable* table = g_current.load(std::memory_order_acquire);
  if (table == nullptr) {
    table = &tables().front();
    g_current.store(table, std::memory_order_release);  // pairs with the acquire above
  }
  return *table;
}

std::span<const KernelTable> supported_tables() noexcept { return tables(); }

void force_table_for_test(const KernelTable* table) noexcept { g_current.store(table, std::memory_order_release); }

}  // namespace ndshare::internal
