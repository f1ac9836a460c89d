// What the functions of tables share: checks of their arguments, fields copied by all threads, values for what is
// missing.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>
#include <ndshare/scalar.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare::internal {

/// Throws DtypeMismatch unless `x` is structured.
void check_structured(std::string_view what, const Array& x);
/// Throws unless `x` is a structured array of one axis.
void check_table(std::string_view what, const Array& x);
/// Throws DType for a name that is given twice.
void check_distinct(std::string_view what, std::span<const std::string> names);

/// One field's way into a result.   REQUIRES: both of the same shape and dtype, memory apart.
struct FieldMove {
  Array to, from;
};
/// Copies all of them, a block of rows at a time, by all threads.
void move_fields(std::span<const FieldMove> moves);

/// A field without its place: `structured` puts it behind the others.
Field placed_anew(const Field& field, std::string name);
/// A new array. Padding between nested fields is zeroed: it would carry what the memory held before into files and
/// peers.
Array make_table(const Shape& shape, const DType& dtype);

/// Writes what a missing value is into a field of a row: `fill` where it is given, else NaN, NaT, empty text, 0.
///   Errors: as store_scalar, for `fill`.
void store_missing(std::byte* row, const Field& field, const std::optional<Scalar>& fill = {});

}  // namespace ndshare::internal
