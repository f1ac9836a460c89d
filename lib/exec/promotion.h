// Which dtype a mixture of dtypes gives (NEP 50), and which casts are allowed. Pure tables over numeric dtypes.
#pragma once

#include <ndshare/cast.h>
#include <ndshare/dtype.h>
#include <ndshare/scalar.h>

#include "lib/kernels/registry.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace ndshare::internal {

/// The smallest dtype that both cast to safely, by NumPy's table: dtypes decide, never values. REQUIRES: both numeric.
[[nodiscard]] TypeId result_type(TypeId a, TypeId b) noexcept;
/// Of several: the highest kind first, as NumPy does: int8, uint8 and float16 give float16, though int8 and uint8 alone need int16.
///   REQUIRES: at least one; all numeric.
[[nodiscard]] TypeId result_type(std::span<const TypeId> types);

/// The dtype of a literal (a weak operand) next to an array of dtype `array`: the array's within its kind, else the
/// default of the literal's kind (int64, float64, complex128; float with complex keeps the precision).
///   Errors: DtypeMismatch for text.
[[nodiscard]] TypeId weak_type(const Scalar& literal, TypeId array);

/// The float that holds an integer or bool dtype where only floats have loops: 1 byte float16, 2 bytes float32, else float64.
[[nodiscard]] TypeId float_for(TypeId integer) noexcept;

/// Whether arithmetic has no rounding: integers and bool.
[[nodiscard]] inline bool is_exact(TypeId type) noexcept { return DType(type).is_integer() || DType(type).is_bool(); }

/// Whether the operation has a loop of this dtype, without a conversion of its operands.
[[nodiscard]] inline bool has_loop(const OpInfo& row, TypeId type) noexcept {
  return row.loops.find(DType(type).kind()) != std::string_view::npos;
}

/// The dtype of a complex dtype's parts; of any other, itself.
[[nodiscard]] TypeId part_of(TypeId type) noexcept;

/// The result's dtype of a loop that computes in `loop`.
[[nodiscard]] inline TypeId result_of(const OpInfo& row, TypeId loop) noexcept {
  if (row.result == ResultRule::boolean) return TypeId::bool_;
  return row.result == ResultRule::part ? part_of(loop) : loop;
}

/// NumPy's can_cast for numeric dtypes. `i8 → f8` is safe, `i8 → f4` and `u8 → i8` same_kind, `i → u`, `f → i`, `c → f`
/// and anything but bool to bool unsafe.
[[nodiscard]] bool can_cast(TypeId from, TypeId to, Casting casting) noexcept;

/// Throws DtypeMismatch unless `dtype` is numeric; `what` names the function in the message.
void require_numeric(std::string_view what, const DType& dtype);

}  // namespace ndshare::internal
