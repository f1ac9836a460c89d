// Loops of plain C++ that the compiler vectorises with each SIMD target's instructions (include it after hwy/highway.h,
// under foreach_target). A family file brings operations and picks loops; most write no loop of their own.
//
//   struct Op { static HWY_INLINE Out call(In a) noexcept; };          // and call(In a, In b)
//
// Operations stand in an unnamed namespace: two files may then use one name. They select and do not branch, and read
// nothing that is not there.

#if defined(NDSHARE_PLAIN_LOOPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_PLAIN_LOOPS_INL
#undef NDSHARE_PLAIN_LOOPS_INL
#else
#define NDSHARE_PLAIN_LOOPS_INL
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <hwy/highway.h>

#include "lib/kernels/families.h"
#include "lib/kernels/half_loops-inl.h"
#include "lib/kernels/simd_operands-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {

// A complex number whose parts are T.
template <class T>
struct Pair {
  T re, im;
};

// Operands that are not the bytes themselves: of bool any byte but 0 is 1; of float16 its bits without the sign.
struct Truth {};
struct HalfMagnitude {};

template <class T>
struct Lane {
  using Stored = T;
  static HWY_INLINE T get(T stored) noexcept { return stored; }
};
template <>
struct Lane<Truth> {
  using Stored = std::uint8_t;
  static HWY_INLINE std::uint8_t get(std::uint8_t stored) noexcept { return stored != 0 ? 1 : 0; }
};
template <>
struct Lane<HalfMagnitude> {
  using Stored = std::uint16_t;
  static HWY_INLINE std::uint16_t get(std::uint16_t stored) noexcept { return stored & 0x7fffU; }
};

// Complex numbers are stored part by part: a struct that is copied whole is not vectorised.
template <class T>
HWY_INLINE void store(T value, T* to) noexcept {
  *to = value;
}
template <class T>
HWY_INLINE void store(Pair<T> value, Pair<T>* to) noexcept {
  to->re = value.re;
  to->im = value.im;
}

// Bits that are 0 as long as every result is finite: r − r is +0 for a finite r and NaN for any other.
HWY_INLINE std::uint32_t not_finite(float r) noexcept { return std::bit_cast<std::uint32_t>(r - r); }
HWY_INLINE std::uint64_t not_finite(double r) noexcept { return std::bit_cast<std::uint64_t>(r - r); }
template <class T>
HWY_INLINE auto not_finite(Pair<T> r) noexcept {
  return not_finite(r.re) | not_finite(r.im);
}
constexpr std::uint32_t seen_if(bool some) noexcept { return some ? std::uint32_t{kSeenNonFinite} : 0U; }

// out[i] = Op(a[i]). Exactly in place or apart: no element depends on another (ivdep).
template <class Op, class In, class Out, bool kSeen = false>
std::uint32_t unary_loop(const void* va, void* vo, std::size_t n) noexcept {
  const auto* a = static_cast<const typename Lane<In>::Stored*>(va);
  auto* out = static_cast<Out*>(vo);
  if constexpr (kSeen) {
    decltype(not_finite(Out{})) bits = 0;
#pragma GCC ivdep
    for (std::size_t i = 0; i < n; ++i) {
      const Out result = Op::call(Lane<In>::get(a[i]));
      bits |= not_finite(result);
      store(result, out + i);
    }
    return seen_if(bits != 0);
  } else {
#pragma GCC ivdep
    for (std::size_t i = 0; i < n; ++i) out[i] = Op::call(Lane<In>::get(a[i]));
    return 0;
  }
}

// out[i] = Op(a[i], b[i]), or with a[0] or b[0] for every i.
template <class Op, class In, class Out, Form kForm>
std::uint32_t binary_loop(const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  using L = Lane<In>;
  const auto* a = static_cast<const typename L::Stored*>(va);
  const auto* b = static_cast<const typename L::Stored*>(vb);
  auto* out = static_cast<Out*>(vo);
  if (n == 0) return 0;
  const auto x = L::get(a[0]), y = L::get(b[0]);
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = Op::call(kForm == Form::sv ? x : L::get(a[i]), kForm == Form::vs ? y : L::get(b[i]));
  }
  return 0;
}

// Operands exchanged: greater is less of (b, a).
template <BinaryKernel kLoop>
std::uint32_t swapped_loop(const void* a, const void* b, void* out, std::size_t n) noexcept {
  return kLoop(b, a, out, n);
}

// The same elements, or zeros.
template <std::size_t kBytes>
std::uint32_t copy_loop(const void* a, void* out, std::size_t n) noexcept {
  if (a != out && n != 0) std::memcpy(out, a, n * kBytes);
  return 0;
}
template <std::size_t kBytes, int kByte>
std::uint32_t fill_loop(const void*, void* out, std::size_t n) noexcept {
  if (n != 0) std::memset(out, kByte, n * kBytes);
  return 0;
}
template <class Op, class In, class Out>
constexpr BinaryKernels symmetric_kernels() noexcept {
  return {.vv = binary_loop<Op, In, Out, Form::vv>, .vs = binary_loop<Op, In, Out, Form::vs>};
}
template <class Op, class In, class Out>
constexpr BinaryKernels ordered_kernels() noexcept {
  return {.vv = binary_loop<Op, In, Out, Form::vv>,
          .vs = binary_loop<Op, In, Out, Form::vs>,
          .sv = binary_loop<Op, In, Out, Form::sv>};
}

// A commutative op whose bits do not depend on the sign of integers: those of one size share a loop. Results are
// bytes 0 and 1, or integers as the operands.
template <class Op, bool kByteResult>
void fill_integers_by_size(KernelTable& table, BinaryOp op) noexcept {
  const auto set = [&]<class T>(TypeId one, TypeId other, T) {
    slot(table, op, one) = slot(table, op, other) =
        symmetric_kernels<Op, T, std::conditional_t<kByteResult, std::uint8_t, T>>();
  };
  set(TypeId::int8, TypeId::uint8, std::uint8_t{});
  set(TypeId::int16, TypeId::uint16, std::uint16_t{});
  set(TypeId::int32, TypeId::uint32, std::uint32_t{});
  set(TypeId::int64, TypeId::uint64, std::uint64_t{});
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#endif  // toggle
