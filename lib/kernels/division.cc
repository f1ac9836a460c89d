// floor_divide, remainder, fmod, gcd and lcm of integers. x / 0 is 0 and said (kSeenDivide); the most negative integer
// divided by −1 is itself and said (kSeenOver), its remainder 0.
//
// No target divides vectors of integers. Those of up to 16 bits are divided in float32, of 32 bits in float64: the
// truncated quotient is exact, because a quotient that is no integer is at least 1/|b| away from the next, far more
// than the rounding. A scalar divisor becomes its reciprocal, a little too large, so that no exact quotient falls below
// itself.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/division.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

// The quotient towards zero of integers that fit in W with bits to spare.
template <class T>
using QuotientFloat = std::conditional_t<sizeof(T) == 4, double, float>;

template <class T, Form kForm>
class Divider {
  using W = QuotientFloat<T>;

 public:
  HWY_INLINE explicit Divider(T divisor) noexcept
      : reciprocal_(W{1} / static_cast<W>(divisor) * (W{1} + (sizeof(T) == 4 ? W{0x1p-45} : W{0x1p-20}))) {}
  HWY_INLINE T quotient(T a, T b) const noexcept {
    const W exact = kForm == Form::vs ? static_cast<W>(a) * reciprocal_ : static_cast<W>(a) / static_cast<W>(b);
    return static_cast<T>(exact);
  }

 private:
  W reciprocal_;  // of a scalar divisor
};

template <class T, Form kForm>
requires(sizeof(T) == 8 && kForm != Form::vs) class Divider<T, kForm> {
 public:
  HWY_INLINE explicit Divider(T) noexcept {}
  HWY_INLINE T quotient(T a, T b) const noexcept { return a / b; }
};

// By a scalar: a multiplication (Granlund and Montgomery, Division by invariant integers using multiplication, PLDI
// 1994, figure 4.1), over magnitudes. Signs are masks: a branch guesses wrong.
template <class T, Form kForm>
requires(sizeof(T) == 8 && kForm == Form::vs) class Divider<T, kForm> {
  __extension__ using Wide = unsigned __int128;
  using U = std::uint64_t;

 public:
  HWY_INLINE explicit Divider(T divisor) noexcept : sign_(sign_mask(divisor)) {
    const U d = magnitude(divisor);
    const int bits = d == 1 ? 0 : 64 - __builtin_clzll(d - 1);  // ⌈log₂ d⌉
    const U above = (bits == 64 ? U{0} : U{1} << bits) - d;
    factor_ = static_cast<U>((static_cast<Wide>(above) << 64) / d) + 1;
    first_ = bits < 1 ? bits : 1;
    second_ = bits - first_;
  }
  HWY_INLINE T quotient(T a, T) const noexcept {
    const U n = magnitude(a), sign = sign_mask(a) ^ sign_;
    const U high = upper_half(factor_, n);
    const U q = (high + ((n - high) >> first_)) >> second_;
    return static_cast<T>((q ^ sign) - sign);
  }

 private:
  // Of the product of 128 bits. Where 64-bit lanes are multiplied it is put together from halves.
  static HWY_INLINE U upper_half(U a, U b) noexcept {
#if HWY_TARGET == HWY_AVX3
    constexpr U kLow = 0xffffffff;
    const U low_low = (a & kLow) * (b & kLow), high_low = (a >> 32) * (b & kLow), low_high = (a & kLow) * (b >> 32);
    const U middle = (low_low >> 32) + (high_low & kLow) + (low_high & kLow);
    return (a >> 32) * (b >> 32) + (high_low >> 32) + (low_high >> 32) + (middle >> 32);
#else
    return static_cast<U>((static_cast<Wide>(a) * b) >> 64);
#endif
  }
  static HWY_INLINE U sign_mask(T x) noexcept { return std::is_signed_v<T> ? static_cast<U>(x >> 63) : U{0}; }
  static HWY_INLINE U magnitude(T x) noexcept { return (static_cast<U>(x) ^ sign_mask(x)) - sign_mask(x); }
  U factor_, sign_;
  int first_, second_;
};

// Bytes by a scalar: a product of 16 bits. ⌊2¹⁶/d⌋ + 1 is too large by less than 1/256 of a quotient's step.
template <class T, Form kForm>
requires(sizeof(T) == 1 && kForm == Form::vs) class Divider<T, kForm> {
  using U = std::uint16_t;

 public:
  HWY_INLINE explicit Divider(T divisor) noexcept
      : sign_(sign_mask(divisor)),
        one_(magnitude(divisor) == 1),
        factor_(static_cast<U>(one_ ? 0U : 65536U / magnitude(divisor) + 1U)) {}
  HWY_INLINE T quotient(T a, T) const noexcept {
    const U n = magnitude(a), sign = sign_mask(a) ^ sign_;
    const U q = one_ ? n : static_cast<U>((std::uint32_t{n} * factor_) >> 16);
    return static_cast<T>((q ^ sign) - sign);
  }

 private:
  static HWY_INLINE U sign_mask(T x) noexcept { return x < 0 ? U{0xffff} : U{0}; }
  static HWY_INLINE U magnitude(T x) noexcept {
    return static_cast<U>((static_cast<U>(x) ^ sign_mask(x)) - sign_mask(x));
  }
  U sign_;
  bool one_;
  U factor_;
};

// What is asked for, of the quotient towards zero and its remainder.
template <class T>
HWY_INLINE bool rounds_down(T r, T b) noexcept {
  return std::is_signed_v<T> && (r != 0) & ((r ^ b) < 0);
}
struct FloorDivide {
  static constexpr bool kOver = true;
  template <class T>
  static HWY_INLINE T call(T q, T r, T b) noexcept {
    return static_cast<T>(q - static_cast<T>(rounds_down(r, b)));
  }
};
struct Remainder {
  static constexpr bool kOver = false;
  template <class T>
  static HWY_INLINE T call(T, T r, T b) noexcept {
    return static_cast<T>(r + (rounds_down(r, b) ? b : T{0}));
  }
};
struct Fmod {
  static constexpr bool kOver = false;
  template <class T>
  static HWY_INLINE T call(T, T r, T) noexcept {
    return r;
  }
};

template <class T>
constexpr bool is_minus_one(T b) noexcept {
  return std::is_signed_v<T> && b == static_cast<T>(-1);
}
template <class T>
constexpr T safe_divisor(T b) noexcept {
  return (b == 0) | is_minus_one(b) ? T{1} : b;
}

template <class Op, class T, Form kForm>
std::uint32_t division_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  using U = std::make_unsigned_t<T>;
  using Bits =
      std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;  // wide enough to wrap without promotion
  if (n == 0) return 0;
  const auto* a = static_cast<const T*>(va);
  const auto* b = static_cast<const T*>(vb);
  auto* out = static_cast<T*>(vo);
  const T a0 = a[0], b0 = b[0];
  const Divider<T, kForm> divider(safe_divisor(b0));
  U by_zero = 0, over = 0;
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) {
    const T x = kForm == Form::sv ? a0 : a[i], y = kForm == Form::vs ? b0 : b[i];
    T q = divider.quotient(x, safe_divisor(y));
    q = is_minus_one(y) ? static_cast<T>(Bits{0} - static_cast<Bits>(x)) : q;
    q = y == 0 ? T{0} : q;
    const T rest = static_cast<T>(static_cast<Bits>(x) - static_cast<Bits>(q) * static_cast<Bits>(y));
    const T r = y == 0 ? T{0} : rest;
    by_zero |= static_cast<U>(y == 0 ? 1 : 0);
    over |= static_cast<U>(is_minus_one(y) & (x == std::numeric_limits<T>::min()) ? 1 : 0);
    out[i] = Op::call(q, r, y);
  }
  return (by_zero != 0 ? std::uint32_t{kSeenDivide} : 0U) | (Op::kOver && over != 0 ? std::uint32_t{kSeenOver} : 0U);
}

// Stein's binary algorithm (Knuth, The Art of Computer Programming, 4.5.2, algorithm B).
HWY_INLINE std::uint64_t binary_gcd(std::uint64_t a, std::uint64_t b) noexcept {
  if (a == 0 || b == 0) return a | b;
  const int twos = __builtin_ctzll(a | b);
  a >>= __builtin_ctzll(a);
  b >>= __builtin_ctzll(b);
  while (a != b) {  // both odd; the zeros of a − b are those of b − a, and known before which is larger
    const std::uint64_t difference = a - b;
    const std::uint64_t below = std::uint64_t{0} - (a < b ? 1U : 0U);  // all bits: a mask, as a branch guesses wrong
    a = b + (difference & below);
    b = ((difference ^ below) - below) >> __builtin_ctzll(difference);
  }
  return a << twos;
}
template <class T>
HWY_INLINE std::uint64_t size_of_integer(T x) noexcept {
  const auto wide = static_cast<std::uint64_t>(x);
  return x < 0 ? std::uint64_t{0} - wide : wide;
}
struct Gcd {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    return static_cast<T>(binary_gcd(size_of_integer(a), size_of_integer(b)));
  }
};
struct Lcm {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    const std::uint64_t x = size_of_integer(a), y = size_of_integer(b), divisor = binary_gcd(x, y);
    return divisor == 0 ? T{0} : static_cast<T>(x / divisor * y);
  }
};

template <class T>
void fill_integer_division(KernelTable& table) noexcept {
  const auto set = [&]<class Op>(BinaryOp op, Op) {
    slot(table, op, type_id_of<T>()) = {.vv = division_loop<Op, T, Form::vv>,
                                        .vs = division_loop<Op, T, Form::vs>,
                                        .sv = division_loop<Op, T, Form::sv>};
  };
  set(BinaryOp::floor_divide, FloorDivide{});
  set(BinaryOp::remainder, Remainder{});
  set(BinaryOp::fmod, Fmod{});
  slot(table, BinaryOp::gcd, type_id_of<T>()) = symmetric_kernels<Gcd, T, T>();
  slot(table, BinaryOp::lcm, type_id_of<T>()) = symmetric_kernels<Lcm, T, T>();
}

void fill_division_table(KernelTable* table) {
  fill_integer_division<std::int8_t>(*table);
  fill_integer_division<std::int16_t>(*table);
  fill_integer_division<std::int32_t>(*table);
  fill_integer_division<std::int64_t>(*table);
  fill_integer_division<std::uint8_t>(*table);
  fill_integer_division<std::uint16_t>(*table);
  fill_integer_division<std::uint32_t>(*table);
  fill_integer_division<std::uint64_t>(*table);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_division_table);
void fill_division(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_division_table)(&table); }
}  // namespace ndshare::internal
#endif
