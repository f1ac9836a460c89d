// floor_divide, remainder and fmod of floats: exact remainders, Python's signs.
//
// fmod is exact, and C's is slow. A quotient below a limit (2^24 of float32, 2^26 of float64) is found by one division,
// and the remainder without rounding: of float32 in float64; of float64 by the divisor's upper 26 and lower 27 bits
// (Dekker, A floating-point technique for extending the available precision, 1971), whose products with the quotient
// are exact. All else (huge quotients, 0, infinities, NaN) is computed by C's fmod.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/float_division.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <cmath>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

// |a| = quotient · |b| + rest, where `fast`; both are garbage elsewhere.
template <class T>
struct Quotient {
  T quotient, rest;
  int fast;
};
HWY_INLINE Quotient<float> divide_sizes(float a, float b) noexcept {
  const double x = std::fabs(a), y = std::fabs(b);
  const double q = std::trunc(x / y);
  const auto quotient = static_cast<float>(q), rest = static_cast<float>(x - q * y);
  // False for NaN. The quotient never comes out too large, as a/b is an integer or far enough from one.
  return {quotient, rest, (quotient < 0x1p24F) & (rest >= 0)};
}
HWY_INLINE Quotient<double> divide_sizes(double a, double b) noexcept {
  const double x = std::fabs(a), y = std::fabs(b);
  double q = std::trunc(x / y);
  const double upper = std::bit_cast<double>(std::bit_cast<std::uint64_t>(y) & ~std::uint64_t{0x7ffffff});
  double r = (x - q * upper) - q * (y - upper);
  const bool above = r < 0;  // x/y was rounded up to the next integer
  r = above ? r + y : r;
  q = above ? q - 1 : q;
  return {q, r, (q < 0x1p26) & (r >= 0)};
}

template <class T>
HWY_INLINE bool signs_differ(T a, T b) noexcept {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  return (std::bit_cast<Bits>(a) ^ std::bit_cast<Bits>(b)) < 0;
}

// `fast` of the two sizes; `slow` as NumPy's divmod.
struct FloorDivideFloat {
  template <class T>
  static HWY_INLINE T fast(T a, T b, Quotient<T> sizes) noexcept {
    const bool down = (sizes.rest != 0) & signs_differ(a, b);
    const T size = sizes.quotient + (down ? T{1} : T{0});
    return signs_differ(a, b) ? -size : size;
  }
  template <class T>
  static T slow(T a, T b) noexcept {
    if (b == 0) return a / b;
    const T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && signs_differ(rest, b)) quotient -= 1;
    if (quotient == 0) return std::copysign(T{0}, a / b);
    const T floor = std::floor(quotient);
    return quotient - floor > T{0.5} ? floor + 1 : floor;
  }
};
struct RemainderFloat {
  template <class T>
  static HWY_INLINE T fast(T a, T b, Quotient<T> sizes) noexcept {
    const T rest = std::copysign(sizes.rest, a);
    const T shifted = rest + (signs_differ(a, b) ? b : T{0});
    return sizes.rest == 0 ? std::copysign(T{0}, b) : shifted;
  }
  template <class T>
  static T slow(T a, T b) noexcept {
    const T rest = std::fmod(a, b);
    if (b == 0) return rest;
    if (rest == 0) return std::copysign(T{0}, b);
    return signs_differ(rest, b) ? rest + b : rest;
  }
};
struct FmodFloat {
  template <class T>
  static HWY_INLINE T fast(T a, T, Quotient<T> sizes) noexcept {
    return std::copysign(sizes.rest, a);
  }
  template <class T>
  static T slow(T a, T b) noexcept {
    return std::fmod(a, b);
  }
};

inline constexpr std::size_t kChunk = 128;

// Fast results are finite: only slow ones have something to say.
template <class Op, class T, Form kForm>
std::uint32_t float_division_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const auto* a = static_cast<const T*>(va);
  const auto* b = static_cast<const T*>(vb);
  auto* out = static_cast<T*>(vo);
  if (n == 0) return 0;
  const T a0 = a[0], b0 = b[0];
  Bits seen = 0;
  HWY_ALIGN T result[kChunk];
  HWY_ALIGN Bits slow[kChunk];
  for (std::size_t low = 0; low < n; low += kChunk) {
    const std::size_t count = n - low < kChunk ? n - low : kChunk;
    Bits any_slow = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const T x = kForm == Form::sv ? a0 : a[low + i], y = kForm == Form::vs ? b0 : b[low + i];
      const Quotient<T> sizes = divide_sizes(x, y);
      result[i] = Op::fast(x, y, sizes);
      slow[i] = sizes.fast ? 0 : 1;
      any_slow |= slow[i];
    }
    for (std::size_t i = 0; any_slow != 0 && i < count; ++i) {
      if (slow[i] == 0) continue;
      result[i] = Op::slow(kForm == Form::sv ? a0 : a[low + i], kForm == Form::vs ? b0 : b[low + i]);
      seen |= not_finite(result[i]);
    }
    std::memcpy(out + low, result, count * sizeof(T));
  }
  return seen_if(seen != 0);
}

template <class Op>
void fill_float_op(KernelTable& table, BinaryOp op) noexcept {
  constexpr BinaryKernel kVv = float_division_loop<Op, float, Form::vv>, kVs = float_division_loop<Op, float, Form::vs>,
                         kSv = float_division_loop<Op, float, Form::sv>;
  slot(table, op, TypeId::float16) = {.vv = half_binary<kVv, float, Form::vv, true>,
                                      .vs = half_binary<kVs, float, Form::vs, true>,
                                      .sv = half_binary<kSv, float, Form::sv, true>};
  slot(table, op, TypeId::float32) = {.vv = kVv, .vs = kVs, .sv = kSv};
  slot(table, op, TypeId::float64) = {.vv = float_division_loop<Op, double, Form::vv>,
                                      .vs = float_division_loop<Op, double, Form::vs>,
                                      .sv = float_division_loop<Op, double, Form::sv>};
}

void fill_float_division_table(KernelTable* table) {
  fill_float_op<FloorDivideFloat>(*table, BinaryOp::floor_divide);
  fill_float_op<RemainderFloat>(*table, BinaryOp::remainder);
  fill_float_op<FmodFloat>(*table, BinaryOp::fmod);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_float_division_table);
void fill_float_division(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_float_division_table)(&table); }
}  // namespace ndshare::internal
#endif
