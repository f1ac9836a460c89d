#include "lib/exec/elementwise.h"

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/ledger.h>

#include "lib/array/copies.h"
#include "lib/exec/evaluation.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/exec/parallel_memory.h"
#include "lib/exec/promotion.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

namespace ndshare::internal {
namespace {

// Bytes of output a task writes, and from which size on threads are woken at all.
constexpr std::int64_t kTaskBytes = std::int64_t{256} << 10;
constexpr std::int64_t kParallelBytes = std::int64_t{512} << 10;
// Shorter rows of the output are written through the caches: a stream store of part of a line costs a line.
constexpr std::int64_t kLongRowBytes = 4096;

// An operand may be overwritten while it is read only if each element is read before the same bytes are written.
bool is_same_memory(const Array& a, const Array& out) {
  if (a.data() != out.data() || a.shape() != out.shape() || a.itemsize() != out.itemsize()) return false;
  for (int axis = 0; axis < a.ndim(); ++axis) {
    if (a.shape()[axis] != 1 && a.strides()[axis] != out.strides()[axis]) return false;
  }
  return true;
}

/// The order of a new result: F where every leaf that is not stretched lies so, else C.
Order order_of(const Program& program, const Shape& shape) {
  bool any = false;
  for (const Array& leaf : program.leaves()) {
    if (leaf.shape() != shape) continue;
    if (!leaf.is_f_contiguous() || leaf.is_c_contiguous()) return Order::C;
    any = true;
  }
  return any ? Order::F : Order::C;
}

/// The axes of `out`, from the largest stride to the smallest: the order in which it lies in memory.
Dims memory_order(const Array& out) {
  Dims order;
  for (int axis = 0; axis < out.ndim(); ++axis) order.push_back(axis);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return std::abs(out.strides()[static_cast<int>(a)]) > std::abs(out.strides()[static_cast<int>(b)]);
  });
  return order;
}

/// A value on its way into an array.
class Store {
 public:
  Store(const Program& program, ValueId value, const Array& out, ErrorFlags* flags)
      : strides_(out.strides()),
        order_(axes_of(out)),
        from_(program, value, out.shape(), std::span(order_.data(), static_cast<std::size_t>(out.ndim())), flags, &strides_),
        to_(out.mutable_data(), strides_, out.dtype().id(), from_.space(), out.dtype().id()),
        itemsize_(out.itemsize()),
        apart_(std::none_of(program.leaves().begin(), program.leaves().end(),
                            [&](const Array& leaf) { return may_share_memory(leaf, out); })),
        stream_(apart_ && out.nbytes() >= static_cast<std::int64_t>(stream_bytes()) &&
                from_.space().inner() * itemsize_ >= kLongRowBytes),
        // Where operands are overwritten, results that must be looked at beside them are made apart, a block at a time.
        direct_(apart_ || flags == nullptr) {}

  [[nodiscard]] const Evaluation& evaluation() const noexcept { return from_; }

  /// Everything is computed; written unless `dry`.
  void run(int threads, bool dry) const {
    if (!dry && from_.prefers_tiles()) return run_tiles(threads);
    const std::int64_t count = from_.count();
    if (count * itemsize_ < kParallelBytes) return run_range(0, count, dry);
    const std::int64_t step = kTaskBytes / itemsize_;
    const auto body = [&](std::size_t i) {
      const std::int64_t low = static_cast<std::int64_t>(i) * step;
      run_range(low, std::min(count, low + step), dry);
    };
    parallel_blocks(static_cast<std::size_t>((count + step - 1) / step), threads, body, fence());
  }

 private:
  struct Axes {
    std::array<int, kMaxAxes> values{};
    [[nodiscard]] const int* data() const noexcept { return values.data(); }
  };
  static Axes axes_of(const Array& out) {
    const Dims order = memory_order(out);
    Axes axes;
    for (int i = 0; i < order.ndim(); ++i) axes.values[static_cast<std::size_t>(i)] = static_cast<int>(order[i]);
    return axes;
  }
  [[nodiscard]] std::function<void()> fence() const {
    return [stream = stream_] {
      if (stream) kernels().fence();
    };
  }

  void run_range(std::int64_t low, std::int64_t high, bool dry) const {
    const std::int64_t inner = from_.space().inner();
    const auto most = static_cast<std::int64_t>(kBlockBytes) / itemsize_;
    while (low < high) {
      std::byte* lies = dry || !direct_ ? nullptr : to_.direct(low, static_cast<std::size_t>(high - low));
      std::int64_t end = high;
      if (lies == nullptr) {
        end = std::min(high, low - low % inner + inner);
        lies = dry || !direct_ ? nullptr : to_.direct(low, static_cast<std::size_t>(end - low));
        if (lies == nullptr || end - low < 64) end = std::min(high, low + most), lies = nullptr;
      }
      if (lies != nullptr) {
        store_direct(low, end, lies);
      } else {
        store_through(low, end, dry);
      }
      low = end;
    }
  }
  void store_direct(std::int64_t low, std::int64_t high, std::byte* to) const {
    from_.store(low, static_cast<std::size_t>(high - low), to, stream_);
  }
  void store_through(std::int64_t low, std::int64_t high, bool dry) const {
    alignas(64) std::byte room[kBlockBytes];
    const std::byte* made = from_.fetch(low, static_cast<std::size_t>(high - low), room);
    if (!dry) to_.put(low, static_cast<std::size_t>(high - low), made);
  }

  /// Rectangles of rows by columns, so that an operand that lies across is read line by line.
  void run_tiles(int threads) const {
    const Space& space = from_.space();
    const std::int64_t columns = space.inner(), rows = space.count / columns;
    const std::int64_t group = space.sizes[space.sizes.ndim() - 2];  // rows along one axis
    const std::int64_t high = from_.tile_rows(), wide = from_.tile_columns();
    const std::int64_t bands = (group + high - 1) / high;
    const auto body = [&](std::size_t i) {
      const std::int64_t first = static_cast<std::int64_t>(i) / bands * group, band = static_cast<std::int64_t>(i) % bands * high;
      for (std::int64_t column = 0; column < columns; column += wide) {
        store_tile({first + band, std::min(high, group - band), column, std::min(wide, columns - column)});
      }
    };
    const bool small = space.count * itemsize_ < kParallelBytes;
    parallel_blocks(static_cast<std::size_t>(rows / group * bands), small ? 1 : threads, body);
  }
  void store_tile(const Tile& tile) const {
    alignas(64) std::byte room[2 * kBlockBytes];
    from_.store_tile(tile, room);
    for (std::int64_t row = 0; row < tile.rows; ++row) {
      const std::int64_t low = (tile.row + row) * from_.space().inner() + tile.column;
      to_.put(low, static_cast<std::size_t>(tile.columns), room + row * tile.columns * itemsize_);
    }
  }

  Strides strides_;
  Axes order_;
  Evaluation from_;
  Writer to_;
  std::int64_t itemsize_;
  bool apart_, stream_, direct_;
};

void check_where(const Target& target, const Shape& shape) {
  if (!target.where) return;
  if (!target.where->dtype().is_bool()) {
    throw Error(Error::DtypeMismatch, std::string(target.what) + ": where is a mask of bool, not " + target.where->dtype().to_string());
  }
  static_cast<void>(broadcast_to(target.where->layout(), shape));  // throws where it does not fit
  if (!target.out && !target.fill) {
    throw Error(Error::Usage, std::string(target.what) + ": where needs `out` or `fill`: what stands where the mask is false?");
  }
}

/// What the ledger says of a call, before it runs. `value` is as it goes into `out`.
void note_copies(const Program& program, ValueId value, const Evaluation& evaluation, TypeId result, const Array& out) {
  const TypeId to = out.dtype().id();
  CopyTotals totals;
  const auto add = [&](CopyReason reason, std::int64_t bytes) {
    totals.lines[static_cast<std::size_t>(reason)].bytes += static_cast<std::uint64_t>(bytes);
  };
  const Step* last = program.value(value).kind == Value::Kind::step ? &program.steps()[program.value(value).index] : nullptr;
  const bool converts = result != to && last != nullptr && last->kind == Step::Kind::cast;
  for (const OperandCopy& copy : operand_copies(program, evaluation)) {
    // An operand that is the result itself goes to the dtype of `out` once.
    const bool is_result = converts && copy.reason != CopyReason::strided && last->in[0] == copy.operand;
    if (!is_result) add(copy.reason, copy.bytes);
  }
  if (result != to) add(CopyReason::downcast, out.nbytes());
  for (const CopyReason reason : {CopyReason::strided, CopyReason::upcast, CopyReason::downcast}) {
    if (const auto bytes = totals[reason].bytes; bytes != 0) note_copy(reason, static_cast<std::int64_t>(bytes));
  }
}

bool may_raise(const Program& program, const ErrorFlags& flags) {
  return std::any_of(program.steps().begin(), program.steps().end(),
                     [&](const Step& step) { return flags.may_raise(step, program.type(step.result)); });
}
bool wants(const Program& program, const ErrorFlags& flags) {
  return flags.overflow() != OnOverflow::wrap || std::any_of(program.steps().begin(), program.steps().end(), [&](const Step& step) {
           return flags.wants(step, program.type(step.result));
         });
}

void store(const Program& program, ValueId value, TypeId result, const Array& out, const Target& target,
           std::optional<ValueId> mask) {
  ErrorFlags flags;
  if (mask) flags.set_mask(*mask);
  const bool looks = wants(program, flags);
  const Store into(program, value, out, looks ? &flags : nullptr);
  if (!target.is_noted) note_copies(program, value, into.evaluation(), result, out);
  if (looks && may_raise(program, flags)) {
    into.run(target.threads, true);
    flags.check(target.what);
    flags.report(target.what);
    const Store quiet(program, value, out, nullptr);
    return flags.overflow() == OnOverflow::saturate ? into.run(target.threads, false) : quiet.run(target.threads, false);
  }
  into.run(target.threads, false);
  if (looks) flags.report(target.what);
}

Array plan_out(const Program& program, ValueId value, const Target& target, const Shape& shape) {
  const TypeId type = program.type(value);
  check_threads(target.threads);
  check_where(target, shape);
  std::vector<Shape> operands;
  for (const Array& leaf : program.leaves()) operands.push_back(leaf.shape());
  check_ranks(target.what, shape, operands);
  if (target.out) {
    check_out(target.what, *target.out, shape, type);
    return *target.out;
  }
  check_result_memory(target.what, shape, DType(type).itemsize(), program.leaves());
  return empty(shape, DType(type), order_of(program, shape));
}

// Large copies of lib/array go through the engine.
[[maybe_unused]] const bool g_engine_is_set = [] {
  set_copy_engine([](const Array& dst, const Array& src) { assign_cast(dst, src, 0); });
  return true;
}();

void check_out_shape(std::string_view what, const Array& out, const Shape& shape) {
  if (out.shape() == shape) return;
  throw Error(Error::ShapeMismatch,
              std::string(what) + ": out has shape " + out.shape().str() + ", the result has " + shape.str() +
                  "; out is never broadcast: give one of the result's shape",
              {{"out", out.shape().str()}, {"result", shape.str()}});
}
void check_out_writable(std::string_view what, const Array& out) {
  if (!out.is_writable()) throw Error(Error::ReadOnly, std::string(what) + ": out is read-only");
}

}  // namespace

std::vector<OperandCopy> operand_copies(const Program& program, const Evaluation& evaluation) {
  std::vector<OperandCopy> out;
  if (evaluation.count() == 0) return out;  // nothing is read
  for (const Step* step : program.casts_of_leaves()) {
    const TypeId to = program.type(step->result);
    const std::int64_t own = DType(step->loop).itemsize(), itemsize = DType(to).itemsize();
    if (own == itemsize) continue;  // takes no other room
    const CopyReason reason = own < itemsize ? CopyReason::upcast : CopyReason::downcast;
    out.push_back({reason, program.shape(step->in[0]).count() * itemsize, step->in[0], to});
  }
  for (const ValueId leaf : evaluation.inputs()) {
    const std::int64_t bytes = evaluation.staged_bytes(leaf);
    if (bytes != 0) out.push_back({CopyReason::strided, bytes, leaf, program.type(leaf)});
  }
  return out;
}

std::vector<int> new_order(const Program& program, const Shape& shape) {
  std::vector<int> order(static_cast<std::size_t>(shape.ndim()));
  std::iota(order.begin(), order.end(), 0);
  if (order_of(program, shape) == Order::F) std::reverse(order.begin(), order.end());
  return order;
}

bool spoils(const Array& operand, const Array& out) {
  return may_share_memory(operand, out) && !is_same_memory(operand, out);
}

void check_threads(int threads) {
  if (threads < 0) throw Error(Error::Usage, "threads = " + std::to_string(threads) + ": give 0 or more");
}

void check_out(std::string_view what, const Array& out, const Shape& shape, TypeId type) {
  check_out_shape(what, out, shape);
  require_numeric(what, out.dtype());
  if (!can_cast(type, out.dtype().id(), Casting::same_kind)) {
    throw Error(Error::DtypeMismatch,
                std::string(what) + ": the result is " + DType(type).name() + ", which does not cast to out's " +
                    out.dtype().name() + " by same_kind: give an out of dtype " + DType(type).name(),
                {{"out", out.dtype().name()}, {"result", DType(type).name()}});
  }
  check_out_writable(what, out);
}

void check_same_out(std::string_view what, const Array& out, const Shape& shape, const DType& dtype) {
  check_out_shape(what, out, shape);
  if (out.dtype() != dtype) {
    throw Error(Error::DtypeMismatch,
                std::string(what) + ": the result is " + dtype.to_string() + ", out is " + out.dtype().to_string() +
                    ": give an out of the result's dtype",
                {{"out", out.dtype().to_string()}, {"result", dtype.to_string()}});
  }
  check_out_writable(what, out);
}

Array evaluate(Program& program, ValueId value, const Target& target) {
  const TypeId result = program.type(value);
  const Shape shape = program.shape(value);
  const Array out = plan_out(program, value, target, shape);
  const TypeId to = out.dtype().id();
  std::optional<ValueId> mask;
  if (target.where) {
    // What is kept is moved as it is: it is the value that goes to the dtype of `out`, never the other way.
    mask = program.leaf(*target.where);
    value = program.cast(value, to);
    value = program.select(*mask, value, target.fill ? program.literal(*target.fill, to) : program.leaf(out));
  }
  value = program.cast(value, to);
  if (out.size() == 0) return out;
  const bool overlaps = target.out && std::any_of(program.leaves().begin(), program.leaves().end(),
                                                  [&](const Array& leaf) { return spoils(leaf, out); });
  if (!overlaps) {
    store(program, value, result, out, target, mask);
    return out;
  }
  check_result_memory(target.what, shape, out.itemsize(), {});  // of the temporary that the overlap costs
  note_copy(CopyReason::overlap, out.nbytes());
  const Array apart = empty(shape, out.dtype());
  store(program, value, result, apart, target, mask);
  assign_cast(out, apart, target.threads);
  return out;
}

void assign_cast(const Array& dst, const Array& src, int threads) {
  if (dst.size() == 0) return;
  Program program;
  const ValueId value = program.cast(program.leaf(src), dst.dtype().id());
  const Store into(program, value, dst, nullptr);
  into.run(threads, false);
}

}  // namespace ndshare::internal
