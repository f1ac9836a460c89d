// Bits: and, or, exclusive or, invert, and shifts that are defined for every count.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/bitwise.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

struct BitAnd {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    return static_cast<T>(a & b);
  }
};
struct BitOr {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    return static_cast<T>(a | b);
  }
};
struct BitXor {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    return static_cast<T>(a ^ b);
  }
};
struct Invert {
  template <class T>
  static HWY_INLINE T call(T a) noexcept {
    return static_cast<T>(~a);
  }
};
struct NotTrue {  // of a Truth
  static HWY_INLINE std::uint8_t call(std::uint8_t a) noexcept { return a ^ 1U; }
};

// Counts are seen as unsigned: a negative one is beyond the width too. Left shifts of signed integers use these loops.
struct ShiftLeft {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    constexpr T kWidth = 8 * sizeof(T);
    const auto shifted = static_cast<T>(a << (b & (kWidth - 1)));
    return b < kWidth ? shifted : T{0};
  }
};
struct ShiftRight {
  template <class T>
  static HWY_INLINE T call(T a, T b) noexcept {
    using U = std::make_unsigned_t<T>;
    constexpr U kWidth = 8 * sizeof(T);
    const auto count = static_cast<U>(b);
    if constexpr (std::is_signed_v<T> && sizeof(T) == 1) {  // no target shifts signed bytes: shift x + 128, unsigned
      const auto by = static_cast<U>(count < kWidth ? count : kWidth - 1);
      const auto up = static_cast<U>(static_cast<U>(a) ^ 0x80U);
      return static_cast<T>(static_cast<U>(static_cast<U>(up >> by) - static_cast<U>(U{0x80} >> by)));
    } else if constexpr (std::is_signed_v<T>) {  // by the width less 1: nothing but the sign is left
      return static_cast<T>(a >> (count < kWidth ? count : static_cast<U>(kWidth - 1)));
    } else {
      const auto shifted = static_cast<T>(a >> (count & (kWidth - 1)));
      return count < kWidth ? shifted : T{0};
    }
  }
};

template <class Op>
void fill_bits(KernelTable& table, BinaryOp op) noexcept {
  fill_integers_by_size<Op, false>(table, op);
  slot(table, op, TypeId::bool_) = symmetric_kernels<Op, Truth, std::uint8_t>();
}

void fill_shifts(KernelTable& table) noexcept {
  const auto set = [&]<class Signed, class Unsigned>(TypeId with_sign, TypeId without, Signed, Unsigned) {
    slot(table, BinaryOp::bitwise_left_shift, with_sign) = slot(table, BinaryOp::bitwise_left_shift, without) =
        ordered_kernels<ShiftLeft, Unsigned, Unsigned>();
    slot(table, BinaryOp::bitwise_right_shift, with_sign) = ordered_kernels<ShiftRight, Signed, Signed>();
    slot(table, BinaryOp::bitwise_right_shift, without) = ordered_kernels<ShiftRight, Unsigned, Unsigned>();
    slot(table, UnaryOp::bitwise_invert, with_sign) = slot(table, UnaryOp::bitwise_invert, without) =
        unary_loop<Invert, Unsigned, Unsigned>;
  };
  set(TypeId::int8, TypeId::uint8, std::int8_t{}, std::uint8_t{});
  set(TypeId::int16, TypeId::uint16, std::int16_t{}, std::uint16_t{});
  set(TypeId::int32, TypeId::uint32, std::int32_t{}, std::uint32_t{});
  set(TypeId::int64, TypeId::uint64, std::int64_t{}, std::uint64_t{});
}

void fill_bitwise_table(KernelTable* table) {
  fill_bits<BitAnd>(*table, BinaryOp::bitwise_and);
  fill_bits<BitOr>(*table, BinaryOp::bitwise_or);
  fill_bits<BitXor>(*table, BinaryOp::bitwise_xor);
  fill_shifts(*table);
  slot(*table, UnaryOp::bitwise_invert, TypeId::bool_) = unary_loop<NotTrue, Truth, std::uint8_t>;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_bitwise_table);
void fill_bitwise(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_bitwise_table)(&table); }
}  // namespace ndshare::internal
#endif
