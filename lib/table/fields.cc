// Fields added, dropped, renamed, and arrays put side by side.
#include <ndshare/error.h>
#include <ndshare/table.h>

#include "lib/array/copies.h"
#include "lib/base/text.h"
#include "lib/exec/guard.h"
#include "lib/table/table.h"

#include <algorithm>

namespace ndshare {
namespace {

using internal::FieldMove;

/// The fields of a result, each with the array that it is copied from.
class NewTable {
 public:
  NewTable(std::string_view what, const Shape& shape) : what_(what), shape_(shape) {}

  void add_field(const Array& x, const Field& field) {
    fields_.push_back(internal::placed_anew(field, field.name));
    sources_.push_back(x[field.name]);
  }
  /// A whole array as one field; its axes beyond the table's are a sub-array.
  void add_array(const std::string& name, const Array& array) {
    const Shape& shape = array.shape();
    const auto rows = static_cast<std::size_t>(shape_.ndim());
    if (shape.size() < rows || !std::equal(shape_.begin(), shape_.end(), shape.begin())) {
      throw Error(Error::ShapeMismatch,
                  std::string(what_) + ": the array for field '" + internal::printable(name) + "' has shape " +
                      shape.str() + ", the rows have " + shape_.str() + ": its shape must begin with that",
                  {{"array", shape.str()}, {"rows", shape_.str()}});
    }
    const Shape inner(std::span<const std::int64_t>(shape).subspan(rows));
    fields_.push_back({.name = name, .dtype = array.dtype(), .shape = inner, .offset = DType::kAutoOffset});
    sources_.push_back(array);
  }
  [[nodiscard]] std::size_t fields() const noexcept { return fields_.size(); }

  [[nodiscard]] Array make(CopyReason reason, std::span<const Array> operands) && {
    const DType dtype = DType::structured(std::move(fields_));
    internal::check_result_memory(what_, shape_, dtype.itemsize(), operands);
    internal::note_copy(reason, shape_.nbytes(dtype.itemsize()));
    const Array out = internal::make_table(shape_, dtype);
    std::vector<FieldMove> moves;
    for (std::size_t i = 0; i < sources_.size(); ++i) moves.push_back({out[dtype.fields()[i].name], sources_[i]});
    internal::move_fields(moves);
    return out;
  }

 private:
  std::string_view what_;
  Shape shape_;
  std::vector<Field> fields_{};
  std::vector<Array> sources_{};
};

void check_count(std::string_view what, std::size_t names, std::size_t arrays) {
  if (names == arrays) return;
  throw Error(Error::Usage, std::string(what) + ": " + std::to_string(names) + " names for " + std::to_string(arrays) +
                                " arrays: give one name an array");
}

bool contains(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Array append_fields(const Array& x, const std::vector<std::string>& names, const std::vector<Array>& arrays) {
  internal::check_structured("append_fields", x);
  check_count("append_fields", names.size(), arrays.size());
  NewTable table("append_fields", x.shape());
  for (const Field& field : x.dtype().fields()) table.add_field(x, field);
  for (std::size_t i = 0; i < names.size(); ++i) table.add_array(names[i], arrays[i]);
  return std::move(table).make(CopyReason::joined, {&x, 1});
}

Array drop_fields(const Array& x, const std::vector<std::string>& names) {
  internal::check_structured("drop_fields", x);
  for (const std::string& name : names) static_cast<void>(x.dtype().field(name));
  NewTable table("drop_fields", x.shape());
  for (const Field& field : x.dtype().fields()) {
    if (!contains(names, field.name)) table.add_field(x, field);
  }
  if (table.fields() == 0) throw Error(Error::DType, "drop_fields: no field would be left: keep at least one");
  return std::move(table).make(CopyReason::selected, {&x, 1});
}

Array rename_fields(const Array& x, const std::vector<std::pair<std::string, std::string>>& names) {
  internal::check_structured("rename_fields", x);
  std::vector<std::string> old;
  for (const auto& [from, to] : names) {
    static_cast<void>(x.dtype().field(from));
    old.push_back(from);
  }
  internal::check_distinct("rename_fields", old);
  const auto before = x.dtype().fields();
  std::vector<Field> fields(before.begin(), before.end());
  for (Field& field : fields) {
    const auto found = std::find(old.begin(), old.end(), field.name);
    if (found != old.end()) field.name = names[static_cast<std::size_t>(found - old.begin())].second;
  }
  return x.view_as(DType::structured(std::move(fields), x.dtype().is_aligned_struct(), x.itemsize()));
}

Array merge_arrays(const std::vector<Array>& arrays, const MergeOptions& options) {
  if (arrays.empty()) throw Error(Error::Usage, "merge_arrays: no arrays: give at least one");
  if (!options.names.empty()) check_count("merge_arrays", options.names.size(), arrays.size());
  const Shape& shape = arrays.front().shape();
  NewTable table("merge_arrays", shape);
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const Array& array = arrays[i];
    if (array.shape() != shape) {
      throw Error(Error::ShapeMismatch,
                  "merge_arrays: array " + std::to_string(i) + " has shape " + array.shape().str() +
                      ", the first has " + shape.str() + ": rows lie side by side only where all have the same",
                  {{"array", array.shape().str()}, {"first", shape.str()}});
    }
    if (options.flatten && array.dtype().is_structured()) {
      for (const Field& field : array.dtype().fields()) table.add_field(array, field);
    } else {
      table.add_array(options.names.empty() ? "f" + std::to_string(table.fields()) : options.names[i], array);
    }
  }
  return std::move(table).make(CopyReason::joined, arrays);
}

}  // namespace ndshare
