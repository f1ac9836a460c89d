// Which dtype a mixture of dtypes gives, which casts are allowed, and the cast itself.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>
#include <ndshare/export.h>
#include <ndshare/scalar.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <variant>

namespace ndshare {

/// How much a cast may lose, from nothing to anything. Each level includes the ones before it. `equiv` would allow another byte
/// order, which no array here has: it is `no`.
enum class Casting : std::uint8_t { no, equiv, safe, same_kind, unsafe };

/// NumPy's can_cast for numeric dtypes. `i8 → f8` is safe, `i8 → f4` and `u8 → i8` same_kind, `i → u`, `f → i`, `c → f` and
/// anything but bool to bool unsafe. Other dtypes cast to themselves only.
[[nodiscard]] NDSHARE_API bool can_cast(const DType& from, const DType& to, Casting casting = Casting::safe) noexcept;

/// What counts for the dtype of a result: an array's or a dtype (strong), or a number (weak, NEP 50).
using TypeOperand = std::variant<DType, Scalar>;
/// The smallest dtype that all cast to safely, by NumPy 2's table: dtypes decide, never values.
///   Errors: DtypeMismatch (not numbers), Usage (nothing given).
[[nodiscard]] NDSHARE_API DType result_type(std::initializer_list<TypeOperand> operands);

/// Options of `astype`.
struct CastOptions {
  Casting casting = Casting::same_kind;
  bool copy = true;  ///< false: the array itself where it has the dtype already
  int threads = 0;
};
/// A new array with the same elements in another dtype.
///   Dtypes: numeric; any to itself. Floats to integers truncate; of NaN or out of range: the most negative integer (0 of unsigned
///     ones) and errstate's `invalid`.
///   Errors: DtypeMismatch for a cast that the rule forbids, with the rule that would allow it; Arithmetic, MemoryGuard, Memory.
///   Threads: safe; parallel inside.
[[nodiscard]] NDSHARE_API Array astype(const Array& x, const DType& dtype, const CastOptions& options = {});

}  // namespace ndshare
