// Eager calls of one operation. Small ones are one kernel call, with nothing built around it.
#include <ndshare/create.h>
#include <ndshare/limits.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/error_flags.h"
#include "lib/exec/guard.h"
#include "lib/exec/promotion.h"
#include "lib/exec/text_and_time.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

// Bytes of output up to which a call is one kernel call in the calling thread.
constexpr std::int64_t kSmallBytes = std::int64_t{64} << 10;

Target target_of(std::string_view what, const OpOptions& options) {
  return {.what = what, .out = options.out, .where = options.where, .fill = options.fill, .threads = options.threads};
}

bool is_plain(const Array& x) noexcept { return x.is_c_contiguous() && x.is_aligned(); }

/// Whether the kernel may just be called: given or new, `out` is of the result's dtype, small, and lies as kernels take it.
bool is_small(const Shape& shape, std::int64_t itemsize, const OpOptions& options, TypeId result) noexcept {
  if (options.where || options.threads < 0) return false;
  std::int64_t bytes = itemsize;
  for (const std::int64_t length : shape) {
    bytes *= length;  // cannot wrap: it stays below the limit, or leaves here
    if (bytes > kSmallBytes) return false;
  }
  if (!options.out) return limits_allow_small(bytes / itemsize, bytes);
  const Array& out = *options.out;
  return out.shape() == shape && out.dtype().id() == result && out.is_writable() && is_plain(out);
}

/// Errors that the settings want looked for stay cheap only where operands outlive the call, and nothing raises.
bool flags_are_easy(const Step& step, TypeId result, const ErrorFlags& flags, bool in_place) noexcept {
  const bool checks = flags.overflow() != OnOverflow::wrap && DType(step.loop).is_integer();
  return !checks && !flags.may_raise(step, result) && !flags.wants_all(step) && !(in_place && flags.wants(step, result));
}

}  // namespace

Array run_unary(UnaryOp op, const Array& x, const OpOptions& options) {
  const OpInfo& row = info(op);
  const TypeId loop = x.dtype().id();
  if (x.dtype().is_numeric() && has_loop(row, loop) && is_plain(x)) {
    const TypeId result = result_of(row, loop);
    if (is_small(x.shape(), std::max(DType(result).itemsize(), x.itemsize()), options, result)) {
      const bool in_place = options.out && may_share_memory(x, *options.out);
      const Step step{.kind = Step::Kind::unary, .op = static_cast<std::uint8_t>(op), .loop = loop};
      ErrorFlags flags;
      if (!(in_place && (spoils(x, *options.out) || result != loop)) && flags_are_easy(step, result, flags, in_place)) {
        Array out = options.out ? *options.out : empty(x.shape(), DType(result));
        const auto n = static_cast<std::size_t>(out.size());
        const std::uint32_t seen = kernels().find(op, loop)(x.data(), out.mutable_data(), n);
        if (seen != 0 && flags.wants(step, result)) {
          flags.look(step, seen, {x.data(), false}, {}, out.data(), n, n);
          flags.report(row.name);
        }
        return out;
      }
    }
  }
  Program program;
  const ValueId value = program.unary(op, program.leaf(x));
  return evaluate(program, value, target_of(row.name, options));
}

namespace {

/// Both operands of the loop's dtype and the result's shape.
bool run_small(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options, std::optional<Array>& made) {
  const OpInfo& row = info(op);
  const TypeId loop = x1.dtype().id();
  if (loop != x2.dtype().id() || x1.shape() != x2.shape() || !x1.dtype().is_numeric() || !has_loop(row, loop)) return false;
  const TypeId result = result_of(row, loop);
  if (row.rule == TypeRule::exponent || !is_plain(x1) || !is_plain(x2)) return false;
  if (!is_small(x1.shape(), x1.itemsize(), options, result)) return false;
  const bool in_place = options.out && (may_share_memory(x1, *options.out) || may_share_memory(x2, *options.out));
  if (in_place && (result != loop || spoils(x1, *options.out) || spoils(x2, *options.out))) return false;
  const Step step{.kind = Step::Kind::binary, .op = static_cast<std::uint8_t>(op), .loop = loop};
  ErrorFlags flags;
  if (!flags_are_easy(step, result, flags, in_place)) return false;
  made = options.out ? *options.out : empty(x1.shape(), DType(result));
  const auto n = static_cast<std::size_t>(made->size());
  const std::uint32_t seen = kernels().find(op, loop).vv(x1.data(), x2.data(), made->mutable_data(), n);
  if (seen != 0 && flags.wants(step, result)) {
    flags.look(step, seen, {x1.data(), false}, {x2.data(), false}, made->data(), n, n);
    flags.report(row.name);
  }
  return true;
}

}  // namespace

Array run_binary(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options) {
  std::optional<Array> made;
  if (run_small(op, x1, x2, options, made)) return *std::move(made);
  if (!x1.dtype().is_numeric() || !x2.dtype().is_numeric()) return run_text_or_time(op, x1, x2, options);
  Program program;
  const ValueId a = program.leaf(x1);
  const ValueId value = program.binary(op, a, program.leaf(x2));
  return evaluate(program, value, target_of(info(op).name, options));
}

Array run_binary(BinaryOp op, const Array& x1, const Scalar& x2, const OpOptions& options) {
  if (!x1.dtype().is_numeric()) return run_text_or_time(op, x1, text_or_time_like(op, x2, x1.dtype()), options);
  Program program;
  const ValueId a = program.leaf(x1);
  const ValueId value = program.binary(op, a, program.weak(x2));
  return evaluate(program, value, target_of(info(op).name, options));
}

Array run_binary(BinaryOp op, const Scalar& x1, const Array& x2, const OpOptions& options) {
  if (!x2.dtype().is_numeric()) return run_text_or_time(op, text_or_time_like(op, x1, x2.dtype()), x2, options);
  Program program;
  const ValueId a = program.weak(x1);
  const ValueId value = program.binary(op, a, program.leaf(x2));
  return evaluate(program, value, target_of(info(op).name, options));
}

}  // namespace ndshare::internal
