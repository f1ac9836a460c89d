// Casts: loops over bytes anywhere in memory, one for each pair of dtypes.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/cast.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <cmath>
#include <complex>
#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

// How elements are read and written: memcpy, as they may be unaligned. A bool is read as 0 or 1, by
// arithmetic: bytes that are compared are not vectorised next to floats.
template <class T>
struct CastLane {
  using Value = T;
  static HWY_INLINE T load(const unsigned char* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static HWY_INLINE void put(T value, unsigned char* to) noexcept { std::memcpy(to, &value, sizeof value); }
};
template <>
struct CastLane<bool> {
  using Value = std::uint8_t;
  static HWY_INLINE std::uint8_t load(const unsigned char* from) noexcept {
    return static_cast<std::uint8_t>((*from | (0U - *from)) >> 7 & 1U);
  }
  static HWY_INLINE void put(std::uint8_t value, unsigned char* to) noexcept { *to = value; }
};
template <class T>
struct CastLane<std::complex<T>> {
  using Value = Pair<T>;
  static HWY_INLINE Pair<T> load(const unsigned char* from) noexcept {
    return {CastLane<T>::load(from), CastLane<T>::load(from + sizeof(T))};
  }
  static HWY_INLINE void put(Pair<T> value, unsigned char* to) noexcept {
    CastLane<T>::put(value.re, to);
    CastLane<T>::put(value.im, to + sizeof(T));
  }
};

// Towards zero; NaN and what does not fit give the minimum.
template <class To, class From>
HWY_INLINE To float_to_integer(From value) noexcept {
  constexpr To kLeast = std::numeric_limits<To>::min();
  constexpr From kBelow = static_cast<From>(kLeast) - From{1};  // exact, or rounds to the minimum
  constexpr From kAbove = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * From{2};  // exactly maximum + 1
  const bool low = sizeof(To) == 8 || sizeof(To) >= sizeof(From) ? value >= static_cast<From>(kLeast) : value > kBelow;
  const bool fits = low & (value < kAbove);
  using Step = std::conditional_t<sizeof(To) < 4, std::int32_t, To>;
  const auto whole = static_cast<To>(static_cast<Step>(fits ? value : From{0}));
  return fits ? whole : kLeast;
}

template <class To, class T>
HWY_INLINE typename CastLane<To>::Value convert(T value) noexcept {
  if constexpr (std::is_same_v<To, bool>) {
    return value != 0 ? 1 : 0;
  } else if constexpr (std::is_floating_point_v<T> && std::is_integral_v<To>) {
    return float_to_integer<To>(value);
  } else if constexpr (std::is_arithmetic_v<To>) {
    return static_cast<To>(value);
  } else {
    return {static_cast<typename To::value_type>(value), 0};
  }
}
template <class To, class T>
HWY_INLINE typename CastLane<To>::Value convert(Pair<T> value) noexcept {
  if constexpr (std::is_same_v<To, bool>) {
    return (value.re != 0) | (value.im != 0) ? 1 : 0;
  } else if constexpr (std::is_arithmetic_v<To>) {
    return convert<To>(value.re);
  } else {
    return {static_cast<typename To::value_type>(value.re), static_cast<typename To::value_type>(value.im)};
  }
}

template <class From, class To>
void cast_loop(const void* from, void* to, std::size_t n) noexcept {
  if constexpr (std::is_same_v<From, To>) {
    if (from != to && n != 0) std::memcpy(to, from, n * sizeof(To));
  } else {
    const auto* in = static_cast<const unsigned char*>(from);
    auto* out = static_cast<unsigned char*>(to);
#pragma GCC ivdep
    for (std::size_t i = 0; i < n; ++i) {
      CastLane<To>::put(convert<To>(CastLane<From>::load(in + i * sizeof(From))), out + i * sizeof(To));
    }
  }
}

// float32 whose rounding to float16 is that of the float64: towards zero, and the last bit says that something was cut.
HWY_INLINE float to_odd(double value) noexcept {
  const auto narrow = static_cast<float>(value);
  const auto back = static_cast<double>(narrow);
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(narrow);
  const std::uint32_t up = std::fabs(back) > std::fabs(value) ? 1U : 0U;
  return std::bit_cast<float>(back != value ? (bits - up) | 1U : bits);
}

// What float32 holds exactly goes through it as it is, all else rounded to odd.
template <class From>
inline constexpr bool kExactInFloat = std::is_same_v<From, float> || std::is_same_v<From, std::complex<float>> ||
                                      (std::is_integral_v<From> && sizeof(From) < 4);

template <class From>
void cast_to_half(const void* from, void* to, std::size_t n) noexcept {
  HWY_ALIGN float wide[kHalfChunk];
  HWY_ALIGN Half halves[kHalfChunk];
  for (std::size_t i = 0; i < n; i += kHalfChunk) {
    const auto* in = static_cast<const unsigned char*>(from) + i * sizeof(From);
    const std::size_t count = n - i < kHalfChunk ? n - i : kHalfChunk;
    if constexpr (kExactInFloat<From>) {
      cast_loop<From, float>(in, wide, count);
    } else {
      for (std::size_t k = 0; k < count; ++k)
        wide[k] = to_odd(convert<double>(CastLane<From>::load(in + k * sizeof(From))));
    }
    narrow_halves(wide, halves, count);
    std::memcpy(static_cast<unsigned char*>(to) + i * sizeof(Half), halves, count * sizeof(Half));
  }
}

template <class To>
void cast_from_half(const void* from, void* to, std::size_t n) noexcept {
  HWY_ALIGN float wide[kHalfChunk];
  HWY_ALIGN Half halves[kHalfChunk];
  for (std::size_t i = 0; i < n; i += kHalfChunk) {
    const std::size_t count = n - i < kHalfChunk ? n - i : kHalfChunk;
    std::memcpy(static_cast<void*>(halves), static_cast<const unsigned char*>(from) + i * sizeof(Half),
                count * sizeof(Half));
    widen_halves(halves, wide, count);
    cast_loop<float, To>(wide, static_cast<unsigned char*>(to) + i * sizeof(To), count);
  }
}

template <class From, class To>
constexpr CastKernel cast_kernel() noexcept {
  if constexpr (std::is_same_v<From, To>) {
    return cast_loop<From, To>;
  } else if constexpr (std::is_same_v<To, Half>) {
    return cast_to_half<From>;
  } else if constexpr (std::is_same_v<From, Half>) {
    return cast_from_half<To>;
  } else {
    return cast_loop<From, To>;
  }
}

template <class From>
void fill_row(TypeTable<CastKernel>& row) noexcept {
  row = {
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) cast_kernel<From, lane>(),
#include <ndshare/dtype_list.inc>
  };
}

void fill_cast_table(KernelTable* table) {
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) \
  fill_row<lane>(table->casts[static_cast<std::size_t>(TypeId::id)]);
#include <ndshare/dtype_list.inc>
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_cast_table);
void fill_cast(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_cast_table)(&table); }

CastKernel find_cast(TypeId from, TypeId to) noexcept {
  return kernels().casts[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}
}  // namespace ndshare::internal
#endif
