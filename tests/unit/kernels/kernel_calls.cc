// Kernels by name for tools/bench/compare_functions, which loads this as a library beside NumPy.
#include "lib/kernels/registry.h"

#include <ndshare/dtype.h>

#include <string_view>

namespace {

using namespace ndshare::internal;

const KernelTable* find_table(std::string_view target) {
  for (const KernelTable& table : supported_tables()) {
    if (target.empty() || table.name == target) return &table;
  }
  return nullptr;
}

template <std::size_t kCount>
int index_of(const OpInfo (&ops)[kCount], std::string_view name) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (ops[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

#define NDSHARE_EXPORT extern "C" __attribute__((visibility("default")))

/// Name of the nth supported target, best first; null beyond the last.
NDSHARE_EXPORT const char* ndshare_bench_target(int n) {
  const auto tables = supported_tables();
  return static_cast<std::size_t>(n) < tables.size() ? tables[static_cast<std::size_t>(n)].name : nullptr;
}

/// Runs the kernel over n elements; `b` null: of one operand. Gives its Seen bits, −1 where there is none.
NDSHARE_EXPORT int ndshare_bench_call(const char* target, const char* op, int type, const void* a, const void* b, void* out,
                                      long n) {
  const KernelTable* table = find_table(target);
  const int index = b == nullptr ? index_of(kUnaryOps, op) : index_of(kBinaryOps, op);
  if (table == nullptr || index < 0) return -1;
  const auto dtype = static_cast<ndshare::TypeId>(type);
  const auto count = static_cast<std::size_t>(n);
  if (b == nullptr) {
    const UnaryKernel kernel = table->find(static_cast<UnaryOp>(index), dtype);
    return kernel == nullptr ? -1 : static_cast<int>(kernel(a, out, count));
  }
  const BinaryKernel kernel = table->find(static_cast<BinaryOp>(index), dtype).vv;
  return kernel == nullptr ? -1 : static_cast<int>(kernel(a, b, out, count));
}
