// TypeId, TimeUnit and lanes: the dtype families and the C++ type that holds one element of a numeric one.
#pragma once

#include <ndshare/half.h>

#include <complex>
#include <cstdint>
#include <type_traits>

namespace ndshare {

/// Every dtype family, numeric ones first (dtype_list.inc).
enum class TypeId : std::uint8_t {
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) id,
#define NDSHARE_DTYPE_SIZED(id, name, kind) id,
#include <ndshare/dtype_list.inc>
};

/// The unit of a datetime64 or timedelta64, coarse to fine; `generic` is a bare number.
enum class TimeUnit : std::uint8_t {
#define NDSHARE_TIME_UNIT(id, spelling, ratio) id,
#include <ndshare/dtype_list.inc>
};

/// The C++ type of a numeric dtype: `LaneOf<TypeId::float32>` is float.
template <TypeId kId>
struct LaneType;
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) \
  template <>                                               \
  struct LaneType<TypeId::id> {                             \
    using type = lane;                                      \
  };
#include <ndshare/dtype_list.inc>
template <TypeId kId>
using LaneOf = typename LaneType<kId>::type;

/// The dtype family of a C++ type; integers go by size and sign (`long long` is int64).
template <class T>
consteval TypeId type_id_of() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, bool>) {
    return TypeId::bool_;
  } else if constexpr (std::is_integral_v<U> && std::is_signed_v<U>) {
    return sizeof(U) == 1   ? TypeId::int8
           : sizeof(U) == 2 ? TypeId::int16
           : sizeof(U) == 4 ? TypeId::int32
                            : TypeId::int64;
  } else if constexpr (std::is_integral_v<U>) {
    return sizeof(U) == 1   ? TypeId::uint8
           : sizeof(U) == 2 ? TypeId::uint16
           : sizeof(U) == 4 ? TypeId::uint32
                            : TypeId::uint64;
  } else if constexpr (std::is_same_v<U, Half>) {
    return TypeId::float16;
  } else if constexpr (std::is_same_v<U, float>) {
    return TypeId::float32;
  } else if constexpr (std::is_same_v<U, double>) {
    return TypeId::float64;
  } else if constexpr (std::is_same_v<U, std::complex<float>>) {
    return TypeId::complex64;
  } else {
    static_assert(std::is_same_v<U, std::complex<double>>, "no dtype for this C++ type");
    return TypeId::complex128;
  }
}

/// Calls `function.template operator()<Lane>()` for a numeric family; returns false, calling nothing, for the others.
template <class Function>
bool visit_numeric(TypeId id, Function&& function) {
  switch (id) {
#define NDSHARE_DTYPE(row, lane, name, kind, code, itemsize) \
  case TypeId::row:                                          \
    function.template operator()<lane>();                    \
    return true;
#include <ndshare/dtype_list.inc>
    default:
      return false;
  }
}

}  // namespace ndshare
