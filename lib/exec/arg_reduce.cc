// argmin and argmax: the extreme of each block, then the first block that has it, then its place there.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/reduce.h>

#include "lib/exec/arg_short.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/parallel.h"
#include "lib/exec/reduce_small.h"
#include "lib/exec/reduction.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

constexpr std::int64_t kArgTask = std::int64_t{64} << 10;

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
    const std::int64_t step = std::max<std::int64_t>(1, kArgTask / block_);
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

/// Many short runs, as many at a time as a block holds. False where the dtype has no such loop.
bool run_short(const Evaluation& from, bool largest, std::int64_t length, std::span<std::int64_t> out, int threads) {
  bool done = false;
  visit_numeric(from.type(), [&]<class T>() {
    if constexpr ((std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)) {
      const std::int64_t runs = static_cast<std::int64_t>(out.size()), block = static_cast<std::int64_t>(32768 / sizeof(T)) / length;
      const auto search = largest ? arg_short_runs<true, T> : arg_short_runs<false, T>;
      const bool small = from.count() < kArgTask;
      parallel_blocks(static_cast<std::size_t>((runs + block - 1) / block), small ? 1 : threads, [&](std::size_t task) {
        alignas(64) std::byte room[32768];
        const std::int64_t low = static_cast<std::int64_t>(task) * block, n = std::min(block, runs - low);
        const std::byte* x = from.fetch(low * length, static_cast<std::size_t>(n * length), room);
        search(reinterpret_cast<const T*>(x), n, length, out.data() + low);
      });
      done = true;
    }
  });
  return done;
}

/// The flattened index of C order, of an element whose flat index in another order of the axes is known.
class CIndex {
 public:
  CIndex(const Shape& shape, std::span<const int> order) {
    for (const int axis : order) {
      std::int64_t step = 1;
      for (int inner = axis + 1; inner < shape.ndim(); ++inner) step *= shape[inner];
      sizes_.push_back(shape[axis]), steps_.push_back(step);
    }
  }
  [[nodiscard]] std::int64_t operator()(std::int64_t flat) const noexcept {
    std::int64_t index = 0;
    for (int axis = sizes_.ndim() - 1; axis >= 0; --axis) {
      index += flat % sizes_[axis] * steps_[axis];
      flat /= sizes_[axis];
    }
    return index;
  }

 private:
  Dims sizes_, steps_;
};

/// The whole array where it lies in another order than C's: the extreme as it lies, then the first in C order that equals it.
/// Along one line of memory the C index rises, so that the first of a line stands for the line.
std::int64_t run_across(const Program& program, ValueId value, const ReduceShape& shape, std::span<const int> order, bool largest,
                        int threads, ErrorFlags* flags) {
  const Array extreme = join(largest ? Join::max : Join::min, program, value, shape, threads, flags);
  const Shape& whole = program.shape(value);
  ErrorFlags unheard;  // the elements are computed once more
  const Evaluation from(program, value, whole, order, &unheard);
  const CIndex index(whole, order);
  const auto itemsize = static_cast<std::size_t>(DType(from.type()).itemsize());
  const std::int64_t line = whole[order.back()], lines = from.count() / line, step = std::max<std::int64_t>(1, kArgTask / line);
  const auto block = static_cast<std::int64_t>(reduce_block_elements(itemsize));
  const FindKernel find = kernels().find_first[static_cast<std::size_t>(from.type())];
  const auto first_of = [&](std::int64_t low) {
    alignas(64) std::byte room[32768];
    for (std::int64_t at = 0; at < line; at += block) {
      const auto n = static_cast<std::size_t>(std::min(block, line - at));
      const std::size_t found = find(from.fetch(low + at, n, room), n, extreme.data());
      if (found != n) return index(low + at + static_cast<std::int64_t>(found));
    }
    return std::numeric_limits<std::int64_t>::max();
  };
  std::vector<std::int64_t> firsts(static_cast<std::size_t>((lines + step - 1) / step), std::numeric_limits<std::int64_t>::max());
  parallel_blocks(firsts.size(), from.count() < kArgTask ? 1 : threads, [&](std::size_t task) {
    const std::int64_t low = static_cast<std::int64_t>(task) * step;
    for (std::int64_t i = low; i < std::min(lines, low + step); ++i) firsts[task] = std::min(firsts[task], first_of(i * line));
  });
  return *std::min_element(firsts.begin(), firsts.end());
}

/// Whether the array lies in lines that are worth it.
bool goes_across(const Shape& shape, const std::vector<int>& order) {
  return !std::is_sorted(order.begin(), order.end()) && shape[order.back()] >= kShortArgRun;
}

/// out[i] = the place of each result's extreme.
void find_extremes(const Program& program, ValueId value, const ReduceShape& shape, bool largest, std::span<std::int64_t> out,
                   int threads, ErrorFlags& flags) {
  const Shape& whole = program.shape(value);
  if (const auto lies = memory_order(program, value); shape.kept_axes.empty() && goes_across(whole, lies)) {
    out[0] = run_across(program, value, shape, lies, largest, threads, &flags);
    return;
  }
  std::vector<int> order = shape.kept_axes;  // the flattened index counts in C order, so the reduced axes stay in theirs
  order.insert(order.end(), shape.reduced_axes.begin(), shape.reduced_axes.end());
  const Evaluation from(program, value, whole, order, &flags);
  const ArgRuns runs(from, largest);
  if (lies_across(from, shape.length)) return runs.run_tiles(shape.length, out, threads);
  if (shape.length < kShortArgRun && out.size() > 1 && run_short(from, largest, shape.length, out, threads)) return;
  for_each_result(static_cast<std::int64_t>(out.size()), shape.length, threads, [&](std::int64_t i, int inner) {
    out[static_cast<std::size_t>(i)] = runs.run(i * shape.length, shape.length, inner);
  });
}

Array arg_extreme(std::string_view what, bool largest, const Lazy& x, const ReduceOptions& options) {
  if (auto few = reduce_few(largest ? Few::argmax : Few::argmin, x, options)) return *std::move(few);
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
  ErrorFlags flags;
  if (const auto out = result.as_span<std::int64_t>(); !out.empty()) {
    find_extremes(program, value, shape, largest, out, options.threads, flags);
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
