#include "lib/exec/promotion.h"

#include <ndshare/error.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ndshare::internal {
namespace {

// same_kind goes up this ladder only: bool, unsigned, signed, float, complex.
int rung(TypeId id) noexcept {
  const DType dtype(id);
  if (dtype.is_bool()) return 0;
  if (dtype.is_unsigned_integer()) return 1;
  if (dtype.is_signed_integer()) return 2;
  return dtype.is_floating() ? 3 : 4;
}

std::int64_t size_of(TypeId id) noexcept { return DType(id).itemsize(); }

// Two integers of different sign: the signed dtype that holds both; none holds uint64 and a sign.
TypeId mixed_integers(TypeId with_sign, TypeId without) noexcept {
  if (size_of(with_sign) > size_of(without)) return with_sign;
  switch (without) {
    case TypeId::uint8:
      return TypeId::int16;
    case TypeId::uint16:
      return TypeId::int32;
    case TypeId::uint32:
      return TypeId::int64;
    default:
      return TypeId::float64;
  }
}

TypeId complex_for(TypeId real) noexcept { return size_of(real) <= 4 ? TypeId::complex64 : TypeId::complex128; }

}  // namespace

TypeId float_for(TypeId integer) noexcept {
  switch (size_of(integer)) {
    case 1:
      return TypeId::float16;
    case 2:
      return TypeId::float32;
    default:
      return TypeId::float64;
  }
}

TypeId part_of(TypeId type) noexcept {
  if (type == TypeId::complex64) return TypeId::float32;
  return type == TypeId::complex128 ? TypeId::float64 : type;
}

TypeId result_type(TypeId a, TypeId b) noexcept {
  if (rung(a) > rung(b)) std::swap(a, b);  // b is of the higher kind
  const int low = rung(a), high = rung(b);
  if (low == high) return std::max(a, b, [](TypeId x, TypeId y) { return size_of(x) < size_of(y); });
  if (low == 0) return b;
  if (high == 2) return mixed_integers(b, a);
  const TypeId real = low < 3 ? float_for(a) : a;
  const TypeId wanted = high == 4 ? complex_for(real) : real;
  return size_of(wanted) > size_of(b) ? wanted : b;
}

TypeId result_type(std::span<const TypeId> types) {
  std::vector<TypeId> sorted(types.begin(), types.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](TypeId a, TypeId b) { return rung(a) > rung(b); });
  TypeId result = sorted.front();
  for (const TypeId next : sorted) result = result_type(result, next);
  return result;
}

TypeId weak_type(const Scalar& literal, TypeId array) {
  const DType dtype(array);
  switch (literal.kind()) {
    case 'b':
      return array;
    case 'i':
      return dtype.is_bool() ? TypeId::int64 : array;
    case 'f':
      return dtype.is_floating() || dtype.is_complex() ? array : TypeId::float64;
    case 'c':
      if (dtype.is_complex()) return array;
      return dtype.is_floating() ? complex_for(array) : TypeId::complex128;
    default:
      break;
  }
  throw Error(Error::DtypeMismatch, "text is no operand for an array of " + dtype.name() + ": give a number",
              {{"dtype", dtype.name()}});
}

bool can_cast(TypeId from, TypeId to, Casting casting) noexcept {
  switch (casting) {
    case Casting::no:
      return from == to;
    case Casting::equiv:
      return from == to;
    case Casting::safe:
      return result_type(from, to) == to;
    case Casting::same_kind:
      return rung(from) <= rung(to);
    case Casting::unsafe:
      return true;
  }
  return false;
}

void require_numeric(std::string_view what, const DType& dtype) {
  if (dtype.is_numeric()) return;
  throw Error(Error::DtypeMismatch,
              std::string(what) + " takes numbers, not " + dtype.to_string() + ": pick a field or convert it first",
              {{"dtype", dtype.to_string()}});
}

}  // namespace ndshare::internal
