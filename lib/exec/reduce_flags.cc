// What errstate is told of reductions. Their loops look at no flags: a sum or product that went wrong is not finite, and that
// is seen afterwards.
#include "lib/exec/promotion.h"
#include "lib/exec/reduction.h"

#include <ndshare/create.h>
#include <ndshare/ops.h>

#include <algorithm>

namespace ndshare::internal {
namespace {

/// The last step of a sum or product, for ErrorFlags.
Step last_step(Join op, TypeId type) noexcept {
  Step step;
  step.kind = Step::Kind::binary;
  step.op = static_cast<std::uint8_t>(op == Join::prod ? BinaryOp::multiply : BinaryOp::add);
  step.loop = type;
  return step;
}

/// Calls body(i) for the elements that are infinite or NaN.   REQUIRES: contiguous.
template <class Body>
void for_not_finite(const Array& x, const Body& body) {
  constexpr std::int64_t kBlock = 4096;
  const UnaryKernel is_finite = kernels().find(UnaryOp::isfinite, x.dtype().id());
  std::uint8_t finite[kBlock];
  for (std::int64_t low = 0; low < x.size(); low += kBlock) {
    const std::int64_t n = std::min(kBlock, x.size() - low);
    const auto count = static_cast<std::size_t>(n);
    is_finite(x.data() + low * x.itemsize(), finite, count);
    if (kernels().count_true(finite, count) == count) continue;
    for (std::int64_t i = 0; i < n; ++i) {
      if (finite[i] == 0) body(low + i);
    }
  }
}

bool all_finite(const Array& x) {
  bool all = true;
  for_not_finite(x, [&](std::int64_t) { all = false; });
  return all;
}

}  // namespace

bool wants_flags(const Program& program, const ErrorFlags& flags) noexcept {
  return flags.overflow() != OnOverflow::wrap || std::any_of(program.steps().begin(), program.steps().end(), [&](const Step& step) {
           return flags.wants(step, program.type(step.result));
         });
}

void check_overflow(std::string_view what, Join op, const Program& program, ValueId value, const ReduceShape& shape,
                    const Array& joined, int threads) {
  const TypeId type = joined.dtype().id();
  if (is_exact(type)) return;
  const Step step = last_step(op, type);
  ErrorFlags flags;
  if (!flags.wants(step, type) || all_finite(joined)) return;
  // The largest |element| of each result stands for all of them: NaN if one is, infinite if one is.
  Program sizes = program;
  const ValueId size = sizes.cast(sizes.unary(UnaryOp::abs, value), type);
  const Array largest = join(Join::max, sizes, size, shape, threads, nullptr);
  const std::int64_t itemsize = joined.itemsize();
  for_not_finite(joined, [&](std::int64_t i) {
    flags.look(step, kSeenNonFinite, {largest.data() + i * itemsize, false}, {}, joined.data() + i * itemsize, 1, 1);
  });
  flags.check(what), flags.report(what);
}

void check_rounding(std::string_view what, const Array& exact, const Array& rounded) {
  const TypeId type = rounded.dtype().id();
  const Step step = last_step(Join::sum, type);
  ErrorFlags flags;
  if (is_exact(type) || is_exact(exact.dtype().id()) || rounded.itemsize() >= exact.itemsize()) return;
  if (!flags.wants(step, type) || all_finite(rounded)) return;
  const Array zero = zeros({}, rounded.dtype());
  const Array overflowed = bitwise_and(isinf(rounded), isfinite(exact)).ravel(), values = rounded.ravel();
  for (std::int64_t i = 0; i < values.size(); ++i) {
    if (overflowed.at<bool>(i)) flags.look(step, kSeenNonFinite, {zero.data(), false}, {}, values.data() + i * values.itemsize(), 1, 1);
  }
  flags.check(what), flags.report(what);
}

}  // namespace ndshare::internal
