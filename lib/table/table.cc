#include "lib/table/table.h"

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/array/datetime.h"
#include "lib/array/dtype_record.h"
#include "lib/array/element.h"
#include "lib/array/strided.h"
#include "lib/base/text.h"
#include "lib/exec/parallel.h"

#include <algorithm>
#include <limits>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kPassBytes = std::int64_t{256} << 10;  // a block's rows stay in the cache for the next field

/// The rows first … first + n − 1 of one field.
void move_rows(const FieldMove& move, std::int64_t first, std::int64_t n) {
  Shape rows = move.to.shape();
  rows[0] = n;
  const Strides &to = move.to.strides(), &from = move.from.strides();
  copy_strided(move.to.mutable_data() + first * to[0], to, move.from.data() + first * from[0], from, rows,
               move.to.dtype());
}

void store_missing_element(std::byte* item, const DType& dtype) {
  if (dtype.is_structured()) {
    for (const Field& field : dtype.fields()) store_missing(item, field);
    return;
  }
  std::memset(item, 0, static_cast<std::size_t>(dtype.itemsize()));
  if (dtype.is_time()) return store_lane(item, kNat);
  if (!dtype.is_floating() && !dtype.is_complex()) return;
  visit_numeric(dtype.id(), [&]<class T>() {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    if constexpr (std::is_same_v<T, Half>) {
      store_lane(item, Half(static_cast<float>(kNan)));
    } else if constexpr (!std::is_integral_v<T>) {
      store_lane(item, static_cast<T>(kNan));
    }
  });
}

}  // namespace

void check_structured(std::string_view what, const Array& x) {
  if (x.dtype().is_structured()) return;
  throw Error(Error::DtypeMismatch, std::string(what) + " takes a structured array, not dtype " +
                                        x.dtype().to_string() + ": merge_arrays({x}) makes one with a field f0");
}

void check_table(std::string_view what, const Array& x) {
  check_structured(what, x);
  if (x.ndim() == 1) return;
  throw Error(Error::ShapeMismatch,
              std::string(what) + " takes a table of one axis, not of shape " + x.shape().str() + ": ravel() it first",
              {{"shape", x.shape().str()}});
}

void check_distinct(std::string_view what, std::span<const std::string> names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) ==
        names.begin() + static_cast<std::ptrdiff_t>(i))
      continue;
    throw Error(Error::DType, std::string(what) + ": field '" + printable(names[i]) + "' is named twice: name it once",
                {{"field", names[i]}});
  }
}

void move_fields(std::span<const FieldMove> moves) {
  if (moves.empty() || moves.front().to.size() == 0) return;
  if (moves.front().to.ndim() == 0 || moves.front().to.shape(0) == 1) {
    for (const FieldMove& move : moves) {
      copy_strided(move.to.mutable_data(), move.to.strides(), move.from.data(), move.from.strides(), move.to.shape(),
                   move.to.dtype());
    }
    return;
  }
  std::int64_t bytes = 1;
  const std::int64_t rows = moves.front().to.shape(0);
  for (const FieldMove& move : moves) bytes += move.to.nbytes() / rows;
  const std::int64_t step = std::max<std::int64_t>(1, kPassBytes / bytes);
  parallel_blocks(static_cast<std::size_t>((rows + step - 1) / step), 0, [&](std::size_t block) {
    const std::int64_t first = static_cast<std::int64_t>(block) * step;
    for (const FieldMove& move : moves) move_rows(move, first, std::min(step, rows - first));
  });
}

Field placed_anew(const Field& field, std::string name) {
  return {.name = std::move(name), .dtype = field.dtype, .shape = field.shape, .offset = DType::kAutoOffset};
}

Array make_table(const Shape& shape, const DType& dtype) {
  const auto runs = data_runs(dtype);
  return runs.size() == 1 && runs[0].nbytes == dtype.itemsize() ? empty(shape, dtype) : zeros(shape, dtype);
}

void store_missing(std::byte* row, const Field& field, const std::optional<Scalar>& fill) {
  const std::int64_t count = field.shape.count();
  for (std::int64_t i = 0; i < count; ++i) {
    std::byte* item = row + field.offset + i * field.dtype.itemsize();
    if (fill) {
      store_scalar(item, field.dtype, *fill);
    } else {
      store_missing_element(item, field.dtype);
    }
  }
}

}  // namespace ndshare::internal
