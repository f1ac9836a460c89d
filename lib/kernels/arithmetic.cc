// add, subtract, multiply, divide. Signed integers use the unsigned loops: two's complement wraps to the same bits.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/arithmetic.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/simd_loops-inl.h"

#include <type_traits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {

struct Add {
  template <class D, class V>
  static HWY_INLINE V call(D, V a, V b) noexcept {
    return hn::Add(a, b);
  }
};
struct Subtract {
  template <class D, class V>
  static HWY_INLINE V call(D, V a, V b) noexcept {
    return hn::Sub(a, b);
  }
};
struct Divide {
  template <class D, class V>
  static HWY_INLINE V call(D, V a, V b) noexcept {
    return hn::Div(a, b);
  }
};
// add and multiply of bool. Any byte but 0 is true (memory is shared, and views change dtypes); results are 0 and 1.
struct Or {
  template <class D, class V>
  static HWY_INLINE V call(D d, V a, V b) noexcept {
    return hn::Min(hn::Or(a, b), hn::Set(d, std::uint8_t{1}));
  }
};
struct And {
  template <class D, class V>
  static HWY_INLINE V call(D d, V a, V b) noexcept {
    return hn::Min(hn::Min(a, b), hn::Set(d, std::uint8_t{1}));
  }
};

// The low bits of the product. No target multiplies bytes, and few multiply 64-bit lanes: both are put together from
// the products that exist.
struct Multiply {
  template <class D, class V>
  static HWY_INLINE V call(D d, V a, V b) noexcept {
    using T = hn::TFromD<D>;
#if HWY_TARGET == HWY_SCALAR
    if constexpr (std::is_integral_v<T>) {
      return hn::Set(d, static_cast<T>(std::uint64_t{hn::GetLane(a)} * std::uint64_t{hn::GetLane(b)}));
    } else {
      return hn::Mul(a, b);
    }
#else
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      const hn::Repartition<std::uint16_t, D> wide;
      const auto wa = hn::BitCast(wide, a), wb = hn::BitCast(wide, b);
      const auto low = hn::And(hn::Mul(wa, wb), hn::Set(wide, std::uint16_t{0x00ff}));
      const auto high = hn::Mul(hn::ShiftRight<8>(wa), hn::And(wb, hn::Set(wide, std::uint16_t{0xff00})));
      return hn::BitCast(d, hn::Or(low, high));
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      const hn::Repartition<std::uint32_t, D> narrow;
      const auto na = hn::BitCast(narrow, a), nb = hn::BitCast(narrow, b);
      const auto a_high = hn::BitCast(narrow, hn::ShiftRight<32>(a)),
                 b_high = hn::BitCast(narrow, hn::ShiftRight<32>(b));
      const auto cross = hn::Add(hn::MulEven(na, b_high), hn::MulEven(a_high, nb));
      return hn::Add(hn::MulEven(na, nb), hn::ShiftLeft<32>(cross));
    } else {
      return hn::Mul(a, b);
    }
#endif
  }
};

// Complex numbers; parts in, parts out, the operations and their order as NumPy has them.
template <class Op>
struct Parts {  // add, subtract
  template <class D, class V>
  static HWY_INLINE void call(D d, V ar, V ai, V br, V bi, V& re, V& im) noexcept {
    re = Op::call(d, ar, br);
    im = Op::call(d, ai, bi);
  }
};
struct ComplexMultiply {
  template <class D, class V>
  static HWY_INLINE void call(D, V ar, V ai, V br, V bi, V& re, V& im) noexcept {
    re = hn::Sub(hn::Mul(ar, br), hn::Mul(ai, bi));
    im = hn::Add(hn::Mul(ar, bi), hn::Mul(ai, br));
  }
};
// Smith's method (R. L. Smith, Algorithm 116: Complex division, CACM 1962): divide by the larger part of b, so that
// |b|² cannot overflow. x/0 is (re x)/0 + (im x)/0 i.
struct ComplexDivide {
  template <class D, class V>
  static HWY_INLINE void call(D d, V ar, V ai, V br, V bi, V& re, V& im) noexcept {
    const V zero = hn::Zero(d);
    const V size_r = hn::Abs(br), size_i = hn::Abs(bi);
    const auto real_larger = hn::Ge(size_r, size_i);
    const V large = hn::IfThenElse(real_larger, br, bi), small = hn::IfThenElse(real_larger, bi, br);
    const V ratio = hn::Div(small, large);
    const V scale = hn::Div(hn::Set(d, hn::TFromD<D>{1}), hn::Add(large, hn::Mul(small, ratio)));
    const V x = hn::IfThenElse(real_larger, ar, ai), y = hn::IfThenElse(real_larger, ai, ar);
    const V x_ratio = hn::Mul(x, ratio);
    const V numerator = hn::IfThenElse(real_larger, hn::Sub(y, x_ratio), hn::Sub(hn::Mul(ai, ratio), ar));
    const auto by_zero = hn::And(hn::Eq(size_r, zero), hn::Eq(size_i, zero));
    re = hn::IfThenElse(by_zero, hn::Div(ar, size_r), hn::Mul(hn::Add(x, hn::Mul(y, ratio)), scale));
    im = hn::IfThenElse(by_zero, hn::Div(ai, size_r), hn::Mul(numerator, scale));
  }
};

template <class Op, class T>
BinaryKernels lanes(bool commutative) noexcept {
  return {lanes_loop<Op, T, Form::vv, false>,
          lanes_loop<Op, T, Form::vs, false>,
          commutative ? nullptr : lanes_loop<Op, T, Form::sv, false>,
          lanes_loop<Op, T, Form::vv, true>,
          lanes_loop<Op, T, Form::vs, true>,
          commutative ? nullptr : lanes_loop<Op, T, Form::sv, true>};
}

template <class Op>
BinaryKernels halves() noexcept {
  return {half_loop<Op, Form::vv>, half_loop<Op, Form::vs>, half_loop<Op, Form::sv>};
}

template <class Op, class T>
BinaryKernels complexes() noexcept {
  return {complex_loop<Op, T, Form::vv>, complex_loop<Op, T, Form::vs>, complex_loop<Op, T, Form::sv>};
}

template <class Op, class T>
BinaryKernels complex_parts() noexcept {
  BinaryKernels kernels = complexes<Parts<Op>, T>();
  kernels.vv = pairs_loop<Op, T, false>;
  kernels.vv_stream = pairs_loop<Op, T, true>;
  return kernels;
}

using Row = std::array<BinaryKernels, kNumericCount>;
constexpr std::size_t at(TypeId id) noexcept { return static_cast<std::size_t>(id); }

template <class Op>
void fill_integers(Row& row, bool commutative) noexcept {
  row[at(TypeId::int8)] = row[at(TypeId::uint8)] = lanes<Op, std::uint8_t>(commutative);
  row[at(TypeId::int16)] = row[at(TypeId::uint16)] = lanes<Op, std::uint16_t>(commutative);
  row[at(TypeId::int32)] = row[at(TypeId::uint32)] = lanes<Op, std::uint32_t>(commutative);
  row[at(TypeId::int64)] = row[at(TypeId::uint64)] = lanes<Op, std::uint64_t>(commutative);
}

template <class Op>
void fill_floats(Row& row, bool commutative) noexcept {
  row[at(TypeId::float16)] = halves<Op>();
  row[at(TypeId::float32)] = lanes<Op, float>(commutative);
  row[at(TypeId::float64)] = lanes<Op, double>(commutative);
}

void fill_arithmetic_table(KernelTable* table) {
  Row& add = table->binary[static_cast<std::size_t>(BinaryOp::add)];
  fill_integers<Add>(add, true);
  fill_floats<Add>(add, true);
  add[at(TypeId::bool_)] = lanes<Or, std::uint8_t>(true);
  add[at(TypeId::complex64)] = complex_parts<Add, float>();
  add[at(TypeId::complex128)] = complex_parts<Add, double>();

  Row& subtract = table->binary[static_cast<std::size_t>(BinaryOp::subtract)];
  fill_integers<Subtract>(subtract, false);
  fill_floats<Subtract>(subtract, false);
  subtract[at(TypeId::complex64)] = complex_parts<Subtract, float>();
  subtract[at(TypeId::complex128)] = complex_parts<Subtract, double>();

  Row& multiply = table->binary[static_cast<std::size_t>(BinaryOp::multiply)];
  fill_integers<Multiply>(multiply, true);
  fill_floats<Multiply>(multiply, true);
  multiply[at(TypeId::bool_)] = lanes<And, std::uint8_t>(true);
  multiply[at(TypeId::complex64)] = complexes<ComplexMultiply, float>();
  multiply[at(TypeId::complex128)] = complexes<ComplexMultiply, double>();

  Row& divide = table->binary[static_cast<std::size_t>(BinaryOp::divide)];
  fill_floats<Divide>(divide, false);
  divide[at(TypeId::complex64)] = complexes<ComplexDivide, float>();
  divide[at(TypeId::complex128)] = complexes<ComplexDivide, double>();
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_arithmetic_table);
void fill_arithmetic(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_arithmetic_table)(&table); }
}  // namespace ndshare::internal
#endif
