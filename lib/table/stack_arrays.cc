// Rows of several tables one after another, with the union of their fields.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/table.h>

#include "lib/array/copies.h"
#include "lib/base/text.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/table/table.h"

#include <algorithm>
#include <cstring>

namespace ndshare {
namespace {

/// The dtype that holds a field of two tables.
DType common_dtype(const Field& a, const Field& b) {
  if (a.shape == b.shape) {
    if (a.dtype == b.dtype) return a.dtype;
    if (a.dtype.is_numeric() && b.dtype.is_numeric()) return result_type({a.dtype, b.dtype});
    if (a.dtype.is_text() && a.dtype.id() == b.dtype.id())
      return a.dtype.length() > b.dtype.length() ? a.dtype : b.dtype;
  }
  const auto text = [](const Field& field) {
    return field.dtype.to_string() + (field.shape.empty() ? "" : field.shape.str());
  };
  throw Error(Error::DtypeMismatch,
              "stack_arrays: field '" + internal::printable(a.name) + "' is " + text(a) + " in one table and " +
                  text(b) + " in another: rename one, or convert it first",
              {{"field", a.name}, {"first", text(a)}, {"other", text(b)}});
}

std::vector<Field> united(const std::vector<Array>& tables) {
  std::vector<Field> out;
  for (const Array& table : tables) {
    for (const Field& field : table.dtype().fields()) {
      const auto same = [&](const Field& other) { return other.name == field.name; };
      const auto found = std::find_if(out.begin(), out.end(), same);
      if (found == out.end()) {
        out.push_back(internal::placed_anew(field, field.name));
      } else {
        found->dtype = common_dtype(*found, field);
      }
    }
  }
  return out;
}

/// Every element of a column what a missing one is.
void fill_missing(const Array& rows, const Field& field) {
  std::vector<std::byte> item(static_cast<std::size_t>(field.offset + field.nbytes()));
  internal::store_missing(item.data(), field);
  constexpr std::int64_t kRows = 8192;
  std::byte* base = rows.mutable_data();
  const std::int64_t n = rows.shape(0), step = rows.strides()[0];
  internal::parallel_blocks(static_cast<std::size_t>((n + kRows - 1) / kRows), 0, [&](std::size_t block) {
    const std::int64_t first = static_cast<std::int64_t>(block) * kRows;
    for (std::int64_t row = first; row < std::min(n, first + kRows); ++row) {
      std::memcpy(base + row * step + field.offset, item.data() + field.offset,
                  static_cast<std::size_t>(field.nbytes()));
    }
  });
}

/// One table's rows of the result.
void put_rows(const Array& rows, const Array& table) {
  std::vector<internal::FieldMove> moves;
  for (const Field& field : rows.dtype().fields()) {
    if (table.dtype().find_field(field.name) == nullptr) {
      fill_missing(rows, field);
      continue;
    }
    const Array to = rows[field.name], from = table[field.name];
    if (to.dtype() == from.dtype()) {
      moves.push_back({to, from});
    } else if (to.dtype().is_numeric()) {
      internal::assign_cast(to, from, 0);
    } else {  // text in a longer field: the zeroed rest is its padding
      const DType narrow = DType::structured({{.name = "text", .dtype = from.dtype()}}, false, to.itemsize());
      moves.push_back({Array(narrow, to.layout(), to.buffer(), true)["text"], from});
    }
  }
  internal::move_fields(moves);
}

bool has_text(const DType& dtype) {
  return std::any_of(dtype.fields().begin(), dtype.fields().end(),
                     [](const Field& field) { return field.dtype.is_text(); });
}

}  // namespace

Array stack_arrays(const std::vector<Array>& tables) {
  if (tables.empty()) throw Error(Error::Usage, "stack_arrays: no tables: give at least one");
  std::int64_t rows = 0;
  for (const Array& table : tables) {
    internal::check_table("stack_arrays", table);
    if (__builtin_add_overflow(rows, table.shape(0), &rows)) {  // tables with strides of 0 take no memory
      throw Error(Error::MemoryGuard, "stack_arrays: over 2^63-1 rows in all: stack fewer tables");
    }
  }
  const DType dtype = DType::structured(united(tables));
  internal::check_result_memory("stack_arrays", {rows}, dtype.itemsize(), tables);
  internal::note_copy(CopyReason::joined, rows * dtype.itemsize());
  const Array out = has_text(dtype) ? zeros({rows}, dtype) : internal::make_table({rows}, dtype);
  std::int64_t first = 0;
  for (const Array& table : tables) {
    if (table.size() > 0) put_rows(out(slice(first, first + table.size())), table);
    first += table.size();
  }
  return out;
}

}  // namespace ndshare
