// The second pass over a CSV text: values into the elements of an array.
#include "lib/io/csv_text.h"

#include <ndshare/create.h>

#include "lib/array/datetime.h"
#include "lib/base/text.h"
#include "lib/exec/parallel.h"
#include "lib/io/csv_chunks.h"

#include <algorithm>
#include <cstring>
#include <exception>

namespace ndshare {
namespace {

using internal::CsvField;
using internal::format_error;

/// Where the values of one column of the text go.
struct Target {
  std::size_t column = 0;   ///< in the text
  std::int64_t offset = 0;  ///< bytes from the start of a row of the array
  std::string name{};
  internal::ValueParser parser;
  bool text = false;                 ///< S or U: a missing value is the text itself
  std::vector<std::byte> missing{};  ///< the element for a missing value; empty: an error
};

/// The element that a missing value becomes.
std::vector<std::byte> missing_element(const CsvScan::Text& text, Target& target) {
  const DType& dtype = target.parser.dtype();
  if (target.text) return {};
  std::vector<std::byte> element(static_cast<std::size_t>(dtype.itemsize()));
  if (text.missing) {
    if (target.parser.parse(internal::with_slack(*text.missing), element.data())) return element;
    throw Error(ErrorCode::Usage, "'" + internal::printable(*text.missing) + "', given for missing values, is no " +
                                      dtype.name() + " (" + internal::column_label(target.column, target.name) + ")");
  }
  if (dtype.is_floating() || dtype.is_complex()) {
    target.parser.parse(internal::with_slack("nan"), element.data());
    return element;
  }
  if (!dtype.is_time()) return {};
  std::memcpy(element.data(), &internal::kNat, sizeof internal::kNat);
  return element;
}

/// Reads chunks, one after the other.   Threads: one each.
class Reader {
 public:
  Reader(const CsvScan& scan, const Array& destination)
      : text_(*scan.text), scan_(scan), records_(text_.origin, text_.dialect), missing_(text_.missing_texts) {
    const auto fields = scan.dtype.fields();
    for (std::size_t i = 0; i < scan.columns.size(); ++i) {
      const DType& dtype = scan.columns[i].dtype;
      const std::int64_t offset = scan.dtype.is_structured() ? fields[i].offset
                                  : destination.ndim() == 2  ? static_cast<std::int64_t>(i) * destination.strides()[1]
                                                             : 0;
      targets_.push_back({text_.from[i], offset, scan.columns[i].name, internal::ValueParser(dtype), dtype.is_text()});
      targets_.back().missing = missing_element(text_, targets_.back());
    }
  }

  /// Reads the records from `from` on into rows that begin at `row`; they end with `to`.
  void run(const internal::CsvPlace& from, const internal::CsvPlace& to, bool last, std::byte* row,
           std::int64_t stride) {
    records_.start(from, last ? internal::CsvRecords::kToTheEnd : to.offset);
    std::int64_t left = to.row - from.row;
    while (const std::size_t rows = records_.next_rows(text_.columns)) {
      const auto fields = records_.fields();
      if (fields.size() != rows * text_.columns) internal::ragged(text_, records_.line(0), fields.size());
      // A file that grew may have rows for which there is no place; what is wrong with those before them comes first.
      const auto here = std::min(rows, static_cast<std::size_t>(left));
      read_rows(here, row, stride);
      if (here != rows) changed();
      left -= static_cast<std::int64_t>(rows);
      row += static_cast<std::int64_t>(rows) * stride;
    }
    if (left != 0 || (!last && records_.place().offset != to.offset)) changed();
  }

 private:
  /// Column by column; when one has something wrong again row by row, to find what is wrong first.
  void read_rows(std::size_t rows, std::byte* row, std::int64_t stride) {
    const CsvField* const fields = records_.fields().data();
    bool right = true;
    for (Target& target : targets_) {
      const internal::CsvColumnFields column{fields + target.column, text_.columns, rows};
      std::byte* const elements = row + target.offset;
      for (std::size_t i = 0; right; ++i) {
        i += target.parser.parse_usual(column, i, missing_, elements + static_cast<std::int64_t>(i) * stride, stride);
        if (i == rows) break;
        right = read_field(target, column[i], elements + static_cast<std::int64_t>(i) * stride) == Found::value;
      }
    }
    for (std::size_t i = 0; i < rows && !right; ++i, row += stride) {
      line_ = records_.line(i);
      for (Target& target : targets_) {
        const CsvField& field = fields[i * text_.columns + target.column];
        const Found found = read_field(target, field, row + target.offset);
        if (found == Found::no_value) no_value(target);
        if (found == Found::bad_value) bad_value(target, records_.text(field, scratch_));
      }
    }
  }

  enum class Found : std::uint8_t { value, no_value, bad_value };

  Found read_field(Target& target, const CsvField& field, std::byte* element) {
    const std::string_view text = records_.text(field, scratch_);
    if (!target.text && missing_.contains(internal::trimmed(text))) {
      if (target.missing.empty()) return Found::no_value;
      std::memcpy(element, target.missing.data(), target.missing.size());
      return Found::value;
    }
    return target.parser.parse(text, element) ? Found::value : Found::bad_value;
  }

  [[noreturn]] void fail(const Target& target, const std::string& message) const {
    const std::string line = std::to_string(line_);
    format_error(text_.origin.name,
                 "line " + line + ", " + internal::column_label(target.column, target.name) + ": " + message,
                 {{"line", line}, {"column", std::to_string(target.column + 1)}, {"name", target.name}});
  }

  [[noreturn]] void no_value(const Target& target) const {
    fail(target, "no value, and " + target.parser.dtype().name() +
                     " has none for that; give a value for missing ones (--missing) or a float dtype");
  }

  [[noreturn]] void bad_value(const Target& target, std::string_view text) const {
    const DType& dtype = target.parser.dtype();
    const std::string shown = "'" + internal::printable(text.substr(0, 60)) + (text.size() > 60 ? "...'" : "'");
    if (dtype.is_text()) {
      fail(target, shown + " does not fit " + dtype.to_string() + " (" + std::to_string(dtype.length()) +
                       (dtype.kind() == 'S' ? " bytes" : " characters") +
                       "), or is not UTF-8; give the column a longer dtype");
    }
    fail(target, shown + " is no " + dtype.name() + "; give the column another dtype");
  }

  [[noreturn]] void changed() const {
    format_error(text_.origin.name, "the file changed while it was read: " + std::to_string(scan_.rows) +
                                        " rows were counted, now there are " +
                                        (scan_.rows == 0 ? "some" : "more or fewer"));
  }

  const CsvScan::Text& text_;
  const CsvScan& scan_;
  internal::CsvRecords records_;
  internal::MissingTexts missing_;
  std::vector<Target> targets_{};
  std::string scratch_{};
  std::int64_t line_ = 0;  ///< of the record in which something is wrong
};

/// Reads all chunks, some at a time. Each is a text by itself; of several errors the first of the text is reported.
void read_chunks(const CsvScan& scan, const Array& destination, const Progress& progress) {
  const auto& places = scan.text->places;
  std::byte* const rows = destination.mutable_data();
  const std::int64_t stride = destination.strides()[0];
  const auto make = [&] { return std::make_unique<Reader>(scan, destination); };
  internal::Spares<Reader> spares;
  spares.give(make());  // what is wrong with the options is found here
  std::vector<std::exception_ptr> errors;
  for (std::size_t done = 0; done + 1 < places.size(); done += errors.size()) {
    errors.assign(std::min(internal::csv_chunks_at_once(), places.size() - 1 - done), nullptr);
    internal::parallel_blocks(errors.size(), 0, [&](std::size_t i) {
      auto reader = spares.take(make);
      const internal::CsvPlace &from = places[done + i], &to = places[done + i + 1];
      try {
        reader->run(from, to, done + i + 2 == places.size(), rows + from.row * stride, stride);
      } catch (const Error&) {
        errors[i] = std::current_exception();
      }
      spares.give(std::move(reader));
    });
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
    const std::int64_t passed = std::min(places[done + errors.size()].offset, scan.text_bytes);
    if (progress) progress(scan.text_bytes + passed, 2 * scan.text_bytes);
  }
  if (progress) progress(2 * scan.text_bytes, 2 * scan.text_bytes);
}

Array read_scanned(const CsvScan& scan, const Progress& progress) {
  Array result = empty(scan.shape, scan.dtype);
  read_csv_into(scan, result, progress);
  return result;
}

}  // namespace

void read_csv_into(const CsvScan& scan, const Array& destination, const Progress& progress) {
  if (!scan.text) throw Error(ErrorCode::Usage, "the CsvScan is empty; scan_csv makes one");
  if (destination.dtype() != scan.dtype) {
    throw Error(ErrorCode::DtypeMismatch, scan.text->origin.name + " holds " + scan.dtype.to_string() +
                                              ", the array to fill is " + destination.dtype().to_string());
  }
  if (destination.shape() != scan.shape) {
    throw Error(ErrorCode::ShapeMismatch, scan.text->origin.name + " holds shape " + scan.shape.str() +
                                              ", the array to fill has " + destination.shape().str());
  }
  read_chunks(scan, destination, progress);
}

Array read_csv(const std::string& path, const CsvOptions& options) {
  return read_scanned(scan_csv(path, options), options.progress);
}

Array read_csv(Source& source, const CsvOptions& options) {
  return read_scanned(scan_csv(source, options), options.progress);
}

}  // namespace ndshare
