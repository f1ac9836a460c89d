// cumsum and cumprod: blocks of a fixed size, so that results do not depend on threads. Each block's total first, all of them in
// parallel; then what stands before each block, in order; then the blocks again, written.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/reduce.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/parallel.h"
#include "lib/exec/promotion.h"
#include "lib/exec/reduction.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

constexpr std::int64_t kBlock = 4096;                           // elements
constexpr std::int64_t kTaskElements = std::int64_t{64} << 10;  // and the least that is worth a second pass

class Scan {
 public:
  Scan(const Evaluation& from, bool product, std::int64_t length, std::byte* out)
      : from_(from), length_(length), itemsize_(DType(from.type()).itemsize()), out_(out) {
    const auto at = static_cast<std::size_t>(from.type());
    scan_ = product ? kernels().cumprod[at] : kernels().cumsum[at];
    total_ = product ? kernels().prod[at] : kernels().sum[at];
    identity_ = full({}, product ? 1 : 0, DType(from.type()));
    join_ = kernels().find(product ? BinaryOp::multiply : BinaryOp::add, from.type()).vv;
  }

  void run(std::int64_t lines, int threads) const {
    const std::int64_t blocks = (length_ + kBlock - 1) / kBlock;
    // What stands before each block of each line.
    std::vector<std::byte> before(static_cast<std::size_t>(lines * blocks * itemsize_));
    const std::int64_t all = lines * blocks, step = std::max<std::int64_t>(1, kTaskElements / std::min(kBlock, length_));
    const auto for_blocks = [&](const auto& body) {
      parallel_blocks(static_cast<std::size_t>((all + step - 1) / step), threads, [&](std::size_t task) {
        const std::int64_t first = static_cast<std::int64_t>(task) * step;
        for (std::int64_t i = first; i < std::min(all, first + step); ++i) body(i / blocks, i % blocks, before.data() + i * itemsize_);
      });
    };
    if (blocks > 1) for_blocks([&](std::int64_t line, std::int64_t block, std::byte* to) { total(line, block, to); });
    for (std::int64_t line = 0; line < lines; ++line) carry(before.data() + line * blocks * itemsize_, blocks);
    for_blocks([&](std::int64_t line, std::int64_t block, std::byte* start) { write(line, block, start); });
  }

 private:
  [[nodiscard]] std::int64_t first_of(std::int64_t line, std::int64_t block) const noexcept { return line * length_ + block * kBlock; }
  [[nodiscard]] std::size_t count_of(std::int64_t block) const noexcept {
    return static_cast<std::size_t>(std::min(kBlock, length_ - block * kBlock));
  }
  void total(std::int64_t line, std::int64_t block, std::byte* to) const {
    alignas(64) std::byte room[kBlock * 16];
    const std::size_t n = count_of(block);
    total_(from_.fetch(first_of(line, block), n, room), n, to);
  }
  /// Totals become what stands before.
  void carry(std::byte* totals, std::int64_t blocks) const {
    std::byte running[16], next[16];
    std::memcpy(running, identity_.data(), static_cast<std::size_t>(itemsize_));
    for (std::int64_t i = 0; i < blocks; ++i) {
      std::byte* here = totals + i * itemsize_;
      if (i + 1 < blocks) join_(running, here, next, 1);
      std::memcpy(here, running, static_cast<std::size_t>(itemsize_));
      std::memcpy(running, next, static_cast<std::size_t>(itemsize_));
    }
  }
  void write(std::int64_t line, std::int64_t block, std::byte* start) const {
    alignas(64) std::byte room[kBlock * 16];
    const std::int64_t low = first_of(line, block);
    const std::size_t n = count_of(block);
    scan_(from_.fetch(low, n, room), n, start, out_ + low * itemsize_);
  }

  const Evaluation& from_;
  std::int64_t length_, itemsize_;
  std::byte* out_;
  ScanKernel scan_ = nullptr;
  ReduceKernel total_ = nullptr;
  BinaryKernel join_ = nullptr;
  Array identity_;
};

TypeId scan_type(std::string_view what, TypeId own, const ScanOptions& options) {
  const DType dtype(own);
  if (!options.dtype) return dtype.is_integer() || dtype.is_bool() ? sum_loop(own) : own;
  require_numeric(what, *options.dtype);
  if (can_cast(own, options.dtype->id(), Casting::same_kind)) return options.dtype->id();
  throw Error(Error::DtypeMismatch, std::string(what) + ": " + dtype.name() + " does not cast to " + options.dtype->name() +
                                        " by same_kind: choose a dtype of its kind or above");
}

Array scan(std::string_view what, bool product, const Lazy& x, const ScanOptions& options) {
  Program program;
  ValueId value = compile(x, program);
  check_threads(options.threads);
  const Shape shape = program.shape(value);
  const int axis = options.axis ? normalize_axis(*options.axis, shape.ndim()) : 0;
  const Shape result_shape = options.axis ? shape : Shape{shape.count()};
  const TypeId result = scan_type(what, program.type(value), options);
  if (options.out) check_out(what, *options.out, result_shape, result);
  if (!options.out) check_result_memory(what, result_shape, DType(sum_loop(result)).itemsize(), program.leaves());
  value = program.cast(value, sum_loop(result));
  // The axis last: then each line is a run of elements.
  std::vector<int> order;
  Shape moved;
  for (int k = 0; k < shape.ndim(); ++k) {
    if (!options.axis || k != axis) order.push_back(k), moved.push_back(shape[k]);
  }
  if (options.axis) order.push_back(axis), moved.push_back(shape[axis]);
  const std::int64_t length = options.axis ? shape[axis] : shape.count(), count = shape.count();
  const bool direct = options.out && options.out->dtype().id() == sum_loop(result) && options.out->is_c_contiguous() &&
                      options.out->is_aligned() && (!options.axis || axis == shape.ndim() - 1) &&
                      std::none_of(program.leaves().begin(), program.leaves().end(),
                                   [&](const Array& leaf) { return may_share_memory(leaf, *options.out); });
  Array scanned = direct ? *options.out : empty(options.axis ? moved : result_shape, DType(sum_loop(result)));
  if (count != 0) {
    ErrorFlags flags;
    const Evaluation from(program, value, shape, order, &flags);
    Scan(from, product, length, scanned.mutable_data()).run(count / length, options.threads);
    flags.check(what), flags.report(what);
  }
  if (direct) return scanned;
  if (options.axis) {
    const std::int64_t from_axis = shape.ndim() - 1;
    scanned = scanned.with_layout(moveaxis(scanned.layout(), std::array{from_axis}, std::array{static_cast<std::int64_t>(axis)}));
  }
  if (options.out) {
    assign_cast(*options.out, scanned, options.threads);
    return *options.out;
  }
  if (scanned.dtype().id() == result && scanned.is_c_contiguous()) return scanned;
  Array out = empty(result_shape, DType(result));
  assign_cast(out, scanned, options.threads);
  return out;
}

}  // namespace
}  // namespace internal

Array cumsum(const Lazy& x, const ScanOptions& options) { return internal::scan("cumsum", false, x, options); }
Array cumprod(const Lazy& x, const ScanOptions& options) { return internal::scan("cumprod", true, x, options); }

}  // namespace ndshare
