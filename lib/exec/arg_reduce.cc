// argmin and argmax: the extreme of each block, then the first block that has it, then its place there.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/reduce.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/parallel.h"
#include "lib/exec/reduction.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

constexpr std::int64_t kTaskElements = std::int64_t{64} << 10;

class ArgRuns {
 public:
  ArgRuns(const Evaluation& from, bool largest)
      : from_(from), itemsize_(DType(from.type()).itemsize()),
        block_(static_cast<std::int64_t>(reduce_block_elements(static_cast<std::size_t>(itemsize_)))) {
    const auto at = static_cast<std::size_t>(from.type());
    extreme_ = largest ? kernels().max[at] : kernels().min[at];
    find_ = kernels().find_first[at];
  }

  std::int64_t run(std::int64_t low, std::int64_t n, int threads) const {
    const std::int64_t blocks = (n + block_ - 1) / block_;
    if (blocks == 1) return one(low, n);
    std::vector<std::byte> partial(static_cast<std::size_t>(blocks * itemsize_));
    const std::int64_t step = std::max<std::int64_t>(1, kTaskElements / block_);
    parallel_blocks(static_cast<std::size_t>((blocks + step - 1) / step), threads, [&](std::size_t task) {
      const std::int64_t first = static_cast<std::int64_t>(task) * step;
      for (std::int64_t i = first; i < std::min(blocks, first + step); ++i) {
        alignas(64) std::byte room[32768];
        const auto count = static_cast<std::size_t>(std::min(block_, n - i * block_));
        extreme_(from_.fetch(low + i * block_, count, room), count, partial.data() + i * itemsize_);
      }
    });
    // The first block that has the extreme of all.
    std::byte best[16];
    join_blocks(partial, blocks, best);
    std::int64_t block = 0;
    while (block + 1 < blocks && find_(partial.data() + block * itemsize_, 1, best) != 0) ++block;
    alignas(64) std::byte room[32768];
    const auto count = static_cast<std::size_t>(std::min(block_, n - block * block_));
    return block * block_ + static_cast<std::int64_t>(find_(from_.fetch(low + block * block_, count, room), count, best));
  }

  std::int64_t one(std::int64_t low, std::int64_t n) const {
    alignas(64) std::byte room[32768];
    std::byte best[16];
    const auto count = static_cast<std::size_t>(n);
    const std::byte* x = from_.fetch(low, count, room);
    extreme_(x, count, best);
    return static_cast<std::int64_t>(find_(x, count, best));
  }
  /// Runs that lie across memory, several at a time.
  void run_tiles(std::int64_t length, std::span<std::int64_t> out, int threads) const {
    for_tiles<Best>(
        from_, length, threads,
        [&](Best& best, std::int64_t, std::int64_t at, const std::byte* x, std::size_t n) { best.take(*this, at, x, n); },
        [&](const Best& best, std::int64_t run) { out[static_cast<std::size_t>(run)] = best.place; });
  }

 private:
  /// The extreme of what a run has shown so far.
  struct Best {
    std::int64_t place = -1;
    alignas(16) std::byte value[32];  // and that of the next piece behind it

    void take(const ArgRuns& runs, std::int64_t at, const std::byte* x, std::size_t n) {
      std::byte* next = place < 0 ? value : value + runs.itemsize_;
      runs.extreme_(x, n, next);
      std::byte joined[16];
      if (place >= 0) runs.extreme_(value, 2, joined);
      if (place >= 0 && runs.find_(value, 2, joined) == 0) return;  // the first of equals stays
      place = at + static_cast<std::int64_t>(runs.find_(x, n, next));
      std::memmove(value, next, static_cast<std::size_t>(runs.itemsize_));
    }
  };

  void join_blocks(const std::vector<std::byte>& partial, std::int64_t blocks, std::byte* best) const {
    std::vector<std::byte> rest = partial;
    while (blocks > 1) {
      const std::int64_t next = (blocks + block_ - 1) / block_;
      for (std::int64_t i = 0; i < next; ++i) {
        std::byte joined[16];
        extreme_(rest.data() + i * block_ * itemsize_, static_cast<std::size_t>(std::min(block_, blocks - i * block_)), joined);
        std::memcpy(rest.data() + i * itemsize_, joined, static_cast<std::size_t>(itemsize_));
      }
      blocks = next;
    }
    std::memcpy(best, rest.data(), static_cast<std::size_t>(itemsize_));
  }

  const Evaluation& from_;
  std::int64_t itemsize_, block_;
  ReduceKernel extreme_ = nullptr;
  FindKernel find_ = nullptr;
};

Array arg_extreme(std::string_view what, bool largest, const Lazy& x, const ReduceOptions& options) {
  Program program;
  ValueId value = compile(x, program);
  check_threads(options.threads);
  if (!options.axis.is_all() && options.axis.values().ndim() != 1) {
    throw Error(Error::Axis, std::string(what) + " goes along one axis, or all: " + options.axis.values().str() + " was given");
  }
  refuse_acc(what, options), refuse_ddof(what, options), refuse_initial(what, options), refuse_dtype(what, options);
  refuse(what, options.where.has_value(), "where", "mask the array with where(…) first");
  const ReduceShape shape = reduce_shape(program.shape(value), options.axis);
  const Shape& result_shape = options.keepdims ? shape.keepdims : shape.kept;
  if (options.out) check_out(what, *options.out, result_shape, TypeId::int64);
  if (!options.out) check_result_memory(what, result_shape, 8, program.leaves());
  if (shape.length == 0 && shape.kept.count() != 0) {
    throw Error(Error::Usage, std::string(what) + " of nothing (shape " + program.shape(value).str() + ") has no value");
  }
  const TypeId own = program.type(value);
  value = program.cast(value, own == TypeId::bool_ ? TypeId::uint8 : own == TypeId::float16 ? TypeId::float32 : own);
  Array result = empty(shape.kept, int64);
  std::vector<int> order = shape.kept_axes;  // the flattened index counts in C order, so the reduced axes stay in theirs
  order.insert(order.end(), shape.reduced_axes.begin(), shape.reduced_axes.end());
  ErrorFlags flags;
  const Evaluation from(program, value, program.shape(value), order, &flags);
  const ArgRuns runs(from, largest);
  const auto out = result.as_span<std::int64_t>();
  if (!out.empty() && lies_across(from, shape.length)) {
    runs.run_tiles(shape.length, out, options.threads);
  } else {
    for_each_result(result.size(), shape.length, options.threads, [&](std::int64_t i, int threads) {
      out[static_cast<std::size_t>(i)] = runs.run(i * shape.length, shape.length, threads);
    });
  }
  flags.check(what), flags.report(what);
  if (options.keepdims) result = result.reshape(shape.keepdims);
  if (!options.out) return result;
  assign_cast(*options.out, result, options.threads);
  return *options.out;
}

}  // namespace
}  // namespace internal

Array argmin(const Lazy& x, const ReduceOptions& options) { return internal::arg_extreme("argmin", false, x, options); }
Array argmax(const Lazy& x, const ReduceOptions& options) { return internal::arg_extreme("argmax", true, x, options); }

}  // namespace ndshare
