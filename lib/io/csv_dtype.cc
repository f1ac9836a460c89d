// From columns to the dtype of the array: inferred ones together, or a given one matched to the columns.
#include "lib/io/csv_text.h"

#include "lib/base/text.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 20); ++i)
    out += (i == 0 ? "'" : ", '") + printable(names[i]) + "'";
  return names.size() > 20 ? out + ", ..." : out;
}

void check_leaf(const Field& field) {
  if (field.dtype.is_structured() || !field.shape.empty()) {
    throw Error(ErrorCode::NotSupported, "field '" + printable(field.name) +
                                             "' of the dtype is nested or a sub-array; a CSV column "
                                             "holds one plain value: give one field a column");
  }
}

/// The column for each field by name; empty when no field has a column's name.
std::vector<std::size_t> by_name(const DType& dtype, const std::vector<std::string>& names, const std::string& file) {
  std::vector<std::size_t> from;
  std::vector<std::string> absent;
  for (const Field& field : dtype.fields()) {
    const auto found = std::find(names.begin(), names.end(), field.name);
    if (found == names.end()) {
      absent.push_back(field.name);
    } else {
      from.push_back(static_cast<std::size_t>(found - names.begin()));
    }
  }
  if (!from.empty() && !absent.empty()) {
    throw Error(ErrorCode::Usage, file + " has no column " + joined(absent) +
                                      ", which the dtype names; its columns are " + joined(names));
  }
  return from;
}

}  // namespace

std::string column_label(std::size_t column, std::string_view name) {
  return "column " + std::to_string(column + 1) + " '" + printable(name.substr(0, 80)) + "'";
}

std::string default_name(std::size_t column) { return "f" + std::to_string(column); }

void ragged(const CsvScan::Text& text, std::int64_t line, std::size_t fields) {
  const std::string expected = std::to_string(text.columns), actual = std::to_string(fields),
                    where = std::to_string(line);
  format_error(text.origin.name,
               "line " + where + " has " + actual + (fields == 1 ? " field, " : " fields, ") + expected +
                   " expected (as in the first row); a field with a delimiter in it is quoted",
               {{"line", where}, {"expected_fields", expected}, {"actual_fields", actual}});
}

void apply_given_dtype(CsvScan& scan, CsvScan::Text& text, const std::vector<std::string>& names, const DType& dtype) {
  scan.dtype = dtype;
  text.from.clear();
  if (!dtype.is_structured()) {
    for (std::size_t i = 0; i < text.columns; ++i) {
      text.from.push_back(i);
      scan.columns.push_back({names[i], dtype, "given", 0});
    }
    return;
  }
  const auto fields = dtype.fields();
  std::for_each(fields.begin(), fields.end(), check_leaf);
  if (scan.header) text.from = by_name(dtype, names, text.origin.name);
  if (text.from.empty()) {
    if (fields.size() != text.columns) {
      throw Error(ErrorCode::Usage, "the dtype has " + std::to_string(fields.size()) + " fields, " + text.origin.name +
                                        " has " + std::to_string(text.columns) + " columns: " + joined(names));
    }
    for (std::size_t i = 0; i < fields.size(); ++i) text.from.push_back(i);
  }
  for (const Field& field : fields) scan.columns.push_back({field.name, field.dtype, "given", 0});
}

DType combined_dtype(const CsvScan& scan, bool named, const std::string& file) {
  const auto& columns = scan.columns;
  const bool alike =
      std::all_of(columns.begin(), columns.end(), [&](const CsvColumn& c) { return c.dtype == columns[0].dtype; });
  if (!named && alike) return columns[0].dtype;
  std::vector<Field> fields;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t j = 0; j < i && columns.size() <= 10'000; ++j) {
      if (columns[i].name == columns[j].name) {
        format_error(file, "columns " + std::to_string(j + 1) + " and " + std::to_string(i + 1) + " are both named '" +
                               printable(columns[i].name) + "'; give other names (.names)");
      }
    }
    fields.push_back({columns[i].name, columns[i].dtype});
  }
  try {
    return DType::structured(std::move(fields));
  } catch (const Error& error) {
    format_error(file, "its " + std::to_string(columns.size()) + " columns make no dtype: " + error.message());
  }
}

}  // namespace ndshare::internal
