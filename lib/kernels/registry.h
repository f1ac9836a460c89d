// The registry: for every operation and dtype the kernel of the best instruction set this machine has.
//
// A kernel is noexcept and contiguous 1-D. Its pointers are aligned as an element is (to min(itemsize, 8) bytes), not
// to a register; those of casts and of the memory kernels may be anywhere. `out` may be exactly an operand (in place)
// or apart from it, nothing between. Strides, casts, odd addresses and threads are lib/exec's business.
#pragma once

#include <ndshare/lane.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ndshare::internal {

inline constexpr std::size_t kNumericCount = static_cast<std::size_t>(TypeId::complex128) + 1;

/// Element-wise operations of two operands (op_list.inc).
enum class BinaryOp : std::uint8_t {
#define NDSHARE_BINARY_OP(name, loops, rule, commutative, identity, family, ulp, doc) name,
#include "lib/kernels/op_list.inc"
};
enum class ReduceOp : std::uint8_t {
#define NDSHARE_REDUCE_OP(name, loops, rule, identity, family, ulp, doc) name,
#include "lib/kernels/op_list.inc"
};

/// How the dtypes of the operands become the dtype of the loop (op_list.inc).
enum class TypeRule : std::uint8_t { same, real, widen };

struct BinaryOpInfo {
  std::string_view name, loops;
  TypeRule rule;
  bool commutative;
  double ulp;
  std::string_view doc;
};
inline constexpr BinaryOpInfo kBinaryOps[] = {
#define NDSHARE_BINARY_OP(name, loops, rule, commutative, identity, family, ulp, doc) \
  {#name, loops, TypeRule::rule, commutative, ulp, doc},
#include "lib/kernels/op_list.inc"
};
inline constexpr std::size_t kBinaryCount = std::size(kBinaryOps);
constexpr const BinaryOpInfo& info(BinaryOp op) noexcept { return kBinaryOps[static_cast<std::size_t>(op)]; }

/// out[i] = a[i] op b[i]; the scalar forms read just a[0] or b[0] instead.
using BinaryKernel = void (*)(const void* a, const void* b, void* out, std::size_t n) noexcept;

/// The kernels of one op and dtype. `vv` two vectors, `vs` the right operand a scalar, `sv` the left one (null for
/// commutative ops: swap and use `vs`).
///
/// The stream forms write past the caches, for outputs too large to be read again from there: `out` must be apart
/// from the operands, and the thread must call `KernelTable::fence` before others may read. They are
/// null where no such form is worth its code: use the plain ones.
struct BinaryKernels {
  BinaryKernel vv = nullptr, vs = nullptr, sv = nullptr;
  BinaryKernel vv_stream = nullptr, vs_stream = nullptr, sv_stream = nullptr;
};

/// The most elements of a block for `SumKernel`: 32 KiB, and the unit of the summation tree.
constexpr std::size_t sum_block_elements(std::size_t itemsize) noexcept { return 32768 / itemsize; }

/// *out = the sum of x[0 … n), n ≤ sum_block_elements: pairwise over fixed virtual lanes, so the same bits on every
/// target. An empty sum is −0.0, the identity that leaves every value's bits alone; callers turn it into 0 for empty
/// arrays.
using SumKernel = void (*)(const void* x, std::size_t n, void* out) noexcept;

/// Every kernel for one instruction set.
struct KernelTable {
  std::int64_t target = 0;       ///< Highway's bit
  const char* name = "";         ///< "AVX3"
  std::size_t vector_bytes = 0;  ///< of one register
  std::array<std::array<BinaryKernels, kNumericCount>, kBinaryCount> binary{};
  std::array<SumKernel, kNumericCount> sum{};  ///< uint64 (wraps: int64 too), float32, float64, complex64, complex128
  void (*stream_copy)(void* dst, const void* src, std::size_t bytes) noexcept = nullptr;
  void (*stream_fill)(void* dst, unsigned char value, std::size_t bytes) noexcept = nullptr;
  void (*fence)() noexcept = nullptr;  ///< after stream stores, in the thread that made them

  [[nodiscard]] const BinaryKernels& find(BinaryOp op, TypeId type) const noexcept {
    return binary[static_cast<std::size_t>(op)][static_cast<std::size_t>(type)];
  }
};

/// The table in use: the best that this machine supports.   Threads: safe; the first call chooses, once a process.
[[nodiscard]] const KernelTable& kernels() noexcept;

/// One table for each target that this machine supports, best first: for tests and benchmarks.
[[nodiscard]] std::span<const KernelTable> supported_tables() noexcept;

/// Makes `kernels()` give this one of `supported_tables()`, or the best again for null. For tests: not while kernels
/// run.
void force_table_for_test(const KernelTable* table) noexcept;

}  // namespace ndshare::internal
