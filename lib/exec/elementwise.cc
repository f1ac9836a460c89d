#include "lib/exec/elementwise.h"

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/exec/parallel_memory.h"
#include "lib/exec/promotion.h"
#include "lib/exec/stage.h"

#include <algorithm>
#include <array>
#include <string>

namespace ndshare::internal {
namespace {

// Bytes of output a task writes, and from which size on threads are woken at all.
constexpr std::int64_t kTaskBytes = std::int64_t{256} << 10;
constexpr std::int64_t kParallelBytes = std::int64_t{512} << 10;
// Shorter rows of the output are written through the caches: a stream store of part of a line costs a line.
constexpr std::int64_t kLongRowBytes = 4096;

// What a call will do, decided before anything is allocated.
struct Plan {
  BinaryOp op;
  Shape shape;
  TypeId loop;  // of the kernel and of a new result
  Order order = Order::C;
};

TypeId loop_type(BinaryOp op, const Array& x1, const Array& x2) {
  const BinaryOpInfo& row = info(op);
  require_numeric(row.name, x1.dtype());
  require_numeric(row.name, x2.dtype());
  TypeId type = result_type(x1.dtype().id(), x2.dtype().id());
  if (row.rule == TypeRule::real && row.loops.find(DType(type).kind()) == std::string_view::npos)
    type = TypeId::float64;
  if (row.loops.find(DType(type).kind()) != std::string_view::npos) return type;
  throw Error(Error::DtypeMismatch,
              std::string(row.name) + " has no loop for " + DType(type).name() +
                  ": convert an operand to an integer or float dtype first",
              {{"dtype", DType(type).name()}});
}

Plan make_plan(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options) {
  Plan plan{.op = op,
            .shape = x1.shape() == x2.shape() ? x1.shape() : broadcast_shapes(x1.shape(), x2.shape()),
            .loop = loop_type(op, x1, x2)};
  if (options.threads < 0)
    throw Error(Error::Usage, "threads = " + std::to_string(options.threads) + ": give 0 or more");
  if (options.out) {
    check_out(info(op).name, *options.out, plan.shape, plan.loop);
  } else {
    const std::array operands = {x1.shape(), x2.shape()};
    check_result_memory(info(op).name, plan.shape, DType(plan.loop).itemsize(), operands);
  }
  if (x1.shape() == x2.shape() && x1.is_f_contiguous() && x2.is_f_contiguous() && !x1.is_c_contiguous()) {
    plan.order = Order::F;
  }
  return plan;
}

// An operand may be overwritten while it is read only if each element is read before the same bytes are written.
bool is_same_memory(const Array& a, const Array& out) {
  if (a.data() != out.data() || a.shape() != out.shape() || a.itemsize() != out.itemsize()) return false;
  for (int axis = 0; axis < a.ndim(); ++axis) {
    if (a.shape()[axis] != 1 && a.strides()[axis] != out.strides()[axis]) return false;
  }
  return true;
}

bool spoils(const Array& operand, const Array& out) {
  return may_share_memory(operand, out) && !is_same_memory(operand, out);
}

// Runs a plan over the blocks of a space.
class BinaryRun {
 public:
  BinaryRun(const Plan& plan, const Array& x1, const Array& x2, const Array& out)
      : strides_{stretched_strides(out, plan.shape), stretched_strides(x1, plan.shape),
                 stretched_strides(x2, plan.shape)},
        space_(make_space(plan.shape, strides_, true)),
        a_(x1.data(), strides_[1], x1.dtype().id(), space_, plan.loop),
        b_(x2.data(), strides_[2], x2.dtype().id(), space_, plan.loop),
        out_(out.mutable_data(), strides_[0], out.dtype().id(), space_, plan.loop),
        kernels_(kernels().find(plan.op, plan.loop)),
        itemsize_(DType(plan.loop).itemsize()),
        stream_(out.nbytes() >= static_cast<std::int64_t>(stream_bytes()) &&
                space_.inner() * itemsize_ >= kLongRowBytes && out.data() != x1.data() && out.data() != x2.data()) {}

  void run(int threads) const {
    const std::int64_t count = space_.count;
    if (count * itemsize_ < kParallelBytes) return run_range(0, count);
    const std::int64_t step = kTaskBytes / itemsize_;
    parallel_blocks(
        static_cast<std::size_t>((count + step - 1) / step), threads,
        [&](std::size_t i) {
          const std::int64_t low = static_cast<std::int64_t>(i) * step;
          run_range(low, std::min(count, low + step));
        },
        [this] {
          if (stream_) kernels().fence();
        });
  }

 private:
  struct Scratch {
    alignas(64) std::byte bytes[kStageElements * 16];
  };

  void run_range(std::int64_t low, std::int64_t high) const noexcept {
    if (run_direct(low, static_cast<std::size_t>(high - low))) return;
    const std::int64_t inner = space_.inner();
    const bool long_rows = inner >= 64;  // then blocks end where rows do, and rows are used where they lie
    while (low < high) {
      std::int64_t end = std::min(high, low + static_cast<std::int64_t>(kStageElements));
      if (long_rows) end = std::min(high, low - low % inner + inner);
      const auto n = static_cast<std::size_t>(end - low);
      if (!long_rows || !run_direct(low, n)) run_staged(low, end);
      low = end;
    }
  }

  // The whole range by one kernel call on the operands themselves, if they lie so.
  bool run_direct(std::int64_t low, std::size_t n) const noexcept {
    std::byte* out = out_.direct(low, n);
    if (out == nullptr) return false;
    const std::byte* a = a_.direct(low, n);
    const std::byte* b = b_.direct(low, n);
    const bool a_scalar = a == nullptr && !a_.needs_cast() && (a = a_.repeated(low, n)) != nullptr;
    const bool b_scalar = b == nullptr && !b_.needs_cast() && (b = b_.repeated(low, n)) != nullptr;
    if (a == nullptr || b == nullptr || (a_scalar && b_scalar)) return false;
    call(a, a_scalar, b, b_scalar, out, n, stream_);
    return true;
  }

  void run_staged(std::int64_t low, std::int64_t high) const noexcept {
    while (low < high) {
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(high - low, kStageElements));
      Scratch a_room, b_room, out_room;
      bool a_scalar = false, b_scalar = false;
      const std::byte* a = fetch(a_, low, n, a_room, a_scalar, true);
      const std::byte* b = fetch(b_, low, n, b_room, b_scalar, !a_scalar);
      std::byte* out = out_.direct(low, n);
      call(a, a_scalar, b, b_scalar, out != nullptr ? out : out_room.bytes, n, false);
      if (out == nullptr) out_.put(low, n, out_room.bytes);
      low += static_cast<std::int64_t>(n);
    }
  }

  static const std::byte* fetch(const Reader& from, std::int64_t low, std::size_t n, Scratch& room, bool& scalar,
                                bool may_be_scalar) noexcept {
    if (const std::byte* lies = from.direct(low, n)) return lies;
    scalar = may_be_scalar && n > 1 && from.repeated(low, n) != nullptr;
    from.stage(low, scalar ? 1 : n, room.bytes);
    return room.bytes;
  }

  void call(const std::byte* a, bool a_scalar, const std::byte* b, bool b_scalar, std::byte* out, std::size_t n,
            bool stream) const noexcept {
    if (a_scalar && kernels_.sv == nullptr) return call(b, false, a, true, out, n, stream);  // commutative
    const BinaryKernel plain = a_scalar ? kernels_.sv : b_scalar ? kernels_.vs : kernels_.vv;
    const BinaryKernel past = a_scalar ? kernels_.sv_stream : b_scalar ? kernels_.vs_stream : kernels_.vv_stream;
    (stream && past != nullptr ? past : plain)(a, b, out, n);
  }

  std::array<Strides, 3> strides_;  // out, x1, x2
  Space space_;
  Reader a_, b_;
  Writer out_;
  const BinaryKernels& kernels_;
  std::int64_t itemsize_;
  bool stream_;
};

// Small, contiguous and of the loop's dtype: one kernel call, so that arrays of a few elements stay cheap.
bool run_small(const Plan& plan, const Array& x1, const Array& x2, const Array& out) {
  const auto fits = [&](const Array& x) {
    return x.dtype().id() == plan.loop && x.shape() == plan.shape && x.is_c_contiguous() && x.is_aligned();
  };
  if (out.nbytes() >= kParallelBytes || !fits(x1) || !fits(x2) || !fits(out)) return false;
  if (spoils(x1, out) || spoils(x2, out)) return false;
  kernels().find(plan.op, plan.loop).vv(x1.data(), x2.data(), out.mutable_data(), static_cast<std::size_t>(out.size()));
  return true;
}

}  // namespace

void check_out(std::string_view what, const Array& out, const Shape& shape, TypeId type) {
  if (out.shape() != shape) {
    throw Error(Error::ShapeMismatch,
                std::string(what) + ": out has shape " + out.shape().str() + ", the result has " + shape.str() +
                    "; out is never broadcast: give one of the result's shape",
                {{"out", out.shape().str()}, {"result", shape.str()}});
  }
  require_numeric(what, out.dtype());
  if (!can_cast(type, out.dtype().id(), Casting::same_kind)) {
    throw Error(Error::DtypeMismatch,
                std::string(what) + ": the result is " + DType(type).name() + ", which does not cast to out's " +
                    out.dtype().name() + " by same_kind: give an out of dtype " + DType(type).name(),
                {{"out", out.dtype().name()}, {"result", DType(type).name()}});
  }
  if (!out.is_writable()) throw Error(Error::ReadOnly, std::string(what) + ": out is read-only");
}

Array run_binary(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options) {
  const Plan plan = make_plan(op, x1, x2, options);
  Array out = options.out ? *options.out : empty(plan.shape, DType(plan.loop), plan.order);
  if (out.size() == 0) return out;
  if (run_small(plan, x1, x2, out)) return out;
  if (options.out && (spoils(x1, out) || spoils(x2, out))) {
    check_result_memory(info(op).name, plan.shape, out.itemsize(), {});  // of the temporary that the overlap costs
    const Array apart = empty(plan.shape, out.dtype());
    BinaryRun(plan, x1, x2, apart).run(options.threads);
    assign_cast(out, apart, options.threads);
    return out;
  }
  BinaryRun(plan, x1, x2, out).run(options.threads);
  return out;
}

void assign_cast(const Array& dst, const Array& src, int threads) {
  if (dst.size() == 0) return;
  std::array<Strides, 2> strides = {dst.strides(), src.strides()};
  const Space space = make_space(dst.shape(), strides, true);
  const Reader from(src.data(), strides[1], src.dtype().id(), space, dst.dtype().id());
  const Writer to(dst.mutable_data(), strides[0], dst.dtype().id(), space, dst.dtype().id());
  const auto step = static_cast<std::int64_t>(kStageElements);
  const std::int64_t task = step * 64;
  const auto range = [&](std::size_t i) {
    const std::int64_t begin = static_cast<std::int64_t>(i) * task, end = std::min(space.count, begin + task);
    for (std::int64_t low = begin; low < end; low += step) {
      const auto n = static_cast<std::size_t>(std::min(step, end - low));
      alignas(64) std::byte room[kStageElements * 16];
      std::byte* direct = to.direct(low, n);
      from.stage(low, n, direct != nullptr ? direct : room);
      if (direct == nullptr) to.put(low, n, room);
    }
  };
  parallel_blocks(static_cast<std::size_t>((space.count + task - 1) / task), threads, range);
}

}  // namespace ndshare::internal
