// Two steps in one pass, each rounded by itself: what expressions over float32 and float64 are full of (PairOp).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/pairs.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/simd_loops-inl.h"

#include <utility>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {

// The compiler makes no fused multiply-add of these (-ffp-contract=off): the bits are those of the two steps.
struct MultiplyAdd {
  template <class V>
  static HWY_INLINE V call(V a, V b, V c) noexcept {
    return hn::Add(hn::Mul(a, b), c);
  }
};
struct MultiplySubtract {
  template <class V>
  static HWY_INLINE V call(V a, V b, V c) noexcept {
    return hn::Sub(hn::Mul(a, b), c);
  }
};
struct SubtractMultiplied {
  template <class V>
  static HWY_INLINE V call(V a, V b, V c) noexcept {
    return hn::Sub(c, hn::Mul(a, b));
  }
};
struct SubtractSquare {
  template <class V>
  static HWY_INLINE V call(V a, V b, V) noexcept {
    const V difference = hn::Sub(a, b);
    return hn::Mul(difference, difference);
  }
};

// b and c as one operand, so that the loops of two operands serve.
template <class Op, class T, bool kScalarB, bool kScalarC>
struct Rest {
  using V = hn::Vec<hn::ScalableTag<T>>;
  struct Both {
    V b, c;
  };
  Operand<T, kScalarB> b;
  Operand<T, kScalarC> c;
  HWY_INLINE void prefetch(std::size_t i, std::size_t count) const noexcept { b.prefetch(i, count), c.prefetch(i, count); }
  HWY_INLINE Both load(std::size_t i) const noexcept { return {b.load(i), c.load(i)}; }
  HWY_INLINE Both load_part(std::size_t i, std::size_t count) const noexcept {
    return {b.load_part(i, count), c.load_part(i, count)};
  }
  template <class D>
  static HWY_INLINE V call(D, V a, const Both& rest) noexcept {
    return Op::call(a, rest.b, rest.c);
  }
};

template <class Op, class T, bool kScalarB, bool kScalarC>
std::uint32_t pair_loop(const PairOperands& in, T* out, std::size_t n, bool stream) noexcept {
  using Pair = Rest<Op, T, kScalarB, kScalarC>;
  const Pair rest{Operand<T, kScalarB>(in.b), Operand<T, kScalarC>(in.c)};
  return lanes_all<Pair, T>(Operand<T, false>(in.a), rest, out, n, stream);
}

// A scalar first operand changes places with the second: a product is the same, a difference but for its sign.
template <class Op, class T>
std::uint32_t pair(PairOperands in, void* out, std::size_t n, bool stream) noexcept {
  if (in.a_scalar) std::swap(in.a, in.b), in.b_scalar = true;
  auto* to = static_cast<T*>(out);
  if (in.b_scalar) {
    return in.c_scalar ? pair_loop<Op, T, true, true>(in, to, n, stream) : pair_loop<Op, T, true, false>(in, to, n, stream);
  }
  return in.c_scalar ? pair_loop<Op, T, false, true>(in, to, n, stream) : pair_loop<Op, T, false, false>(in, to, n, stream);
}

// It has no third operand.
template <class T>
std::uint32_t square_of_difference(PairOperands in, void* out, std::size_t n, bool stream) noexcept {
  constexpr T kNone{};
  in.c = &kNone, in.c_scalar = true;
  return pair<SubtractSquare, T>(in, out, n, stream);
}

template <class T>
void fill_type(KernelTable& table, TypeId type) noexcept {
  const auto put = [&](PairOp op, PairKernel kernel) {
    table.pairs[static_cast<std::size_t>(op)][static_cast<std::size_t>(type)] = kernel;
  };
  put(PairOp::multiply_add, pair<MultiplyAdd, T>);
  put(PairOp::multiply_subtract, pair<MultiplySubtract, T>);
  put(PairOp::subtract_multiplied, pair<SubtractMultiplied, T>);
  put(PairOp::subtract_square, square_of_difference<T>);
}

void fill_pair_table(KernelTable* table) {
  fill_type<float>(*table, TypeId::float32);
  fill_type<double>(*table, TypeId::float64);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_pair_table);
void fill_pairs(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_pair_table)(&table); }
}  // namespace ndshare::internal
#endif
