// The registry: for every operation and dtype the kernel of the best instruction set this machine has.
//
// A kernel is noexcept and contiguous 1-D. Its pointers are aligned as an element is (to min(itemsize, 8) bytes), not
// to a register; those of casts and of the memory kernels may be anywhere. `out` may be exactly an operand (in place,
// where itemsizes agree) or apart from it, nothing between. Strides, casts, odd addresses and threads are lib/exec's business.
#pragma once

#include "lib/kernels/cast.h"

#include <ndshare/lane.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ndshare::internal {

inline constexpr std::size_t kNumericCount = static_cast<std::size_t>(TypeId::complex128) + 1;

/// Element-wise operations (op_list.inc).
enum class UnaryOp : std::uint8_t {
#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc) name,
#include <ndshare/op_list.inc>
};
enum class BinaryOp : std::uint8_t {
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) name,
#include <ndshare/op_list.inc>
};

/// How the dtypes of the operands become the dtype of the loop, and the loop's that of the result (op_list.inc).
enum class TypeRule : std::uint8_t { same, real, floats, exponent };
enum class ResultRule : std::uint8_t { same, boolean, part };

struct OpInfo {
  std::string_view name, loops;
  TypeRule rule;
  ResultRule result;
  bool commutative;
  std::string_view errors;
  double ulp;
  std::string_view doc;
};
inline constexpr OpInfo kUnaryOps[] = {
#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc) \
  {#name, loops, TypeRule::rule, ResultRule::result, false, errors, ulp, doc},
#include <ndshare/op_list.inc>
};
inline constexpr OpInfo kBinaryOps[] = {
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) \
  {#name, loops, TypeRule::rule, ResultRule::result, commutative, errors, ulp, doc},
#include <ndshare/op_list.inc>
};
inline constexpr std::size_t kUnaryCount = std::size(kUnaryOps), kBinaryCount = std::size(kBinaryOps);
constexpr const OpInfo& info(UnaryOp op) noexcept { return kUnaryOps[static_cast<std::size_t>(op)]; }
constexpr const OpInfo& info(BinaryOp op) noexcept { return kBinaryOps[static_cast<std::size_t>(op)]; }

/// What a kernel saw, of its whole block; 0 where nothing is to be said. Float and complex loops of ops that can raise
/// (`errors`) say only that a result is not finite: the caller then looks at the values, element by element. Integer
/// loops say exactly what happened.
enum Seen : std::uint32_t {
  kSeenNonFinite = 1,  ///< some out[i] is NaN or infinite
  kSeenDivide = 2,     ///< an integer was divided by 0
  kSeenOver = 4,       ///< the most negative integer was divided by −1
  kSeenNegative = 8,   ///< an integer was raised to a negative power (its result is 0)
};

/// out[i] = op a[i].
using UnaryKernel = std::uint32_t (*)(const void* a, void* out, std::size_t n) noexcept;
/// out[i] = a[i] op b[i]; the scalar forms read just a[0] or b[0] instead.
using BinaryKernel = std::uint32_t (*)(const void* a, const void* b, void* out, std::size_t n) noexcept;

/// The kernels of one op and dtype. `vv` two vectors, `vs` the right operand a scalar, `sv` the left one (null for
/// commutative ops: swap and use `vs`). All null: no loop for the dtype.
///
/// The stream forms write past the caches, for outputs too large to be read again from there: `out` must be apart
/// from the operands, and the thread must call `KernelTable::fence` before others may read. They are
/// null where no such form is worth its code: use the plain ones.
struct BinaryKernels {
  BinaryKernel vv = nullptr, vs = nullptr, sv = nullptr;
  BinaryKernel vv_stream = nullptr, vs_stream = nullptr, sv_stream = nullptr;
};

/// out[i] = mask[i] ? a[i] : b[i], for elements of one size; mask bytes other than 0 are true. A null scalar flag means
/// a vector. NaN payloads and signs are kept: bytes are moved.
using SelectKernel = void (*)(const std::uint8_t* mask, const void* a, bool a_scalar, const void* b, bool b_scalar, void* out,
                              std::size_t n) noexcept;
inline constexpr std::size_t kSelectSizes = 5;  ///< 1, 2, 4, 8 and 16 bytes

/// Moves the items where the mask is true to the front of `out`, in order; gives how many. `x` may be at any address.
///   REQUIRES: `out` has room for n items, whatever the mask says, and is apart from x.
using KeepKernel = std::size_t (*)(const std::uint8_t* mask, const void* x, std::size_t n, void* out) noexcept;

/// Deals unsigned keys out to kSplitBuckets rooms, in order: bucket b has the keys from bounds[b − 1] up to, not including, bounds[b];
/// the first and last have no end. counts[b] of them.   REQUIRES: bounds that never fall; in each room space for n keys and kSplitPadding.
using SplitKernel = void (*)(const void* keys, std::size_t n, const void* bounds, void* const* rooms, std::size_t* counts) noexcept;
inline constexpr std::size_t kSplitBuckets = 8, kSplitPadding = 64;

/// Moves n items, which lie some fixed way around `from`, to contiguous memory apart from them.
using GatherKernel = void (*)(const void* from, void* out, std::size_t n) noexcept;

/// The most elements of a block for `ReduceKernel`: 32 KiB, and the unit of the tree.
constexpr std::size_t reduce_block_elements(std::size_t itemsize) noexcept { return 32768 / itemsize; }

/// *out = x[0 … n) joined by an operation, n ≤ reduce_block_elements: over fixed virtual lanes, so the same bits on every
/// target. Of no elements: the identity. For sums that is −0.0, which leaves every value's bits alone (callers turn it into
/// 0 for empty arrays); for minima and maxima there is none: n ≥ 1.
using ReduceKernel = void (*)(const void* x, std::size_t n, void* out) noexcept;
/// The index of the first element of x[0 … n) that equals *value (NaN equals NaN); n where there is none.
using FindKernel = std::size_t (*)(const void* x, std::size_t n, const void* value) noexcept;
/// out[i] = x[0] op … op x[i], in order, and that joined with `*carry` on the left, unless carry is null.
using ScanKernel = void (*)(const void* x, std::size_t n, const void* carry, void* out) noexcept;

/// What integer overflow is to become: BinaryKernel-like loops that count it, for add, subtract and multiply of integers.
///   Returns the number of elements that overflowed; out wraps, or keeps to the nearest end where `saturate`.
using CheckedKernel = std::size_t (*)(const void* a, bool a_scalar, const void* b, bool b_scalar, void* out, std::size_t n,
                                      bool saturate) noexcept;
enum class CheckedOp : std::uint8_t { add, subtract, multiply };

/// Two steps of float32 or float64 that often follow each other, in one pass: a·b + c, a·b − c, c − a·b, (a − b)². Each is rounded by
/// itself, so that the bits are those of two calls (but for which of two NaNs is kept); and as a product or difference that is not
/// finite never gives a finite result, kSeenNonFinite speaks for both. `stream` as the stream forms of BinaryKernels.   REQUIRES: not both a and b scalar.
enum class PairOp : std::uint8_t { multiply_add, multiply_subtract, subtract_multiplied, subtract_square };
inline constexpr std::size_t kPairCount = 4;
struct PairOperands {
  const void *a, *b, *c;  ///< c: not looked at by subtract_square
  bool a_scalar, b_scalar, c_scalar;
};
using PairKernel = std::uint32_t (*)(PairOperands in, void* out, std::size_t n, bool stream) noexcept;

template <class Kernel, std::size_t kCount>
using OpTable = std::array<std::array<Kernel, kNumericCount>, kCount>;
template <class Kernel>
using TypeTable = std::array<Kernel, kNumericCount>;

/// Every kernel for one instruction set.
struct KernelTable {
  std::int64_t target = 0;       ///< Highway's bit
  const char* name = "";         ///< "AVX3"
  std::size_t vector_bytes = 0;  ///< of one register
  OpTable<UnaryKernel, kUnaryCount> unary{};
  OpTable<BinaryKernels, kBinaryCount> binary{};
  OpTable<PairKernel, kPairCount> pairs{};
  std::array<SelectKernel, kSelectSizes> select{};
  std::array<KeepKernel, kSelectSizes> keep{};
  /// As `keep`, of first + i in the place of x[i].
  std::size_t (*true_positions)(const std::uint8_t* mask, std::size_t n, std::int64_t first, std::int64_t* out) noexcept = nullptr;
  /// Items of 2ⁱ bytes, every other one; and backwards, `from` being the last in memory. Null: no better way than one by one.
  std::array<GatherKernel, kSelectSizes> every_other{}, backwards{};
  std::array<SplitKernel, 2> split{};   ///< uint32, uint64
  OpTable<CheckedKernel, 3> checked{};  ///< CheckedOp; integers only
  OpTable<CastKernel, kNumericCount> casts{};  ///< [from][to]: cast.h
  TypeTable<ReduceKernel> sum{}, prod{};  ///< uint64 (wraps: int64 too), float32, float64, complex64, complex128
  TypeTable<ReduceKernel> min{}, max{};   ///< all but bool and float16; NaN if one is; complex: lexicographic
  TypeTable<FindKernel> find_first{};     ///< as min
  TypeTable<ScanKernel> cumsum{}, cumprod{};  ///< as sum
  /// Philox4x64-10 of `n` counters {counter + i, 0, 0, 0}: out[4i …] gets its four words (philox.h).
  void (*philox_blocks)(std::uint64_t counter, std::uint64_t seed, std::uint64_t stream, std::size_t n, std::uint64_t* out) noexcept = nullptr;
  /// The ziggurat's first step. Of a word, bits 0–7 are a layer, 8 the sign, 9–60 a place: out[i] = ±place·step[layer]. Writes the numbers
  /// of the words with place ≥ inside[layer] to `open`, and returns how many. REQUIRES: n a multiple of 16, room for n + 16 in `open`.
  std::size_t (*ziggurat_places)(const std::uint64_t* words, std::size_t n, const std::int64_t* inside, const double* step, double* out,
                                 std::uint64_t* open) noexcept = nullptr;
  std::size_t (*count_true)(const std::uint8_t* x, std::size_t n) noexcept = nullptr;  ///< bytes that are not 0
  void (*stream_copy)(void* dst, const void* src, std::size_t bytes) noexcept = nullptr;
  void (*stream_fill)(void* dst, unsigned char value, std::size_t bytes) noexcept = nullptr;
  void (*fence)() noexcept = nullptr;  ///< after stream stores, in the thread that made them

  [[nodiscard]] UnaryKernel find(UnaryOp op, TypeId type) const noexcept {
    return unary[static_cast<std::size_t>(op)][static_cast<std::size_t>(type)];
  }
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
